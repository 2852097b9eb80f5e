// SPDX-License-Identifier: GPL-2.0
/* Repairs of what has a journal, and of what is in the way of one. */
#include <thinback/format/node.h>
#include <thinback/format/space.h>

#include "repair_calls.h"

using namespace thinback;

namespace {

/* Each flush a block of the journal. */
void write_and_flush(JournalRig &rig, u64 from, u64 to)
{
	for (u64 block = from; block < to; block++) {
		(void)rig.write(block * 2, block + 1);
		(void)rig.flush();
	}
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
	REQUIRE_EQ(tbk_volume_create(rig.pool, "other", 1 << 20, 0, nullptr), 0);
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
