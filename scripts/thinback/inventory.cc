// SPDX-License-Identifier: GPL-2.0
#include "inventory.h"

#include <algorithm>
#include <map>

#include "failure.h"

namespace thinback::tool {

namespace {

/* volume and snapshot, which is empty for a volume */
using Key = std::pair<std::string, std::string>;

Key key_of(const thinback_object &object)
{
	return { text_of(object.volume), text_of(object.snapshot) };
}

std::string label(const std::string &pool, const thinback_object &object)
{
	std::string name = pool + "/" + text_of(object.volume);

	if (object.flags & THINBACK_SNAPSHOT)
		name += "@" + text_of(object.snapshot);
	if (object.flags & THINBACK_HIDDEN)
		name += "(removed)";
	else if (object.flags & THINBACK_REMOVING)
		name += "(removing)";
	return name;
}

/*
 * A volume's parent is its own youngest snapshot, whose parent is the one
 * before; what people ask for is where the line left another volume.
 */
std::string origin(const std::string &pool, const thinback_object &start,
		   const std::map<Key, const thinback_object *> &all)
{
	const thinback_object *object = &start;

	for (std::size_t steps = 0; steps <= all.size(); steps++) {
		const Key parent = { text_of(object->parent_volume),
				     text_of(object->parent_snapshot) };
		const auto found = all.find(parent);

		if (parent.first.empty())
			return {};
		if (parent.first != text_of(start.volume))
			return found == all.end() ? pool + "/" + parent.first + "@" + parent.second
						  : label(pool, *found->second);
		if (found == all.end())
			return {};
		object = found->second;
	}
	return {};
}

} // namespace

std::vector<Entry> inventory(Kernel &kernel, const std::string &pool)
{
	const std::vector<thinback_object> objects = kernel.objects(pool);
	std::map<Key, const thinback_object *> by_name;
	std::map<std::string, std::pair<unsigned int, unsigned int>> lines; /* age, snapshots */
	std::vector<Entry> all;

	for (const thinback_object &object : objects) {
		const Key key = key_of(object);
		const bool gone = object.flags & (THINBACK_HIDDEN | THINBACK_REMOVING);
		auto &line = lines.try_emplace(key.first, object.id, 0).first->second;

		/* A name may have been used again since; the one that can be named counts. */
		if (!gone || !by_name.contains(key))
			by_name[key] = &object;
		line.first = std::min(line.first, object.id);
		line.second += !gone && (object.flags & THINBACK_SNAPSHOT) ? 1 : 0;
	}
	for (const thinback_object &object : objects) {
		Entry entry{ label(pool, object), origin(pool, object, by_name), 0, object };

		if (!entry.is_snapshot())
			entry.snapshots = lines[text_of(object.volume)].second;
		all.push_back(std::move(entry));
	}
	std::stable_sort(all.begin(), all.end(), [&](const Entry &a, const Entry &b) {
		const unsigned int line_a = lines[text_of(a.object.volume)].first;
		const unsigned int line_b = lines[text_of(b.object.volume)].first;

		if (line_a != line_b)
			return line_a < line_b;
		if (a.is_snapshot() != b.is_snapshot())
			return b.is_snapshot();
		return a.object.id < b.object.id;
	});
	return all;
}

Entry find_entry(Kernel &kernel, const Name &name)
{
	for (Entry &entry : inventory(kernel, name.pool))
		if (!entry.is_gone() && entry.name == name.text())
			return std::move(entry);
	throw Failure(Exit::missing, name.text(),
		      name.kind == Kind::snapshot ? "there is no such snapshot"
						  : "there is no such volume");
}

thinback_pool find_pool(Kernel &kernel, const std::string &pool)
{
	std::string others;

	for (const thinback_pool &one : kernel.pools()) {
		if (text_of(one.name) == pool)
			return one;
		others += (others.empty() ? "" : ", ") + text_of(one.name);
	}
	throw Failure(Exit::missing, pool, "no pool of that name is attached",
		      others.empty() ? "thinback attach DEVICE" : "attached: " + others);
}

} // namespace thinback::tool
