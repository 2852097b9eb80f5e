/* SPDX-License-Identifier: GPL-2.0 */
/* All suites that run in the kernel as well as in a process: a line in each of the two lists. */
#include "../base/atomic_cases.h"
#include "../base/list_cases.h"
#include "../base/lock_cases.h"
#include "../base/owned_cases.h"
#include "../base/ram_device_cases.h"
#include "../base/result_cases.h"
#include "../base/wait_cases.h"
#include "../base/work_cases.h"
#include "../model/model_cases.h"
#include "../store/check_cases.h"
#include "../store/check_catalog_cases.h"
#include "../store/check_space_cases.h"
#include "../store/check_tree_cases.h"
#include "../store/extents_cases.h"
#include "../store/group_cases.h"
#include "../store/merge_cases.h"
#include "../store/merger_cases.h"
#include "../store/node_cache_cases.h"
#include "../store/repair_cases.h"
#include "../store/replay_batch_cases.h"
#include "../store/space_cases.h"
#include "../store/superblock_cases.h"
#include "../store/tree_cases.h"
#include "../vbd/features_cases.h"
#include "../vbd/request_cases.h"
#include "../vbd/ring_cases.h"
#include "../vbd/session_cases.h"

/* clang-format off */
#define TBK_SUITES(X)			\
	X(atomic, TBK_ATOMIC_CASES)	\
	X(check, TBK_CHECK_CASES)	\
	X(check_catalog, TBK_CHECK_CATALOG_CASES)	\
	X(check_space, TBK_CHECK_SPACE_CASES)	\
	X(check_tree, TBK_CHECK_TREE_CASES)	\
	X(extents, TBK_EXTENTS_CASES)	\
	X(group, TBK_GROUP_CASES)	\
	X(list, TBK_LIST_CASES)		\
	X(lock, TBK_LOCK_CASES)		\
	X(merge, TBK_MERGE_CASES)	\
	X(merger, TBK_MERGER_CASES)	\
	X(model, TBK_MODEL_CASES)	\
	X(node_cache, TBK_NODE_CACHE_CASES)	\
	X(owned, TBK_OWNED_CASES)	\
	X(ram_device, TBK_RAM_DEVICE_CASES)	\
	X(repair, TBK_REPAIR_CASES)	\
	X(replay_batch, TBK_REPLAY_BATCH_CASES)	\
	X(result, TBK_RESULT_CASES)	\
	X(space, TBK_SPACE_CASES)	\
	X(superblock, TBK_SUPERBLOCK_CASES)	\
	X(tree, TBK_TREE_CASES)		\
	X(wait, TBK_WAIT_CASES)		\
	X(work, TBK_WORK_CASES)	\
	X(features, TBK_FEATURES_CASES)	\
	X(request, TBK_REQUEST_CASES)	\
	X(ring, TBK_RING_CASES)		\
	X(session, TBK_SESSION_CASES)
/* clang-format on */
