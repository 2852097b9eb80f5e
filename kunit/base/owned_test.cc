// SPDX-License-Identifier: GPL-2.0
#include <thinback/base/owned.h>
#include <thinback/base/scope.h>

#include "../harness/check.h"

using namespace thinback;

namespace {

class Thing {
public:
	Thing(int &alive, int value) : alive_(alive), value_(value) { alive_++; }
	~Thing() { alive_--; }
	Thing(const Thing &) = delete;
	Thing &operator=(const Thing &) = delete;

	int value() const { return value_; }

private:
	int &alive_;
	int value_;
};

Result<Owned<Thing>> make_odd(int &alive, int value)
{
	auto thing = TBK_TRY(make<Thing>(alive, value));

	if (value % 2 == 0)
		return Err::bad_argument;
	return thing;
}

} // namespace

TBK_TEST(make_forwards_arguments)
{
	int alive = 0;
	auto made = make<Thing>(alive, 7);

	REQUIRE_OK(made);
	CHECK_EQ(made.value()->value(), 7);
	CHECK_EQ(alive, 1);
}

TBK_TEST(owner_destroys_at_end_of_block)
{
	int alive = 0;

	{
		auto made = make<Thing>(alive, 1);
		REQUIRE_OK(made);
		const Owned<Thing> owner = made.release();
		CHECK_EQ(alive, 1);
	}
	CHECK_EQ(alive, 0);
}

TBK_TEST(move_leaves_nothing_behind)
{
	int alive = 0;
	auto made = make<Thing>(alive, 1);

	REQUIRE_OK(made);
	Owned<Thing> first = made.release();
	const Owned<Thing> second = move(first);
	// NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move): what is tested
	CHECK(!first.get());
	CHECK(second.get());
	CHECK_EQ(alive, 1);
}

TBK_TEST(assignment_destroys_what_was_owned)
{
	int alive = 0;
	auto one = make<Thing>(alive, 1);
	auto two = make<Thing>(alive, 2);

	REQUIRE_OK(one);
	REQUIRE_OK(two);
	one.value() = move(two.value());
	CHECK_EQ(alive, 1);
	CHECK_EQ(one.value()->value(), 2);
	one.value().reset();
	CHECK_EQ(alive, 0);
}

TBK_TEST(release_hands_over)
{
	int alive = 0;
	auto made = make<Thing>(alive, 1);

	REQUIRE_OK(made);
	Thing *thing = made.value().release();
	CHECK_EQ(alive, 1);
	const auto again = Owned<Thing>::adopt(thing);
	CHECK_EQ(again.get(), thing);
}

TBK_TEST(try_takes_owned_out_of_result)
{
	int alive = 0;

	CHECK_EQ(make_odd(alive, 2).error(), Err::bad_argument);
	CHECK_EQ(alive, 0);
	{
		const auto odd = make_odd(alive, 3);
		CHECK_OK(odd);
		CHECK_EQ(alive, 1);
	}
	CHECK_EQ(alive, 0);
}

TBK_TEST(defer_runs_at_end_unless_dismissed)
{
	int runs = 0;

	{
		auto often = defer([&] { runs++; });
		auto never = defer([&] { runs += 10; });
		never.dismiss();
		CHECK_EQ(runs, 0);
	}
	CHECK_EQ(runs, 1);
}
