/* SPDX-License-Identifier: GPL-2.0 */
/* A tree that is edited at random, and a plain array that says what it should hold. */
#pragma once

#include "../harness/check.h"
#include "tree_audit.h"

namespace thinback::grove {

inline constexpr auto catalog = format::TreeKind::catalog;
inline constexpr NodeLayout layout = layout_of(catalog, 0);
inline constexpr size_t words = layout.words;
inline constexpr u64 spread = 1000; /* between keys */

/* Which keys there are, and with what value: 0 is none. */
struct Oracle {
	explicit Oracle(u32 room) : values(static_cast<u32 *>(tbk_big_alloc(room * sizeof(u32)))) {}
	~Oracle() { tbk_big_free(values); }
	Oracle(const Oracle &) = delete;
	Oracle &operator=(const Oracle &) = delete;

	u32 *const values;
	u32 count = 0;
};

/* Compares a tree with it, key by key from the left. */
struct Comparison {
	struct kunit *test = nullptr;
	const Oracle &oracle;
	u32 room = 0;
	u32 at = 0;

	static void see(void *context, const Node &leaf)
	{
		static_cast<Comparison *>(context)->compare(leaf);
	}

	void skip_to(u32 index)
	{
		while (at < index) {
			CHECK_EQ(oracle.values[at], 0);
			at++;
		}
	}

	void compare(const Node &leaf)
	{
		for (u32 i = 0; i < leaf.count(); i++) {
			const u32 index = static_cast<u32>(leaf.key(layout, i) / spread);

			REQUIRE(index < room);
			skip_to(index);
			CHECK_EQ(leaf.word(layout, i, 1), oracle.values[index]);
			CHECK(oracle.values[index] != 0);
			at++;
		}
	}
};

/* A tree of the catalog's kind, an editor, and what the tree should hold. */
struct Grove {
	Grove(struct kunit *kunit, SmallPool &small_pool, u32 keys)
		: oracle(keys), room(keys), tree(catalog, 7), test(kunit), pool(small_pool)
	{
	}

	/* Keys are from 1 on. */
	Status set(u32 index, u32 value)
	{
		TBK_TRY(editor.open(tree, index * spread, pool.now(), true));
		const u32 count = copy_without(index * spread);

		if (value)
			insert(index * spread, value, count);
		editor.store(records, value ? count + 1 : count);
		editor.close();
		oracle.count += (value ? 1 : 0) - (oracle.values[index] ? 1 : 0);
		oracle.values[index] = value;
		return {};
	}

	u32 set_some(Random &random)
	{
		const u32 index = static_cast<u32>(1 + random.below(room - 1));

		CHECK_OK(set(index, static_cast<u32>(1 + random.below(1000))));
		return index;
	}

	/* Structure and content; what it saw. */
	void check_with(TreeAudit &audit)
	{
		Comparison comparison = { test, oracle, room };

		audit.look_at(tree, { Comparison::see, &comparison });
		comparison.skip_to(room);
		CHECK_EQ(audit.records, oracle.count);
	}

	/* The same, and that no block is lost. */
	u64 check()
	{
		TreeAudit audit(test, pool);

		editor.relax();
		check_with(audit);
		audit.check_all_seen();
		return audit.nodes;
	}

	/* Frees it from its end. */
	Status free_all()
	{
		for (;;) {
			const Status opened = editor.open_last(tree, pool.now());

			if (opened.error() == Err::not_found)
				break;
			TBK_TRY(opened);
			editor.store(records, 0);
			editor.close();
		}
		editor.relax();
		return {};
	}

	Oracle oracle;
	const u32 room;
	Tree tree;

	u32 copy_without(u64 key)
	{
		const Node &leaf = editor.leaf();
		u32 count = 0;

		for (u32 i = 0; i < leaf.count(); i++) {
			if (leaf.key(layout, i) == key)
				continue;
			for (u32 w = 0; w < words; w++)
				records[count * words + w] = leaf.word(layout, i, w);
			count++;
		}
		return count;
	}

	void insert(u64 key, u32 value, u32 count)
	{
		u32 at = count;

		while (at > 0 && records[(at - 1) * words] > key)
			at--;
		__builtin_memmove(&records[(at + 1) * words], &records[at * words],
				  (count - at) * words * sizeof(u64));
		__builtin_memset(&records[at * words], 0, words * sizeof(u64));
		records[at * words] = key;
		records[at * words + 1] = value;
	}

	struct kunit *const test;
	SmallPool &pool;
	u64 records[(format::catalog_capacity + 1) * words] = {};
	TreeEditor editor{ *pool.cache, *pool.space };
};

} // namespace thinback::grove

#define REQUIRE_GROVE(name, pool, keys)                          \
	auto name##_made = make<grove::Grove>(test, pool, keys); \
	REQUIRE_OK(name##_made);                                 \
	grove::Grove &name = *name##_made.value();               \
	REQUIRE(name.oracle.values != nullptr)
