// SPDX-License-Identifier: GPL-2.0
/* A dump may be larger than memory: it is read as it comes, and told on. */
#include "dump_reader.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core.h"
#include "failure.h"

namespace thinback::tool {

namespace {

using Json = nlohmann::json;

constexpr const char *no_dump = "it is no dump of a pool";

[[noreturn]] void refuse(const std::string &reason)
{
	throw Failure(Exit::damaged, {}, reason);
}

/* The scalars of an object that is small. */
struct Fields {
	std::map<std::string, tbk_u64> numbers;
	std::map<std::string, std::string> texts;

	void clear()
	{
		numbers.clear();
		texts.clear();
	}
};

template <class Value>
Value take(std::map<std::string, Value> &values, const char *name, const char *what)
{
	const auto found = values.find(name);

	if (found == values.end())
		refuse(fmt::format("{} is missing, or no {}", name, what));
	const Value value = found->second;

	values.erase(found);
	return value;
}

/* "f81d4fae-7dec-41d0-a765-00a0c91e6bf6", as uuid_text() makes it. */
void read_uuid(const std::string &text, tbk_u8 *uuid)
{
	std::string digits = text;

	digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
	for (std::size_t i = 0; i < 16 && digits.size() == 32; i++) {
		const std::string byte = digits.substr(2 * i, 2);

		if (byte.find_first_not_of("0123456789abcdef") == std::string::npos)
			uuid[i] = static_cast<tbk_u8>(std::stoul(byte, nullptr, 16));
	}
	if (uuid_text(uuid) != text)
		refuse("uuid is none");
}

template <class Whole> Whole whole_of(Fields &fields)
{
	Whole whole{};

	for (const auto &field : DumpFields<Whole>::texts) {
		const std::string text = take(fields.texts, field.name, "text");

		if (text.size() > TBK_NAME_MAX || text.find('\0') != std::string::npos)
			refuse(fmt::format("{} is no name", field.name));
		std::memcpy(whole.*field.text, text.c_str(), text.size() + 1);
	}
	read_uuid(take(fields.texts, "uuid", "text"), whole.uuid);
	for (const auto &field : DumpFields<Whole>::numbers) {
		if (!field.set(whole, take(fields.numbers, field.name, "number")))
			refuse(fmt::format("{} is too large", field.name));
	}
	for (const auto &[name, value] : fields.numbers)
		refuse(fmt::format("{} is not known", name));
	for (const auto &[name, value] : fields.texts)
		refuse(fmt::format("{} is not known", name));
	return whole;
}

/* What the parser calls, for each thing it meets; they may throw. */
class Handler final : public nlohmann::json_sax<Json> {
public:
	Handler(std::istream &in, DumpParts &parts,
		const std::function<void(std::uint64_t)> &progress)
		: in_(in), parts_(parts), progress_(progress)
	{
	}

	/* "trees[3].extents[17]" */
	std::string place() const;
	void finish() const;

	bool null() override;
	bool boolean(bool) override { unexpected("a truth value"); }
	bool number_integer(number_integer_t) override { unexpected("a number below zero"); }
	bool number_unsigned(number_unsigned_t value) override;
	bool number_float(number_float_t, const string_t &) override { unexpected("a fraction"); }
	bool string(string_t &value) override;
	bool binary(binary_t &) override { unexpected("bytes"); }
	bool start_object(std::size_t) override;
	bool key(string_t &value) override;
	bool end_object() override;
	bool start_array(std::size_t) override;
	bool end_array() override;
	bool parse_error(std::size_t position, const std::string &,
			 const Json::exception &) override
	{
		refuse(fmt::format("no JSON after {} bytes, or cut off there", position));
	}

private:
	[[noreturn]] static void unexpected(const char *what)
	{
		refuse(fmt::format("{} is not expected there", what));
	}
	bool is_in(const char *section, std::size_t depth) const
	{
		return section_ == section && depth_ == depth;
	}
	void read_head();
	void read_extent();

	std::istream &in_;
	DumpParts &parts_;
	const std::function<void(std::uint64_t)> &progress_;
	std::size_t depth_ = 0; /* of objects and lists */
	std::string section_;	/* key of the outermost object */
	std::string key_;
	std::size_t index_ = 0;	 /* in the section's list */
	std::size_t extent_ = 0; /* in a tree's */
	bool is_in_tree_ = false;
	bool has_pool_ = false;
	bool has_lost_ = false;
	Fields fields_;
	std::vector<tbk_u64> numbers_; /* of an extent */
};

std::string Handler::place() const
{
	if (!has_pool_ && section_ != "pool")
		return {};
	if (depth_ < 2)
		return section_;
	if (section_ == "pool")
		return "pool";
	if (section_ != "trees" || !is_in_tree_)
		return fmt::format("{}[{}]", section_, index_);
	return fmt::format("trees[{}].extents[{}]", index_, extent_);
}

void Handler::finish() const
{
	if (!has_pool_ || !has_lost_)
		refuse("it has no end");
}

/* Before anything else is made of it. */
void Handler::read_head()
{
	if (fields_.texts["format"] != dump_format)
		refuse(no_dump);
	if (fields_.numbers["version"] != dump_version)
		throw Failure(Exit::versions, {}, "it was made by another version of thinback");
	if (fields_.numbers["block"] != TBK_BLOCK)
		refuse("its blocks are of another size");
	fields_.clear();
}

bool Handler::key(string_t &value)
{
	key_ = value;
	if (depth_ != 1)
		return true;
	if (value == "pool")
		read_head();
	section_ = value;
	index_ = 0;
	if (value == "pool")
		return true;
	if (value != "format" && value != "version" && value != "block" && value != "objects" &&
	    value != "trees" && value != "lost")
		refuse(has_pool_ ? fmt::format("{} is not known", value) : no_dump);
	if (value == "objects" || value == "trees" || value == "lost")
		fields_.clear();
	return true;
}

bool Handler::number_unsigned(number_unsigned_t value)
{
	if (is_in("trees", 5)) {
		numbers_.push_back(value);
		return true;
	}
	if (is_in_tree_ || depth_ == 0 || is_in("lost", 2))
		unexpected("a number");
	fields_.numbers[key_] = value;
	return true;
}

/* Absent; which names may be is for the core to say. */
bool Handler::null()
{
	if (!is_in("objects", 3))
		unexpected("null");
	fields_.texts[key_] = "";
	return true;
}

bool Handler::string(string_t &value)
{
	if (is_in("lost", 2)) {
		parts_.lost(value);
		index_++;
		return true;
	}
	if (is_in_tree_ || depth_ == 0)
		unexpected("a text");
	fields_.texts[key_] = value;
	return true;
}

bool Handler::start_object(std::size_t)
{
	depth_++;
	if (depth_ == 1 || is_in("pool", 2) || is_in("objects", 3) || is_in("trees", 3))
		return true;
	unexpected("an object");
}

bool Handler::end_object()
{
	if (is_in("pool", 2)) {
		parts_.pool(whole_of<tbk_dump_pool>(fields_));
		has_pool_ = true;
	} else if (is_in("objects", 3)) {
		parts_.object(whole_of<tbk_dump_object>(fields_));
	}
	if (depth_ == 3)
		index_++;
	fields_.clear();
	depth_--;
	return true;
}

bool Handler::start_array(std::size_t)
{
	depth_++;
	if (is_in("objects", 2) || is_in("trees", 2) || is_in("lost", 2)) {
		if (!has_pool_)
			refuse("the pool comes before anything else");
		return true;
	}
	if (is_in("trees", 4) && key_ == "extents") {
		const tbk_u64 id = take(fields_.numbers, "id", "number");

		if (id > ~tbk_u32{ 0 })
			refuse("id is too large");
		parts_.tree(static_cast<tbk_u32>(id));
		is_in_tree_ = true;
		extent_ = 0;
		return true;
	}
	numbers_.clear();
	if (!is_in("trees", 5))
		unexpected("a list");
	return true;
}

void Handler::read_extent()
{
	const std::size_t count = numbers_.size();
	const bool is_stored =
		count > 2 && (numbers_[2] == TBK_DUMP_DATA || numbers_[2] == TBK_DUMP_ZERO);
	constexpr std::size_t often = 4096;

	if (count != (is_stored ? 5 : 3) || numbers_[2] > TBK_DUMP_LOST)
		refuse("an extent is [virtual, length, state] and, of data and zeros, physical, birth");
	parts_.extent({ numbers_[0], numbers_[1], static_cast<tbk_u32>(numbers_[2]),
			is_stored ? numbers_[3] : 0, is_stored ? numbers_[4] : 0 });
	if (++extent_ % often == 0 && progress_)
		progress_(static_cast<std::uint64_t>(in_.tellg()));
}

bool Handler::end_array()
{
	if (is_in("trees", 5))
		read_extent();
	else if (is_in("trees", 4))
		is_in_tree_ = false;
	else if (is_in("lost", 2))
		has_lost_ = true;
	depth_--;
	return true;
}

} // namespace

void read_dump(std::istream &in, const std::string &name, DumpParts &parts,
	       const std::function<void(std::uint64_t)> &progress)
{
	Handler handler(in, parts, progress);

	try {
		Json::sax_parse(in, &handler);
		handler.finish();
	} catch (const Failure &failure) {
		const std::string place = handler.place();
		Failure whole(failure.exit, name,
			      (place.empty() ? "" : place + ": ") + failure.reason, failure.hint);

		whole.error = failure.error;
		throw whole;
	}
}

} // namespace thinback::tool
