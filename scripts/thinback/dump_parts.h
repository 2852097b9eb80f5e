/* SPDX-License-Identifier: GPL-2.0 */
/* A dump, piece by piece, and what its fields are called. */
#pragma once

#include <string>

#include <thinback/dump_entry.h>

namespace thinback::tool {

/* Is told what a dump holds, in the order of struct tbk_dump; may throw Failure. */
class DumpParts {
public:
	virtual ~DumpParts() = default;

	virtual void pool(const tbk_dump_pool &pool) = 0;
	virtual void object(const tbk_dump_object &object) = 0;
	virtual void tree(tbk_u32 id) = 0;
	virtual void extent(const tbk_dump_extent &extent) = 0;
	virtual void lost(const std::string &text) = 0;
};

constexpr const char *dump_format = "thinback-dump";
constexpr tbk_u64 dump_version = 1;

/* A number of a pool or of an object. */
template <class Whole> struct NumberField {
	constexpr NumberField(const char *its_name, tbk_u64 Whole::*member)
		: name(its_name), wide(member)
	{
	}
	constexpr NumberField(const char *its_name, tbk_u32 Whole::*member)
		: name(its_name), narrow(member)
	{
	}

	tbk_u64 of(const Whole &whole) const { return wide ? whole.*wide : whole.*narrow; }
	/* False when it does not fit. */
	bool set(Whole &whole, tbk_u64 value) const
	{
		if (wide)
			whole.*wide = value;
		else
			whole.*narrow = static_cast<tbk_u32>(value);
		return of(whole) == value;
	}

	const char *name;
	tbk_u64 Whole::*wide = nullptr;
	tbk_u32 Whole::*narrow = nullptr;
};

/* A name; all have the same room. */
template <class Whole> struct TextField {
	const char *name;
	char (Whole::*text)[TBK_NAME_MAX + 1];
};

template <class Whole> struct DumpFields;

template <> struct DumpFields<tbk_dump_pool> {
	using Pool = tbk_dump_pool;

	static constexpr TextField<Pool> texts[] = { { "name", &Pool::name } };
	static constexpr NumberField<Pool> numbers[] = {
		{ "blocks", &Pool::blocks },
		{ "journal_blocks", &Pool::journal_blocks },
		{ "journal_next", &Pool::journal_next },
		{ "generation", &Pool::generation },
		{ "checkpoint", &Pool::checkpoint },
		{ "created", &Pool::created },
		{ "next_id", &Pool::next_id },
		{ "low", &Pool::low },
		{ "critical", &Pool::critical },
		{ "policy", &Pool::policy },
		{ "discard_rate", &Pool::discard_rate },
	};
};

template <> struct DumpFields<tbk_dump_object> {
	using Object = tbk_dump_object;

	static constexpr TextField<Object> texts[] = { { "name", &Object::name },
						       { "volume", &Object::volume } };
	static constexpr NumberField<Object> numbers[] = {
		{ "id", &Object::id },
		{ "parent", &Object::parent },
		{ "flags", &Object::flags },
		{ "size", &Object::size },
		{ "since", &Object::since },
		{ "generation", &Object::generation },
		{ "own", &Object::own },
		{ "mapped", &Object::mapped },
		{ "created", &Object::created },
		{ "merged", &Object::merged },
		{ "merge_gone", &Object::merge_gone },
		{ "quota", &Object::quota },
		{ "reserve", &Object::reserve },
		{ "on_full", &Object::on_full },
		{ "full_wait", &Object::full_wait },
	};
};

} // namespace thinback::tool
