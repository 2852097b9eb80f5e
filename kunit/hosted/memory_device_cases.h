/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_memory_device suite, for whoever runs it. */
#define TBK_MEMORY_DEVICE_CASES(X)              \
	X(memory_device_keeps_what_was_written) \
	X(memory_device_is_sparse)              \
	X(memory_device_copies_share_pages)     \
	X(memory_device_clears_parts_of_pages)  \
	X(memory_device_completes_later)        \
	X(memory_device_fails_on_demand)        \
	X(memory_device_holds_requests_back)    \
	X(misaligned_request_is_noticed)        \
	X(payload_changed_in_flight_is_noticed) \
	X(segments_are_walked)                  \
	X(file_device_keeps_what_was_written)   \
	X(file_device_is_exclusive)             \
	X(crc32c_matches_known_value)
