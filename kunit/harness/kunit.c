// SPDX-License-Identifier: GPL-2.0
/* Runs the C++ test bodies under KUnit. */
#include <kunit/test.h>
#include <linux/module.h>

#include "suites.h"

void tbk_test_failed(struct kunit *test, const char *file, int line, const char *text);

void tbk_test_failed(struct kunit *test, const char *file, int line, const char *text)
{
	KUNIT_FAIL(test, "%s:%d: %s", file, line, text);
}

#define DECLARE_CASE(name) void tbk_test_##name(struct kunit *test);
#define LIST_CASE(case_name) { .run_case = tbk_test_##case_name, .name = #case_name },

/* clang-format off */
#define DEFINE_SUITE(suite, cases)                                                 \
	cases(DECLARE_CASE)                                                        \
	static struct kunit_case tbk_##suite##_cases[] = { cases(LIST_CASE) {} };  \
	static struct kunit_suite tbk_##suite##_suite = {                          \
		.name = "tbk_" #suite,                                             \
		.test_cases = tbk_##suite##_cases,                                 \
	};
#define LIST_SUITE(suite, cases) &tbk_##suite##_suite,
/* clang-format on */

TBK_SUITES(DEFINE_SUITE)

/* kunit_test_suites() takes no trailing comma, of which the list leaves one. */
static struct kunit_suite *tbk_suites[] __used
	__section(".kunit_test_suites") = { TBK_SUITES(LIST_SUITE) };

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tests of xen-thinback");
