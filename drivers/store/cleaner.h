/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "checkpointer.h"

namespace thinback {

class Pool;

/*
 * Frees, a leaf at a time and in the background, what belonged to removed
 * volumes and snapshots alone. What is left of the tree is the state: after
 * a crash it goes on from the last checkpoint.
 */
class Cleaner {
public:
	explicit Cleaner(Pool &pool);
	Cleaner(const Cleaner &) = delete;
	Cleaner &operator=(const Cleaner &) = delete;

	Status init();
	/* There may be something to do. Context: any. */
	void kick();
	/* Until all that can be freed is in the hands of a checkpoint. Sleeps. */
	void wait_idle();
	/* Nothing new is removed any more. Sleeps. */
	void stop();
	bool is_busy() const { return busy_.load_relaxed() != 0; }

private:
	static constexpr u32 leaves_at_once = 64;

	static void run(struct tbk_work *work);
	static int is_idle(void *self);
	Volume *pick();
	bool free_some(Volume &volume);
	void finish(Volume &volume);

	Pool &pool_;
	Owned<ExtentEditor> editor_; /* used by the work alone */
	u32 stuck_ = 0;		     /* id of a volume whose tree cannot be read: left as it is */
	Atomic<u32> busy_;
	Atomic<u32> stopping_;
	struct tbk_wait idle_ {};
	struct tbk_work work_ {};
};

} // namespace thinback
