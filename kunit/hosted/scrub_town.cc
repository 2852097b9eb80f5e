// SPDX-License-Identifier: GPL-2.0
#include "scrub_town.h"

namespace thinback {
namespace {

constexpr u64 volume_bytes = 64 << 20;

} // namespace

MemoryDevice::Options ScrubTownOptions::device() const
{
	MemoryDevice::Options options;

	options.asynchronous = true;
	options.latency_ns = 20'000;
	options.side_by_side = 8;
	options.logical_block = logical_block;
	return options;
}

ScrubTown::ScrubTown(const ScrubTownOptions &options)
	: fleet(options.bytes, options.device(), options.volumes, volume_bytes),
	  count_(options.volumes)
{
	if (!fleet.is_ok())
		return;
	for (u32 i = 0; i < options.extents; i++)
		fleet.ask(i % count_, TBK_OP_WRITE, i / count_ * 2, 32);
	fleet.requests.wait_for_all();
	settle();
}

bool ScrubTown::let_go()
{
	fleet.requests.wait_for_all();
	for (; count_ > 0; count_--)
		fleet.close();
	const bool is_closed = !tbk_pool_close(fleet.pool, nullptr);

	fleet.pool = nullptr;
	return is_closed;
}

bool ScrubTown::reopen()
{
	return let_go() && !tbk_pool_open(&fleet.device, 0, &fleet.pool, nullptr);
}

bool ScrubTown::is_sound()
{
	struct tbk_check check {};
	u32 findings = 0;

	if (!let_go())
		return false;
	check.context = &findings;
	check.found = [](struct tbk_check *in, enum tbk_finding_class, const char *) {
		++*static_cast<u32 *>(in->context);
	};
	return !tbk_pool_check(&fleet.device, &check, nullptr) && findings == 0;
}

NodePointer ScrubTown::root(u32 id) const
{
	Catalog &catalog = fleet.pool->pool->catalog();
	MutexGuard guard(catalog.lock());

	return id ? catalog.find_id(id)->tree.root() : catalog.tree().root();
}

NodePointer ScrubTown::leaf(u32 id, u32 index) const
{
	const NodePointer at = root(id);
	std::string image = block(at.block);

	return Node(at.block, reinterpret_cast<u8 *>(image.data())).pointer(index);
}

format::Superblock ScrubTown::super() const
{
	format::Superblock super{};
	const u64 slot = fleet.info().checkpoint % format::ring_length;

	fleet.device.read((format::ring_a + slot) * TBK_BLOCK, &super, sizeof(super));
	return super;
}

u64 ScrubTown::summary_block(u64 index) const
{
	return format::first_summary(index * format::groups_per_summary) +
	       (super().summaries[index] & format::slot_bit_8 ? 1 : 0);
}

u64 ScrubTown::bitmap_block(u64 group, u32 i) const
{
	const std::string image = block(summary_block(group / format::groups_per_summary));
	const auto &summary = *reinterpret_cast<const format::SummaryBlock *>(image.data());
	const u16 tag = summary.groups[group % format::groups_per_summary].bitmap[i].get();

	return tag ? format::first_bitmap(group) + 2ull * i + (tag & format::slot_bit_16 ? 1 : 0)
		   : 0;
}

void ScrubTown::flip(u64 block)
{
	u8 byte = 0;

	fleet.device.read(block * TBK_BLOCK + 100, &byte, 1);
	byte ^= 8;
	fleet.device.write(block * TBK_BLOCK + 100, &byte, 1);
}

std::string ScrubTown::block(u64 at) const
{
	std::string bytes(TBK_BLOCK, 0);

	fleet.device.read(at * TBK_BLOCK, bytes.data(), TBK_BLOCK);
	return bytes;
}

void ScrubTown::put(u64 at, std::string bytes)
{
	seal_block(bytes.data());
	fleet.device.write(at * TBK_BLOCK, bytes.data(), TBK_BLOCK);
}

Outcome ScrubTown::scrub() const
{
	(void)tbk_pool_scrub(fleet.pool, 0, nullptr);
	tbk_pool_scrub_wait(fleet.pool);
	return outcome();
}

Outcome ScrubTown::outcome() const
{
	const struct tbk_pool_info info = fleet.info();

	return { info.scrub_state, info.scrub_found, info.scrub_healed };
}

int ScrubTown::tune(u32 what, u64 rate) const
{
	struct tbk_pool_tuning tuning {};

	tuning.set = what;
	tuning.scrub_rate = tuning.remove_rate = rate;
	return tbk_pool_tune(fleet.pool, &tuning, nullptr);
}

void ScrubTown::live(std::mt19937_64 &random, u32 steps)
{
	for (u32 i = 0; i < steps; i++) {
		const u64 what = random() % 64;
		const u32 op = what % 4 ? TBK_OP_WRITE : TBK_OP_DISCARD;

		if (i % 16 == 0) {
			place_ = random() % 10000;
			hosted_sleep_ms(random() % 50);
		}
		fleet.ask(random() % (count_ - 1), op, place_ + random() % 40, 16);
		if (what == 0)
			(void)tbk_pool_sync(fleet.pool);
		else if (what < 3)
			shape(random);
	}
	fleet.requests.wait_for_all();
}

/* Snapshots and clones come and go. */
void ScrubTown::shape(std::mt19937_64 &random)
{
	const std::string volume = "v" + std::to_string(random() % count_);
	const std::string snapshot = "s" + std::to_string(random() % 2);
	const std::string clone = volume + "-" + snapshot;

	switch (random() % 4) {
	case 0:
		(void)tbk_snapshot_create(fleet.pool, volume.c_str(), snapshot.c_str(), nullptr);
		break;
	case 1:
		(void)tbk_clone_create(fleet.pool, volume.c_str(), snapshot.c_str(), clone.c_str(),
				       0, nullptr);
		break;
	case 2:
		(void)tbk_remove(fleet.pool, volume.c_str(), snapshot.c_str(), 0, nullptr);
		break;
	default:
		(void)tbk_remove(fleet.pool, clone.c_str(), nullptr, 0, nullptr);
	}
}

} // namespace thinback
