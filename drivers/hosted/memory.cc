// SPDX-License-Identifier: GPL-2.0
/* Memory that can fail on demand, and is counted. */
#include <map>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosted.h"
#include "sanitizer.h"
#include "simulation.h"

using namespace thinback;

namespace {

struct Taken {
	size_t bytes;
	const void *caller;
};

std::map<const void *, Taken> taken;
size_t taken_bytes;
u64 fails_in; /* 0: none does */
bool has_failed;
bool are_reserves_limited;

/* As the kernel's: a power of two is aligned to itself, up to a page. */
size_t alignment_of(size_t size)
{
	const bool is_power = (size & (size - 1)) == 0;

	if (!is_power || size < 16)
		return 16;
	return size < 4096 ? size : 4096;
}

/*
 * Large ones are kept, poisoned, for the next of that size: a sanitizer would
 * map each anew, and a pool's opening cost more in page faults than in work.
 */
constexpr size_t large = 64 * 1024;

std::multimap<size_t, void *> &spare()
{
	static auto *const blocks = new std::multimap<size_t, void *>; /* never goes */
	return *blocks;
}

void *take_spare(size_t size)
{
	const auto found = spare().find(size);

	if (found == spare().end())
		return nullptr;
	void *memory = found->second;

	spare().erase(found);
	hide_memory(memory, size, false);
	return memory;
}

void *take(size_t size, size_t alignment, const void *caller)
{
	if (!size)
		die("allocates nothing");
	if (allocation_fails())
		return nullptr;
	void *memory = size >= large ? take_spare(size) : nullptr;

	if (!memory && posix_memalign(&memory, alignment, size))
		return nullptr;
	memset(memory, 0, size);
	note_taken(memory, size, caller);
	return memory;
}

void give(void *memory)
{
	if (!memory)
		return;
	const size_t size = note_given(memory);

	if (size < large) {
		free(memory);
		return;
	}
	hide_memory(memory, size, true);
	spare().emplace(size, memory);
}

} // namespace

struct tbk_reserve {
	size_t size;
	unsigned int least;
	unsigned int out;
};

namespace thinback {

bool allocation_fails()
{
	if (!fails_in || --fails_in)
		return false;
	has_failed = true;
	return true;
}

void note_taken(const void *thing, size_t bytes, const void *caller)
{
	taken[thing] = { bytes, caller };
	taken_bytes += bytes;
}

size_t note_given(const void *thing)
{
	const auto found = taken.find(thing);

	if (found == taken.end())
		die("gives back %p, which was never taken", thing);
	const size_t bytes = found->second.bytes;

	taken.erase(found);
	taken_bytes -= bytes;
	return bytes;
}

void hosted_fail_alloc_after(u64 n)
{
	fails_in = n;
	has_failed = false;
}

bool hosted_alloc_failed()
{
	return has_failed;
}

size_t hosted_outstanding()
{
	return taken.size();
}

size_t hosted_bytes()
{
	return taken_bytes;
}

void hosted_print_outstanding()
{
	for (const auto &[thing, how] : taken) {
		char where[256] = "";
#ifdef TBK_ASAN
		__sanitizer_symbolize_pc(const_cast<void *>(how.caller), "%f %S", where,
					 sizeof(where));
#else
		snprintf(where, sizeof(where), "%p", how.caller);
#endif
		fprintf(stderr, "# not given back: %zu bytes at %p, taken by %s\n", how.bytes,
			thing, where);
	}
}

void hosted_limit_reserves(bool limit)
{
	are_reserves_limited = limit;
}

} // namespace thinback

void *tbk_alloc(size_t size, enum tbk_alloc how)
{
	if (how == TBK_MAY_SLEEP)
		might_sleep("memory");
	return take(size, alignment_of(size), __builtin_return_address(0));
}

void tbk_free(void *memory)
{
	give(memory);
}

void *tbk_big_alloc(size_t size)
{
	might_sleep("memory");
	return take(size, 4096, __builtin_return_address(0));
}

void tbk_big_free(void *memory)
{
	might_sleep("memory to be given back");
	give(memory);
}

tbk_u64 tbk_memory_bytes()
{
	return 4ull << 30;
}

struct tbk_reserve *tbk_reserve_create(const char *, size_t size, unsigned int least)
{
	might_sleep("a reserve");
	if (!size || !least)
		die("makes a reserve of nothing");
	if (allocation_fails())
		return nullptr;

	struct tbk_reserve *reserve = new tbk_reserve{ size, least, 0 };
	note_taken(reserve, sizeof(*reserve), __builtin_return_address(0));
	return reserve;
}

void tbk_reserve_destroy(struct tbk_reserve *reserve)
{
	if (!reserve)
		return;
	might_sleep("a reserve");
	if (reserve->out)
		die("destroys a reserve of which %u are out", reserve->out);
	note_given(reserve);
	delete reserve;
}

void *tbk_reserve_take(struct tbk_reserve *reserve)
{
	void *object = nullptr;

	might_sleep("a reserve");
	while (are_reserves_limited && reserve->out >= reserve->least)
		park(reserve, "a reserve");
	if (posix_memalign(&object, alignment_of(reserve->size), reserve->size))
		die("out of memory");
	memset(object, 0xa5, reserve->size);
	reserve->out++;
	return object;
}

void tbk_reserve_give(struct tbk_reserve *reserve, void *object)
{
	if (!object || !reserve->out)
		die("gives a reserve what it did not have from it");
	memset(object, 0x5a, reserve->size);
	free(object);
	reserve->out--;
	unpark(reserve);
	maybe_preempt();
}
