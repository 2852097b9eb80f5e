// SPDX-License-Identifier: GPL-2.0
#include "device_check.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "failure.h"
#include "signature.h"

namespace fs = std::filesystem;

namespace thinback::tool {

namespace {

std::string first_line(const fs::path &path)
{
	std::string line;
	std::ifstream file(path);

	std::getline(file, line);
	return line;
}

std::vector<fs::path> entries(const fs::path &folder)
{
	std::error_code ignored;
	std::vector<fs::path> all;

	for (const fs::directory_entry &entry : fs::directory_iterator(folder, ignored))
		all.push_back(entry.path());
	std::sort(all.begin(), all.end());
	return all;
}

/* Blanks and the like stand as \040 in /proc. */
std::string unescaped(const std::string &text)
{
	std::string plain;

	for (std::size_t i = 0; i < text.size(); i++) {
		if (text[i] != '\\' || i + 3 >= text.size()) {
			plain += text[i];
			continue;
		}
		plain += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
		i += 3;
	}
	return plain;
}

/* /proc/self/mountinfo: id, parent, major:minor, root, where, ... */
std::string mounted_on(const System &system, const std::string &number)
{
	std::ifstream mounts(system.proc / "self/mountinfo");
	std::string line;

	while (std::getline(mounts, line)) {
		std::istringstream fields(line);
		std::string id, parent, device, root, where;

		fields >> id >> parent >> device >> root >> where;
		if (device == number)
			return unescaped(where);
	}
	return {};
}

/* /proc/swaps names paths, not numbers. */
bool swapped_on(const System &system, const std::string &kernel_name)
{
	std::ifstream swaps(system.proc / "swaps");
	std::string line;

	while (std::getline(swaps, line))
		if (line.starts_with("/dev/" + kernel_name + " "))
			return true;
	return false;
}

std::string reason_of(const System &system, const fs::path &folder, const std::string &kernel_name)
{
	const std::string where = mounted_on(system, first_line(folder / "dev"));

	if (!where.empty())
		return "mounted on " + where;
	if (swapped_on(system, kernel_name))
		return "used for swap";
	for (const fs::path &holder : entries(folder / "holders")) {
		const std::string name = first_line(holder / "dm/name");

		return fmt::format("used by {}{}", holder.filename().string(),
				   name.empty() ? "" : " (" + name + ")");
	}
	return {};
}

/* The loop device that has the file already: exclusive opening means nothing for files. */
std::string loop_on(const System &system, const std::string &path)
{
	std::error_code ignored;
	const std::string file = fs::canonical(path, ignored);

	for (const fs::path &disk : entries(system.sysfs / "block"))
		if (!file.empty() && first_line(disk / "loop/backing_file") == file)
			return "/dev/" + disk.filename().string();
	return {};
}

void check_type(const System &system, const std::string &path, const struct stat &status,
		Access access)
{
	if (S_ISREG(status.st_mode)) {
		const std::string loop = access == Access::look ? "" : loop_on(system, path);

		if (!loop.empty())
			throw Failure(Exit::busy, path, fmt::format("in use: it is {}", loop),
				      fmt::format("detach it first: losetup -d {}", loop));
	} else if (!S_ISBLK(status.st_mode)) {
		throw Failure(Exit::usage, path,
			      S_ISDIR(status.st_mode) ? "it is a directory, not a block device"
						      : "it is not a block device");
	}
}

} // namespace

std::time_t System::now()
{
	return std::time(nullptr);
}

void System::pause()
{
	usleep(200'000);
}

std::uint64_t System::ticks() const
{
	const auto since = std::chrono::steady_clock::now().time_since_epoch();

	return static_cast<std::uint64_t>(
		std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

void System::sleep(std::uint64_t ns)
{
	usleep(static_cast<useconds_t>(ns / 1000));
}

int System::open(const std::string &path, int flags)
{
	const int fd = ::open(path.c_str(), flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

std::string why_in_use(const System &system, unsigned int major, unsigned int minor)
{
	std::error_code ignored;
	const fs::path folder = fs::canonical(
		system.sysfs / "dev/block" / fmt::format("{}:{}", major, minor), ignored);
	const std::string name = folder.filename();
	std::string own = reason_of(system, folder, name);

	if (!own.empty() || name.empty())
		return own;
	/* One of its partitions is enough to hold a whole disk. */
	for (const fs::path &part : entries(folder)) {
		if (!fs::exists(part / "partition"))
			continue;
		const std::string reason = reason_of(system, part, part.filename());

		if (!reason.empty())
			return fmt::format("its partition {} is {}", part.filename().string(),
					   reason);
	}
	return {};
}

Device::Device(System &system, const std::string &path, Access access) : open_{ -1, path }
{
	struct stat status {};

	if (stat(path.c_str(), &status) != 0)
		throw failure_of(errno, path, strerror(errno), {});
	check_type(system, path, status, access);

	const int mode = access == Access::write ? O_RDWR : O_RDONLY;

	open_.fd = system.open(path, access == Access::look ? mode : mode | O_EXCL);
	if (open_.fd == -EBUSY) {
		const std::string who =
			why_in_use(system, major(status.st_rdev), minor(status.st_rdev));

		throw failure_of(EBUSY, path, who.empty() ? "in use" : "in use: " + who, {});
	}
	if (open_.fd < 0)
		throw failure_of(-open_.fd, path, strerror(-open_.fd), {});
}

Device::~Device()
{
	if (open_.fd >= 0)
		close(open_.fd);
}

std::uint64_t device_bytes(const OpenDevice &device)
{
	std::uint64_t bytes = 0;
	struct stat status {};

	if (fstat(device.fd, &status) == 0 && S_ISREG(status.st_mode))
		return static_cast<std::uint64_t>(status.st_size);
	if (ioctl(device.fd, BLKGETSIZE64, &bytes) != 0)
		throw failure_of(errno, device.path, strerror(errno), {});
	return bytes;
}

std::string content(Core &core, const OpenDevice &device)
{
	std::string others = signatures(device);
	const std::optional<PoolOnDisk> pool = core.probe(device);

	if (!pool)
		return others;
	return fmt::format("thinback pool {}{}{}", pool->name, others.empty() ? "" : ", ", others);
}

} // namespace thinback::tool
