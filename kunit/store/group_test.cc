// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/store/group.h"
#include "../harness/check.h"
#include "small_pool.h"

using namespace thinback;

namespace {

constexpr u32 blocks = static_cast<u32>(format::group_blocks);
constexpr u32 slot = Group::slot_blocks;
constexpr u32 stretch = 16 * slot;

/* A group in which nothing is in use but what is fixed; locked as long as it lives. */
class Grouped {
public:
	explicit Grouped(u64 index = 1, u64 pool_blocks = 4 * format::group_blocks)
		TBK_NO_TSA /* a lock that outlives the function */
	{
		auto made = Group::create(index);

		if (!made.is_ok())
			return;
		group_ = made.release();
		group_->lock().lock();
		group_->init_fixed({ pool_blocks, 100, 1 });
		group_->loaded();
	}
	~Grouped() TBK_NO_TSA
	{
		if (!group_)
			return;
		group_->lock().unlock();
		Group::destroy(group_);
	}
	Grouped(const Grouped &) = delete;
	Grouped &operator=(const Grouped &) = delete;

	Group *operator->() const
	{
		TBK_ASSERT(group_);
		return group_;
	}

	Group *get() const { return group_; }

	/* Whether epoch @epoch has the block in use. */
	bool is_used(u64 epoch, u32 at) const TBK_NO_TSA
	{
		constexpr u32 bits = static_cast<u32>(format::bitmap_bits);
		u8 *bitmap = static_cast<u8 *>(tbk_alloc(format::block_size, TBK_MAY_SLEEP));

		TBK_ASSERT(bitmap);
		group_->copy_bitmap(epoch, at / bits, bitmap);
		const bool used = (bitmap[at % bits / 8] >> (at % 8)) & 1;
		tbk_free(bitmap);
		return used;
	}

private:
	Group *group_ = nullptr;
};

constexpr u32 fixed_1 = 18;

u32 plain_free_slots(const bool *taken, u32 count)
{
	u32 free = 0;

	for (u32 i = 0; i < count; i += slot) {
		u32 left = slot;

		while (left > 0 && !taken[i + left - 1])
			left--;
		free += left == 0;
	}
	return free;
}

/* How many can be had, one after the other; they are given back. */
u32 free_slots(Group &group) TBK_NO_TSA
{
	constexpr u32 most = 16;
	u32 found[most];
	u32 count = 0;

	for (; count < most; count++) {
		const Run run = group.take_aligned(0, slot, false);

		if (run.count != slot || run.start % slot != 0)
			break;
		found[count] = static_cast<u32>(run.start);
	}
	for (u32 left = count; left > 0; left--)
		group.give_back(found[left - 1], slot);
	return count;
}

} // namespace

TBK_TEST(group_fixed_blocks_are_taken_in_first_group)
TBK_NO_TSA
{
	Grouped group(0);

	CHECK_EQ(group->free_live(), blocks - 44 - 8 - 100);
	CHECK_EQ(group->take_at(43, 1), 0);
	CHECK_EQ(group->take_at(44, 1), 1);
	CHECK_EQ(group->take_at(8191, 5), 1);
	CHECK_EQ(group->take_at(8200 + 99, 1), 0);
	CHECK_EQ(group->take_at(8200 + 100, 1), 1);
}

TBK_TEST(group_fixed_blocks_are_taken_past_end_of_pool)
TBK_NO_TSA
{
	Grouped group(1, format::group_blocks + 1000);

	CHECK_EQ(group->free_live(), 1000 - fixed_1);
	CHECK_EQ(group->take_at(999, 100), 1);
	CHECK_EQ(group->take_at(1000, 100), 0);
}

TBK_TEST(group_loaded_bitmap_decides_what_is_live)
TBK_NO_TSA
{
	Grouped group;
	u8 *bits = static_cast<u8 *>(tbk_alloc(format::payload_size, TBK_MAY_SLEEP));

	REQUIRE(bits != nullptr);
	bits[0] = 0xff;
	bits[10] = 1;
	group->load_bitmap(8, bits);
	group->loaded();
	tbk_free(bits);
	const u32 first = 8 * static_cast<u32>(format::bitmap_bits);

	CHECK_EQ(group->take_at(first, 1), 0);
	CHECK_EQ(group->take_at(first + 8, 1000), 72);
	CHECK(group.is_used(0, first) && group.is_used(1, first + 7));
	CHECK(!group.is_used(0, first + 8));
}

TBK_TEST(group_take_at_stops_at_taken_block)
TBK_NO_TSA
{
	Grouped group;

	CHECK_EQ(group->take_at(1000, 1), 1);
	CHECK_EQ(group->take_at(990, 100), 10);
	CHECK_EQ(group->take_at(990, 100), 0);
	group->give_back(995, 2);
	CHECK_EQ(group->take_at(995, 100), 2);
}

TBK_TEST(group_take_at_stops_at_end_of_group)
TBK_NO_TSA
{
	Grouped group;

	CHECK_EQ(group->take_at(blocks - 3, 100), 3);
}

TBK_TEST(group_take_aligned_keeps_offset_in_slot)
TBK_NO_TSA
{
	Grouped group;

	for (u32 offset = 0; offset < slot; offset++) {
		const Run run = group->take_aligned(offset, 1, false);

		CHECK_EQ(run.start % slot, offset);
		CHECK_EQ(run.count, 1);
	}
}

TBK_TEST(group_take_aligned_leaves_neighbourhoods_alone)
TBK_NO_TSA
{
	Grouped group;
	const Run one = group->take_aligned(3, 2, false);
	const Run two = group->take_aligned(3, 2, false);

	CHECK(one.start / slot != two.start / slot);
	CHECK_EQ(group->take_at(static_cast<u32>(one.start) + 2, slot - 5), slot - 5);
}

TBK_TEST(group_take_aligned_spans_slots)
TBK_NO_TSA
{
	Grouped group;
	const Run run = group->take_aligned(15, 40, false);

	CHECK_EQ(run.start % slot, 15);
	CHECK_EQ(run.count, 40);
}

TBK_TEST(group_take_aligned_gives_less_when_slots_are_few)
TBK_NO_TSA
{
	Grouped group(1, format::group_blocks + 6ull * slot);
	/* Slots 2 to 5 are whole: 3 goes. */
	CHECK_EQ(group->take_at(3 * slot + 5, 1), 1);
	const Run run = group->take_aligned(2, 10 * slot, false);

	CHECK_EQ(run.start, 4 * slot + 2);
	CHECK_EQ(run.count, 2 * slot - 2);
	const Run rest = group->take_aligned(0, 1000, false);

	CHECK_EQ(rest.start, 2 * slot);
	CHECK_EQ(rest.count, slot);
	CHECK_EQ(group->take_aligned(0, 1, false).count, 0);
}

TBK_TEST(group_take_aligned_comes_round_to_slots_given_back)
TBK_NO_TSA
{
	Grouped group;
	u32 taken = 0;

	while (group->take_aligned(0, slot, false).count == slot)
		taken++;
	CHECK_EQ(taken, blocks / slot - 2);
	group->give_back(10 * slot, slot);
	CHECK_EQ(group->take_aligned(0, slot, false).start, 10 * slot);
	group->give_back(20 * slot, 3 * slot);
	CHECK_EQ(group->take_aligned(1, 2 * slot, false).start, 20 * slot + 1);
}

TBK_TEST(group_take_aligned_apart_begins_a_stretch)
TBK_NO_TSA
{
	Grouped group;

	group->take_aligned(0, 1, false);
	const Run one = group->take_aligned(4, 8, true);
	const Run two = group->take_aligned(4, 8, true);

	CHECK_EQ(one.start % stretch, 4);
	CHECK_EQ(one.count, 8);
	CHECK_EQ(two.start % stretch, 4);
	CHECK(one.start != two.start);
	CHECK_EQ(group->take_at(static_cast<u32>(one.start) + 8, stretch - 12), stretch - 12);
}

TBK_TEST(group_take_aligned_refuses_without_a_free_slot)
TBK_NO_TSA
{
	Grouped group;

	for (u32 at = slot; at < blocks; at += slot)
		group->take_at(at + 5, 1);
	CHECK_EQ(group->take_aligned(0, 1, false).count, 0);
	CHECK_EQ(group->take_aligned(0, 1, true).count, 0);
	CHECK_EQ(group->take_any(100).count, slot + 5 - fixed_1);
}

TBK_TEST(group_take_any_finds_the_last_block)
TBK_NO_TSA
{
	Grouped group;

	CHECK_EQ(group->take_at(fixed_1, blocks), blocks - fixed_1);
	group->give_back(blocks - 1, 1);
	const Run run = group->take_any(10);

	CHECK_EQ(run.start, blocks - 1);
	CHECK_EQ(run.count, 1);
}

TBK_TEST(group_take_any_gives_up_when_full)
TBK_NO_TSA
{
	Grouped group;

	CHECK_EQ(group->take_any(blocks).count, blocks - fixed_1);
	CHECK_EQ(group->take_any(1).count, 0);
	CHECK_EQ(group->free_live(), 0);
}

/* As many slots are found as are free, whatever was taken and given back. */
TBK_TEST(group_free_slots_agree_with_plain_array)
TBK_NO_TSA
{
	constexpr u32 width = 8 * slot;
	constexpr u32 first = 4 * slot;
	Grouped group;
	Random random;
	bool taken[width] = {};

	group->take_at(fixed_1, first - fixed_1);
	group->take_at(first + width, blocks);
	for (int step = 0; step < 20000; step++) {
		const u32 at = static_cast<u32>(random.below(width));

		if (taken[at])
			group->give_back(first + at, 1);
		else
			CHECK_EQ(group->take_at(first + at, 1), 1);
		taken[at] = !taken[at];
		/* From time to time all are free. */
		for (u32 i = 0; i < width && step % 100 == 0; i++) {
			if (taken[i])
				group->give_back(first + i, 1);
			taken[i] = false;
		}
		REQUIRE_EQ(free_slots(*group.get()), plain_free_slots(taken, width));
	}
}

TBK_TEST(group_epoch_unchanged_has_nothing_to_write)
TBK_NO_TSA
{
	Grouped group;

	CHECK_EQ(group->changed_in(1), 0);
	group->set_used(3, 100, 1, true);
	CHECK_EQ(group->changed_in(3), 1);
	CHECK_EQ(group->changed_in(2), 0);
	CHECK_EQ(group->changed_in(4), 0);
	CHECK_EQ(group->changed_in(5), 0);
}

TBK_TEST(group_change_of_next_epoch_stays_out_of_this)
TBK_NO_TSA
{
	Grouped group;
	const u32 free = group->free_live();

	group->set_used(7, 100, 10, true);
	group->set_used(8, 200, 5, true);
	group->set_used(8, 100, 1, false);
	CHECK_EQ(group->free_in(7), free - 10);
	CHECK_EQ(group->free_in(8), free - 14);
	CHECK(group.is_used(7, 100) && !group.is_used(7, 200));
	CHECK(!group.is_used(8, 100) && group.is_used(8, 101) && group.is_used(8, 200));
}

TBK_TEST(group_late_change_shows_in_both_epochs)
TBK_NO_TSA
{
	Grouped group;
	const u32 free = group->free_live();

	group->set_used(7, 100, 10, true);
	group->set_used(8, 200, 5, true);
	group->set_used(7, 300, 2, true);
	CHECK_EQ(group->free_in(7), free - 12);
	CHECK_EQ(group->free_in(8), free - 17);
}

TBK_TEST(group_late_change_shows_after_quiet_epochs)
TBK_NO_TSA
{
	Grouped group;
	const u32 free = group->free_live();

	group->set_used(4, 100, 1, true);
	/* 5, 6 and 7 pass here without a change, and 8 begins first. */
	group->set_used(8, 200, 2, true);
	CHECK_EQ(group->changed_in(7), 0);
	group->set_used(7, 300, 4, true);
	CHECK_EQ(group->changed_in(7), 1);
	CHECK_EQ(group->free_in(7), free - 5);
	CHECK_EQ(group->free_in(8), free - 7);
	group->set_used(9, 200, 2, false);
	CHECK_EQ(group->free_in(9), free - 5);
	CHECK_EQ(group->free_in(8), free - 7);
}

TBK_TEST(group_changed_names_each_bitmap_touched)
TBK_NO_TSA
{
	Grouped group;
	constexpr u32 bits = static_cast<u32>(format::bitmap_bits);

	group->set_used(1, bits - 1, 2, true);
	CHECK_EQ(group->changed_in(1), 3);
	group->set_used(2, 3 * bits, 1, true);
	group->set_used(2, 5 * bits - 1, 1, true);
	CHECK_EQ(group->changed_in(2), 8 + 16);
	group->set_used(3, blocks - 1, 1, true);
	CHECK_EQ(group->changed_in(3), 256);
	CHECK_EQ(group->changed_in(2), 8 + 16);
}

TBK_TEST(group_copy_bitmap_sets_bits_past_the_group)
TBK_NO_TSA
{
	Grouped group;
	u8 *bits = static_cast<u8 *>(tbk_alloc(format::payload_size, TBK_MAY_SLEEP));
	constexpr size_t inside = (format::group_blocks - 8 * format::bitmap_bits) / 8;

	REQUIRE(bits != nullptr);
	group->copy_bitmap(0, 8, bits);
	CHECK_EQ(bits[0], 0);
	CHECK_EQ(bits[inside - 1], 0);
	CHECK_EQ(bits[inside], 0xff);
	CHECK_EQ(bits[format::payload_size - 1], 0xff);
	tbk_free(bits);
}

/* Changes of two epochs at a time, with groups left alone for some, as checkpoints go on. */
TBK_TEST(group_epochs_agree_with_plain_arrays)
TBK_NO_TSA
{
	constexpr u32 width = 64;
	constexpr u32 first = 5 * static_cast<u32>(format::bitmap_bits) - width / 2;
	Grouped group;
	Random random;
	bool older[width] = {};
	bool newer[width] = {};
	u32 changed[2] = {};
	u64 epoch = 1; /* the older one of two */

	for (int step = 0; step < 20000; step++) {
		if (random.one_in(8)) {
			__builtin_memcpy(older, newer, sizeof(older));
			changed[0] = changed[1];
			changed[1] = 0;
			epoch++;
		}
		if (random.one_in(3))
			continue;
		const u32 at = static_cast<u32>(random.below(width));
		const bool is_used = random.one_in(2);
		const u32 late = random.one_in(3) ? 1 : 0;

		group->set_used(epoch + 1 - late, first + at, 1, is_used);
		newer[at] = is_used;
		if (late)
			older[at] = is_used;
		changed[1 - late] |= 1u << (at < width / 2 ? 4 : 5);
		CHECK_EQ(group->changed_in(epoch), changed[0]);
		CHECK_EQ(group->changed_in(epoch + 1), changed[1]);
		if (!random.one_in(16))
			continue;
		for (u32 i = 0; i < width; i++) {
			if (changed[0])
				REQUIRE_EQ(group.is_used(epoch, first + i), older[i]);
			if (changed[1])
				REQUIRE_EQ(group.is_used(epoch + 1, first + i), newer[i]);
		}
	}
}
