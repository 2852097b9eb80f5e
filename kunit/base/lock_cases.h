/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_lock suite, for whoever runs it. */
#define TBK_LOCK_CASES(X)                    \
	X(spin_guard_holds_to_end_of_block)  \
	X(irq_guard_holds_to_end_of_block)   \
	X(mutex_guard_holds_to_end_of_block) \
	X(try_lock_refuses_while_other_holds)
