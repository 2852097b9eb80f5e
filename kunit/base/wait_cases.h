/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_wait suite, for whoever runs it. */
#define TBK_WAIT_CASES(X)                  \
	X(wait_ends_when_condition_holds)  \
	X(gate_lets_nobody_in_when_closed) \
	X(gate_closes_when_last_has_left)  \
	X(rcu_barrier_waits_for_callbacks) \
	X(reserve_hands_out_least)
