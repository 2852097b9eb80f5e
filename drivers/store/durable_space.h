/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

#include "group.h"
#include "scrub_part.h"

namespace thinback {

/*
 * The summaries and bitmaps that the newest durable superblock leads to, one of each at
 * a time, as opening the pool would read them.
 *
 * No lock is held. A slot is not written while the newest superblock names it: what does
 * not verify is bad only if the newest one names the same slot, by the same tag, before
 * and after it was read.
 */
class DurableSpace : public ScrubPart {
public:
	static constexpr u32 images_needed = 3;

protected:
	static constexpr u32 most_tries = 8;

	/* By what a slot is named in a row. */
	class Sightings {
	public:
		/* Whether it was read twice, and named the same all the time. */
		bool are_enough(u32 name)
		{
			count_ = name == name_ ? count_ + 1 : 0;
			name_ = name;
			return count_ == 2;
		}

	private:
		u32 name_ = ~0u;
		u32 count_ = 0;
	};

	DurableSpace(Pool &pool, ScrubTally &tally) : ScrubPart(pool, tally) {}
	~DurableSpace() = default;

	/* @images: as many blocks as are needed, until the last use. */
	void begin(u8 *images);
	/* No superblock can be read, which has been told: there is nothing more to be known. */
	bool is_lost() const { return is_lost_; }
	Status load_super();
	/* As of the newest superblock. would_block if nothing is to be told of it: it is written all the time, or was told of. */
	Status load_summary();
	/* The summary at hand is of no use any more. */
	void forget_summary() { summary_of_ = 0; }
	/* The @i-th of the group at hand. */
	Status read_bitmap(u32 i);

	/* As of the superblock at hand. */
	Geometry geometry() const;
	PhysicalBlock summary_at() const;
	PhysicalBlock bitmap_at(u32 i) const;
	u64 first_group() const { return index_ * format::groups_per_summary; }
	/* Of a group, as bits. */
	static constexpr u64 first_bit(u32 bitmap) { return bitmap * format::bitmap_bits; }
	static constexpr u64 end_bit(u32 bitmap)
	{
		return min(first_bit(bitmap + 1), format::group_blocks);
	}

	const format::Superblock &super() const
	{
		return *reinterpret_cast<const format::Superblock *>(images_);
	}
	const format::SummaryBlock &summary() const
	{
		return *reinterpret_cast<const format::SummaryBlock *>(images_ +
								       format::block_size);
	}
	const format::BitmapBlock &bitmap() const
	{
		return *reinterpret_cast<const format::BitmapBlock *>(images_ +
								      2 * format::block_size);
	}
	const format::SummaryEntry &entry() const
	{
		return summary().groups[group_ % format::groups_per_summary];
	}

	u64 index_ = 0; /* the summary at hand */
	u64 group_ = 0; /* the group at hand, of that summary */

private:
	Status read_super(u64 at, u64 checkpoint);
	Status read_summary();

	u8 *images_ = nullptr; /* of a superblock, of a summary, of a bitmap */
	bool has_super_ = false;
	bool is_lost_ = false;
	u64 summary_of_ = 0; /* the checkpoint that the summary in memory is of; 0: there is none */
};

} // namespace thinback
