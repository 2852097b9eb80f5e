// SPDX-License-Identifier: GPL-2.0
#include "check_space.h"

#include "sync_io.h"

namespace thinback {
namespace {

constexpr u32 group_bits = static_cast<u32>(format::group_blocks);

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
					     const format::Superblock &super, CheckReport &report,
					     Keep keep)
{
	Owned<BlockLedger> ledger = TBK_TRY(make<BlockLedger>(device, report, keep));

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

/* What a group at hand may take. */
u64 BlockLedger::most_memory(const Entry &entry) const
{
	if (!was_written(entry.summary) && !entry.unknown && !entry.is_expected)
		return 0;
	return bitmap_bytes * (1 + entry.is_expected + (keeps_ != Keep::nothing));
}

u64 BlockLedger::end_of_part(u64 from) const
{
	u64 to = from;

	for (u64 memory = 0; to < geometry_.groups(); to++) {
		memory += most_memory(entries_[to]);
		if (memory > memory_ && to > from)
			break;
	}
	return to;
}

u64 BlockLedger::parts(u64 memory)
{
	u64 count = 0;

	memory_ = memory;
	for (u64 from = 0; from < geometry_.groups(); from = end_of_part(from))
		count++;
	return count;
}

bool BlockLedger::next_part()
{
	from_ = to_;
	to_ = end_of_part(from_);
	return from_ < to_;
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

	if (!entry.unknown && free != entry.summary.free.get()) {
		entry.is_wrong = true;
		TBK_NEW_FINDING(report_, TBK_FINDING_REPAIRABLE,
				"group %llu: %u blocks are free and %u are said to be", group, free,
				entry.summary.free.get());
	}
	__builtin_memset(fixed_, 0, bitmap_bytes);
	Group::set_fixed(geometry_, group, fixed_);
	bool fixed_free = false;

	for (u32 w = 0; w < Group::words; w++) {
		fixed_free |= (fixed_[w] & ~entry.bits[w]) != 0;
		entry.bits[w] &= ~fixed_[w];
	}
	entry.is_wrong |= fixed_free;
	if (fixed_free)
		TBK_NEW_FINDING(report_, TBK_FINDING_REPAIRABLE,
				"group %llu: blocks that are always in use are marked as free",
				group);
	return {};
}

void BlockLedger::tell_leak(u64 start, u64 count)
{
	report_.counts().leaked_blocks += count;
	entries_[group_of(start)].is_wrong = true;
	if (count == 1)
		TBK_NEW_FINDING(report_, TBK_FINDING_LEAK, "block %llu is in use by nobody", start);
	else
		TBK_NEW_FINDING(report_, TBK_FINDING_LEAK,
				"%llu blocks from block %llu on are in use by nobody", count,
				start);
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

Status BlockLedger::finish_group(u64 group, bool whole)
{
	Entry &entry = entries_[group];

	if (was_written(entry.summary)) {
		TBK_TRY(load(group));
	} else if (!entry.unknown && entry.summary.free.get() != geometry_.most_free_in(group)) {
		entry.is_wrong = true;
		TBK_NEW_FINDING(report_, TBK_FINDING_REPAIRABLE,
				"group %llu: all blocks are free and %u are said to be", group,
				entry.summary.free.get());
	}
	if (whole && entry.bits && !entry.unknown)
		tell_leaks(group);
	tbk_big_free(entry.bits);
	entry.bits = nullptr;
	return {};
}

Status BlockLedger::finish_part(bool whole)
{
	for (u64 g = from_; g < to_; g++) {
		Entry &entry = entries_[g];

		TBK_TRY(finish_group(g, whole));
		if (entry.is_wrong || entry.unknown || keeps_ == Keep::data)
			continue;
		tbk_big_free(entry.claimed);
		entry.claimed = nullptr;
		/* Where the journal may end is for first_struck() to tell. */
		if (g == 0)
			continue;
		tbk_big_free(entry.struck);
		entry.struck = nullptr;
	}
	return {};
}

void BlockLedger::finish()
{
	u64 free = 0;
	bool known = true;

	for (u64 g = 0; g < geometry_.groups(); g++) {
		known &= !entries_[g].unknown;
		free += entries_[g].summary.free.get();
	}
	if (known && free != free_)
		TBK_NEW_FINDING(report_, TBK_FINDING_REPAIRABLE,
				"superblock: %llu blocks are free and %llu are said to be", free,
				free_);
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
	wrong.found = wrong.said;
	if (!entry.is_wrong && !entry.unknown)
		return wrong;
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
