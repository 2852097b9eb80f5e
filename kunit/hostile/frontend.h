/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <memory>
#include <string>

#include <thinback/xen/xenbus.h>

#include "ring.h"
#include "xenstore.h"

namespace hostile {

using xen::State;

/* The guest's end of a disk that its kernel has no driver for. */
class Frontend {
public:
	explicit Frontend(unsigned disk);

	unsigned backend_domain() const { return domain_; }
	Xenstore &store() { return store_; }
	Ring &ring() { return *ring_; }

	bool set(const std::string &key, const std::string &value);
	bool set(const std::string &key, unsigned value);
	void erase(const std::string &key);
	void enter(State state) { set("state", static_cast<unsigned>(state)); }

	std::string backend_key(const std::string &key);
	State backend_state();
	/* Until the backend is in that state, or it takes too long. */
	bool backend_enters(State state);
	u64 sectors();

	/* Closes, whatever was before, and starts anew: true once the backend waits for us. */
	bool restart();
	/* A new ring, and the keys that tell of it. The frontend's state is not touched. */
	void describe();
	/* From anywhere to Connected, as an honest frontend goes there. */
	bool connect();
	/* A page is written and read, as from an honest guest: empty, or what was wrong. */
	std::string serves();

private:
	Xenstore store_;
	std::string path_;
	std::string backend_;
	unsigned domain_;
	std::unique_ptr<Ring> ring_;
};

} // namespace hostile
