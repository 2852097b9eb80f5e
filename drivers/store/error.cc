// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/result.h>

namespace thinback {

int to_errno(Err err)
{
	switch (err) {
	case Err::ok:
		return 0;
#define TBK_ERR_CASE(name, num, text) \
	case Err::name:               \
		return -(num);
		TBK_ERRORS(TBK_ERR_CASE)
#undef TBK_ERR_CASE
	}
	return -TBK_EIO;
}

Err from_errno(int num)
{
	/* Several reasons share a number; of those, the one a device or allocator can mean. */
	switch (-num) {
	case 0:
		return Err::ok;
	case TBK_EINVAL:
		return Err::bad_argument;
	case TBK_ENOMEM:
		return Err::no_memory;
	case TBK_ENOSPC:
		return Err::no_space;
	case TBK_ENOENT:
		return Err::not_found;
	case TBK_EEXIST:
		return Err::exists;
	case TBK_ENODATA:
		return Err::bad_sector;
	case TBK_EBUSY:
		return Err::busy;
	case TBK_EROFS:
		return Err::read_only;
	case TBK_ESHUTDOWN:
		return Err::pool_failed;
	case TBK_EAGAIN:
		return Err::would_block;
	case TBK_EOPNOTSUPP:
		return Err::unsupported;
	}
	return Err::io_error;
}

const char *to_text(Err err)
{
	switch (err) {
	case Err::ok:
		return "no error";
#define TBK_ERR_CASE(name, num, text) \
	case Err::name:               \
		return text;
		TBK_ERRORS(TBK_ERR_CASE)
#undef TBK_ERR_CASE
	}
	return "unknown error";
}

} // namespace thinback
