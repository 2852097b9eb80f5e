/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>
#include <thinback/platform.h>

namespace thinback {

/* A place in one list, inside the object that is listed. Objects listed do not move or die. */
class ListLink {
public:
	constexpr ListLink() = default;
	~ListLink() { TBK_ASSERT(!is_linked()); }
	ListLink(const ListLink &) = delete;
	ListLink &operator=(const ListLink &) = delete;

	bool is_linked() const { return next_ != nullptr; }

private:
	template <typename T, ListLink T::*link> friend class List;

	ListLink *prev_ = nullptr;
	ListLink *next_ = nullptr;
};

/*
 * Objects in a row, which somebody else owns. No locking. To remove while
 * walking, ask for next() before.
 *
 *	for (Job *job = jobs.first(); job; job = jobs.next(*job))
 */
template <typename T, ListLink T::*link> class List {
public:
	List() { head_.prev_ = head_.next_ = &head_; }
	~List()
	{
		TBK_ASSERT(is_empty());
		head_.prev_ = head_.next_ = nullptr;
	}
	List(const List &) = delete;
	List &operator=(const List &) = delete;

	bool is_empty() const { return head_.next_ == &head_; }

	T *first() const { return owner(head_.next_); }
	T *last() const { return owner(head_.prev_); }
	T *next(const T &object) const { return owner(linked(object).next_); }
	T *prev(const T &object) const { return owner(linked(object).prev_); }

	void push_back(T &object) { insert(object.*link, *head_.prev_, head_); }
	void push_front(T &object) { insert(object.*link, head_, *head_.next_); }
	void insert_before(T &place, T &object)
	{
		ListLink &next = linked(place);
		insert(object.*link, *next.prev_, next);
	}

	void remove(T &object) { unlink(linked(object)); }

	/* NULL when empty. */
	T *pop_front()
	{
		T *object = first();

		if (object)
			unlink(object->*link);
		return object;
	}

	/* Moves all of @from behind what is here. */
	void splice_all(List &from)
	{
		TBK_ASSERT(&from != this);
		if (from.is_empty())
			return;

		ListLink *const front = from.head_.next_;
		ListLink *const back = from.head_.prev_;

		from.head_.prev_ = from.head_.next_ = &from.head_;
		front->prev_ = head_.prev_;
		head_.prev_->next_ = front;
		back->next_ = &head_;
		head_.prev_ = back;
	}

private:
	static ListLink &linked(const T &object)
	{
		ListLink &at = const_cast<T &>(object).*link;

		TBK_ASSERT(at.next_ && at.next_->prev_ == &at && at.prev_->next_ == &at);
		return at;
	}

	static void insert(ListLink &at, ListLink &prev, ListLink &next)
	{
		TBK_ASSERT(!at.is_linked() && prev.next_ == &next && next.prev_ == &prev);
		at.prev_ = &prev;
		at.next_ = &next;
		prev.next_ = &at;
		next.prev_ = &at;
	}

	static void unlink(ListLink &at)
	{
		at.prev_->next_ = at.next_;
		at.next_->prev_ = at.prev_;
		at.prev_ = at.next_ = nullptr;
	}

	T *owner(ListLink *at) const
	{
		/* A pointer to a data member is its offset, says the C++ ABI of Linux. */
		constexpr auto member = link;

		if (at == &head_)
			return nullptr;
		return reinterpret_cast<T *>(reinterpret_cast<char *>(at) -
					     __builtin_bit_cast(ptrdiff_t, member));
	}

	ListLink head_;
};

} // namespace thinback
