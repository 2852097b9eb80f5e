/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_faults suite. */
#define TBK_FAULTS_CASES(X)                                \
	X(faults_every_allocation_of_an_opener_fails_once) \
	X(faults_shrink_fails_half_way)                    \
	X(faults_every_allocation_fails_once)              \
	X(faults_every_read_of_an_opener_fails_once)       \
	X(faults_every_read_fails_once)                    \
	X(faults_every_write_fails_once)                   \
	X(faults_every_flush_fails_once)                   \
	X(faults_every_read_is_late_once)                  \
	X(faults_every_write_is_late_once)                 \
	X(faults_every_flush_is_late_once)                 \
	X(faults_every_write_fails_from_then_on)           \
	X(faults_every_flush_fails_from_then_on)
