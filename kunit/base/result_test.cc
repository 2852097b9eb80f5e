// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/result.h>

#include "../harness/check.h"

using namespace thinback;

namespace {

Result<int> half(int n)
{
	if (n % 2)
		return Err::bad_argument;
	return n / 2;
}

Status note_quarter(int n, int &quarter)
{
	quarter = TBK_TRY(half(TBK_TRY(half(n))));
	return {};
}

} // namespace

TBK_TEST(result_holds_value)
{
	auto got = half(8);

	REQUIRE_OK(got);
	CHECK_EQ(got.error(), Err::ok);
	CHECK_EQ(got.value(), 4);
	CHECK_EQ(got.release(), 4);
}

TBK_TEST(result_holds_error)
{
	const auto got = half(7);

	CHECK(!got.is_ok());
	CHECK_EQ(got.error(), Err::bad_argument);
}

TBK_TEST(try_returns_early_with_error)
{
	int quarter = -1;

	CHECK_EQ(note_quarter(6, quarter).error(), Err::bad_argument);
	CHECK_EQ(quarter, -1);
	CHECK_OK(note_quarter(8, quarter));
	CHECK_EQ(quarter, 2);
}

TBK_TEST(errors_cross_as_negative_errno)
{
	CHECK_EQ(to_errno(Err::ok), 0);
	CHECK_EQ(to_errno(Err::bad_checksum), -TBK_EIO);
	CHECK_EQ(to_errno(Err::no_space), -TBK_ENOSPC);
}

TBK_TEST(errno_comes_back_as_error)
{
	CHECK_EQ(from_errno(0), Err::ok);
	CHECK_EQ(from_errno(-TBK_EIO), Err::io_error);
	CHECK_EQ(from_errno(-TBK_ENOMEM), Err::no_memory);
	CHECK_EQ(from_errno(-TBK_ENOSPC), Err::no_space);
	CHECK_EQ(from_errno(-12345), Err::io_error);
}

TBK_TEST(every_error_has_a_text)
{
#define CHECK_TEXT(name, num, text)         \
	CHECK_EQ(to_text(Err::name), text); \
	CHECK_EQ(to_errno(Err::name), -(num));
	TBK_ERRORS(CHECK_TEXT)
#undef CHECK_TEXT
}
