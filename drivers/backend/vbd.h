/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/session.h"
#include "counters.h"
#include "queues.h"
#include "target.h"

namespace thinback {

/*
 * The backend of one disk of one guest: goes through the xenbus handshake and
 * owns the rings. All but stats() in one thread at a time.
 */
class Vbd {
public:
	explicit Vbd(struct tbk_xen *xen) : xen_(xen) {}
	Vbd(const Vbd &) = delete;
	Vbd &operator=(const Vbd &) = delete;

	void set_target(const struct tbk_vbd_target &behind) { target_.open(behind); }

	/* As told in xen_entry.h. */
	bool advance(const struct tbk_vbd_view &view);
	void stats(struct tbk_vbd_stats &stats) const { counters_.read(stats); }

private:
	SessionView look(const struct tbk_vbd_view &view) const;
	void take(Step step, u32 frontend);
	void report_failure();
	void offer();
	void connect();
	bool connect_queues();
	bool prepare_target();
	Status open_queues(FrontendKeys &keys, const FrontendFeatures &features, Misfit &misfit);
	bool publish_disk();
	void go(xen::State state);
	void fail(int error, const char *what, const char *why);

	Counters counters_; /* first, as it has lines of the cache of its own */
	struct tbk_xen *const xen_;
	Target target_;
	Queues queues_;
	Offer offer_;
	u32 max_pages_ = 0; /* for each queue: see QueuePlan */
	xen::State own_ = xen::State::initialising;
	bool has_failed_ = false;
	bool has_departed_ = false;
};

} // namespace thinback
