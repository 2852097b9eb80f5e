/* SPDX-License-Identifier: GPL-2.0 */
/* Runs of bits in arrays of 64-bit words, bit 0 the lowest of word 0. */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

inline constexpr u32 bits_per_word = 64;

inline bool test_bit(const u64 *words, u32 at)
{
	return ((words[at / bits_per_word] >> (at % bits_per_word)) & 1) != 0;
}

/* The part of a word that lies in [@from, @to), both relative to the word's first bit. */
constexpr u64 word_mask(u32 from, u32 to)
{
	return (to == bits_per_word ? ~0ull : (1ull << to) - 1) & ~((1ull << from) - 1);
}

/* Calls fn(word index, mask) for each word that [@at, @at + @count) touches. */
template <typename Fn> void for_words(u32 at, u32 count, Fn fn)
{
	while (count > 0) {
		const u32 from = at % bits_per_word;
		const u32 to = from + count < bits_per_word ? from + count : bits_per_word;

		fn(at / bits_per_word, word_mask(from, to));
		count -= to - from;
		at += to - from;
	}
}

inline void set_bits(u64 *words, u32 at, u32 count)
{
	for_words(at, count, [=](u32 word, u64 mask) { words[word] |= mask; });
}

inline void clear_bits(u64 *words, u32 at, u32 count)
{
	for_words(at, count, [=](u32 word, u64 mask) { words[word] &= ~mask; });
}

/* The compiler's own would call libgcc, which a module has not. */
constexpr u32 ones(u64 word)
{
	word -= (word >> 1) & 0x5555555555555555;
	word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
	word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return static_cast<u32>((word * 0x0101010101010101) >> 56);
}

/* How many of [@at, @at + @count) are set. */
inline u32 count_bits(const u64 *words, u32 at, u32 count)
{
	u32 sum = 0;

	for_words(at, count, [&](u32 word, u64 mask) { sum += ones(words[word] & mask); });
	return sum;
}

/* How many from @at on, at most @limit, are clear. */
inline u32 clear_run(const u64 *words, u32 at, u32 limit)
{
	u32 run = 0;

	while (run < limit && !test_bit(words, at + run))
		run++;
	return run;
}

/* The first clear one in [@at, @end); @end when there is none. */
inline u32 next_clear(const u64 *words, u32 at, u32 end)
{
	while (at < end) {
		const u64 clear = ~words[at / bits_per_word] >> (at % bits_per_word);

		if (clear)
			return min(at + static_cast<u32>(__builtin_ctzll(clear)), end);
		at = (at / bits_per_word + 1) * bits_per_word;
	}
	return end;
}

} // namespace thinback
