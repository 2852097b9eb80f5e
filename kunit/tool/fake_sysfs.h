/* SPDX-License-Identifier: GPL-2.0 */
/* The folders of volumes in sysfs, as files. */
#pragma once

#include <array>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>

#include "../../scripts/thinback/sample.h"

namespace thinback::tool {

class FakeSysfs {
public:
	/*
	 * NAME [uuid=TEXT] [guest=DOMID:VDEV] [own=SIZE] [KIND=BYTES/BUCKET:REQUESTS,...]: the
	 * volume, which may be new, is so now, and has had so many requests more.
	 */
	void did(const std::filesystem::path &sysfs, std::istringstream &words);
	void go(const std::filesystem::path &sysfs, const std::string &name);

private:
	static void add(OpSample &op, const std::string &value);
	static void set(VolumeSample &volume, const std::string &key, const std::string &value);

	std::map<std::string, VolumeSample> volumes_;
};

} // namespace thinback::tool
