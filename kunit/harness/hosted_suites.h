/* SPDX-License-Identifier: GPL-2.0 */
/* Suites that make sense in a process alone. */

/* clang-format off */
#define TBK_HOSTED_SUITES(X)
/* clang-format on */
