/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that takes down all that was asked of it, so that afterwards the
 * power can be said to have failed at any moment.
 *
 *	CrashDevice device(64 << 20);
 *	hosted_run([&] { ... format, write; each acknowledged at device.events() ... });
 *	CrashReplay replay(device);
 *	for (u64 at = 0; at <= device.events(); at++) {
 *		MemoryDevice image(device.size());
 *
 *		replay.advance(at);
 *		replay.build(image, CrashReplay::random(at, true));
 *		... open, check, compare with what was acknowledged before at ...
 *	}
 */
#pragma once

#include <functional>
#include <vector>

#include "devices.h"

namespace thinback {

/* A write, or discard, that the device was given. */
struct CrashWrite {
	u64 index; /* of all, from 0 */
	u64 sector;
	u64 sectors;
	bool is_discard;
	bool is_fua;
	std::vector<u8> data; /* empty for a discard */
};

/* Something that happened to the device. Moments are counted in these. */
struct CrashEvent {
	enum class Kind { write_submitted, write_done, flush_submitted, flush_done };

	Kind kind;
	u64 of; /* which write, by index; which flush, by the event that submitted it */
	bool has_failed;
};

/*
 * A write with PREFLUSH is recorded as a flush and, submitted when that is
 * done, a write: a disk does not begin the one before it has ended the other.
 */
class CrashDevice : public MemoryDevice {
public:
	explicit CrashDevice(u64 bytes) : CrashDevice(bytes, Options()) {}
	CrashDevice(u64 bytes, const Options &options);

	/* Forgets what was recorded: what is there now is durable, and the start. */
	void restart();

	const std::vector<CrashEvent> &recorded() const { return events_; }
	const CrashWrite &write_at(u64 index) const { return writes_[index]; }
	u64 events() const { return events_.size(); }
	u64 writes() const { return writes_.size(); }
	const MemoryDevice &start() const { return start_; }

protected:
	u64 note_flush_submitted() override;
	void note_flush_done(u64 number, int error) override;
	u64 note_write_submitted(const struct tbk_io &io) override;
	void note_write_done(u64 number, int error) override;

private:
	const bool is_cached_; /* else each write is durable when it is done */
	std::vector<CrashEvent> events_;
	std::vector<CrashWrite> writes_;
	MemoryDevice start_;
};

/* Whether a sector, counted from the write's first, reached the disk. A discard is asked of once. */
using CrashChoice = std::function<bool(const CrashWrite &write, u64 sector)>;

/* Goes through a recording, and knows what is durable by then and what may be. */
class CrashReplay {
public:
	/* @device: not used meanwhile */
	explicit CrashReplay(const CrashDevice &device);

	/* To the moment after the first @events events; never back. */
	void advance(u64 events);

	/* Indexes of the writes that may be on the disk, or not, or in part; in the order they were done. */
	std::vector<u64> undecided() const;

	/* What a disk may hold if the power fails now. Borrows of the replay, which stays where it is. */
	void build(MemoryDevice &image, const CrashChoice &choice) const;

	static CrashChoice none();
	static CrashChoice all();
	/* Each write by the toss of a coin; @torn: some of them sector by sector. */
	static CrashChoice random(u64 seed, bool torn);

private:
	struct Undecided {
		const CrashWrite *write;
		bool is_done;
		bool has_failed;
		std::vector<bool> overtaken; /* sectors that a later, durable write holds */
	};
	struct Flush {
		u64 number;
		std::vector<u64> covers; /* writes that were done when it was submitted */
	};

	void apply(const CrashEvent &event, u64 number);
	void begin_flush(u64 number);
	void end_flush(const CrashEvent &event);
	void end_write(const CrashEvent &event);
	void harden(u64 index);

	const CrashDevice &device_;
	MemoryDevice durable_;
	u64 at_ = 0;
	std::vector<Undecided>
		undecided_;	     /* as they were done; then those that are not, by index */
	std::vector<Flush> flushes_; /* in flight */
};

} // namespace thinback
