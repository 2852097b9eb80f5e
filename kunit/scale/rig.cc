// SPDX-License-Identifier: GPL-2.0
#include "../../drivers/hosted/hosted.h"
#include "../hosted/asked.h"
#include "scale.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

namespace thinback {

namespace {

constexpr u64 block_bytes = 4096;
constexpr u64 longest = mib;

void must(int error, const char *what, const char *name)
{
	if (error)
		give_up("%s %s: error %d", what, name, error);
}

u8 *zeros()
{
	static u8 *const bytes = static_cast<u8 *>(aligned_alloc(block_bytes, longest));

	return bytes;
}

/* A checksum of each write, twice, would be most of the time. */
constexpr MemoryDevice::Options forgetful = { .is_payload_stable = false, .keeps_zeros = false };

} // namespace

void give_up(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
	_exit(1);
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("  ");
	vprintf(format, args);
	printf("\n");
	va_end(args);
	fflush(stdout);
}

double seconds_now()
{
	struct timespec now {};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

ScalePool::ScalePool(u64 bytes, u64 journal_bytes) : device(bytes, forgetful)
{
	const struct tbk_format_options format = { "tank", { 1 }, journal_bytes };

	must(tbk_pool_format(&device, &format, nullptr), "format", "tank");
	open();
}

ScalePool::~ScalePool()
{
	if (pool_)
		close();
}

void ScalePool::open()
{
	must(tbk_pool_open(&device, 0, &pool_, nullptr), "open", "tank");
}

void ScalePool::close()
{
	must(tbk_pool_close(pool_, nullptr), "close", "tank");
	pool_ = nullptr;
}

struct tbk_pool_info ScalePool::info()
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool_, &info);
	return info;
}

u64 ScalePool::free_when_settled()
{
	must(tbk_pool_settle(pool_), "settle", "tank");
	must(tbk_pool_sync(pool_), "sync", "tank");
	return info().free;
}

void ScalePool::create(const std::string &name, u64 bytes)
{
	must(tbk_volume_create(pool_, name.c_str(), bytes, 0, nullptr), "create", name.c_str());
}

void ScalePool::snapshot(const std::string &volume, const std::string &snapshot)
{
	must(tbk_snapshot_create(pool_, volume.c_str(), snapshot.c_str(), nullptr), "snapshot",
	     snapshot.c_str());
}

void ScalePool::clone(const std::string &volume, const std::string &snapshot,
		      const std::string &name)
{
	must(tbk_clone_create(pool_, volume.c_str(), snapshot.c_str(), name.c_str(), 0, nullptr),
	     "clone", name.c_str());
}

void ScalePool::remove(const std::string &volume, const std::string &snapshot)
{
	must(tbk_remove(pool_, volume.c_str(), snapshot.c_str(), 0, nullptr), "remove",
	     volume.c_str());
}

struct tbk_object_info ScalePool::find(const std::string &volume, const std::string &snapshot)
{
	struct tbk_object_info info {};

	must(tbk_pool_find(pool_, volume.c_str(), snapshot.c_str(), &info, nullptr), "find",
	     volume.c_str());
	return info;
}

u64 ScalePool::check(u64 memory)
{
	struct tbk_check check {};

	(void)hosted_most_bytes();
	const u64 before = hosted_bytes();

	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *text) {
		give_up("%s", text);
	};
	check.memory = memory;
	must(tbk_pool_check(&device, &check, nullptr), "check", "tank");
	return hosted_most_bytes() - before;
}

ScaleVolume::ScaleVolume(ScalePool &pool, const std::string &name)
{
	must(tbk_volume_open(pool.get(), name.c_str(), nullptr, 0, &volume_, nullptr), "open",
	     name.c_str());
}

ScaleVolume::~ScaleVolume()
{
	tbk_volume_close(volume_);
}

int ScaleVolume::request(u32 op, u64 block, u64 blocks)
{
	if (blocks * block_bytes > longest)
		give_up("a request of %llu blocks", static_cast<unsigned long long>(blocks));
	return ask_volume(volume_, op, block, blocks,
			  { zeros(), TBK_PAYLOAD_BUFFER, 0, blocks * block_bytes });
}

void ScaleVolume::write(u64 block, u64 blocks)
{
	must(request(TBK_OP_WRITE, block, blocks), "write", "");
}

void ScaleVolume::read(u64 block, u64 blocks)
{
	must(request(TBK_OP_READ, block, blocks), "read", "");
}

bool ScaleVolume::try_write(u64 block, u64 blocks)
{
	const int error = request(TBK_OP_WRITE, block, blocks);

	if (error != -TBK_ENOSPC)
		must(error, "write", "");
	return error == 0;
}

} // namespace thinback
