// SPDX-License-Identifier: GPL-2.0
/*
 * A frontend's directory that says anything: what passes is within what was
 * offered, and no name of a key is cut short.
 *
 * An input is the offer, two bytes, then values that end with a zero byte, in
 * the order in which keys are asked for; the last counts on and on, so that a
 * short input fills many rings.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <thinback/platform.h>

#include "../../drivers/vbd/features.h"

using namespace thinback;

namespace {

constexpr size_t longest_key = sizeof("queue-63/event-channel") - 1;

/* Bytes as values of keys; those of a guest end with a zero, which xenbus adds. */
class AnyKeys : public FrontendKeys {
public:
	AnyKeys(const char *data, size_t size) : at_(data), left_(size) {}

	const char *read(const char *key) override
	{
		TBK_ASSERT(strlen(key) <= longest_key);
		free(value_);
		value_ = nullptr;
		if (left_ == 0)
			return nullptr;

		const size_t length = strnlen(at_, left_);

		/* On the heap and of its size: what is read behind it is found. */
		value_ = strndup(at_, length);
		if (length < left_) {
			at_ += length + 1;
			left_ -= length + 1;
		}
		return value_;
	}
	~AnyKeys() { free(value_); }

private:
	const char *at_;
	size_t left_;
	char *value_ = nullptr;
};

void check_features(const FrontendFeatures &features, const Offer &offer)
{
	TBK_ASSERT(features.queues >= 1 && features.queues <= offer.queues);
	TBK_ASSERT(features.ring_pages >= 1 && features.ring_pages <= 1u << offer.ring_order);
	TBK_ASSERT((features.ring_pages & (features.ring_pages - 1)) == 0);
	TBK_ASSERT(!features.is_persistent || offer.is_persistent);
}

/* A number is what strtoull() makes of the same text. */
void check_number(const char *text)
{
	u32 value = 0;

	if (!parse_u32(text, value))
		return;
	TBK_ASSERT(!strchr(text, '-') && !strchr(text, '+'));
	TBK_ASSERT(strtoull(text, nullptr, 10) == value);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	FrontendFeatures features;
	RingKeys ring;

	if (size < 2)
		return 0;

	const Offer offer = { .queues = 1u + data[0] % max_queues,
			      .ring_order = data[1] % (max_ring_order + 1u),
			      .is_persistent = (data[1] & 0x80) != 0 };
	AnyKeys numbers(reinterpret_cast<const char *>(data) + 2, size - 2);
	AnyKeys keys(reinterpret_cast<const char *>(data) + 2, size - 2);

	if (const char *text = numbers.read("state"))
		check_number(text);
	if (read_features(keys, offer, features) != Misfit::none)
		return 0;
	check_features(features, offer);
	for (u32 queue = 0; queue < features.queues; queue++) {
		if (read_ring(keys, features, queue, ring) != Misfit::none)
			break;
		TBK_ASSERT(ring.pages == features.ring_pages);
	}
	return 0;
}
