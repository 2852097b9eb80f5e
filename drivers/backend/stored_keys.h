/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/xen_platform.h>

#include "../vbd/features.h"

namespace thinback {

/* The frontend's keys in xenstore. */
class StoredKeys : public FrontendKeys {
public:
	explicit StoredKeys(struct tbk_xen *xen) : xen_(xen) {}

	const char *read(const char *key) override
	{
		return tbk_xen_read(xen_, key, value_, sizeof(value_)) ? nullptr : value_;
	}

private:
	struct tbk_xen *xen_;
	char value_[64];
};

} // namespace thinback
