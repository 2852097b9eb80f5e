// SPDX-License-Identifier: GPL-2.0
/*
 * The core's requests to a block device, as bios. A request whose payload is
 * one bio of a disk goes down as that very bio, without a second one.
 */
#include <linux/blkdev.h>
#include <linux/build_bug.h>
#include <linux/ioprio.h>
#include <linux/mm.h>

#include "bdev.h"
#include "payload.h"

static_assert(sizeof(struct tbk_plug) >= sizeof(struct blk_plug));

void tbk_plug_begin(struct tbk_plug *plug)
{
	blk_start_plug((struct blk_plug *)plug);
}

void tbk_plug_end(struct tbk_plug *plug)
{
	blk_finish_plug((struct blk_plug *)plug);
}

/* Kept in io->opaque: the bios on their way, and one more until all are sent. */
struct tbk_io_state {
	atomic_t left;
	int error; /* the first there was */
};

static_assert(sizeof(((struct tbk_io *)NULL)->opaque) >= sizeof(struct tbk_io_state));

static struct tbk_io_state *tbk_io_state(struct tbk_io *io)
{
	return (struct tbk_io_state *)io->opaque;
}

/* The first error stays. Context: any. */
static void tbk_io_fail(struct tbk_io *io, int error)
{
	cmpxchg(&tbk_io_state(io)->error, 0, error);
}

/* One bio less. @io may be gone on return. Context: any. */
static void tbk_io_drop(struct tbk_io *io, int error)
{
	struct tbk_io_state *state = tbk_io_state(io);

	if (error)
		tbk_io_fail(io, error);
	if (!atomic_dec_and_test(&state->left))
		return;
	io->error = state->error;
	io->done(io);
}

static void tbk_io_end(struct bio *bio)
{
	struct tbk_io *io = bio->bi_private;
	int error = blk_status_to_errno(bio->bi_status);

	bio_put(bio);
	tbk_io_drop(io, error);
}

/* A bio that its owner lent: theirs again once the request is done. */
static void tbk_io_end_lent(struct bio *bio)
{
	tbk_io_drop(bio->bi_private, blk_status_to_errno(bio->bi_status));
}

static blk_opf_t tbk_io_opf(const struct tbk_io *io)
{
	static const enum req_op ops[] = {
		[TBK_OP_READ] = REQ_OP_READ,
		[TBK_OP_WRITE] = REQ_OP_WRITE,
		[TBK_OP_FLUSH] = REQ_OP_WRITE,
		[TBK_OP_DISCARD] = REQ_OP_DISCARD,
	};
	blk_opf_t opf = ops[io->op];

	if (io->op == TBK_OP_FLUSH)
		return opf | REQ_PREFLUSH | REQ_SYNC;
	if (io->flags & TBK_IO_PREFLUSH)
		opf |= REQ_PREFLUSH;
	if (io->flags & TBK_IO_FUA)
		opf |= REQ_FUA;
	if (io->flags & TBK_IO_META)
		opf |= REQ_META | REQ_PRIO;
	if (io->flags & TBK_IO_SYNC)
		opf |= REQ_SYNC | REQ_IDLE;
	return opf;
}

/* Send @bio, whose sectors start @done bytes into the request. */
static void tbk_io_send(struct tbk_io *io, struct bio *bio, u64 done, bio_end_io_t *end)
{
	bio->bi_iter.bi_sector = io->sector + (done >> SECTOR_SHIFT);
	bio->bi_private = io;
	bio->bi_end_io = end;
	atomic_inc(&tbk_io_state(io)->left);
	submit_bio(bio);
}

static struct bio *tbk_io_bio(struct tbk_bdev *b, struct tbk_io *io, u64 pieces)
{
	unsigned short vecs = min_t(u64, pieces, BIO_MAX_VECS);

	struct bio *bio = bio_alloc_bioset(b->claim.bdev, vecs, tbk_io_opf(io), GFP_NOIO, &b->bios);

	/* Of whoever submits: other threads of a driver below would not know. */
	bio_set_prio(bio, get_current_ioprio());
	return bio;
}

static void tbk_submit_buffer(struct tbk_bdev *b, struct tbk_io *io)
{
	const u8 *at = io->payload->data + io->offset;
	struct bio *bio = NULL;
	u64 done = 0, start = 0;

	while (done < io->bytes) {
		unsigned int offset = offset_in_page(at + done);
		unsigned int piece = min_t(u64, io->bytes - done, PAGE_SIZE - offset);
		struct page *page = is_vmalloc_addr(at + done) ? vmalloc_to_page(at + done)
							       : virt_to_page(at + done);

		if (!bio) {
			bio = tbk_io_bio(b, io, (io->bytes - done) / PAGE_SIZE + 2);
			start = done;
		}
		if (bio_add_page(bio, page, piece, offset) == piece) {
			done += piece;
			continue;
		}
		tbk_io_send(io, bio, start, tbk_io_end);
		bio = NULL;
	}
	if (bio)
		tbk_io_send(io, bio, start, tbk_io_end);
}

static void tbk_submit_segments(struct tbk_bdev *b, struct tbk_io *io)
{
	const struct tbk_segment *segment = io->payload->data;
	const struct tbk_segment *end = segment + io->payload->count;
	u64 skip = io->offset, done = 0, start = 0;
	struct bio *bio = NULL;

	for (; skip >= segment->length; segment++)
		skip -= segment->length;
	while (done < io->bytes) {
		unsigned int piece = min_t(u64, io->bytes - done, segment->length - skip);

		if (!bio) {
			bio = tbk_io_bio(b, io, end - segment);
			start = done;
		}
		if (bio_add_page(bio, segment->page, piece, segment->offset + skip) == piece) {
			done += piece;
			segment++;
			skip = 0;
			continue;
		}
		tbk_io_send(io, bio, start, tbk_io_end);
		bio = NULL;
	}
	if (bio)
		tbk_io_send(io, bio, start, tbk_io_end);
}

/* Lend the device the payload's bio, if the request is all of it and it was not lent before. */
static bool tbk_submit_whole(struct tbk_bdev *b, struct tbk_io *io, struct tbk_payload_bio *p)
{
	if (io->offset || io->bytes != p->iter.bi_size || xchg(&p->sent, 1))
		return false;
	bio_set_dev(&p->bio, b->claim.bdev);
	p->bio.bi_opf = tbk_io_opf(io) | (p->bio.bi_opf & (REQ_SYNC | REQ_IDLE | REQ_RAHEAD));
	tbk_io_send(io, &p->bio, 0, tbk_io_end_lent);
	return true;
}

static void tbk_submit_bio(struct tbk_bdev *b, struct tbk_io *io)
{
	struct tbk_payload_bio *p = tbk_payload_bio(io->payload);
	struct bio *bio;

	if (tbk_submit_whole(b, io, p))
		return;
	bio = bio_alloc_clone(b->claim.bdev, &p->bio, GFP_NOIO, &b->bios);
	if (!bio) {
		tbk_io_fail(io, -ENOMEM);
		return;
	}
	/* The original's may be on its way and moving. */
	bio->bi_iter = p->iter;
	bio_advance(bio, io->offset);
	bio->bi_iter.bi_size = io->bytes;
	bio->bi_opf = tbk_io_opf(io) | (p->bio.bi_opf & (REQ_SYNC | REQ_IDLE | REQ_RAHEAD));
	tbk_io_send(io, bio, 0, tbk_io_end);
}

static void tbk_submit_discard(struct tbk_bdev *b, struct tbk_io *io)
{
	const u64 most = 1ull << 31; /* what a bio can count, on a round boundary */
	u64 done, piece;

	for (done = 0; done < io->bytes; done += piece) {
		struct bio *bio = tbk_io_bio(b, io, 0);

		piece = min(io->bytes - done, most);
		bio->bi_iter.bi_size = piece;
		tbk_io_send(io, bio, done, tbk_io_end);
	}
}

static void tbk_submit_payload(struct tbk_bdev *b, struct tbk_io *io)
{
	switch ((enum tbk_payload_kind)io->payload->kind) {
	case TBK_PAYLOAD_NONE:
		tbk_io_fail(io, -EINVAL);
		break;
	case TBK_PAYLOAD_BUFFER:
		tbk_submit_buffer(b, io);
		break;
	case TBK_PAYLOAD_SEGMENTS:
		tbk_submit_segments(b, io);
		break;
	case TBK_PAYLOAD_BIO:
		tbk_submit_bio(b, io);
		break;
	}
}

void tbk_bdev_submit(struct tbk_device *device, struct tbk_io *io)
{
	struct tbk_bdev *b = container_of(device, struct tbk_bdev, device);

	*tbk_io_state(io) = (struct tbk_io_state){ .left = ATOMIC_INIT(1) };
	switch ((enum tbk_op)io->op) {
	case TBK_OP_READ:
	case TBK_OP_WRITE:
		tbk_submit_payload(b, io);
		break;
	case TBK_OP_FLUSH:
		tbk_io_send(io, tbk_io_bio(b, io, 0), 0, tbk_io_end);
		break;
	case TBK_OP_DISCARD:
		tbk_submit_discard(b, io);
		break;
	case TBK_OP_WRITE_ZEROES:
		tbk_io_fail(io, -EOPNOTSUPP);
		break;
	}
	tbk_io_drop(io, 0);
}
