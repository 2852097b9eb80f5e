// SPDX-License-Identifier: GPL-2.0
/* Requests of the model: several at once, never two that would race for a sector. */
#include "model.h"

namespace thinback {
namespace {

constexpr size_t sector_size = 512;
constexpr u32 words = sector_size / sizeof(u64);
constexpr u64 sectors_per_block = 8;

u64 word_of(u32 tag, u32 index)
{
	return tag ? tag * 0x9e3779b97f4a7c15ull + index : 0;
}

void fill_sector(u8 *buffer, u32 tag)
{
	auto *to = reinterpret_cast<u64 *>(buffer);

	for (u32 i = 0; i < words; i++)
		to[i] = word_of(tag, i);
}

bool holds(const u8 *buffer, u32 tag)
{
	const auto *from = reinterpret_cast<const u64 *>(buffer);

	for (u32 i = 0; i < words; i++) {
		if (from[i] != word_of(tag, i))
			return false;
	}
	return true;
}

bool covers(const ModelChange &what, u64 sector)
{
	return sector >= what.sector && sector < what.sector + what.count;
}

bool overlap(const ModelChange &a, const ModelChange &b)
{
	return a.sector < b.sector + b.count && b.sector < a.sector + a.count;
}

} // namespace

/* ---- opening ---- */

bool Model::open(ModelDisk &disk)
{
	struct tbk_why why {};

	if (disk.handle)
		return true;
	const int error = tbk_volume_open(pool_, disk.volume, disk.snapshot, 0, &disk.handle, &why);

	if (error)
		fail(&disk, why.text, error);
	return !error;
}

void Model::close(ModelDisk &disk)
{
	wait_for(&disk);
	if (disk.handle)
		tbk_volume_close(disk.handle);
	disk.handle = nullptr;
}

/* ---- slots ---- */

int Model::is_any_done(void *self)
{
	for (ModelSlot &slot : static_cast<Model *>(self)->slots_) {
		if (slot.disk && slot.done.load_acquire())
			return 1;
	}
	return 0;
}

void Model::done(struct tbk_request *request)
{
	auto *slot = reinterpret_cast<ModelSlot *>(request);

	slot->done.store_release(1);
	tbk_wake(&slot->model->wait_);
}

void Model::reap()
{
	for (ModelSlot &slot : slots_) {
		if (slot.disk && slot.done.load_acquire()) {
			finish(slot);
			slot.disk = nullptr;
		}
	}
}

/* NULL: all of them. */
void Model::wait_for(const ModelDisk *disk)
{
	for (;;) {
		bool is_busy = false;

		reap();
		for (const ModelSlot &slot : slots_)
			is_busy |= slot.disk && (!disk || slot.disk == disk);
		if (!is_busy)
			return;
		tbk_wait_until(&wait_, is_any_done, this);
	}
}

ModelSlot &Model::idle_slot()
{
	for (;;) {
		reap();
		for (ModelSlot &slot : slots_) {
			if (!slot.disk)
				return slot;
		}
		tbk_wait_until(&wait_, is_any_done, this);
	}
}

/* Two that change the same sectors; a read may race with either. */
bool Model::is_in_the_way(const ModelSlot &slot) const
{
	for (const ModelSlot &other : slots_) {
		if (&other != &slot && other.disk == slot.disk && other.is_write && slot.is_write &&
		    overlap(other.what, slot.what))
			return true;
	}
	return false;
}

/* Half of them within a few blocks, so that they get at each other. */
void Model::choose_range(ModelSlot &slot, u64 align)
{
	constexpr u64 warm = 128; /* sectors */
	const u64 units = slot.disk->sectors / align;
	const u64 most = random_.one_in(8) ? most_sectors / align : 32 / align;
	u64 start = random_.below(units);

	if (random_.one_in(200))
		hot_ = random_.next();
	if (random_.one_in(2))
		start = (hot_ + random_.below(warm / align)) % units;
	slot.what.sector = start * align;
	slot.what.count = static_cast<u32>(align * (1 + random_.below(min(most, units - start))));
}

void Model::submit(ModelSlot &slot)
{
	struct tbk_request &request = slot.request;
	const u32 op = slot.what.op;

	slot.done.store_relaxed(0);
	slot.raced_count = 0;
	for (u32 i = 0; i < slot.what.count && op == TBK_OP_READ; i++)
		slot.before[i] = slot.disk->tags[slot.what.sector + i];
	request.op = op;
	request.sector = slot.what.sector;
	request.bytes = slot.what.count * sector_size;
	request.payload = {};
	if (op == TBK_OP_READ || op == TBK_OP_WRITE)
		request.payload = { slot.buffer, TBK_PAYLOAD_BUFFER, 0, request.bytes };
	request.done = done;
	request.error = 1;
	tbk_volume_submit(slot.disk->handle, &request);
}

/* A read or a change of some sectors; not waited for. */
void Model::request(ModelDisk &disk)
{
	static constexpr u32 changes[] = { TBK_OP_WRITE,       TBK_OP_WRITE, TBK_OP_WRITE,
					   TBK_OP_WRITE,       TBK_OP_WRITE, TBK_OP_DISCARD,
					   TBK_OP_WRITE_ZEROES };
	ModelSlot &slot = idle_slot();
	const bool is_change = !disk.is_snapshot && !random_.one_in(4);

	if (!open(disk))
		return;
	slot.disk = &disk;
	slot.is_write = is_change;
	slot.what = {};
	slot.what.op = is_change ? changes[random_.below(7)] : static_cast<u32>(TBK_OP_READ);
	slot.request.flags = 0;
	if (slot.what.op == TBK_OP_WRITE && random_.one_in(30))
		slot.request.flags |= TBK_IO_FUA;
	if (slot.what.op == TBK_OP_WRITE && random_.one_in(60))
		slot.request.flags |= TBK_IO_PREFLUSH;
	if (random_.one_in(4))
		slot.request.flags |= TBK_REQUEST_QUICK;
	choose_range(slot, random_.one_in(3) ? 1 : sectors_per_block);
	if (is_in_the_way(slot)) {
		slot.disk = nullptr;
		return;
	}
	slot.what.tag = next_tag_;
	if (slot.what.op == TBK_OP_WRITE) {
		next_tag_ += slot.what.count;
		for (u32 i = 0; i < slot.what.count; i++)
			fill_sector(slot.buffer + i * sector_size, slot.what.tag + i);
	}
	TBK_SAY("op %u of %s@%s, sectors %llu + %u, tag %u, flags %#x", slot.what.op, disk.volume,
		disk.snapshot, slot.what.sector, slot.what.count, slot.what.tag,
		slot.request.flags);
	submit(slot);
}

void Model::flush(ModelDisk &disk)
{
	ModelSlot &slot = idle_slot();

	if (!open(disk))
		return;
	slot.disk = &disk;
	slot.is_write = false;
	slot.what = { TBK_OP_FLUSH, 0, 0, 0 };
	slot.request.flags = 0;
	TBK_SAY("flush of %s@%s", disk.volume, disk.snapshot);
	submit(slot);
}

/* ---- outcomes ---- */

/* What a sector of the range holds once the request has been carried out. */
u32 Model::tag_after(const ModelDisk &disk, const ModelChange &what, u64 sector)
{
	const u64 block = sector / sectors_per_block * sectors_per_block;

	if (what.op == TBK_OP_WRITE)
		return static_cast<u32>(what.tag + (sector - what.sector));
	/* Only whole blocks are discarded. */
	if (what.op == TBK_OP_DISCARD &&
	    (block < what.sector || block + sectors_per_block > what.sector + what.count))
		return disk.tags[sector];
	return 0;
}

/* Reads in flight may have seen it or not. */
void Model::note_race(const ModelSlot &write)
{
	for (ModelSlot &slot : slots_) {
		if (slot.disk != write.disk || slot.is_write || !overlap(slot.what, write.what))
			continue;
		if (slot.raced_count < ModelSlot::most_raced)
			slot.raced[slot.raced_count] = write.what;
		slot.raced_count++;
	}
}

void Model::apply(const ModelSlot &slot)
{
	for (u64 at = slot.what.sector; at < slot.what.sector + slot.what.count; at++)
		slot.disk->tags[at] = tag_after(*slot.disk, slot.what, at);
}

/* What was there at the start, or what a change made of it that was in flight at the same time. */
bool Model::may_hold(const ModelSlot &read, u32 i) const
{
	const u8 *found = read.buffer + i * sector_size;
	const u64 sector = read.what.sector + i;

	if (holds(found, read.before[i]) || read.raced_count > ModelSlot::most_raced)
		return true;
	for (u32 k = 0; k < read.raced_count; k++) {
		if (covers(read.raced[k], sector) &&
		    holds(found, tag_after(*read.disk, read.raced[k], sector)))
			return true;
	}
	for (const ModelSlot &slot : slots_) {
		if (slot.disk == read.disk && slot.is_write && covers(slot.what, sector) &&
		    holds(found, tag_after(*read.disk, slot.what, sector)))
			return true;
	}
	return false;
}

void Model::finish_read(ModelSlot &slot)
{
	for (u32 i = 0; i < slot.what.count; i++) {
		if (may_hold(slot, i))
			continue;
		TBK_SAY("sector %llu should be %u", slot.what.sector + i, slot.before[i]);
		fail(slot.disk, "is not what was written: sector",
		     static_cast<s64>(slot.what.sector + i));
		return;
	}
}

void Model::finish(ModelSlot &slot)
{
	const int error = slot.request.error;
	const bool may_fail = slot.is_write || slot.what.op == TBK_OP_FLUSH;

	if (error && !(error == -TBK_ENOSPC && may_fail)) {
		fail(slot.disk, "request failed", error);
		return;
	}
	if (slot.is_write)
		note_race(slot);
	if (error) {
		is_full_ = true;
		TBK_SAY("no space for op %u", slot.what.op);
		settle_doubt(*slot.disk, slot.what);
	} else if (slot.is_write) {
		apply(slot);
	} else if (slot.what.op == TBK_OP_READ) {
		finish_read(slot);
	}
}

/* Into own_.buffer, waited for. */
bool Model::read_now(ModelDisk &disk, u64 sector, u32 count)
{
	if (!open(disk))
		return false;
	own_.disk = &disk;
	own_.what = { TBK_OP_READ, sector, count, 0 };
	own_.request.flags = TBK_IO_SYNC;
	submit(own_);
	tbk_wait_until(
		&wait_,
		[](void *slot) -> int {
			return static_cast<ModelSlot *>(slot)->done.load_acquire();
		},
		&own_);
	if (own_.request.error)
		fail(&disk, "read failed", own_.request.error);
	return !own_.request.error;
}

/* The request may have been carried out on @disk, or in part, or not: any sector for itself. */
void Model::settle_doubt(ModelDisk &disk, const ModelChange &what)
{
	if (what.count == 0 || !read_now(disk, what.sector, what.count))
		return;
	for (u32 i = 0; i < what.count; i++) {
		const u8 *found = own_.buffer + i * sector_size;
		u32 &tag = disk.tags[what.sector + i];
		const u32 after = tag_after(disk, what, what.sector + i);

		if (holds(found, tag))
			continue;
		if (!holds(found, after)) {
			fail(&disk, "is neither old nor new: sector",
			     static_cast<s64>(what.sector + i));
			return;
		}
		tag = after;
	}
}

void Model::verify(ModelDisk &disk)
{
	wait_for(&disk);
	for (u64 at = 0; at < disk.sectors && !failed_; at += most_sectors) {
		const u32 count = static_cast<u32>(min<u64>(most_sectors, disk.sectors - at));

		if (read_now(disk, at, count))
			finish_read(own_);
	}
}

} // namespace thinback
