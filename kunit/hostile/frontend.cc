// SPDX-License-Identifier: GPL-2.0
#include "frontend.h"

#include <stdlib.h>
#include <string.h>

namespace hostile {
namespace {

constexpr unsigned patience_ms = 30000;

/* What an attack may have left. */
constexpr const char *keys[] = { "ring-ref",
				 "ring-ref0",
				 "event-channel",
				 "ring-page-order",
				 "multi-queue-num-queues",
				 "feature-persistent",
				 "protocol",
				 "queue-0",
				 "queue-1",
				 "flood" };

} // namespace

Frontend::Frontend(unsigned disk)
	: path_("device/vbd/" + std::to_string(disk)),
	  backend_(store_.read(path_ + "/backend")),
	  domain_(static_cast<unsigned>(atoi(store_.read(path_ + "/backend-id").c_str())))
{
	if (backend_.empty())
		die("find the disk in xenstore");
}

bool Frontend::set(const std::string &key, const std::string &value)
{
	return store_.write(path_ + "/" + key, value);
}

bool Frontend::set(const std::string &key, unsigned value)
{
	return store_.write(path_ + "/" + key, value);
}

void Frontend::erase(const std::string &key)
{
	store_.remove(path_ + "/" + key);
}

std::string Frontend::backend_key(const std::string &key)
{
	return store_.read(backend_ + "/" + key);
}

State Frontend::backend_state()
{
	return static_cast<State>(atoi(backend_key("state").c_str()));
}

bool Frontend::backend_enters(State state)
{
	for (unsigned waited = 0; waited < patience_ms; waited += 5) {
		if (backend_state() == state)
			return true;
		sleep_ms(5);
	}
	return false;
}

u64 Frontend::sectors()
{
	return strtoull(backend_key("sectors").c_str(), nullptr, 10);
}

bool Frontend::restart()
{
	enter(State::closed);
	if (!backend_enters(State::closed))
		return false;
	ring_.reset();
	for (const char *key : keys)
		erase(key);
	enter(State::initialising);
	return backend_enters(State::init_wait);
}

void Frontend::describe()
{
	ring_ = std::make_unique<Ring>(domain_);
	ring_->head().req_event = 1;
	ring_->head().rsp_event = 1;
	set("ring-ref", ring_->ref());
	set("event-channel", ring_->channel().port());
	set("protocol", "x86_64-abi");
}

bool Frontend::connect()
{
	if (!restart())
		return false;
	describe();
	enter(State::initialised);
	if (!backend_enters(State::connected))
		return false;
	enter(State::connected);
	return true;
}

std::string Frontend::serves()
{
	if (!connect())
		return "the disk does not come back";

	Grants data(domain_, 1);

	memset(data.page(), 0x42, xen::page_size);
	if (ring_->ask(simple_request(xen::op_write, data.ref())) != 0)
		return "a sound write fails";
	memset(data.page(), 0, xen::page_size);
	if (ring_->ask(simple_request(xen::op_read, data.ref())) != 0)
		return "a sound read fails";
	for (u32 i = 0; i < xen::page_size; i++) {
		if (static_cast<u8 *>(data.page())[i] != 0x42)
			return "what was written does not read back";
	}
	return "";
}

} // namespace hostile
