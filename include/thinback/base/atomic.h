/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

/*
 * A value that several CPUs touch without a lock. The order is in the name at
 * each use; read-modify-write is acquire and release unless it says relaxed.
 */
template <typename T> class Atomic {
public:
	// NOLINTNEXTLINE(bugprone-sizeof-expression): T may be a pointer
	static_assert(sizeof(T) <= 8 && __is_trivially_copyable(T));

	constexpr Atomic() = default;
	constexpr explicit Atomic(T value) : raw_(value) {}
	Atomic(const Atomic &) = delete;
	Atomic &operator=(const Atomic &) = delete;

	T load_relaxed() const { return __atomic_load_n(&raw_, __ATOMIC_RELAXED); }
	T load_acquire() const { return __atomic_load_n(&raw_, __ATOMIC_ACQUIRE); }
	void store_relaxed(T value) { __atomic_store_n(&raw_, value, __ATOMIC_RELAXED); }
	void store_release(T value) { __atomic_store_n(&raw_, value, __ATOMIC_RELEASE); }

	T exchange(T value) { return __atomic_exchange_n(&raw_, value, __ATOMIC_ACQ_REL); }

	/* Returns whether @expected was there and is now @wanted; else @expected is what was there. */
	bool compare_exchange(T &expected, T wanted)
	{
		return __atomic_compare_exchange_n(&raw_, &expected, wanted, false,
						   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}

	/* All of these return the value before. */
	T fetch_add(T n) { return __atomic_fetch_add(&raw_, n, __ATOMIC_ACQ_REL); }
	T fetch_sub(T n) { return __atomic_fetch_sub(&raw_, n, __ATOMIC_ACQ_REL); }
	T fetch_or(T bits) { return __atomic_fetch_or(&raw_, bits, __ATOMIC_ACQ_REL); }
	T fetch_and(T bits) { return __atomic_fetch_and(&raw_, bits, __ATOMIC_ACQ_REL); }
	T fetch_add_relaxed(T n) { return __atomic_fetch_add(&raw_, n, __ATOMIC_RELAXED); }
	T fetch_sub_relaxed(T n) { return __atomic_fetch_sub(&raw_, n, __ATOMIC_RELAXED); }

private:
	T raw_{};
};

/* One access, once, of memory that others change: a guest, or code without our types. */
template <typename T> T read_once(const T &from)
{
	return __atomic_load_n(const_cast<const volatile T *>(&from), __ATOMIC_RELAXED);
}

template <typename T> void write_once(T &to, T value)
{
	__atomic_store_n(const_cast<volatile T *>(&to), value, __ATOMIC_RELAXED);
}

/*
 * Lets readers notice that a writer was there, without writing anything
 * themselves. The data lies in Atomics, accessed relaxed; writers exclude each
 * other by a lock of their own.
 *
 *	const u32 seen = seq.read_begin();
 *	x = x_.load_relaxed();
 *	if (seq.read_retry(seen)) ... x is not to be used, for anything
 */
class SeqCount {
public:
	constexpr SeqCount() = default;

	/* Odd while a writer is at work: the reader need not even look. */
	u32 read_begin() const { return count_.load_acquire(); }
	static bool is_busy(u32 seen) { return (seen & 1) != 0; }

	/* True if what was read since read_begin() may be torn. */
	bool read_retry(u32 seen) const
	{
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return is_busy(seen) || count_.load_relaxed() != seen;
	}

	void write_begin()
	{
		count_.store_relaxed(count_.load_relaxed() + 1);
		__atomic_thread_fence(__ATOMIC_RELEASE);
	}

	void write_end() { count_.store_release(count_.load_relaxed() + 1); }

private:
	Atomic<u32> count_;
};

/* Marks the data as changing to the end of the block. */
class SeqWriteGuard {
public:
	explicit SeqWriteGuard(SeqCount &seq) : seq_(seq) { seq_.write_begin(); }
	~SeqWriteGuard() { seq_.write_end(); }
	SeqWriteGuard(const SeqWriteGuard &) = delete;
	SeqWriteGuard &operator=(const SeqWriteGuard &) = delete;

private:
	SeqCount &seq_;
};

} // namespace thinback
