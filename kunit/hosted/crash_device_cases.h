/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_crash_device suite, for whoever runs it. */
#define TBK_CRASH_DEVICE_CASES(X)          \
	X(unflushed_write_may_be_lost)     \
	X(flushed_write_is_there)          \
	X(fua_write_is_there)              \
	X(flush_covers_only_what_was_done) \
	X(preflush_comes_before_its_write) \
	X(older_write_does_not_come_back)  \
	X(failed_flush_hardens_nothing)    \
	X(write_is_torn_at_sectors)        \
	X(restart_makes_content_durable)
