/* SPDX-License-Identifier: GPL-2.0 */
/* What ThreadSanitizer is to see of this world, and what not; nothing without it. */
#pragma once

#include <condition_variable>
#include <mutex>

#ifdef __SANITIZE_THREAD__
extern "C" {
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's names
void __tsan_acquire(void *address);
void __tsan_release(void *address);
// NOLINTEND(bugprone-reserved-identifier)
}
#endif

namespace thinback {

/* To the end of the block this thread neither races with others nor is put in order with them. */
class Unseen {
public:
#ifdef __SANITIZE_THREAD__
	Unseen()
	{
		AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	}
	~Unseen()
	{
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
		AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
	}
#else
	Unseen()
	{
	}
#endif
	Unseen(const Unseen &) = delete;
	Unseen &operator=(const Unseen &) = delete;
};

/* Holds a mutex to the end of the block without the sanitizer's knowing. */
class UnseenGuard {
public:
	explicit UnseenGuard(std::mutex &mutex) : held_(mutex) {}

	void wait(std::condition_variable &changed) { changed.wait(held_); }
	/* The system's clock: that wait is one the sanitizer knows. */
	void wait_until(std::condition_variable &changed, std::chrono::system_clock::time_point due)
	{
		changed.wait_until(held_, due);
	}

private:
	Unseen unseen_; /* first: it ends last */
	std::unique_lock<std::mutex> held_;
};

/* What came before this in its thread comes before what follows see_before() in another. */
inline void tell_after(const void *key)
{
#ifdef __SANITIZE_THREAD__
	__tsan_release(const_cast<void *>(key));
#else
	(void)key;
#endif
}

inline void see_before(const void *key)
{
#ifdef __SANITIZE_THREAD__
	__tsan_acquire(const_cast<void *>(key));
#else
	(void)key;
#endif
}

} // namespace thinback
