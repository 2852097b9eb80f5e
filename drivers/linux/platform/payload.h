/* SPDX-License-Identifier: GPL-2.0 */
/* A bio as the payload of a request. */
#ifndef TBK_LINUX_PAYLOAD_H
#define TBK_LINUX_PAYLOAD_H

#include <linux/bio.h>

#include <thinback/platform.h>

/*
 * Where the @data of a TBK_PAYLOAD_BIO lies: the last part of what its owner's
 * bio_set keeps in front of each bio. Owned by who made the request, until
 * the request's done.
 */
struct tbk_payload_bio {
	struct bvec_iter iter; /* as it was: the block layer moves the bio's own */
	int sent;	       /* nonzero once a device has taken @bio itself */
	struct bio bio;	       /* last: its vectors may follow */
};

static inline struct tbk_payload_bio *tbk_payload_bio(const struct tbk_payload *payload)
{
	return container_of((struct bio *)payload->data, struct tbk_payload_bio, bio);
}

/* Make @bio, of a bio_set as told above, the payload. */
static inline void tbk_payload_set_bio(struct tbk_payload *payload, struct bio *bio)
{
	payload->data = bio;
	payload->kind = TBK_PAYLOAD_BIO;
	payload->count = 1;
	payload->bytes = bio->bi_iter.bi_size;
	tbk_payload_bio(payload)->iter = bio->bi_iter;
	tbk_payload_bio(payload)->sent = 0;
}

#endif /* TBK_LINUX_PAYLOAD_H */
