/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_guest_keys suite. */
#define TBK_GUEST_KEYS_CASES(X)                            \
	X(optical_and_removable_disks_are_told_of)         \
	X(large_sectors_are_told_of_in_units_of_512)       \
	X(device_without_a_cache_is_said_to_need_no_flush) \
	X(keys_that_cannot_be_written_close_the_disk)
