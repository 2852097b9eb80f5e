/* SPDX-License-Identifier: GPL-2.0 */
/* Reasons and hints of refusals, said by the glue itself. */
#ifndef TBK_LINUX_WHY_H
#define TBK_LINUX_WHY_H

#include <thinback/entry.h>

/* What could not be done and why; @why may be NULL. */
#define tbk_say(why, ...)                                                          \
	do {                                                                       \
		struct tbk_why *__why = (why);                                     \
		if (__why)                                                         \
			tbk_format(__why->text, sizeof(__why->text), __VA_ARGS__); \
	} while (0)

/* What would help. */
#define tbk_hint(why, ...)                                                         \
	do {                                                                       \
		struct tbk_why *__why = (why);                                     \
		if (__why)                                                         \
			tbk_format(__why->hint, sizeof(__why->hint), __VA_ARGS__); \
	} while (0)

#endif /* TBK_LINUX_WHY_H */
