// SPDX-License-Identifier: GPL-2.0
#include "control.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <type_traits>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "failure.h"

namespace thinback::tool {

template <std::size_t Size> void set_text(char (&field)[Size], const std::string &text)
{
	if (text.size() >= Size)
		throw Failure(Exit::usage, text,
			      fmt::format("longer than {} characters", Size - 1));
	memcpy(field, text.c_str(), text.size() + 1);
}
template void set_text(char (&field)[THINBACK_NAME_SIZE], const std::string &text);
template void set_text(char (&field)[THINBACK_PATH_SIZE], const std::string &text);

std::string absolute_path(const std::string &path)
{
	/* Links stay: /dev/vg0/thin says more in a list than /dev/dm-7 does. */
	return std::filesystem::absolute(path).lexically_normal();
}

thinback_command command_for(const Name &name, unsigned int flags)
{
	thinback_command command{};

	command.size = sizeof(command);
	command.flags = flags;
	if (name.kind == Kind::device)
		set_text(command.path, absolute_path(name.pool));
	else
		set_text(command.pool, name.pool);
	set_text(command.volume, name.volume);
	set_text(command.snapshot, name.snapshot);
	return command;
}

void Kernel::open(bool any_version)
{
	const int error = ready_ ? 0 : -control_.open();

	if (error == ENOENT || error == ENXIO || error == ENODEV)
		throw Failure(Exit::failed, {}, "the module is not loaded",
			      "modprobe xen-thinback");
	if (error)
		throw failure_of(error, {},
				 fmt::format("/dev/thinback-control: {}", strerror(error)),
				 exit_of_errno(error) == Exit::refused ? "this is for root" : "");
	if (!any_version && !ready_) {
		const thinback_version module = version();

		if (module.interface != THINBACK_INTERFACE)
			throw Failure(Exit::versions, {},
				      fmt::format("the module speaks interface {}, this program {}",
						  module.interface, THINBACK_INTERFACE),
				      "they come from one package: load its module, or install the "
				      "program that goes with the loaded one");
		ready_ = true;
	}
}

thinback_version Kernel::version()
{
	thinback_version version{};

	open(true);
	version.size = sizeof(version);
	if (control_.call(THINBACK_VERSION, &version) != 0)
		version.interface = 0;
	return version;
}

void Kernel::run(unsigned long request, thinback_command &command, const std::string &object)
{
	open();
	const int error = -control_.call(request, &command);

	if (error)
		throw failure_of(error, object, text_of(command.message), text_of(command.hint));
}

template <class Item> std::vector<Item> Kernel::list(unsigned long request, const std::string &pool)
{
	constexpr unsigned int batch = 256;
	std::vector<Item> all;
	std::vector<Item> some(batch);
	thinback_list list{};

	open();
	list.size = sizeof(list);
	list.item_size = sizeof(Item);
	set_text(list.pool, pool);
	list.items = reinterpret_cast<std::uintptr_t>(some.data());
	do {
		list.count = batch;
		const int error = -control_.call(request, &list);

		if (error)
			throw failure_of(error, pool, text_of(list.message), text_of(list.hint));
		all.insert(all.end(), some.begin(), some.begin() + std::min(list.count, batch));
	} while (list.count != 0);
	return all;
}

std::vector<thinback_pool> Kernel::pools()
{
	return list<thinback_pool>(THINBACK_LIST_POOLS, {});
}

std::vector<thinback_object> Kernel::objects(const std::string &pool)
{
	return list<thinback_object>(THINBACK_LIST_OBJECTS, pool);
}

ControlDevice::~ControlDevice()
{
	if (fd_ >= 0)
		close(fd_);
}

int ControlDevice::open()
{
	if (fd_ < 0)
		fd_ = ::open("/dev/thinback-control", O_RDWR | O_CLOEXEC);
	return fd_ < 0 ? -errno : 0;
}

int ControlDevice::call(unsigned long request, void *argument)
{
	return ioctl(fd_, request, argument) < 0 ? -errno : 0;
}

} // namespace thinback::tool
