/* SPDX-License-Identifier: GPL-2.0 */
/* A page that is drawn over and over where somebody sits at a terminal. */
#pragma once

#include <cstdint>
#include <string>

#include <termios.h>

namespace thinback::tool {

class Terminal {
public:
	struct Size {
		std::size_t columns;
		std::size_t lines;
	};

	/* What wait() returns besides keys. */
	static constexpr char timeout = '\0';
	static constexpr char resized = '\f';
	static constexpr char ended = 'q'; /* by a signal, as by the key */

	virtual ~Terminal() = default;

	/* Puts aside what is on the screen, and what keys do; end() brings both back. */
	virtual void begin() = 0;
	virtual void end() = 0;
	virtual Size size() = 0;
	/* @page: lines that fit, with the last column free. */
	virtual void draw(const std::string &page) = 0;
	/* Until a key is hit, for @ns at most. */
	virtual char wait(std::uint64_t ns) = 0;
};

/* A terminal, from beginning to end. */
class Stage {
public:
	explicit Stage(Terminal &terminal) : terminal_(terminal) { terminal_.begin(); }
	~Stage() { terminal_.end(); }
	Stage(const Stage &) = delete;
	Stage &operator=(const Stage &) = delete;

private:
	Terminal &terminal_;
};

/* Input and output of this process. One at a time. */
class RealTerminal final : public Terminal {
public:
	~RealTerminal() override;

	void begin() override;
	void end() override;
	Size size() override;
	void draw(const std::string &page) override;
	char wait(std::uint64_t ns) override;

private:
	bool is_drawing_ = false;
	struct termios before_ {};
};

} // namespace thinback::tool
