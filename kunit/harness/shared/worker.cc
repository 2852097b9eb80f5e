// SPDX-License-Identifier: GPL-2.0
#include "worker.h"

#include <thinback/base/owned.h>

namespace thinback {

namespace {

/* The work is first, so that the one is found from the other. Not on a stack: a debug kernel minds. */
struct Errand {
	struct tbk_work work;
	void (*run)(void *context);
	void *context;
};

void do_errand(struct tbk_work *work)
{
	Errand *errand = reinterpret_cast<Errand *>(work);

	errand->run(errand->context);
}

} // namespace

bool run_elsewhere(void (*run)(void *context), void *context)
{
	auto errand = make<Errand>(Errand{ {}, run, context });
	struct tbk_queue *queue = errand.is_ok() ? tbk_queue_create("elsewhere") : nullptr;

	if (!queue)
		return false;
	tbk_work_init(&errand.value()->work, do_errand);
	tbk_work_queue(queue, &errand.value()->work);
	tbk_queue_destroy(queue);
	return true;
}

} // namespace thinback
