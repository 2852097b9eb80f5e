/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by control.c and lists.c alone. */
#ifndef TBK_LINUX_CONTROL_H
#define TBK_LINUX_CONTROL_H

#include <linux/types.h>

/*
 * Structures that start with their size as the caller knows it: a shorter one
 * is taken as if the rest were zero, a longer one if its rest is zero; what
 * goes back is what both know.
 */
int tbk_copy_in(void *to, size_t size, const void __user *from, u32 *user_size);
int tbk_copy_out(void __user *to, const void *from, size_t size, u32 user_size);

/* THINBACK_LIST_POOLS and THINBACK_LIST_OBJECTS. */
int tbk_control_list(unsigned int cmd, void __user *arg);

#endif /* TBK_LINUX_CONTROL_H */
