/* SPDX-License-Identifier: GPL-2.0 */
/* What a command has to say to a program; json.cc writes it down. */
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control.h"
#include "core.h"
#include "failure.h"
#include "inventory.h"
#include "sample.h"

namespace thinback::tool {

/* A pool on a device that is not attached. */
struct OfflinePool {
	std::string device;
	PoolOnDisk pool;
};

struct CheckReport {
	std::string device;
	CheckSummary summary;
	std::vector<Finding> findings;
	/* With --repair: what was done, and what a check found afterwards. */
	bool is_repaired = false;
	std::vector<std::string> mended;
	std::vector<Finding> left;
};

/* A dump that went to a file. */
struct DumpReport {
	std::string device;
	std::string file;
	std::size_t volumes = 0;
	std::size_t snapshots = 0;
	std::size_t extents = 0;
	std::vector<std::string> lost; /* what could not be read */
};

/* The name of the worst, or "clean". */
std::string class_of(const std::vector<Finding> &findings);

/* Parts that a command has nothing to do with are absent, those it found empty are empty. */
struct Report {
	std::optional<std::vector<thinback_pool>> pools;
	std::optional<std::vector<OfflinePool>> offline_pools; /* under "pools", too */
	std::optional<std::vector<Entry>> volumes;
	std::optional<std::vector<Entry>> snapshots;
	std::optional<std::vector<std::string>> removed;  /* names */
	std::optional<std::vector<std::string>> detached; /* names */
	std::optional<std::vector<thinback_pool>> scrubs;
	std::optional<std::vector<VolumeRate>> rates;
	std::optional<CheckReport> check;
	std::optional<DumpReport> dump;
	std::optional<std::optional<thinback_version>> module; /* null: not loaded */
	std::string path;				       /* of hotplug */

	/* To volumes or snapshots, whichever it is. */
	void add(Entry entry);
	bool empty() const;
};

/* One more of what a report may have. */
template <class Item> void note(std::optional<std::vector<Item>> &list, Item item)
{
	if (!list)
		list.emplace();
	list->push_back(std::move(item));
}

std::string json_of(const std::string &command, const Report &report);

/* @message is the whole sentence: "cannot remove tank/web17: in use by guest 12". */
std::string json_of(const Failure &failure, const std::string &message, int exit);

} // namespace thinback::tool
