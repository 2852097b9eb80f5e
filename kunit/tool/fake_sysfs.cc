// SPDX-License-Identifier: GPL-2.0
#include "fake_sysfs.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "../../scripts/thinback/size.h"

namespace thinback::tool {

namespace fs = std::filesystem;

namespace {

fs::path folder_of(const fs::path &sysfs, const std::string &name)
{
	const std::size_t slash = name.find('/');

	return sysfs / "fs/thinback" / name.substr(0, slash) / "volumes" / name.substr(slash + 1);
}

void write(const fs::path &folder, const VolumeSample &volume)
{
	fs::create_directories(folder / "statistics");
	std::ofstream(folder / "uuid") << volume.uuid << "\n";
	std::ofstream(folder / "guest") << volume.guest << "\n";
	std::ofstream(folder / "own") << volume.own << "\n";
	for (unsigned int op = 0; op < op_count; op++) {
		const fs::path start = folder / "statistics" / op_names[op];
		std::ofstream latency(start.string() + "_latency");
		const char *blank = "";

		for (const std::uint64_t requests : volume.ops[op].latency.buckets) {
			latency << blank << requests;
			blank = " ";
		}
		latency << "\n";
		if (op != op_flush)
			std::ofstream(start.string() + "_bytes") << volume.ops[op].bytes << "\n";
	}
}

} // namespace

/* BYTES/BUCKET:REQUESTS,... */
void FakeSysfs::add(OpSample &op, const std::string &value)
{
	std::istringstream buckets(value.substr(value.find('/') + 1));
	const std::string size = value.substr(0, value.find('/'));
	std::string bucket;

	op.bytes += parse_size(size, size);
	while (std::getline(buckets, bucket, ','))
		op.latency.buckets.at(std::stoul(bucket)) +=
			std::stoull(bucket.substr(bucket.find(':') + 1));
}

void FakeSysfs::set(VolumeSample &volume, const std::string &key, const std::string &value)
{
	const auto *const op = std::find(op_names.begin(), op_names.end(), key);

	if (op != op_names.end()) {
		add(volume.ops.at(static_cast<std::size_t>(op - op_names.begin())), value);
	} else if (key == "own") {
		volume.own = parse_size(value, value);
	} else if (key == "uuid") {
		/* Another one: all begins anew. */
		volume.uuid = value;
		volume.ops = {};
	} else if (key == "guest") {
		volume.guest = value;
		std::replace(volume.guest.begin(), volume.guest.end(), ':', ' ');
	} else {
		throw std::invalid_argument(key);
	}
}

void FakeSysfs::did(const fs::path &sysfs, std::istringstream &words)
{
	std::string name, pair;

	words >> name;
	VolumeSample &volume = volumes_[name];

	if (volume.uuid.empty())
		volume.uuid = "abababab-abab-abab-abab-abababababab";
	while (words >> pair)
		set(volume, pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
	write(folder_of(sysfs, name), volume);
}

void FakeSysfs::go(const fs::path &sysfs, const std::string &name)
{
	volumes_.erase(name);
	fs::remove_all(folder_of(sysfs, name));
}

} // namespace thinback::tool
