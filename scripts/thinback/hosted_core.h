/* SPDX-License-Identifier: GPL-2.0 */
/* The module's core, linked into this program. */
#pragma once

#include "core.h"

namespace thinback::tool {

class HostedCore final : public Core {
public:
	HostedCore();

	std::optional<PoolOnDisk> probe(const OpenDevice &device) override;
	void format(const OpenDevice &device, const PoolOnDisk &pool) override;
	CheckSummary check(const OpenDevice &device, const CheckListener &listener) override;
	std::vector<std::string> repair(const OpenDevice &device, const RepairOptions &options,
					const CheckListener &listener) override;
};

} // namespace thinback::tool
