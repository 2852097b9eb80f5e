/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/entry.h>

namespace thinback {

/* What a check finds, on its way to whoever asked for it; only so much of it. */
class CheckReport {
public:
	explicit CheckReport(struct tbk_check &check) : check_(check) {}
	CheckReport(const CheckReport &) = delete;
	CheckReport &operator=(const CheckReport &) = delete;

	/* Hands on what was printed to text(), unless it was told before. */
	void add(enum tbk_finding_class kind)
	{
		if (!is_again_)
			add_always(kind);
	}
	void add_always(enum tbk_finding_class kind);

	/* From here on all is looked at once more, and only TBK_NEW_FINDING tells what was not told before. */
	void set_again(bool is_again) { is_again_ = is_again; }
	bool is_again() const { return is_again_; }
	char *text() { return text_; }

	/* Says how many were kept back. */
	void finish();

	/* @blocks of metadata have been looked at, of about @total in all. */
	void set_total(u64 total) { total_ = total; }
	void step(u64 blocks);

	struct tbk_check &counts() { return check_; }

	static constexpr size_t text_size = 384;

private:
	static constexpr u32 most = 1000;
	static constexpr u64 step_blocks = 256; /* between two calls of progress() */
	static constexpr u32 classes = 3;

	struct tbk_check &check_;
	u32 told_ = 0;
	u64 untold_[classes] = {};
	u64 done_ = 0;
	u64 total_ = 0;
	u64 next_step_ = 0;
	bool is_again_ = false;
	char text_[text_size] = {};
};

} // namespace thinback

#define TBK_FINDING(report, kind, ...)                                                        \
	do {                                                                                  \
		tbk_format((report).text(), ::thinback::CheckReport::text_size, __VA_ARGS__); \
		(report).add(kind);                                                           \
	} while (0)

/* What cannot be told twice. */
#define TBK_NEW_FINDING(report, kind, ...)                                                    \
	do {                                                                                  \
		tbk_format((report).text(), ::thinback::CheckReport::text_size, __VA_ARGS__); \
		(report).add_always(kind);                                                    \
	} while (0)
