/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_owned suite, for whoever runs it. */
#define TBK_OWNED_CASES(X)                    \
	X(make_forwards_arguments)            \
	X(owner_destroys_at_end_of_block)     \
	X(move_leaves_nothing_behind)         \
	X(assignment_destroys_what_was_owned) \
	X(release_hands_over)                 \
	X(try_takes_owned_out_of_result)      \
	X(defer_runs_at_end_unless_dismissed)
