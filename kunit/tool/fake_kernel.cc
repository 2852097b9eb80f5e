// SPDX-License-Identifier: GPL-2.0
#include "fake_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace thinback::tool {

namespace {

template <class Structure>
int answer(Structure &structure, int error, const std::string &message, const std::string &hint)
{
	snprintf(structure.message, sizeof(structure.message), "%s", message.c_str());
	snprintf(structure.hint, sizeof(structure.hint), "%s", hint.c_str());
	return -error;
}

int missing(thinback_command &command, const std::string &what)
{
	return answer(command, ENOENT, what, "");
}

std::string node_of(const std::string &pool, const thinback_object &object)
{
	std::string node = "/dev/thinback/" + pool + "/" + text_of(object.volume);

	if (object.flags & THINBACK_SNAPSHOT)
		node += "@" + text_of(object.snapshot);
	return node;
}

template <std::size_t Size> void put(char (&field)[Size], const std::string &text)
{
	snprintf(field, Size, "%s", text.c_str());
}

const char *verb_of(unsigned long request)
{
	switch (request) {
	case THINBACK_ATTACH:
		return "ATTACH";
	case THINBACK_DETACH:
		return "DETACH";
	case THINBACK_CREATE:
		return "CREATE";
	case THINBACK_SNAPSHOT_CREATE:
		return "SNAPSHOT";
	case THINBACK_CLONE:
		return "CLONE";
	case THINBACK_REMOVE:
		return "REMOVE";
	case THINBACK_RENAME:
		return "RENAME";
	case THINBACK_ROLLBACK:
		return "ROLLBACK";
	case THINBACK_RESIZE:
		return "RESIZE";
	case THINBACK_SET:
		return "SET";
	case THINBACK_MAP:
		return "MAP";
	case THINBACK_UNMAP:
		return "UNMAP";
	case THINBACK_SYNC:
		return "SYNC";
	case THINBACK_SETTLE:
		return "SETTLE";
	case THINBACK_GROW:
		return "GROW";
	case THINBACK_SCRUB:
		return "SCRUB";
	default:
		return "?";
	}
}

} // namespace

int FakeKernel::open()
{
	return -open_error;
}

int FakeKernel::call(unsigned long request, void *argument)
{
	switch (request) {
	case THINBACK_VERSION: {
		auto *version = static_cast<thinback_version *>(argument);

		version->interface = interface;
		version->format = 1;
		put(version->text, "0.1.0");
		return 0;
	}
	case THINBACK_LIST_POOLS:
		return list_pools(*static_cast<thinback_list *>(argument));
	case THINBACK_LIST_OBJECTS:
		return list_objects(*static_cast<thinback_list *>(argument));
	default:
		return command(request, *static_cast<thinback_command *>(argument));
	}
}

int FakeKernel::command(unsigned long request, thinback_command &command)
{
	char line[512];

	if (command.size != sizeof(command))
		return -E2BIG;
	snprintf(line, sizeof(line),
		 "%s pool=%s volume=%s snapshot=%s target=%s bytes=%llu flags=%u", verb_of(request),
		 command.pool, command.volume, command.snapshot, command.target,
		 static_cast<unsigned long long>(command.bytes), command.flags);
	log.emplace_back(line);
	if (request == THINBACK_SET) {
		snprintf(line, sizeof(line),
			 " set=%u quota=%llu reserve=%llu on_full=%u wait=%u low=%u critical=%u"
			 " discard=%u scrub=%u rate=%llu zeroes=%u",
			 command.set, static_cast<unsigned long long>(command.quota),
			 static_cast<unsigned long long>(command.reserve), command.on_full,
			 command.full_wait, command.low, command.critical, command.discard,
			 command.scrub_freed, static_cast<unsigned long long>(command.discard_rate),
			 command.detect_zeroes);
		log.back() += line;
	}
	if (refusal.error) {
		const Refusal now = std::exchange(refusal, {});

		return answer(command, now.error, now.message, now.hint);
	}
	if (request == THINBACK_ATTACH)
		return attach(command);
	if (!pools.contains(command.pool))
		return missing(command, "no pool of that name is attached");
	return on_pool(request, command);
}

int FakeKernel::on_pool(unsigned long request, thinback_command &command)
{
	switch (request) {
	case THINBACK_DETACH:
		pools.erase(command.pool);
		return 0;
	case THINBACK_SYNC:
		pools[command.pool].checkpoint++;
		return 0;
	case THINBACK_SETTLE:
		pools[command.pool].freeing = 0;
		return 0;
	case THINBACK_GROW:
		return grow(command);
	case THINBACK_SCRUB:
		return scrub(command);
	case THINBACK_SET:
		return command.volume[0] ? on_object(request, command) : set_marks(command);
	case THINBACK_CREATE:
		return create(command);
	case THINBACK_SNAPSHOT_CREATE:
		return snapshot(command);
	case THINBACK_CLONE:
		return clone(command);
	default:
		return on_object(request, command);
	}
}

int FakeKernel::on_object(unsigned long request, thinback_command &command)
{
	thinback_object *object = find(command.pool, command.volume, command.snapshot);

	if (!object)
		return missing(command, std::string(command.pool) + "/" + command.volume +
						(command.snapshot[0] ? "@" : "") +
						command.snapshot + " does not exist");
	switch (request) {
	case THINBACK_REMOVE:
		return remove(command);
	case THINBACK_RENAME:
		put(command.snapshot[0] ? object->snapshot : object->volume, command.target);
		return 0;
	case THINBACK_ROLLBACK:
		if (command.target[0])
			make(command.pool, command.volume, command.target, object->bytes);
		return 0;
	case THINBACK_SET:
		return set_limits(command, *object);
	case THINBACK_RESIZE:
		object->bytes = command.bytes;
		count(command.pool);
		return 0;
	case THINBACK_MAP:
		put(object->node, node_of(command.pool, *object));
		put(command.path, object->node);
		return 0;
	case THINBACK_UNMAP:
		object->node[0] = '\0';
		return 0;
	default:
		return -ENOTTY;
	}
}

int FakeKernel::grow(thinback_command &command)
{
	thinback_pool &pool = pools[command.pool];

	pool.free += gained;
	pool.size += gained;
	gained = 0;
	command.bytes = pool.size;
	return 0;
}

/* Done by the second time that somebody looks. */
int FakeKernel::scrub(thinback_command &command)
{
	const bool stop = command.flags & THINBACK_STOP;
	thinback_pool &pool = pools[command.pool];

	pool.scrub_state = stop ? THINBACK_SCRUB_IDLE : THINBACK_SCRUB_RUNNING;
	pool.scrub_done = stop ? pool.scrub_done : 0;
	pool.scrub_total = 4096;
	pool.scrub_found = damaged;
	pool.scrub_healed = healed;
	return 0;
}

void FakeKernel::pass_time()
{
	for (auto &[name, pool] : pools) {
		if (pool.scrub_state != THINBACK_SCRUB_RUNNING)
			continue;
		pool.scrub_done += 2048;
		if (pool.scrub_done == pool.scrub_total)
			pool.scrub_state = THINBACK_SCRUB_DONE;
	}
}

int FakeKernel::set_marks(thinback_command &command)
{
	thinback_pool &pool = pools[command.pool];

	if (command.set & THINBACK_SET_LOW)
		pool.low = command.low;
	if (command.set & THINBACK_SET_CRITICAL)
		pool.critical = command.critical;
	if (command.set & THINBACK_SET_DISCARD)
		pool.discard = command.discard;
	if (command.set & THINBACK_SET_SCRUB_FREED)
		pool.scrub_freed = command.scrub_freed;
	if (command.set & THINBACK_SET_DISCARD_RATE)
		pool.discard_rate = command.discard_rate;
	return 0;
}

int FakeKernel::set_limits(thinback_command &command, thinback_object &object)
{
	if (command.set & THINBACK_SET_QUOTA)
		object.quota = command.quota;
	if (command.set & THINBACK_SET_RESERVE)
		object.reserve = command.reserve;
	if (command.set & THINBACK_SET_ON_FULL) {
		object.on_full = command.on_full;
		object.full_wait = command.full_wait ? command.full_wait : 60;
	}
	if (command.set & THINBACK_SET_DETECT_ZEROES)
		object.detect_zeroes = command.detect_zeroes;
	return 0;
}

int FakeKernel::attach(thinback_command &command)
{
	const auto found = devices.find(command.path);

	if (found == devices.end())
		return answer(command, EMEDIUMTYPE,
			      std::string(command.path) + ": there is no pool on it", "");
	if (pools.contains(found->second))
		return answer(command, EBUSY, "pool " + found->second + " is attached already", "");

	thinback_pool &pool = pools[found->second];

	pool.size = 100ULL << 30;
	pool.free = 99ULL << 30;
	put(pool.name, found->second);
	put(pool.device, found->first);
	put(command.pool, found->second);
	if (command.flags & THINBACK_READ_ONLY)
		pool.flags |= THINBACK_POOL_READ_ONLY;
	memset(pool.uuid, 0xab, sizeof(pool.uuid));
	return 0;
}

thinback_object &FakeKernel::make(const std::string &pool, const std::string &volume,
				  const std::string &snapshot, std::uint64_t bytes)
{
	thinback_object object{};

	put(object.volume, volume);
	put(object.snapshot, snapshot);
	object.flags = snapshot.empty() ? 0 : THINBACK_SNAPSHOT;
	object.id = ++last_id_;
	object.bytes = bytes;
	object.guest = -1;
	object.created = 1789355500;
	memset(object.uuid, static_cast<int>(object.id), sizeof(object.uuid));
	if (snapshot.empty())
		put(object.node, node_of(pool, object));
	objects[pool].push_back(object);
	count(pool);
	return objects[pool].back();
}

thinback_object *FakeKernel::find(const std::string &pool, const std::string &volume,
				  const std::string &snapshot)
{
	for (thinback_object &object : objects[pool])
		if (!(object.flags & (THINBACK_HIDDEN | THINBACK_REMOVING)) &&
		    text_of(object.volume) == volume && text_of(object.snapshot) == snapshot)
			return &object;
	return nullptr;
}

void FakeKernel::count(const std::string &name)
{
	thinback_pool &pool = pools[name];

	pool.volumes = pool.snapshots = pool.hidden = 0;
	pool.promised = 0;
	for (const thinback_object &object : objects[name]) {
		if (object.flags & THINBACK_HIDDEN)
			pool.hidden++;
		else if (object.flags & THINBACK_SNAPSHOT)
			pool.snapshots++;
		else
			pool.volumes++;
		if (!(object.flags & THINBACK_SNAPSHOT))
			pool.promised += object.bytes;
	}
}

int FakeKernel::create(thinback_command &command)
{
	if (find(command.pool, command.volume, ""))
		return answer(command, EEXIST, "the name is taken", "");
	thinback_object &made = make(command.pool, command.volume, "", command.bytes);

	if (command.flags & THINBACK_LARGE_SECTORS)
		made.flags |= THINBACK_OBJECT_LARGE_SECTORS;
	put(command.path, made.node);
	return 0;
}

int FakeKernel::snapshot(thinback_command &command)
{
	thinback_object *volume = find(command.pool, command.volume, "");

	if (!volume)
		return missing(command, "there is no such volume");
	if (find(command.pool, command.volume, command.snapshot))
		return answer(command, EEXIST, "the name is taken", "");

	thinback_object copy = *volume;

	copy.flags |= THINBACK_SNAPSHOT;
	copy.id = ++last_id_;
	copy.children = 1;
	copy.node[0] = '\0';
	put(copy.snapshot, command.snapshot);
	volume->shared += volume->own;
	volume->own = 0;
	put(volume->parent_volume, command.volume);
	put(volume->parent_snapshot, command.snapshot);
	objects[command.pool].push_back(copy);
	count(command.pool);
	return 0;
}

int FakeKernel::clone(thinback_command &command)
{
	thinback_object *snapshot = find(command.pool, command.volume, command.snapshot);
	thinback_object *taken = find(command.pool, command.target, "");

	if (taken && command.flags & THINBACK_IF_MISSING) {
		put(command.path, taken->node);
		return 0;
	}
	if (!snapshot)
		return missing(command, std::string("there is no snapshot ") + command.pool + "/" +
						command.volume + "@" + command.snapshot);
	if (taken)
		return answer(command, EEXIST, "the name is taken", "");
	if (command.bytes != 0 && command.bytes < snapshot->bytes)
		return answer(command, EINVAL, "it would be smaller than its snapshot", "");

	const std::uint64_t shared = snapshot->own + snapshot->shared;
	const unsigned int sectors = snapshot->flags & THINBACK_OBJECT_LARGE_SECTORS;

	snapshot->children++;

	thinback_object &made = make(command.pool, command.target, "",
				     command.bytes ? command.bytes : snapshot->bytes);

	made.shared = shared;
	made.flags |= sectors;
	put(made.parent_volume, command.volume);
	put(made.parent_snapshot, command.snapshot);
	put(command.path, made.node);
	return 0;
}

int FakeKernel::remove(thinback_command &command)
{
	std::vector<thinback_object> &all = objects[command.pool];
	thinback_object *object = find(command.pool, command.volume, command.snapshot);
	const std::string volume = command.volume;
	const bool whole = command.snapshot[0] == '\0';
	const auto own = [&](const thinback_object &one) {
		return one.flags & THINBACK_SNAPSHOT && text_of(one.volume) == volume;
	};

	if (object->guest >= 0)
		return answer(command, EBUSY,
			      std::string(command.pool) + "/" + volume + " is in use by guest " +
				      std::to_string(object->guest) + " as " + object->vdev,
			      "first: xl block-detach " + std::to_string(object->guest) + " " +
				      object->vdev);
	if (whole && !(command.flags & THINBACK_RECURSIVE) &&
	    std::any_of(all.begin(), all.end(), own))
		return answer(command, ENOTEMPTY, "it has snapshots",
			      "these too: thinback remove " + std::string(command.pool) + "/" +
				      volume + " --recursive");
	for (thinback_object &one : all)
		if (own(one) && (whole || text_of(one.snapshot) == command.snapshot))
			one.flags |= one.children > 1 ? THINBACK_HIDDEN : THINBACK_REMOVING;
	std::erase_if(all, [&](const thinback_object &one) {
		return one.flags & THINBACK_REMOVING ||
		       (whole && !(one.flags & THINBACK_SNAPSHOT) && text_of(one.volume) == volume);
	});
	count(command.pool);
	return 0;
}

namespace {

/* What the kernel does with a shorter or longer item of the caller's. */
template <class Item> int copy_out(thinback_list &list, const std::vector<Item> &all)
{
	auto *out = reinterpret_cast<Item *>(list.items);
	unsigned int done = 0;

	if (list.size != sizeof(list) || list.item_size != sizeof(Item))
		return -E2BIG;
	/* Three at a time, whatever there is room for: callers must come back for more. */
	while (done < std::min(list.count, 3U) && list.cursor < all.size())
		out[done++] = all[list.cursor++];
	list.count = done;
	return 0;
}

} // namespace

int FakeKernel::list_pools(thinback_list &list)
{
	std::vector<thinback_pool> all;

	for (const auto &[name, pool] : pools)
		all.push_back(pool);
	return copy_out(list, all);
}

int FakeKernel::list_objects(thinback_list &list)
{
	if (!pools.contains(list.pool))
		return answer(list, ENOENT, "no pool of that name is attached", "");
	return copy_out(list, objects[list.pool]);
}

} // namespace thinback::tool
