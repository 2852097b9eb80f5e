/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <iosfwd>

#include <fmt/format.h>

#include "dump_parts.h"

namespace thinback::tool {

/* Writes a dump as JSON, in the layout that thinback(8) promises, as it is told. */
class DumpWriter final : public DumpParts {
public:
	explicit DumpWriter(std::ostream &out) : out_(out) {}

	void pool(const tbk_dump_pool &pool) override;
	void object(const tbk_dump_object &object) override;
	void tree(tbk_u32 id) override;
	void extent(const tbk_dump_extent &extent) override;
	/* Written at the end. */
	void lost(const std::string &text) override;
	/* All has been told. Throws Failure if it could not be written. */
	void finish();

	std::size_t volumes = 0;
	std::size_t snapshots = 0;
	std::size_t extents = 0;

private:
	enum class Part { head, objects, trees };

	template <class... Values> void put(fmt::format_string<Values...> text, Values &&...values);
	template <class Whole> void put_fields(const Whole &whole);
	void begin_trees();
	void end_tree();
	void flush();

	std::ostream &out_;
	fmt::memory_buffer buffer_;
	Part part_ = Part::head;
	bool is_first_ = true; /* of a list */
	bool is_in_tree_ = false;
	std::string lost_; /* lines of JSON */
};

} // namespace thinback::tool
