/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>

namespace thinback {

/* Whether @body, in a child of its own, ends the process by a signal. What it says is not shown. */
bool dies(const std::function<void()> &body);

} // namespace thinback
