// SPDX-License-Identifier: GPL-2.0
/* Keys that make no sense, and too many of them. */
#include "attack.h"

namespace hostile {
namespace {

/* With a sound ring but for one key, the backend says why it does not connect. */
std::string refuses(Frontend &frontend, const char *key, const std::string &value)
{
	if (!frontend.restart())
		return "the disk does not come back; ";
	frontend.describe();
	if (!frontend.set(key, value))
		return "xenstore does not take " + std::string(key) + "; ";
	frontend.enter(State::initialised);
	return frontend.backend_enters(State::closing)
		       ? ""
		       : std::string(key) + "=" + value.substr(0, 40) + " is not refused; ";
}

std::string garbage(Frontend &frontend)
{
	std::string wrong;

	for (const char *value : { "-1", "garbage", "", "99999999999999999999", "0x10", "1 2" }) {
		wrong += refuses(frontend, "ring-ref", value);
		wrong += refuses(frontend, "event-channel", value);
	}
	wrong += refuses(frontend, "ring-ref", std::string(2000, '9'));
	for (const char *value : { "x86_64", "arm-abi", "%n%n%n%s" })
		wrong += refuses(frontend, "protocol", value);
	return wrong;
}

std::string wrong_references(Frontend &frontend)
{
	return refuses(frontend, "ring-ref", "2147483632") +
	       refuses(frontend, "ring-ref", "4294967295") +
	       refuses(frontend, "event-channel", "4095") +
	       refuses(frontend, "event-channel", "4294967295");
}

std::string more_than_offered(Frontend &frontend)
{
	std::string wrong;

	for (const char *count : { "0", "65", "4294967295" })
		wrong += refuses(frontend, "multi-queue-num-queues", count);
	for (const char *order : { "5", "31", "32", "4294967295" })
		wrong += refuses(frontend, "ring-page-order", order);
	return wrong;
}

/* Sixteen times one page: what is written to it is garbage soon, and nobody else's. */
std::string one_page_ring(Frontend &frontend)
{
	if (!frontend.restart())
		return "the disk does not come back";
	frontend.describe();
	frontend.set("ring-page-order", 4);
	for (unsigned page = 0; page < 16; page++)
		frontend.set("ring-ref" + std::to_string(page), frontend.ring().ref());
	frontend.enter(State::initialised);
	if (!frontend.backend_enters(State::connected))
		return "";

	Grants data(frontend.backend_domain(), 1);

	for (u32 i = 0; i < 100; i++) {
		frontend.ring().put(simple_request(xen::op_read, data.ref()));
		frontend.ring().push();
		sleep_ms(1);
	}
	return "";
}

std::string changed_after_connect(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";
	frontend.set("ring-page-order", 4);
	frontend.set("multi-queue-num-queues", "64");
	frontend.set("ring-ref", "4294967295");
	frontend.set("event-channel", "-1");
	frontend.set("protocol", "garbage");
	frontend.erase("ring-ref");

	Grants data(frontend.backend_domain(), 1);

	return frontend.ring().ask(simple_request(xen::op_read, data.ref())) == 0
		       ? ""
		       : "a sound read fails on the old ring";
}

/* Xenstore itself has a bound on what a guest may keep there. */
std::string flood(Frontend &frontend)
{
	if (!frontend.connect())
		return "no connection";
	for (unsigned i = 0; i < 3000; i++)
		frontend.set("flood/" + std::to_string(i), std::string(1000, 'x'));
	for (unsigned i = 0; i < 3000; i++)
		frontend.set("state", i % 2 ? "4" : "3");

	Grants data(frontend.backend_domain(), 1);
	std::string wrong;

	if (frontend.ring().ask(simple_request(xen::op_read, data.ref())) != 0)
		wrong = "a sound read fails in the flood";
	frontend.erase("flood");
	return wrong;
}

/* A guest may read what the backend says, and nothing else. */
std::string others_keys(Frontend &frontend)
{
	Xenstore &store = frontend.store();

	if (store.write("/local/domain/0/backend/vbd/hostile", 1) || store.write("/hostile", 1))
		return "xenstore takes what is not ours";
	return "";
}

constexpr Attack table[] = {
	{ "garbage-keys", "negative numbers, none, huge ones, and protocols that do not exist",
	  Leaves::error, garbage },
	{ "wrong-references", "rings and event channels that do not exist", Leaves::error,
	  wrong_references },
	{ "more-than-offered", "more queues and pages than offered", Leaves::error,
	  more_than_offered },
	{ "one-page-ring", "a ring of sixteen times the same page", Leaves::nothing,
	  one_page_ring },
	{ "changed-keys", "all keys are changed after they were read", Leaves::nothing,
	  changed_after_connect },
	{ "flood", "thousands of nodes, and of changes of the state", Leaves::nothing, flood },
	{ "others-keys", "keys that are not the guest's", Leaves::nothing, others_keys },
};

} // namespace

const std::span<const Attack> xenstore_attacks = table;

} // namespace hostile
