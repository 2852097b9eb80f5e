// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices.h"
#include "payload.h"

namespace thinback {

namespace {

constexpr u64 sector_size = 512;

int whole_pread(int fd, u8 *to, size_t bytes, u64 at)
{
	while (bytes) {
		const ssize_t got = pread(fd, to, bytes, static_cast<off_t>(at));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		to += got;
		at += static_cast<u64>(got);
		bytes -= static_cast<size_t>(got);
	}
	return 0;
}

int whole_pwrite(int fd, const u8 *from, size_t bytes, u64 at)
{
	while (bytes) {
		const ssize_t put = pwrite(fd, from, bytes, static_cast<off_t>(at));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		from += put;
		at += static_cast<u64>(put);
		bytes -= static_cast<size_t>(put);
	}
	return 0;
}

} // namespace

FileDevice::FileDevice(int fd, const std::string &path, Mode mode)
	: tbk_device{ &file_ops }, fd_(fd)
{
	snprintf(info_.name, sizeof(info_.name), "%s", path.c_str());
	info_.read_only = mode == read_only;
}

FileDevice::~FileDevice()
{
	close(fd_);
}

std::unique_ptr<FileDevice> FileDevice::open(const std::string &path, Mode mode, int &error)
{
	struct stat about = {};

	if (stat(path.c_str(), &about)) {
		error = -errno;
		return nullptr;
	}
	/* On a block device, O_EXCL asks the kernel whether it is held or mounted. */
	const int exclusive = S_ISBLK(about.st_mode) ? O_EXCL : 0;
	const int access = mode == read_only ? O_RDONLY : O_RDWR;
	const int fd = ::open(path.c_str(), access | exclusive | O_CLOEXEC);
	if (fd < 0) {
		error = -errno;
		return nullptr;
	}

	std::unique_ptr<FileDevice> device(new FileDevice(fd, path, mode));
	error = device->learn();
	return error ? nullptr : std::move(device);
}

/* Size, blocks and the rest. */
int FileDevice::learn()
{
	struct stat about = {};
	int logical = 512;
	unsigned int physical = 4096;
	unsigned short rotates = 0;

	if (fstat(fd_, &about))
		return -errno;
	if (!S_ISREG(about.st_mode) && !S_ISBLK(about.st_mode))
		return -ENOTBLK;
	is_block_ = S_ISBLK(about.st_mode);
	info_.bytes = static_cast<u64>(about.st_size);
	if (is_block_) {
		unsigned long size = 0;

		if (ioctl(fd_, BLKGETSIZE64, &size) || ioctl(fd_, BLKSSZGET, &logical))
			return -errno;
		info_.bytes = size;
		ioctl(fd_, BLKPBSZGET, &physical);
		ioctl(fd_, BLKROTATIONAL, &rotates);
	} else if (flock(fd_, (info_.read_only ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
		return -EBUSY;
	}
	info_.logical_block = static_cast<u32>(logical);
	info_.physical_block = physical;
	info_.volatile_cache = 1;
	info_.discard_granularity = 4096;
	info_.rotational = rotates;
	return 0;
}

void FileDevice::tell(struct tbk_device *device, struct tbk_device_info *info)
{
	*info = static_cast<FileDevice *>(device)->info_;
}

int FileDevice::transfer(const struct tbk_io &io) const
{
	u64 at = io.sector * sector_size;
	int error = 0;

	for_each_piece(*io.payload, io.offset, io.bytes, [&](u8 *piece, size_t length) {
		if (!error)
			error = io.op == TBK_OP_READ ? whole_pread(fd_, piece, length, at)
						     : whole_pwrite(fd_, piece, length, at);
		at += length;
	});
	return error;
}

int FileDevice::discard(const struct tbk_io &io) const
{
	const u64 range[] = { io.sector * sector_size, io.bytes };

	if (is_block_)
		return ioctl(fd_, BLKDISCARD, range) ? -errno : 0;
	return fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 static_cast<off_t>(range[0]), static_cast<off_t>(range[1]))
		       ? -errno
		       : 0;
}

int FileDevice::run(const struct tbk_io &io) const
{
	const u64 end = io.sector * sector_size + io.bytes;

	if (end > info_.bytes)
		return -EIO;
	if (info_.read_only && io.op != TBK_OP_READ && io.op != TBK_OP_FLUSH)
		return -EROFS;
	if ((io.op == TBK_OP_FLUSH || io.flags & TBK_IO_PREFLUSH) && fdatasync(fd_))
		return -errno;
	if (io.op == TBK_OP_FLUSH)
		return 0;
	if (io.op == TBK_OP_DISCARD)
		return discard(io);
	if (io.op != TBK_OP_READ && io.op != TBK_OP_WRITE)
		return -EOPNOTSUPP;

	const int error = transfer(io);
	if (!error && io.flags & TBK_IO_FUA && fdatasync(fd_))
		return -errno;
	return error;
}

void FileDevice::submit(struct tbk_device *device, struct tbk_io *io)
{
	io->error = static_cast<FileDevice *>(device)->run(*io);
	io->done(io);
}

} // namespace thinback
