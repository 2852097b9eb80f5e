/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_request suite, for whoever runs it. */
#define TBK_REQUEST_CASES(X)                         \
	X(check_accepts_read_of_all_segments)        \
	X(check_accepts_flush_without_data)          \
	X(check_accepts_flush_with_data)             \
	X(check_refuses_operations_not_offered)      \
	X(check_refuses_unknown_operations)          \
	X(check_refuses_counts_of_segments)          \
	X(check_refuses_bad_segments)                \
	X(check_refuses_sectors_out_of_range)        \
	X(check_accepts_the_last_sector)             \
	X(check_keeps_read_only_disks)               \
	X(check_refuses_misaligned_on_large_sectors) \
	X(check_accepts_indirect_of_all_segments)    \
	X(check_refuses_indirect_of_anything_else)   \
	X(check_refuses_counts_of_indirect_segments) \
	X(check_refuses_what_the_list_says)          \
	X(check_accepts_discards)                    \
	X(check_refuses_bad_discards)                \
	X(check_accepts_barriers_where_offered)      \
	X(reply_names_the_inner_operation_of_indirect)
