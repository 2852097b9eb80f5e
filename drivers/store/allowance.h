/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/format/node.h>

#include "space.h"

namespace thinback {

/* What a volume may take, and what its writes do when there is nothing to take. In blocks. */
struct Limits {
	u64 quota = 0; /* 0: none */
	u64 reserve = 0;
	format::OnFull on_full = format::OnFull::error;
	u32 full_wait = 0;	    /* seconds, 0: the default */
	bool detect_zeroes = false; /* whole blocks of zeros take no space */
};

/*
 * Keeps a volume to its limits. What it holds, `held`, is what it owns and
 * what is on its way to it. Counted only while there is a quota or a reserve:
 * a write of any other volume reads one word more.
 */
class Allowance {
public:
	/* No write is under way; the volume's lock is held, or nobody else knows the volume. */
	void set(const Limits &limits, u64 own, Space &space);
	Limits limits() const;

	bool is_counted() const { return counted_.load_relaxed() != 0; }
	/* Blocks up to the quota. */
	u64 left() const;
	/* Blocks of the reserve that it has yet to take. */
	u64 outstanding() const { return missing(held_.load_acquire()); }

	/* Just taken: how many of @count are within the quota; the rest is to be given back. */
	u32 claim(u32 count, Space &space);
	void unclaim(u32 count, Space &space);
	/* The map changed: it owns @own now, @mapped blocks of it claimed before. Needs the volume's lock. */
	void follow(u64 own, u64 mapped, Space &space);

	format::OnFull on_full() const
	{
		return static_cast<format::OnFull>(on_full_.load_relaxed());
	}
	u64 wait_ns() const;
	bool detects_zeroes() const { return detect_zeroes_.load_relaxed() != 0; }

	/* True for the first to find the quota reached; for the first to tell of it. Until it is not. */
	bool reach() { return reached_.load_relaxed() == none && turn(none, found); }
	bool tell() { return turn(found, told); }

private:
	enum Reached : u8 { none, found, told };

	bool turn(u8 from, u8 to) { return reached_.compare_exchange(from, to); }
	u64 missing(u64 held) const;
	u64 move_by(u64 delta, Space &space);

	Atomic<u8> counted_;
	Atomic<u8> reached_;
	Atomic<u8> detect_zeroes_;
	Atomic<u32> on_full_;
	Atomic<u32> full_wait_;
	Atomic<u64> quota_;
	Atomic<u64> reserve_;
	Atomic<u64> held_;
	u64 own_ = 0; /* as of the last follow() */
};

} // namespace thinback
