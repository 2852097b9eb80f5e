// SPDX-License-Identifier: GPL-2.0
/* The part of a CheckedCatalog that looks at names. */
#include <thinback/base/scope.h>

#include "check_catalog.h"
#include "volume.h"

namespace thinback {
namespace {

const char *chars(const u8 *name)
{
	return reinterpret_cast<const char *>(name);
}

bool is_equal(const u8 *a, const u8 *b)
{
	return __builtin_memcmp(a, b, format::name_size) == 0;
}

/* Names of those that are there for users: no two the same. */
struct NameTable {
	u32 *places; /* index of a record, and one */
	u32 room;    /* a power of two */
	const CheckedTree *trees;

	static u32 hash(const u8 *volume, const u8 *name)
	{
		return tbk_crc32c(tbk_crc32c(~0u, volume, format::name_size), name,
				  format::name_size);
	}

	/* One of the same kind and name, or where it would be. */
	u32 &place_of(const u8 *volume, const u8 *name) const
	{
		u32 at = hash(volume, name) & (room - 1);

		while (places[at]) {
			const auto &record = trees[places[at] - 1].record;

			if (is_equal(record.volume, volume) && is_equal(record.name, name))
				break;
			at = (at + 1) & (room - 1);
		}
		return places[at];
	}
};

constexpr u8 no_volume[format::name_size] = {};

} // namespace

TreeName::TreeName(const CheckedTree &tree)
{
	const char *name = chars(tree.record.name);
	const bool is_nameless =
		!Name::parse(name).is_ok() ||
		(tree.is_snapshot() && !Name::parse(chars(tree.record.volume)).is_ok());
	const char *kind = tree.is_snapshot() ? "snapshot" : "volume";

	if (tree.is_gone() || is_nameless)
		tbk_format(text, sizeof(text), "%s%s with id %llu",
			   tree.is_gone() ? "removed " : "", kind, tree.id());
	else if (tree.is_snapshot())
		tbk_format(text, sizeof(text), "%s %s@%s", kind, chars(tree.record.volume), name);
	else
		tbk_format(text, sizeof(text), "%s %s", kind, name);
}

void CheckedCatalog::verify_name(const CheckedTree &tree)
{
	const TreeName name(tree);

	if (!Name::parse(chars(tree.record.name)).is_ok())
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: its name is none", name.text);
	if (tree.is_snapshot() && !Name::parse(chars(tree.record.volume)).is_ok())
		TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: the name of its volume is none",
			    name.text);
	if (!tree.is_snapshot() && tree.record.volume[0])
		TBK_FINDING(report_, TBK_FINDING_DAMAGED,
			    "%s: is said to be a snapshot and is none", name.text);
}

Status CheckedCatalog::verify_names(bool whole)
{
	u32 room = 16;

	while (room < 2 * count_)
		room *= 2;
	NameTable table = { static_cast<u32 *>(tbk_big_alloc(room * sizeof(u32))), room, trees_ };
	const auto free_table = ScopeGuard([&] { tbk_big_free(table.places); });

	if (!table.places)
		return Err::no_memory;
	for (u32 i = 0; i < count_; i++) {
		if (trees_[i].is_gone())
			continue;
		u32 &place = table.place_of(trees_[i].record.volume, trees_[i].record.name);

		if (place)
			TBK_FINDING(report_, TBK_FINDING_DAMAGED,
				    "%s: there are two of that name, with ids %llu and %llu",
				    TreeName(trees_[i]).text, trees_[place - 1].id(),
				    trees_[i].id());
		else
			place = i + 1;
	}
	for (u32 i = 0; i < count_ && whole; i++) {
		if (trees_[i].is_gone() || !trees_[i].is_snapshot())
			continue;
		if (!table.place_of(no_volume, trees_[i].record.volume))
			TBK_FINDING(report_, TBK_FINDING_DAMAGED, "%s: its volume is not there",
				    TreeName(trees_[i]).text);
	}
	return {};
}

} // namespace thinback
