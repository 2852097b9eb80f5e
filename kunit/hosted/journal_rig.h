/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <functional>
#include <string>

#include <thinback/entry.h>
#include <thinback/format/journal.h>

#include "../../drivers/hosted/devices.h"
#include "../../drivers/hosted/hosted.h"

namespace thinback {

/* Stops, when told to, with the next flush. */
class HoldingDevice : public MemoryDevice {
public:
	using MemoryDevice::MemoryDevice;
	void hold_at_flush() { will_hold_ = true; }

private:
	u64 note_flush_submitted() override
	{
		if (will_hold_)
			hold();
		will_hold_ = false;
		return 0;
	}

	bool will_hold_ = false;
};

/* A pool whose volume `disk` is open, on a device that may lose its power. */
class JournalRig {
public:
	static constexpr MemoryDevice::Options asynchronous = { .asynchronous = true };

	explicit JournalRig(const MemoryDevice::Options &options = asynchronous);
	~JournalRig();
	JournalRig(const JournalRig &) = delete;
	JournalRig &operator=(const JournalRig &) = delete;

	bool is_ok() const { return volume_ != nullptr; }
	u64 checkpoint() const;

	/* Blocks of the volume, each filled with a number. */
	int write(u64 block, u64 value);
	bool holds(u64 block, u64 value);
	/* The number that fills it, ~0 if it is not one. */
	int read(u64 block, u64 &value);
	int discard(u64 block, u64 count);
	int flush();

	/* The power goes at this moment; and comes back. */
	void stop();
	void start(u32 flags = 0);
	void crash(u32 flags = 0)
	{
		stop();
		start(flags);
	}
	/* Has nothing open. */
	void leave();
	/* Requests go there from now on. */
	void turn_to(const char *volume, const char *snapshot);
	/* What a check of the device says, a line each; stopped. */
	std::string findings();
	/* Whether it finds more than blocks that nobody uses. */
	bool is_damaged();
	/* Whether there is nothing to say once the pool is closed; opens it again. */
	bool is_sound();
	/* Block @n of the journal, from where an opener would begin, is not what was written, or cannot be read. */
	void damage_journal(u64 n);
	void break_journal(u64 n);
	/* ... but its first record is changed. */
	void spoil_journal(u64 n, const std::function<void(format::JournalRecord &)> &spoil);

	HoldingDevice device;
	struct tbk_pool *pool = nullptr;

private:
	int ask(u32 op, u64 block, u64 count, void *data);
	void close();
	u64 journal_at(u64 n) const;

	struct tbk_volume *volume_ = nullptr;
};

} // namespace thinback
