// SPDX-License-Identifier: GPL-2.0
#include "journal_rig.h"

#include <string.h>
#include <thinback/format/journal.h>

#include "asked.h"

namespace thinback {
namespace {

constexpr u64 mib = 1 << 20;
constexpr u64 block_bytes = format::block_size;
constexpr u64 words = block_bytes / sizeof(u64);

} // namespace

JournalRig::JournalRig(const MemoryDevice::Options &options) : device(128 * mib, options)
{
	const struct tbk_format_options format = { "tank", { 1 }, 0 };

	if (tbk_pool_format(&device, &format, nullptr))
		return;
	if (tbk_pool_open(&device, 0, &pool, nullptr))
		return;
	if (!tbk_volume_create(pool, "disk", 64 * mib, 0, nullptr))
		turn_to("disk", nullptr);
}

JournalRig::~JournalRig()
{
	close();
}

void JournalRig::leave()
{
	if (volume_)
		tbk_volume_close(volume_);
	volume_ = nullptr;
}

void JournalRig::close()
{
	leave();
	if (pool)
		(void)tbk_pool_close(pool, nullptr);
	pool = nullptr;
}

void JournalRig::start(u32 flags)
{
	if (tbk_pool_open(&device, flags, &pool, nullptr))
		pool = nullptr;
	else
		turn_to("disk", nullptr);
}

void JournalRig::turn_to(const char *volume, const char *snapshot)
{
	leave();
	(void)tbk_volume_open(pool, volume, snapshot, 0, &volume_, nullptr);
}

/* What closing writes is taken back. */
void JournalRig::stop()
{
	MemoryDevice image(device.size());

	image.copy_from(device);
	close();
	device.copy_from(image);
}

std::string JournalRig::findings()
{
	struct tbk_check check {};
	std::string said;

	check.context = &said;
	check.found = [](struct tbk_check *in, enum tbk_finding_class, const char *text) {
		*static_cast<std::string *>(in->context) += std::string(text) + "\n";
	};
	if (tbk_pool_check(&device, &check, nullptr))
		said += "cannot be checked\n";
	return said;
}

bool JournalRig::is_damaged()
{
	struct tbk_check check {};
	bool is_damaged = false;

	check.context = &is_damaged;
	check.found = [](struct tbk_check *in, enum tbk_finding_class kind, const char *text) {
		if (kind == TBK_FINDING_LEAK)
			return;
		*static_cast<bool *>(in->context) = true;
		tbk_log(TBK_LOG_ERROR, "check: %s", text);
	};
	return tbk_pool_check(&device, &check, nullptr) || is_damaged;
}

bool JournalRig::is_sound()
{
	close();
	const std::string said = findings();

	start();
	return said.empty() && is_ok();
}

u64 JournalRig::checkpoint() const
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool, &info);
	return info.checkpoint;
}

int JournalRig::ask(u32 op, u64 block, u64 count, void *data)
{
	const struct tbk_payload payload = { data, TBK_PAYLOAD_BUFFER, 0, data ? block_bytes : 0 };

	return ask_volume(volume_, op, block, count, data ? payload : tbk_payload{});
}

int JournalRig::write(u64 block, u64 value)
{
	alignas(4096) u64 data[words];

	for (u64 &word : data)
		word = value;
	return ask(TBK_OP_WRITE, block, 1, data);
}

int JournalRig::read(u64 block, u64 &value)
{
	alignas(4096) u64 data[words];

	memset(data, 0xee, sizeof(data));
	const int error = ask(TBK_OP_READ, block, 1, data);

	value = data[0];
	for (const u64 word : data) {
		if (word != value)
			value = ~0ull;
	}
	return error;
}

bool JournalRig::holds(u64 block, u64 value)
{
	u64 found = 0;

	return read(block, found) == 0 && found == value;
}

int JournalRig::discard(u64 block, u64 count)
{
	return ask(TBK_OP_DISCARD, block, count, nullptr);
}

int JournalRig::flush()
{
	return ask(TBK_OP_FLUSH, 0, 0, nullptr);
}

/* The numbers begin where the last superblock says, in whichever slot that is. */
u64 JournalRig::journal_at(u64 n) const
{
	format::Superblock newest = {};

	for (u64 slot = 0; slot < format::ring_length; slot++) {
		format::Superblock super = {};

		device.read((format::ring_a + slot) * block_bytes, &super, sizeof(super));
		if (super.header.checkpoint.get() > newest.header.checkpoint.get())
			newest = super;
	}
	const u64 number = newest.journal_seq.get() + n;

	return (format::journal_start + number % newest.journal_blocks.get()) * block_bytes;
}

void JournalRig::damage_journal(u64 n)
{
	device.clear(journal_at(n), block_bytes);
}

void JournalRig::break_journal(u64 n)
{
	device.break_block(journal_at(n) / block_bytes);
}

void JournalRig::spoil_journal(u64 n, const std::function<void(format::JournalRecord &)> &spoil)
{
	format::JournalBlock block = {};
	u8 *bytes = reinterpret_cast<u8 *>(&block);

	device.read(journal_at(n), &block, sizeof(block));
	spoil(block.records[0]);
	block.header.checksum.set(tbk_crc32c(~0u, bytes + 4, sizeof(block) - 4));
	device.write(journal_at(n), &block, sizeof(block));
}

} // namespace thinback
