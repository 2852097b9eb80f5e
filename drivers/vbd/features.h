/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/xen/blkif.h>

namespace thinback {

/* The directory of the frontend in xenstore, or what stands for it in a test. */
class FrontendKeys {
public:
	/* Value of @key, or NULL if there is none; valid until the next call. */
	virtual const char *read(const char *key) = 0;

protected:
	~FrontendKeys() = default;
};

#define TBK_MISFITS(X)                                                        \
	X(unknown_protocol, "protocol is not one of ours")                    \
	X(bad_queue_count, "multi-queue-num-queues is more than was offered") \
	X(bad_ring_order, "ring-page-order is more than was offered")         \
	X(no_event_channel, "event-channel is missing or no number")          \
	X(no_ring_ref, "ring-ref is missing or no number")

/* Why a frontend cannot be connected. */
enum class Misfit : u8 {
	none,
#define TBK_MISFIT_NAME(name, text) name,
	TBK_MISFITS(TBK_MISFIT_NAME)
#undef TBK_MISFIT_NAME
};

const char *to_text(Misfit misfit);

/* More than these are never offered, whatever the administrator says. */
inline constexpr u32 max_queues = 64;
inline constexpr u32 max_ring_order = 4;
static_assert(1u << max_ring_order == xen::max_ring_pages);

/* What we told the frontend it may ask for; the same from the offer to the connection. */
struct Offer {
	u32 queues = 1;
	u32 ring_order = 0; /* log2 of the pages of a ring */
	bool is_persistent = false;
};

/* One ring as the frontend describes it. */
struct RingKeys {
	u32 pages = 0;
	u32 grants[xen::max_ring_pages]{};
	u32 event_port = 0;

	bool operator==(const RingKeys &) const = default;
};

/* What a frontend asks for. */
struct FrontendFeatures {
	xen::Abi abi = xen::Abi::native;
	u32 queues = 1;
	u32 ring_pages = 1;
	bool is_persistent = false; /* grants are used again, and may stay mapped */
	bool is_numbered = false;   /* grants are in ring-ref0, ... instead of ring-ref */
};

/*
 * Reads what holds for all rings. Once for a connection: a frontend that
 * changes its keys meanwhile must not get rings of different sizes.
 */
Misfit read_features(FrontendKeys &keys, const Offer &offer, FrontendFeatures &features);

/* Reads the keys of ring @queue. */
Misfit read_ring(FrontendKeys &keys, const FrontendFeatures &features, u32 queue, RingKeys &ring);

/* A decimal number that fits; false for anything else, the empty string included. */
bool parse_u32(const char *text, u32 &value);

} // namespace thinback
