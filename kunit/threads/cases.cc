// SPDX-License-Identifier: GPL-2.0
#include "cases.h"

#include "../model/model.h"
#include "town.h"

namespace thinback {

namespace {

constexpr TownOptions written_and_read{ .volumes = 6, .syncs = 1 };
constexpr TownOptions many_writers{ .volumes = 1, .writers = 8, .syncs = 1 };
constexpr TownOptions snapshots_during_writes{ .volumes = 2, .snapshots = 2, .syncs = 1 };
constexpr TownOptions removed_during_reads{
	.device_bytes = 2048ull << 20, /* groups of 1 GiB */
	.volumes = 2,
	.removals = 3,
	.syncs = 1,
};
constexpr TownOptions cache_too_small{
	.volumes = 4, .units = 4096, .cache_limit = 8, .snapshots = 1, .removals = 1
};
constexpr TownOptions closed_and_opened{
	.volumes = 4, .writers = 2, .removals = 1, .closes = 10, .reopens = 3
};
constexpr TownOptions scrubbed{
	.device_bytes = 2048ull << 20,
	.may_race = true,
	.volumes = 2,
	.snapshots = 1,
	.removals = 1,
	.syncs = 1,
	.scrubs = 1,
};
/* For a part of a sector all of it is read, whoever writes the rest. */
constexpr TownOptions large_sectors{
	.logical_block = 4096,
	.may_race = true,
	.volumes = 2,
	.writers = 4,
	.snapshots = 1,
	.syncs = 1,
};

template <const TownOptions &options> void run_town(struct kunit *, unsigned int seconds)
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

void model_holds_on_threads(struct kunit *test, unsigned int seconds)
{
	ThreadDevice::Options options;
	options.may_race = true;
	ThreadDevice device(256ull << 20, options);

	run_model(test, device, { 500 * seconds, 2048, 500 });
}

const ThreadsCase cases[] = {
	{ "volumes_are_written_and_read", run_town<written_and_read> },
	{ "one_volume_has_many_writers", run_town<many_writers> },
	{ "snapshots_are_taken_during_writes", run_town<snapshots_during_writes> },
	{ "volumes_are_removed_during_reads", run_town<removed_during_reads> },
	{ "cache_is_too_small", run_town<cache_too_small> },
	{ "volumes_and_pool_are_closed_and_opened", run_town<closed_and_opened> },
	{ "pool_is_scrubbed", run_town<scrubbed> },
	{ "sectors_are_large", run_town<large_sectors> },
	{ "model_holds_on_threads", model_holds_on_threads },
};

} // namespace

Span<const ThreadsCase> threads_cases()
{
	return { cases, sizeof(cases) / sizeof(cases[0]) };
}

} // namespace thinback
