// SPDX-License-Identifier: GPL-2.0
#include "signature.h"

#include <cerrno>
#include <cstring>
#include <memory>

#include <blkid/blkid.h>
#include <fmt/format.h>
#include <unistd.h>

#include "failure.h"

namespace thinback::tool {

namespace {

using Probe = std::unique_ptr<struct blkid_struct_probe, decltype(&blkid_free_probe)>;

[[noreturn]] void fail(const OpenDevice &device, int error)
{
	throw failure_of(error, device.path,
			 fmt::format("its content could not be read: {}", strerror(error)), {});
}

Probe start(const OpenDevice &device)
{
	Probe probe(blkid_new_probe(), &blkid_free_probe);

	if (!probe || blkid_probe_set_device(probe.get(), device.fd, 0, 0) != 0)
		fail(device, errno ? errno : EIO);
	blkid_probe_enable_superblocks(probe.get(), 1);
	/* Damaged ones too: somebody may want to repair what is there. */
	blkid_probe_set_superblocks_flags(
		probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_LABEL |
				     BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(probe.get(), 1);
	blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC | BLKID_PARTS_FORCE_GPT);
	return probe;
}

std::string value(const Probe &probe, const char *name)
{
	const char *data = nullptr;

	return blkid_probe_lookup_value(probe.get(), name, &data, nullptr) == 0 ? data : "";
}

const char *article(const std::string &word)
{
	/* "an LVM2_member": the letter is spoken. */
	return word.starts_with("LVM") || strchr("aeioAEIO", word[0]) ? "an" : "a";
}

std::string describe(const Probe &probe)
{
	const std::string table = value(probe, "PTTYPE");
	const std::string type = value(probe, "TYPE");
	const std::string label = value(probe, "LABEL");

	if (type.empty())
		return table.empty() ? "" : fmt::format("a {} partition table", table);
	return fmt::format("{} {} {}{}", article(type), type,
			   value(probe, "USAGE") == "filesystem" ? "filesystem" : "signature",
			   label.empty() ? "" : fmt::format(" ({})", label));
}

} // namespace

std::string signatures(const OpenDevice &device)
{
	const Probe probe = start(device);
	std::string all;
	int more;

	while ((more = blkid_do_probe(probe.get())) == 0) {
		const std::string one = describe(probe);

		/* A backup of the same kind at the other end tells nothing new. */
		if (!one.empty() && all.find(one) == std::string::npos)
			all += (all.empty() ? "" : ", ") + one;
	}
	if (more < 0)
		fail(device, errno ? errno : EIO);
	return all;
}

void wipe_signatures(const OpenDevice &device)
{
	const Probe probe = start(device);

	while (blkid_do_probe(probe.get()) == 0)
		if (blkid_do_wipe(probe.get(), 0) != 0)
			fail(device, errno ? errno : EIO);
	if (fsync(device.fd) != 0)
		fail(device, errno);
}

} // namespace thinback::tool
