/* SPDX-License-Identifier: GPL-2.0 */
/* What went wrong, as a person and a program are told. */
#pragma once

#include <exception>
#include <string>

namespace thinback::tool {

/* What scripts tell failures apart by; thinback(8) documents them, so they never change. */
enum class Exit {
	done = 0,
	failed = 1,
	usage = 2,
	missing = 10,
	exists = 11,
	busy = 12,
	full = 13,
	refused = 14,
	damaged = 17,
	versions = 18,
};

/* check answers as fsck(8) does. */
enum class CheckExit { clean = 0, mended = 1, findings = 4, failed = 8, usage = 16 };

/* Thrown by anything below run(), which puts "thinback: cannot VERB OBJECT: " before @reason. */
struct Failure : std::exception {
	Failure(Exit code, std::string what_object, std::string why, std::string what_helps = {});

	const char *what() const noexcept override { return reason.c_str(); }

	Exit exit;
	std::string object; /* may be empty */
	std::string reason;
	std::string hint; /* lines; may be empty */
	int error = 0;	  /* errno, where there was one */
};

/* The exit that an errno of the kernel or the core stands for. */
Exit exit_of_errno(int error);

/* A reason for an errno that came without one. */
std::string reason_of_errno(int error);

/* "busy": the word for an exit in JSON. */
const char *exit_name(Exit exit);

/*
 * A failure from an errno and what the kernel or the core said about it.
 * Their sentence may start with the object, which ours names already.
 */
Failure failure_of(int error, const std::string &object, std::string reason, std::string hint);

} // namespace thinback::tool
