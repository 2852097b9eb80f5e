/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <map>
#include <memory>
#include <string>

#include <thinback/base/types.h>
#include <thinback/dump_entry.h>

namespace thinback {

/*
 * A device of any size in a file without a name, which holds what was written
 * and nothing else; all the rest is zeros. For what is put together block by
 * block and may be more than fits into memory. Every block has its place.
 */
class ScratchDevice : public tbk_device {
public:
	/* In @folder; NULL and a negative errno when it cannot be. */
	static std::unique_ptr<ScratchDevice> create(const std::string &folder, u64 bytes,
						     int &error);
	~ScratchDevice();
	ScratchDevice(const ScratchDevice &) = delete;
	ScratchDevice &operator=(const ScratchDevice &) = delete;

	/* The first block from @from on that was written to; ~0 after the last. */
	u64 next(u64 from) const;

private:
	/* Neighbours lie together. */
	static constexpr u64 chunk_blocks = 64;

	struct Chunk {
		u64 place;   /* in the file, in chunks */
		u64 written; /* a bit for each block */
	};

	ScratchDevice(int fd, u64 bytes);
	static void submit(struct tbk_device *device, struct tbk_io *io);
	static void tell(struct tbk_device *device, struct tbk_device_info *info);
	int run(const struct tbk_io &io);
	int read_block(u64 block, u8 *to) const;
	int write_block(u64 block, const u8 *from);

	static constexpr struct tbk_device_ops scratch_ops = { submit, tell };
	const int fd_;
	const u64 bytes_;
	std::map<u64, Chunk> chunks_; /* by their first block's number */
};

} // namespace thinback
