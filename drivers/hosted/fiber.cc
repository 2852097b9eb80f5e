// SPDX-License-Identifier: GPL-2.0
#include "fiber.h"

#include <string.h>
#include <sys/mman.h>

#include "hosted.h"
#include "sanitizer.h"

namespace thinback {

namespace {

constexpr size_t stack_size = size_t(256) << 10;
constexpr size_t guard_size = 4096;

std::vector<void *> &spare_stacks()
{
	static std::vector<void *> stacks;
	return stacks;
}

void *take_stack()
{
	auto &spare = spare_stacks();

	if (!spare.empty()) {
		void *stack = spare.back();
		spare.pop_back();
		return stack;
	}

	void *area = mmap(nullptr, guard_size + stack_size, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (area == MAP_FAILED)
		die("no memory for a stack");

	void *stack = static_cast<char *>(area) + guard_size;
	if (mprotect(stack, stack_size, PROT_READ | PROT_WRITE))
		die("no memory for a stack");
	return stack;
}

bool is_measuring;
size_t deepest;
std::string deepest_name;

/* Stacks grow downwards, and are zero where nobody has been. */
size_t used_of(const void *stack)
{
	const auto *words = static_cast<const u64 *>(stack);
	size_t unused = 0;

	while (unused < stack_size / sizeof(u64) && !words[unused])
		unused++;
	return stack_size - unused * sizeof(u64);
}

void measure(void *stack, const std::string &name)
{
	const size_t used = used_of(stack);

	if (used > deepest) {
		deepest = used;
		deepest_name = name;
	}
	memset(static_cast<char *>(stack) + stack_size - used, 0, used);
}

} // namespace

void hosted_measure_stacks()
{
	is_measuring = true;
}

size_t hosted_deepest_stack(const char **fiber_name)
{
	*fiber_name = deepest_name.c_str();
	return deepest;
}

Fiber::Fiber(const char *fiber_name, std::function<void()> body)
	: Context(nullptr), own_name_(fiber_name), body_(std::move(body)), stack_(take_stack())
{
	name = own_name_.c_str();
	prepare_stack(inside_, stack_, stack_size, entry, this);
}

Fiber::~Fiber()
{
	clean_stack(stack_, stack_size);
	if (is_measuring)
		measure(stack_, own_name_);
	spare_stacks().push_back(stack_);
}

void Fiber::entry(void *self)
{
	static_cast<Fiber *>(self)->run();
}

void Fiber::run()
{
	enter_stack(nullptr, &outside_stack_, &outside_size_);
	body_();
	body_ = nullptr;
	ended_ = true;
	leave_stack(nullptr, outside_stack_, outside_size_);
	switch_stack(inside_, outside_);
}

void Fiber::resume()
{
	leave_stack(&outside_fake_stack_, stack_, stack_size);
	switch_stack(outside_, inside_);
	enter_stack(outside_fake_stack_, nullptr, nullptr);
}

void Fiber::pause()
{
	leave();
	while (is_asked_for_trace) {
		is_asked_for_trace = false;
		print_stack_trace();
		leave();
	}
}

void Fiber::leave()
{
	leave_stack(&inside_fake_stack_, outside_stack_, outside_size_);
	switch_stack(inside_, outside_);
	enter_stack(inside_fake_stack_, &outside_stack_, &outside_size_);
}

} // namespace thinback
