/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <stddef.h>

namespace thinback {

/* A stack that is not running: where to go on is on top of it. */
struct ParkedStack {
	void *top = nullptr;
};

/* Makes @to a stack on which @entry(@context) begins when switched to; it must never return. */
void prepare_stack(ParkedStack &to, void *stack, size_t size, void (*entry)(void *), void *context);

/* Parks the running stack in @from and goes on with @to. */
void switch_stack(ParkedStack &from, ParkedStack &to);

} // namespace thinback
