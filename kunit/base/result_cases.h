/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_result suite, for whoever runs it. */
#define TBK_RESULT_CASES(X)               \
	X(result_holds_value)             \
	X(result_holds_error)             \
	X(try_returns_early_with_error)   \
	X(errors_cross_as_negative_errno) \
	X(errno_comes_back_as_error)      \
	X(every_error_has_a_text)
