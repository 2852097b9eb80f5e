// SPDX-License-Identifier: GPL-2.0
#include "scratch_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "payload.h"

namespace thinback {

namespace {

constexpr u64 block_bytes = TBK_BLOCK;

int open_nameless(const std::string &folder)
{
	const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	std::string path = folder + "/thinback-XXXXXX";

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	const int named = mkostemp(path.data(), O_CLOEXEC);

	if (named >= 0)
		unlink(path.c_str());
	return named;
}

} // namespace

ScratchDevice::ScratchDevice(int fd, u64 bytes) : tbk_device{ &scratch_ops }, fd_(fd), bytes_(bytes)
{
}

ScratchDevice::~ScratchDevice()
{
	close(fd_);
}

std::unique_ptr<ScratchDevice> ScratchDevice::create(const std::string &folder, u64 bytes,
						     int &error)
{
	const int fd = open_nameless(folder);

	error = fd < 0 ? -errno : 0;
	return std::unique_ptr<ScratchDevice>(fd < 0 ? nullptr : new ScratchDevice(fd, bytes));
}

u64 ScratchDevice::next(u64 from) const
{
	for (auto at = chunks_.lower_bound(from / chunk_blocks); at != chunks_.end(); ++at) {
		const u64 first = at->first * chunk_blocks;
		const u64 before = from > first ? from - first : 0;
		const u64 left = at->second.written >> before << before;

		if (left)
			return first + static_cast<u64>(__builtin_ctzll(left));
	}
	return ~0ull;
}

int ScratchDevice::read_block(u64 block, u8 *to) const
{
	const auto chunk = chunks_.find(block / chunk_blocks);
	const u64 within = block % chunk_blocks;

	memset(to, 0, block_bytes);
	if (chunk == chunks_.end() || !(chunk->second.written >> within & 1))
		return 0;
	const u64 at = (chunk->second.place * chunk_blocks + within) * block_bytes;
	const ssize_t got = pread(fd_, to, block_bytes, static_cast<off_t>(at));

	return got == static_cast<ssize_t>(block_bytes) ? 0 : got < 0 ? -errno : -EIO;
}

int ScratchDevice::write_block(u64 block, const u8 *from)
{
	const auto [chunk, is_new] =
		chunks_.try_emplace(block / chunk_blocks, Chunk{ chunks_.size(), 0 });
	const u64 within = block % chunk_blocks;
	const u64 at = (chunk->second.place * chunk_blocks + within) * block_bytes;
	const ssize_t put = pwrite(fd_, from, block_bytes, static_cast<off_t>(at));

	if (put != static_cast<ssize_t>(block_bytes))
		return put < 0 ? -errno : -ENOSPC;
	chunk->second.written |= 1ull << within;
	return 0;
}

/* The store moves whole blocks of its own memory, and nothing else. */
int ScratchDevice::run(const struct tbk_io &io)
{
	const u64 at = io.sector * 512;
	const bool is_write = io.op == TBK_OP_WRITE;
	int error = 0;

	if (io.op == TBK_OP_FLUSH)
		return 0;
	if ((!is_write && io.op != TBK_OP_READ) || at % block_bytes || io.bytes % block_bytes)
		return -EOPNOTSUPP;
	if (at > bytes_ || io.bytes > bytes_ - at)
		return -EIO;
	u64 block = at / block_bytes;

	for_each_piece(*io.payload, io.offset, io.bytes, [&](u8 *piece, size_t length) {
		for (size_t done = 0; done < length && !error; done += block_bytes, block++)
			error = is_write ? write_block(block, piece + done)
					 : read_block(block, piece + done);
	});
	return error;
}

void ScratchDevice::submit(struct tbk_device *device, struct tbk_io *io)
{
	io->error = static_cast<ScratchDevice *>(device)->run(*io);
	io->done(io);
}

void ScratchDevice::tell(struct tbk_device *device, struct tbk_device_info *info)
{
	*info = {};
	strcpy(info->name, "scratch");
	info->bytes = static_cast<ScratchDevice *>(device)->bytes_;
	info->logical_block = TBK_BLOCK;
	info->physical_block = TBK_BLOCK;
}

} // namespace thinback
