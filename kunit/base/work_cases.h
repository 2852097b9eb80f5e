/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_work suite, for whoever runs it. */
#define TBK_WORK_CASES(X)                      \
	X(work_queued_twice_runs_once)         \
	X(work_runs_again_if_queued_by_itself) \
	X(cancelled_delay_never_runs)          \
	X(shorter_delay_wins)                  \
	X(work_may_free_itself)                \
	X(destroy_waits_for_works_queued)
