/* SPDX-License-Identifier: GPL-2.0 */
/* Suites that make sense in a process alone. */
#include "../crash/crash_explorer_cases.h"
#include "../hosted/alter_cases.h"
#include "../hosted/check_parts_cases.h"
#include "../hosted/corruption_cases.h"
#include "../hosted/crash_device_cases.h"
#include "../hosted/dump_cases.h"
#include "../hosted/faults_cases.h"
#include "../hosted/full_cases.h"
#include "../hosted/grow_cases.h"
#include "../hosted/grow_crash_cases.h"
#include "../hosted/guest_disk_cases.h"
#include "../hosted/guest_events_cases.h"
#include "../hosted/guest_heir_cases.h"
#include "../hosted/guest_held_cases.h"
#include "../hosted/guest_indirect_cases.h"
#include "../hosted/guest_keys_cases.h"
#include "../hosted/guest_life_cases.h"
#include "../hosted/guest_limits_cases.h"
#include "../hosted/guest_memory_cases.h"
#include "../hosted/guest_order_cases.h"
#include "../hosted/guest_persistent_cases.h"
#include "../hosted/guest_rings_cases.h"
#include "../hosted/guest_squeeze_cases.h"
#include "../hosted/guest_steady_cases.h"
#include "../hosted/guest_trace_cases.h"
#include "../hosted/guest_turns_cases.h"
#include "../hosted/guest_volume_cases.h"
#include "../hosted/journal_cases.h"
#include "../hosted/memory_device_cases.h"
#include "../hosted/merge_crash_cases.h"
#include "../hosted/model_hosted_cases.h"
#include "../hosted/quota_cases.h"
#include "../hosted/repair_hosted_cases.h"
#include "../hosted/restore_cases.h"
#include "../hosted/scheduler_cases.h"
#include "../hosted/scrub_cases.h"
#include "../hosted/scrub_run_cases.h"
#include "../hosted/scrub_space_cases.h"
#include "../hosted/starve_cases.h"
#include "../hosted/stats_cases.h"
#include "../hosted/sweep_cases.h"
#include "../hosted/torn_slot_cases.h"
#include "../hosted/tuning_cases.h"
#include "../hosted/volume_cases.h"
#include "../hosted/watch_cases.h"
#include "../hosted/zeroes_cases.h"

/* clang-format off */
#define TBK_HOSTED_SUITES(X)				\
	X(alter, TBK_ALTER_CASES)			\
	X(check_parts, TBK_CHECK_PARTS_CASES)		\
	X(corruption, TBK_CORRUPTION_CASES)			\
	X(crash_device, TBK_CRASH_DEVICE_CASES)		\
	X(dump, TBK_DUMP_CASES)				\
	X(faults, TBK_FAULTS_CASES)			\
	X(full, TBK_FULL_CASES)				\
	X(crash_explorer, TBK_CRASH_EXPLORER_CASES)	\
	X(grow, TBK_GROW_CASES)				\
	X(grow_crash, TBK_GROW_CRASH_CASES)		\
	X(guest_disk, TBK_GUEST_DISK_CASES)		\
	X(guest_events, TBK_GUEST_EVENTS_CASES)		\
	X(guest_keys, TBK_GUEST_KEYS_CASES)		\
	X(guest_heir, TBK_GUEST_HEIR_CASES)		\
	X(guest_held, TBK_GUEST_HELD_CASES)		\
	X(guest_indirect, TBK_GUEST_INDIRECT_CASES)	\
	X(guest_life, TBK_GUEST_LIFE_CASES)			\
	X(guest_limits, TBK_GUEST_LIMITS_CASES)		\
	X(guest_memory, TBK_GUEST_MEMORY_CASES)		\
	X(guest_order, TBK_GUEST_ORDER_CASES)		\
	X(guest_persistent, TBK_GUEST_PERSISTENT_CASES)	\
	X(guest_rings, TBK_GUEST_RINGS_CASES)		\
	X(guest_squeeze, TBK_GUEST_SQUEEZE_CASES)	\
	X(guest_steady, TBK_GUEST_STEADY_CASES)		\
	X(guest_trace, TBK_GUEST_TRACE_CASES)		\
	X(guest_turns, TBK_GUEST_TURNS_CASES)		\
	X(guest_volume, TBK_GUEST_VOLUME_CASES)		\
	X(journal, TBK_JOURNAL_CASES)			\
	X(torn_slot, TBK_TORN_SLOT_CASES)		\
	X(tuning, TBK_TUNING_CASES)			\
	X(memory_device, TBK_MEMORY_DEVICE_CASES)	\
	X(merge_crash, TBK_MERGE_CRASH_CASES)		\
	X(model_hosted, TBK_MODEL_HOSTED_CASES)		\
	X(quota, TBK_QUOTA_CASES)			\
	X(repair_hosted, TBK_REPAIR_HOSTED_CASES)	\
	X(restore, TBK_RESTORE_CASES)			\
	X(scheduler, TBK_SCHEDULER_CASES)		\
	X(scrub, TBK_SCRUB_CASES)			\
	X(scrub_run, TBK_SCRUB_RUN_CASES)		\
	X(scrub_space, TBK_SCRUB_SPACE_CASES)		\
	X(starve, TBK_STARVE_CASES)			\
	X(stats, TBK_STATS_CASES)			\
	X(sweep, TBK_SWEEP_CASES)			\
	X(volume, TBK_VOLUME_CASES)			\
	X(watch, TBK_WATCH_CASES)			\
	X(zeroes, TBK_ZEROES_CASES)
/* clang-format on */
