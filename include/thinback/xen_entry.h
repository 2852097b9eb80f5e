/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the world asks of the backend of a guest's disk. Called by
 * drivers/linux/xen/, and by tests.
 */
#ifndef TBK_XEN_ENTRY_H
#define TBK_XEN_ENTRY_H

#include <thinback/entry.h>
#include <thinback/xen_platform.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tbk_vbd; /* the backend of one disk of one guest */

/* ---- a disk. One caller at a time for each; process context, may sleep ---- */

/* A backend for @xen, which outlives it. Return: NULL without memory. */
struct tbk_vbd *tbk_vbd_create(struct tbk_xen *xen);

/* After tbk_vbd_advance() with @leaving has returned nonzero, or before it was ever called. */
void tbk_vbd_destroy(struct tbk_vbd *vbd);

/**
 * struct tbk_vbd_target - what is behind a disk
 * @volume: a volume of a pool, or NULL
 * @device: if no volume: a device to which requests go as they are
 * @read_only: nonzero if the guest may not write, whatever is behind
 * @cdrom: nonzero if it is to look like one
 * @removable: nonzero if it is
 * @discard: nonzero if the guest may discard, where that can be done
 */
struct tbk_vbd_target {
	struct tbk_volume *volume;
	struct tbk_device *device;
	tbk_u32 read_only;
	tbk_u32 cdrom;
	tbk_u32 removable;
	tbk_u32 discard;
};

/* Say what is behind; borrowed until tbk_xen_close_target(). There is none before. */
void tbk_vbd_set_target(struct tbk_vbd *vbd, const struct tbk_vbd_target *target);

/**
 * struct tbk_vbd_view - the world around a disk, read just now
 * @frontend: state of the frontend, any number
 * @moved: nonzero if the frontend has written its state since the last time
 * @online: the backend's key: nonzero if the disk stays when the frontend closes
 * @evicted: nonzero if the toolstack has set the backend's state to Closing, for good
 * @leaving: nonzero once the driver gives the disk up
 */
struct tbk_vbd_view {
	tbk_u32 frontend;
	tbk_u32 moved;
	tbk_u32 online;
	tbk_u32 evicted;
	tbk_u32 leaving;
};

/**
 * tbk_vbd_advance() - Do all that can be done now towards where the disk should be.
 * @vbd: which
 * @view: of the world
 *
 * Does not wait for requests in flight: tbk_xen_advance() comes when they are done.
 *
 * Return: nonzero when nothing of the guest's and nothing of the target is held any more.
 */
int tbk_vbd_advance(struct tbk_vbd *vbd, const struct tbk_vbd_view *view);

/* Since the disk was created. */
struct tbk_vbd_stats {
	tbk_u64 out_of_requests;
	tbk_u64 reads;
	tbk_u64 writes;
	tbk_u64 flushes;
	tbk_u64 discards;
	tbk_u64 sectors_read;
	tbk_u64 sectors_written;
};

/* Context: any, at any time. */
void tbk_vbd_read_stats(struct tbk_vbd *vbd, struct tbk_vbd_stats *stats);

/* ---- a ring ---- */

#define TBK_RUN_PROGRESS 1u /* there were requests */
#define TBK_RUN_MORE 2u	    /* there may be more: call again before sleeping */
#define TBK_RUN_REFUSED 4u  /* none of them was sound: wait a little before the next */
#define TBK_RUN_DEAD 8u	    /* never call again */

/**
 * tbk_ring_run() - Take what requests there are and start them.
 * @ring: which
 *
 * Unless it returns TBK_RUN_MORE or _DEAD, the guest sends an event with the next,
 * or tbk_xen_ring_wake() comes when what it waits for is there.
 *
 * Context: the ring's thread; may sleep.
 * Return: TBK_RUN_*.
 */
unsigned int tbk_ring_run(struct tbk_ring *ring);

/* Answer what has completed. Context: softirq. */
void tbk_ring_finish(struct tbk_ring *ring);

/* Try again what tbk_xen_ring_retry_after() was called for. Context: any but interrupts. */
void tbk_ring_retry(struct tbk_ring *ring);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_XEN_ENTRY_H */
