/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_scheduler suite, for whoever runs it. */
#define TBK_SCHEDULER_CASES(X)                           \
	X(fibers_take_turns_in_order)                    \
	X(equal_seeds_give_equal_runs)                   \
	X(unequal_seeds_give_unequal_runs)               \
	X(mutex_lets_one_in_at_a_time)                   \
	X(virtual_time_jumps_when_idle)                  \
	X(deadlock_is_noticed)                           \
	X(deadlock_behind_timers_is_noticed)             \
	X(missed_wake_is_noticed)                        \
	X(wrong_rank_is_noticed)                         \
	X(sleep_under_spinlock_is_noticed)               \
	X(sleep_in_read_section_is_noticed)              \
	X(sleep_in_interrupt_is_noticed)                 \
	X(spinlock_of_processes_in_interrupt_is_noticed) \
	X(fibers_left_over_are_told_of)                  \
	X(nth_allocation_fails)                          \
	X(limited_reserve_makes_takers_wait)             \
	X(log_goes_to_sink)
