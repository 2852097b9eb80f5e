// SPDX-License-Identifier: GPL-2.0
#include "cases.h"

#include "../model/model.h"
#include "town.h"

namespace thinback {

namespace {

void run_town(const TownOptions &options, unsigned int seconds)
{
	const u32 rounds = options.reopens + 1;

	Town town(options);

	if (!town.prepare())
		return;
	for (u32 round = 0; round < rounds; round++) {
		town.run(seconds * 1000 / rounds);
		if (!town.reopen())
			return;
		town.verify();
	}
	town.remove_everything();
}

void volumes_are_written_and_read(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 6;
	options.syncs = 1;
	run_town(options, seconds);
}

void one_volume_has_many_writers(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 1;
	options.writers = 8;
	options.syncs = 1;
	run_town(options, seconds);
}

void snapshots_are_taken_during_writes(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 2;
	options.snapshots = 2;
	options.syncs = 1;
	run_town(options, seconds);
}

void volumes_are_removed_during_reads(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 2;
	options.removals = 3;
	options.syncs = 1;
	options.device_bytes = 2048ull << 20; /* groups of 1 GiB */
	run_town(options, seconds);
}

void cache_is_too_small(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 4;
	options.units = 4096;
	options.snapshots = 1;
	options.removals = 1;
	options.cache_limit = 8;
	run_town(options, seconds);
}

void volumes_and_pool_are_closed_and_opened(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 4;
	options.writers = 2;
	options.closes = 10;
	options.reopens = 3;
	options.removals = 1;
	run_town(options, seconds);
}

void sectors_are_large(struct kunit *, unsigned int seconds)
{
	TownOptions options;

	options.volumes = 2;
	options.writers = 4;
	options.snapshots = 1;
	options.syncs = 1;
	options.logical_block = 4096;
	/* For a part of a sector all of it is read, whoever writes the rest. */
	options.may_race = true;
	run_town(options, seconds);
}

void model_holds_on_threads(struct kunit *test, unsigned int seconds)
{
	ThreadDevice::Options options;
	options.may_race = true;
	ThreadDevice device(256ull << 20, options);

	run_model(test, device, { 500 * seconds, 2048, 500 });
}

const ThreadsCase cases[] = {
	{ "volumes_are_written_and_read", volumes_are_written_and_read },
	{ "one_volume_has_many_writers", one_volume_has_many_writers },
	{ "snapshots_are_taken_during_writes", snapshots_are_taken_during_writes },
	{ "volumes_are_removed_during_reads", volumes_are_removed_during_reads },
	{ "cache_is_too_small", cache_is_too_small },
	{ "volumes_and_pool_are_closed_and_opened", volumes_and_pool_are_closed_and_opened },
	{ "sectors_are_large", sectors_are_large },
	{ "model_holds_on_threads", model_holds_on_threads },
};

} // namespace

Span<const ThreadsCase> threads_cases()
{
	return { cases, sizeof(cases) / sizeof(cases[0]) };
}

} // namespace thinback
