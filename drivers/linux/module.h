/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TBK_LINUX_MODULE_H
#define TBK_LINUX_MODULE_H

#define TBK_VERSION "0.1.0"
#define TBK_FORMAT_VERSION 1 /* newest pool format the core reads */

#endif /* TBK_LINUX_MODULE_H */
