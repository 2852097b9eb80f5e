/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/base/result.h>
#include <thinback/format/journal.h>

namespace thinback {

/* Reads, in order, what flushes have left in the journal since the superblock was written. */
class JournalReader {
public:
	static Result<Owned<JournalReader>> create(struct tbk_device &device,
						   const format::Superblock &super);
	~JournalReader();
	JournalReader(const JournalReader &) = delete;
	JournalReader &operator=(const JournalReader &) = delete;

	/* NULL after the last one; journal_gap if one is missing that was durable. */
	Result<const format::JournalBlock *> next();
	void rewind() { next_ = first_; }
	/* Number of the first block that is not there, after the last next(). */
	u64 end() const { return next_; }

	/* A number that no block had which may be there still, behind a gap too. */
	u64 past_all() const { return first_ + size_; }

	/* Whether the superblock's checkpoint does not hold it already. */
	bool applies(const format::JournalRecord &record) const;

private:
	JournalReader(struct tbk_device &device, const format::Superblock &super);
	friend Result<Owned<JournalReader>> make<JournalReader>(struct tbk_device &,
								const format::Superblock &);

	Result<const format::JournalBlock *> read(u64 number);
	bool is_there(const format::JournalBlock &block, u64 number) const;
	Status look_behind_gap();

	struct tbk_device &device_;
	const u64 size_; /* blocks of the ring */
	const u64 pool_;
	const u64 checkpoint_;
	const u64 first_;
	u64 next_;
	format::JournalBlock *blocks_ = nullptr; /* journal_write_max of them */
	u64 read_from_ = 0;
	u32 read_count_ = 0;
};

} // namespace thinback
