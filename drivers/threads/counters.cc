// SPDX-License-Identifier: GPL-2.0
/* Counters, atomic. */
#include <atomic>
#include <vector>

#include "../hosted/simulation.h"
#include "threads.h"

using namespace thinback;

struct tbk_counters {
	std::vector<std::atomic<u64>> values;
};

struct tbk_counters *tbk_counters_create(unsigned int count)
{
	might_sleep("counters");
	threads_count(1);
	return new tbk_counters{ std::vector<std::atomic<u64>>(count) };
}

void tbk_counters_destroy(struct tbk_counters *counters)
{
	if (!counters)
		return;
	threads_count(-1);
	delete counters;
}

void tbk_counters_add(struct tbk_counters *counters, unsigned int which, tbk_u64 amount)
{
	counters->values.at(which).fetch_add(amount, std::memory_order_relaxed);
}

tbk_u64 tbk_counters_sum(const struct tbk_counters *counters, unsigned int which)
{
	return counters->values.at(which).load(std::memory_order_relaxed);
}
