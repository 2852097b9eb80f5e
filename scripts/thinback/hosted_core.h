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
	/* hosted_dump.cc */
	void dump(const OpenDevice &device, DumpParts &to,
		  const std::function<void(std::uint64_t, std::uint64_t)> &progress) override;
	void restore(const OpenDevice &device, const RestoreSource &source) override;
};

} // namespace thinback::tool
