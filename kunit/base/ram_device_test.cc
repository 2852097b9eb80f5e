// SPDX-License-Identifier: GPL-2.0
#include "../harness/check.h"
#include "../harness/shared/do_io.h"
#include "../harness/shared/ram_device.h"

using namespace thinback;

namespace {

constexpr u64 size = 4 << 20;
constexpr u64 length = 8192;
constexpr u64 place = 6144; /* across pages */

/* A device, and memory to write from and read to. */
struct Fixture {
	explicit Fixture(RamDevice::Completion completion)
		: device(RamDevice::create(size, completion)),
		  out(static_cast<u8 *>(tbk_alloc(length, TBK_MAY_SLEEP))),
		  in(static_cast<u8 *>(tbk_alloc(length, TBK_MAY_SLEEP)))
	{
		for (u64 i = 0; out && i < length; i++)
			out[i] = static_cast<u8>(i * 7 + 1);
	}
	~Fixture()
	{
		tbk_free(out);
		tbk_free(in);
	}
	Fixture(const Fixture &) = delete;
	Fixture &operator=(const Fixture &) = delete;

	bool is_ok() const { return device.is_ok() && out && in; }

	int write(u32 flags = 0)
	{
		return do_io(*device.value(), { TBK_OP_WRITE, place, out, length, flags });
	}
	int read() { return do_io(*device.value(), { TBK_OP_READ, place, in, length }); }

	bool is_same() const { return !__builtin_memcmp(in, out, length); }
	bool is_zero() const
	{
		u8 any = 0;

		for (u64 i = 0; i < length; i++)
			any |= in[i];
		return !any;
	}

	Result<Owned<RamDevice>> device;
	u8 *out;
	u8 *in;
};

} // namespace

TBK_TEST(ram_device_reads_zeros_until_written)
{
	Fixture fixture(RamDevice::Completion::at_once);

	REQUIRE(fixture.is_ok());
	__builtin_memset(fixture.in, 1, length);
	CHECK_EQ(fixture.read(), 0);
	CHECK(fixture.is_zero());
}

TBK_TEST(ram_device_reads_what_was_written)
{
	Fixture fixture(RamDevice::Completion::at_once);

	REQUIRE(fixture.is_ok());
	CHECK_EQ(fixture.write(), 0);
	CHECK_EQ(fixture.read(), 0);
	CHECK(fixture.is_same());
	CHECK_EQ(fixture.device.value()->writes(), 1);
}

TBK_TEST(ram_device_completes_by_worker)
{
	Fixture fixture(RamDevice::Completion::by_worker);

	REQUIRE(fixture.is_ok());
	CHECK_EQ(fixture.write(TBK_IO_PREFLUSH | TBK_IO_FUA), 0);
	CHECK_EQ(fixture.read(), 0);
	CHECK(fixture.is_same());
	CHECK_EQ(fixture.device.value()->flushes(), 1);
}

TBK_TEST(ram_device_forgets_discarded)
{
	Fixture fixture(RamDevice::Completion::at_once);

	REQUIRE(fixture.is_ok());
	CHECK_EQ(fixture.write(), 0);
	CHECK_EQ(do_io(*fixture.device.value(), { TBK_OP_DISCARD, place, nullptr, length }), 0);
	CHECK_EQ(fixture.read(), 0);
	CHECK(fixture.is_zero());
}

TBK_TEST(ram_device_fails_on_demand)
{
	Fixture fixture(RamDevice::Completion::at_once);

	REQUIRE(fixture.is_ok());
	fixture.device.value()->fail_write(2);
	CHECK_EQ(fixture.write(), 0);
	CHECK_EQ(fixture.write(), -TBK_EIO);
	CHECK_EQ(fixture.write(), 0);
	fixture.device.value()->fail_flush(1);
	CHECK_EQ(fixture.write(TBK_IO_PREFLUSH), -TBK_EIO);
	fixture.device.value()->fail_read(1);
	CHECK_EQ(fixture.read(), -TBK_EIO);
	CHECK_EQ(fixture.read(), 0);
}
