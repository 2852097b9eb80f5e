/* SPDX-License-Identifier: GPL-2.0 */
/* The frontend's end of a ring, for tests: writes whatever it is told to. */
#pragma once

#include <thinback/xen/blkif.h>

namespace thinback {

class GuestRing {
public:
	GuestRing(void *pages, xen::Abi abi) : abi_(abi) { join(pages, abi); }

	/* Starts over on other pages. */
	void join(void *pages, xen::Abi abi)
	{
		head_ = static_cast<xen::RingHead *>(pages);
		abi_ = abi;
	}

	xen::RingHead &head() const { return *head_; }

	u8 *slot(u32 index, u32 slots = 32) const
	{
		return reinterpret_cast<u8 *>(head_ + 1) +
		       size_t{ xen::slot_size(abi_) } * (index % slots);
	}

	/* Both layouts of a read or write, as this ring has it. */
	void put_read_write(u32 index, u8 operation, u8 segments, u64 id, u64 sector) const
	{
		if (abi_ == xen::Abi::x86_32)
			fill(*reinterpret_cast<xen::WireReadWrite32 *>(slot(index)), operation,
			     segments, id, sector);
		else
			fill(*reinterpret_cast<xen::WireReadWrite *>(slot(index)), operation,
			     segments, id, sector);
	}

	xen::WireSegment *segments(u32 index) const
	{
		return reinterpret_cast<xen::WireSegment *>(slot(index) +
							    (abi_ == xen::Abi::x86_32 ? 20 : 24));
	}

	const xen::WireResponse &response(u32 index) const
	{
		return *reinterpret_cast<const xen::WireResponse *>(slot(index));
	}

	void push(u32 count) const { head_->req_prod += count; }

private:
	template <typename Wire>
	static void fill(Wire &wire, u8 operation, u8 segments, u64 id, u64 sector)
	{
		wire.operation = operation;
		wire.nr_segments = segments;
		wire.handle = 0xdead;
		wire.id = id;
		wire.sector = sector;
	}

	xen::RingHead *head_ = nullptr;
	xen::Abi abi_;
};

} // namespace thinback
