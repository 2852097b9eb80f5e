// SPDX-License-Identifier: GPL-2.0
/* Zeros that are written to a volume which wants no space taken by them. */
#include <string.h>
#include <vector>

#include "../harness/check.h"
#include "journal_rig.h"

using namespace thinback;

namespace {

constexpr u64 block = 4096;

class Rig : public JournalRig {
public:
	explicit Rig(bool is_on = true)
	{
		if (is_ok() && is_on && detect(1) == 0)
			turn_to("disk", nullptr);
	}

	int detect(u32 on)
	{
		struct tbk_volume_limits limits {};

		limits.set = TBK_LIMIT_DETECT_ZEROES;
		limits.detect_zeroes = on;
		return tbk_volume_limit(pool, "disk", &limits, nullptr);
	}
	struct tbk_object_info about(const char *volume = "disk")
	{
		struct tbk_object_info info {};

		(void)tbk_pool_find(pool, volume, nullptr, &info, nullptr);
		return info;
	}
	u64 own() { return about().own / block; }
};

/* One request of any shape, on a handle of its own. */
struct Request {
	struct tbk_request request {}; /* first: found from it */
	bool is_done = false;

	int run(Rig &rig, u32 op, u64 sector, const struct tbk_payload &payload, u32 flags = 0)
	{
		struct tbk_volume *volume = nullptr;

		if (tbk_volume_open(rig.pool, "disk", nullptr, 0, &volume, nullptr))
			return -TBK_EIO;
		request.op = op;
		request.flags = flags;
		request.sector = sector;
		request.bytes = payload.bytes;
		request.payload = payload;
		request.done = [](struct tbk_request *done) {
			reinterpret_cast<Request *>(done)->is_done = true;
		};
		tbk_volume_submit(volume, &request);
		while (!is_done)
			hosted_sleep_ms(1);
		tbk_volume_close(volume);
		return request.error;
	}
};

int move(Rig &rig, u32 op, u64 sector, std::vector<u8> &bytes, u32 flags = 0)
{
	return Request().run(rig, op, sector, { bytes.data(), TBK_PAYLOAD_BUFFER, 0, bytes.size() },
			     flags);
}

} // namespace

TBK_TEST(zeroes_take_space_unless_asked_not_to)
{
	Rig rig(false);

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(0, 0), 0);
	CHECK_EQ(rig.own(), 1);
	CHECK_EQ(rig.about().detect_zeroes, 0);
}

TBK_TEST(zeroes_take_no_space)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	const u64 before = rig.device.counts().writes;

	for (u64 i = 0; i < 20; i++)
		CHECK_EQ(rig.write(i, 0), 0);
	CHECK_EQ(rig.own(), 0);
	CHECK_EQ(rig.device.counts().writes, before);
	CHECK(rig.holds(7, 0));
	CHECK_EQ(rig.write(7, 9), 0);
	CHECK_EQ(rig.own(), 1);
	CHECK(rig.holds(7, 9));
}

TBK_TEST(zeroes_free_what_was_there)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 10; i++)
		CHECK_EQ(rig.write(i, i + 1), 0);
	for (u64 i = 0; i < 10; i += 2)
		CHECK_EQ(rig.write(i, 0), 0);
	CHECK_EQ(rig.own(), 5);
	for (u64 i = 0; i < 10; i++)
		CHECK(rig.holds(i, i % 2 ? i + 1 : 0));
	CHECK(rig.is_sound());
}

TBK_TEST(zeroes_hide_what_a_snapshot_keeps)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(3, 33), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "disk", "s", nullptr), 0);
	CHECK_EQ(rig.write(3, 0), 0);
	CHECK_EQ(rig.own(), 0);
	CHECK(rig.holds(3, 0));
	rig.turn_to("disk", "s");
	CHECK(rig.holds(3, 33));
	CHECK(rig.is_sound());
}

/* From the middle of a block to the middle of another, with zeros in between and at both ends. */
TBK_TEST(zeroes_among_other_blocks)
{
	Rig rig;
	const char *what = "zzxxzxzzzx";
	std::vector<u8> bytes(512 + 10 * block + 1024);
	std::vector<u8> found(bytes.size() + 7 * 512);

	REQUIRE(rig.is_ok());
	for (u64 i = 0; i < 12; i++)
		CHECK_EQ(rig.write(i, 5), 0);
	memset(bytes.data(), 1, 512);
	for (u64 i = 0; what[i]; i++)
		memset(&bytes[512 + i * block], what[i] == 'x' ? 7 : 0, block);
	CHECK_EQ(move(rig, TBK_OP_WRITE, 7, bytes), 0);
	CHECK_EQ(rig.own(), 6);
	CHECK_EQ(move(rig, TBK_OP_READ, 0, found), 0);
	CHECK(memcmp(&found[std::size_t{ 7 } * 512], bytes.data(), bytes.size()) == 0);
	CHECK_EQ(found[0], 5);
	/* One byte makes a block something to store. */
	std::vector<u8> almost(block);

	almost[block - 1] = 1;
	CHECK_EQ(move(rig, TBK_OP_WRITE, 0, almost), 0);
	CHECK_EQ(rig.own(), 6);
	CHECK_EQ(move(rig, TBK_OP_WRITE, 800, almost), 0);
	CHECK_EQ(rig.own(), 7);
	CHECK(rig.is_sound());
}

TBK_TEST(zeroes_in_pieces_of_pages)
{
	Rig rig;
	std::vector<u8> pages(16 * block);
	std::vector<struct tbk_segment> segments;

	REQUIRE(rig.is_ok());
	/* A sector of each page; the second block has a byte, in its last piece. */
	for (u32 i = 0; i < 16; i++)
		segments.push_back({ &pages[std::size_t{ i } * block], (i % 8) * 512, 512 });
	pages[15 * block + 7 * 512 + 511] = 1;
	const struct tbk_payload payload = { segments.data(), TBK_PAYLOAD_SEGMENTS, 16, 2 * block };

	CHECK_EQ(rig.write(0, 5), 0);
	CHECK_EQ(rig.write(1, 5), 0);
	CHECK_EQ(Request().run(rig, TBK_OP_WRITE, 0, payload), 0);
	CHECK_EQ(rig.own(), 1);
	CHECK(rig.holds(0, 0));
}

TBK_TEST(zeroes_with_fua_survive)
{
	Rig rig;
	std::vector<u8> zeros(2 * block);

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(0, 5), 0);
	CHECK_EQ(rig.write(1, 5), 0);
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(move(rig, TBK_OP_WRITE, 0, zeros, TBK_IO_FUA), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(0, 0));
	CHECK(rig.holds(1, 0));
	CHECK_EQ(rig.own(), 0);
}

TBK_TEST(zeroes_flushed_survive)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(rig.write(0, 5), 0);
	CHECK_EQ(rig.flush(), 0);
	CHECK_EQ(rig.write(0, 0), 0);
	CHECK_EQ(rig.flush(), 0);
	rig.crash();
	REQUIRE(rig.is_ok());
	CHECK(rig.holds(0, 0));
	CHECK_EQ(rig.own(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(zeroes_go_into_a_full_pool)
{
	Rig rig;
	struct tbk_volume_limits limits {};
	u64 at = 0;

	REQUIRE(rig.is_ok());
	limits.set = TBK_LIMIT_QUOTA;
	limits.quota = 20 * block;
	CHECK_EQ(tbk_volume_limit(rig.pool, "disk", &limits, nullptr), 0);
	while (rig.write(at, 1) == 0)
		at++;
	CHECK_EQ(at, 20);
	CHECK_EQ(rig.write(at, 0), 0);
	CHECK_EQ(rig.write(3, 0), 0);
	CHECK_EQ(rig.write(at, 1), 0);
	CHECK_EQ(rig.about().detect_zeroes, 1);
}

TBK_TEST(zeroes_setting_stays_with_the_name)
{
	Rig rig;

	REQUIRE(rig.is_ok());
	CHECK_EQ(tbk_snapshot_create(rig.pool, "disk", "s", nullptr), 0);
	CHECK_EQ(tbk_clone_create(rig.pool, "disk", "s", "clone", 0, nullptr), 0);
	CHECK_EQ(rig.about("clone").detect_zeroes, 0);
	rig.leave();
	CHECK_EQ(tbk_rollback(rig.pool, "disk", "s", "was", nullptr), 0);
	rig.turn_to("disk", nullptr);
	CHECK_EQ(rig.about().detect_zeroes, 1);
	CHECK_EQ(rig.write(0, 0), 0);
	CHECK_EQ(rig.own(), 0);
	CHECK(rig.is_sound());
	CHECK_EQ(rig.about().detect_zeroes, 1);
	CHECK_EQ(rig.detect(0), 0);
	CHECK_EQ(rig.write(0, 0), 0);
	CHECK_EQ(rig.own(), 1);
	CHECK(rig.is_sound());
	CHECK_EQ(rig.about().detect_zeroes, 0);
}
