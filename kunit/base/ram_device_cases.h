/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_ram_device suite, for whoever runs it. */
#define TBK_RAM_DEVICE_CASES(X)                 \
	X(ram_device_reads_zeros_until_written) \
	X(ram_device_reads_what_was_written)    \
	X(ram_device_completes_by_worker)       \
	X(ram_device_forgets_discarded)         \
	X(ram_device_fails_on_demand)
