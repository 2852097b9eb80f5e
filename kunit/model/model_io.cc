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

bool Model::is_in_the_way(const ModelSlot &slot) const
{
	for (const ModelSlot &other : slots_) {
		if (&other == &slot || other.disk != slot.disk ||
		    !(other.is_write || slot.is_write))
			continue;
		if (other.sector < slot.sector + slot.count &&
		    slot.sector < other.sector + other.count)
			return true;
	}
	return false;
}

void Model::choose_range(ModelSlot &slot, u64 align)
{
	const u64 units = slot.disk->sectors / align;
	const u64 most = random_.one_in(8) ? most_sectors / align : 32 / align;
	const u64 start = random_.below(units);

	slot.sector = start * align;
	slot.count = static_cast<u32>(align * (1 + random_.below(min(most, units - start))));
}

void Model::submit(ModelSlot &slot)
{
	struct tbk_request &request = slot.request;
	const u32 op = request.op;

	slot.done.store_relaxed(0);
	request.sector = slot.sector;
	request.bytes = slot.count * sector_size;
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
	slot.request.op = is_change ? changes[random_.below(7)] : static_cast<u32>(TBK_OP_READ);
	slot.request.flags = 0;
	if (slot.request.op == TBK_OP_WRITE && random_.one_in(30))
		slot.request.flags |= TBK_IO_FUA;
	if (slot.request.op == TBK_OP_WRITE && random_.one_in(60))
		slot.request.flags |= TBK_IO_PREFLUSH;
	if (random_.one_in(4))
		slot.request.flags |= TBK_REQUEST_QUICK;
	choose_range(slot, random_.one_in(3) ? 1 : sectors_per_block);
	if (is_in_the_way(slot)) {
		slot.disk = nullptr;
		return;
	}
	slot.tag = next_tag_;
	if (slot.request.op == TBK_OP_WRITE) {
		next_tag_ += slot.count;
		for (u32 i = 0; i < slot.count; i++)
			fill_sector(slot.buffer + i * sector_size, slot.tag + i);
	}
	TBK_SAY("op %u of %s@%s, sectors %llu + %u, tag %u, flags %#x", slot.request.op,
		disk.volume, disk.snapshot, slot.sector, slot.count, slot.tag, slot.request.flags);
	submit(slot);
}

void Model::flush(ModelDisk &disk)
{
	ModelSlot &slot = idle_slot();

	if (!open(disk))
		return;
	slot.disk = &disk;
	slot.is_write = false;
	slot.sector = 0;
	slot.count = 0;
	slot.request.op = TBK_OP_FLUSH;
	slot.request.flags = 0;
	TBK_SAY("flush of %s@%s", disk.volume, disk.snapshot);
	submit(slot);
}

/* ---- outcomes ---- */

/* What sector @i of the range holds once the request has been carried out. */
u32 Model::tag_after(const ModelSlot &slot, u32 i) const
{
	const u64 end = slot.sector + slot.count;
	const u64 block = (slot.sector + i) / sectors_per_block * sectors_per_block;

	if (slot.request.op == TBK_OP_WRITE)
		return slot.tag + i;
	/* Only whole blocks are discarded. */
	if (slot.request.op == TBK_OP_DISCARD &&
	    (block < slot.sector || block + sectors_per_block > end))
		return slot.disk->tags[slot.sector + i];
	return 0;
}

void Model::apply(const ModelSlot &slot)
{
	for (u32 i = 0; i < slot.count; i++)
		slot.disk->tags[slot.sector + i] = tag_after(slot, i);
}

void Model::finish_read(ModelSlot &slot)
{
	for (u32 i = 0; i < slot.count; i++) {
		if (holds(slot.buffer + i * sector_size, slot.disk->tags[slot.sector + i]))
			continue;
		TBK_SAY("sector %llu should be %u", slot.sector + i,
			slot.disk->tags[slot.sector + i]);
		fail(slot.disk, "is not what was written: sector",
		     static_cast<s64>(slot.sector + i));
		return;
	}
}

void Model::finish(ModelSlot &slot)
{
	const int error = slot.request.error;
	const bool may_fail = slot.is_write || slot.request.op == TBK_OP_FLUSH;

	if (error && !(error == -TBK_ENOSPC && may_fail)) {
		fail(slot.disk, "request failed", error);
		return;
	}
	if (error) {
		is_full_ = true;
		TBK_SAY("no space for op %u", slot.request.op);
		settle_doubt(*slot.disk, slot);
	} else if (slot.is_write) {
		apply(slot);
	} else if (slot.request.op == TBK_OP_READ) {
		finish_read(slot);
	}
}

/* Into own_.buffer, waited for. */
bool Model::read_now(ModelDisk &disk, u64 sector, u32 count)
{
	if (!open(disk))
		return false;
	own_.disk = &disk;
	own_.sector = sector;
	own_.count = count;
	own_.request.op = TBK_OP_READ;
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
void Model::settle_doubt(ModelDisk &disk, const ModelSlot &slot)
{
	if (slot.count == 0 || !read_now(disk, slot.sector, slot.count))
		return;
	for (u32 i = 0; i < slot.count; i++) {
		const u8 *found = own_.buffer + i * sector_size;
		u32 &tag = disk.tags[slot.sector + i];
		const u32 after = tag_after(slot, i);

		if (holds(found, tag))
			continue;
		if (!holds(found, after)) {
			fail(&disk, "is neither old nor new: sector",
			     static_cast<s64>(slot.sector + i));
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
