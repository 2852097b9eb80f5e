/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_model suite, for whoever runs it. */
#define TBK_MODEL_CASES(X)                            \
	X(model_holds_on_a_device_that_is_quick)      \
	X(model_holds_on_a_device_with_a_worker)      \
	X(model_holds_on_a_device_with_large_sectors) \
	X(model_holds_on_a_full_pool)
