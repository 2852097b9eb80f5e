// SPDX-License-Identifier: GPL-2.0
/* The model on a device whose completions come in any order that the seed likes. */
#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../model/model.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1024ull * 1024;

constexpr MemoryDevice::Options asynchronous = { .asynchronous = true, .late = 16 };

} // namespace

TBK_TEST(model_hosted_holds_when_completions_overtake)
{
	MemoryDevice device(512 * mib, asynchronous);

	run_model(test, device, { 30000, 4096, 1000 });
}

TBK_TEST(model_hosted_holds_with_large_sectors)
{
	MemoryDevice::Options options = asynchronous;

	options.logical_block = 4096;
	MemoryDevice device(512 * mib, options);

	run_model(test, device, { 25000, 4096, 1000 });
}

TBK_TEST(model_hosted_holds_on_a_full_pool)
{
	MemoryDevice device(64 * mib, asynchronous);

	run_model(test, device, { 25000, 8192, 1000 });
}

TBK_TEST(model_hosted_holds_without_cache_or_discard)
{
	MemoryDevice::Options options = asynchronous;

	options.volatile_cache = false;
	options.discards = false;
	MemoryDevice device(512 * mib, options);

	run_model(test, device, { 25000, 2048, 1000 });
}
