// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <thinback/base/span.h>

namespace thinback {
namespace {

/* One slot, private. Words, since slots of x86_32 are aligned to no more. */
union SlotCopy {
	u32 words[sizeof(xen::WireReadWrite) / sizeof(u32)];
	xen::WireReadWrite rw;
	xen::WireDiscard discard;
	xen::WireIndirect indirect;
	xen::WireReadWrite32 rw32;
	xen::WireDiscard32 discard32;
	xen::WireIndirect32 indirect32;
};

/* Either end may run on another CPU even if our kernel has but one. */
void full_barrier()
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Both layouts have the same names in the same order; only the padding differs. */
template <typename ReadWrite, typename Discard, typename Indirect> void
translate(const ReadWrite &rw, const Discard &discard, const Indirect &indirect, RawRequest &out)
{
	out.operation = rw.operation;
	out.indirect_operation = 0;
	out.flag = 0;
	out.segment_count = 0;
	out.id = rw.id;
	out.sector = rw.sector;
	out.sector_count = 0;

	if (rw.operation == xen::op_discard) {
		out.flag = discard.flag;
		out.sector_count = discard.nr_sectors;
	} else if (rw.operation == xen::op_indirect) {
		out.indirect_operation = indirect.indirect_op;
		out.segment_count = indirect.nr_segments;
		__builtin_memcpy(out.indirect_grants, indirect.grants, sizeof(indirect.grants));
	} else {
		out.segment_count = rw.nr_segments;
		__builtin_memcpy(out.segments, rw.segments, sizeof(rw.segments));
	}
}

} // namespace

bool BackRing::attach(void *shared, u32 pages, xen::Abi abi)
{
	TBK_ASSERT(pages > 0 && pages <= xen::max_ring_pages);
	head_ = static_cast<xen::RingHead *>(shared);
	abi_ = abi;
	slots_ = xen::slot_count(abi, pages);

	const u32 start = read_once(head_->rsp_prod);

	taken_ = start;
	published_ = start;
	written_.store_relaxed(start);
	return demand().is_sane;
}

u8 *BackRing::slot(u32 index) const
{
	const size_t offset = static_cast<size_t>(index & (slots_ - 1)) * xen::slot_size(abi_);

	return reinterpret_cast<u8 *>(head_ + 1) + offset;
}

Demand BackRing::demand() const
{
	/* Acquire: requests are read after the index that covers them. */
	const u32 put = __atomic_load_n(&head_->req_prod, __ATOMIC_ACQUIRE);
	/*
	 * Read after `put`: a frontend that goes by the rules has seen what
	 * made room for its request, and so do we.
	 */
	const u32 unanswered = taken_ - written_.load_relaxed();
	const u32 waiting = put - taken_;

	return { waiting <= slots_ - unanswered, waiting };
}

void BackRing::take(RawRequest &request)
{
	const auto *shared = reinterpret_cast<const u32 *>(slot(taken_));
	const u32 words = xen::slot_size(abi_) / sizeof(u32);
	SlotCopy copy = {};

	for (u32 i = 0; i < words; i++)
		copy.words[i] = read_once(shared[i]);
	taken_++;

	if (abi_ == xen::Abi::x86_32)
		translate(copy.rw32, copy.discard32, copy.indirect32, request);
	else
		translate(copy.rw, copy.discard, copy.indirect, request);
}

bool BackRing::arm()
{
	write_once(head_->req_event, taken_ + 1);
	full_barrier();
	return read_once(head_->req_prod) != taken_;
}

void BackRing::respond(u64 id, u8 operation, xen::Reply reply)
{
	const u32 index = written_.load_relaxed();
	auto &response = *reinterpret_cast<xen::WireResponse *>(slot(index));

	/* In place and field by field: what lies between is the guest's own. */
	response.id = id;
	response.operation = operation;
	response.status = static_cast<short>(reply);
	written_.store_relaxed(index + 1);
}

bool BackRing::publish()
{
	const u32 before = published_;
	const u32 now = written_.load_relaxed();

	if (now == before)
		return false;
	__atomic_store_n(&head_->rsp_prod, now, __ATOMIC_RELEASE);
	published_ = now;
	full_barrier();
	return now - read_once(head_->rsp_event) < now - before;
}

} // namespace thinback
