/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_session suite, for whoever runs it. */
#define TBK_SESSION_CASES(X)                            \
	X(linux_frontend_connects_and_closes)           \
	X(linux_frontend_may_be_ahead_of_the_target)    \
	X(ovmf_goes_from_initialising_to_connected)     \
	X(ovmf_hands_over_and_connects_again)           \
	X(frontend_that_went_back_is_connected_anew)    \
	X(grub_stays_initialised_and_starts_over)       \
	X(windows_closes_before_it_connects)            \
	X(kdump_resets_through_closing)                 \
	X(frontend_that_starts_over_unseen_is_drained)  \
	X(closed_waits_for_requests_in_flight)          \
	X(frontend_that_vanishes_takes_the_disk_along)  \
	X(detach_of_a_connected_disk_closes_the_target) \
	X(detach_needs_no_frontend)                     \
	X(detach_after_closed_writes_closed_again)      \
	X(driver_that_leaves_writes_nothing)            \
	X(failure_waits_for_the_frontend_to_move)       \
	X(nonsense_is_refused_once)                     \
	X(every_view_comes_to_rest)
