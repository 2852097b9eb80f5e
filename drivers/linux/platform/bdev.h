/* SPDX-License-Identifier: GPL-2.0 */
/* A kernel block device as the core's: shared by device.c and submit.c alone. */
#ifndef TBK_LINUX_BDEV_H
#define TBK_LINUX_BDEV_H

#include <linux/bio.h>

#include "../compat.h"
#include "device.h"

struct tbk_bdev {
	struct tbk_device device;
	struct tbk_claim claim;
	struct bio_set bios;
	bool read_only;
};

void tbk_bdev_submit(struct tbk_device *device, struct tbk_io *io);

#endif /* TBK_LINUX_BDEV_H */
