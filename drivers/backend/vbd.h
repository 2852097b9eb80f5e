/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/xen_entry.h>

#include "../vbd/features.h"
#include "../vbd/session.h"
#include "queue.h"
#include "target.h"

namespace thinback {

/*
 * The backend of one disk of one guest: goes through the xenbus handshake and
 * owns the rings. All but stats() in one thread at a time.
 */
class Vbd {
public:
	explicit Vbd(struct tbk_xen *xen) : xen_(xen) {}
	~Vbd() { TBK_ASSERT(!queue_); }
	Vbd(const Vbd &) = delete;
	Vbd &operator=(const Vbd &) = delete;

	void set_target(const struct tbk_vbd_target &behind) { target_.open(behind); }

	/* As told in xen_entry.h. */
	bool advance(const struct tbk_vbd_view &view);
	void stats(struct tbk_vbd_stats &stats) const;

private:
	SessionView look(const struct tbk_vbd_view &view) const;
	void take(Step step, u32 frontend);
	void report_failure();
	void offer();
	void connect();
	bool connect_queue();
	bool publish_disk();
	void go(xen::State state);
	void fail(int error, const char *what, const char *why);

	struct tbk_xen *const xen_;
	Target target_;
	Owned<Queue> queue_;
	Counters counters_;
	xen::State own_ = xen::State::initialising;
	bool has_failed_ = false;
	bool has_departed_ = false;
};

} // namespace thinback
