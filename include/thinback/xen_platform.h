/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the backend of a guest's disk asks of the world, besides platform.h.
 * drivers/linux/xen/ answers with Xen's interfaces, tests with a guest made up.
 *
 * Errors cross as negative errno.
 */
#ifndef TBK_XEN_PLATFORM_H
#define TBK_XEN_PLATFORM_H

#include <thinback/platform.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tbk_xen;	     /* a guest's disk as xenbus knows it */
struct tbk_xen_ring; /* one of its rings: pages, event channel, thread */
struct tbk_ring;     /* the same in the core */

/* ---- xenstore. All of it: process context, may sleep; called from tbk_vbd_advance() ---- */

/**
 * tbk_xen_read() - Read a key of the frontend.
 * @xen: whose
 * @key: below the frontend's directory
 * @value: room for the string; cut to fit
 * @size: of @value, not 0
 *
 * Return: 0, or -ENOENT if there is none or it cannot be read.
 */
int tbk_xen_read(struct tbk_xen *xen, const char *key, char *value, size_t size);

struct tbk_xen_key {
	const char *name;
	tbk_u64 value; /* written in decimal */
};

/**
 * tbk_xen_publish() - Write keys of the backend, all of them at once or none.
 * @xen: whose
 * @keys: what
 * @count: how many
 *
 * Return: 0 or a negative errno.
 */
int tbk_xen_publish(struct tbk_xen *xen, const struct tbk_xen_key *keys, size_t count);

/*
 * Write the size of a disk that is Connected, and the state once more, at once:
 * which has the frontend read the size. Return: 0; -EBUSY if the toolstack has set
 * another state; another negative errno.
 */
int tbk_xen_publish_size(struct tbk_xen *xen, tbk_u64 sectors);

/* Write the backend's state, a number of enum xenbus_state; nothing if its key is gone. */
void tbk_xen_switch_state(struct tbk_xen *xen, tbk_u32 state);

/* Leave a word for the administrator in xenstore's error directory and the log. */
void tbk_xen_complain(struct tbk_xen *xen, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * struct tbk_xen_limits - what the administrator allows a disk's frontend
 * @queues: rings
 * @ring_order: log2 of the pages of each
 * @pages: that are mapped at once for one ring's requests
 * @persistent: nonzero if pages may stay mapped that the frontend promises to use again
 * @kept_pages: how many of each ring
 * @kept_seconds: how long without use; 0: for ever
 * @guest_pages: of dom0's that the rings of all disks of one guest may take together
 */
struct tbk_xen_limits {
	tbk_u32 queues;
	tbk_u32 ring_order;
	tbk_u32 pages;
	tbk_u32 persistent;
	tbk_u32 kept_pages;
	tbk_u32 kept_seconds;
	tbk_u64 guest_pages;
};

/* Fill @limits with what holds now; what makes no sense is brought within bounds by the core. */
void tbk_xen_read_limits(struct tbk_xen *xen, struct tbk_xen_limits *limits);

/**
 * struct tbk_xen_rates - how fast a disk may be
 * @iops: requests a second; 0: no limit
 * @bandwidth: bytes of data a second; 0: no limit
 */
struct tbk_xen_rates {
	tbk_u64 iops;
	tbk_u64 bandwidth;
};

/* Fill in of @rates what the toolstack says of it; the rest stays as it is. */
void tbk_xen_read_rates(struct tbk_xen *xen, struct tbk_xen_rates *rates);

/* Write out and forget what dom0 has cached of the disk. Return: 0 or a negative errno. */
int tbk_xen_sync_target(struct tbk_xen *xen);

/* Close what tbk_vbd_set_target() was given; the core does not use it any more. */
void tbk_xen_close_target(struct tbk_xen *xen);

/* Nothing is left to do: have the object taken away once Closed is written. */
void tbk_xen_depart(struct tbk_xen *xen);

/* Have tbk_vbd_advance() called soon. Context: any, interrupts included. */
void tbk_xen_advance(struct tbk_xen *xen);

/* The same after @ms milliseconds. Context: process. */
void tbk_xen_advance_after(struct tbk_xen *xen, unsigned int ms);

/* ---- rings ---- */

/**
 * struct tbk_xen_ring_plan - what a ring consists of
 * @grants: the guest's pages of the ring
 * @pages: how many of them
 * @event_port: of the guest
 * @index: number of the ring, for the thread's name
 * @max_grants: how many are ever mapped at once; room is made for them now
 * @ring: what to call with; lives until tbk_xen_ring_close() has returned
 */
struct tbk_xen_ring_plan {
	tbk_u32 grants[16];
	tbk_u32 pages;
	tbk_u32 event_port;
	tbk_u32 index;
	tbk_u32 max_grants;
	struct tbk_ring *ring;
};

/**
 * tbk_xen_ring_open() - Bind a ring's event channel, then map its pages.
 * @xen: whose
 * @plan: which
 * @out: the ring
 * @shared: where its pages lie, one after the other
 *
 * In this order: another driver lets the channel go when it has answered all it
 * took, so whoever could bind it finds an index of responses that is the last.
 *
 * Context: process; may sleep.
 * Return: 0; -EBUSY if the channel is bound, or none of the guest's; another negative errno.
 */
int tbk_xen_ring_open(struct tbk_xen *xen, const struct tbk_xen_ring_plan *plan,
		      struct tbk_xen_ring **out, void **shared);

/* Start the thread. Context: process; may sleep. */
int tbk_xen_ring_start(struct tbk_xen_ring *xr);

/* End the thread; events still go out. Context: process; waits for tbk_ring_run() to return. */
void tbk_xen_ring_stop(struct tbk_xen_ring *xr);

/*
 * Unbind, unmap, free. Stopped, or never started; nothing in flight, no grant
 * mapped. Waits for tbk_ring_finish(), _retry() and _tidy() to return. Context:
 * process; may sleep.
 */
void tbk_xen_ring_close(struct tbk_xen_ring *xr);

/* Have tbk_ring_run() called though the guest sent nothing. Context: any. */
void tbk_xen_ring_wake(struct tbk_xen_ring *xr);

/* The same after @ms milliseconds, unless the ring is closed before. Context: its thread. */
void tbk_xen_ring_wake_after(struct tbk_xen_ring *xr, unsigned int ms);

/* Send the guest an event. Context: any. */
void tbk_xen_ring_notify(struct tbk_xen_ring *xr);

/*
 * Have tbk_ring_finish() called, after whatever else this interrupt completes
 * but before any process runs. Context: any.
 */
void tbk_xen_ring_finish_soon(struct tbk_xen_ring *xr);

/* Have tbk_ring_retry() called after @ms milliseconds. Context: any. */
void tbk_xen_ring_retry_after(struct tbk_xen_ring *xr, unsigned int ms);

/*
 * Give dom0 back @count of the pages for which @max_grants made room, none of
 * which is in use or will be. Context: process; may sleep.
 */
void tbk_xen_pages_give(struct tbk_xen_ring *xr, unsigned int count);
/* Take @count back. Return: how many there were. Context: process; may sleep. */
unsigned int tbk_xen_pages_take(struct tbk_xen_ring *xr, unsigned int count);

/* Have tbk_ring_tidy() called after @ms milliseconds. Context: process. */
void tbk_xen_ring_tidy_after(struct tbk_xen_ring *xr, unsigned int ms);

/* ---- grants: pages of the guest ---- */

#define TBK_GRANT_READ_ONLY 1u
#define TBK_GRANT_STAYS 2u /* the core's own: not unmapped when the request is done */

/* How many may be mapped or unmapped with one call. */
#define TBK_GRANT_BATCH 128

/**
 * struct tbk_grant - one page of the guest
 * @page: struct page while it is mapped, else NULL
 * @ref: the guest's number for it
 * @handle: Xen's, while mapped
 * @flags: TBK_GRANT_*
 */
struct tbk_grant {
	void *page;
	tbk_u32 ref;
	tbk_u32 handle;
	tbk_u32 flags;
};

/**
 * tbk_xen_grants_map() - Map pages of the guest.
 * @xr: whose
 * @grants: which; @page of those that could not be mapped stays NULL
 * @count: how many, at most TBK_GRANT_BATCH
 *
 * Context: the ring's thread; may sleep.
 */
void tbk_xen_grants_map(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			unsigned int count);

/**
 * tbk_xen_grants_unmap() - Give pages back to the guest.
 * @xr: whose
 * @grants: which, all mapped; @page of each is NULL afterwards
 * @count: how many, at most TBK_GRANT_BATCH
 *
 * Context: any; one caller a ring at a time.
 */
void tbk_xen_grants_unmap(struct tbk_xen_ring *xr, struct tbk_grant *const *grants,
			  unsigned int count);

/*
 * Whether somebody below still refers to the page though the request is done,
 * as a network does that may have to send again. Context: any.
 */
int tbk_xen_grant_is_held(const struct tbk_grant *grant);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_XEN_PLATFORM_H */
