/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_volume suite. */
#define TBK_GUEST_VOLUME_CASES(X)            \
	X(new_volume_reads_as_zeros)         \
	X(volume_keeps_what_a_guest_flushed) \
	X(snapshot_is_read_only_to_a_guest)  \
	X(clone_hides_what_a_guest_writes)   \
	X(random_requests_agree_with_a_model)
