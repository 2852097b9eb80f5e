/* SPDX-License-Identifier: GPL-2.0 */
/* A terminal of which each page is printed, below a line with its size. */
#pragma once

#include <ostream>
#include <string>

#include "../../scripts/thinback/world.h"

namespace thinback::tool {

class FakeTerminal final : public Terminal {
public:
	/* @typed: keys; '.' waits until time is up, '<' halves the window's width, a blank line ends. */
	FakeTerminal(System &system, std::ostream &out, Size size, const std::string &typed)
		: system_(system), out_(out), size_(size), typed_(typed)
	{
	}

	void begin() override { out_ << "(screen taken)\n"; }
	void end() override { out_ << "(screen given back)\n"; }
	Size size() override { return size_; }
	void draw(const std::string &page) override
	{
		out_ << "(" << size_.columns << " x " << size_.lines << ")\n" << page << "\n";
	}
	char wait(std::uint64_t ns) override
	{
		const char key = next_ < typed_.size() ? typed_[next_++] : '\n';

		if (key == '\n')
			return ended;
		if (key == '<') {
			size_.columns /= 2;
			return resized;
		}
		if (key != '.')
			return key;
		system_.sleep(ns);
		return timeout;
	}

private:
	System &system_;
	std::ostream &out_;
	Size size_;
	const std::string typed_;
	std::size_t next_ = 0;
};

} // namespace thinback::tool
