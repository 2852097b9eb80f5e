// SPDX-License-Identifier: GPL-2.0
#include "check_space.h"

#include "sync_io.h"

namespace thinback {
namespace {

constexpr u32 group_bits = static_cast<u32>(format::group_blocks);
constexpr size_t bitmap_bytes = format::group_blocks / 8;

constexpr u64 group_of(u64 block)
{
	return block / format::group_blocks;
}

constexpr u32 within_group(u64 block)
{
	return static_cast<u32>(block % format::group_blocks);
}

bool was_written(const format::SummaryEntry &summary)
{
	for (const le16 &tag : summary.bitmap) {
		if (tag.get())
			return true;
	}
	return false;
}

} // namespace

Result<Owned<BlockLedger>> BlockLedger::open(struct tbk_device &device,
					     const format::Superblock &super, CheckReport &report)
{
	Owned<BlockLedger> ledger = TBK_TRY(make<BlockLedger>(device, report));

	ledger->geometry_ = { super.blocks.get(), super.journal_blocks.get(),
			      super.header.pool.get() };
	ledger->free_ = super.free.get();
	ledger->entries_ =
		static_cast<Entry *>(tbk_big_alloc(ledger->geometry_.groups() * sizeof(Entry)));
	ledger->block_ = static_cast<u8 *>(tbk_big_alloc(format::block_size));
	ledger->fixed_ = static_cast<u64 *>(tbk_big_alloc(bitmap_bytes));
	if (!ledger->entries_ || !ledger->block_ || !ledger->fixed_)
		return Err::no_memory;
	for (u64 i = 0; i < ledger->geometry_.summaries(); i++)
		ledger->read_summary(super, i);
	return ledger;
}

BlockLedger::~BlockLedger()
{
	for (u64 g = 0; entries_ && g < geometry_.groups(); g++)
		tbk_big_free(entries_[g].bits);
	for (u64 g = 0; entries_ && g < geometry_.groups(); g++)
		tbk_big_free(entries_[g].claimed);
	for (u64 g = 0; entries_ && g < geometry_.groups(); g++)
		tbk_big_free(entries_[g].struck);
	tbk_big_free(entries_);
	tbk_big_free(block_);
	tbk_big_free(fixed_);
}

bool BlockLedger::is_sound(u64 start, u64 count) const
{
	const u64 past_journal = format::journal_start + geometry_.journal_blocks;

	if (count == 0 || start >= geometry_.blocks || count > geometry_.blocks - start)
		return false;
	if (group_of(start) != group_of(start + count - 1) ||
	    within_group(start) < format::fixed_blocks(group_of(start)))
		return false;
	return group_of(start) != 0 || start >= past_journal || start + count <= format::ring_b;
}

/* Into block_. */
Status BlockLedger::read_block(PhysicalBlock at, u32 magic)
{
	if (at.raw() >= geometry_.blocks)
		return Err::bad_records;
	TBK_TRY(read_blocks(device_, at, block_, BlockCount(1)));
	return check_block(block_, magic, at, geometry_.pool);
}

Status BlockLedger::check_summary(u64 index, u8 tag)
{
	const u64 first = index * format::groups_per_summary;
	const u64 count = min<u64>(geometry_.groups() - first, format::groups_per_summary);
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block_);

	TBK_TRY(read_block(
		PhysicalBlock(format::first_summary(first) + (tag & format::slot_bit_8 ? 1 : 0)),
		format::summary_magic));
	if (format::summary_tag(header.checkpoint.get()) != (tag & ~format::slot_bit_8))
		return Err::stale;
	if (header.low.get() != first || header.high.get() != first + count ||
	    header.count.get() != count)
		return Err::bad_records;
	return {};
}

void BlockLedger::read_summary(const format::Superblock &super, u64 index)
{
	const u64 first = index * format::groups_per_summary;
	const u64 end = min<u64>(first + format::groups_per_summary, geometry_.groups());
	const u8 tag = super.summaries[index];
	const Status read = tag ? check_summary(index, tag) : Status();
	const auto &block = *reinterpret_cast<const format::SummaryBlock *>(block_);

	if (!read.is_ok())
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "summary of groups %llu to %llu in block %llu: %s", first, end - 1,
			    format::first_summary(first) + (tag & format::slot_bit_8 ? 1 : 0),
			    to_text(read.error()));
	for (u64 g = first; g < end; g++) {
		Entry &entry = entries_[g];

		entry.unknown = !read.is_ok();
		if (tag && read.is_ok())
			entry.summary = block.groups[g - first];
		else
			entry.summary.free.set(geometry_.most_free_in(g));
	}
}

/* Into block_. */
Status BlockLedger::read_bitmap(u64 group, u32 i)
{
	const u16 tag = entries_[group].summary.bitmap[i].get();
	const auto &header = *reinterpret_cast<const format::BlockHeader *>(block_);
	const u64 low = group * format::group_blocks + i * format::bitmap_bits;
	const u64 high = min(low + format::bitmap_bits, (group + 1) * format::group_blocks);

	TBK_TRY(read_block(PhysicalBlock(format::first_bitmap(group) + 2ull * i +
					 (tag & format::slot_bit_16 ? 1 : 0)),
			   format::bitmap_magic));
	if (format::bitmap_tag(header.checkpoint.get()) != (tag & ~format::slot_bit_16))
		return Err::stale;
	if (header.low.get() != low || header.high.get() != high)
		return Err::bad_records;
	return {};
}

/* One bitmap's part of the group's bits, as it is on disk. */
void BlockLedger::fill_part(u64 group, u32 i)
{
	Entry &entry = entries_[group];
	const u16 tag = entry.summary.bitmap[i].get();
	const size_t from = i * format::payload_size;

	if (!tag)
		return;
	const Status read = read_bitmap(group, i);

	report_.step(1);
	if (read.is_ok()) {
		__builtin_memcpy(reinterpret_cast<u8 *>(entry.bits) + from,
				 reinterpret_cast<format::BitmapBlock *>(block_)->bits,
				 min(format::payload_size, bitmap_bytes - from));
		return;
	}
	entry.unknown = true;
	TBK_FINDING(report_, TBK_FINDING_REPAIRABLE, "bitmap of group %llu in block %llu: %s",
		    group,
		    format::first_bitmap(group) + 2ull * i + (tag & format::slot_bit_16 ? 1 : 0),
		    to_text(read.error()));
}

/* All of them; set where that cannot be known. */
void BlockLedger::fill(u64 group)
{
	Entry &entry = entries_[group];

	Group::set_fixed(geometry_, group, entry.bits);
	for (u32 i = 0; i < format::bitmaps_per_group; i++)
		fill_part(group, i);
	if (entry.unknown)
		__builtin_memset(entry.bits, 0xff, bitmap_bytes);
}

/* Compares with the count, and strikes off what is always in use. */
Status BlockLedger::load(u64 group)
{
	Entry &entry = entries_[group];

	if (entry.bits)
		return {};
	entry.bits = static_cast<u64 *>(tbk_big_alloc(bitmap_bytes));
	if (!entry.bits)
		return Err::no_memory;
	fill(group);
	const u32 free = group_bits - count_bits(entry.bits, 0, group_bits);

	if (!entry.unknown && free != entry.summary.free.get())
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "group %llu: %u blocks are free and %u are said to be", group, free,
			    entry.summary.free.get());
	__builtin_memset(fixed_, 0, bitmap_bytes);
	Group::set_fixed(geometry_, group, fixed_);
	bool fixed_free = false;

	for (u32 w = 0; w < Group::words; w++) {
		fixed_free |= (fixed_[w] & ~entry.bits[w]) != 0;
		entry.bits[w] &= ~fixed_[w];
	}
	if (fixed_free)
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "group %llu: blocks that are always in use are marked as free", group);
	return {};
}

/* Asks the bitmap again, since what was struck off looks the same here. */
bool BlockLedger::is_free_on_disk(u64 block)
{
	const u64 group = group_of(block);
	const u64 bit = within_group(block) % format::bitmap_bits;
	const u32 i = static_cast<u32>(within_group(block) / format::bitmap_bits);
	const Entry &entry = entries_[group];

	if (entry.unknown)
		return false;
	if (!entry.summary.bitmap[i].get())
		return true;
	if (!read_bitmap(group, i).is_ok())
		return false;
	const u8 byte = reinterpret_cast<format::BitmapBlock *>(block_)->bits[bit / 8];

	return ((byte >> (bit % 8)) & 1) == 0;
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

Result<bool> BlockLedger::claim(u64 start, u64 count)
{
	Entry &entry = entries_[group_of(start)];
	bool is_free = true;

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
	return struck;
}

void BlockLedger::tell_leak(u64 start, u64 count)
{
	report_.counts().leaked_blocks += count;
	if (count == 1)
		TBK_FINDING(report_, TBK_FINDING_LEAK, "block %llu is in use by nobody", start);
	else
		TBK_FINDING(report_, TBK_FINDING_LEAK,
			    "%llu blocks from block %llu on are in use by nobody", count, start);
}

void BlockLedger::tell_leaks(u64 group)
{
	const u64 *bits = entries_[group].bits;
	const u64 first = group * format::group_blocks;
	u64 run = 0;

	for (u32 at = 0; at < group_bits; at++) {
		if (at % bits_per_word == 0 && run == 0 && bits[at / bits_per_word] == 0) {
			at += bits_per_word - 1;
			continue;
		}
		if (test_bit(bits, at)) {
			run++;
			continue;
		}
		if (run)
			tell_leak(first + at - run, run);
		run = 0;
	}
	if (run)
		tell_leak(first + group_bits - run, run);
}

Status BlockLedger::finish(bool whole)
{
	u64 free = 0;
	bool known = true;

	for (u64 g = 0; g < geometry_.groups(); g++) {
		Entry &entry = entries_[g];

		if (was_written(entry.summary))
			TBK_TRY(load(g));
		else if (!entry.unknown && entry.summary.free.get() != geometry_.most_free_in(g))
			TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
				    "group %llu: all blocks are free and %u are said to be", g,
				    entry.summary.free.get());
		known &= !entry.unknown;
		free += entry.summary.free.get();
		if (whole && entry.bits && !entry.unknown)
			tell_leaks(g);
		tbk_big_free(entry.bits);
		entry.bits = nullptr;
	}
	if (known && free != free_)
		TBK_FINDING(report_, TBK_FINDING_REPAIRABLE,
			    "superblock: %llu blocks are free and %llu are said to be", free,
			    free_);
	return {};
}

u64 BlockLedger::first_struck(u64 from) const
{
	for (u64 block = from; entries_[0].struck && block < format::group_blocks; block++) {
		if (test_bit(entries_[0].struck, static_cast<u32>(block)))
			return block;
	}
	return format::group_blocks;
}

u64 BlockLedger::free_told() const
{
	u64 free = 0;

	for (u64 g = 0; g < geometry_.groups(); g++)
		free += entries_[g].summary.free.get();
	return free;
}

Result<BlockLedger::Wrong> BlockLedger::rebuild(u64 group, bool whole, u64 *bits)
{
	Entry &entry = entries_[group];
	Wrong wrong;

	wrong.said = entry.summary.free.get();
	entry.bits = fixed_;
	__builtin_memset(fixed_, 0, bitmap_bytes);
	fill(group);
	entry.bits = nullptr;
	__builtin_memset(bits, 0, bitmap_bytes);
	Group::set_fixed(geometry_, group, bits);
	for (u32 w = 0; w < Group::words; w++) {
		/* The journal's new blocks were free: else it could not be replayed. */
		const u64 is_new = entry.unknown && entry.claimed ? entry.claimed[w] : 0;

		bits[w] |= whole ? 0 : fixed_[w] & ~is_new;
		bits[w] |= entry.struck ? entry.struck[w] : 0;
	}
	wrong.found = group_bits - count_bits(bits, 0, group_bits);
	wrong.is = entry.unknown || wrong.found != wrong.said ||
		   __builtin_memcmp(bits, fixed_, bitmap_bytes) != 0;
	return wrong;
}

} // namespace thinback
