// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include <thinback/base/types.h>
#include <thinback/platform.h>

using namespace thinback;

namespace {

struct Table {
	u32 of[256];
};

consteval Table make_table()
{
	Table table = {};

	for (u32 byte = 0; byte < 256; byte++) {
		u32 crc = byte;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
		table.of[byte] = crc;
	}
	return table;
}

constexpr Table table = make_table();

u32 by_table(u32 crc, const u8 *data, size_t len)
{
	for (; len; len--)
		crc = (crc >> 8) ^ table.of[(crc ^ *data++) & 0xff];
	return crc;
}

#ifdef __x86_64__
[[gnu::target("sse4.2")]] u32 by_instruction(u32 crc, const u8 *data, size_t len)
{
	u64 wide = crc;

	for (; len >= sizeof(u64); len -= sizeof(u64), data += sizeof(u64)) {
		u64 word = 0;

		memcpy(&word, data, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = static_cast<u32>(wide);
	for (; len; len--)
		crc = __builtin_ia32_crc32qi(crc, *data++);
	return crc;
}
#endif

} // namespace

unsigned int tbk_crc32c(unsigned int seed, const void *data, size_t len)
{
	const u8 *bytes = static_cast<const u8 *>(data);

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return by_instruction(seed, bytes, len);
#endif
	return by_table(seed, bytes, len);
}
