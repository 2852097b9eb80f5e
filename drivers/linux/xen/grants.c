// SPDX-License-Identifier: GPL-2.0
/* Pages of a guest, mapped for as long as a request needs them. */
#define pr_fmt(fmt) "xen-thinback: " fmt

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <xen/page.h>

#include "ring.h"

static_assert(sizeof(grant_ref_t) == sizeof_field(struct tbk_grant, ref));
static_assert(sizeof(grant_handle_t) == sizeof_field(struct tbk_grant, handle));

static unsigned long tbk_xen_address(struct page *page)
{
	return (unsigned long)pfn_to_kaddr(page_to_pfn(page));
}

int tbk_xen_pages_get(struct tbk_xen_ring *xr, unsigned int count)
{
	while (count) {
		unsigned int n = min_t(unsigned int, count, ARRAY_SIZE(xr->map_pages));
		int err = gnttab_alloc_pages(n, xr->map_pages);

		if (err)
			return err;
		gnttab_page_cache_put(&xr->pages, xr->map_pages, n);
		count -= n;
	}
	return 0;
}

void tbk_xen_pages_put(struct tbk_xen_ring *xr)
{
	gnttab_page_cache_shrink(&xr->pages, 0);
}

void tbk_xen_pages_give(struct tbk_xen_ring *xr, unsigned int count)
{
	struct page *pages[16];

	while (count) {
		unsigned int n = min_t(unsigned int, count, ARRAY_SIZE(pages));
		unsigned int i;

		/* They are there, as the core has counted: none is allocated. */
		for (i = 0; i < n; i++) {
			if (gnttab_page_cache_get(&xr->pages, &pages[i]))
				break;
		}
		gnttab_free_pages(i, pages);
		count -= n;
	}
}

/* Not by waiting for writes that may be waiting for this ring. */
unsigned int tbk_xen_pages_take(struct tbk_xen_ring *xr, unsigned int count)
{
	unsigned int noio = memalloc_noio_save();
	struct page *pages[16];
	unsigned int taken = 0;

	while (taken < count) {
		unsigned int n = min_t(unsigned int, count - taken, ARRAY_SIZE(pages));

		if (gnttab_alloc_pages(n, pages))
			break;
		gnttab_page_cache_put(&xr->pages, pages, n);
		taken += n;
	}
	memalloc_noio_restore(noio);
	return taken;
}

/* Returns how many of @count have a page to be mapped at. */
static unsigned int tbk_xen_prepare_map(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
					unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		u32 flags = GNTMAP_host_map;

		if (gnttab_page_cache_get(&xr->pages, &xr->map_pages[i]))
			break;
		if (grants[i]->flags & TBK_GRANT_READ_ONLY)
			flags |= GNTMAP_readonly;
		gnttab_set_map_op(&xr->map[i], tbk_xen_address(xr->map_pages[i]), flags,
				  grants[i]->ref, xr->xen->dev->otherend_id);
		/* What Xen does not get to must not look like success. */
		xr->map[i].status = GNTST_general_error;
	}
	return i;
}

void tbk_xen_grants_map(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			unsigned int count)
{
	unsigned int n = tbk_xen_prepare_map(xr, grants, count);
	unsigned int i;

	if (!n)
		return;
	/* Its result says less than that of each, which it may leave good in part. */
	if (gnttab_map_refs(xr->map, NULL, xr->map_pages, n))
		pr_err_ratelimited("mapping a guest's pages failed\n");
	for (i = 0; i < n; i++) {
		if (xr->map[i].status == GNTST_okay) {
			grants[i]->page = xr->map_pages[i];
			grants[i]->handle = xr->map[i].handle;
		} else {
			gnttab_page_cache_put(&xr->pages, &xr->map_pages[i], 1);
		}
	}
}

void tbk_xen_grants_unmap(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			  unsigned int count)
{
	unsigned int i, good = 0;
	int err;

	for (i = 0; i < count; i++) {
		xr->unmap_pages[i] = grants[i]->page;
		gnttab_set_unmap_op(&xr->unmap[i], tbk_xen_address(grants[i]->page),
				    GNTMAP_host_map, grants[i]->handle);
		xr->unmap[i].status = GNTST_general_error;
		grants[i]->page = NULL;
	}
	err = gnttab_unmap_refs(xr->unmap, NULL, xr->unmap_pages, count);
	for (i = 0; i < count; i++) {
		if (xr->unmap[i].status == GNTST_okay)
			xr->unmap_pages[good++] = xr->unmap_pages[i];
	}
	/* A page that the guest's may still lie under is lost for good: better than used again. */
	if (err || good != count)
		pr_err_ratelimited("%u of a guest's pages could not be unmapped (%d)\n",
				   count - good, err);
	gnttab_page_cache_put(&xr->pages, xr->unmap_pages, good);
}

int tbk_xen_grant_is_held(const struct tbk_grant *grant)
{
	return page_count(grant->page) > 1;
}
