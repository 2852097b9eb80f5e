/* SPDX-License-Identifier: GPL-2.0 */
/* Pools on devices that nobody has attached: the module's own core, run in this process. */
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace thinback::tool {

using Uuid = std::array<std::uint8_t, 16>;

/* "f81d4fae-7dec-41d0-a765-00a0c91e6bf6" */
std::string uuid_text(const std::uint8_t *uuid);

struct PoolOnDisk {
	std::string name;
	Uuid uuid{};
	std::uint64_t size = 0;
};

/* leak: space that nobody uses; fixable: what is right can be told; fatal: something is lost. */
enum class Severity { leak, fixable, fatal };

const char *severity_name(Severity severity);

struct Finding {
	Severity severity;
	std::string text;
};

struct CheckSummary {
	std::string pool;
	std::uint64_t volumes = 0;
	std::uint64_t snapshots = 0;
	std::uint64_t nodes = 0;
	std::uint64_t extents = 0;
	std::uint64_t data = 0;	  /* bytes */
	std::uint64_t leaked = 0; /* bytes */
};

struct CheckListener {
	std::function<void(const Finding &)> found;
	std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/* What a repair may do besides. */
struct RepairOptions {
	bool drop = false; /* give up what cannot be read */
	std::string name;  /* of a pool that has lost all superblocks; empty: one that says so */
};

/* An open device; the file descriptor stays the caller's. */
struct OpenDevice {
	int fd;
	std::string path;
};

class DumpParts;

/* How a pool is made of a dump. */
struct RestoreSource {
	/* Tells all of the dump; called twice. */
	std::function<void(DumpParts &)> tell;
	/* While what came of it is checked. */
	std::function<void(std::uint64_t done, std::uint64_t total)> progress;
	/* What the dump says could not be read is left out. */
	bool without_lost = false;
};

/* Functions throw Failure. */
class Core {
public:
	virtual ~Core() = default;

	virtual std::optional<PoolOnDisk> probe(const OpenDevice &device) = 0;
	virtual void format(const OpenDevice &device, const PoolOnDisk &pool) = 0;
	virtual CheckSummary check(const OpenDevice &device, const CheckListener &listener) = 0;
	/* Mends what can be mended; a line each for what was done. @listener hears what is in the way. */
	virtual std::vector<std::string> repair(const OpenDevice &device,
						const RepairOptions &options,
						const CheckListener &listener) = 0;
	/* Tells @to of all metadata. @progress: of done, and total. */
	virtual void dump(const OpenDevice &device, DumpParts &to,
			  const std::function<void(std::uint64_t, std::uint64_t)> &progress) = 0;
	/* Makes the pool of a dump on the device that holds its data. */
	virtual void restore(const OpenDevice &device, const RestoreSource &source) = 0;
};

} // namespace thinback::tool
