// SPDX-License-Identifier: GPL-2.0
/* A check of a pool of which the maps of what is in use do not fit into the memory that it may take. */
#include "scale.h"

namespace thinback {
namespace {

constexpr u64 volumes = 4;
constexpr u64 part = 128 * gib;
constexpr u64 run = mib / 4096;

void fill(ScalePool &pool)
{
	for (u64 v = 0; v < volumes; v++) {
		const std::string name = "v" + std::to_string(v);

		pool.create(name, part);
		ScaleVolume volume(pool, name);

		for (u64 at = 0; at < part / 4096; at += run) {
			if (!volume.try_write(at, run))
				return;
		}
	}
}

} // namespace

void check_of_a_full_pool_in_parts()
{
	constexpr u64 some = 2 * mib;
	constexpr u64 rest = 6 * mib;
	ScalePool pool(volumes * part);

	fill(pool);
	pool.snapshot("v3", "s");
	const struct tbk_pool_info info = pool.info();

	pool.close();
	for (const u64 memory : { u64{ 0 }, some }) {
		const double begun = seconds_now();
		const u64 took = pool.check(memory);

		say("%.0f GiB in use, checked in %.1f s of processor time, with %.1f MiB of memory",
		    static_cast<double>(info.size - info.free) / static_cast<double>(gib),
		    seconds_now() - begun, static_cast<double>(took) / static_cast<double>(mib));
		if (memory && took > memory + rest)
			give_up("that is more than it may take");
	}
	pool.open();
}

} // namespace thinback
