// SPDX-License-Identifier: GPL-2.0
#include "features.h"

#include <thinback/platform.h>

namespace thinback {
namespace {

constexpr size_t key_size = 40; /* "queue-4294967295/ring-ref4294967295" */

bool is_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/*
 * GRUB leaves empty strings where it removes a key: those count as missing,
 * and so does what is no number.
 */
bool read_u32(FrontendKeys &keys, const char *key, u32 &value)
{
	const char *text = keys.read(key);

	return text && parse_u32(text, value);
}

Misfit read_abi(FrontendKeys &keys, xen::Abi &abi)
{
	const char *protocol = keys.read("protocol");

	if (!protocol || !*protocol) {
		/* What Linux has always taken on x86, whatever the specification says. */
#if defined(__x86_64__) || defined(__i386__)
		abi = xen::Abi::x86_32;
#else
		abi = xen::Abi::native;
#endif
	} else if (is_equal(protocol, "x86_32-abi")) {
		abi = xen::Abi::x86_32;
	} else if (is_equal(protocol, "x86_64-abi")) {
		abi = xen::Abi::x86_64;
#if defined(__aarch64__)
	} else if (is_equal(protocol, "arm-abi")) {
		abi = xen::Abi::native;
#endif
	} else {
		return Misfit::unknown_protocol;
	}
	return Misfit::none;
}

/* Keys of the only queue lie at the top, those of several in folders of their own. */
class KeyName {
public:
	KeyName(const FrontendFeatures &features, u32 queue, const char *name)
	{
		if (features.queues > 1)
			tbk_format(text_, sizeof(text_), "queue-%u/%s", queue, name);
		else
			tbk_format(text_, sizeof(text_), "%s", name);
	}
	const char *text() const { return text_; }

private:
	char text_[key_size];
};

bool read_ring_grant(FrontendKeys &keys, const FrontendFeatures &features, u32 queue, u32 page,
		     u32 &grant)
{
	char name[20];

	tbk_format(name, sizeof(name), "ring-ref%u", page);
	return read_u32(keys, KeyName(features, queue, name).text(), grant);
}

bool read_numbered_grants(FrontendKeys &keys, const FrontendFeatures &features, u32 queue,
			  RingKeys &ring)
{
	for (u32 page = 0; page < ring.pages; page++) {
		if (!read_ring_grant(keys, features, queue, page, ring.grants[page]))
			return false;
	}
	return true;
}

} // namespace

bool parse_u32(const char *text, u32 &value)
{
	u64 sum = 0;

	while (is_space(*text))
		text++;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		sum = sum * 10 + static_cast<u64>(*text - '0');
		if (sum > ~0u)
			return false;
	}
	while (is_space(*text))
		text++;
	if (*text)
		return false;
	value = static_cast<u32>(sum);
	return true;
}

Misfit read_features(FrontendKeys &keys, const Offer &offer, FrontendFeatures &features)
{
	u32 order = 0;

	features = {};
	const Misfit misfit = read_abi(keys, features.abi);
	if (misfit != Misfit::none)
		return misfit;

	if (read_u32(keys, "multi-queue-num-queues", features.queues) &&
	    (features.queues == 0 || features.queues > offer.queues))
		return Misfit::bad_queue_count;

	/*
	 * ring-ref0 alone says nothing, a frontend of before may have left it:
	 * the order does, even if it is 0.
	 */
	features.is_numbered = read_u32(keys, "ring-page-order", order);
	if (order > offer.ring_order)
		return Misfit::bad_ring_order;
	features.ring_pages = 1u << order;

	u32 persistent = 0;
	features.is_persistent = offer.is_persistent &&
				 read_u32(keys, "feature-persistent", persistent) && persistent;
	return Misfit::none;
}

Misfit read_ring(FrontendKeys &keys, const FrontendFeatures &features, u32 queue, RingKeys &ring)
{
	ring = {};
	if (!read_u32(keys, KeyName(features, queue, "event-channel").text(), ring.event_port))
		return Misfit::no_event_channel;

	ring.pages = features.ring_pages;
	if (features.is_numbered && read_numbered_grants(keys, features, queue, ring))
		return Misfit::none;
	/* Some write an order of 0 and then ring-ref all the same. */
	if (ring.pages == 1 &&
	    read_u32(keys, KeyName(features, queue, "ring-ref").text(), ring.grants[0]))
		return Misfit::none;
	return Misfit::no_ring_ref;
}

const char *to_text(Misfit misfit)
{
	switch (misfit) {
	case Misfit::none:
		return "nothing";
#define TBK_MISFIT_TEXT(name, text) \
	case Misfit::name:          \
		return text;
		TBK_MISFITS(TBK_MISFIT_TEXT)
#undef TBK_MISFIT_TEXT
	}
	return "unknown reason";
}

} // namespace thinback
