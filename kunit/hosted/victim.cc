// SPDX-License-Identifier: GPL-2.0
#include "victim.h"

#include <stdio.h>
#include <string.h>

#include <thinback/format/journal.h>
#include <thinback/format/node.h>
#include <thinback/format/space.h>
#include <thinback/format/superblock.h>

namespace thinback {
namespace {

constexpr u64 block_bytes = 4096;

constexpr const char *kind_names[kinds] = { "superblocks", "summaries", "bitmaps", "journal",
					    "catalog",	   "leaves",	"branches" };

/* False: no metadata. */
bool is_metadata(const format::BlockHeader &header, Kind &kind)
{
	switch (header.magic.get()) {
	case format::superblock_magic:
		kind = Kind::superblock;
		return true;
	case format::summary_magic:
		kind = Kind::summary;
		return true;
	case format::bitmap_magic:
		kind = Kind::bitmap;
		return true;
	case format::journal_magic:
		kind = Kind::journal;
		return true;
	case format::node_magic:
		kind = header.level > 0 ? Kind::branch : Kind::leaf;
		if (header.kind == static_cast<u8>(format::TreeKind::catalog))
			kind = Kind::catalog;
		return true;
	default:
		return false;
	}
}

} // namespace

Victim::Victim() : image_(rig.device.size())
{
	for (u64 block = 0; block < blocks; block++)
		rig.write(block * 2, block + 1);
	(void)tbk_snapshot_create(rig.pool, "disk", "s", nullptr);
	(void)tbk_clone_create(rig.pool, "disk", "s", "clone", 0, nullptr);
	rig.turn_to("clone", nullptr);
	for (u64 block = 0; block < blocks; block += 4)
		rig.write(block * 2, block + 1001);
	rig.turn_to("disk", nullptr);
	/* Both copies of the superblock are there after this. */
	(void)tbk_pool_settle(rig.pool);
	for (u64 block = 0; block < blocks; block += 10)
		rig.write(block * 2, block + 2001);
	(void)rig.flush();
	rig.stop();
	image_.copy_from(rig.device);
	find_metadata();
}

void Victim::find_metadata()
{
	for (u64 block = 0; block < image_.size() / block_bytes; block++) {
		format::BlockHeader header = {};

		image_.read(block * block_bytes, &header, sizeof(header));
		Kind kind = Kind::superblock;

		/* A second copy says where the first is. */
		const bool is_copy =
			header.magic.get() == format::node_magic && header.self.get() != block;

		if ((header.self.get() == block || is_copy) && is_metadata(header, kind))
			metadata_[static_cast<u32>(kind)].push_back(block);
		if (is_copy) {
			copies_.push_back(block);
			copies_.push_back(header.self.get());
		}
	}
}

bool Victim::is_ok() const
{
	for (const auto &blocks_of_kind : metadata_) {
		if (blocks_of_kind.empty())
			return false;
	}
	return !copies_.empty();
}

void Victim::flip_some(Random &random, u64 block)
{
	const u64 flips = 1 + random.below(3);

	for (u64 i = 0; i < flips; i++) {
		const u64 at = block * block_bytes + random.below(block_bytes);
		u8 byte = 0;

		rig.device.read(at, &byte, 1);
		byte ^= static_cast<u8>(1u << random.below(8));
		rig.device.write(at, &byte, 1);
	}
}

Kind Victim::spoil(Random &random, Damage damage)
{
	const u64 kind = spoiled_++ % kinds;
	const u64 block = metadata_[kind][random.below(metadata_[kind].size())];

	restore();
	if (damage == Damage::bits)
		flip_some(random, block);
	else
		rig.device.break_block(block);
	return static_cast<Kind>(kind);
}

void Victim::tell() const
{
	printf("#");
	for (u64 kind = 0; kind < kinds; kind++)
		printf("%s %llu of %s", kind ? "," : "",
		       spoiled_ / kinds + (kind < spoiled_ % kinds), kind_names[kind]);
	printf("\n");
}

void Victim::spoil_copy(Random &random)
{
	restore();
	flip_some(random, copies_[random.below(copies_.size())]);
}

u64 Victim::value_in(const char *volume, u64 block)
{
	if (strcmp(volume, "clone") == 0 && block % 4 == 0)
		return block + 1001;
	if (strcmp(volume, "disk") == 0 && block % 10 == 0)
		return block + 2001;
	return block + 1;
}

bool Victim::reads_all(const char *volume, const char *snapshot)
{
	rig.turn_to(volume, snapshot);
	for (u64 block = 0; block < blocks; block += 5) {
		if (!rig.is_ok() || !rig.holds(block * 2, value_in(snapshot ? "" : volume, block)))
			return false;
	}
	return true;
}

bool Victim::reads_right(const char *volume, const char *snapshot, bool may_be_old)
{
	rig.turn_to(volume, snapshot);
	for (u64 block = 0; rig.is_ok() && block < blocks; block += 5) {
		const u64 wanted = value_in(snapshot ? "" : volume, block);
		u64 found = 0;

		if (rig.read(block * 2, found) || found == wanted)
			continue;
		if (!may_be_old || found != block + 1)
			return false;
	}
	return true;
}

} // namespace thinback
