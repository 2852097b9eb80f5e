// SPDX-License-Identifier: GPL-2.0
/* Bitmaps against what is reached. */
#include <thinback/base/scope.h>

#include "check.h"

namespace thinback {
namespace {

/* The first bit of @mask in word @word of a group. */
u64 first_block(u64 group, u32 word, u64 mask)
{
	return group * format::group_blocks + word * bits_per_word +
	       static_cast<u32>(__builtin_ctzll(mask));
}

} // namespace

/* @used and @fixed: a group's worth of words each to work in. */
Status Checker::check_group(u64 index, u64 *used, u64 *fixed, u64 &free)
{
	const u64 *reached = reached_->group(index);
	const Status read = space_->copy_used(index, used);
	u64 leaked = 0;
	u64 lost = 0;
	u64 first_leaked = 0;
	u64 first_lost = 0;

	if (!read.is_ok()) {
		TBK_FINDING(damaged, "the bitmaps of group %llu cannot be read: %s", index,
			    to_text(read.error()));
		return read.error() == Err::no_memory ? read.error() : Status();
	}
	__builtin_memset(fixed, 0, format::group_blocks / 8);
	Group::set_fixed(space_->geometry(), index, fixed);
	for (u32 word = 0; word < Group::words; word++) {
		const u64 wanted = fixed[word] | (reached ? reached[word] : 0);
		const u64 extra = used[word] & ~wanted;
		const u64 missing = wanted & ~used[word];

		if (extra && leaked == 0)
			first_leaked = first_block(index, word, extra);
		if (missing && lost == 0)
			first_lost = first_block(index, word, missing);
		leaked += ones(extra);
		lost += ones(missing);
		free += bits_per_word - ones(used[word]);
	}
	findings_.check().leaked_blocks += leaked;
	if (leaked > 0)
		TBK_FINDING(leak, "group %llu: %llu blocks are in use by nobody, %llu is the first",
			    index, leaked, first_leaked);
	if (lost > 0)
		TBK_FINDING(repairable,
			    "group %llu: %llu blocks are in use and said to be free, %llu is the first",
			    index, lost, first_lost);
	return {};
}

Status Checker::check_space()
{
	constexpr size_t bytes = format::group_blocks / 8;
	u64 *used = static_cast<u64 *>(tbk_big_alloc(2 * bytes));
	const auto free_used = ScopeGuard([=] { tbk_big_free(used); });
	u64 free = 0;

	if (!used)
		return Err::no_memory;
	for (u64 g = 0; g < space_->geometry().groups(); g++) {
		progress();
		TBK_TRY(check_group(g, used, used + bytes / sizeof(u64), free));
	}
	if (free != super_->free.get())
		TBK_FINDING(repairable, "%llu blocks are free; the superblock says %llu", free,
			    super_->free.get());
	return {};
}

} // namespace thinback
