// SPDX-License-Identifier: GPL-2.0
#include <linux/build_bug.h>
#include <linux/jiffies.h>
#include <linux/sched/mm.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#include <thinback/platform.h>

/* A timer of its own, not delayed_work: only timer_reduce() never puts off what waits already. */
struct tbk_real_work {
	struct work_struct work;
	struct timer_list timer;
	struct workqueue_struct *queue; /* where the timer is to put it */
	void (*run)(struct tbk_work *work);
	bool cancelling; /* the timer may not be set */
};

static_assert(sizeof(struct tbk_work) >= sizeof(struct tbk_real_work));
static_assert(__alignof__(struct tbk_work) >= __alignof__(struct tbk_real_work));

static struct tbk_real_work *real(struct tbk_work *work)
{
	return (struct tbk_real_work *)work;
}

static struct workqueue_struct *real_queue(struct tbk_queue *queue)
{
	return (struct workqueue_struct *)queue;
}

struct tbk_queue *tbk_queue_create(const char *name)
{
	return (struct tbk_queue *)alloc_workqueue("%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0, name);
}

void tbk_queue_destroy(struct tbk_queue *queue)
{
	if (queue)
		destroy_workqueue(real_queue(queue));
}

/* The work may free itself in run: it is not touched after. */
static void tbk_work_run(struct work_struct *work)
{
	struct tbk_real_work *r = container_of(work, struct tbk_real_work, work);
	unsigned int noio = memalloc_noio_save();

	r->run((struct tbk_work *)r);
	memalloc_noio_restore(noio);
}

static void tbk_work_timer(struct timer_list *timer)
{
	struct tbk_real_work *r = container_of(timer, struct tbk_real_work, timer);

	queue_work(r->queue, &r->work);
}

void tbk_work_init(struct tbk_work *work, void (*run)(struct tbk_work *work))
{
	struct tbk_real_work *r = real(work);

	INIT_WORK(&r->work, tbk_work_run);
#ifdef CONFIG_LOCKDEP
	/* A class for each function: a work may cancel another, not itself. */
	lockdep_init_map(&r->work.lockdep_map, "tbk_work", (struct lock_class_key *)run, 0);
#endif
	timer_setup(&r->timer, tbk_work_timer, 0);
	r->queue = NULL;
	r->run = run;
	r->cancelling = false;
}

/* The run to come answers for the timer too: whoever frees the work then finds it idle. */
void tbk_work_queue(struct tbk_queue *queue, struct tbk_work *work)
{
	struct tbk_real_work *r = real(work);

	if (timer_pending(&r->timer))
		del_timer(&r->timer);
	queue_work(real_queue(queue), &r->work);
}

void tbk_work_queue_after(struct tbk_queue *queue, struct tbk_work *work, unsigned int ms)
{
	struct tbk_real_work *r = real(work);

	if (READ_ONCE(r->cancelling) || work_pending(&r->work))
		return;
	WRITE_ONCE(r->queue, real_queue(queue));
	timer_reduce(&r->timer, jiffies + msecs_to_jiffies(ms));
}

/*
 * First the run that may set the timer, then the timer, then the run that the
 * timer may have queued meanwhile.
 */
void tbk_work_cancel(struct tbk_work *work)
{
	struct tbk_real_work *r = real(work);

	WRITE_ONCE(r->cancelling, true);
	cancel_work_sync(&r->work);
	del_timer_sync(&r->timer);
	cancel_work_sync(&r->work);
	WRITE_ONCE(r->cancelling, false);
}
