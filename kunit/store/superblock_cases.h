/* SPDX-License-Identifier: GPL-2.0 */
/* The cases of the tbk_superblock suite. */
#define TBK_SUPERBLOCK_CASES(X)                           \
	X(superblock_of_a_newer_version_is_not_passed_by) \
	X(superblock_with_new_features_is_only_read)      \
	X(superblock_beside_a_bad_sector_is_found)
