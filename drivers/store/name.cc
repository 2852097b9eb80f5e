// SPDX-License-Identifier: GPL-2.0
#include "volume.h"

namespace thinback {
namespace {

bool is_allowed(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

} // namespace

Result<Name> Name::parse(const char *text)
{
	Name name;
	size_t length = 0;

	if (!text || text[0] == 0 || text[0] == '-' || text[0] == '.')
		return Err::bad_argument;
	for (; text[length]; length++) {
		if (length == TBK_NAME_MAX)
			return Err::name_too_long;
		if (!is_allowed(text[length]))
			return Err::bad_argument;
		name.text[length] = text[length];
	}
	return name;
}

bool Name::is(const char *other) const
{
	for (size_t i = 0; i < format::name_size; i++) {
		if (text[i] != other[i])
			return false;
		if (text[i] == 0)
			return true;
	}
	return false;
}

} // namespace thinback
