// SPDX-License-Identifier: GPL-2.0
/* Bios from dom0 to a volume. Nothing waits here: the core answers in its own time. */
#include <linux/blkdev.h>

#include "disk_io.h"

static struct tbk_disk_io *tbk_disk_io(struct bio *clone)
{
	return container_of(clone, struct tbk_disk_io, payload.bio);
}

/* Context: any. The clone, which holds the request, goes before its origin. */
static void tbk_disk_done(struct tbk_request *request)
{
	struct tbk_disk_io *io = container_of(request, struct tbk_disk_io, request);
	struct bio *origin = io->origin;

	if (io->start)
		bio_end_io_acct(origin, io->start);
	if (request->error)
		origin->bi_status = errno_to_blk_status(request->error);
	bio_put(&io->payload.bio);
	bio_endio(origin);
}

/* Return: enum tbk_op, or -EOPNOTSUPP. */
static int tbk_disk_op(const struct bio *bio)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		return TBK_OP_READ;
	case REQ_OP_WRITE:
		return bio->bi_iter.bi_size ? TBK_OP_WRITE : TBK_OP_FLUSH;
	case REQ_OP_FLUSH:
		return TBK_OP_FLUSH;
	case REQ_OP_DISCARD:
		return TBK_OP_DISCARD;
	case REQ_OP_WRITE_ZEROES:
		return TBK_OP_WRITE_ZEROES;
	default:
		return -EOPNOTSUPP;
	}
}

/* We are called from submit_bio(), which sends what we submit only after we return. */
static u32 tbk_disk_flags(const struct bio *bio)
{
	u32 flags = TBK_REQUEST_QUICK;

	if (bio->bi_opf & REQ_PREFLUSH)
		flags |= TBK_IO_PREFLUSH;
	if (bio->bi_opf & REQ_FUA)
		flags |= TBK_IO_FUA;
	if (bio->bi_opf & REQ_SYNC)
		flags |= TBK_IO_SYNC;
	return flags;
}

/* A clone to carry the request; with the data of @origin, if it has any. Waits for memory. */
static struct tbk_disk_io *tbk_disk_io_alloc(struct tbk_disk *disk, struct bio *origin)
{
	struct bio *clone;

	if (bio_has_data(origin))
		clone = bio_alloc_clone(origin->bi_bdev, origin, GFP_NOIO, &disk->bios);
	else
		clone = bio_alloc_bioset(origin->bi_bdev, 0, origin->bi_opf, GFP_NOIO, &disk->bios);
	return clone ? tbk_disk_io(clone) : NULL;
}

static void tbk_disk_io_fill(struct tbk_disk_io *io, struct bio *origin, int op)
{
	struct tbk_request *request = &io->request;

	io->origin = origin;
	io->start = 0;
	request->op = op;
	request->flags = tbk_disk_flags(origin);
	request->sector = origin->bi_iter.bi_sector;
	request->bytes = origin->bi_iter.bi_size;
	request->done = tbk_disk_done;
	request->error = 0;
	if (bio_has_data(origin))
		tbk_payload_set_bio(&request->payload, &io->payload.bio);
	else
		request->payload = (struct tbk_payload){ .kind = TBK_PAYLOAD_NONE };
}

void tbk_disk_submit_bio(struct bio *origin)
{
	struct tbk_disk *disk = origin->bi_bdev->bd_disk->private_data;
	struct tbk_volume *volume = disk->opened;
	int op = tbk_disk_op(origin);
	struct tbk_disk_io *io;

	if (op < 0 || !volume) {
		origin->bi_status = volume ? BLK_STS_NOTSUPP : BLK_STS_IOERR;
		bio_endio(origin);
		return;
	}
	io = tbk_disk_io_alloc(disk, origin);
	if (!io) {
		origin->bi_status = BLK_STS_RESOURCE;
		bio_endio(origin);
		return;
	}
	tbk_disk_io_fill(io, origin, op);
	if (blk_queue_io_stat(disk->gd->queue))
		io->start = bio_start_io_acct(origin);
	tbk_volume_submit(volume, &io->request);
}
