/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/*
 * Memory, whose requests are done by threads of its own, in any order. They touch
 * what a request names without a lock: two requests for the same place, or
 * a payload that changes meanwhile, are races for ThreadSanitizer to find.
 */
class ThreadDevice : public tbk_device {
public:
	struct Options {
		u32 logical_block = 512;
		unsigned int threads = 3;
		/* Every so many-th request takes long enough for a checkpoint; 0: none. */
		u32 late = 499;
		/* Guests read what they are writing: what lies on the device is not watched. */
		bool may_race = false;
	};

	explicit ThreadDevice(u64 bytes) : ThreadDevice(bytes, Options()) {}
	ThreadDevice(u64 bytes, const Options &options);
	~ThreadDevice();
	ThreadDevice(const ThreadDevice &) = delete;
	ThreadDevice &operator=(const ThreadDevice &) = delete;

	u64 requests() const;

private:
	static void submit(struct tbk_device *device, struct tbk_io *io);
	static void tell(struct tbk_device *device, struct tbk_device_info *info);
	void check(const struct tbk_io &io) const;
	void serve();
	struct tbk_io *take(bool &is_late);
	void perform(const struct tbk_io &io);

	static constexpr struct tbk_device_ops thread_ops = { submit, tell };
	const u64 bytes_;
	const Options options_;
	u8 *memory_;
	mutable std::mutex lock_; /* unseen */
	std::condition_variable changed_;
	std::vector<struct tbk_io *> waiting_;
	u64 taken_ = 0;
	u64 done_ = 0;
	bool is_ending_ = false;
	std::vector<std::thread> threads_;
};

} // namespace thinback
