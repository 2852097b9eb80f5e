/* SPDX-License-Identifier: GPL-2.0 */
/* What volumes have done, read from sysfs, and what they did between two looks. */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "world.h"

namespace thinback::tool {

/* The kinds of requests, in the order of their counters. */
enum Op : unsigned int { op_read, op_write, op_flush, op_discard, op_count };

constexpr std::array<const char *, op_count> op_names = { "read", "write", "flush", "discard" };

/*
 * Requests by how long they took: the first bucket less than 1 us, number N from
 * 2^(N-1) us to less than 2^N us, the last as much and more.
 */
struct Latency {
	std::array<std::uint64_t, 25> buckets{};

	std::uint64_t requests() const;
	void add(const Latency &other);
	/* In us, of the request that @share (0 to 1) were not slower than; none without requests. */
	std::optional<double> quantile(double share) const;
};

struct OpSample {
	std::uint64_t bytes = 0;
	Latency latency;
};

struct VolumeSample {
	std::string name; /* tank/web17 */
	std::string uuid;
	std::string guest; /* "12 xvda", or empty */
	std::uint64_t own = 0;
	std::array<OpSample, op_count> ops;
};

struct Sample {
	std::uint64_t when = 0;		   /* System::ticks() */
	std::vector<VolumeSample> volumes; /* by name */
};

/*
 * All volumes of all pools, or those that @objects name: pools or volumes. One
 * that goes meanwhile is left out, and so is one that was named, unless @strict.
 * Throws Failure.
 */
Sample take_sample(const System &system, const std::vector<std::string> &objects, bool strict);

/* A line of a latency file. Nothing if it is none. */
std::optional<Latency> parse_latency(const std::string &line);

/* Of a volume, in the time between. */
struct VolumeRate {
	VolumeSample now;
	bool is_new = false; /* it was not there before, or began anew: no rates are known */
	std::array<OpSample, op_count> ops; /* the difference */
	std::int64_t grown = 0;		    /* bytes of its own */
	double seconds = 0;

	double requests(Op op) const;
	double bytes(Op op) const;
	double growth() const;
};

/* Of the volumes that are there in the second. */
std::vector<VolumeRate> rates_between(const Sample &before, const Sample &after);

} // namespace thinback::tool
