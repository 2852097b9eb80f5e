/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test body may use. The same body runs under KUnit in the kernel
 * (kunit/harness/kunit.c) and in a process (kunit/harness/hosted.cc); struct
 * kunit is theirs to define.
 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/base/types.h>
#include <thinback/platform.h>

struct kunit;

extern "C" void tbk_test_failed(struct kunit *test, const char *file, int line, const char *text);

#define TBK_TEST(name)                                       \
	extern "C" void tbk_test_##name(struct kunit *test); \
	extern "C" void tbk_test_##name([[maybe_unused]] struct kunit *test)

namespace thinback::check {

/* Room for a value in words. */
struct Shown {
	char text[80];
};

inline Shown show(const char *value)
{
	Shown shown = {};

	tbk_format(shown.text, sizeof(shown.text), "\"%s\"", value ? value : "(null)");
	return shown;
}

inline Shown show(Err value)
{
	Shown shown = {};

	tbk_format(shown.text, sizeof(shown.text), "%s", to_text(value));
	return shown;
}

template <typename T> Shown show(const T &value)
{
	Shown shown = {};

	if constexpr (requires { value.raw(); })
		return show(value.raw());
	else if constexpr (requires { &*value; })
		tbk_format(shown.text, sizeof(shown.text), "%p",
			   static_cast<const void *>(&*value));
	else if constexpr (T(-1) < T(0))
		tbk_format(shown.text, sizeof(shown.text), "%lld", static_cast<s64>(value));
	else
		tbk_format(shown.text, sizeof(shown.text), "%llu (0x%llx)", static_cast<u64>(value),
			   static_cast<u64>(value));
	return shown;
}

inline bool is_equal(const char *a, const char *b)
{
	while (a && b && *a && *a == *b)
		a++, b++;
	return a == b || (a && b && *a == *b);
}

/* Numbers by value, whatever their types; strings by content. */
template <typename A, typename B> bool is_equal(const A &a, const B &b)
{
	if constexpr (requires { a % b; })
		return static_cast<u64>(a) == static_cast<u64>(b);
	else
		return a == b;
}

/* A place in a test, so that the functions below have few parameters. */
struct Place {
	struct kunit *test;
	const char *file;
	int line;
	const char *expr;
};

template <typename A, typename B>
[[gnu::noinline]] bool equal(const Place &place, const A &a, const B &b)
{
	if (is_equal(a, b))
		return true;

	const Shown left = show(a);
	const Shown right = show(b);
	char text[256];

	tbk_format(text, sizeof(text), "%s: %s and %s", place.expr, left.text, right.text);
	tbk_test_failed(place.test, place.file, place.line, text);
	return false;
}

template <typename Outcome> [[gnu::noinline]] bool ok(const Place &place, const Outcome &outcome)
{
	if (outcome.is_ok())
		return true;

	char text[256];

	tbk_format(text, sizeof(text), "%s: %s", place.expr, to_text(outcome.error()));
	tbk_test_failed(place.test, place.file, place.line, text);
	return false;
}

} // namespace thinback::check

#define TBK_HERE(expr) (::thinback::check::Place{ test, __FILE__, __LINE__, expr })

/* Goes on when it fails. */
#define CHECK(cond) ((cond) ? (void)0 : tbk_test_failed(test, __FILE__, __LINE__, #cond))
#define CHECK_EQ(a, b) (void)::thinback::check::equal(TBK_HERE(#a " == " #b), a, b)
#define CHECK_OK(result) (void)::thinback::check::ok(TBK_HERE(#result), result)

/* Ends the function, which returns nothing, when it fails. */
#define REQUIRE(cond) \
	if (!(cond))  \
	return tbk_test_failed(test, __FILE__, __LINE__, #cond)
#define REQUIRE_EQ(a, b)                                             \
	if (!::thinback::check::equal(TBK_HERE(#a " == " #b), a, b)) \
	return
#define REQUIRE_OK(result)                                     \
	if (!::thinback::check::ok(TBK_HERE(#result), result)) \
	return
