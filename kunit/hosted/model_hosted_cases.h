/* SPDX-License-Identifier: GPL-2.0 */
#define TBK_MODEL_HOSTED_CASES(X)                       \
	X(model_hosted_holds_when_completions_overtake) \
	X(model_hosted_holds_with_large_sectors)        \
	X(model_hosted_holds_on_a_full_pool)            \
	X(model_hosted_holds_without_cache_or_discard)
