// SPDX-License-Identifier: GPL-2.0
/* Of the device that says afterwards when the power failed. */
#include <string.h>

#include "../../drivers/hosted/crash_device.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../harness/shared/do_io.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;

void write_page(struct tbk_device &device, u64 page, u8 value, u32 flags = 0)
{
	u8 bytes[4096];

	memset(bytes, value, sizeof(bytes));
	do_io(device, { TBK_OP_WRITE, page * 4096, bytes, sizeof(bytes), flags });
}

int flush(struct tbk_device &device)
{
	return do_io(device, { TBK_OP_FLUSH, 0 });
}

/* First byte of a page, if the power failed after @events. */
u8 after(const CrashDevice &device, u64 events, u64 page, const CrashChoice &choice)
{
	CrashReplay replay(device);
	MemoryDevice image(device.size());
	u8 byte = 0;

	replay.advance(events);
	replay.build(image, choice);
	image.read(page * 4096, &byte, 1);
	return byte;
}

} // namespace

TBK_TEST(unflushed_write_may_be_lost)
{
	CrashDevice device(mib);

	write_page(device, 0, 1);
	CHECK_EQ(device.events(), 2);
	CHECK_EQ(after(device, 0, 0, CrashReplay::all()), 0);
	CHECK_EQ(after(device, 1, 0, CrashReplay::all()), 1);
	CHECK_EQ(after(device, 2, 0, CrashReplay::all()), 1);
	CHECK_EQ(after(device, 2, 0, CrashReplay::none()), 0);
}

TBK_TEST(flushed_write_is_there)
{
	CrashDevice device(mib);

	write_page(device, 0, 1);
	flush(device);
	CHECK_EQ(device.events(), 4);
	CHECK_EQ(after(device, 3, 0, CrashReplay::none()), 0);
	CHECK_EQ(after(device, 4, 0, CrashReplay::none()), 1);
}

TBK_TEST(fua_write_is_there)
{
	CrashDevice device(mib);

	write_page(device, 0, 1);
	write_page(device, 1, 2, TBK_IO_FUA);
	CHECK_EQ(after(device, device.events(), 0, CrashReplay::none()), 0);
	CHECK_EQ(after(device, device.events(), 1, CrashReplay::none()), 2);
}

TBK_TEST(flush_covers_only_what_was_done)
{
	MemoryDevice::Options options;
	options.asynchronous = true;
	CrashDevice device(mib, options);

	hosted_run([&] {
		device.hold();
		hosted_spawn("flush", [&] { flush(device); });
		hosted_sleep_ms(1);
		hosted_spawn("write", [&] { write_page(device, 0, 1); });
		hosted_sleep_ms(1);
		device.let_go();
	});
	CHECK_EQ(device.events(), 4);
	CHECK_EQ(after(device, 4, 0, CrashReplay::none()), 0);
	CHECK_EQ(after(device, 4, 0, CrashReplay::all()), 1);
}

TBK_TEST(preflush_comes_before_its_write)
{
	CrashDevice device(mib);
	bool was_between = false;

	write_page(device, 0, 1);
	write_page(device, 1, 2, TBK_IO_PREFLUSH | TBK_IO_FUA);
	for (u64 at = 0; at <= device.events(); at++) {
		/* Only the write with the flush: what came before must be there, too. */
		const auto choice = [](const CrashWrite &write, u64) {
			return write.index == 1;
		};

		if (after(device, at, 1, choice) != 2)
			continue;
		CHECK_EQ(after(device, at, 0, choice), 1);
		was_between |= after(device, at, 1, CrashReplay::none()) == 0;
	}
	CHECK(was_between);
	CHECK_EQ(after(device, device.events(), 1, CrashReplay::none()), 2);
}

TBK_TEST(older_write_does_not_come_back)
{
	CrashDevice device(mib);

	write_page(device, 0, 1);
	write_page(device, 0, 2, TBK_IO_FUA);
	CHECK_EQ(after(device, device.events(), 0, CrashReplay::all()), 2);
	CHECK_EQ(after(device, device.events(), 0, CrashReplay::none()), 2);
	flush(device);
	CHECK_EQ(after(device, device.events(), 0, CrashReplay::none()), 2);
}

TBK_TEST(failed_flush_hardens_nothing)
{
	CrashDevice device(mib);

	device.fail_flush(1);
	write_page(device, 0, 1);
	CHECK_EQ(flush(device), -TBK_EIO);
	CHECK_EQ(after(device, device.events(), 0, CrashReplay::none()), 0);
}

TBK_TEST(write_is_torn_at_sectors)
{
	CrashDevice device(mib);
	bool was_torn = false;

	write_page(device, 0, 1);
	for (u64 seed = 0; seed < 50; seed++) {
		CrashReplay replay(device);
		MemoryDevice image(mib);
		u8 first = 0;
		u8 last = 0;

		replay.advance(device.events());
		replay.build(image, CrashReplay::random(seed, true));
		image.read(0, &first, 1);
		image.read(4095, &last, 1);
		was_torn |= first != last;
	}
	CHECK(was_torn);
}

TBK_TEST(restart_makes_content_durable)
{
	CrashDevice device(mib);

	write_page(device, 0, 1);
	device.restart();
	CHECK_EQ(device.events(), 0);
	CHECK_EQ(after(device, 0, 0, CrashReplay::none()), 1);
}
