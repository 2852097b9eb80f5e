// SPDX-License-Identifier: GPL-2.0
#include "terminal.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string_view>

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace thinback::tool {

namespace {

constexpr std::array ending = { SIGINT, SIGTERM, SIGHUP };

/* The other screen, without a cursor; and back. */
constexpr std::string_view enter = "\033[?1049h\033[?25l";
constexpr std::string_view leave = "\033[?25h\033[?1049l";

volatile std::sig_atomic_t has_ended;
volatile std::sig_atomic_t has_resized;

void note_signal(int number)
{
	(number == SIGWINCH ? has_resized : has_ended) = 1;
}

/* Signals are let through while wait() waits alone, or one might come just before it. */
void handle(int number, void (*handler)(int))
{
	struct sigaction action {};

	action.sa_handler = handler;
	sigaction(number, &action, nullptr);
}

sigset_t our_signals()
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	for (const int number : ending)
		sigaddset(&set, number);
	return set;
}

void handle_all(void (*handler)(int))
{
	handle(SIGWINCH, handler);
	for (const int number : ending)
		handle(number, handler);
}

/* A terminal that went away ends the wait that follows. */
void put(std::string_view text)
{
	while (!text.empty()) {
		const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());

		if (written < 0 && errno != EINTR) {
			has_ended = 1;
			return;
		}
		if (written > 0)
			text.remove_prefix(static_cast<std::size_t>(written));
	}
}

} // namespace

RealTerminal::~RealTerminal()
{
	end();
}

void RealTerminal::begin()
{
	const sigset_t blocked = our_signals();

	if (is_drawing_ || tcgetattr(STDIN_FILENO, &before_) != 0)
		return;
	has_ended = 0;
	has_resized = 0;
	sigprocmask(SIG_BLOCK, &blocked, nullptr);
	handle_all(note_signal);

	struct termios raw = before_;

	raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	raw.c_cc[VSUSP] = _POSIX_VDISABLE; /* the shell would be left with this screen */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	put(enter);
	is_drawing_ = true;
}

void RealTerminal::end()
{
	const sigset_t blocked = our_signals();

	if (!is_drawing_)
		return;
	is_drawing_ = false;
	put(leave);
	tcsetattr(STDIN_FILENO, TCSANOW, &before_);
	handle_all(SIG_IGN); /* what came since has done what it could: we are ending */
	sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
	handle_all(SIG_DFL);
}

Terminal::Size RealTerminal::size()
{
	struct winsize size {};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_col || !size.ws_row)
		return { 80, 24 };
	return { size.ws_col, size.ws_row };
}

/*
 * Line by line over the old ones, which would flicker if they were wiped first. What wipes
 * the rest of a line would take a character in the last column.
 */
void RealTerminal::draw(const std::string &page)
{
	std::string text = "\033[H";

	for (const char c : page)
		text += c == '\n' ? std::string("\033[K\n") : std::string(1, c);
	put(text + "\033[J");
}

char RealTerminal::wait(std::uint64_t ns)
{
	const struct timespec limit = { static_cast<time_t>(ns / 1'000'000'000),
					static_cast<long>(ns % 1'000'000'000) };
	struct pollfd input = { STDIN_FILENO, POLLIN, 0 };
	sigset_t open;
	char key = ended;

	sigprocmask(SIG_BLOCK, nullptr, &open);
	sigdelset(&open, SIGWINCH);
	for (const int number : ending)
		sigdelset(&open, number);

	const int ready = has_ended ? -1 : ppoll(&input, 1, &limit, &open);

	if (has_ended)
		return ended;
	if (has_resized) {
		has_resized = 0;
		return resized;
	}
	if (ready <= 0)
		return timeout;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : ended;
}

} // namespace thinback::tool
