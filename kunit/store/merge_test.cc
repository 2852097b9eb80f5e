// SPDX-License-Identifier: GPL-2.0
/* Snapshots removed from the middle of things, in a pool as a user has it. */
#include "../harness/check.h"
#include "../harness/shared/random.h"
#include "damage.h"

using namespace thinback;

namespace {

constexpr u64 mib = 1024ull * 1024;

struct Label {
	explicit Label(const char *prefix, u32 number)
	{
		tbk_format(text, sizeof(text), "%s%u", prefix, number);
	}

	char text[16];
};

/* A pool with a volume `a` of 1024 blocks. What goes wrong fails the test. */
class Pond {
public:
	explicit Pond(struct kunit *kunit) : test(kunit) {}
	~Pond();
	Pond(const Pond &) = delete;
	Pond &operator=(const Pond &) = delete;

	bool prepare();
	/* Every other block from @first on, so that each is an extent. */
	void write(const char *name, u64 first, u32 count, u32 version);
	void expect(const char *name, const char *snapshot_name, u64 block, u32 version);
	void snapshot(const char *name);
	void clone(const char *snapshot_name, const char *name);
	void remove(const char *volume, const char *snapshot_name);
	struct tbk_pool_info settled();
	u64 own(const char *volume, const char *snapshot_name);
	/* Closed, checked, opened. */
	void reopen();
	/* All volumes are removed: nothing is left. */
	void check_empty();

	struct kunit *const test;
	struct tbk_pool *pool = nullptr;

private:
	Owned<RamDevice> device_;
	Owned<Findings> findings_;
	u8 *data_ = nullptr;
	u64 empty_ = 0;
};

Pond::~Pond()
{
	if (pool)
		(void)tbk_pool_close(pool, nullptr);
	tbk_big_free(data_);
}

bool Pond::prepare()
{
	const struct tbk_format_options options = { "tank", { 7 }, 0 };
	auto device = RamDevice::create(128 * mib);
	auto findings = make<Findings>();
	struct tbk_pool_info info {};

	data_ = static_cast<u8 *>(tbk_big_alloc(4096));
	if (!device.is_ok() || !findings.is_ok() || !data_)
		return false;
	device_ = device.release();
	findings_ = findings.release();
	if (tbk_pool_format(device_.get(), &options, nullptr) ||
	    tbk_pool_open(device_.get(), 0, &pool, nullptr))
		return false;
	tbk_pool_describe(pool, &info);
	empty_ = info.free;
	return tbk_volume_create(pool, "a", 4 * mib, 0, nullptr) == 0;
}

void Pond::write(const char *name, u64 first, u32 count, u32 version)
{
	struct tbk_volume *volume = nullptr;

	REQUIRE_EQ(tbk_volume_open(pool, name, nullptr, 0, &volume, nullptr), 0);
	for (u32 i = 0; i < count; i++) {
		const u64 block = (first + 2ull * i) % 1024;

		fill_block(data_, name[0], block, version);
		CHECK_EQ(do_request(volume, TBK_OP_WRITE, block, data_, 1), 0);
	}
	tbk_volume_close(volume);
}

void Pond::expect(const char *name, const char *snapshot_name, u64 block, u32 version)
{
	struct tbk_volume *volume = nullptr;

	REQUIRE_EQ(tbk_volume_open(pool, name, snapshot_name, 0, &volume, nullptr), 0);
	CHECK_EQ(do_request(volume, TBK_OP_READ, block, data_, 1), 0);
	tbk_volume_close(volume);
	CHECK(is_block(data_, 'a', block, version));
}

void Pond::snapshot(const char *name)
{
	CHECK_EQ(tbk_snapshot_create(pool, "a", name, nullptr), 0);
}

void Pond::clone(const char *snapshot_name, const char *name)
{
	CHECK_EQ(tbk_clone_create(pool, "a", snapshot_name, name, 0, nullptr), 0);
}

void Pond::remove(const char *volume, const char *snapshot_name)
{
	CHECK_EQ(tbk_remove(pool, volume, snapshot_name, 0, nullptr), 0);
}

struct tbk_pool_info Pond::settled()
{
	struct tbk_pool_info info {};

	CHECK_EQ(tbk_pool_settle(pool), 0);
	tbk_pool_describe(pool, &info);
	return info;
}

u64 Pond::own(const char *volume, const char *snapshot_name)
{
	struct tbk_object_info info {};

	CHECK_EQ(tbk_pool_find(pool, volume, snapshot_name, &info, nullptr), 0);
	return info.own / 4096;
}

void Pond::reopen()
{
	CHECK_EQ(tbk_pool_close(pool, nullptr), 0);
	pool = nullptr;
	CHECK_EQ(findings_->check(*device_), 0);
	findings_->tell(test);
	REQUIRE_EQ(tbk_pool_open(device_.get(), 0, &pool, nullptr), 0);
}

void Pond::check_empty()
{
	const struct tbk_pool_info info = settled();

	CHECK_EQ(info.hidden, 0);
	CHECK_EQ(info.free, empty_);
	reopen();
}

#define REQUIRE_POND(name)                   \
	auto name##_made = make<Pond>(test); \
	REQUIRE_OK(name##_made);             \
	Pond &name = *name##_made.value();   \
	REQUIRE(name.prepare())

} // namespace

TBK_TEST(remove_middle_of_chain_gives_back_what_nobody_reaches)
{
	REQUIRE_POND(pond);

	pond.write("a", 0, 100, 1);
	pond.snapshot("s1");
	pond.write("a", 0, 50, 2);
	pond.snapshot("s2");
	pond.write("a", 0, 30, 3);
	const u64 before = pond.settled().free;

	pond.remove("a", "s2");
	const struct tbk_pool_info after = pond.settled();

	CHECK_EQ(after.hidden, 0);
	CHECK(after.free >= before + 30ull * 4096);
	CHECK_EQ(pond.own("a", nullptr), 50);
	CHECK_EQ(pond.own("a", "s1"), 100);
	pond.reopen();
	pond.expect("a", "s1", 0, 1);
	pond.expect("a", nullptr, 0, 3);
	pond.expect("a", nullptr, 98, 2);
	pond.expect("a", nullptr, 100, 1);
	CHECK_EQ(tbk_remove(pond.pool, "a", nullptr, TBK_REMOVE_RECURSIVE, nullptr), 0);
	pond.check_empty();
}

TBK_TEST(remove_first_of_chain_leaves_its_blocks_to_the_next)
{
	REQUIRE_POND(pond);

	pond.write("a", 0, 100, 1);
	pond.snapshot("s1");
	pond.write("a", 0, 10, 2);
	pond.snapshot("s2");
	pond.remove("a", "s1");
	pond.settled();
	CHECK_EQ(pond.own("a", "s2"), 100);
	CHECK_EQ(pond.own("a", nullptr), 0);
	pond.remove("a", "s2");
	pond.settled();
	CHECK_EQ(pond.own("a", nullptr), 100);
	pond.reopen();
	pond.expect("a", nullptr, 0, 2);
	pond.expect("a", nullptr, 20, 1);
	pond.remove("a", nullptr);
	pond.check_empty();
}

TBK_TEST(merge_with_two_children_waits)
{
	REQUIRE_POND(pond);

	pond.write("a", 0, 100, 1);
	pond.snapshot("s");
	pond.clone("s", "b");
	pond.write("a", 0, 100, 2);
	pond.remove("a", "s");
	CHECK_EQ(pond.settled().hidden, 1);
	CHECK_EQ(pond.own("b", nullptr), 0);
	pond.reopen();
	CHECK_EQ(pond.settled().hidden, 1);
	pond.remove("a", nullptr);
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.own("b", nullptr), 100);
	pond.expect("b", nullptr, 0, 1);
	pond.remove("b", nullptr);
	pond.check_empty();
}

TBK_TEST(merge_begins_when_the_pool_is_opened)
{
	REQUIRE_POND(pond);

	pond.write("a", 0, 200, 1);
	pond.snapshot("s");
	pond.write("a", 100, 200, 2);
	pond.remove("a", "s");
	pond.reopen();
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.own("a", nullptr), 250);
	pond.reopen();
	pond.remove("a", nullptr);
	pond.check_empty();
}

TBK_TEST(merge_of_many_clones_leaves_the_last_one_all)
{
	constexpr u32 clones = 100;
	REQUIRE_POND(pond);

	pond.write("a", 0, 300, 1);
	pond.snapshot("s");
	for (u32 i = 0; i < clones; i++) {
		pond.clone("s", Label("b", i).text);
		pond.write(Label("b", i).text, 600, 2, 5);
	}
	pond.remove("a", "s");
	pond.remove("a", nullptr);
	for (u32 i = 0; i < clones; i++) {
		if (i == clones / 2)
			continue;
		CHECK_EQ(pond.own(Label("b", i).text, nullptr), 2);
		pond.remove(Label("b", i).text, nullptr);
	}
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.own(Label("b", clones / 2).text, nullptr), 302);
	pond.expect(Label("b", clones / 2).text, nullptr, 0, 1);
	pond.reopen();
	pond.remove(Label("b", clones / 2).text, nullptr);
	pond.check_empty();
}

TBK_TEST(merge_goes_on_while_a_guest_writes)
{
	REQUIRE_POND(pond);

	for (u32 round = 1; round < 20; round++) {
		pond.write("a", 0, 512, round);
		pond.write("a", 1, 512, round);
		pond.snapshot("s");
		pond.write("a", round, 100, round + 100);
		pond.remove("a", "s");
		for (u32 i = 0; i < 10; i++)
			pond.write("a", 100ull * i + round, 5, round + 100);
		pond.expect("a", nullptr, round, round + 100);
		pond.expect("a", nullptr, round + 350, round);
	}
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.own("a", nullptr), 1024);
	pond.reopen();
	pond.remove("a", nullptr);
	pond.check_empty();
}

TBK_TEST(merge_goes_on_into_a_snapshot_taken_meanwhile)
{
	REQUIRE_POND(pond);

	for (u32 round = 1; round < 20; round++) {
		pond.write("a", 0, 512, round);
		pond.write("a", 1, 512, round);
		pond.snapshot("s");
		pond.write("a", 0, 100, round + 100);
		pond.remove("a", "s");
		pond.snapshot("t");
		pond.write("a", 0, 50, round + 50);
		if (round % 3 == 0)
			pond.reopen();
		pond.expect("a", "t", 0, round + 100);
		pond.expect("a", "t", 300, round);
		pond.remove("a", "t");
	}
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.own("a", nullptr), 1024);
	pond.remove("a", nullptr);
	pond.check_empty();
}

TBK_TEST(merge_ends_before_the_child_is_freed)
{
	REQUIRE_POND(pond);

	for (u32 round = 1; round < 10; round++) {
		pond.write("a", 0, 512, 1);
		pond.snapshot("s");
		pond.write("a", 0, 100, 2);
		pond.snapshot("t");
		pond.clone("t", "b");
		pond.write("b", 5, 300, 2);
		pond.remove("a", "s");
		pond.remove("a", "t");
		pond.remove("b", nullptr);
		pond.remove("a", nullptr);
		if (round % 2)
			pond.reopen();
		CHECK_EQ(tbk_volume_create(pond.pool, "a", 4 * mib, 0, nullptr), 0);
	}
	pond.remove("a", nullptr);
	pond.check_empty();
}

TBK_TEST(chain_of_100_removed_in_any_order_gives_back_every_block)
{
	constexpr u32 length = 100;
	REQUIRE_POND(pond);
	Random random;
	bool is_there[length] = {};

	for (u32 i = 0; i < length; i++) {
		pond.write("a", 10ull * i, 20, i + 1);
		pond.snapshot(Label("s", i).text);
		is_there[i] = true;
	}
	for (u32 left = length; left > 0; left--) {
		u32 at = static_cast<u32>(random.below(length));

		while (!is_there[at])
			at = (at + 1) % length;
		pond.expect("a", Label("s", at).text, 10ull * at, at + 1);
		is_there[at] = false;
		pond.remove("a", Label("s", at).text);
		if (random.one_in(8))
			pond.reopen();
	}
	CHECK_EQ(pond.settled().hidden, 0);
	CHECK_EQ(pond.settled().snapshots, 0);
	pond.expect("a", nullptr, 10ull * (length - 1), length);
	pond.reopen();
	pond.remove("a", nullptr);
	pond.check_empty();
}
