// SPDX-License-Identifier: GPL-2.0
#include "device.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../hosted/payload.h"
#include "../hosted/simulation.h"
#include "unseen.h"

namespace thinback {

ThreadDevice::ThreadDevice(u64 bytes, const Options &options)
	: tbk_device{ &thread_ops }, bytes_(bytes), options_(options)
{
	void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		die("no memory for a device of %llu bytes", bytes);
	memory_ = static_cast<u8 *>(memory);
	for (unsigned int i = 0; i < options.threads; i++)
		threads_.emplace_back([this] { serve(); });
}

ThreadDevice::~ThreadDevice()
{
	{
		UnseenGuard guard(lock_);

		is_ending_ = true;
		changed_.notify_all();
	}
	for (std::thread &thread : threads_)
		thread.join();
	munmap(memory_, bytes_);
}

u64 ThreadDevice::requests() const
{
	UnseenGuard guard(lock_);

	return taken_;
}

void ThreadDevice::tell(struct tbk_device *device, struct tbk_device_info *info)
{
	const ThreadDevice &self = *static_cast<ThreadDevice *>(device);

	*info = {};
	info->bytes = self.bytes_;
	info->logical_block = self.options_.logical_block;
	info->physical_block = 4096;
	info->volatile_cache = 1;
	info->discard_granularity = 4096;
	snprintf(info->name, sizeof(info->name), "threads");
}

void ThreadDevice::check(const struct tbk_io &io) const
{
	const u64 at = io.sector * 512;

	if (io.op == TBK_OP_FLUSH)
		return;
	if (!io.bytes || at % options_.logical_block || io.bytes % options_.logical_block)
		die("asks for %llu bytes at %llu", io.bytes, at);
	if (at > bytes_ || io.bytes > bytes_ - at)
		die("asks for %llu bytes at %llu of a device of %llu", io.bytes, at, bytes_);
}

void ThreadDevice::submit(struct tbk_device *device, struct tbk_io *io)
{
	ThreadDevice &self = *static_cast<ThreadDevice *>(device);

	might_sleep("a request to be taken");
	self.check(*io);
	tell_after(io);
	UnseenGuard guard(self.lock_);

	self.waiting_.push_back(io);
	self.taken_++;
	self.changed_.notify_one();
}

/* Not the first, for a change. NULL when the device goes. */
struct tbk_io *ThreadDevice::take(bool &is_late)
{
	UnseenGuard guard(lock_);

	while (waiting_.empty() && !is_ending_)
		guard.wait(changed_);
	if (waiting_.empty())
		return nullptr;
	const size_t which = taken_ * 7 % waiting_.size();
	struct tbk_io *io = waiting_[which];

	waiting_[which] = waiting_.back();
	waiting_.pop_back();
	is_late = options_.late && ++done_ % options_.late == 0;
	return io;
}

void ThreadDevice::perform(const struct tbk_io &io)
{
	u8 *at = memory_ + io.sector * 512;

	if (io.op == TBK_OP_FLUSH)
		return;
	if (io.op == TBK_OP_DISCARD) {
		memset(at, 0xdd, io.bytes);
		return;
	}
	for_each_piece(*io.payload, io.offset, io.bytes, [&](u8 *piece, size_t length) {
		if (io.op == TBK_OP_READ)
			memcpy(piece, at, length);
		else
			memcpy(at, piece, length);
		at += length;
	});
}

void ThreadDevice::serve()
{
	current_context().name = "a device";
	for (bool is_late = false; struct tbk_io *io = take(is_late);) {
		see_before(io);
		if (is_late)
			usleep(10'000);
		if (options_.may_race) {
			const Unseen unseen;

			perform(*io);
		} else {
			perform(*io);
		}
		io->error = 0;
		current_context().interrupt = true;
		io->done(io);
		current_context().interrupt = false;
	}
}

} // namespace thinback
