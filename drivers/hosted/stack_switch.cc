// SPDX-License-Identifier: GPL-2.0
/*
 * swapcontext() would do, but it asks the kernel for the signal mask each time,
 * and AddressSanitizer warns of it. Elsewhere than on x86-64 it has to.
 */
#include "stack_switch.h"

#include <stdint.h>

#ifdef __x86_64__

/* What the C calling convention keeps across a call goes to the stack, and the stack is changed. */
asm(R"(
	.text
	.type tbk_switch_stack, @function
tbk_switch_stack:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size tbk_switch_stack, . - tbk_switch_stack

	.type tbk_begin_stack, @function
tbk_begin_stack:
	movq %r12, %rdi
	xorl %ebp, %ebp
	callq *%r13
	ud2
	.size tbk_begin_stack, . - tbk_begin_stack
)");

extern "C" {
void tbk_switch_stack(void **from, void *to);
void tbk_begin_stack(void);
}

namespace thinback {

void prepare_stack(ParkedStack &to, void *stack, size_t size, void (*entry)(void *), void *context)
{
	/* In the order they are popped; what follows keeps the stack aligned to 16 at the call. */
	void *const frame[] = {
		nullptr, nullptr, reinterpret_cast<void *>(entry),	     context,
		nullptr, nullptr, reinterpret_cast<void *>(tbk_begin_stack), nullptr,
		nullptr
	};
	constexpr size_t words = sizeof(frame) / sizeof(frame[0]);
	void **top = reinterpret_cast<void **>(static_cast<char *>(stack) + size) - words;

	for (size_t i = 0; i < words; i++)
		top[i] = frame[i];
	to.top = top;
}

void switch_stack(ParkedStack &from, ParkedStack &to)
{
	tbk_switch_stack(&from.top, to.top);
}

} // namespace thinback

#else

#include <ucontext.h>

namespace thinback {

namespace {

/* makecontext() passes ints. */
void begin(unsigned int a, unsigned int b, unsigned int c, unsigned int d)
{
	const auto entry = reinterpret_cast<void (*)(void *)>(uintptr_t(a) << 32 | b);

	entry(reinterpret_cast<void *>(uintptr_t(c) << 32 | d));
}

} // namespace

/* The context lies at the low end of the stack it is for. */
void prepare_stack(ParkedStack &to, void *stack, size_t size, void (*entry)(void *), void *context)
{
	const auto call = reinterpret_cast<uintptr_t>(entry);
	const auto with = reinterpret_cast<uintptr_t>(context);
	auto *parked = static_cast<ucontext_t *>(stack);

	getcontext(parked);
	parked->uc_stack.ss_sp = parked + 1;
	parked->uc_stack.ss_size = size - sizeof(*parked);
	parked->uc_link = nullptr;
	makecontext(parked, reinterpret_cast<void (*)()>(begin), 4,
		    static_cast<unsigned int>(call >> 32), static_cast<unsigned int>(call),
		    static_cast<unsigned int>(with >> 32), static_cast<unsigned int>(with));
	to.top = parked;
}

void switch_stack(ParkedStack &from, ParkedStack &to)
{
	ucontext_t here;

	from.top = &here;
	swapcontext(&here, static_cast<ucontext_t *>(to.top));
}

} // namespace thinback

#endif
