/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/owned.h>
#include <thinback/entry.h>
#include <thinback/format/space.h>

#include "../../drivers/store/node.h"
#include "../harness/shared/ram_device.h"

struct kunit;

namespace thinback {

/* What a check said. */
class Findings {
public:
	static constexpr u32 most = 64;

	/* Runs one. */
	int check(struct tbk_device &device);
	/* Repairs; what was done is what was found of kind `mended`. @how: TBK_REPAIR_* */
	int repair(struct tbk_device &device, u32 how = 0, const char *name = nullptr);
	static constexpr auto mended = static_cast<enum tbk_finding_class>(7);

	u32 count() const { return count_; }
	/* Whether one of @kind has @part in its text. */
	bool has(enum tbk_finding_class kind, const char *part) const;
	/* Fails @test with each that there is. */
	void tell(struct kunit *test) const;

	struct tbk_check raw {};

private:
	struct Finding {
		enum tbk_finding_class kind;
		char text[200];
	};

	static void found(struct tbk_check *check, enum tbk_finding_class kind, const char *text);
	static void was_mended(struct tbk_check *check, const char *text);

	u32 count_ = 0;
	Finding list_[most] = {};
};

struct BlockImage {
	format::BlockHeader header;
	u8 payload[format::payload_size];
};

inline format::BitmapBlock &bitmap(BlockImage &image)
{
	return reinterpret_cast<format::BitmapBlock &>(image);
}

inline format::SummaryBlock &summary(BlockImage &image)
{
	return reinterpret_cast<format::SummaryBlock &>(image);
}

/*
 * A pool with some of everything, closed, and ways to spoil it:
 *
 *	volume a	400 blocks, no two side by side, of which 20 are newer than
 *	snapshot a@s	of which
 *	volume b	is a clone, with 10 blocks written anew
 *	volume c	5 blocks
 */
class DamagedPool {
public:
	static Result<Owned<DamagedPool>> create();
	DamagedPool(const DamagedPool &) = delete;
	DamagedPool &operator=(const DamagedPool &) = delete;

	/* A node that the newest superblock leads to. */
	struct Place {
		u64 block;
		u64 mirror; /* 0: none */
		u32 level;
		format::TreeKind kind;
		u32 id; /* of the tree that it was found in first */
	};
	static constexpr u32 most_places = 64;
	u32 node_count() const { return count_; }
	const Place &node(u32 index) const { return places_[index]; }
	/* The first one of a tree that is on @level; 0 when there is none. */
	u64 find_node(u32 id, u32 level) const;

	void read(u64 block, void *image) { device->read(block * 4096, image, 4096); }
	Status write(u64 block, const void *image)
	{
		return device->write(block * 4096, image, 4096);
	}
	Status flip(u64 block, u32 byte, u8 bits);
	/* All copies of the node. */
	Status flip_node(const Place &place, u32 byte, u8 bits);
	Status flip_node(u64 block, u32 byte, u8 bits);
	/* Blocks of nodes that have two copies, both; returns how many. */
	template <typename Visit> u32 for_each_copy(const Visit &visit) const
	{
		u32 seen = 0;

		for (u32 i = 0; i < count_; i++) {
			if (!places_[i].mirror)
				continue;
			visit(places_[i].block);
			visit(places_[i].mirror);
			seen += 2;
		}
		return seen;
	}
	/* As in pools made before nodes had second copies; these are nobody's then. */
	Status drop_copies();

	/* Changes made to images, after which all is sealed anew up to the superblock. */
	using Spoil = void (*)(BlockImage &image);
	using SpoilRecord = void (*)(format::CatalogRecord &record);
	using SpoilSuper = void (*)(format::Superblock &super);
	Status spoil_node(u64 block, Spoil spoil);
	Status spoil_record(u32 id, SpoilRecord spoil);
	Status spoil_super(SpoilSuper spoil);
	/* Of the summary and the bitmap of the first group; these lead nowhere. */
	Status spoil_block(u64 block, Spoil spoil);

	/* Three blocks from block 16001 on are in use by nobody, by all counts. */
	Status spoil_leak();

	/* All copies. */
	Status lose_superblocks();

	u64 summary_block() const;
	u64 bitmap_block() const;

	Owned<RamDevice> device;
	Owned<Findings> findings;
	format::Superblock super{};

	static constexpr u32 id_a = 1;
	static constexpr u32 id_s = 2;
	static constexpr u32 id_b = 3;
	static constexpr u32 id_c = 4;

private:
	DamagedPool() = default;
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);

	Status fill();
	Status map_nodes();
	/* Seals the subtree anew; the root's pointer as it is now. */
	Result<NodePointer> renew(const NodePointer &pointer, u32 id);
	Status renew_children(Node &node, u32 id);
	Status renew_records(Node &node);
	Status renew_all();
	void note(const NodePointer &pointer, format::TreeKind kind, u32 id);

	u32 count_ = 0;
	Place places_[most_places] = {};
	bool drops_copies_ = false;
	u64 target_block_ = 0;
	Spoil spoil_node_ = nullptr;
	u32 target_id_ = 0;
	SpoilRecord spoil_record_ = nullptr;
};

/* Whether a DamagedPool's volumes, all but @except, hold what they held before it was damaged. */
bool holds_all(struct tbk_device &device, const char *except);

/* Whether all that can be read of them is what they held; @errors: how much cannot. */
bool holds_no_other(struct tbk_device &device, u32 &errors);

/* A request on a volume, waited for. 0 or a negative errno. */
int do_request(struct tbk_volume *volume, u32 op, u64 block, void *data, u64 blocks);

/* The same for the first @bytes of a block. */
int do_part(struct tbk_volume *volume, u32 op, u64 block, u64 bytes);

/* A block that says which volume's and which one it is, in some version. */
void fill_block(void *to, char volume, u64 block, u32 version);
bool is_block(const void *found, char volume, u64 block, u32 version);

} // namespace thinback

#define REQUIRE_DAMAGED_POOL(name)                \
	auto name##_made = DamagedPool::create(); \
	REQUIRE_OK(name##_made);                  \
	DamagedPool &name = *name##_made.value()
