/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of what happens when space runs short. */
#pragma once

#include <string>

#include "../../drivers/hosted/devices.h"
#include "asked.h"

namespace thinback {

inline constexpr u64 mib = 1 << 20;
inline constexpr u64 block = TBK_BLOCK;

/* A request on whole blocks. */
struct BlockAsked : Asked {
	void submit(struct tbk_volume *volume, u32 op, u64 at, u64 count = 1)
	{
		Asked::submit(volume, op, at * 8, op == TBK_OP_FLUSH ? 0 : count * block);
	}
};

/* A pool of 128 MiB with volumes `a` and `b`, open both. */
class QuotaRig {
public:
	QuotaRig() : device(128 * mib, { .asynchronous = true })
	{
		const struct tbk_format_options options = { "tank", { 1 }, 0 };

		if (tbk_pool_format(&device, &options, nullptr) ||
		    tbk_pool_open(&device, 0, &pool, nullptr) ||
		    tbk_volume_create(pool, "a", 256 * mib, 0, nullptr) ||
		    tbk_volume_create(pool, "b", 256 * mib, 0, nullptr))
			return;
		open();
	}
	~QuotaRig()
	{
		close();
		if (pool)
			tbk_pool_close(pool, nullptr);
	}
	QuotaRig(const QuotaRig &) = delete;
	QuotaRig &operator=(const QuotaRig &) = delete;

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
		BlockAsked write;

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
	bool waits(const BlockAsked &write, const char *volume, u32 count = 1)
	{
		hosted_sleep_ms(100);
		return !write.is_done && object(volume).waiting == count;
	}
	/* @a may have one block, has it, and a write of block @at pauses. */
	bool pauses_at_quota(BlockAsked &asked, u64 at)
	{
		if (!b || limit("a", TBK_LIMIT_QUOTA | TBK_LIMIT_ON_FULL, 1, 0, TBK_FULL_PAUSE) ||
		    write(a, 0))
			return false;
		asked.submit(a, TBK_OP_WRITE, at);
		return waits(asked, "a");
	}
	int remove_b()
	{
		tbk_volume_close(b);
		b = nullptr;
		return tbk_remove(pool, "b", nullptr, 0, nullptr);
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

} // namespace thinback
