// SPDX-License-Identifier: GPL-2.0
/* A guest at work on a volume: what its requests take, and pages that it does not leave alone. */
#include <algorithm>
#include <string.h>

#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "volume_rig.h"

using namespace thinback;

namespace {

constexpr u32 batch = 16;
constexpr u32 many = 32; /* segments */

std::vector<u32> granted(Guest &guest, u32 count)
{
	std::vector<u32> pages;

	while (pages.size() < count)
		pages.push_back(guest.grant());
	return pages;
}

/* Reads or writes of one page, of several, and of many by a list, and flushes; none overlap. */
class Batch {
public:
	explicit Batch(VolumeDisk &disk) : disk_(disk)
	{
		for (u32 i = 0; i < batch; i++)
			pages_.push_back(granted(disk.guest, i % 4 == 3 ? many : 1 + i % 4 * 5));
	}

	/* All of them at once; whether each was answered as done. */
	bool run(u8 operation)
	{
		GuestReply reply = {};
		bool is_done = true;

		for (u32 i = 0; i < batch; i++) {
			disk_.guest.put(io(operation, i));
			/* One page holds the list: the next has to wait for it. */
			if (i % 4 != 3)
				continue;
			disk_.guest.put({ xen::op_flush, batch, 0, {}, 0, 7 });
			disk_.guest.kick();
			for (u32 n = 0; n < 5; n++)
				is_done &= disk_.guest.take(reply) && !reply.status;
		}
		return is_done;
	}

private:
	GuestIo io(u8 operation, u32 i) const
	{
		GuestIo io = { operation, i, u64(i) * many * 8, pages_[i], 0, 7 };

		io.is_indirect = i % 4 == 3;
		return io;
	}

	VolumeDisk &disk_;
	std::vector<std::vector<u32>> pages_;
};

void check_allocations(struct kunit *test, const GuestLayout &layout)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	VolumeDisk disk(pool.pool, "disk", nullptr, layout);
	REQUIRE(disk.is_connected);
	Batch requests(disk);
	/* From here on the map is in memory, and the journal on disk. */
	CHECK(requests.run(xen::op_write));
	CHECK(requests.run(xen::op_read));
	CHECK_EQ(tbk_pool_sync(pool.pool), 0);

	hosted_fail_alloc_after(1);
	for (u32 round = 0; round < 40; round++)
		CHECK(requests.run(round % 2 ? xen::op_read : xen::op_write));
	CHECK(!hosted_alloc_failed());
	hosted_fail_alloc_after(0);
}

} // namespace

TBK_TEST(requests_of_a_guest_allocate_nothing)
{
	check_allocations(test, {});
}

TBK_TEST(page_that_stays_costs_no_memory_for_requests)
{
	check_allocations(test, { .is_persistent = true });
}

namespace {

constexpr u32 blocks = 24;
constexpr u32 page_sectors = 8;
constexpr u32 was_zero = 16;

/*
 * Writes of one block each, or of part of it, whose pages another CPU of the
 * guest's changes before they are answered, and which are spoilt after that.
 * Block n has four values of its own, from (n + 1) * 4 on, and zero if @has_zeros.
 */
class Restless {
public:
	Restless(VolumeDisk &disk, bool has_zeros) : disk_(disk), has_zeros_(has_zeros)
	{
		for (u32 i = 0; i < blocks; i++) {
			pages_.push_back(disk.guest.grant());
			first_.push_back(static_cast<u8>(i % 3 ? 0 : random_.below(8)));
		}
	}

	/* Whether all was written. */
	bool run()
	{
		GuestReply reply = {};
		bool is_done = true;
		u32 left = blocks;

		std::fill(is_over_, is_over_ + blocks, false);
		for (u32 i = 0; i < blocks; i++) {
			start(i);
			disk_.guest.put({ xen::op_write,
					  i,
					  i * 8 + first_[i],
					  { pages_[i] },
					  first_[i],
					  7 });
		}
		is_changing_ = true;
		hosted_spawn("the guest's other CPU", [this, &left] {
			for (; left; hosted_yield())
				change();
			is_changing_ = false;
		});
		disk_.guest.kick();
		for (; left; left--) {
			is_done &= disk_.guest.take(reply) && !reply.status;
			is_over_[reply.id] = true;
			memset(page(static_cast<u32>(reply.id)), 0xee, xen::page_size);
		}
		while (is_changing_)
			hosted_yield();
		return is_done;
	}

	/* Whether each byte is one that its page had there before the answer; nobody wrote what is before. */
	bool is_sound(u32 i, const u8 *bytes) const
	{
		for (u32 at = 0; at < xen::page_size; at++) {
			const u32 had = had_[i][at / sector];
			const bool is_own = bytes[at] / 4 == i + 1 && had >> bytes[at] % 4 & 1;
			const bool is_zero =
				bytes[at] == 0 && (at / sector < first_[i] || had & was_zero);

			if (at / sector < first_[i] ? !is_zero : !is_own && !is_zero)
				return false;
		}
		return true;
	}

private:
	u8 *page(u32 i) { return disk_.guest.page(pages_[i]); }
	/* Two halves, which may differ. */
	void start(u32 i)
	{
		memset(had_[i], 0, sizeof(had_[i]));
		fill(i, 0);
		memset(had_[i] + page_sectors / 2, 0, sizeof(had_[i]) / 2);
		fill(i, page_sectors / 2);
	}
	/* From a sector of its page on: one of the block's values, or zero; remembered. */
	void fill(u32 i, u64 from)
	{
		const bool is_zero = has_zeros_ && random_.below(2);
		const u64 which = random_.below(4);

		for (u64 at = from; at < page_sectors; at++)
			had_[i][at] |= is_zero ? was_zero : 1u << which;
		memset(page(i) + from * sector, is_zero ? 0 : static_cast<int>((i + 1) * 4 + which),
		       (page_sectors - from) * sector);
	}
	void change()
	{
		const u32 i = static_cast<u32>(random_.below(blocks));

		/* Once each: a page that has had everything would tell nothing. */
		if (!is_over_[i])
			fill(i, random_.below(page_sectors));
		is_over_[i] = true;
	}

	VolumeDisk &disk_;
	bool has_zeros_;
	Random random_;
	std::vector<u32> pages_;
	std::vector<u8> first_;		     /* sector of the page that is written */
	u32 had_[blocks][page_sectors] = {}; /* bit n: the block's n-th value; or was_zero */
	bool is_over_[blocks] = {};	     /* it has changed, or its time to change */
	bool is_changing_ = false;
};

/* All of the disk's first blocks. */
std::vector<u8> content(struct kunit *test, VolumeDisk &disk)
{
	std::vector<u8> bytes;

	for (u32 i = 0; i < blocks; i++) {
		const u32 page = disk.guest.grant();

		CHECK_EQ(disk.ask({ xen::op_read, 1, i * 8, { page }, 0, 7 }), 0);
		bytes.insert(bytes.end(), disk.guest.page(page),
			     disk.guest.page(page) + xen::page_size);
	}
	return bytes;
}

void check_changes(struct kunit *test, bool has_zeros)
{
	VolumePool pool;
	struct tbk_volume_limits limits = {};
	std::vector<u8> found;

	REQUIRE(pool.is_ok);
	limits.set = TBK_LIMIT_DETECT_ZEROES;
	limits.detect_zeroes = has_zeros;
	REQUIRE(!tbk_volume_limit(pool.pool, "disk", &limits, nullptr));
	{
		VolumeDisk disk(pool.pool, "disk", nullptr);
		Restless writes(disk, has_zeros);

		/* New blocks, blocks that are there, and blocks that a snapshot shares. */
		for (u32 round = 0; round < 6; round++) {
			if (round == 4)
				CHECK(!tbk_snapshot_create(pool.pool, "disk", "then", nullptr));
			CHECK(writes.run());
			found = content(test, disk);
			for (u32 i = 0; i < blocks; i++)
				CHECK(writes.is_sound(i, &found[u64(i) * xen::page_size]));
		}
		CHECK_EQ(disk.flush(), 0);
	}
	pool.close();
	REQUIRE(pool.open());
	VolumeDisk again(pool.pool, "disk", nullptr);
	CHECK(content(test, again) == found);
}

} // namespace

TBK_TEST(page_may_change_while_it_is_written)
{
	check_changes(test, false);
}

TBK_TEST(page_may_change_while_zeros_are_looked_for)
{
	check_changes(test, true);
}
