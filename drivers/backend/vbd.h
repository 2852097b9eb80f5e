/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/io_stats.h>
#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/session.h"
#include "counters.h"
#include "disk_memory.h"
#include "queues.h"
#include "target.h"
#include "throttle.h"

namespace thinback {

/*
 * The backend of one disk of one guest: goes through the xenbus handshake and
 * owns the rings. All but statistics and the limits in one thread at a time.
 */
class Vbd {
public:
	Vbd(struct tbk_xen *xen, const struct tbk_vbd_heritage &heritage)
		: xen_(xen), heritage_(heritage)
	{
	}
	Vbd(const Vbd &) = delete;
	Vbd &operator=(const Vbd &) = delete;

	/* Before anything else. */
	Status init(GuestMemory &guests, u32 domid);
	void set_target(const struct tbk_vbd_target &behind);
	bool drop_target();

	/* As told in xen_entry.h. */
	bool advance(const struct tbk_vbd_view &view);
	bool is_heir() const { return heritage_.connected != 0; }
	void stats(struct tbk_vbd_stats &stats) const { counters_.read(stats); }
	void limit_iops(u64 per_second);
	void limit_bandwidth(u64 per_second);
	struct tbk_xen_rates rates() const;
	const IoStats &io_stats() const { return stats_; }

private:
	SessionView look(const struct tbk_vbd_view &view) const;
	void take(Step step, u32 frontend);
	void report_failure();
	void offer();
	void connect();
	void heed_keys();
	void heed_changes(const struct tbk_vbd_view &view);
	void heed_size();
	void tell_size(u64 sectors);
	bool has_other_rings() const;
	void tell_opened();
	bool connect_queues();
	bool take_memory(const FrontendFeatures &features);
	bool prepare_target();
	Status open_queues(FrontendKeys &keys, const FrontendFeatures &features, Misfit &misfit);
	bool publish_disk();
	void go(xen::State state);
	bool wait_for_driver_before(Err error);
	void fail(int error, const char *what, const char *why);

	Counters counters_; /* first, as it has lines of the cache of its own */
	IoStats stats_;
	struct tbk_xen *const xen_;
	struct tbk_vbd_heritage
		heritage_; /* of use until the disk is connected, or its guest moves */
	Target target_;
	Throttle throttle_;
	struct tbk_xen_rates told_ {}; /* by the toolstack's keys, when they were last read */
	u64 told_sectors_ = 0;	       /* the frontend, last */
	DiskMemory memory_;
	Queues queues_;
	Offer offer_;
	RingPages wish_; /* for each queue, as the following */
	u32 kept_seconds_ = 0;
	u32 wait_ms_ = 0; /* between attempts, while the driver before is not done */
	xen::State own_ = xen::State::initialising;
	bool has_moved_on_ = false; /* the frontend: see SessionView */
	bool has_failed_ = false;
	bool is_waiting_ = false; /* for the driver before */
	bool has_departed_ = false;
};

} // namespace thinback
