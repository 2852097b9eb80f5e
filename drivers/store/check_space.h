/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

#include "check_report.h"
#include "group.h"

namespace thinback {

/* What is remembered of what is struck off. */
enum class Keep { nothing, data, all };

/*
 * The bitmaps as they are on disk, from which each block that a tree reaches
 * is struck off: what is left over has leaked.
 */
class BlockLedger {
public:
	static Result<Owned<BlockLedger>>
	open(struct tbk_device &device, const format::Superblock &super, CheckReport &report);
	/* Before anything is struck off: for rebuild() and struck(). */
	void keep_struck(Keep keep) { keeps_ = keep; }
	~BlockLedger();
	BlockLedger(const BlockLedger &) = delete;
	BlockLedger &operator=(const BlockLedger &) = delete;

	/* Whether blocks can be in use at all: inside the pool, of one group, and not fixed. */
	bool is_sound(u64 start, u64 count) const;

	/* Before anything is struck off: notes that sound blocks will be in use. False: some are, or will be. */
	Result<bool> claim(u64 start, u64 count);

	/* What is wrong with striking off: the first block of each kind, 0 for none. */
	struct Struck {
		u64 twice = 0;
		u64 free = 0;
	};
	/* @start and @count are sound. */
	Result<Struck> strike(u64 start, u64 count, bool is_data);

	/* Reads what no tree reached. @whole: all trees could be read, so what is left over has leaked. */
	Status finish(bool whole);

	/* A group whose bitmaps, or free count, say something else than the trees. */
	struct Wrong {
		u32 said = 0;  /* free blocks, as was said */
		u32 found = 0; /* ... and as there are */
		bool is = false;
	};
	/*
	 * After finish(), with keep_struck(Keep::all): what the group's bits should be, into
	 * @bits, a group's worth. Unless @whole, what was in use stays so.
	 */
	Result<Wrong> rebuild(u64 group, bool whole, u64 *bits);
	u64 groups() const { return geometry_.groups(); }
	/* Bits of what was struck off, of the kind that is kept; NULL if nothing was. */
	const u64 *struck(u64 group) const { return entries_[group].struck; }
	/* In the first group, from block @from on; its end if there is none. */
	u64 first_struck(u64 from) const;
	/* Free blocks that the summaries tell of, all together. */
	u64 free_told() const;

private:
	struct Entry {
		u64 *bits;    /* NULL until loaded */
		u64 *claimed; /* NULL until something is */
		u64 *struck;  /* NULL until something is; kept for rebuild() */
		format::SummaryEntry summary;
		bool unknown; /* the summary or a bitmap cannot be read */
	};

	BlockLedger(struct tbk_device &device, CheckReport &report)
		: device_(device), report_(report)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	void read_summary(const format::Superblock &super, u64 index);
	Status read_block(PhysicalBlock at, u32 magic);
	Status check_summary(u64 index, u8 tag);
	Status read_bitmap(u64 group, u32 i);
	Status load(u64 group);
	void fill_part(u64 group, u32 i);
	void fill(u64 group);
	bool is_free_on_disk(u64 block);
	Status note_struck(Entry &entry, u64 start, u64 count, bool is_data);
	void strike_one(Entry &entry, u64 block, Struck &struck);
	void tell_leaks(u64 group);
	void tell_leak(u64 start, u64 count);

	struct tbk_device &device_;
	CheckReport &report_;
	Geometry geometry_;
	u64 free_ = 0; /* as the superblock says */
	Entry *entries_ = nullptr;
	u8 *block_ = nullptr; /* read buffer */
	u64 *fixed_ = nullptr;
	Keep keeps_ = Keep::nothing;
};

} // namespace thinback
