/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "../harness/check.h"
#include "victim.h"

namespace thinback {

/* How many things it did; a negative errno. */
inline int repair(struct tbk_device &device, u32 how = 0)
{
	struct tbk_check check {};
	int count = 0;

	check.repair = how;
	check.context = &count;
	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *text) {
		tbk_log(TBK_LOG_INFO, "repair: %s", text);
	};
	check.mended = [](struct tbk_check *in, const char *) {
		++*static_cast<int *>(in->context);
	};
	const int error = tbk_pool_repair(&device, &check, nullptr);

	return error ? error : count;
}

struct Kinds {
	u32 damaged = 0;
	u32 others = 0;
};

inline Kinds kinds_found(struct tbk_device &device)
{
	struct tbk_check check {};
	Kinds kinds;

	check.context = &kinds;
	check.found = [](struct tbk_check *in, enum tbk_finding_class kind, const char *) {
		auto &seen = *static_cast<Kinds *>(in->context);

		++(kind == TBK_FINDING_DAMAGED ? seen.damaged : seen.others);
	};
	if (tbk_pool_check(&device, &check, nullptr))
		kinds.damaged++;
	return kinds;
}

} // namespace thinback
