// SPDX-License-Identifier: GPL-2.0
/* Quotas, reserves, what a write does that finds no block, and who is told. */
#include <memory>
#include <string.h>
#include <string>
#include <vector>

#include <thinback/entry.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "../../drivers/store/watch.h"
#include "../harness/check.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 block = 4096;

struct Write {
	struct tbk_request request {}; /* first: found from it */
	u8 bytes[block] = {};
	bool is_done = false;

	void submit(struct tbk_volume *volume, u32 op, u64 at, u64 count = 1)
	{
		request.op = op;
		request.sector = at * 8;
		request.bytes = op == TBK_OP_FLUSH ? 0 : count * block;
		if (op == TBK_OP_READ || op == TBK_OP_WRITE)
			request.payload = { bytes, TBK_PAYLOAD_BUFFER, 0, block };
		request.done = [](struct tbk_request *done) {
			reinterpret_cast<Write *>(done)->is_done = true;
		};
		tbk_volume_submit(volume, &request);
	}

	int wait() const
	{
		while (!is_done)
			hosted_sleep_ms(1);
		return request.error;
	}
};

/* A pool of 128 MiB with volumes `a` and `b`, open both. */
struct Rig {
	Rig() : device(128 * mib, { .asynchronous = true })
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		if (tbk_pool_format(&device, &options, nullptr) ||
		    tbk_pool_open(&device, 0, &pool, nullptr) ||
		    tbk_volume_create(pool, "a", 256 * mib, nullptr) ||
		    tbk_volume_create(pool, "b", 256 * mib, nullptr))
			return;
		open();
	}
	~Rig()
	{
		close();
		if (pool)
			tbk_pool_close(pool, nullptr);
	}
	Rig(const Rig &) = delete;
	Rig &operator=(const Rig &) = delete;

	void open()
	{
		(void)tbk_volume_open(pool, "a", nullptr, 0, &a, nullptr);
		(void)tbk_volume_open(pool, "b", nullptr, 0, &b, nullptr);
	}
	void close()
	{
		for (struct tbk_volume **volume : { &a, &b }) {
			if (*volume)
				tbk_volume_close(*volume);
			*volume = nullptr;
		}
	}
	void reopen()
	{
		close();
		if (tbk_pool_close(pool, nullptr) || tbk_pool_open(&device, 0, &pool, nullptr))
			pool = nullptr;
		else
			open();
	}

	struct tbk_object_info object(const char *name)
	{
		struct tbk_object_info info {};

		(void)tbk_pool_find(pool, name, nullptr, &info, nullptr);
		return info;
	}
	struct tbk_pool_info about()
	{
		struct tbk_pool_info info {};

		tbk_pool_describe(pool, &info);
		return info;
	}
	int limit(const char *volume, u32 set, u64 quota, u64 reserve = 0,
		  u32 on_full = TBK_FULL_ERROR, u32 wait = 0)
	{
		const struct tbk_volume_limits limits = { set,		 on_full,	  wait,
							  quota * block, reserve * block, 0 };

		return tbk_volume_limit(pool, volume, &limits, nullptr);
	}
	int policy(const char *volume, u32 on_full, u32 wait = 0)
	{
		return limit(volume, TBK_LIMIT_ON_FULL, 0, 0, on_full, wait);
	}
	static int ask(struct tbk_volume *volume, u32 op, u64 at, u64 count = 1)
	{
		Write write;

		write.submit(volume, op, at, count);
		return write.wait();
	}
	static int write(struct tbk_volume *volume, u64 at)
	{
		return ask(volume, TBK_OP_WRITE, at);
	}
	/* From block @at on until one fails; how many did not. */
	static u64 fill(struct tbk_volume *volume, u64 at)
	{
		u64 count = 0;

		while (write(volume, at + count) == 0)
			count++;
		return count;
	}
	/* By @b, until nothing comes back by itself any more. */
	bool fill_up()
	{
		u64 at = 0;

		for (u32 i = 0; i < 50; i++) {
			const u64 count = fill(b, at);

			at += count;
			if (count == 0 || tbk_pool_settle(pool))
				return count == 0;
		}
		return false;
	}
	bool waits(const Write &write, const char *volume, u32 count = 1)
	{
		hosted_sleep_ms(100);
		return !write.is_done && object(volume).waiting == count;
	}
	bool is_sound()
	{
		struct tbk_check check {};
		std::string said;

		close();
		if (tbk_pool_close(pool, nullptr))
			return false;
		pool = nullptr;
		check.context = &said;
		check.found = [](struct tbk_check *in, enum tbk_finding_class, const char *text) {
			*static_cast<std::string *>(in->context) += text;
			tbk_log(TBK_LOG_ERROR, "check: %s", text);
		};
		return !tbk_pool_check(&device, &check, nullptr) && said.empty();
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
	struct tbk_volume *a = nullptr;
	struct tbk_volume *b = nullptr;
};

/* What was told, in a line. */
struct Told {
	std::string said;
	struct tbk_pool_listener listener {};

	Told()
	{
		listener.context = this;
		listener.level = [](void *told, enum tbk_pool_level level, tbk_u64, tbk_u64) {
			static_cast<Told *>(told)->said += "level " + std::to_string(level) + " ";
		};
		listener.quota = [](void *told, const char *volume) {
			static_cast<Told *>(told)->said += std::string("quota ") + volume + " ";
		};
	}
};

} // namespace

TBK_TEST(quota_is_exact_to_the_block)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 10), 0);
	CHECK_EQ(Rig::fill(rig.a, 100), 10);
	CHECK_EQ(Rig::write(rig.a, 200), -TBK_ENOSPC);
	CHECK_EQ(Rig::write(rig.a, 100), 0);
	CHECK_EQ(Rig::write(rig.b, 100), 0);
	CHECK_EQ(rig.object("a").own, 10 * block);
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_DISCARD, 100, 3), 0);
	CHECK_EQ(Rig::fill(rig.a, 1000), 3);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 5), 0);
	CHECK_EQ(Rig::write(rig.a, 300), -TBK_ENOSPC);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 0), 0);
	CHECK_EQ(Rig::write(rig.a, 300), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(quota_is_exact_among_writes_at_once)
{
	Rig rig;
	std::vector<std::unique_ptr<Write>> writes;
	u32 done = 0;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 37), 0);
	for (u64 i = 0; i < 60; i++) {
		writes.push_back(std::make_unique<Write>());
		writes.back()->submit(rig.a, TBK_OP_WRITE, i * 7);
	}
	for (const auto &write : writes)
		done += write->wait() == 0;
	CHECK_EQ(done, 37);
	CHECK_EQ(rig.object("a").own, 37 * block);
}

TBK_TEST(quota_counts_what_is_own_alone)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 10), 0);
	CHECK_EQ(Rig::fill(rig.a, 0), 10);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	CHECK_EQ(Rig::fill(rig.a, 5), 10);
	CHECK_EQ(tbk_clone_create(rig.pool, "a", "s", "clone", 0, nullptr), 0);
	CHECK_EQ(rig.object("clone").quota, 0);
	/* What it shared becomes its own: more than the quota, and nothing is lost. */
	CHECK_EQ(tbk_remove(rig.pool, "clone", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "a", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK_EQ(rig.object("a").own, 15 * block);
	CHECK_EQ(Rig::write(rig.a, 100), -TBK_ENOSPC);
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_DISCARD, 0, 6), 0);
	CHECK_EQ(Rig::fill(rig.a, 100), 1);
	CHECK(rig.is_sound());
}

TBK_TEST(quota_that_is_reached_is_told_once)
{
	Rig rig;
	Told told;

	REQUIRE(rig.b);
	tbk_pool_listen(rig.pool, &told.listener);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 3), 0);
	CHECK_EQ(Rig::fill(rig.a, 0), 3);
	CHECK_EQ(Rig::fill(rig.a, 10), 0);
	hosted_sleep_ms(10);
	CHECK(told.said == "quota a ");
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_DISCARD, 0, 1), 0);
	CHECK_EQ(Rig::fill(rig.a, 50), 1);
	hosted_sleep_ms(10);
	CHECK(told.said == "quota a quota a ");
}

TBK_TEST(reserve_keeps_the_last_blocks)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 200), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	const u64 given = Rig::fill(rig.b, 0);

	CHECK_EQ(rig.about().reserved, 199 * block);
	CHECK_EQ(Rig::write(rig.b, given), -TBK_ENOSPC);
	CHECK(Rig::fill(rig.a, 1) >= 199);
	CHECK_EQ(rig.about().reserved, 0);
	/* Nothing was left for it but what had been kept, give or take nodes. */
	CHECK(rig.object("a").own <= 264 * block);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 0), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(reserve_that_is_not_there_is_refused)
{
	Rig rig;
	struct tbk_why why {};
	const struct tbk_volume_limits much = { TBK_LIMIT_RESERVE, 0, 0, 0, 200 * mib, 0 };
	const struct tbk_volume_limits half = { TBK_LIMIT_RESERVE, 0, 0, 0, 70 * mib, 0 };

	REQUIRE(rig.b);
	CHECK_EQ(tbk_volume_limit(rig.pool, "a", &much, &why), -TBK_ENOSPC);
	CHECK(strstr(why.text, "tank/a"));
	CHECK(why.hint[0] != 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "a", &half, nullptr), 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "b", &half, nullptr), -TBK_ENOSPC);
	rig.close();
	CHECK_EQ(tbk_remove(rig.pool, "a", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_volume_limit(rig.pool, "b", &half, nullptr), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(limits_that_make_no_sense_are_refused)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.policy("a", 3), -TBK_EINVAL);
	CHECK_EQ(rig.policy("a", TBK_FULL_WAIT, 3601), -TBK_EINVAL);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE, 10, 11), -TBK_EINVAL);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 1ull << 40), -TBK_EINVAL);
	CHECK_EQ(rig.limit("nobody", TBK_LIMIT_QUOTA, 10), -TBK_ENOENT);
}

TBK_TEST(limits_survive)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE | TBK_LIMIT_ON_FULL, 50, 20,
			   TBK_FULL_WAIT, 7),
		 0);
	CHECK_EQ(Rig::write(rig.a, 1), 0);
	rig.reopen();
	REQUIRE(rig.b);
	const struct tbk_object_info info = rig.object("a");

	CHECK_EQ(info.quota, 50 * block);
	CHECK_EQ(info.reserve, 20 * block);
	CHECK_EQ(info.on_full, TBK_FULL_WAIT);
	CHECK_EQ(info.full_wait, 7);
	CHECK_EQ(rig.about().reserved, 19 * block);
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(Rig::fill(rig.a, 2), 49);
}

TBK_TEST(limits_stay_with_the_name)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_RESERVE, 50, 20), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	rig.close();
	CHECK_EQ(tbk_rollback(rig.pool, "a", "s", "was", nullptr), 0);
	CHECK_EQ(rig.object("a").quota, 50 * block);
	CHECK_EQ(rig.about().reserved, 20 * block);
	CHECK(rig.is_sound());
}

TBK_TEST(wait_ends_in_time)
{
	Rig rig;
	Write write;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 2, 0, TBK_FULL_WAIT, 5), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	CHECK_EQ(Rig::write(rig.a, 1), 0);
	const u64 since = tbk_now_ns();

	write.submit(rig.a, TBK_OP_WRITE, 2);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
	CHECK(tbk_now_ns() - since >= 5000000000ull);
	CHECK(tbk_now_ns() - since < 6000000000ull);
	CHECK_EQ(rig.object("a").waiting, 0);
}

/* Fills the pool with @b, and has a write of @a wait. */
#define REQUIRE_WAITING(rig, write)                            \
	do {                                                   \
		REQUIRE((rig).b);                              \
		CHECK((rig).fill_up());                        \
		(write).submit((rig).a, TBK_OP_WRITE, 500);    \
		REQUIRE((rig).waits(write, "a"));              \
		CHECK_EQ((rig).about().level, TBK_LEVEL_FULL); \
	} while (0)

TBK_TEST(wait_ends_with_a_removal)
{
	Rig rig;
	Write write;
	Write read;

	CHECK_EQ(rig.policy("a", TBK_FULL_WAIT, 60), 0);
	REQUIRE_WAITING(rig, write);
	tbk_volume_close(rig.b);
	rig.b = nullptr;
	CHECK_EQ(tbk_remove(rig.pool, "b", nullptr, 0, nullptr), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(pause_ends_with_a_removal)
{
	Rig rig;
	Write write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	REQUIRE_WAITING(rig, write);
	hosted_sleep_ms(200 * 1000);
	CHECK(rig.waits(write, "a"));
	tbk_volume_close(rig.b);
	rig.b = nullptr;
	CHECK_EQ(tbk_remove(rig.pool, "b", nullptr, 0, nullptr), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK(rig.is_sound());
}

TBK_TEST(pause_ends_with_a_larger_quota)
{
	Rig rig;
	Write write;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 1, 0, TBK_FULL_PAUSE), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	write.submit(rig.a, TBK_OP_WRITE, 2);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 2), 0);
	CHECK_EQ(write.wait(), 0);
	CHECK_EQ(rig.object("a").own, 2 * block);
}

TBK_TEST(pause_ends_with_a_discard)
{
	Rig rig;
	Write write;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 1, 0, TBK_FULL_PAUSE), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	write.submit(rig.a, TBK_OP_WRITE, 2);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_DISCARD, 0), 0);
	CHECK_EQ(write.wait(), 0);
}

TBK_TEST(pause_ends_with_another_policy)
{
	Rig rig;
	Write write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	REQUIRE_WAITING(rig, write);
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
}

TBK_TEST(pause_ends_when_its_handle_leaves)
{
	Rig rig;
	Write first;
	Write second;
	struct tbk_volume *other = nullptr;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	CHECK_EQ(tbk_volume_open(rig.pool, "a", nullptr, 0, &other, nullptr), 0);
	REQUIRE_WAITING(rig, first);
	second.submit(other, TBK_OP_WRITE, 600);
	CHECK(rig.waits(second, "a", 2));
	tbk_volume_leave(rig.a);
	CHECK_EQ(first.wait(), -TBK_ENOSPC);
	CHECK_EQ(Rig::write(rig.a, 700), -TBK_ENOSPC);
	CHECK(rig.waits(second, "a"));
	tbk_volume_leave(other);
	CHECK_EQ(second.wait(), -TBK_ENOSPC);
	tbk_volume_close(other);
}

TBK_TEST(pause_holds_up_nobody_else)
{
	Rig rig;
	Write write;

	CHECK_EQ(rig.policy("a", TBK_FULL_PAUSE), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	REQUIRE_WAITING(rig, write);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_READ, 500), 0);
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_DISCARD, 7), 0);
	CHECK_EQ(Rig::ask(rig.a, TBK_OP_FLUSH, 0), 0);
	CHECK_EQ(tbk_pool_sync(rig.pool), 0);
	CHECK_EQ(tbk_snapshot_create(rig.pool, "a", "s", nullptr), 0);
	CHECK_EQ(tbk_volume_resize(rig.pool, "a", 300 * mib, 0, nullptr), 0);
	CHECK_EQ(tbk_remove(rig.pool, "a", "s", 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(rig.policy("a", TBK_FULL_ERROR), 0);
	CHECK_EQ(write.wait(), -TBK_ENOSPC);
	CHECK(rig.is_sound());
}

/* It was inside when it came; what is past the end now must not be mapped. */
TBK_TEST(pause_ends_past_a_new_end)
{
	Rig rig;
	Write write;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 1, 0, TBK_FULL_PAUSE), 0);
	CHECK_EQ(Rig::write(rig.a, 0), 0);
	write.submit(rig.a, TBK_OP_WRITE, 2000);
	CHECK(rig.waits(write, "a"));
	CHECK_EQ(tbk_volume_resize(rig.pool, "a", mib, TBK_RESIZE_SHRINK, nullptr), 0);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_QUOTA, 5), 0);
	CHECK_EQ(write.wait(), -TBK_EINVAL);
	CHECK(rig.is_sound());
}

TBK_TEST(levels_have_marks_and_some_room_to_spare)
{
	const Marks marks;
	const auto left = [](u64 thousandths) {
		return Left{ thousandths, 1000, thousandths == 0 };
	};

	CHECK(next_level(Level::ok, left(200), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(199), marks) == Level::low);
	CHECK(next_level(Level::low, left(219), marks) == Level::low);
	CHECK(next_level(Level::low, left(220), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(49), marks) == Level::critical);
	CHECK(next_level(Level::critical, left(69), marks) == Level::critical);
	CHECK(next_level(Level::critical, left(70), marks) == Level::low);
	CHECK(next_level(Level::critical, left(219), marks) == Level::low);
	CHECK(next_level(Level::critical, left(220), marks) == Level::ok);
	CHECK(next_level(Level::ok, left(0), marks) == Level::full);
	CHECK(next_level(Level::full, left(10), marks) == Level::critical);
	CHECK(next_level(Level::full, left(500), marks) == Level::ok);
}

TBK_TEST(level_is_told_when_full_and_after)
{
	Rig rig;
	Told told;

	REQUIRE(rig.b);
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
	tbk_pool_listen(rig.pool, &told.listener);
	for (u64 i = 0; Rig::write(rig.b, i) == 0; i++) {
		if (i % 1024 == 0)
			CHECK_EQ(tbk_pool_sync(rig.pool), 0);
	}
	hosted_sleep_ms(10);
	CHECK(told.said == "level 1 level 2 level 3 ");
	told.said.clear();
	tbk_volume_close(rig.b);
	rig.b = nullptr;
	CHECK_EQ(tbk_remove(rig.pool, "b", nullptr, 0, nullptr), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(2000);
	CHECK(told.said == "level 0 ");
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
}

/* Free is much, and none of it for b. */
TBK_TEST(level_is_full_when_the_rest_is_reserved)
{
	Rig rig;

	REQUIRE(rig.b);
	CHECK_EQ(rig.limit("a", TBK_LIMIT_RESERVE, 0, 40 * mib / block), 0);
	CHECK(rig.fill_up());
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_FULL);
	CHECK_EQ(Rig::ask(rig.b, TBK_OP_DISCARD, 0, 200), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_FULL);
	CHECK_EQ(Rig::ask(rig.b, TBK_OP_DISCARD, 1000, 1000), 0);
	CHECK_EQ(tbk_pool_settle(rig.pool), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_OK);
}

TBK_TEST(marks_survive)
{
	Rig rig;

	REQUIRE(rig.b);
	for (u64 at = 0; at < 700; at++)
		CHECK_EQ(Rig::write(rig.a, at), 0);
	CHECK_EQ(rig.about().low, 200);
	CHECK_EQ(rig.about().critical, 50);
	CHECK_EQ(tbk_pool_marks(rig.pool, 0, 300, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_pool_marks(rig.pool, 991, 0, nullptr), -TBK_EINVAL);
	CHECK_EQ(tbk_pool_marks(rig.pool, 990, 25, nullptr), 0);
	hosted_sleep_ms(10);
	CHECK_EQ(rig.about().level, TBK_LEVEL_LOW);
	rig.reopen();
	REQUIRE(rig.b);
	CHECK_EQ(rig.about().low, 990);
	CHECK_EQ(rig.about().critical, 25);
	CHECK_EQ(rig.about().level, TBK_LEVEL_LOW);
	CHECK(rig.is_sound());
}
