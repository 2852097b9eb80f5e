// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata that says anything, with checksums that are right: a check of it, an
 * open pool and reads of its volumes may fail, and do nothing worse.
 *
 * Input: which node, then edits of eight bytes, see struct Edit.
 */
#include <stdint.h>
#include <string.h>

#include <vector>

#include <thinback/format/journal.h>

#include "../../drivers/hosted/hosted.h"
#include "../../drivers/store/superblock.h"
#include "../../drivers/store/sync_io.h"
#include "../store/damage.h"

using namespace thinback;

namespace {

enum class Area : u8 { node, super, summary, bitmap, journal, count };

struct Edit {
	u8 area;
	u8 how; /* bits 1..0: log of the width; bit 2: add instead of set */
	u16 offset;
	u32 value;
};
static_assert(sizeof(Edit) == 8);

struct Saved {
	u64 block;
	BlockImage image;
};

constexpr u32 journal_blocks = 2;

/* What node the input is about, and its edits: the spoilers of DamagedPool take no arguments. */
std::vector<Edit> edits;

void apply(void *block, Area area)
{
	auto *bytes = static_cast<u8 *>(block);

	for (const Edit &edit : edits) {
		const size_t width = size_t{ 1 } << (edit.how & 3);
		const size_t at = edit.offset % (4096 - width + 1);
		u64 value = edit.value;

		if (edit.area % static_cast<u8>(Area::count) != static_cast<u8>(area))
			continue;
		if (edit.how & 4) {
			u64 old = 0;

			memcpy(&old, bytes + at, width);
			value += old;
		}
		memcpy(bytes + at, &value, width);
	}
}

/* A pool, and its metadata to go back to. */
class Target {
public:
	Target();
	void spoil(u8 node);
	void use();
	void restore();

private:
	void save(u64 block);
	void put_journal();
	void spoil_super();

	Owned<DamagedPool> pool_;
	std::vector<Saved> saved_;
	u64 journal_at_ = 0;
	u64 journal_number_ = 0;
};

Target::Target() : pool_(move(DamagedPool::create().value()))
{
	for (u32 i = 0; i < pool_->node_count(); i++)
		save(pool_->node(i).block);
	for (u64 slot = 0; slot < format::ring_length; slot++) {
		save(format::ring_a + slot);
		save(format::ring_b + slot);
	}
	save(pool_->summary_block());
	save(pool_->bitmap_block());
	journal_number_ = pool_->super.journal_seq.get();
	journal_at_ = format::journal_start + journal_number_ % pool_->super.journal_blocks.get();
	put_journal();
	for (u32 i = 0; i < journal_blocks; i++)
		save(journal_at_ + i);
}

void Target::save(u64 block)
{
	Saved saved = { block, {} };

	pool_->read(block, &saved.image);
	saved_.push_back(saved);
}

/* Records that make sense: blocks far behind what is in use, mapped and unmapped. */
void Target::put_journal()
{
	for (u32 i = 0; i < journal_blocks; i++) {
		format::JournalBlock block = {};

		block.header.magic.set(format::journal_magic);
		block.header.self.set(journal_at_ + i);
		block.header.pool = pool_->super.header.pool;
		block.header.low.set(journal_number_ + i);
		block.header.high.set(journal_number_ + i);
		block.header.count.set(2);
		block.records[0].place.set((500ull + i) << 24 | 3);
		block.records[0].target.set((15000 + 10ull * i) | 1ull << 48);
		block.records[1].place.set((10ull + i) << 24 | 2);
		block.records[1].target.set(2ull << 48);
		for (u32 r = 0; r < 2; r++) {
			block.records[r].volume.set(DamagedPool::id_a);
			block.records[r].epoch.set(
				static_cast<u32>(pool_->super.header.checkpoint.get() + 1));
		}
		seal_block(&block);
		(void)pool_->write(journal_at_ + i, &block);
	}
}

void Target::spoil_super()
{
	format::Superblock super = pool_->super;
	BlockImage buffer = {};

	apply(&super, Area::super);
	for (Ring ring : { Ring::a, Ring::b }) {
		(void)seal_superblock(super, ring, &buffer);
		const u64 slot = pool_->super.header.checkpoint.get() % format::ring_length;
		const u64 at = (ring == Ring::a ? format::ring_a : format::ring_b) + slot;

		buffer.header.self.set(at);
		seal_block(&buffer);
		(void)pool_->write(at, &buffer);
	}
}

void Target::spoil(u8 node)
{
	const auto &place = pool_->node(node % pool_->node_count());

	(void)pool_->spoil_node(place.block, [](BlockImage &image) { apply(&image, Area::node); });
	spoil_super();
	(void)pool_->spoil_block(pool_->summary_block(),
				 [](BlockImage &image) { apply(&image, Area::summary); });
	(void)pool_->spoil_block(pool_->bitmap_block(),
				 [](BlockImage &image) { apply(&image, Area::bitmap); });
	for (u32 i = 0; i < journal_blocks; i++)
		(void)pool_->spoil_block(journal_at_ + i,
					 [](BlockImage &image) { apply(&image, Area::journal); });
}

void Target::restore()
{
	for (const Saved &saved : saved_)
		(void)pool_->write(saved.block, &saved.image);
}

void read_some(struct tbk_pool *pool, const struct tbk_object_info &info)
{
	struct tbk_volume *volume = nullptr;
	alignas(4096) static u8 data[4096];

	if (tbk_volume_open(pool, info.volume, info.snapshot, 0, &volume, nullptr))
		return;
	for (u64 block = 0; block < 820; block += 61)
		(void)do_request(volume, TBK_OP_READ, block, data, 1);
	tbk_volume_close(volume);
}

void Target::use()
{
	struct tbk_pool *pool = nullptr;
	struct tbk_object_info info {};
	struct tbk_pool_info pool_info {};

	(void)tbk_probe(pool_->device.get(), &pool_info);
	(void)pool_->findings->check(*pool_->device);
	if (tbk_pool_open(pool_->device.get(), TBK_POOL_READ_ONLY, &pool, nullptr))
		return;
	for (u32 id = 0; tbk_pool_next(pool, id, &info) == 0; id = info.id)
		read_some(pool, info);
	tbk_pool_describe(pool, &pool_info);
	(void)tbk_pool_close(pool, nullptr);
}

Target *target;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (size < 1 + sizeof(Edit))
		return 0;
	hosted_log_to([](enum tbk_level, const char *) {});
	edits.resize((size - 1) / sizeof(Edit));
	memcpy(edits.data(), data + 1, edits.size() * sizeof(Edit));
	const bool is_clean = hosted_run([&] {
		if (!target)
			target = new Target;
		target->spoil(data[0]);
		target->use();
		target->restore();
	});

	TBK_ASSERT(is_clean);
	return 0;
}
