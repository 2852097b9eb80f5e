// SPDX-License-Identifier: GPL-2.0
/*
 * The control device, called with anything: names that do not end, sizes that
 * lie, addresses that are nobody's. The command decoding is drivers/linux/'s own,
 * the pool behind it a real one, which is sound when it is over.
 *
 * Input: calls, see struct Call, each with bytes that are put over its argument.
 */
#include <linux/thinback.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"
#include "control_fuzz.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1 << 20;
constexpr u32 most_calls = 24;

struct Call {
	u8 cmd;
	u8 names; /* volume, snapshot, target: two bits each; bits 7..6: the pool's */
	u8 flags;
	u8 set;
	u8 patched; /* bytes that follow, and are put at @at */
	u8 bits;    /* see prepare() */
	u16 at;
	u32 value;
};
static_assert(sizeof(Call) == 12);

template <size_t size>
void put_name(char (&field)[size], const char *prefix, u32 which, const Call &call)
{
	static const char *const odd[] = { "", "a/b", "-x", ".." };

	if (which < 3)
		snprintf(field, size, "%s%u", prefix, which);
	else
		snprintf(field, size, "%s", odd[call.value % 4]);
}

/* An argument that makes sense, mostly. */
void prepare_command(thinback_command &to, const Call &call)
{
	to.size = call.bits & 1 ? call.value : sizeof(to);
	to.flags = call.flags & 15;
	snprintf(to.pool, sizeof(to.pool), "%s", call.names >> 6 == 3 ? "pond" : "tank");
	put_name(to.volume, "v", call.names & 3, call);
	put_name(to.snapshot, "s", call.names >> 2 & 3, call);
	put_name(to.target, call.bits & 2 ? "s" : "v", call.names >> 4 & 3, call);
	if (call.bits & 4)
		to.snapshot[0] = 0;
	if (call.bits & 8)
		to.volume[0] = 0;
	to.bytes = static_cast<u64>(call.value) << (call.bits & 16 ? 32 : 10);
	snprintf(to.path, sizeof(to.path), "/dev/tank");
	to.set = call.set;
	to.on_full = call.flags >> 4;
	to.quota = to.bytes;
	to.reserve = to.bytes / 2;
	to.full_wait = call.value;
	to.low = call.value & 1023;
	to.critical = call.value >> 10 & 1023;
}

void prepare_list(thinback_list &to, const Call &call)
{
	to.size = call.bits & 1 ? call.value : sizeof(to);
	to.item_size = call.bits & 2 ? call.value : sizeof(thinback_object);
	snprintf(to.pool, sizeof(to.pool), "tank");
	to.cursor = call.names & 3;
	to.items = reinterpret_cast<u64>(tbk_fuzz_user) +
		   (call.bits & 4 ? call.value : sizeof(thinback_list));
	to.count = call.flags;
}

void prepare(const Call &call)
{
	thinback_command command = {};
	thinback_list list = {};

	memset(tbk_fuzz_user, 0, TBK_FUZZ_USER);
	if (call.cmd == _IOC_NR(THINBACK_LIST_POOLS) ||
	    call.cmd == _IOC_NR(THINBACK_LIST_OBJECTS)) {
		prepare_list(list, call);
		memcpy(tbk_fuzz_user, &list, sizeof(list));
	} else {
		prepare_command(command, call);
		memcpy(tbk_fuzz_user, &command, sizeof(command));
	}
}

/* Text that the kernel has put there ends. */
void check_answer(const Call &call, long answer)
{
	const auto &command = *reinterpret_cast<const thinback_command *>(tbk_fuzz_user);

	TBK_ASSERT(answer <= 0 && answer > -4096);
	if (call.cmd == 0 || call.cmd > _IOC_NR(THINBACK_SET) || answer == -TBK_EINVAL ||
	    command.size < sizeof(command) || call.bits & 32)
		return;
	if (answer == 0)
		TBK_ASSERT(strnlen(command.message, sizeof(command.message)) <
			   sizeof(command.message));
}

size_t run_call(const u8 *data, size_t size)
{
	Call call = {};

	memcpy(&call, data, sizeof(call));
	size_t patched = size - sizeof(call);
	if (patched > call.patched)
		patched = call.patched;
	prepare(call);
	memcpy(tbk_fuzz_user + call.at % 2048, data + sizeof(call), patched);
	/* Near the end of what the caller has, or beyond. */
	const u64 start = reinterpret_cast<u64>(tbk_fuzz_user);
	const u64 arg = call.bits & 32 ? start + TBK_FUZZ_USER - call.flags : start;
	const u32 cmd = call.bits & 64 ? call.value : _IO(THINBACK_IOC, call.cmd % 24);

	check_answer(call, tbk_fuzz_ioctl(cmd, arg));
	return sizeof(call) + patched;
}

void check_device(MemoryDevice &device)
{
	struct tbk_check check {};

	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *text) {
		fprintf(stderr, "check: %s\n", text);
		TBK_ASSERT(false);
	};
	TBK_ASSERT(tbk_pool_check(&device, &check, nullptr) == 0);
}

MemoryDevice &formatted()
{
	static MemoryDevice *image;

	if (!image) {
		const struct tbk_format_options format = { "tank", { 1 }, 0 };

		image = new MemoryDevice(64 * mib);
		TBK_ASSERT(tbk_pool_format(image, &format, nullptr) == 0);
	}
	return *image;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	hosted_log_to([](enum tbk_level, const char *) {});
	const bool is_clean = hosted_run([&] {
		MemoryDevice device(64 * mib);
		u32 calls = 0;

		device.copy_from(formatted());
		tbk_fuzz_set_device(&device);
		while (size >= sizeof(Call) && calls++ < most_calls) {
			const size_t used = run_call(data, size);

			data += used;
			size -= used;
		}
		tbk_fuzz_detach();
		check_device(device);
	});

	TBK_ASSERT(is_clean);
	return 0;
}
