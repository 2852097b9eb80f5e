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
 *
 * In parts, so that memory has a bound: all trees are walked for each, and what
 * does not concern the part at hand passes by.
 */
class BlockLedger {
public:
	static Result<Owned<BlockLedger>> open(struct tbk_device &device,
					       const format::Superblock &super, CheckReport &report,
					       Keep keep);
	~BlockLedger();
	BlockLedger(const BlockLedger &) = delete;
	BlockLedger &operator=(const BlockLedger &) = delete;

	/* As Geometry has it. */
	bool is_sound(u64 start, u64 count) const { return geometry_.is_sound(start, count); }

	/* Before the first part: sound blocks that will be claimed. */
	void expect_claim(u64 start) { entries_[start / format::group_blocks].is_expected = true; }
	/* How many parts of at most @memory bytes there are. */
	u64 parts(u64 memory);
	/* The first part, or the next; false when there is none. */
	bool next_part();

	/* Before anything of the part is struck off: notes that sound blocks will be in use. False: some are, or will be. */
	Result<bool> claim(u64 start, u64 count);

	/* What is wrong with striking off: the first block of each kind, 0 for none. */
	struct Struck {
		u64 twice = 0;
		u64 free = 0;
	};
	/* @start and @count are sound. */
	Result<Struck> strike(u64 start, u64 count, bool is_data);

	/* Reads what no tree reached of the part. @whole: all trees could be read, so what is left over has leaked. */
	Status finish_part(bool whole);
	/* After the last part. */
	void finish();

	/* A group whose bitmaps, or free count, say something else than the trees. */
	struct Wrong {
		u32 said = 0;  /* free blocks, as was said */
		u32 found = 0; /* ... and as there are */
		bool is = false;
	};
	/*
	 * After finish_part(), with Keep::all: what the group's bits should be, into
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
	static constexpr size_t bitmap_bytes = format::group_blocks / 8;

	struct Entry {
		u64 *bits;    /* NULL until loaded */
		u64 *claimed; /* NULL until something is */
		u64 *struck;  /* NULL until something is; kept for rebuild() */
		format::SummaryEntry summary;
		bool unknown;	  /* the summary or a bitmap cannot be read */
		bool is_expected; /* something will be claimed */
		bool is_wrong;	  /* bits or the free count are not what the trees say */
	};

	BlockLedger(struct tbk_device &device, CheckReport &report, Keep keep)
		: device_(device), report_(report), keeps_(keep)
	{
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	bool is_at_hand(u64 group) const { return from_ <= group && group < to_; }
	u64 most_memory(const Entry &entry) const;
	u64 end_of_part(u64 from) const;
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
	Status finish_group(u64 group, bool whole);
	void tell_leaks(u64 group);
	void tell_leak(u64 start, u64 count);

	struct tbk_device &device_;
	CheckReport &report_;
	Geometry geometry_;
	u64 free_ = 0; /* as the superblock says */
	Entry *entries_ = nullptr;
	u8 *block_ = nullptr; /* read buffer */
	u64 *fixed_ = nullptr;
	const Keep keeps_;
	u64 memory_ = 0; /* what a part may take */
	u64 from_ = 0;	 /* the part at hand: groups from here */
	u64 to_ = 0;	 /* ... to here */
};

} // namespace thinback
