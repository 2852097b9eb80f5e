// SPDX-License-Identifier: GPL-2.0
/* A guest's disk that is a volume: from the ring through the store to a device and back. */
#include "../harness/check.h"
#include "volume_rig.h"

using namespace thinback;
using xen::State;

TBK_TEST(new_volume_reads_as_zeros)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	VolumeDisk disk(pool.pool, "disk", nullptr);
	CHECK(disk.is_connected);
	CHECK_EQ(disk.read(0), 0);
	CHECK_EQ(disk.read(volume_bytes - xen::page_size), 0);
	CHECK_EQ(disk.guest.backend["sectors"], volume_bytes / sector);
	CHECK_EQ(disk.guest.backend["sector-size"], 512u);
	CHECK_EQ(disk.guest.backend["physical-sector-size"], 4096u);
	CHECK_EQ(disk.guest.backend["feature-flush-cache"], 1u);
}

TBK_TEST(volume_keeps_what_a_guest_flushed)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	{
		VolumeDisk disk(pool.pool, "disk", nullptr);

		CHECK_EQ(disk.write(0, 0x11), 0);
		CHECK_EQ(disk.write(3 * sector, 0x22), 0);
		CHECK_EQ(disk.flush(), 0);
		CHECK_EQ(disk.read(3 * sector), 0x22);
	}
	pool.close();
	REQUIRE(pool.open());
	VolumeDisk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.read(3 * sector), 0x22);
	CHECK_EQ(disk.read(0), -1);
}

TBK_TEST(snapshot_is_read_only_to_a_guest)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	{
		VolumeDisk disk(pool.pool, "disk", nullptr);
		CHECK_EQ(disk.write(mib, 0x33), 0);
	}
	REQUIRE(!tbk_snapshot_create(pool.pool, "disk", "then", nullptr));
	VolumeDisk disk(pool.pool, "disk", "then");
	CHECK_EQ(disk.guest.backend["info"], xen::info_read_only);
	CHECK_EQ(disk.write(mib, 0x44), -1);
	CHECK_EQ(disk.read(mib), 0x33);
	CHECK_EQ(disk.flush(), 0);
}

TBK_TEST(clone_hides_what_a_guest_writes)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	VolumeDisk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.write(0, 0x11), 0);
	REQUIRE(!tbk_snapshot_create(pool.pool, "disk", "then", nullptr));
	REQUIRE(!tbk_clone_create(pool.pool, "disk", "then", "copy", 0, nullptr));
	VolumeDisk copy(pool.pool, "copy", nullptr);
	CHECK_EQ(copy.read(0), 0x11);
	CHECK_EQ(copy.write(0, 0x22), 0);
	CHECK_EQ(disk.read(0), 0x11);
	CHECK_EQ(copy.read(0), 0x22);
}

TBK_TEST(discard_frees_what_a_volume_holds)
{
	VolumePool pool;
	struct tbk_object_info info = {};

	REQUIRE(pool.is_ok);
	VolumeDisk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.guest.backend["feature-discard"], 1u);
	CHECK_EQ(disk.guest.backend["discard-granularity"], 4096u);
	CHECK_EQ(disk.guest.backend["discard-alignment"], 0u);
	CHECK_EQ(disk.guest.backend["discard-secure"], 0u);
	for (u64 block = 0; block < 16; block++)
		CHECK_EQ(disk.write(block * xen::page_size, 0x55), 0);
	tbk_volume_info(disk.volume, &info);
	CHECK_EQ(info.own, 16u * xen::page_size);

	/* Blocks 4 to 7, and parts of 3 and 8 that stay. */
	GuestIo io = { xen::op_discard, 9, 4 * 8 - 3, {}, 0, 7 };
	io.discarded = 4 * 8 + 6;
	CHECK_EQ(disk.ask(io), 0);
	tbk_volume_info(disk.volume, &info);
	CHECK_EQ(info.own, 12u * xen::page_size);
	CHECK_EQ(disk.read(3 * xen::page_size), 0x55);
	CHECK_EQ(disk.read(4 * xen::page_size), 0);
	CHECK_EQ(disk.read(7 * xen::page_size), 0);
	CHECK_EQ(disk.read(8 * xen::page_size), 0x55);
	CHECK_EQ(disk.flush(), 0);
}

TBK_TEST(flush_whose_data_finds_no_space_is_an_error)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	struct tbk_volume_limits limits = {};
	limits.set = TBK_LIMIT_QUOTA;
	limits.quota = xen::page_size;
	REQUIRE(!tbk_volume_limit(pool.pool, "disk", &limits, nullptr));
	VolumeDisk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.write(0, 1), 0);
	for (const u8 operation : { xen::op_flush, xen::op_barrier })
		CHECK_EQ(disk.ask({ operation, 1, 64, { disk.guest.grant() }, 0, 7 }), -1);
	/* Its flush did not fail: the disk stays. */
	CHECK(disk.guest.state() == State::connected);
	CHECK_EQ(disk.flush(), 0);
	CHECK_EQ(disk.ask({ xen::op_barrier, 2, 0, { disk.guest.grant() }, 0, 7 }), 0);
}

namespace {

/* Up to a ringful of requests at once, none of which overlap, against plain memory. */
class Modelled {
public:
	explicit Modelled(VolumeDisk &disk) : disk_(disk), model_(area) {}

	void round(struct kunit *test)
	{
		std::vector<Asked> asked;

		for (u64 part = 0; part < parts; part++)
			if (hosted_pick(3) != 0)
				asked.push_back(ask(part));
		disk_.guest.kick();
		for (size_t i = 0; i < asked.size(); i++) {
			GuestReply reply = {};

			REQUIRE(disk_.guest.take(reply));
			CHECK_EQ(reply.status, 0);
			check(test, asked, reply.id);
		}
	}

private:
	struct Asked {
		u64 id;
		bool is_read;
		u64 at;
		u32 page;
		u32 first;
		u32 bytes;
	};

	static constexpr u64 parts = 24;
	static constexpr u64 part_bytes = 16384;
	static constexpr u64 area = parts * part_bytes;

	Asked ask(u64 part)
	{
		Guest &guest = disk_.guest;
		const u32 first = static_cast<u32>(hosted_pick(8));
		const u32 last = first + static_cast<u32>(hosted_pick(8 - first));
		const u64 at = part * part_bytes + hosted_pick(24) * sector;
		const Asked one = { part,	   hosted_pick(2) == 0, at,
				    guest.grant(), first * 512,		(last - first + 1) * 512 };

		if (!one.is_read) {
			memset(guest.page(one.page), static_cast<int>(hosted_pick(256)),
			       xen::page_size);
			memcpy(&model_[at], guest.page(one.page) + one.first, one.bytes);
		}
		guest.put({ one.is_read ? xen::op_read : xen::op_write,
			    part,
			    at / sector,
			    { one.page },
			    static_cast<u8>(first),
			    static_cast<u8>(last) });
		return one;
	}

	void check(struct kunit *test, const std::vector<Asked> &asked, u64 id)
	{
		for (const Asked &one : asked) {
			if (one.id != id || !one.is_read)
				continue;
			CHECK(!memcmp(&model_[one.at], disk_.guest.page(one.page) + one.first,
				      one.bytes));
		}
	}

	VolumeDisk &disk_;
	std::vector<u8> model_;
};

} // namespace

TBK_TEST(random_requests_agree_with_a_model)
{
	VolumePool pool;

	REQUIRE(pool.is_ok);
	VolumeDisk disk(pool.pool, "disk", nullptr);
	Modelled modelled(disk);
	for (u32 i = 0; i < 60; i++) {
		modelled.round(test);
		if (hosted_pick(8) == 0)
			CHECK_EQ(disk.flush(), 0);
		if (hosted_pick(16) == 0)
			CHECK(!tbk_snapshot_create(pool.pool, "disk", std::to_string(i).c_str(),
						   nullptr));
	}
}

namespace {

/* What a guest that has the object is told of its sectors. */
u64 sectors_of(VolumePool &rig, const char *name, const char *snapshot)
{
	VolumeDisk disk(rig.pool, name, snapshot);

	return disk.is_connected ? disk.guest.backend["sector-size"] : 0;
}

} // namespace

TBK_TEST(large_sectors_stay_with_a_volume_and_its_clones)
{
	VolumePool rig;

	REQUIRE(rig.is_ok);
	REQUIRE_EQ(tbk_volume_create(rig.pool, "large", mib, TBK_OBJECT_LARGE_SECTORS, nullptr), 0);
	REQUIRE_EQ(tbk_snapshot_create(rig.pool, "large", "s", nullptr), 0);
	REQUIRE_EQ(tbk_clone_create(rig.pool, "large", "s", "clone", 2 * mib, nullptr), 0);
	REQUIRE_EQ(tbk_rollback(rig.pool, "large", "s", "kept", nullptr), 0);
	rig.close();
	REQUIRE(rig.open());
	CHECK_EQ(sectors_of(rig, "large", nullptr), 4096);
	CHECK_EQ(sectors_of(rig, "large", "s"), 4096);
	CHECK_EQ(sectors_of(rig, "large", "kept"), 4096);
	CHECK_EQ(sectors_of(rig, "clone", nullptr), 4096);
	CHECK_EQ(sectors_of(rig, "disk", nullptr), 512);
}

TBK_TEST(large_sectors_take_no_halves)
{
	VolumePool rig;

	REQUIRE(rig.is_ok);
	REQUIRE_EQ(tbk_volume_create(rig.pool, "large", mib, TBK_OBJECT_LARGE_SECTORS, nullptr), 0);
	VolumeDisk disk(rig.pool, "large", nullptr);
	REQUIRE(disk.is_connected);
	CHECK_EQ(disk.guest.backend["sectors"], mib / sector);
	CHECK_EQ(disk.guest.backend["physical-sector-size"], 4096u);
	CHECK_EQ(disk.write(mib - 4096, 5), 0);
	CHECK_EQ(disk.read(mib - 4096), 5);
	CHECK(disk.write(2048, 5) != 0);
	CHECK_EQ(disk.read(0), 0);
}
