/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_stats suite. */
#define TBK_STATS_CASES(X)                           \
	X(buckets_begin_at_powers_of_two)            \
	X(requests_are_counted_by_kind_and_time)     \
	X(failed_request_is_an_error_and_no_bytes)   \
	X(counters_outlive_the_handle)               \
	X(opening_without_memory_for_counters_fails) \
	X(guest_is_counted_from_the_ring_and_back)
