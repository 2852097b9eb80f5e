// SPDX-License-Identifier: GPL-2.0
#include "offline.h"

#include <cerrno>

#include <sys/stat.h>

#include "failure.h"
#include "name.h"

namespace thinback::tool {

namespace {

bool is_same_device(const std::string &a, const std::string &b)
{
	struct stat status_a {};
	struct stat status_b {};

	if (a == b)
		return true;
	return stat(a.c_str(), &status_a) == 0 && stat(b.c_str(), &status_b) == 0 &&
	       S_ISBLK(status_a.st_mode) && status_a.st_rdev == status_b.st_rdev;
}

/* The attached pool that the device is, or empty; also when the module cannot be asked. */
std::string attached_pool(Session &session, const std::string &path)
{
	try {
		for (const thinback_pool &pool : session.kernel.pools())
			if (is_same_device(text_of(pool.device), absolute_path(path)))
				return text_of(pool.name);
	} catch (const Failure &) {
		return {};
	}
	return {};
}

} // namespace

/* Nobody but the module knows that it has one itself. */
std::unique_ptr<Device> open_device(Session &session, const std::string &path, Access access)
{
	try {
		return std::make_unique<Device>(session.world.system, path, access);
	} catch (const Failure &failure) {
		const std::string pool =
			failure.error == EBUSY ? attached_pool(session, path) : std::string();

		if (pool.empty())
			throw;
		throw failure_of(EBUSY, path, "in use: attached as pool " + pool,
				 "first: thinback detach " + pool);
	}
}

} // namespace thinback::tool
