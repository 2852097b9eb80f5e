// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of each CPU's own. Not of the per-CPU allocator, which without I/O
 * has only what happens to be mapped: a few volumes' worth.
 */
#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/overflow.h>
#include <linux/smp.h>

#include <thinback/platform.h>

struct tbk_counters {
	size_t each; /* values of a CPU: whole cache lines, so two CPUs never write to one */
	atomic64_t values[] ____cacheline_aligned;
};

struct tbk_counters *tbk_counters_create(unsigned int count)
{
	size_t each = round_up(count, SMP_CACHE_BYTES / sizeof(atomic64_t));
	struct tbk_counters *counters =
		tbk_big_alloc(struct_size(counters, values, nr_cpu_ids * each));

	if (counters)
		counters->each = each;
	return counters;
}

void tbk_counters_destroy(struct tbk_counters *counters)
{
	tbk_big_free(counters);
}

/* Atomic, as an interrupt may come between, or the caller move on. */
void tbk_counters_add(struct tbk_counters *counters, unsigned int which, tbk_u64 amount)
{
	size_t first = raw_smp_processor_id() * counters->each;

	atomic64_add(amount, &counters->values[first + which]);
}

tbk_u64 tbk_counters_sum(const struct tbk_counters *counters, unsigned int which)
{
	tbk_u64 sum = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		sum += atomic64_read(&counters->values[cpu * counters->each + which]);
	return sum;
}
