/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

namespace thinback {

/* Runs @run(@context) in another thread, and waits for it. False if there was no memory for one. */
bool run_elsewhere(void (*run)(void *context), void *context);

} // namespace thinback
