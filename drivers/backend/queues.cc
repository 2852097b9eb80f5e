// SPDX-License-Identifier: GPL-2.0
#include "queues.h"

namespace thinback {

u32 Queues::count() const
{
	u32 count = 0;

	for (const Queue *queue = list_.first(); queue; queue = list_.next(*queue))
		count++;
	return count;
}

bool Queues::is_of(u32 index, const RingKeys &keys) const
{
	const Queue *queue = list_.first();

	while (queue && index--)
		queue = list_.next(*queue);
	return queue && queue->is_of(keys);
}

bool Queues::is_taking() const
{
	for (const Queue *queue = list_.first(); queue; queue = list_.next(*queue)) {
		if (queue->is_taking())
			return true;
	}
	return false;
}

bool Queues::is_busy() const
{
	for (Queue *queue = list_.first(); queue; queue = list_.next(*queue)) {
		if (queue->is_busy())
			return true;
	}
	return false;
}

Status Queues::open(QueuePlan &plan)
{
	plan.failure = &failure_;
	auto queue = TBK_TRY(Queue::create(plan));

	list_.push_back(*queue.release());
	return {};
}

Status Queues::start()
{
	for (Queue *queue = list_.first(); queue; queue = list_.next(*queue))
		TBK_TRY(queue->start());
	return {};
}

void Queues::stop()
{
	for (Queue *queue = list_.first(); queue; queue = list_.next(*queue)) {
		if (queue->is_taking())
			queue->stop();
	}
}

void Queues::wake()
{
	for (Queue *queue = list_.first(); queue; queue = list_.next(*queue)) {
		if (queue->is_taking())
			queue->wake();
	}
}

void Queues::clear()
{
	while (Queue *queue = list_.pop_front())
		Owned<Queue>::adopt(queue).reset();
	failure_.store_relaxed(0);
}

} // namespace thinback
