// SPDX-License-Identifier: GPL-2.0
/* A guest's disk that is a volume: from the ring through the store to a device and back. */
#include <string.h>

#include "../harness/check.h"
#include "ring_rig.h"

using namespace thinback;
using xen::State;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 sector = 512;
constexpr u64 volume_bytes = 8 * mib;

/* A pool with one volume, `disk`. */
struct Pool {
	Pool() : device(256 * mib, ring_device_options())
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		is_ok = !tbk_pool_format(&device, &options, nullptr) && open() &&
			!tbk_volume_create(pool, "disk", volume_bytes, nullptr);
	}
	~Pool() { close(); }
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;

	bool open() { return !tbk_pool_open(&device, 0, &pool, nullptr); }
	void close()
	{
		if (pool)
			tbk_pool_close(pool, nullptr);
		pool = nullptr;
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	bool is_ok = false;
};

/* A guest that has a volume or a snapshot, connected. */
struct Disk {
	Disk(struct tbk_pool *pool, const char *name, const char *snapshot)
		: volume(open(pool, name, snapshot)), guest({ volume, nullptr, 0, 0, 0, 1 })
	{
		guest.connect();
		is_connected = guest.wait_for(State::connected);
	}
	~Disk()
	{
		guest.leave();
		tbk_volume_close(volume);
	}
	Disk(const Disk &) = delete;
	Disk &operator=(const Disk &) = delete;

	static struct tbk_volume *open(struct tbk_pool *pool, const char *name,
				       const char *snapshot)
	{
		struct tbk_volume *volume = nullptr;

		(void)tbk_volume_open(pool, name, snapshot, 0, &volume, nullptr);
		return volume;
	}

	int ask(const GuestIo &io)
	{
		GuestReply reply = {};

		guest.put(io);
		guest.kick();
		return guest.take(reply) && reply.id == io.id ? reply.status : 99;
	}

	/* Fills a page's worth at @at with @value. */
	int write(u64 at, u8 value)
	{
		const u32 page = guest.grant(true);

		memset(guest.page(page), value, xen::page_size);
		return ask({ xen::op_write, 1, at / sector, { page }, 0, 7 });
	}

	/* The value that fills the page at @at, or -1. */
	int read(u64 at)
	{
		const u32 page = guest.grant();

		memset(guest.page(page), 0xee, xen::page_size);
		if (ask({ xen::op_read, 2, at / sector, { page }, 0, 7 }))
			return -1;
		for (u32 i = 1; i < xen::page_size; i++)
			if (guest.page(page)[i] != guest.page(page)[0])
				return -1;
		return guest.page(page)[0];
	}

	int flush() { return ask({ xen::op_flush, 3, 0, {}, 0, 7 }); }

	struct tbk_volume *volume;
	Guest guest;
	bool is_connected = false;
};

} // namespace

TBK_TEST(new_volume_reads_as_zeros)
{
	Pool pool;

	REQUIRE(pool.is_ok);
	Disk disk(pool.pool, "disk", nullptr);
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
	Pool pool;

	REQUIRE(pool.is_ok);
	{
		Disk disk(pool.pool, "disk", nullptr);

		CHECK_EQ(disk.write(0, 0x11), 0);
		CHECK_EQ(disk.write(3 * sector, 0x22), 0);
		CHECK_EQ(disk.flush(), 0);
		CHECK_EQ(disk.read(3 * sector), 0x22);
	}
	pool.close();
	REQUIRE(pool.open());
	Disk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.read(3 * sector), 0x22);
	CHECK_EQ(disk.read(0), -1);
}

TBK_TEST(snapshot_is_read_only_to_a_guest)
{
	Pool pool;

	REQUIRE(pool.is_ok);
	{
		Disk disk(pool.pool, "disk", nullptr);
		CHECK_EQ(disk.write(mib, 0x33), 0);
	}
	REQUIRE(!tbk_snapshot_create(pool.pool, "disk", "then", nullptr));
	Disk disk(pool.pool, "disk", "then");
	CHECK_EQ(disk.guest.backend["info"], xen::info_read_only);
	CHECK_EQ(disk.write(mib, 0x44), -1);
	CHECK_EQ(disk.read(mib), 0x33);
	CHECK_EQ(disk.flush(), 0);
}

TBK_TEST(clone_hides_what_a_guest_writes)
{
	Pool pool;

	REQUIRE(pool.is_ok);
	Disk disk(pool.pool, "disk", nullptr);
	CHECK_EQ(disk.write(0, 0x11), 0);
	REQUIRE(!tbk_snapshot_create(pool.pool, "disk", "then", nullptr));
	REQUIRE(!tbk_clone_create(pool.pool, "disk", "then", "copy", 0, nullptr));
	Disk copy(pool.pool, "copy", nullptr);
	CHECK_EQ(copy.read(0), 0x11);
	CHECK_EQ(copy.write(0, 0x22), 0);
	CHECK_EQ(disk.read(0), 0x11);
	CHECK_EQ(copy.read(0), 0x22);
}

TBK_TEST(discard_frees_what_a_volume_holds)
{
	Pool pool;
	struct tbk_object_info info = {};

	REQUIRE(pool.is_ok);
	Disk disk(pool.pool, "disk", nullptr);
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
	Pool pool;

	REQUIRE(pool.is_ok);
	struct tbk_volume_limits limits = {};
	limits.set = TBK_LIMIT_QUOTA;
	limits.quota = xen::page_size;
	REQUIRE(!tbk_volume_limit(pool.pool, "disk", &limits, nullptr));
	Disk disk(pool.pool, "disk", nullptr);
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
	explicit Modelled(Disk &disk) : disk_(disk), model_(area) {}

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

	Disk &disk_;
	std::vector<u8> model_;
};

} // namespace

TBK_TEST(random_requests_agree_with_a_model)
{
	Pool pool;

	REQUIRE(pool.is_ok);
	Disk disk(pool.pool, "disk", nullptr);
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
