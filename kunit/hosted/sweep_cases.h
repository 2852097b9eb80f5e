/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_sweep suite. */
#define TBK_SWEEP_CASES(X)                              \
	X(sweep_is_off_unless_asked_for)                \
	X(sweep_discards_what_was_freed_in_few_pieces)  \
	X(sweep_keeps_to_granules_of_the_device)        \
	X(sweep_is_no_faster_than_its_rate)             \
	X(sweep_leaves_discards_out_for_who_needs_room) \
	X(sweep_loses_no_block_to_a_discard_that_fails) \
	X(sweep_of_a_device_without_discards)           \
	X(sweep_does_not_hold_up_a_close)               \
	X(sweep_policy_survives)                        \
	X(sweep_turned_off_gives_out_what_waited)       \
	X(scrub_leaves_nothing_on_the_device)           \
	X(scrub_is_done_when_the_pool_is_closed)        \
	X(scrub_comes_before_a_block_is_given_out)      \
	X(scrub_and_discard_of_the_same)                \
	X(scrub_that_fails_keeps_the_block)
