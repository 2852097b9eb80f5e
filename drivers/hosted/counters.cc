// SPDX-License-Identifier: GPL-2.0
/* Counters: there is one CPU. */
#include <stdlib.h>

#include "hosted.h"
#include "simulation.h"

using namespace thinback;

struct tbk_counters {
	unsigned int count;
	tbk_u64 *values;
};

struct tbk_counters *tbk_counters_create(unsigned int count)
{
	might_sleep("counters");
	if (!count)
		die("makes no counters");
	if (allocation_fails())
		return nullptr;

	struct tbk_counters *counters = new tbk_counters{ count, new tbk_u64[count]() };

	note_taken(counters, sizeof(*counters) + count * sizeof(tbk_u64),
		   __builtin_return_address(0));
	return counters;
}

void tbk_counters_destroy(struct tbk_counters *counters)
{
	if (!counters)
		return;
	might_sleep("counters to be given back");
	note_given(counters);
	delete[] counters->values;
	delete counters;
}

void tbk_counters_add(struct tbk_counters *counters, unsigned int which, tbk_u64 amount)
{
	if (which >= counters->count)
		die("adds to counter %u of %u", which, counters->count);
	counters->values[which] += amount;
}

tbk_u64 tbk_counters_sum(const struct tbk_counters *counters, unsigned int which)
{
	if (which >= counters->count)
		die("reads counter %u of %u", which, counters->count);
	return counters->values[which];
}
