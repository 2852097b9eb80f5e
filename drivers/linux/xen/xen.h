/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TBK_LINUX_XEN_H
#define TBK_LINUX_XEN_H

/* Serve guests' disks. Does nothing, and is no error, when there is no Xen below. */
int tbk_xen_init(void);
void tbk_xen_exit(void);

#endif /* TBK_LINUX_XEN_H */
