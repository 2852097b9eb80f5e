// SPDX-License-Identifier: GPL-2.0
/* Of the devices of a process, and of what carries bytes to them. */
#include <string.h>
#include <string>
#include <unistd.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"
#include "../harness/shared/do_io.h"
#include "death.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;

struct Page {
	explicit Page(u8 value) { memset(bytes, value, sizeof(bytes)); }

	u8 bytes[4096];
};

int write_page(struct tbk_device &device, u64 at, u8 value, u32 flags = 0)
{
	Page page(value);

	return do_io(device, { TBK_OP_WRITE, at, page.bytes, sizeof(page.bytes), flags });
}

/* The value that fills a page, or -1. */
int read_page(struct tbk_device &device, u64 at)
{
	Page page(0xee);

	if (do_io(device, { TBK_OP_READ, at, page.bytes, sizeof(page.bytes) }))
		return -1;
	for (u8 byte : page.bytes)
		if (byte != page.bytes[0])
			return -1;
	return page.bytes[0];
}

constexpr MemoryDevice::Options asynchronous = { .asynchronous = true };

/* A file that goes with the block. */
class TemporaryFile {
public:
	explicit TemporaryFile(u64 size)
	{
		const int fd = mkstemp(path_);

		is_ok_ = fd >= 0 && !ftruncate(fd, static_cast<off_t>(size));
		close(fd);
	}
	~TemporaryFile() { unlink(path_); }
	TemporaryFile(const TemporaryFile &) = delete;
	TemporaryFile &operator=(const TemporaryFile &) = delete;

	bool is_ok() const { return is_ok_; }
	const char *path() const { return path_; }

private:
	char path_[32] = "/tmp/thinback-test-XXXXXX";
	bool is_ok_ = false;
};

} // namespace

TBK_TEST(memory_device_keeps_what_was_written)
{
	MemoryDevice device(mib);

	CHECK_EQ(read_page(device, 8192), 0);
	CHECK_EQ(write_page(device, 8192, 7), 0);
	CHECK_EQ(read_page(device, 8192), 7);
	CHECK_EQ(do_io(device, { TBK_OP_DISCARD, 8192, nullptr, 4096 }), 0);
	CHECK_EQ(read_page(device, 8192), 0);
	CHECK_EQ(device.counts().writes, 1);
	CHECK_EQ(device.counts().bytes_read, 12288);
}

TBK_TEST(memory_device_is_sparse)
{
	constexpr u64 size = 100ull << 40;
	MemoryDevice device(size);

	CHECK_EQ(write_page(device, size - 4096, 3), 0);
	CHECK_EQ(read_page(device, size - 4096), 3);
	CHECK_EQ(device.pages_used(), 1);
	device.clear(0, size);
	CHECK_EQ(device.pages_used(), 0);
}

TBK_TEST(memory_device_copies_share_pages)
{
	MemoryDevice device(mib);
	MemoryDevice copy(mib);

	CHECK_EQ(write_page(device, 0, 1), 0);
	copy.copy_from(device);
	CHECK_EQ(write_page(device, 0, 2), 0);
	CHECK_EQ(read_page(copy, 0), 1);
	CHECK_EQ(read_page(device, 0), 2);
}

TBK_TEST(memory_device_clears_parts_of_pages)
{
	MemoryDevice device(mib);
	u8 around[4] = {};

	for (u64 at = 0; at < 16384; at += 4096)
		CHECK_EQ(write_page(device, at, 9), 0);
	device.clear(4095, 8194);
	device.read(4094, around, 2);
	device.read(12288, around + 2, 2);
	CHECK_EQ(around[0], 9);
	CHECK_EQ(around[1], 0);
	CHECK_EQ(around[2], 0);
	CHECK_EQ(around[3], 9);
	CHECK_EQ(device.pages_used(), 2);
	device.clear(10, 20);
	device.read(9, around, 4);
	CHECK_EQ(around[0], 9);
	CHECK_EQ(around[1], 0);
}

TBK_TEST(memory_device_completes_later)
{
	for (u64 seed = 0; seed < 10; seed++)
		hosted_run(
			[&] {
				MemoryDevice device(mib, asynchronous);

				CHECK_EQ(write_page(device, 4096, 5, TBK_IO_FUA), 0);
				CHECK_EQ(read_page(device, 4096), 5);
				CHECK_EQ(do_io(device, { TBK_OP_FLUSH, 0 }), 0);
			},
			{ seed, false });
}

TBK_TEST(memory_device_fails_on_demand)
{
	MemoryDevice device(mib);

	device.fail_write(2);
	CHECK_EQ(write_page(device, 0, 1), 0);
	CHECK_EQ(write_page(device, 0, 2), -TBK_EIO);
	CHECK_EQ(read_page(device, 0), 1);
	CHECK_EQ(write_page(device, 0, 3), 0);
	device.fail_flush(1, true);
	CHECK_EQ(write_page(device, 0, 4, TBK_IO_PREFLUSH), -TBK_EIO);
	CHECK_EQ(do_io(device, { TBK_OP_FLUSH, 0 }), -TBK_EIO);
	CHECK_EQ(read_page(device, 0), 3);
}

TBK_TEST(memory_device_holds_requests_back)
{
	MemoryDevice device(mib);
	bool is_written = false;

	hosted_run([&] {
		device.hold();
		hosted_spawn("writer", [&] {
			write_page(device, 0, 1);
			is_written = true;
		});
		hosted_sleep_ms(10);
		CHECK(!is_written);
		device.let_go();
	});
	CHECK(is_written);
}

TBK_TEST(misaligned_request_is_noticed)
{
	MemoryDevice::Options options;
	options.logical_block = 4096;
	MemoryDevice device(mib, options);

	CHECK(dies([&] { write_page(device, 512, 1); }));
	CHECK(dies([&] { write_page(device, mib, 1); }));
}

TBK_TEST(payload_changed_in_flight_is_noticed)
{
	const auto change_while_written = [] {
		MemoryDevice device(mib, asynchronous);
		Page page(1);

		device.hold();
		hosted_spawn("writer", [&] {
			do_io(device, { TBK_OP_WRITE, 0, page.bytes, sizeof(page.bytes) });
		});
		hosted_sleep_ms(1);
		page.bytes[100]++;
		device.let_go();
		hosted_sleep_ms(1);
	};

	CHECK(dies([&] { hosted_run(change_while_written); }));
}

TBK_TEST(segments_are_walked)
{
	Page one(1);
	Page two(2);
	struct tbk_segment segments[] = { { one.bytes, 1024, 512 }, { two.bytes, 0, 1024 } };
	const struct tbk_payload payload = { segments, TBK_PAYLOAD_SEGMENTS, 2, 1536 };
	u8 got[1024] = {};

	tbk_payload_get(&payload, 256, got, 1024);
	CHECK_EQ(got[255], 1);
	CHECK_EQ(got[256], 2);
	CHECK_EQ(got[1023], 2);
	tbk_payload_zero(&payload, 0, 600);
	CHECK_EQ(one.bytes[1023], 1);
	CHECK_EQ(one.bytes[1024], 0);
	CHECK_EQ(two.bytes[87], 0);
	CHECK_EQ(two.bytes[88], 2);
	memset(got, 5, sizeof(got));
	tbk_payload_put(&payload, 512, got, 1024);
	CHECK_EQ(two.bytes[0], 5);
	CHECK_EQ(two.bytes[1023], 5);
	CHECK_EQ(two.bytes[1024], 2);
}

TBK_TEST(file_device_keeps_what_was_written)
{
	const TemporaryFile file(mib);
	struct tbk_device_info info = {};
	int error = 0;

	REQUIRE(file.is_ok());
	auto device = FileDevice::open(file.path(), FileDevice::read_write, error);
	REQUIRE_EQ(error, 0);
	device->ops->info(device.get(), &info);
	CHECK_EQ(info.bytes, mib);
	CHECK_EQ(write_page(*device, 8192, 6, TBK_IO_FUA), 0);
	CHECK_EQ(read_page(*device, 8192), 6);
	CHECK_EQ(do_io(*device, { TBK_OP_FLUSH, 0 }), 0);
	CHECK_EQ(write_page(*device, mib, 6), -TBK_EIO);

	device = nullptr;
	device = FileDevice::open(file.path(), FileDevice::read_only, error);
	REQUIRE_EQ(error, 0);
	CHECK_EQ(read_page(*device, 8192), 6);
	CHECK_EQ(write_page(*device, 0, 1), -TBK_EROFS);
}

TBK_TEST(file_device_is_exclusive)
{
	const TemporaryFile file(mib);
	int error = 0;

	REQUIRE(file.is_ok());
	const auto first = FileDevice::open(file.path(), FileDevice::read_write, error);
	REQUIRE_EQ(error, 0);
	CHECK(!FileDevice::open(file.path(), FileDevice::read_only, error));
	CHECK_EQ(error, -TBK_EBUSY);
	CHECK(!FileDevice::open("/nowhere/at/all", FileDevice::read_only, error));
	CHECK_EQ(error, -TBK_ENOENT);
}

TBK_TEST(crc32c_matches_known_value)
{
	const char text[] = "a123456789";

	/* The check value of the polynomial; and from an odd address. */
	CHECK_EQ(~tbk_crc32c(~0u, text + 1, 9), 0xe3069283u);
}
