// SPDX-License-Identifier: GPL-2.0
#include "check_report.h"

namespace thinback {
namespace {

constexpr enum tbk_finding_class kinds[] = { TBK_FINDING_LEAK, TBK_FINDING_REPAIRABLE,
					     TBK_FINDING_DAMAGED };

} // namespace

void CheckReport::add_always(enum tbk_finding_class kind)
{
	if (told_ < most) {
		told_++;
		check_.found(&check_, kind, text_);
		return;
	}
	for (u32 i = 0; i < classes; i++)
		untold_[i] += kinds[i] == kind;
}

void CheckReport::finish()
{
	static const char *const words[] = { "leaks", "things that can be repaired",
					     "signs of damage" };

	for (u32 i = 0; i < classes; i++) {
		if (untold_[i] == 0)
			continue;
		tbk_format(text_, sizeof(text_), "%llu more %s", untold_[i], words[i]);
		check_.found(&check_, kinds[i], text_);
	}
	if (check_.progress)
		check_.progress(&check_, total_, total_);
}

void CheckReport::step(u64 blocks)
{
	done_ += blocks;
	if (!check_.progress || done_ < next_step_)
		return;
	next_step_ = done_ + step_blocks;
	check_.progress(&check_, done_ < total_ ? done_ : total_, total_);
}

} // namespace thinback
