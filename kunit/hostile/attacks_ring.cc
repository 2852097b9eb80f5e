// SPDX-License-Identifier: GPL-2.0
/*
 * Wrong indices, and requests in which a field is wrong: each is answered with
 * an error of its own, and a sound one after it with its data.
 */
#include <string.h>

#include "attack.h"

namespace hostile {
namespace {

constexpr u32 no_grant = 0x7ffffff0;

constexpr int okay = 0, error = -1, unsupported = -2;

/* Asks it of a connected disk. */
template <class Wire>
std::string expect(Frontend &frontend, const char *what, const Wire &wire, int wanted)
{
	const int status = frontend.ring().ask(wire);

	if (status == wanted)
		return "";
	return std::string(what) + ": answered with " +
	       (status == no_answer ? "nothing" : std::to_string(status)) + ", not " +
	       std::to_string(wanted) + "; ";
}

/* @distance from where requests and responses stand. */
std::string break_index(Frontend &frontend, u32 distance)
{
	if (!frontend.connect())
		return "no connection";

	Ring &ring = frontend.ring();

	__atomic_store_n(&ring.head().req_prod, distance, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 100; i++) {
		ring.channel().notify();
		sleep_ms(1);
	}
	return ring.head().rsp_prod == 0 ? "" : "answers what was never asked";
}

std::string indices_ahead(Frontend &frontend)
{
	return break_index(frontend, Ring::slots + 1) + break_index(frontend, 0x80000000);
}

std::string indices_back(Frontend &frontend)
{
	return break_index(frontend, ~0u);
}

/* As garbage when the backend first looks, which is before there is anything to answer. */
std::string indices_at_attach(Frontend &frontend)
{
	if (!frontend.restart())
		return "the disk does not come back";
	frontend.describe();
	frontend.ring().head().req_prod = 0xdeadbeef;
	frontend.enter(State::initialised);
	return frontend.backend_enters(State::closing) ? "" : "connects all the same";
}

std::string operations(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1);
	std::string wrong;

	for (const unsigned operation : { 4u, 7u, 8u, 128u, 255u })
		wrong +=
			expect(frontend, "an unknown operation",
			       simple_request(static_cast<u8>(operation), data.ref()), unsupported);
	return wrong;
}

std::string segments(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1);
	std::string wrong;
	xen::WireReadWrite wire = simple_request(xen::op_read, data.ref());

	for (const unsigned count : { 0u, 12u, 13u, 32u, 255u }) {
		wire.nr_segments = static_cast<u8>(count);
		wrong += expect(frontend, "a count of segments", wire, error);
	}
	wire.nr_segments = 1;
	for (const auto &[first, last] :
	     { std::pair{ 5, 4 }, { 0, 8 }, { 0, 255 }, { 7, 0 }, { 255, 255 } }) {
		wire.segments[0].first_sector = static_cast<u8>(first);
		wire.segments[0].last_sector = static_cast<u8>(last);
		wrong += expect(frontend, "sectors of a segment", wire, error);
	}
	return wrong;
}

std::string sectors(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1);
	const u64 size = frontend.sectors();
	std::string wrong;

	for (const u64 sector :
	     { size, size - 7, size + 1, ~u64{ 0 }, ~u64{ 0 } - 7, u64{ 1 } << 63 }) {
		for (const u8 operation : { u8{ xen::op_read }, u8{ xen::op_write } }) {
			xen::WireReadWrite wire = simple_request(operation, data.ref());

			wire.sector = sector;
			wrong += expect(frontend, "beyond the end", wire, error);
		}
		xen::WireDiscard discard = {};

		discard.operation = xen::op_discard;
		discard.sector = sector;
		discard.nr_sectors = 8;
		wrong += expect(frontend, "a discard beyond the end", discard, error);
		discard.nr_sectors = ~u64{ 0 };
		wrong += expect(frontend, "a discard of everything", discard, error);
	}
	return wrong;
}

/* None, somebody else's, and a page that may only be read: in the first, the middle and the last place. */
std::string grants(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants data(frontend.backend_domain(), 1);
	Grants guarded(frontend.backend_domain(), 1, Grants::Access::read_only);
	std::string wrong;

	for (const unsigned bad : { 0u, 5u, 10u }) {
		xen::WireReadWrite wire = simple_request(xen::op_read, data.ref());

		wire.nr_segments = xen::max_segments;
		for (xen::WireSegment &segment : wire.segments)
			segment = { data.ref(), 0, 7, {} };
		wire.segments[bad].grant = no_grant;
		wrong += expect(frontend, "a grant that is none", wire, error);
		wire.segments[bad].grant = ~0u;
		wrong += expect(frontend, "the highest grant", wire, error);
		wire.segments[bad].grant = guarded.ref();
		wrong += expect(frontend, "reading into a page that may only be read", wire, error);
	}
	wrong += expect(frontend, "the ring's own page as data",
			simple_request(xen::op_write, frontend.ring().ref()), okay);
	return wrong;
}

std::string indirect(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Grants list(frontend.backend_domain(), 1);
	std::string wrong;
	xen::WireIndirect wire = {};

	wire.operation = xen::op_indirect;
	wire.id = 9;
	memset(list.page(), 0xff, xen::page_size);
	for (const unsigned count : { 0u, 257u, 512u, 65535u }) {
		wire.nr_segments = static_cast<u16>(count);
		wire.grants[0] = list.ref();
		wrong += expect(frontend, "a count of indirect segments", wire, error);
	}
	wire.nr_segments = 256;
	wrong += expect(frontend, "a list of garbage", wire, error);
	wire.grants[0] = no_grant;
	wrong += expect(frontend, "no list", wire, error);
	wire.grants[0] = list.ref();
	for (const u8 operation : { u8{ xen::op_flush }, u8{ xen::op_indirect }, u8{ 255 } }) {
		wire.indirect_op = operation;
		wrong += expect(frontend, "an indirect operation", wire, error);
	}
	return wrong;
}

/* The response slots are full of what was never asked: all of a ring at once, over and over. */
std::string floods(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";

	Ring &ring = frontend.ring();

	for (unsigned round = 0; round < 50; round++) {
		for (u32 i = 0; i < Ring::slots; i++) {
			xen::WireReadWrite wire;

			memset(&wire, static_cast<int>(round * 5 + i), sizeof(wire));
			ring.put(wire);
		}
		ring.push();
		if (!ring.is_answered())
			return "a full ring of garbage is not answered";
	}
	return "";
}

constexpr Attack table[] = {
	{ "indices-ahead", "req_prod is further ahead than a ring has slots", Leaves::nothing,
	  indices_ahead },
	{ "indices-back", "req_prod goes backwards", Leaves::nothing, indices_back },
	{ "indices-at-attach", "req_prod is garbage when the ring is mapped", Leaves::error,
	  indices_at_attach },
	{ "operations", "operations that do not exist", Leaves::nothing, operations },
	{ "segments", "more segments than fit, none, and sectors outside of a page",
	  Leaves::nothing, segments },
	{ "sectors", "reads, writes and discards beyond the end, and sums that wrap",
	  Leaves::nothing, sectors },
	{ "grants", "grants that do not exist, that may only be read, and the ring itself",
	  Leaves::nothing, grants },
	{ "indirect", "lists of segments of the wrong length, full of garbage, or nowhere",
	  Leaves::nothing, indirect },
	{ "garbage", "rings full of any bytes", Leaves::nothing, floods },
};

} // namespace

const std::span<const Attack> ring_attacks = table;

} // namespace hostile
