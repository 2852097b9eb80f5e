/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_restore suite. */
#define TBK_RESTORE_CASES(X)                        \
	X(restore_brings_back_any_pool)             \
	X(restore_brings_back_a_pool_in_a_merge)    \
	X(restore_brings_back_many_extents)         \
	X(restore_is_newer_than_what_it_replaces)   \
	X(restore_refuses_a_device_that_is_smaller) \
	X(restore_is_cut_off_at_any_write)          \
	X(restore_refuses_what_makes_no_sense)      \
	X(restore_refuses_any_wrong_number)         \
	X(restore_goes_without_what_was_lost)
