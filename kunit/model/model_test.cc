// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "../harness/shared/ram_device.h"
#include "model.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1024ull * 1024;

using Completion = RamDevice::Completion;

} // namespace

TBK_TEST(model_holds_on_a_device_that_is_quick)
{
	auto device = RamDevice::create(256 * mib);

	REQUIRE_OK(device);
	run_model(test, *device.value(), { 2000, 2048, 500 });
}

TBK_TEST(model_holds_on_a_device_with_a_worker)
{
	auto device = RamDevice::create(256 * mib, Completion::by_worker);

	REQUIRE_OK(device);
	run_model(test, *device.value(), { 2000, 2048, 500 });
}

TBK_TEST(model_holds_on_a_device_with_large_sectors)
{
	auto device = RamDevice::create(256 * mib, Completion::by_worker, 4096);

	REQUIRE_OK(device);
	run_model(test, *device.value(), { 2000, 2048, 500 });
}

TBK_TEST(model_holds_on_a_full_pool)
{
	auto device = RamDevice::create(64 * mib, Completion::by_worker);

	REQUIRE_OK(device);
	run_model(test, *device.value(), { 2000, 8192, 1000 });
}
