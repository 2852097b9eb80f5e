// SPDX-License-Identifier: GPL-2.0
/* The part of a BlockLedger that trees and the journal call for each run of blocks. */
#include "check_space.h"

namespace thinback {

Result<bool> BlockLedger::claim(u64 start, u64 count)
{
	Entry &entry = entries_[group_of(start)];
	bool is_free = true;

	if (!is_at_hand(group_of(start)))
		return true;
	TBK_TRY(load(group_of(start)));
	if (!entry.claimed)
		entry.claimed = static_cast<u64 *>(tbk_big_alloc(bitmap_bytes));
	if (!entry.claimed)
		return Err::no_memory;
	for_words(within_group(start), static_cast<u32>(count), [&](u32 word, u64 mask) {
		if ((entry.bits[word] | entry.claimed[word]) & mask)
			is_free = false;
		entry.claimed[word] |= mask;
	});
	return is_free || entry.unknown;
}

void BlockLedger::strike_one(Entry &entry, u64 block, Struck &struck)
{
	const u32 at = within_group(block);

	if (test_bit(entry.bits, at)) {
		clear_bits(entry.bits, at, 1);
		return;
	}
	if (struck.twice && struck.free)
		return;
	u64 &first = is_free_on_disk(block) ? struck.free : struck.twice;

	first = first ? first : block;
}

Status BlockLedger::note_struck(Entry &entry, u64 start, u64 count, bool is_data)
{
	if (keeps_ == Keep::nothing || (keeps_ == Keep::data && !is_data))
		return {};
	if (!entry.struck)
		entry.struck = static_cast<u64 *>(tbk_big_alloc(bitmap_bytes));
	if (!entry.struck)
		return Err::no_memory;
	set_bits(entry.struck, within_group(start), static_cast<u32>(count));
	return {};
}

Result<BlockLedger::Struck> BlockLedger::strike(u64 start, u64 count, bool is_data)
{
	const u64 group = group_of(start);
	Entry &entry = entries_[group];
	Struck struck;

	if (!is_at_hand(group))
		return struck;
	TBK_TRY(load(group));
	TBK_TRY(note_struck(entry, start, count, is_data));
	for_words(within_group(start), static_cast<u32>(count), [&](u32 word, u64 mask) {
		if ((entry.bits[word] & mask) == mask) {
			entry.bits[word] &= ~mask;
			return;
		}
		const u64 first = group * format::group_blocks + u64{ word } * bits_per_word;

		for (u32 bit = 0; bit < bits_per_word; bit++) {
			if ((mask >> bit) & 1)
				strike_one(entry, first + bit, struck);
		}
	});
	entry.is_wrong |= struck.free != 0;
	return struck;
}

} // namespace thinback
