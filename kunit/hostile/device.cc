// SPDX-License-Identifier: GPL-2.0
#include "device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace hostile {

Device::Device(const char *path) : fd_(open(path, O_RDWR | O_CLOEXEC))
{
	if (fd_ < 0)
		die(path);
}

Device::~Device()
{
	close(fd_);
}

void die(const char *what)
{
	perror(what);
	exit(2);
}

void sleep_ms(unsigned ms)
{
	usleep(ms * 1000);
}

} // namespace hostile
