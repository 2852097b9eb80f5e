// SPDX-License-Identifier: GPL-2.0
#include "grants.h"

#include <linux/types.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <xen/gntalloc.h>

#include <thinback/xen/blkif.h>

namespace hostile {

Grants::Grants(unsigned domain, unsigned count, Access access) : refs_(count)
{
	std::vector<u32> call(sizeof(ioctl_gntalloc_alloc_gref) / sizeof(u32) + count);
	auto &said = *reinterpret_cast<ioctl_gntalloc_alloc_gref *>(call.data());

	said.domid = static_cast<u16>(domain);
	said.flags = access == Access::writable ? GNTALLOC_FLAG_WRITABLE : 0;
	said.count = count;
	if (ioctl(device_.fd(), IOCTL_GNTALLOC_ALLOC_GREF, &said))
		die("grant pages");
	index_ = said.index;
	memcpy(refs_.data(), said.gref_ids, count * sizeof(u32));
	memory_ = mmap(nullptr, size_t{ count } * xen::page_size, PROT_READ | PROT_WRITE,
		       MAP_SHARED, device_.fd(), static_cast<off_t>(index_));
	if (memory_ == MAP_FAILED)
		die("map granted pages");
	memset(memory_, 0, size_t{ count } * xen::page_size);
}

void *Grants::page(unsigned index) const
{
	return static_cast<char *>(memory_) + size_t{ index } * xen::page_size;
}

void Grants::revoke()
{
	if (!memory_)
		return;

	ioctl_gntalloc_dealloc_gref call = { index_, static_cast<u32>(refs_.size()) };

	munmap(memory_, refs_.size() * xen::page_size);
	memory_ = nullptr;
	if (ioctl(device_.fd(), IOCTL_GNTALLOC_DEALLOC_GREF, &call))
		die("revoke grants");
}

} // namespace hostile
