/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_life suite. */
#define TBK_GUEST_LIFE_CASES(X)                            \
	X(device_that_grows_is_told_of_at_once)            \
	X(device_that_shrinks_is_told_of_and_kept_to)      \
	X(volume_that_is_resized_is_told_of_and_kept_to)   \
	X(size_is_not_written_over_the_toolstacks_state)   \
	X(device_that_was_pulled_out_is_reported_once)     \
	X(device_is_exchanged_between_connections)         \
	X(frontend_that_went_back_has_new_rings)           \
	X(frontend_that_says_the_same_again_is_left_alone) \
	X(long_discard_goes_in_pieces)                     \
	X(long_discards_leave_room_for_others)             \
	X(long_discard_ends_when_the_disk_closes)          \
	X(long_discard_that_fails_is_an_error)
