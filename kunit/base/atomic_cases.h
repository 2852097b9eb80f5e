/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_atomic suite, for whoever runs it. */
#define TBK_ATOMIC_CASES(X)                         \
	X(compare_exchange_reports_what_was_there)  \
	X(fetch_functions_return_value_before)      \
	X(read_once_sees_write_once)                \
	X(seqcount_accepts_undisturbed_read)        \
	X(seqcount_rejects_read_begun_during_write) \
	X(seqcount_rejects_read_with_write_between)
