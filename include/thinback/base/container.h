/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <thinback/base/types.h>

namespace thinback {

template <typename Member> struct MemberPointer;
template <typename T, typename U> struct MemberPointer<U T::*> {
	using Object = T;
	using Field = U;
};

/*
 * The object that @field is a member of: container_of<&Node::rcu>(rcu). For
 * what the platform hands back to us: works, timers, RCU heads, requests.
 */
template <auto member> typename MemberPointer<decltype(member)>::Object &
container_of(typename MemberPointer<decltype(member)>::Field *field)
{
	using Object = typename MemberPointer<decltype(member)>::Object;

	/* A pointer to a data member is its offset, says the C++ ABI of Linux. */
	return *reinterpret_cast<Object *>(reinterpret_cast<u8 *>(field) -
					   __builtin_bit_cast(ptrdiff_t, member));
}

} // namespace thinback
