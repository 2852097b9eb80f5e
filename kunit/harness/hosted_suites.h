/* SPDX-License-Identifier: GPL-2.0 */
/* Suites that make sense in a process alone. */
#include "../hosted/crash_device_cases.h"
#include "../hosted/guest_disk_cases.h"
#include "../hosted/guest_volume_cases.h"
#include "../hosted/memory_device_cases.h"
#include "../hosted/merge_crash_cases.h"
#include "../hosted/model_hosted_cases.h"
#include "../hosted/scheduler_cases.h"

/* clang-format off */
#define TBK_HOSTED_SUITES(X)				\
	X(crash_device, TBK_CRASH_DEVICE_CASES)		\
	X(guest_disk, TBK_GUEST_DISK_CASES)		\
	X(guest_volume, TBK_GUEST_VOLUME_CASES)		\
	X(memory_device, TBK_MEMORY_DEVICE_CASES)	\
	X(merge_crash, TBK_MERGE_CRASH_CASES)		\
	X(model_hosted, TBK_MODEL_HOSTED_CASES)		\
	X(scheduler, TBK_SCHEDULER_CASES)
/* clang-format on */
