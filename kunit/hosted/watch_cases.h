/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_watch suite. */
#define TBK_WATCH_CASES(X)                          \
	X(levels_have_marks_and_some_room_to_spare) \
	X(level_is_told_when_full_and_after)        \
	X(level_is_full_when_the_rest_is_reserved)  \
	X(marks_survive)
