/* SPDX-License-Identifier: GPL-2.0 */
/* What AddressSanitizer has to be told about stacks that are switched; nothing without it. */
#pragma once

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define TBK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TBK_ASAN 1
#endif
#endif

#ifdef TBK_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace thinback {

/* @keep: where the stack that is left keeps its own, NULL when it is left for good. */
inline void leave_stack(void **keep, const void *next_stack, size_t next_size)
{
#ifdef TBK_ASAN
	__sanitizer_start_switch_fiber(keep, next_stack, next_size);
#else
	(void)keep, (void)next_stack, (void)next_size;
#endif
}

/* @kept: what leave_stack() kept; the rest: which stack was left. */
// NOLINTNEXTLINE(readability-non-const-parameter): without the sanitizer only
inline void enter_stack(void *kept, const void **last_stack, size_t *last_size)
{
#ifdef TBK_ASAN
	__sanitizer_finish_switch_fiber(kept, last_stack, last_size);
#else
	(void)kept, (void)last_stack, (void)last_size;
#endif
}

/* Whoever touches memory that is hidden is told. */
inline void hide_memory(void *memory, size_t size, bool is_hidden)
{
#ifdef TBK_ASAN
	if (is_hidden)
		__asan_poison_memory_region(memory, size);
	else
		__asan_unpoison_memory_region(memory, size);
#else
	(void)memory, (void)size, (void)is_hidden;
#endif
}

/* Frames that were never left keep their red zones. */
inline void clean_stack(const void *stack, size_t size)
{
#ifdef TBK_ASAN
	__asan_unpoison_memory_region(stack, size);
#else
	(void)stack, (void)size;
#endif
}

} // namespace thinback
