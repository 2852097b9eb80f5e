// SPDX-License-Identifier: GPL-2.0
/* Memory, counted. */
#include <atomic>
#include <stdlib.h>
#include <string.h>

#include "../hosted/simulation.h"
#include "threads.h"

using namespace thinback;

struct tbk_reserve {
	size_t size;
	std::atomic<s64> out{ 0 };
};

namespace {

std::atomic<s64> outstanding;

/* As the kernel's: a power of two is aligned to itself, up to a page. */
size_t alignment_of(size_t size)
{
	const bool is_power = (size & (size - 1)) == 0;

	if (!is_power || size < 16)
		return 16;
	return size < 4096 ? size : 4096;
}

void *take(size_t size, size_t alignment)
{
	void *memory = nullptr;

	if (!size)
		die("allocates nothing");
	if (posix_memalign(&memory, alignment, size))
		return nullptr;
	memset(memory, 0, size);
	threads_count(1);
	return memory;
}

void give(void *memory)
{
	if (!memory)
		return;
	threads_count(-1);
	free(memory);
}

} // namespace

namespace thinback {

void threads_count(s64 n)
{
	outstanding.fetch_add(n, std::memory_order_relaxed);
}

u64 threads_outstanding()
{
	return static_cast<u64>(outstanding.load(std::memory_order_relaxed));
}

} // namespace thinback

void *tbk_alloc(size_t size, enum tbk_alloc how)
{
	if (how == TBK_MAY_SLEEP)
		might_sleep("memory");
	return take(size, alignment_of(size));
}

void tbk_free(void *memory)
{
	give(memory);
}

void *tbk_big_alloc(size_t size)
{
	might_sleep("memory");
	return take(size, 4096);
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
	threads_count(1);
	return new tbk_reserve{ size };
}

void tbk_reserve_destroy(struct tbk_reserve *reserve)
{
	if (!reserve)
		return;
	might_sleep("a reserve");
	if (reserve->out.load(std::memory_order_relaxed))
		die("destroys a reserve of which some are out");
	threads_count(-1);
	delete reserve;
}

void *tbk_reserve_take(struct tbk_reserve *reserve)
{
	void *object = nullptr;

	might_sleep("a reserve");
	if (posix_memalign(&object, alignment_of(reserve->size), reserve->size))
		die("out of memory");
	memset(object, 0xa5, reserve->size);
	reserve->out.fetch_add(1, std::memory_order_relaxed);
	return object;
}

void tbk_reserve_give(struct tbk_reserve *reserve, void *object)
{
	if (!object)
		die("gives a reserve nothing");
	memset(object, 0x5a, reserve->size);
	free(object);
	/* Whoever destroys it does so after all have been given back, by an order of its own. */
	reserve->out.fetch_sub(1, std::memory_order_relaxed);
}
