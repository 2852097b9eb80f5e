// SPDX-License-Identifier: GPL-2.0
/* The bytes of a request, wherever they are. */
#include <linux/highmem.h>
#include <linux/string.h>

#include "payload.h"

/* What to do with a piece of a payload: one of @from, @to and @look, or none to zero it. */
struct tbk_copy {
	const u8 *from;
	u8 *to;
	bool look;
	bool differs; /* from zeros */
};

static void tbk_copy_mapped(struct tbk_copy *copy, void *at, size_t bytes)
{
	if (copy->look) {
		copy->differs = copy->differs || memchr_inv(at, 0, bytes);
	} else if (copy->to) {
		memcpy(copy->to, at, bytes);
		copy->to += bytes;
	} else if (copy->from) {
		memcpy(at, copy->from, bytes);
		copy->from += bytes;
	} else {
		memset(at, 0, bytes);
	}
}

/* A piece inside one page. */
static void tbk_copy_page(struct tbk_copy *copy, struct page *page, size_t offset, size_t bytes)
{
	u8 *mapped = kmap_local_page(page);

	tbk_copy_mapped(copy, mapped + offset, bytes);
	if (!copy->to && !copy->look)
		flush_dcache_page(page);
	kunmap_local(mapped);
}

static void tbk_copy_segments(struct tbk_copy *copy, const struct tbk_segment *segment,
			      size_t offset, size_t bytes)
{
	size_t piece;

	for (; bytes; segment++) {
		if (offset >= segment->length) {
			offset -= segment->length;
			continue;
		}
		piece = min_t(size_t, bytes, segment->length - offset);
		tbk_copy_page(copy, segment->page, segment->offset + offset, piece);
		offset = 0;
		bytes -= piece;
	}
}

static void tbk_copy_bio(struct tbk_copy *copy, const struct tbk_payload *payload, size_t offset,
			 size_t bytes)
{
	struct tbk_payload_bio *p = tbk_payload_bio(payload);
	struct bvec_iter start = p->iter;
	struct bvec_iter iter;
	struct bio_vec vec;

	bio_advance_iter(&p->bio, &start, offset);
	start.bi_size = bytes;
	__bio_for_each_segment(vec, &p->bio, iter, start)
		tbk_copy_page(copy, vec.bv_page, vec.bv_offset, vec.bv_len);
}

static void tbk_copy(struct tbk_copy *copy, const struct tbk_payload *payload, size_t offset,
		     size_t bytes)
{
	switch ((enum tbk_payload_kind)payload->kind) {
	case TBK_PAYLOAD_NONE:
		break;
	case TBK_PAYLOAD_BUFFER:
		tbk_copy_mapped(copy, payload->data + offset, bytes);
		break;
	case TBK_PAYLOAD_SEGMENTS:
		tbk_copy_segments(copy, payload->data, offset, bytes);
		break;
	case TBK_PAYLOAD_BIO:
		tbk_copy_bio(copy, payload, offset, bytes);
		break;
	}
}

void tbk_payload_zero(const struct tbk_payload *payload, size_t offset, size_t bytes)
{
	struct tbk_copy copy = {};

	tbk_copy(&copy, payload, offset, bytes);
}

int tbk_payload_is_zero(const struct tbk_payload *payload, size_t offset, size_t bytes)
{
	struct tbk_copy copy = { .look = true };

	tbk_copy(&copy, payload, offset, bytes);
	return !copy.differs;
}

void tbk_payload_get(const struct tbk_payload *payload, size_t offset, void *to, size_t bytes)
{
	struct tbk_copy copy = { .to = to };

	tbk_copy(&copy, payload, offset, bytes);
}

void tbk_payload_put(const struct tbk_payload *payload, size_t offset, const void *from,
		     size_t bytes)
{
	struct tbk_copy copy = { .from = from };

	tbk_copy(&copy, payload, offset, bytes);
}
