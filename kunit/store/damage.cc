// SPDX-License-Identifier: GPL-2.0
#include "damage.h"

#include <thinback/base/container.h>
#include <thinback/base/scope.h>

#include "../../drivers/store/superblock.h"
#include "../../drivers/store/sync_io.h"
#include "../harness/check.h"

namespace thinback {
namespace {

constexpr u64 pool_bytes = 64ull << 20;

bool contains(const char *text, const char *part)
{
	for (; *text; text++) {
		size_t i = 0;

		while (part[i] && text[i] == part[i])
			i++;
		if (!part[i])
			return true;
	}
	return false;
}

struct Waiter {
	struct tbk_request request {};
	IoWait wait;

	static void done(struct tbk_request *request)
	{
		container_of<&Waiter::request>(request).wait.end(request->error);
	}
};

} // namespace

namespace {

int do_bytes(struct tbk_volume *volume, u32 op, u64 block, void *data, u64 bytes)
{
	auto waiter = make<Waiter>();

	if (!waiter.is_ok())
		return -TBK_ENOMEM;
	struct tbk_request &request = waiter.value()->request;

	request.op = op;
	request.sector = block * 8;
	request.bytes = bytes;
	request.payload = { data, TBK_PAYLOAD_BUFFER, 0, bytes };
	request.done = Waiter::done;
	waiter.value()->wait.begin();
	tbk_volume_submit(volume, &request);
	return to_errno(waiter.value()->wait.wait().error());
}

} // namespace

int do_request(struct tbk_volume *volume, u32 op, u64 block, void *data, u64 blocks)
{
	return do_bytes(volume, op, block, data, blocks * 4096);
}

int do_part(struct tbk_volume *volume, u32 op, u64 block, u64 bytes)
{
	return do_bytes(volume, op, block, nullptr, bytes);
}

void fill_block(void *to, char volume, u64 block, u32 version)
{
	auto *words = static_cast<u64 *>(to);

	for (u32 i = 0; i < 512; i++)
		words[i] = block << 24 | static_cast<u64>(version) << 16 |
			   static_cast<u64>(static_cast<u8>(volume)) << 8 | (i & 0xff);
}

bool is_block(const void *found, char volume, u64 block, u32 version)
{
	const auto *words = static_cast<const u64 *>(found);

	return words[0] >> 24 == block && ((words[511] >> 16) & 0xff) == version &&
	       ((words[100] >> 8) & 0xff) == static_cast<u8>(volume);
}

/* ---- what a check said ---- */

int Findings::check(struct tbk_device &device)
{
	struct tbk_why why {};

	count_ = 0;
	raw = {};
	raw.found = found;
	return tbk_pool_check(&device, &raw, &why);
}

int Findings::repair(struct tbk_device &device, u32 how, const char *name)
{
	struct tbk_why why {};

	count_ = 0;
	raw = {};
	raw.found = found;
	raw.mended = was_mended;
	raw.repair = how;
	raw.name = name;
	return tbk_pool_repair(&device, &raw, &why);
}

void Findings::was_mended(struct tbk_check *check, const char *text)
{
	found(check, mended, text);
}

void Findings::found(struct tbk_check *check, enum tbk_finding_class kind, const char *text)
{
	Findings &self = container_of<&Findings::raw>(check);

	if (self.count_ == most)
		return;
	Finding &finding = self.list_[self.count_++];

	finding.kind = kind;
	tbk_format(finding.text, sizeof(finding.text), "%s", text);
}

bool Findings::has(enum tbk_finding_class kind, const char *part) const
{
	for (u32 i = 0; i < count_; i++) {
		if (list_[i].kind == kind && contains(list_[i].text, part))
			return true;
	}
	return false;
}

void Findings::tell(struct kunit *test) const
{
	for (u32 i = 0; i < count_; i++)
		tbk_test_failed(test, __FILE__, __LINE__, list_[i].text);
}

/* ---- a pool ---- */

Result<Owned<DamagedPool>> DamagedPool::create()
{
	Owned<DamagedPool> pool = TBK_TRY(make<DamagedPool>());
	const struct tbk_format_options options = { "tank", { 3, 1, 4, 1, 5, 9, 2, 6 }, 0 };

	pool->findings = TBK_TRY(make<Findings>());
	pool->device = TBK_TRY(RamDevice::create(pool_bytes));
	TBK_TRY(Status(from_errno(tbk_pool_format(pool->device.get(), &options, nullptr))));
	TBK_TRY(pool->fill());
	TBK_TRY(read_superblock(*pool->device, pool->super));
	TBK_TRY(pool->map_nodes());
	return pool;
}

namespace {

/* Writes blocks first, first + step, ... of an open volume. */
int write_some(struct tbk_volume *volume, char letter, u64 step, u32 count, u32 version)
{
	void *data = tbk_big_alloc(4096);
	int error = data ? 0 : -TBK_ENOMEM;

	for (u64 i = 0; i < count && !error; i++) {
		fill_block(data, letter, i * step, version);
		error = do_request(volume, TBK_OP_WRITE, i * step, data, 1);
	}
	tbk_big_free(data);
	return error;
}

int write_volume(struct tbk_pool *pool, const char *name, u64 step, u32 count, u32 version)
{
	struct tbk_volume *volume = nullptr;
	int error = tbk_volume_open(pool, name, nullptr, 0, &volume, nullptr);

	if (error)
		return error;
	error = write_some(volume, name[0], step, count, version);
	tbk_volume_close(volume);
	return error;
}

int fill_pool(struct tbk_pool *pool)
{
	int error = tbk_volume_create(pool, "a", 1024ull * 4096, 0, nullptr);

	if (!error)
		error = write_volume(pool, "a", 2, 400, 1);
	if (!error)
		error = tbk_snapshot_create(pool, "a", "s", nullptr);
	if (!error)
		error = write_volume(pool, "a", 2, 20, 2);
	if (!error)
		error = tbk_clone_create(pool, "a", "s", "b", 0, nullptr);
	if (!error)
		error = write_volume(pool, "b", 2, 10, 3);
	if (!error)
		error = tbk_volume_create(pool, "c", 100ull * 4096, 0, nullptr);
	if (!error)
		error = write_volume(pool, "c", 7, 5, 4);
	return error;
}

struct Written {
	const char *volume;
	const char *snapshot;
	u64 step;
	u32 newer_count;
	u32 newer_version;
	u32 count;
	char newer; /* letter of what was written since */
};

constexpr Written all_written[] = {
	{ "a", nullptr, 2, 20, 2, 400, 'a' },
	{ "a", "s", 2, 0, 0, 400, 'a' },
	{ "b", nullptr, 2, 10, 3, 400, 'b' },
	{ "c", nullptr, 7, 5, 4, 5, 'c' },
};

struct Tally {
	u32 errors = 0;
	u32 wrong = 0;
};

void read_written(struct tbk_volume *volume, const Written &written, Tally &tally)
{
	void *data = tbk_big_alloc(4096);

	for (u32 i = 0; i < written.count; i++) {
		const u64 block = i * written.step;
		const bool is_new = i < written.newer_count;

		if (!data || do_request(volume, TBK_OP_READ, block, data, 1))
			tally.errors++;
		else if (!is_block(data, is_new ? written.newer : 'a', block,
				   is_new ? written.newer_version : 1))
			tally.wrong++;
	}
	tbk_big_free(data);
}

/* A volume that is not there, or cannot be opened, is an error. */
bool read_all(struct tbk_device &device, const char *except, Tally &tally)
{
	struct tbk_pool *pool = nullptr;

	if (tbk_pool_open(&device, TBK_POOL_READ_ONLY, &pool, nullptr))
		return false;
	for (const Written &written : all_written) {
		struct tbk_volume *volume = nullptr;

		if (except && written.volume[0] == except[0])
			continue;
		if (tbk_volume_open(pool, written.volume, written.snapshot, 0, &volume, nullptr)) {
			tally.errors++;
			continue;
		}
		read_written(volume, written, tally);
		tbk_volume_close(volume);
	}
	return tbk_pool_close(pool, nullptr) == 0;
}

} // namespace

bool holds_all(struct tbk_device &device, const char *except)
{
	Tally tally;

	return read_all(device, except, tally) && tally.errors + tally.wrong == 0;
}

bool holds_no_other(struct tbk_device &device, u32 &errors)
{
	Tally tally;
	const bool is_open = read_all(device, nullptr, tally);

	errors = tally.errors;
	return is_open && tally.wrong == 0;
}

Status DamagedPool::fill()
{
	struct tbk_pool *pool = nullptr;
	int error = tbk_pool_open(device.get(), 0, &pool, nullptr);

	if (error)
		return from_errno(error);
	error = fill_pool(pool);
	const int closed = tbk_pool_close(pool, nullptr);

	return from_errno(error ? error : closed);
}

void DamagedPool::note(const NodePointer &pointer, format::TreeKind kind, u32 id)
{
	for (u32 i = 0; i < count_; i++) {
		if (places_[i].block == pointer.block)
			return;
	}
	TBK_ASSERT(count_ < most_places);
	places_[count_++] = { pointer.block, pointer.mirror, pointer.level, kind, id };
}

Status DamagedPool::map_nodes()
{
	return renew_all();
}

u64 DamagedPool::find_node(u32 id, u32 level) const
{
	for (u32 i = 0; i < count_; i++) {
		if (places_[i].id == id && places_[i].level == level)
			return places_[i].block;
	}
	return 0;
}

Status DamagedPool::spoil_leak()
{
	TBK_TRY(spoil_block(bitmap_block(),
			    [](BlockImage &image) { bitmap(image).bits[2000] |= 0x0e; }));
	TBK_TRY(spoil_block(summary_block(), [](BlockImage &image) {
		auto &free = summary(image).groups[0].free;

		free.set(free.get() - 3);
	}));
	return spoil_super(
		[](format::Superblock &newest) { newest.free.set(newest.free.get() - 3); });
}

Status DamagedPool::flip(u64 block, u32 byte, u8 bits)
{
	u8 there = 0;

	device->read(block * 4096 + byte, &there, 1);
	there ^= bits;
	return device->write(block * 4096 + byte, &there, 1);
}

Status DamagedPool::flip_node(const Place &place, u32 byte, u8 bits)
{
	TBK_TRY(flip(place.block, byte, bits));
	return place.mirror ? flip(place.mirror, byte, bits) : Status();
}

Status DamagedPool::flip_node(u64 block, u32 byte, u8 bits)
{
	for (u32 i = 0; i < count_; i++) {
		if (places_[i].block == block)
			return flip_node(places_[i], byte, bits);
	}
	return Err::not_found;
}

} // namespace thinback
