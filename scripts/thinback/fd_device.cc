// SPDX-License-Identifier: GPL-2.0
#include "fd_device.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace thinback::tool {

namespace {

constexpr std::uint64_t sector_size = 512;

} // namespace

const tbk_device_ops FdDevice::fd_ops = { submit, tell };

FdDevice::FdDevice(const OpenDevice &device, std::uint64_t bytes)
	: tbk_device{ &fd_ops }, fd_(device.fd)
{
	const int mode = fcntl(fd_, F_GETFL) & O_ACCMODE;
	int logical = 512;
	unsigned int physical = 4096;

	/* Of a file, both fail and leave what suits it. */
	ioctl(fd_, BLKSSZGET, &logical);
	ioctl(fd_, BLKPBSZGET, &physical);
	snprintf(info_.name, sizeof(info_.name), "%s", device.path.c_str());
	info_.bytes = bytes;
	info_.logical_block = static_cast<tbk_u32>(logical);
	info_.physical_block = physical;
	info_.volatile_cache = 1;
	info_.read_only = mode == O_RDONLY;
}

void FdDevice::tell(tbk_device *device, tbk_device_info *info)
{
	*info = static_cast<FdDevice *>(device)->info_;
}

int FdDevice::transfer(const tbk_io &io) const
{
	char *buffer = static_cast<char *>(io.payload->data) + io.offset;
	std::uint64_t at = io.sector * sector_size;
	std::uint64_t left = io.bytes;

	while (left != 0) {
		const ssize_t done = io.op == TBK_OP_READ
					     ? pread(fd_, buffer, left, static_cast<off_t>(at))
					     : pwrite(fd_, buffer, left, static_cast<off_t>(at));

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		buffer += done;
		at += static_cast<std::uint64_t>(done);
		left -= static_cast<std::uint64_t>(done);
	}
	return 0;
}

int FdDevice::run(const tbk_io &io) const
{
	const bool moves_bytes = io.op == TBK_OP_READ || io.op == TBK_OP_WRITE;

	if ((io.op == TBK_OP_FLUSH || io.flags & TBK_IO_PREFLUSH) && fdatasync(fd_) != 0)
		return -errno;
	if (io.op == TBK_OP_FLUSH)
		return 0;
	/* What works offline brings its own memory, and gives nothing back to the device. */
	if (!moves_bytes || io.payload->kind != TBK_PAYLOAD_BUFFER)
		return -EOPNOTSUPP;
	if (io.sector > info_.bytes / sector_size ||
	    io.bytes > info_.bytes - io.sector * sector_size)
		return -EIO;

	const int error = transfer(io);

	if (error == 0 && io.flags & TBK_IO_FUA && fdatasync(fd_) != 0)
		return -errno;
	return error;
}

void FdDevice::submit(tbk_device *device, tbk_io *io)
{
	io->error = static_cast<FdDevice *>(device)->run(*io);
	io->done(io);
}

} // namespace thinback::tool
