// SPDX-License-Identifier: GPL-2.0
/* The errno values that cross the boundary are the kernel's: nothing but assertions. */
#include <linux/build_bug.h>
#include <linux/errno.h>

#include <thinback/platform.h>

static_assert(TBK_ENOENT == ENOENT && TBK_EIO == EIO && TBK_EAGAIN == EAGAIN);
static_assert(TBK_ENOMEM == ENOMEM && TBK_EBUSY == EBUSY && TBK_EEXIST == EEXIST);
static_assert(TBK_EINVAL == EINVAL && TBK_ENOSPC == ENOSPC && TBK_EROFS == EROFS);
static_assert(TBK_ENAMETOOLONG == ENAMETOOLONG && TBK_ENOTEMPTY == ENOTEMPTY);
static_assert(TBK_ENODATA == ENODATA);
static_assert(TBK_EPROTO == EPROTO && TBK_EOVERFLOW == EOVERFLOW);
static_assert(TBK_EOPNOTSUPP == EOPNOTSUPP && TBK_ESHUTDOWN == ESHUTDOWN);
static_assert(TBK_EUCLEAN == EUCLEAN && TBK_EMEDIUMTYPE == EMEDIUMTYPE);
