/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_dump suite. */
#define TBK_DUMP_CASES(X)                    \
	X(dump_tells_what_attach_would_show) \
	X(dump_writes_nothing)               \
	X(dump_tells_shared_subtrees_once)   \
	X(dump_of_no_pool_is_refused)        \
	X(dump_names_what_cannot_be_read)    \
	X(dump_ends_when_told_to)
