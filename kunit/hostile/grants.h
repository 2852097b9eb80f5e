/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <stddef.h>

#include <vector>

#include <thinback/base/types.h>

#include "device.h"

namespace hostile {

/* Pages that another domain may map, as long as this lives; not even so long if it is revoked. */
class Grants {
public:
	enum class Access : u8 { read_only, writable };

	Grants(unsigned domain, unsigned count, Access access = Access::writable);
	~Grants() { revoke(); }
	Grants(const Grants &) = delete;
	Grants &operator=(const Grants &) = delete;

	u32 ref(unsigned index = 0) const { return refs_[index]; }
	void *page(unsigned index = 0) const;

	/* Takes them back while they may be in use: the kernel keeps the pages until they are not. */
	void revoke();

private:
	Device device_{ "/dev/xen/gntalloc" };
	std::vector<u32> refs_;
	u64 index_ = 0;
	void *memory_ = nullptr;
};

} // namespace hostile
