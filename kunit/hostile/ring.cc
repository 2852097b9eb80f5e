// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

namespace hostile {
namespace {

/* An emulated dom0 with other guests is slow: what is answered at all is answered by then. */
constexpr unsigned patience_ms = 30000;

} // namespace

void *Ring::slot(u32 number)
{
	return static_cast<char *>(page_.page()) + sizeof(xen::RingHead) +
	       size_t{ number % slots } * xen::slot_size(xen::Abi::x86_64);
}

void Ring::push()
{
	__atomic_store_n(&head().req_prod, sent_, __ATOMIC_SEQ_CST);
	channel_.notify();
}

bool Ring::is_answered()
{
	for (unsigned waited = 0; waited < patience_ms; waited += 2) {
		if (__atomic_load_n(&head().rsp_prod, __ATOMIC_ACQUIRE) == sent_)
			return true;
		sleep_ms(2);
	}
	return false;
}

xen::WireReadWrite simple_request(u8 operation, u32 grant)
{
	xen::WireReadWrite wire = {};

	wire.operation = operation;
	wire.nr_segments = 1;
	wire.id = 77;
	wire.segments[0] = { grant, 0, 7, {} };
	return wire;
}

} // namespace hostile
