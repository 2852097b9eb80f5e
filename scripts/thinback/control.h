/* SPDX-License-Identifier: GPL-2.0 */
/* The module in the kernel: the raw device, and what is asked of it. */
#pragma once

#include <string>
#include <vector>

#include <linux/thinback.h>

#include "name.h"

namespace thinback::tool {

/* /dev/thinback-control; tests put something else in its place. */
class Control {
public:
	virtual ~Control() = default;

	/* 0 or a negative errno. Called again, does nothing. */
	virtual int open() = 0;
	/* ioctl(2). 0 or a negative errno. */
	virtual int call(unsigned long request, void *argument) = 0;
};

/* A command filled in with the names in @name. */
thinback_command command_for(const Name &name, unsigned int flags = 0);

/* A path for the kernel, which knows nothing of our working directory. */
std::string absolute_path(const std::string &path);

/* A string out of a structure of the kernel's, ended or not. */
template <std::size_t Size> std::string text_of(const char (&field)[Size])
{
	const std::string all(field, Size);

	return all.substr(0, all.find('\0'));
}

/* Copy @text into a structure for the kernel. Throws Failure if it does not fit. */
template <std::size_t Size> void set_text(char (&field)[Size], const std::string &text);

/* Control with types; every function throws Failure. */
class Kernel {
public:
	explicit Kernel(Control &control) : control_(control) {}

	/* Whatever version it is. */
	thinback_version version();
	/* @object: for the message if it fails. */
	void run(unsigned long request, thinback_command &command, const std::string &object);
	std::vector<thinback_pool> pools();
	std::vector<thinback_object> objects(const std::string &pool);

private:
	void open(bool any_version = false);
	template <class Item>
	std::vector<Item> list(unsigned long request, const std::string &pool);

	Control &control_;
	bool ready_ = false;
};

/* The real one. */
class ControlDevice final : public Control {
public:
	ControlDevice() = default;
	ControlDevice(const ControlDevice &) = delete;
	ControlDevice &operator=(const ControlDevice &) = delete;
	~ControlDevice() override;

	int open() override;
	int call(unsigned long request, void *argument) override;

private:
	int fd_ = -1;
};

} // namespace thinback::tool
