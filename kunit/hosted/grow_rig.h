/* SPDX-License-Identifier: GPL-2.0 */
/* For tests of pools that grow. */
#pragma once

#include <memory>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../store/damage.h"

namespace thinback {

inline constexpr u64 mib = 1 << 20;
inline constexpr u64 gib = 1 << 30;
inline constexpr u64 tib = 1ull << 40;

constexpr MemoryDevice::Options asynchronous()
{
	return { .asynchronous = true };
}

inline int write_one(struct tbk_volume *volume, char name, u64 block)
{
	auto data = std::make_unique<u8[]>(4096);

	fill_block(data.get(), name, block, 1);
	return do_request(volume, TBK_OP_WRITE, block, data.get(), 1);
}

/* Opens the volume for as long as that takes. */
inline int write_some(struct tbk_pool *pool, char name, u64 first, u64 count)
{
	const char text[] = { name, 0 };
	struct tbk_volume *volume = nullptr;
	int error = tbk_volume_open(pool, text, nullptr, 0, &volume, nullptr);

	if (error)
		return error;
	for (u64 block = first; block < first + count && !error; block++)
		error = write_one(volume, name, block);
	tbk_volume_close(volume);
	return error;
}

inline bool holds(struct tbk_pool *pool, char name, u64 first, u64 count)
{
	alignas(4096) static u8 data[4096];
	const char text[] = { name, 0 };
	struct tbk_volume *volume = nullptr;
	bool is_right = tbk_volume_open(pool, text, nullptr, 0, &volume, nullptr) == 0;

	if (!is_right)
		return false;
	for (u64 block = first; block < first + count && is_right; block++)
		is_right = do_request(volume, TBK_OP_READ, block, data, 1) == 0 &&
			   is_block(data, name, block, 1);
	tbk_volume_close(volume);
	return is_right;
}

/* A pool on a device of its own. */
struct GrowRig {
	explicit GrowRig(u64 bytes) : device(bytes, asynchronous())
	{
		const struct tbk_format_options options = { "tank", { 7 }, 4 * mib };

		if (!tbk_pool_format(&device, &options, nullptr))
			open(0);
	}
	~GrowRig()
	{
		if (pool)
			close();
	}
	GrowRig(const GrowRig &) = delete;
	GrowRig &operator=(const GrowRig &) = delete;

	void open(u32 flags)
	{
		if (tbk_pool_open(&device, flags, &pool, nullptr))
			pool = nullptr;
	}
	int close()
	{
		struct tbk_pool *closing = pool;

		pool = nullptr;
		return tbk_pool_close(closing, nullptr);
	}
	struct tbk_pool_info about()
	{
		struct tbk_pool_info info {};

		tbk_pool_describe(pool, &info);
		return info;
	}
	/* A volume for each letter, with some of each. */
	int add(const char *names)
	{
		int error = 0;

		for (; *names && !error; names++) {
			const char text[] = { *names, 0 };

			error = tbk_volume_create(pool, text, 256 * mib, 0, nullptr);
			if (!error)
				error = write_some(pool, *names, 100, 30);
		}
		return error ? error : tbk_pool_settle(pool);
	}
	bool holds_all(const char *names)
	{
		for (; *names; names++) {
			if (!holds(pool, *names, 100, 30))
				return false;
		}
		return true;
	}
	void verify(struct kunit *test)
	{
		Findings findings;

		CHECK_EQ(findings.check(device), 0);
		findings.tell(test);
	}
	int grow(u64 bytes, u64 &size)
	{
		device.resize(bytes);
		return tbk_pool_grow(pool, &size, nullptr);
	}

	MemoryDevice device;
	struct tbk_pool *pool = nullptr;
};

struct Step {
	u64 from;
	u64 to;
};

} // namespace thinback
