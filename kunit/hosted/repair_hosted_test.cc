// SPDX-License-Identifier: GPL-2.0
/* Repairs of what has a journal; repairs that are cut off; repairs of anything. */
#include <stdio.h>

#include <thinback/format/node.h>
#include <thinback/format/space.h>

#include "../../drivers/hosted/crash_device.h"
#include "../harness/check.h"
#include "../store/damage.h"
#include "victim.h"

using namespace thinback;

namespace {

/* How many things it did; a negative errno. */
int repair(struct tbk_device &device, u32 how = 0)
{
	struct tbk_check check {};
	int count = 0;

	check.repair = how;
	check.context = &count;
	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *text) {
		tbk_log(TBK_LOG_INFO, "repair: %s", text);
	};
	check.mended = [](struct tbk_check *in, const char *) {
		++*static_cast<int *>(in->context);
	};
	const int error = tbk_pool_repair(&device, &check, nullptr);

	return error ? error : count;
}

/* Each flush a block of the journal. */
void write_and_flush(JournalRig &rig, u64 from, u64 to)
{
	for (u64 block = from; block < to; block++) {
		(void)rig.write(block * 2, block + 1);
		(void)rig.flush();
	}
}

struct Kinds {
	u32 damaged = 0;
	u32 others = 0;
};

Kinds kinds_found(struct tbk_device &device)
{
	struct tbk_check check {};
	Kinds kinds;

	check.context = &kinds;
	check.found = [](struct tbk_check *in, enum tbk_finding_class kind, const char *) {
		auto &seen = *static_cast<Kinds *>(in->context);

		++(kind == TBK_FINDING_DAMAGED ? seen.damaged : seen.others);
	};
	if (tbk_pool_check(&device, &check, nullptr))
		kinds.damaged++;
	return kinds;
}

} // namespace

TBK_TEST(repair_ends_journal_at_a_gap)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	(void)tbk_pool_settle(rig.pool);
	write_and_flush(rig, 0, 8);
	rig.stop();
	rig.damage_journal(3);
	rig.start();
	CHECK(!rig.pool);
	CHECK(kinds_found(rig.device).damaged > 0);
	/* The changes that it could replay, and the end. */
	CHECK(repair(rig.device) >= 2);
	CHECK(rig.findings().empty());
	rig.start();
	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 8; block++)
		CHECK(rig.holds(block * 2, block < 3 ? block + 1 : 0));
	/* What lies behind the gap is never taken for something newer. */
	write_and_flush(rig, 20, 24);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(46, 24));
	CHECK(rig.holds(10, 0));
	CHECK(rig.is_sound());
}

namespace {

/* Both slots of the first. */
void flip_bitmaps(MemoryDevice &device)
{
	flip(device, format::first_bitmap(0));
	flip(device, format::first_bitmap(0) + 1);
}

/* Whatever was ever written of a volume's tree, second copies included. */
void flip_leaves(MemoryDevice &device, u32 owner)
{
	for (u64 block = 0; block < device.size() / 4096; block++) {
		format::BlockHeader header = {};

		device.read(block * 4096, &header, sizeof(header));
		if (header.magic.get() == format::node_magic && header.owner.get() == owner &&
		    header.kind == 1)
			flip(device, block);
	}
}

} // namespace

namespace {

/* Spoils every leaf of extents that is written to it. */
class SpoilingDevice : public MemoryDevice {
public:
	using MemoryDevice::MemoryDevice;

private:
	u64 note_write_submitted(const struct tbk_io &io) override { return io.sector; }
	void note_write_done(u64 sector, int error) override
	{
		format::BlockHeader header = {};

		read(sector * 512, &header, sizeof(header));
		if (!error && header.magic.get() == format::node_magic && header.kind == 1 &&
		    header.level == 0)
			flip(*this, sector / 8);
	}
};

} // namespace

/* On such a device what takes a lost leaf's place is lost as well. */
TBK_TEST(repair_that_comes_to_no_end_says_so)
{
	JournalRig rig;
	SpoilingDevice device(rig.device.size());
	struct tbk_check check {};
	std::string said;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(0, 1), 0);
	(void)tbk_pool_settle(rig.pool);
	rig.stop();
	flip_leaves(rig.device, 1);
	device.copy_from(rig.device);
	check.repair = TBK_REPAIR_DROP;
	check.context = &said;
	check.found = [](struct tbk_check *in, enum tbk_finding_class kind, const char *text) {
		if (kind == TBK_FINDING_DAMAGED)
			*static_cast<std::string *>(in->context) += text;
	};
	CHECK_EQ(tbk_pool_repair(&device, &check, nullptr), 0);
	CHECK(said.find("after 64 passes") != std::string::npos);
}

/* Also where they would take no space. */
TBK_TEST(repair_that_drops_leaves_room_for_zeroes)
{
	JournalRig rig;
	struct tbk_volume_limits limits {};
	u64 value = 0;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(0, 1), 0);
	CHECK_EQ(rig.write(1, 1), 0);
	(void)tbk_pool_settle(rig.pool);
	rig.stop();
	flip_leaves(rig.device, 1);
	CHECK(repair(rig.device, TBK_REPAIR_DROP) > 0);
	rig.start();
	REQUIRE(rig.is_ok());
	limits.set = TBK_LIMIT_DETECT_ZEROES;
	limits.detect_zeroes = 1;
	CHECK_EQ(tbk_volume_limit(rig.pool, "disk", &limits, nullptr), 0);
	CHECK_EQ(rig.read(1, value), -TBK_EIO);
	CHECK_EQ(rig.write(1, 0), 0);
	CHECK(rig.holds(1, 0));
	CHECK_EQ(rig.read(0, value), -TBK_EIO);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(1, 0));
	CHECK(rig.is_sound());
}

TBK_TEST(repair_replays_journal_into_bitmaps_made_anew)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	(void)tbk_pool_settle(rig.pool);
	write_and_flush(rig, 0, 5);
	rig.stop();
	flip_bitmaps(rig.device);
	CHECK_EQ(kinds_found(rig.device).damaged, 0);
	CHECK(kinds_found(rig.device).others > 0);
	CHECK(repair(rig.device) >= 2);
	CHECK(rig.findings().empty());
	rig.start();
	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 5; block++)
		CHECK(rig.holds(block * 2, block + 1));
	CHECK(rig.is_sound());
}

TBK_TEST(repair_keeps_journal_beside_a_node_that_is_lost)
{
	JournalRig rig;

	REQUIRE(rig.is_ok());
	REQUIRE_EQ(tbk_volume_create(rig.pool, "other", 1 << 20, nullptr), 0);
	rig.turn_to("other", nullptr);
	CHECK_EQ(rig.write(0, 1), 0);
	rig.turn_to("disk", nullptr);
	(void)tbk_pool_settle(rig.pool);
	write_and_flush(rig, 0, 5);
	rig.stop();
	flip_bitmaps(rig.device);
	flip_leaves(rig.device, 2);
	/* The only group counts as full: there is no room for what the journal would change. */
	CHECK_EQ(repair(rig.device), 0);
	flip_leaves(rig.device, 2);
	CHECK(repair(rig.device) >= 2);
	CHECK(rig.findings().empty());
	rig.start();
	REQUIRE(rig.is_ok());
	for (u64 block = 0; block < 5; block++)
		CHECK(rig.holds(block * 2, block + 1));
}

namespace {

constexpr MemoryDevice::Options asynchronous = JournalRig::asynchronous;

/* What a DamagedPool has come to. */
void copy_to(MemoryDevice &to, RamDevice &from)
{
	u8 page[4096];
	const u8 zeros[4096] = {};

	for (u64 at = 0; at < to.size(); at += sizeof(page)) {
		from.read(at, page, sizeof(page));
		if (__builtin_memcmp(page, zeros, sizeof(page)) != 0)
			to.write(at, page, sizeof(page));
	}
}

/* A bit of everything that can be mended. */
void spoil(struct kunit *test, DamagedPool &pool)
{
	CHECK_OK(pool.spoil_block(pool.bitmap_block(), [](BlockImage &image) {
		__builtin_memset(image.payload + 8, 0, 300);
		image.payload[2000] |= 0x0e;
	}));
	CHECK_OK(pool.spoil_record(DamagedPool::id_b, [](format::CatalogRecord &record) {
		record.own.set(1);
		record.mapped.set(2);
	}));
	CHECK_OK(pool.flip(format::ring_b +
				   (pool.super.header.checkpoint.get() + 6) % format::ring_length,
			   9, 1));
}

} // namespace

TBK_TEST(repair_survives_power_cut_at_any_write)
{
	auto made = DamagedPool::create();
	REQUIRE_OK(made);
	DamagedPool &pool = *made.value();
	CrashDevice device(64 << 20, asynchronous);
	Kinds before, seen;

	spoil(test, pool);
	copy_to(device, *pool.device);
	device.restart();
	before = kinds_found(device);
	CHECK_EQ(before.damaged, 0);
	CHECK(repair(device) >= 3);
	CHECK(device.writes() > 5);
	CrashReplay replay(device);
	u32 whole = 0;

	for (u64 at = 0; at <= device.events(); at++) {
		replay.advance(at);
		for (u64 way = 0; way < 4; way++) {
			MemoryDevice image(device.size(), asynchronous);

			replay.build(image, way == 0   ? CrashReplay::none()
					    : way == 1 ? CrashReplay::all()
						       : CrashReplay::random(4 * at + way, true));
			seen = kinds_found(image);
			CHECK_EQ(seen.damaged, 0);
			/* As before, but perhaps for the copy of the superblock; or mended. */
			CHECK(seen.others + 1 >= before.others || seen.others <= 1);
			whole += seen.others == 0;
			CHECK(holds_all(image, nullptr));
			CHECK(repair(image) >= 0);
			seen = kinds_found(image);
			CHECK_EQ(seen.damaged + seen.others, 0);
			CHECK(holds_all(image, nullptr));
		}
	}
	CHECK(whole > 0);
}

TBK_TEST(repair_of_any_corruption_makes_no_wrong_byte)
{
	Victim victim;
	Random random;
	u64 mended = 0;
	u64 damaged = 0;
	constexpr u64 tries = 1400;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < tries; i++) {
		const Damage damage = i % 5 == 4 ? Damage::bad_sector : Damage::bits;
		const bool may_be_old = victim.spoil(random, damage) == Kind::journal;
		const Kinds before = kinds_found(victim.rig.device);
		const u64 writes = victim.rig.device.counts().writes;
		const int done = repair(victim.rig.device);
		const Kinds after = kinds_found(victim.rig.device);

		CHECK(done >= 0 || before.damaged > 0);
		CHECK(before.damaged > 0 || after.damaged + after.others == 0);
		/* A journal that is only to be replayed is no reason to write. */
		if (before.damaged + before.others == 0)
			CHECK_EQ(victim.rig.device.counts().writes, writes);
		mended += done > 0;
		damaged += after.damaged > 0;
		/* All is right, or the check still says what is not. */
		CHECK(after.damaged > 0 || after.others == 0);
		victim.rig.start();
		CHECK(after.damaged > 0 || victim.rig.is_ok());
		if (!victim.rig.pool)
			continue;
		/* What was free after all is written to, and was nobody's. */
		victim.rig.turn_to("clone", nullptr);
		for (u64 block = 700; victim.rig.is_ok() && block < 740; block++)
			(void)victim.rig.write(block, 7);
		CHECK(victim.reads_right("clone", nullptr, false));
		CHECK(victim.reads_right("disk", "s", false));
		CHECK(victim.reads_right("disk", nullptr, may_be_old));
		CHECK(after.damaged > 0 || victim.rig.is_sound());
		victim.rig.stop();
	}
	CHECK(mended > 30);
	victim.restore();
	victim.tell();
	printf("# %llu had something that was mended; of all, %llu are damaged still\n", mended,
	       damaged);
}

namespace {

/* Of whatever was spoilt nothing is left but errors; what is written anew can be read. */
void expect_dropped(struct kunit *test, Victim &victim, bool may_be_old)
{
	const Kinds after = kinds_found(victim.rig.device);

	CHECK_EQ(after.damaged + after.others, 0);
	if (after.damaged + after.others)
		tbk_test_failed(test, __FILE__, __LINE__, victim.rig.findings().c_str());
	victim.rig.start();
	REQUIRE(victim.rig.pool != nullptr);
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.reads_right("disk", "s", false));
	CHECK(victim.reads_right("disk", nullptr, may_be_old));
	victim.rig.turn_to("disk", nullptr);
	for (u64 block = 0; victim.rig.is_ok() && block < 2 * Victim::blocks; block++)
		CHECK_EQ(victim.rig.write(block, 7), 0);
	for (u64 block = 0; victim.rig.is_ok() && block < 2 * Victim::blocks; block += 7)
		CHECK(victim.rig.holds(block, 7));
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.rig.is_sound());
	victim.rig.stop();
}

} // namespace

TBK_TEST(repair_that_drops_makes_no_wrong_byte)
{
	Victim victim;
	Random random;
	u32 dropped = 0;
	u32 left = 0;

	REQUIRE(victim.is_ok());
	for (u64 i = 0; i < 300; i++) {
		const Damage damage = i % 5 == 4 ? Damage::bad_sector : Damage::bits;
		const bool may_be_old = victim.spoil(random, damage) == Kind::journal;
		const bool was_damaged = kinds_found(victim.rig.device).damaged > 0;
		const int done = repair(victim.rig.device, TBK_REPAIR_DROP);

		if (was_damaged && (done <= 0 || kinds_found(victim.rig.device).damaged > 0)) {
			/* The catalog, or a branch from which two trees descend. */
			left++;
			continue;
		}
		dropped += was_damaged;
		expect_dropped(test, victim, may_be_old);
	}
	CHECK(dropped > 40);
	CHECK(left < 60);
	victim.restore();
}

namespace {

void lose_superblocks(MemoryDevice &device)
{
	constexpr u64 bytes = format::ring_length * format::block_size;

	device.clear(format::ring_a * format::block_size, bytes);
	device.clear(format::ring_b * format::block_size, bytes);
}

} // namespace

TBK_TEST(repair_finds_pool_that_lost_all_superblocks)
{
	Victim victim;

	REQUIRE(victim.is_ok());
	lose_superblocks(victim.rig.device);
	CHECK(kinds_found(victim.rig.device).damaged == 1);
	CHECK(repair(victim.rig.device) > 0);
	CHECK(victim.rig.findings().empty());
	if (!victim.rig.findings().empty())
		tbk_test_failed(test, __FILE__, __LINE__, victim.rig.findings().c_str());
	victim.rig.start();
	REQUIRE(victim.rig.pool != nullptr);
	CHECK(victim.reads_right("disk", nullptr, false));
	CHECK(victim.reads_right("clone", nullptr, false));
	CHECK(victim.reads_right("disk", "s", false));
	CHECK(victim.rig.is_sound());
	victim.restore();
}

namespace {

/* What the power is cut off from, and what is true of it whenever that is. */
void cut_repair(struct kunit *test, DamagedPool &pool, u32 how, const char *except)
{
	CrashDevice device(64 << 20, asynchronous);

	copy_to(device, *pool.device);
	device.restart();
	CHECK(repair(device, how) > 0);
	CrashReplay replay(device);

	for (u64 at = 0; at <= device.events(); at++) {
		replay.advance(at);
		for (u64 way = 0; way < 3; way++) {
			MemoryDevice image(device.size(), asynchronous);

			replay.build(image, way == 0   ? CrashReplay::none()
					    : way == 1 ? CrashReplay::all()
						       : CrashReplay::random(4 * at + way, true));
			const Kinds cut = kinds_found(image);

			/* As before, or so far that nothing is damaged any more. */
			CHECK(cut.damaged <= 1);
			CHECK(repair(image, how) >= 0);
			const Kinds seen = kinds_found(image);

			CHECK_EQ(seen.damaged + seen.others, 0);
			CHECK(holds_all(image, except));
		}
	}
}

} // namespace

TBK_TEST(repair_without_superblocks_survives_power_cut)
{
	auto made = DamagedPool::create();

	REQUIRE_OK(made);
	CHECK_OK(made.value()->lose_superblocks());
	cut_repair(test, *made.value(), 0, nullptr);
}

TBK_TEST(repair_that_drops_survives_power_cut)
{
	auto made = DamagedPool::create();

	REQUIRE_OK(made);
	CHECK_OK(made.value()->flip(made.value()->find_node(DamagedPool::id_c, 0), 100, 1));
	cut_repair(test, *made.value(), TBK_REPAIR_DROP, "c");
}
