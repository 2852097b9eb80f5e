/* SPDX-License-Identifier: GPL-2.0 */
/* Amounts of bytes, as people write and read them. */
#pragma once

#include <cstdint>
#include <string>

namespace thinback::tool {

/* "4G", "4GiB", "1.5T" or bare bytes; multiples of 1024. Throws Failure for @object. */
std::uint64_t parse_size(const std::string &text, const std::string &object);

/* "4.0G"; with @exact the bare number of bytes. */
std::string format_size(std::uint64_t bytes, bool exact = false);

} // namespace thinback::tool
