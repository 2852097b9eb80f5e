// SPDX-License-Identifier: GPL-2.0
/*
 * A sequence of operations on a small pool, beside a plain account of what each
 * volume and snapshot holds; compared after each opening, and checked.
 *
 * Input: operations, see struct Op.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <map>
#include <string>
#include <vector>

#include "../../drivers/hosted/hosted.h"
#include "../store/damage.h"
#include "formatted.h"

using namespace thinback;

namespace {

constexpr u64 most_blocks = 64; /* of a volume */
constexpr u32 most_ops = 64;

/* Volumes a to d, snapshots 0 to 3 of each. */
struct Op {
	u8 what;
	u8 names; /* two bits each: volume, snapshot, another volume, another snapshot */
	u8 at;
	u8 count;
};
static_assert(sizeof(Op) == 4);

/* What its blocks were filled with, 0 for zeros. */
using Content = std::vector<u64>;

std::string volume_name(u32 number)
{
	return { static_cast<char>('a' + (number & 3)) };
}

std::string snapshot_name(u32 number)
{
	return { static_cast<char>('0' + (number & 3)) };
}

class Sequence {
public:
	explicit Sequence(MemoryDevice &device) : device_(device) {}
	void run(const u8 *data, size_t size);

private:
	void open();
	void close();
	void check();
	void step(const Op &op);
	void structural(const Op &op);
	void alter(const Op &op);
	void request(const Op &op);
	void compare();
	struct tbk_volume *handle(const std::string &volume, const std::string &snapshot);
	void forget(const std::string &volume);

	/* By name, "a" or "a@0". */
	bool is_there(const std::string &name) const { return content_.count(name) != 0; }
	bool has_snapshots(const std::string &volume) const
	{
		const auto next = content_.upper_bound(volume + "@");

		return next != content_.end() && next->first.rfind(volume + "@", 0) == 0;
	}

	MemoryDevice &device_;
	struct tbk_pool *pool_ = nullptr;
	std::map<std::string, Content> content_;
	u64 serial_ = 0;
};

void Sequence::open()
{
	TBK_ASSERT(tbk_pool_open(&device_, 0, &pool_, nullptr) == 0);
	compare();
}

void Sequence::close()
{
	TBK_ASSERT(tbk_pool_close(pool_, nullptr) == 0);
	check();
}

void Sequence::check()
{
	struct tbk_check check {};

	check.found = [](struct tbk_check *, enum tbk_finding_class, const char *text) {
		fprintf(stderr, "check: %s\n", text);
		TBK_ASSERT(false);
	};
	TBK_ASSERT(tbk_pool_check(&device_, &check, nullptr) == 0);
}

struct tbk_volume *Sequence::handle(const std::string &volume, const std::string &snapshot)
{
	struct tbk_volume *found = nullptr;

	TBK_ASSERT(tbk_volume_open(pool_, volume.c_str(), snapshot.c_str(), 0, &found, nullptr) ==
		   0);
	return found;
}

/* All that there is, and nothing else. */
void Sequence::compare()
{
	alignas(4096) static u64 data[most_blocks * 512];
	struct tbk_object_info info {};
	size_t seen = 0;

	for (u32 id = 0; tbk_pool_next(pool_, id, &info) == 0; id = info.id) {
		if (info.flags & (TBK_OBJECT_HIDDEN | TBK_OBJECT_REMOVING))
			continue;
		const std::string snapshot = info.snapshot;
		const std::string name = info.volume + (snapshot.empty() ? "" : "@" + snapshot);
		const auto found = content_.find(name);

		seen++;
		TBK_ASSERT(found != content_.end());
		const Content &content = found->second;
		TBK_ASSERT(info.size == content.size() * 4096);
		struct tbk_volume *volume = handle(info.volume, snapshot);

		TBK_ASSERT(do_request(volume, TBK_OP_READ, 0, data, content.size()) == 0);
		for (size_t i = 0; i < content.size() * 512; i++)
			TBK_ASSERT(data[i] == content[i / 512]);
		tbk_volume_close(volume);
	}
	TBK_ASSERT(seen == content_.size());
}

void Sequence::request(const Op &op)
{
	alignas(4096) static u64 data[most_blocks * 512];
	const std::string volume = volume_name(op.names);

	if (!is_there(volume))
		return;
	Content &content = content_[volume];
	const u64 start = op.at % content.size();
	const u64 count = min<u64>(1 + op.count % 16, content.size() - start);
	static constexpr u32 ops[] = { TBK_OP_WRITE, TBK_OP_WRITE, TBK_OP_DISCARD,
				       TBK_OP_WRITE_ZEROES };
	const u32 what = ops[op.what & 3];
	const u64 value = what == TBK_OP_WRITE ? ++serial_ : 0;
	struct tbk_volume *to = handle(volume, "");

	for (u64 i = 0; i < count * 512; i++)
		data[i] = value;
	const int error = do_request(to, what, start, what == TBK_OP_WRITE ? data : nullptr, count);

	/* A quota: nothing is told of the content then, so it is read. */
	TBK_ASSERT(error == 0 || error == -TBK_ENOSPC);
	for (u64 i = 0; i < count && !error; i++)
		content[start + i] = value;
	if (error) {
		TBK_ASSERT(do_request(to, TBK_OP_READ, start, data, count) == 0);
		for (u64 i = 0; i < count; i++) {
			const u64 found = data[i * 512];

			TBK_ASSERT(found == content[start + i] || found == value);
			content[start + i] = found;
		}
	}
	if (op.what & 4)
		TBK_ASSERT(do_request(to, TBK_OP_FLUSH, 0, nullptr, 0) == 0);
	tbk_volume_close(to);
}

/* The volume's own entry, and those of its snapshots. */
void Sequence::forget(const std::string &volume)
{
	content_.erase(volume);
	while (has_snapshots(volume))
		content_.erase(content_.upper_bound(volume + "@"));
}

void Sequence::structural(const Op &op)
{
	const std::string volume = volume_name(op.names);
	const std::string snapshot = snapshot_name(op.names >> 2);
	const std::string other = volume_name(op.names >> 4);
	const std::string full = volume + "@" + snapshot;
	const u64 blocks = 1 + op.at % most_blocks;
	int error = 0;

	switch (op.what & 7) {
	case 0:
	case 1:
		error = tbk_volume_create(pool_, volume.c_str(), blocks * 4096, 0, nullptr);
		TBK_ASSERT(error == (is_there(volume) ? -TBK_EEXIST : 0));
		if (!error)
			content_[volume] = Content(blocks);
		break;
	case 2:
	case 3:
		error = tbk_snapshot_create(pool_, volume.c_str(), snapshot.c_str(), nullptr);
		TBK_ASSERT(error == (!is_there(volume) ? -TBK_ENOENT
				     : is_there(full)  ? -TBK_EEXIST
						       : 0));
		if (!error)
			content_[full] = content_[volume];
		break;
	case 4:
	case 5:
		error = tbk_clone_create(pool_, volume.c_str(), snapshot.c_str(), other.c_str(), 0,
					 nullptr);
		TBK_ASSERT(error == (!is_there(full)   ? -TBK_ENOENT
				     : is_there(other) ? -TBK_EEXIST
						       : 0));
		if (!error)
			content_[other] = content_[full];
		break;
	case 6:
		error = tbk_remove(pool_, volume.c_str(), nullptr, op.at & 1, nullptr);
		TBK_ASSERT(error == (!is_there(volume)			     ? -TBK_ENOENT
				     : !(op.at & 1) && has_snapshots(volume) ? -TBK_ENOTEMPTY
									     : 0));
		if (!error)
			forget(volume);
		break;
	default:
		error = tbk_remove(pool_, volume.c_str(), snapshot.c_str(), 0, nullptr);
		TBK_ASSERT(error == (is_there(full) ? 0 : -TBK_ENOENT));
		content_.erase(full);
	}
}

void Sequence::alter(const Op &op)
{
	const std::string volume = volume_name(op.names);
	const std::string snapshot = snapshot_name(op.names >> 2);
	const std::string full = volume + "@" + snapshot;
	const std::string keep = op.at & 1 ? snapshot_name(op.names >> 6) : "";
	const u64 blocks = 1 + op.at % most_blocks;
	int error = 0;

	if (!is_there(volume))
		return;
	switch (op.what & 3) {
	case 0:
		error = tbk_volume_resize(pool_, volume.c_str(), blocks * 4096, TBK_RESIZE_SHRINK,
					  nullptr);
		TBK_ASSERT(error == 0);
		content_[volume].resize(blocks);
		break;
	case 1:
		error = tbk_rollback(pool_, volume.c_str(), snapshot.c_str(), keep.c_str(),
				     nullptr);
		TBK_ASSERT(error == (!is_there(full)				      ? -TBK_ENOENT
				     : !keep.empty() && is_there(volume + "@" + keep) ? -TBK_EEXIST
										      : 0));
		if (error)
			break;
		if (!keep.empty())
			content_[volume + "@" + keep] = content_[volume];
		content_[volume] = content_[full];
		break;
	case 2: {
		const std::string to = volume_name(op.names >> 4);

		error = tbk_rename(pool_, volume.c_str(), nullptr, to.c_str(), nullptr);
		TBK_ASSERT(error == (to != volume && is_there(to) ? -TBK_EEXIST : 0));
		if (error || to == volume)
			break;
		std::map<std::string, Content> renamed;
		for (auto &[name, content] : content_) {
			const bool is_its = name[0] == volume[0];

			renamed[is_its ? to + name.substr(1) : name] = content;
		}
		content_ = renamed;
		break;
	}
	default: {
		const struct tbk_volume_limits limits = { TBK_LIMIT_ALL,
							  TBK_FULL_ERROR,
							  0,
							  (op.at & 15) * 4096ull,
							  (op.count & 15) * 4096ull,
							  static_cast<u32>(op.at & 16) };

		error = tbk_volume_limit(pool_, volume.c_str(), &limits, nullptr);
		TBK_ASSERT(error == 0 || error == -TBK_EINVAL || error == -TBK_ENOSPC);
	}
	}
}

void Sequence::step(const Op &op)
{
	switch (op.what >> 5) {
	case 0:
	case 1:
		structural(op);
		break;
	case 2:
		alter(op);
		break;
	case 3:
		if (op.what & 1)
			TBK_ASSERT(tbk_pool_settle(pool_) == 0);
		else
			TBK_ASSERT(tbk_pool_sync(pool_) == 0);
		break;
	case 4:
		close();
		open();
		break;
	default:
		request(op);
	}
}

void Sequence::run(const u8 *data, size_t size)
{
	open();
	for (u32 i = 0; i < most_ops && (i + 1) * sizeof(Op) <= size; i++) {
		Op op = {};

		memcpy(&op, data + i * sizeof(Op), sizeof(op));
		step(op);
	}
	close();
	open();
	close();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	hosted_log_to([](enum tbk_level, const char *) {});
	const bool is_clean = hosted_run([&] {
		MemoryDevice device(formatted_bytes);

		device.copy_from(formatted());
		Sequence(device).run(data, size);
	});

	TBK_ASSERT(is_clean);
	return 0;
}
