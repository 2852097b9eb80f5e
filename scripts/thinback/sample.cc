// SPDX-License-Identifier: GPL-2.0
#include "sample.h"

#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>

#include <fmt/format.h>

#include "failure.h"
#include "name.h"

namespace thinback::tool {

namespace fs = std::filesystem;

namespace {

/* Nothing if it cannot be read: the volume may have gone. */
std::optional<std::string> read_line(const fs::path &path)
{
	std::ifstream file(path);
	std::string line;

	if (!std::getline(file, line))
		return {};
	return line;
}

std::optional<std::uint64_t> parse_number(const std::string &text)
{
	std::istringstream in(text);
	std::uint64_t number = 0;

	if (!(in >> number) || !(in >> std::ws).eof())
		return {};
	return number;
}

std::optional<std::uint64_t> read_number(const fs::path &path)
{
	const auto line = read_line(path);

	return line ? parse_number(*line) : std::nullopt;
}

/* Of flushes no bytes are told. */
bool read_op(const fs::path &folder, Op op, OpSample &sample)
{
	const std::string name = op_names[op];
	const auto latency = read_line(folder / (name + "_latency"));
	const auto parsed = latency ? parse_latency(*latency) : std::nullopt;

	if (!parsed)
		return false;
	sample.latency = *parsed;
	if (op == op_flush)
		return true;
	const auto bytes = read_number(folder / (name + "_bytes"));

	sample.bytes = bytes.value_or(0);
	return bytes.has_value();
}

bool read_volume(const fs::path &folder, VolumeSample &volume)
{
	const auto uuid = read_line(folder / "uuid");
	const auto guest = read_line(folder / "guest");
	const auto own = read_number(folder / "own");

	if (!uuid || !guest || !own)
		return false;
	volume.uuid = *uuid;
	volume.guest = *guest;
	volume.own = *own;
	for (unsigned int op = 0; op < op_count; op++)
		if (!read_op(folder / "statistics", static_cast<Op>(op), volume.ops[op]))
			return false;
	return true;
}

/* The folders in @folder, by name; none if that has gone. */
std::vector<std::string> folders_in(const fs::path &folder)
{
	std::error_code error;
	std::vector<std::string> names;

	for (const fs::directory_entry &entry : fs::directory_iterator(folder, error))
		if (entry.is_directory(error))
			names.push_back(entry.path().filename());
	std::sort(names.begin(), names.end());
	return names;
}

class Reader {
public:
	Reader(const System &system, bool strict)
		: pools_(system.sysfs / "fs/thinback"), strict_(strict)
	{
		if (strict && !fs::exists(pools_))
			throw Failure(Exit::failed, {}, "the module is not loaded",
				      "modprobe xen-thinback");
	}

	void all(Sample &sample)
	{
		for (const std::string &pool : folders_in(pools_))
			add_pool(sample, pool);
	}

	void object(Sample &sample, const std::string &text)
	{
		const Name name = parse_name(text);

		if (name.kind == Kind::pool) {
			require(pools_ / name.pool, text, "no pool of that name is attached");
			add_pool(sample, name.pool);
			return;
		}
		const Name volume = parse_volume(text);

		require(volumes_of(volume.pool) / volume.volume, text, "there is no such volume");
		add_volume(sample, volume.pool, volume.volume);
	}

private:
	fs::path volumes_of(const std::string &pool) const { return pools_ / pool / "volumes"; }

	void require(const fs::path &folder, const std::string &text, const char *reason) const
	{
		if (strict_ && !fs::exists(folder))
			throw Failure(Exit::missing, text, reason);
	}

	void add_pool(Sample &sample, const std::string &pool)
	{
		for (const std::string &volume : folders_in(volumes_of(pool)))
			add_volume(sample, pool, volume);
	}

	void add_volume(Sample &sample, const std::string &pool, const std::string &name)
	{
		const fs::path folder = volumes_of(pool) / name;
		VolumeSample volume;

		volume.name = pool + "/" + name;
		if (read_volume(folder, volume)) {
			sample.volumes.push_back(std::move(volume));
			return;
		}
		/* One that goes just now is none of ours; one that never told is. */
		if (strict_ && read_line(folder / "uuid"))
			throw Failure(
				Exit::versions, volume.name,
				"the module does not tell the statistics that this program reads",
				"they come from one package: load its module, or install the "
				"program that goes with the loaded one");
	}

	const fs::path pools_;
	const bool strict_;
};

/* Nothing if a counter went back: it began anew. */
bool subtract(const OpSample &before, const OpSample &after, OpSample &difference)
{
	if (after.bytes < before.bytes)
		return false;
	difference.bytes = after.bytes - before.bytes;
	for (std::size_t i = 0; i < after.latency.buckets.size(); i++) {
		if (after.latency.buckets[i] < before.latency.buckets[i])
			return false;
		difference.latency.buckets[i] =
			after.latency.buckets[i] - before.latency.buckets[i];
	}
	return true;
}

bool compare(const VolumeSample &before, VolumeRate &rate)
{
	if (before.uuid != rate.now.uuid)
		return false;
	for (unsigned int op = 0; op < op_count; op++)
		if (!subtract(before.ops[op], rate.now.ops[op], rate.ops[op]))
			return false;
	rate.grown = static_cast<std::int64_t>(rate.now.own - before.own);
	return true;
}

} // namespace

std::uint64_t Latency::requests() const
{
	return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{ 0 });
}

void Latency::add(const Latency &other)
{
	for (std::size_t i = 0; i < buckets.size(); i++)
		buckets[i] += other.buckets[i];
}

/* Within a bucket they are taken to lie evenly; of the last only its beginning is known. */
std::optional<double> Latency::quantile(double share) const
{
	const std::uint64_t all = requests();
	double before = 0;

	if (all == 0)
		return {};
	const double wanted = share * static_cast<double>(all);

	for (std::size_t i = 0; i + 1 < buckets.size(); i++) {
		const double begin = i ? static_cast<double>(1ULL << (i - 1)) : 0;
		const double end = static_cast<double>(1ULL << i);
		const auto here = static_cast<double>(buckets[i]);

		if (here > 0 && before + here >= wanted)
			return begin + (end - begin) * (wanted - before) / here;
		before += here;
	}
	return static_cast<double>(1ULL << (buckets.size() - 2));
}

std::optional<Latency> parse_latency(const std::string &line)
{
	std::istringstream words(line);
	std::string word;
	Latency latency;
	std::size_t count = 0;

	while (words >> word) {
		const auto number = parse_number(word);

		if (!number || count == latency.buckets.size())
			return {};
		latency.buckets[count++] = *number;
	}
	if (count != latency.buckets.size())
		return {};
	return latency;
}

Sample take_sample(const System &system, const std::vector<std::string> &objects, bool strict)
{
	Reader reader(system, strict);
	Sample sample;

	sample.when = system.ticks();
	if (objects.empty())
		reader.all(sample);
	for (const std::string &object : objects)
		reader.object(sample, object);
	return sample;
}

double VolumeRate::requests(Op op) const
{
	return static_cast<double>(ops[op].latency.requests()) / seconds;
}

double VolumeRate::bytes(Op op) const
{
	return static_cast<double>(ops[op].bytes) / seconds;
}

double VolumeRate::growth() const
{
	return static_cast<double>(grown) / seconds;
}

std::vector<VolumeRate> rates_between(const Sample &before, const Sample &after)
{
	std::vector<VolumeRate> rates;

	for (const VolumeSample &volume : after.volumes) {
		const auto found = std::find_if(
			before.volumes.begin(), before.volumes.end(),
			[&](const VolumeSample &other) { return other.name == volume.name; });
		VolumeRate rate;

		rate.now = volume;
		/* Two looks at one moment would tell of infinitely much. */
		rate.seconds =
			static_cast<double>(std::max<std::uint64_t>(after.when - before.when, 1)) /
			1e9;
		if (found == before.volumes.end() || !compare(*found, rate)) {
			rate.ops = {};
			rate.is_new = true;
		}
		rates.push_back(std::move(rate));
	}
	return rates;
}

} // namespace thinback::tool
