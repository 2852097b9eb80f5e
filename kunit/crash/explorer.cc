// SPDX-License-Identifier: GPL-2.0
#include "explorer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../drivers/hosted/hosted.h"
#include "../harness/check.h"

namespace thinback::crash {
namespace {

constexpr u64 default_images = 5120;
constexpr u64 filler_request = 64 * 1024;

u64 mix(u64 a, u64 b)
{
	u64 z = a * 0x9e3779b97f4a7c15 + b + 1;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* For an abort, when there is no going on: what an explorer was at. */
char where_text[160];

void say_where(int)
{
	const size_t length = strnlen(where_text, sizeof(where_text));

	if (write(1, where_text, length) < 0)
		_exit(1);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
}

} // namespace

Explorer::Explorer(struct kunit *kunit, const ExplorerOptions &options)
	: test_(kunit),
	  options_(options),
	  wanted_(test_options.cuts ? test_options.cuts : default_images)
{
}

u64 Explorer::seed() const
{
	return mix(mix(test_options.seed, chain_), round_) | 1;
}

std::string Explorer::place() const
{
	char text[120];

	snprintf(text, sizeof(text), "# again with: --stay --seed %llu --cut %llu:%u:%llu:%u",
		 test_options.seed, chain_, round_, place_.event, place_.choice);
	return text;
}

void Explorer::fail(const std::string &what)
{
	if (failed_)
		return;
	failed_ = true;
	tbk_test_failed(test_, __FILE__, __LINE__, what.c_str());
	printf("%s\n", place().c_str());
}

bool Explorer::go_on()
{
	return !failed_ && images_ < wanted_;
}

void Explorer::run()
{
	signal(SIGABRT, say_where);
	if (test_options.has_cut)
		chain_ = test_options.cut.chain;
	do {
		run_chain();
		chain_++;
	} while (go_on() && !test_options.has_cut);
	signal(SIGABRT, SIG_DFL);
	printf("# %llu cuts, %llu workloads, %llu structural changes, %llu refused for want of space\n",
	       images_, workloads_, changes_, refused_);
}

/* ---- workloads ---- */

/* A volume that leaves little for the others, so that what was freed is used again soon. */
bool Explorer::fill(struct tbk_pool *pool)
{
	struct tbk_pool_info info {};
	struct tbk_volume *volume = nullptr;
	std::vector<u8> buffer(filler_request);
	VolumeReader writer;
	Disk &disk = ledger_.add("filler", "", device_bytes / sector_size);

	disk.is_filler = true;
	fill_sector(buffer.data(), { ledger_.new_serial(), disk.id, 0 });
	for (u64 at = sector_size; at < filler_request; at++)
		buffer[at] = buffer[at - sector_size];
	if (tbk_volume_create(pool, "filler", device_bytes, 0, nullptr) ||
	    tbk_volume_open(pool, "filler", nullptr, 0, &volume, nullptr))
		return false;
	for (u64 at = 0;; at += filler_request) {
		tbk_pool_describe(pool, &info);
		if (info.free < options_.leave_free + filler_request)
			break;
		if (writer.ask(volume, TBK_OP_WRITE, at / sector_size, buffer.data(),
			       filler_request))
			break;
	}
	tbk_volume_close(volume);
	return true;
}

bool Explorer::format()
{
	const struct tbk_format_options format = { "tank", { 1, 2, 3, 4, 5, 6, 7, 8 }, 0 };
	struct tbk_pool_info info {};
	struct tbk_check check {};
	bool is_ok = true;

	ledger_ = Ledger();
	device_ = std::make_unique<CrashDevice>(device_bytes, options_.device);
	hosted_run([&] {
		struct tbk_pool *pool = nullptr;

		check.found = [](struct tbk_check *, enum tbk_finding_class, const char *) {
		};
		is_ok = !tbk_pool_format(device_.get(), &format, nullptr) &&
			!tbk_pool_check(device_.get(), &check, nullptr) &&
			!tbk_pool_open(device_.get(), 0, &pool, nullptr);
		if (!is_ok)
			return;
		tbk_pool_describe(pool, &info);
		is_ok = !options_.policy.set ||
			!tbk_pool_set_policy(pool, &options_.policy, nullptr);
		is_ok = is_ok && (!options_.leave_free || fill(pool));
		is_ok = !tbk_pool_close(pool, nullptr) && is_ok;
	});
	empty_ = info.free;
	empty_nodes_ = check.nodes + check.copies;
	device_->restart();
	return is_ok;
}

bool Explorer::run_workload()
{
	WorkloadOptions options = options_.workload;
	std::string why;

	if (is_short())
		options.operations /= 5;
	place_ = { chain_, round_, 0, 0 };
	snprintf(where_text, sizeof(where_text), "%s\n", place().c_str());
	const bool is_clean = hosted_run(
		[&] {
			Workload workload(*device_, ledger_, seed(), options);

			workload.run();
			why = workload.why();
			refused_ += workload.refused();
			changes_ += ledger_.acts.size() - 1;
		},
		{ seed(), false });
	workloads_++;
	if (!why.empty() || !is_clean)
		fail(why.empty() ? "the workload left something over" : why);
	return !failed_;
}

/* One workload, then others on what a cut left. */
void Explorer::run_chain()
{
	if (!format()) {
		fail("no pool could be made");
		return;
	}
	for (round_ = 0; round_ < rounds && go_on() && run_workload(); round_++) {
		const u64 cut = mix(seed(), 1) % (device_->events() + 1);
		MemoryDevice image(device_bytes, options_.device);
		Ledger next;

		explore();
		if (failed_ || (test_options.has_cut && round_ == test_options.cut.round))
			return;
		CrashReplay replay(*device_);
		replay.advance(cut);
		replay.build(image, choice_of(cut, 2));
		device_->copy_from(image);
		device_->restart();
		next.follow(ledger_);
		if (const std::string wrong = Judge(empty_, empty_nodes_).learn(image, next);
		    !wrong.empty()) {
			place_ = { chain_, round_, cut, 2 };
			fail(wrong);
		}
		ledger_ = std::move(next);
	}
}

/* ---- cuts ---- */

CrashChoice Explorer::choice_of(u64 cut, u32 choice) const
{
	if (choice == 0)
		return CrashReplay::none();
	if (choice == 1)
		return CrashReplay::all();
	return CrashReplay::random(mix(mix(seed(), cut), choice), true);
}

/*
 * Whether the next event changes what a disk may hold. If not, to cut after it
 * leaves the same images, of which more is expected.
 */
bool Explorer::is_worth(u64 cut) const
{
	if (cut == device_->events())
		return true;
	const CrashEvent &next = device_->recorded()[cut];

	switch (next.kind) {
	case CrashEvent::Kind::write_submitted:
	case CrashEvent::Kind::flush_done:
		return true;
	case CrashEvent::Kind::write_done:
		return device_->write_at(next.of).is_fua;
	case CrashEvent::Kind::flush_submitted:
		return false;
	}
	return true;
}

bool Explorer::is_wanted(u64 cut, u32 choice) const
{
	const CutPlace &only = test_options.cut;

	return !test_options.has_cut ||
	       (round_ == only.round && cut == only.event && choice == only.choice);
}

/* Every moment; or, of a long workload for which that were too many, some. */
void Explorer::explore()
{
	CrashReplay replay(*device_);
	std::vector<u64> cuts;

	for (u64 cut = 0; cut <= device_->events(); cut++) {
		if (is_worth(cut))
			cuts.push_back(cut);
	}
	const u64 most = max<u64>(wanted_ / (2 * rounds) / choices, 1);
	const bool is_every = test_options.has_cut || is_short();
	const u64 step = is_every ? 1 : (cuts.size() + most - 1) / most;

	for (u64 i = mix(seed(), 2) % step; i < cuts.size() && go_on(); i += step) {
		replay.advance(cuts[i]);
		const u32 last = replay.undecided().empty() ? 1 : choices;

		for (u32 choice = 0; choice < last && go_on(); choice++) {
			if (is_wanted(cuts[i], choice))
				look(replay, cuts[i], choice);
		}
	}
}

void Explorer::look(const CrashReplay &replay, u64 cut, u32 choice)
{
	MemoryDevice image(device_bytes, options_.device);
	const bool is_thorough = mix(mix(seed(), cut), ~choice) % 16 == 0;

	place_ = { chain_, round_, cut, choice };
	snprintf(where_text, sizeof(where_text), "%s\n", place().c_str());
	replay.build(image, choice_of(cut, choice));
	const std::string wrong =
		Judge(empty_, empty_nodes_).judge(image, ledger_, cut, is_thorough);

	images_++;
	if (!wrong.empty())
		fail(wrong);
}

} // namespace thinback::crash
