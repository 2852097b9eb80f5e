/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_volume suite. */
#define TBK_GUEST_VOLUME_CASES(X)                          \
	X(new_volume_reads_as_zeros)                       \
	X(volume_keeps_what_a_guest_flushed)               \
	X(snapshot_is_read_only_to_a_guest)                \
	X(clone_hides_what_a_guest_writes)                 \
	X(large_sectors_stay_with_a_volume_and_its_clones) \
	X(large_sectors_take_no_halves)                    \
	X(discard_frees_what_a_volume_holds)               \
	X(flush_whose_data_finds_no_space_is_an_error)     \
	X(random_requests_agree_with_a_model)
