/* SPDX-License-Identifier: GPL-2.0 */
/* A module with pools in memory, good enough to be listed, changed and refused by. */
#pragma once

#include <map>
#include <string>
#include <vector>

#include "../../scripts/thinback/control.h"

namespace thinback::tool {

/* The answer to the next command, whatever it is. */
struct Refusal {
	int error = 0;
	std::string message;
	std::string hint;
};

class FakeKernel final : public Control {
public:
	int open() override;
	int call(unsigned long request, void *argument) override;

	thinback_object &make(const std::string &pool, const std::string &volume,
			      const std::string &snapshot, std::uint64_t bytes);
	thinback_object *find(const std::string &pool, const std::string &volume,
			      const std::string &snapshot);

	/* What goes on in the background does. */
	void pass_time();

	int open_error = 0;
	unsigned int interface = THINBACK_INTERFACE;
	Refusal refusal;
	std::map<std::string, std::string> devices; /* path: the name of the pool on it */
	std::map<std::string, thinback_pool> pools;
	std::map<std::string, std::vector<thinback_object>> objects;
	std::uint64_t gained = 0;  /* by the pools' devices, not taken up yet */
	std::uint64_t damaged = 0; /* what the next scrub finds */
	std::uint64_t healed = 0;
	std::vector<std::string> log; /* commands that were asked for */

private:
	int command(unsigned long request, thinback_command &command);
	int on_pool(unsigned long request, thinback_command &command);
	int on_object(unsigned long request, thinback_command &command);
	int grow(thinback_command &command);
	int scrub(thinback_command &command);
	int set_marks(thinback_command &command);
	int set_limits(thinback_command &command, thinback_object &object);
	int attach(thinback_command &command);
	int create(thinback_command &command);
	int snapshot(thinback_command &command);
	int clone(thinback_command &command);
	int remove(thinback_command &command);
	int list_pools(thinback_list &list);
	int list_objects(thinback_list &list);
	void count(const std::string &pool);

	unsigned int last_id_ = 0;
};

} // namespace thinback::tool
