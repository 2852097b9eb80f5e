/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_zeroes suite. */
#define TBK_ZEROES_CASES(X)                      \
	X(zeroes_take_space_unless_asked_not_to) \
	X(zeroes_take_no_space)                  \
	X(zeroes_free_what_was_there)            \
	X(zeroes_hide_what_a_snapshot_keeps)     \
	X(zeroes_among_other_blocks)             \
	X(zeroes_in_pieces_of_pages)             \
	X(zeroes_with_fua_survive)               \
	X(zeroes_flushed_survive)                \
	X(zeroes_go_into_a_full_pool)            \
	X(zeroes_setting_stays_with_the_name)
