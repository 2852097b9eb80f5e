// SPDX-License-Identifier: GPL-2.0
#include "transcript.h"

#include <string.h>

#include "../../drivers/hosted/scratch_device.h"

namespace thinback {
namespace {

Transcript &self_of(struct tbk_dump *dump)
{
	return *static_cast<Transcript *>(dump->context);
}

} // namespace

int Transcript::take(struct tbk_device &device, struct tbk_why *why)
{
	struct tbk_dump dump {};

	dump.context = this;
	dump.pool = [](struct tbk_dump *in, const struct tbk_dump_pool *told) {
		self_of(in).pool = *told;
	};
	dump.object = [](struct tbk_dump *in, const struct tbk_dump_object *told) {
		self_of(in).objects.push_back(*told);
	};
	dump.tree = [](struct tbk_dump *in, u32 id) {
		self_of(in).trees.push_back({ id, {} });
	};
	dump.extent = [](struct tbk_dump *in, const struct tbk_dump_extent *told) {
		self_of(in).trees.back().extents.push_back(*told);
	};
	dump.lost = [](struct tbk_dump *in, const char *text) {
		self_of(in).lost++;
		tbk_log(TBK_LOG_DEBUG, "lost: %s", text);
	};
	return tbk_pool_dump(&device, &dump, why);
}

int Transcript::tell_trees(struct tbk_restore *restore, struct tbk_why *why) const
{
	int error = 0;

	for (const Tree &told : trees) {
		error = tbk_restore_tree(restore, told.id, why);
		for (size_t i = 0; i < told.extents.size() && !error; i++)
			error = tbk_restore_extent(restore, &told.extents[i], why);
		if (error)
			break;
	}
	return error;
}

int Transcript::tell(struct tbk_restore *restore, struct tbk_why *why) const
{
	int error = 0;

	for (size_t i = 0; i < objects.size() && !error; i++)
		error = tbk_restore_object(restore, &objects[i], why);
	if (!error)
		error = tell_trees(restore, why);
	if (!error)
		error = tbk_restore_again(restore, why);
	if (!error)
		error = tell_trees(restore, why);
	return error ? error : tbk_restore_check(restore, nullptr, why);
}

int Transcript::restore(struct tbk_device &device, u32 flags, struct tbk_why *why) const
{
	int error = 0;
	const auto scratch = ScratchDevice::create("/tmp", pool.blocks * TBK_BLOCK, error);
	struct tbk_restore *restore = nullptr;
	struct tbk_scratch raw {};
	struct tbk_why own {};

	if (error)
		return error;
	raw.device = scratch.get();
	raw.context = scratch.get();
	raw.next = [](struct tbk_scratch *in, u64 from) {
		return static_cast<ScratchDevice *>(in->context)->next(from);
	};
	why = why ? why : &own;
	error = tbk_restore_begin(&raw, &pool, flags, &restore, why);
	if (error)
		return error;
	error = tell(restore, why);
	if (!error)
		error = tbk_restore_write(restore, &device, why);
	if (error)
		tbk_log(TBK_LOG_DEBUG, "restore: %s", why->text);
	tbk_restore_free(restore);
	return error;
}

Transcript::Tree &Transcript::tree(u32 id)
{
	for (Tree &one : trees) {
		if (one.id == id)
			return one;
	}
	return trees.back();
}

void Transcript::wipe_others(MemoryDevice &device, Random &random) const
{
	std::vector<bool> is_data(device.size() / TBK_BLOCK);
	u8 rubbish[TBK_BLOCK];

	for (const Tree &one : trees) {
		for (const auto &extent : one.extents) {
			for (u64 i = 0; extent.state == TBK_DUMP_DATA && i < extent.count; i++)
				is_data[extent.target + i] = true;
		}
	}
	for (size_t block = 0; block < is_data.size(); block++) {
		if (is_data[block])
			continue;
		memset(rubbish, static_cast<int>(random.below(256)), sizeof(rubbish));
		device.write(block * TBK_BLOCK, rubbish, sizeof(rubbish));
	}
}

u64 Transcript::count(u32 state) const
{
	u64 count = 0;

	for (const Tree &one : trees) {
		for (const auto &extent : one.extents)
			count += extent.state == state;
	}
	return count;
}

bool Transcript::has_flag(u32 flag) const
{
	for (const auto &object : objects) {
		if (object.flags & flag)
			return true;
	}
	return false;
}

bool Transcript::is_like(const Transcript &other) const
{
	struct tbk_dump_pool mine = pool;

	mine.checkpoint = other.pool.checkpoint;
	mine.journal_next = other.pool.journal_next;
	/* All of it was zero before it was filled in. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(&mine, &other.pool, sizeof(mine)) != 0 || objects.size() != other.objects.size())
		return false;
	for (size_t i = 0; i < objects.size(); i++) {
		/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
		if (memcmp(&objects[i], &other.objects[i], sizeof(objects[i])) != 0)
			return false;
	}
	return true;
}

} // namespace thinback
