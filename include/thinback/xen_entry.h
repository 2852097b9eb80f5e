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

struct tbk_vbd;	   /* the backend of one disk of one guest */
struct tbk_guests; /* what the disks of each guest take of dom0's memory */

/* Once, for all disks. Return: NULL without memory. Context: process; may sleep. */
struct tbk_guests *tbk_guests_create(void);
/* When no disk is left. */
void tbk_guests_destroy(struct tbk_guests *guests);

/* ---- a disk. One caller at a time for each; process context, may sleep ---- */

/**
 * struct tbk_vbd_heritage - what another driver left that had the disk before
 * @connected: nonzero if the frontend is connected to it, or about to
 * @persistent: nonzero if the frontend was told that its pages may stay mapped
 */
struct tbk_vbd_heritage {
	tbk_u32 connected;
	tbk_u32 persistent;
};

/* A backend for @xen, of the guest @domid; @xen and @guests outlive it. Return: NULL without memory. */
struct tbk_vbd *tbk_vbd_create(struct tbk_xen *xen, struct tbk_guests *guests, tbk_u32 domid,
			       const struct tbk_vbd_heritage *heritage);

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

/*
 * Nonzero while the disk is still another driver's as its guest sees it: whatever
 * fails is told, and the state stays, so that one can have the disk back.
 */
int tbk_vbd_is_heir(const struct tbk_vbd *vbd);

/* Say what is behind; borrowed until tbk_xen_close_target(). There is none before. */
void tbk_vbd_set_target(struct tbk_vbd *vbd, const struct tbk_vbd_target *target);

/* Have what is behind closed, to set another. Return: 0 if rings are connected, and it stays. */
int tbk_vbd_drop_target(struct tbk_vbd *vbd);

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
	tbk_u64 limited; /* requests that a limit made wait */
	tbk_u64 reads;
	tbk_u64 writes;
	tbk_u64 flushes;
	tbk_u64 discards;
	tbk_u64 sectors_read;
	tbk_u64 sectors_written;
};

/* Context: any, at any time. */
void tbk_vbd_read_stats(struct tbk_vbd *vbd, struct tbk_vbd_stats *stats);

/*
 * From now on the guest may have so many requests, or bytes of data, a second
 * done over all its rings; 0: as many as can be. What comes in within a tenth of
 * a second may be saved up. Context: any, at any time between create and the end.
 */
void tbk_vbd_limit_iops(struct tbk_vbd *vbd, tbk_u64 per_second);
void tbk_vbd_limit_bandwidth(struct tbk_vbd *vbd, tbk_u64 per_second);
void tbk_vbd_read_rates(struct tbk_vbd *vbd, struct tbk_xen_rates *rates);

/*
 * What was answered, of one kind: barriers are flushes. It took from when it was
 * taken off the ring, what was put back not counted. Context: any, at any time.
 */
void tbk_vbd_read_op_stats(struct tbk_vbd *vbd, enum tbk_stat kind, struct tbk_op_stats *stats);

/* ---- a ring ---- */

#define TBK_RUN_PROGRESS 1u /* there were requests that had not been looked at before */
#define TBK_RUN_MORE 2u	    /* there may be more: call again before sleeping */
#define TBK_RUN_REFUSED 4u  /* none of them was sound: wait a little before the next */
#define TBK_RUN_DEAD 8u	    /* never call again */
#define TBK_RUN_WAITING \
	16u /* some are left on the ring until others are done: no end of the event */

/**
 * tbk_ring_run() - Take what requests there are and start them.
 * @ring: which
 *
 * Unless it returns TBK_RUN_MORE, _WAITING or _DEAD, the guest sends an event with
 * the next. After TBK_RUN_WAITING tbk_xen_ring_wake() comes, or what
 * tbk_xen_ring_wake_after() was called for, when what it waits for is there. What
 * is done before it returns is bounded.
 *
 * Context: the ring's thread; may sleep.
 * Return: TBK_RUN_*.
 */
unsigned int tbk_ring_run(struct tbk_ring *ring);

/* Answer what has completed. Context: softirq. */
void tbk_ring_finish(struct tbk_ring *ring);

/* Try again what tbk_xen_ring_retry_after() was called for. Context: any but interrupts. */
void tbk_ring_retry(struct tbk_ring *ring);

/* Unmap what has not been used for long. Context: process; may sleep. */
void tbk_ring_tidy(struct tbk_ring *ring);

/*
 * Dom0 is short of memory: unmap all that stays mapped and is not in use, and
 * give away by tbk_xen_pages_give() what is not in use, but for what one request
 * of any size needs. Can be called again, for what has come free meanwhile.
 * Context: process; may sleep, allocates nothing. One caller at a time for each
 * ring, as of the next.
 */
void tbk_ring_squeeze(struct tbk_ring *ring);

/* It is over: take back what was given. Return: nonzero if there is not yet memory for all of it. */
int tbk_ring_relax(struct tbk_ring *ring);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* TBK_XEN_ENTRY_H */
