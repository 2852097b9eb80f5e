// SPDX-License-Identifier: GPL-2.0
#include "failure.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace thinback::tool {

Failure::Failure(Exit code, std::string what_object, std::string why, std::string what_helps)
	: exit(code),
	  object(std::move(what_object)),
	  reason(std::move(why)),
	  hint(std::move(what_helps))
{
}

Exit exit_of_errno(int error)
{
	switch (error) {
	case ENOENT:
		return Exit::missing;
	case EEXIST:
		return Exit::exists;
	case EBUSY:
	case ENOTEMPTY:
		return Exit::busy;
	case ENOSPC:
		return Exit::full;
	case EPERM:
	case EACCES:
	case EROFS:
		return Exit::refused;
	case EUCLEAN:
	case ENODATA:
		return Exit::damaged;
	case EPROTO:
		return Exit::versions;
	case EINVAL:
	case ENAMETOOLONG:
		return Exit::usage;
	default:
		return Exit::failed;
	}
}

std::string reason_of_errno(int error)
{
	switch (error) {
	case ENOENT:
		return "there is none of that name";
	case EEXIST:
		return "the name is taken";
	case EBUSY:
		return "it is in use";
	case ENOTEMPTY:
		return "it has snapshots";
	case ENOSPC:
		return "no space is left in the pool";
	case EPERM:
	case EACCES:
		return "not permitted";
	case EROFS:
		return "it is read-only";
	case EUCLEAN:
		return "what is on the device is damaged";
	case ENODATA:
		return "the device cannot read what it stored";
	case EPROTO:
		return "it was made by a newer version of thinback";
	case EMEDIUMTYPE:
		return "there is no pool on it";
	case ESHUTDOWN:
		return "the pool has failed; nothing can be changed until it is attached again";
	default:
		return strerror(error);
	}
}

const char *exit_name(Exit exit)
{
	switch (exit) {
	case Exit::done:
		return "done";
	case Exit::failed:
		break;
	case Exit::usage:
		return "usage";
	case Exit::missing:
		return "not-found";
	case Exit::exists:
		return "exists";
	case Exit::busy:
		return "busy";
	case Exit::full:
		return "no-space";
	case Exit::refused:
		return "not-permitted";
	case Exit::damaged:
		return "damaged";
	case Exit::versions:
		return "version";
	}
	return "failed";
}

namespace {

/* "tank/web17 is in use" behind "cannot remove tank/web17: " says it twice. */
std::string without_object(const std::string &reason, const std::string &object)
{
	if (object.empty() || !reason.starts_with(object))
		return reason;

	const std::string rest = reason.substr(object.size());

	if (rest.starts_with(": "))
		return rest.substr(2);
	if (rest.starts_with(" is "))
		return rest.substr(4);
	return rest.starts_with(' ') ? "it" + rest : reason;
}

} // namespace

Failure failure_of(int error, const std::string &object, std::string reason, std::string hint)
{
	reason = without_object(reason, object);
	if (reason.empty())
		reason = reason_of_errno(error);

	Failure failure(exit_of_errno(error), object, std::move(reason), std::move(hint));

	failure.error = error;
	return failure;
}

} // namespace thinback::tool
