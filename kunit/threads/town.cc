// SPDX-License-Identifier: GPL-2.0
/* The pool as a whole. */
#include "town.h"

#include <chrono>
#include <stdio.h>

#include "../../drivers/store/handle.h"
#include "cases.h"

namespace thinback {

Town::Town(const TownOptions &options)
	: options_(options),
	  device_(options.device_bytes,
		  { .logical_block = options.logical_block, .may_race = options.may_race })
{
}

Town::~Town()
{
	if (pool_)
		tbk_pool_close(pool_, nullptr);
}

bool Town::is(int error, const char *what, const char *name)
{
	if (error)
		complain("%s %s: %d", what, name, error);
	return !error;
}

bool Town::open_pool()
{
	struct tbk_why why {};

	if (!is(tbk_pool_open(&device_, 0, &pool_, &why), why.text, "open the pool")) {
		pool_ = nullptr;
		return false;
	}
	if (options_.cache_limit)
		pool_->pool->cache().set_limit(options_.cache_limit);
	return true;
}

bool Town::close_pool()
{
	struct tbk_why why {};
	const int error = tbk_pool_close(pool_, &why);

	pool_ = nullptr;
	return is(error, "close the pool", why.text);
}

bool Town::prepare()
{
	const struct tbk_format_options format = { "town", { 1, 2, 3, 4 }, 0 };
	struct tbk_pool_info info {};
	struct tbk_why why {};

	if (!is(tbk_pool_format(&device_, &format, &why), "format", why.text) || !open_pool())
		return false;
	tbk_pool_describe(pool_, &info);
	empty_ = info.free;
	for (u32 i = 0; i < options_.volumes; i++) {
		disks_.push_back(std::make_unique<Disk>("volume" + std::to_string(i), i + 1,
							options_.units));
		const Disk &disk = *disks_.back();

		if (!is(tbk_volume_create(pool_, disk.name.c_str(), disk.bytes(), 0, &why),
			"create", why.text))
			return false;
		for (u32 w = 0; w < options_.writers; w++)
			writers_.push_back(
				std::make_unique<Writer>(*disks_.back(), w, options_.writers));
	}
	return true;
}

void Town::run(unsigned int ms)
{
	std::vector<std::thread> threads;

	stop_.store_relaxed(0);
	for (u32 i = 0; i < options_.volumes; i++)
		for (u32 w = 0; w < options_.writers; w++)
			threads.emplace_back([=, this] { write(i, w); });
	for (u32 i = 0; i < options_.snapshots; i++)
		threads.emplace_back([=, this] { take_snapshots(i); });
	for (u32 i = 0; i < options_.removals; i++)
		threads.emplace_back([=, this] { remove_volumes(i); });
	for (u32 i = 0; i < options_.syncs; i++)
		threads.emplace_back([=, this] { look(); });
	for (u32 i = 0; i < options_.scrubs; i++)
		threads.emplace_back([=, this] { scrub(); });
	std::this_thread::sleep_for(std::chrono::milliseconds(ms));
	stop_.store_relaxed(1);
	for (std::thread &thread : threads)
		thread.join();
}

void Town::found(struct tbk_check *, enum tbk_finding_class, const char *text)
{
	complain("check: %s", text);
}

void Town::check_device()
{
	struct tbk_why why {};
	struct tbk_check check {};

	check.found = found;
	is(tbk_pool_check(&device_, &check, &why), "check", why.text);
}

bool Town::reopen()
{
	if (!close_pool())
		return false;
	check_device();
	return open_pool();
}

void Town::verify()
{
	for (u32 i = 0; i < options_.volumes; i++) {
		struct tbk_volume *handle = open(disks_[i]->name.c_str(), nullptr);

		for (u32 w = 0; handle && w < options_.writers; w++)
			writers_[i * options_.writers + w]->verify(handle);
		if (handle)
			tbk_volume_close(handle);
	}
}

void Town::remove_everything()
{
	struct tbk_pool_info info {};
	struct tbk_why why {};

	for (const auto &disk : disks_)
		is(tbk_remove(pool_, disk->name.c_str(), nullptr, TBK_REMOVE_RECURSIVE, &why),
		   "remove", why.text);
	is(tbk_pool_settle(pool_), "settle", "the pool");
	tbk_pool_describe(pool_, &info);
	if (info.free != empty_ || info.freeing)
		complain("free are %llu bytes, %llu of them soon, and not %llu", info.free,
			 info.freeing, empty_);
	if (info.volumes || info.snapshots || info.hidden)
		complain("left are %u volumes, %u snapshots, %u hidden", info.volumes,
			 info.snapshots, info.hidden);
	if (close_pool())
		check_device();
	printf("# %llu steps, %llu requests to the device\n", steps_.load_relaxed(),
	       device_.requests());
}

} // namespace thinback
