// SPDX-License-Identifier: GPL-2.0
#include "dump_writer.h"

#include <iterator>
#include <ostream>
#include <utility>

#include "core.h"
#include "failure.h"

namespace thinback::tool {

namespace {

constexpr std::size_t flush_at = 1 << 16;

/* Names on a damaged device may be any bytes. */
std::string quoted(const std::string &text)
{
	std::string all = "\"";

	if (text.empty())
		return "null";
	for (const char c : text) {
		const auto byte = static_cast<unsigned char>(c);

		if (byte < 0x20 || byte >= 0x7f || c == '"' || c == '\\')
			all += fmt::format("\\u{:04x}", byte);
		else
			all += c;
	}
	return all + "\"";
}

} // namespace

template <class... Values>
void DumpWriter::put(fmt::format_string<Values...> text, Values &&...values)
{
	fmt::format_to(std::back_inserter(buffer_), text, std::forward<Values>(values)...);
	if (buffer_.size() >= flush_at)
		flush();
}

void DumpWriter::flush()
{
	out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
	buffer_.clear();
	if (!out_)
		throw Failure(Exit::failed, {}, "the output cannot be written");
}

template <class Whole> void DumpWriter::put_fields(const Whole &whole)
{
	for (const auto &field : DumpFields<Whole>::texts)
		put("\"{}\": {}, ", field.name, quoted(whole.*field.text));
	put("\"uuid\": \"{}\"", uuid_text(whole.uuid));
	for (const auto &field : DumpFields<Whole>::numbers)
		put(", \"{}\": {}", field.name, field.of(whole));
}

void DumpWriter::pool(const tbk_dump_pool &pool)
{
	put("{{\n\"format\": \"{}\", \"version\": {}, \"block\": {},\n\"pool\": {{", dump_format,
	    dump_version, TBK_BLOCK);
	put_fields(pool);
	put("}},\n\"objects\": [");
	part_ = Part::objects;
}

void DumpWriter::object(const tbk_dump_object &object)
{
	put("{}\n{{", is_first_ ? "" : ",");
	put_fields(object);
	put("}}");
	is_first_ = false;
	(object.flags & TBK_OBJECT_SNAPSHOT ? snapshots : volumes)++;
}

void DumpWriter::begin_trees()
{
	if (part_ == Part::trees)
		return;
	put("{}],\n\"trees\": [", is_first_ ? "" : "\n");
	part_ = Part::trees;
	is_first_ = true;
}

void DumpWriter::end_tree()
{
	if (is_in_tree_)
		put("{}]}}", is_first_ ? "" : "\n");
	is_in_tree_ = false;
}

void DumpWriter::tree(tbk_u32 id)
{
	const bool is_next = is_in_tree_;

	begin_trees();
	end_tree();
	put("{}\n{{\"id\": {}, \"extents\": [", is_next ? "," : "", id);
	is_in_tree_ = true;
	is_first_ = true;
}

void DumpWriter::extent(const tbk_dump_extent &extent)
{
	put("{}\n[{},{},{}", is_first_ ? "" : ",", extent.start, extent.count, extent.state);
	if (extent.state == TBK_DUMP_DATA || extent.state == TBK_DUMP_ZERO)
		put(",{},{}", extent.target, extent.birth);
	put("]");
	is_first_ = false;
	extents++;
}

void DumpWriter::lost(const std::string &text)
{
	lost_ += (lost_.empty() ? "\n" : ",\n") + quoted(text);
}

void DumpWriter::finish()
{
	const bool has_trees = is_in_tree_;

	begin_trees();
	end_tree();
	put("{}],\n\"lost\": [{}{}]\n}}\n", has_trees ? "\n" : "", lost_,
	    lost_.empty() ? "" : "\n");
	flush();
	out_.flush();
	if (!out_)
		throw Failure(Exit::failed, {}, "the output cannot be written");
}

} // namespace thinback::tool
