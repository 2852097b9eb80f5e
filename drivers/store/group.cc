// SPDX-License-Identifier: GPL-2.0
#include "group.h"

namespace thinback {
namespace {

constexpr u32 bitmap_bytes = format::group_blocks / 8;
constexpr u32 slots_per_word = bits_per_word / Group::slot_blocks;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bitmaps are used as they lie on disk");

constexpr u32 bytes_of_bitmap(u32 i)
{
	const u32 start = i * static_cast<u32>(format::payload_size);

	return bitmap_bytes - start < format::payload_size ? bitmap_bytes - start
							   : static_cast<u32>(format::payload_size);
}

} // namespace

Result<Group *> Group::create(u64 index)
{
	void *bits = tbk_big_alloc(3ul * bitmap_bytes);
	void *memory = tbk_alloc(sizeof(Group), TBK_MAY_SLEEP);

	if (!bits || !memory) {
		tbk_big_free(bits);
		tbk_free(memory);
		return Err::no_memory;
	}
	return new (At{ memory }) Group(index, static_cast<u64 *>(bits));
}

void Group::destroy(Group *group)
{
	void *bits = group->live_;

	group->~Group();
	tbk_free(group);
	tbk_big_free(bits);
}

void Group::set_fixed(const Geometry &geometry, u64 index, u64 *bits)
{
	const u64 left = geometry.blocks - index * format::group_blocks;

	set_bits(bits, 0, static_cast<u32>(format::fixed_blocks(index)));
	if (index == 0)
		set_bits(bits, static_cast<u32>(format::ring_b),
			 static_cast<u32>(format::ring_length + geometry.journal_blocks));
	if (left < format::group_blocks)
		set_bits(bits, static_cast<u32>(left),
			 static_cast<u32>(format::group_blocks - left));
}

void Group::init_fixed(const Geometry &geometry)
{
	set_fixed(geometry, index_, used_[0]);
}

void Group::load_bitmap(u32 i, const u8 *bits)
{
	__builtin_memcpy(reinterpret_cast<u8 *>(used_[0]) + i * format::payload_size, bits,
			 bytes_of_bitmap(i));
}

void Group::loaded()
{
	__builtin_memcpy(used_[1], used_[0], bitmap_bytes);
	__builtin_memcpy(live_, used_[0], bitmap_bytes);
	__builtin_memset(live_slots_, 0, sizeof(live_slots_));
	any_from_ = 0;
	for (u32 slot = 0; slot < slots; slot++) {
		if (!is_slot_free(slot))
			set_bits(live_slots_, slot, 1);
	}
}

void Group::replace(u64 epoch, const u64 *bits)
{
	__builtin_memcpy(used_[0], bits, bitmap_bytes);
	loaded();
	epoch_[epoch & 1] = epoch;
	changed_[epoch & 1] = (1u << format::bitmaps_per_group) - 1;
}

/* Blocks are given out. */
void Group::set_live(u32 at, u32 count)
{
	set_bits(live_, at, count);
	for (u32 slot = at / slot_blocks; slot * slot_blocks < at + count; slot++)
		set_bits(live_slots_, slot, 1);
}

u32 Group::take_at(u32 at, u32 count)
{
	const u32 room = static_cast<u32>(format::group_blocks) - at;
	const u32 run = clear_run(live_, at, count < room ? count : room);

	set_live(at, run);
	return run;
}

bool Group::is_slot_free(u32 slot) const
{
	const u64 word = live_[slot / slots_per_word];

	return ((word >> (slot % slots_per_word * slot_blocks)) & 0xffff) == 0;
}

/* First of @wanted free ones in a row, a multiple of @align; @to when there are none. */
u32 Group::find_slots(u32 from, u32 to, u32 wanted, u32 align) const
{
	for (u32 slot = from; slot < to;) {
		slot = (next_clear(live_slots_, slot, to) + align - 1) / align * align;
		if (slot + wanted > to)
			break;
		const u32 run = clear_run(live_slots_, slot, wanted);

		if (run == wanted)
			return slot;
		slot += run + 1;
	}
	return to;
}

/* The same from where the last search ended, then from the start. */
u32 Group::find_slots_around(u32 wanted, u32 align) const
{
	const u32 found = find_slots(next_slot_, slots, wanted, align);

	if (found != slots)
		return found;
	const u32 end = min(next_slot_ + wanted, slots);
	const u32 again = find_slots(0, end, wanted, align);

	return again == end ? slots : again;
}

/*
 * A run whose blocks lie at @offset in slots of their own, so that neighbours
 * find their place beside it. @apart: in a stretch of 1 MiB not begun yet, for
 * those who write in sequence.
 */
Run Group::take_aligned(u32 offset, u32 count, bool apart)
{
	constexpr u32 stretch = 16;
	u32 wanted = (offset + count + slot_blocks - 1) / slot_blocks;
	u32 found = slots;

	if (apart)
		found = find_slots_around(wanted < stretch ? stretch : wanted, stretch);
	while (found == slots) {
		found = find_slots_around(wanted, 1);
		if (found == slots) {
			wanted /= 2;
			if (wanted == 0)
				return {};
		}
	}

	const u32 room = wanted * slot_blocks - offset;
	const u32 taken = count < room ? count : room;

	next_slot_ = found;
	set_live(found * slot_blocks + offset, taken);
	return { found * slot_blocks + offset, taken };
}

Run Group::take_any(u32 count)
{
	for (; any_from_ < words; any_from_++) {
		const u64 word = live_[any_from_];

		if (word == ~0ull)
			continue;
		const u32 at = any_from_ * bits_per_word + static_cast<u32>(__builtin_ctzll(~word));

		return { at, take_at(at, count) };
	}
	return {};
}

void Group::give_back(u32 at, u32 count)
{
	clear_bits(live_, at, count);
	any_from_ = min(any_from_, at / bits_per_word);
	for (u32 slot = at / slot_blocks; slot * slot_blocks < at + count; slot++) {
		if (is_slot_free(slot))
			clear_bits(live_slots_, slot, 1);
	}
}

/*
 * Makes used_[epoch & 1] the epoch's own. Afterwards the other side is what it
 * was before: of the next epoch if that has begun here, or of an earlier one.
 */
void Group::start_epoch(u64 epoch)
{
	const u32 side = epoch & 1;
	const u32 other = 1 - side;

	if (epoch_[side] == epoch)
		return;
	TBK_ASSERT(epoch_[side] < epoch && epoch_[other] <= epoch + 1);
	if (epoch_[other] < epoch) {
		const u32 newest = epoch_[side] > epoch_[other] ? side : other;

		__builtin_memcpy(used_[1 - newest], used_[newest], bitmap_bytes);
		epoch_[1 - newest] = epoch_[newest];
		changed_[1 - newest] = 0;
	}
	epoch_[side] = epoch;
	changed_[side] = 0;
}

void Group::mark(u32 side, u32 at, u32 count, bool used)
{
	if (used)
		set_bits(used_[side], at, count);
	else
		clear_bits(used_[side], at, count);
}

void Group::set_used(u64 epoch, u32 at, u32 count, bool used)
{
	const u32 side = epoch & 1;

	start_epoch(epoch);
	mark(side, at, count, used);
	if (epoch_[1 - side] == epoch + 1)
		mark(1 - side, at, count, used);
	for (u64 i = at / format::bitmap_bits; i <= (at + count - 1) / format::bitmap_bits; i++)
		changed_[side] |= 1u << i;
}

void Group::renew_in(u64 epoch)
{
	if (!renewed_)
		return;
	start_epoch(epoch);
	changed_[epoch & 1] |= renewed_;
	renewed_ = 0;
}

/* The newer side that is not of a later epoch has all changes up to @epoch. */
bool Group::agrees(u64 epoch, u32 i, const u8 *bits) const
{
	const u32 newest = epoch_[0] > epoch_[1] ? 0 : 1;
	const u32 side = epoch_[newest] <= epoch ? newest : 1 - newest;

	if (epoch_[side] > epoch)
		return true;
	return __builtin_memcmp(
		       bits, reinterpret_cast<const u8 *>(used_[side]) + i * format::payload_size,
		       bytes_of_bitmap(i)) == 0;
}

u32 Group::changed_in(u64 epoch) const
{
	return epoch_[epoch & 1] == epoch ? changed_[epoch & 1] : 0;
}

void Group::copy_bitmap(u64 epoch, u32 i, u8 *bits) const
{
	const u32 bytes = bytes_of_bitmap(i);

	__builtin_memcpy(bits,
			 reinterpret_cast<const u8 *>(used_[epoch & 1]) + i * format::payload_size,
			 bytes);
	__builtin_memset(bits + bytes, 0xff, format::payload_size - bytes);
}

u32 Group::free_in(u64 epoch) const
{
	return static_cast<u32>(format::group_blocks) -
	       count_bits(used_[epoch & 1], 0, static_cast<u32>(format::group_blocks));
}

u32 Group::free_live() const
{
	return static_cast<u32>(format::group_blocks) -
	       count_bits(live_, 0, static_cast<u32>(format::group_blocks));
}

} // namespace thinback
