// SPDX-License-Identifier: GPL-2.0
/* Memory. Whatever sleeps does so under NOIO: our own disks may be what is being written out. */
#include <linux/atomic.h>
#include <linux/log2.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <thinback/platform.h>

void *tbk_alloc(size_t size, enum tbk_alloc how)
{
	return kzalloc(size, how == TBK_ATOMIC ? GFP_ATOMIC | __GFP_NOWARN : GFP_NOIO);
}

void tbk_free(void *memory)
{
	kfree(memory);
}

/*
 * kvmalloc() honours GFP_KERNEL alone, so NOIO comes as a scope. Whole pages
 * are aligned to pages, whether they come from slabs or from vmalloc.
 */
void *tbk_big_alloc(size_t size)
{
	unsigned int noio = memalloc_noio_save();
	void *memory = kvzalloc(PAGE_ALIGN(size), GFP_KERNEL);

	memalloc_noio_restore(noio);
	return memory;
}

void tbk_big_free(void *memory)
{
	kvfree(memory);
}

tbk_u64 tbk_memory_bytes(void)
{
	return (tbk_u64)totalram_pages() << PAGE_SHIFT;
}

struct tbk_reserve {
	struct kmem_cache *cache;
	mempool_t pool;
};

/* Powers of two are aligned to themselves, so that a block never crosses a page. */
static size_t tbk_reserve_align(size_t size)
{
	return is_power_of_2(size) ? min_t(size_t, size, PAGE_SIZE) : ARCH_KMALLOC_MINALIGN;
}

/* Two pools ask for the same names, and slab caches must not share one. */
static struct kmem_cache *tbk_reserve_cache(const char *name, size_t size)
{
	static atomic_t number;
	char unique[48];

	snprintf(unique, sizeof(unique), "%s-%u", name, (unsigned int)atomic_inc_return(&number));
	return kmem_cache_create(unique, size, tbk_reserve_align(size), 0, NULL);
}

struct tbk_reserve *tbk_reserve_create(const char *name, size_t size, unsigned int least)
{
	struct tbk_reserve *reserve = kzalloc(sizeof(*reserve), GFP_NOIO);

	if (!reserve)
		return NULL;
	reserve->cache = tbk_reserve_cache(name, size);
	if (!reserve->cache)
		goto free;
	if (mempool_init_slab_pool(&reserve->pool, least, reserve->cache))
		goto destroy;
	return reserve;
destroy:
	kmem_cache_destroy(reserve->cache);
free:
	kfree(reserve);
	return NULL;
}

void tbk_reserve_destroy(struct tbk_reserve *reserve)
{
	if (!reserve)
		return;
	mempool_exit(&reserve->pool);
	kmem_cache_destroy(reserve->cache);
	kfree(reserve);
}

/* A mempool waits rather than fail when it may sleep. */
void *tbk_reserve_take(struct tbk_reserve *reserve)
{
	return mempool_alloc(&reserve->pool, GFP_NOIO);
}

void tbk_reserve_give(struct tbk_reserve *reserve, void *object)
{
	mempool_free(object, &reserve->pool);
}
