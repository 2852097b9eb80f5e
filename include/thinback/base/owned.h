/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/result.h>
#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* The one owner of an object made with make(). */
template <typename T> class [[nodiscard]] Owned {
public:
	constexpr Owned() = default;
	Owned(Owned &&other) noexcept : object_(other.release()) {}
	Owned &operator=(Owned &&other) noexcept
	{
		if (this != &other) {
			reset();
			object_ = other.release();
		}
		return *this;
	}
	Owned(const Owned &) = delete;
	Owned &operator=(const Owned &) = delete;
	~Owned() { reset(); }

	/* Takes over what another release()d. */
	static Owned adopt(T *object) { return Owned(object); }

	T *get() const { return object_; }
	explicit operator bool() const { return object_ != nullptr; }
	T *operator->() const
	{
		TBK_ASSERT(object_);
		return object_;
	}
	T &operator*() const
	{
		TBK_ASSERT(object_);
		return *object_;
	}

	/* The caller owns it now. */
	[[nodiscard]] T *release()
	{
		/* clang 14 does not follow an owner through TBK_TRY. */
		T *object = object_; // NOLINT(clang-analyzer-core.uninitialized.Assign)

		object_ = nullptr;
		return object;
	}

	void reset()
	{
		T *object = release();

		if (!object)
			return;
		object->~T();
		tbk_free(object);
	}

private:
	explicit Owned(T *object) : object_(object) {}

	T *object_ = nullptr;
};

/* Makes a T on the heap; zeroed before its constructor runs. May sleep. */
template <typename T, typename... Args> Result<Owned<T>> make(Args &&...args)
{
	static_assert(alignof(T) <= 64);
	void *memory = tbk_alloc(sizeof(T), TBK_MAY_SLEEP);

	if (!memory)
		return Err::no_memory;
	return Owned<T>::adopt(new (At{ memory }) T(forward<Args>(args)...));
}

} // namespace thinback
