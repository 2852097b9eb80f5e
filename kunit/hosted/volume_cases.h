/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_volume suite, for whoever runs it. */
#define TBK_VOLUME_CASES(X)                                   \
	X(zeroes_of_a_part_leave_what_is_written_to_the_rest) \
	X(requests_on_mapped_blocks_allocate_nothing)         \
	X(settling_of_a_read_only_pool_ends)
