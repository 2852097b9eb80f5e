/* SPDX-License-Identifier: GPL-2.0 */
/* Between control_fuzz.cc and what stands for the kernel around control.c. */
#ifndef TBK_CONTROL_FUZZ_H
#define TBK_CONTROL_FUZZ_H

#include <thinback/entry.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TBK_FUZZ_USER 16384u /* bytes that a caller has */

extern unsigned char tbk_fuzz_user[TBK_FUZZ_USER];

/* The pool on @device can be attached, as /dev/tank; what was before is forgotten. */
void tbk_fuzz_set_device(struct tbk_device *device);
/* As the device's file would get it; after tbk_fuzz_set_device(). */
long tbk_fuzz_ioctl(unsigned int cmd, unsigned long arg);
/* Detaches the pool, if it is attached. */
void tbk_fuzz_detach(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_CONTROL_FUZZ_H */
