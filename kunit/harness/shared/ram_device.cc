// SPDX-License-Identifier: GPL-2.0
#include "ram_device.h"

namespace thinback {

namespace {

constexpr u64 sector_size = 512;
constexpr u64 page_size = 4096;

} // namespace

RamDevice::RamDevice(u64 bytes, Table **tables, u32 logical_block)
	: tbk_device{ &ram_ops }, bytes_(bytes), logical_block_(logical_block), tables_(tables)
{
	tbk_work_init(&worker_.raw, work);
	worker_.device = this;
}

Result<Owned<RamDevice>> RamDevice::create(u64 bytes, Completion completion, u32 logical_block)
{
	const u64 tables = (bytes / page_size + pages_per_table) / pages_per_table;
	void *memory = tbk_big_alloc(tables * sizeof(void *));

	if (!memory)
		return Err::no_memory;
	auto made = make<RamDevice>(bytes, static_cast<Table **>(memory), logical_block);
	if (!made.is_ok()) {
		tbk_big_free(memory);
		return Err::no_memory;
	}
	RamDevice &device = *made.value();
	if (completion == Completion::by_worker) {
		device.queue_ = tbk_queue_create("ramdevice");
		if (!device.queue_)
			return Err::no_memory;
	}
	return made;
}

RamDevice::~RamDevice()
{
	if (queue_)
		tbk_queue_destroy(queue_);
	for (u64 i = 0; i < table_count(); i++) {
		if (!tables_[i])
			continue;
		for (u8 *page : tables_[i]->pages)
			tbk_free(page);
		tbk_free(tables_[i]);
	}
	tbk_big_free(tables_);
}

u64 RamDevice::table_count() const
{
	return (bytes_ / page_size + pages_per_table) / pages_per_table;
}

/* ---- content ---- */

u8 *RamDevice::find_page(u64 index) const
{
	const Table *table = __atomic_load_n(&tables_[index / pages_per_table], __ATOMIC_ACQUIRE);

	if (!table)
		return nullptr;
	return __atomic_load_n(&table->pages[index % pages_per_table], __ATOMIC_ACQUIRE);
}

namespace {

/* Zeroed memory where there is none yet; whoever comes second takes what the first put there. */
template <typename T> Result<T *> set_once(T *&place, size_t size)
{
	T *there = __atomic_load_n(&place, __ATOMIC_ACQUIRE);

	if (there)
		return there;
	T *memory = static_cast<T *>(tbk_alloc(size, TBK_MAY_SLEEP));
	if (!memory)
		return Err::no_memory;
	if (__atomic_compare_exchange_n(&place, &there, memory, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return memory;
	tbk_free(memory);
	return there;
}

} // namespace

Result<u8 *> RamDevice::make_page(u64 index)
{
	Table *table = TBK_TRY(set_once(tables_[index / pages_per_table], sizeof(Table)));

	return set_once(table->pages[index % pages_per_table], page_size);
}

void RamDevice::read(u64 at, void *to, size_t bytes)
{
	const u8 *page = find_page(at / page_size);

	TBK_ASSERT(at % page_size + bytes <= page_size && at < bytes_);
	if (page)
		__builtin_memcpy(to, page + at % page_size, bytes);
	else
		__builtin_memset(to, 0, bytes);
}

Status RamDevice::write(u64 at, const void *from, size_t bytes)
{
	TBK_ASSERT(at % page_size + bytes <= page_size && at < bytes_);
	u8 *page = TBK_TRY(make_page(at / page_size));

	__builtin_memcpy(page + at % page_size, from, bytes);
	return {};
}

/* ---- requests ---- */

void RamDevice::tell(struct tbk_device *device, struct tbk_device_info *info)
{
	const RamDevice &self = *static_cast<RamDevice *>(device);

	*info = {};
	info->bytes = self.bytes_;
	info->logical_block = self.logical_block_;
	info->physical_block = page_size;
	info->volatile_cache = 1;
	info->discard_granularity = page_size;
	tbk_format(info->name, sizeof(info->name), "ram");
}

bool RamDevice::hits(Atomic<u32> &countdown)
{
	return countdown.load_relaxed() && countdown.fetch_sub_relaxed(1) == 1;
}

/* Within one page; @done bytes of the request have been. */
int RamDevice::move_piece(const struct tbk_io &io, u64 done, size_t length)
{
	const u64 at = io.sector * sector_size + done;

	if (io.op == TBK_OP_READ) {
		const u8 *page = find_page(at / page_size);

		if (page)
			tbk_payload_put(io.payload, io.offset + done, page + at % page_size,
					length);
		else
			tbk_payload_zero(io.payload, io.offset + done, length);
		return 0;
	}

	if (io.op == TBK_OP_DISCARD) {
		u8 *page = find_page(at / page_size);

		if (page)
			__builtin_memset(page + at % page_size, 0, length);
		return 0;
	}

	const auto page = make_page(at / page_size);
	if (!page.is_ok())
		return to_errno(page.error());
	tbk_payload_get(io.payload, io.offset + done, page.value() + at % page_size, length);
	return 0;
}

int RamDevice::run(const struct tbk_io &io)
{
	const u64 start = io.sector * sector_size;

	TBK_ASSERT(start % logical_block_ == 0 && io.bytes % logical_block_ == 0);
	TBK_ASSERT(start <= bytes_ && io.bytes <= bytes_ - start);
	if (io.op == TBK_OP_FLUSH || io.flags & TBK_IO_PREFLUSH) {
		flushes_.fetch_add_relaxed(1);
		if (hits(fail_flush_))
			return -TBK_EIO;
	}
	if (io.op == TBK_OP_FLUSH)
		return 0;
	if (io.op == TBK_OP_WRITE)
		writes_.fetch_add_relaxed(1);
	if (io.op == TBK_OP_READ && fail_all_reads_.load_relaxed())
		return -TBK_EIO;
	if (io.op != TBK_OP_DISCARD && hits(io.op == TBK_OP_READ ? fail_read_ : fail_write_))
		return -TBK_EIO;
	for (u64 done = 0; done < io.bytes;) {
		const u64 length = min(io.bytes - done, page_size - (start + done) % page_size);
		const int error = move_piece(io, done, length);

		if (error)
			return error;
		done += length;
	}
	return 0;
}

void RamDevice::complete(struct tbk_io *io)
{
	io->error = run(*io);
	io->done(io);
}

void RamDevice::submit(struct tbk_device *device, struct tbk_io *io)
{
	RamDevice &self = *static_cast<RamDevice *>(device);

	if (!self.queue_) {
		self.complete(io);
		return;
	}

	static_assert(sizeof(Waiting) <= sizeof(io->opaque));
	Waiting *waiting = new (At{ io->opaque }) Waiting();
	waiting->io = io;
	{
		IrqGuard guard(self.lock_);
		self.waiting_.push_back(*waiting);
	}
	tbk_work_queue(self.queue_, &self.worker_.raw);
}

void RamDevice::work(struct tbk_work *raw)
{
	RamDevice &self = *reinterpret_cast<Worker *>(raw)->device;

	for (;;) {
		Waiting *waiting = nullptr;
		{
			IrqGuard guard(self.lock_);
			waiting = self.waiting_.pop_front();
		}
		if (!waiting)
			return;
		self.complete(waiting->io);
	}
}

} // namespace thinback
