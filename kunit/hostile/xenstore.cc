// SPDX-License-Identifier: GPL-2.0
#include "xenstore.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

namespace hostile {
namespace {

void get(int fd, void *to, size_t size)
{
	auto *at = static_cast<char *>(to);

	while (size) {
		const ssize_t got = ::read(fd, at, size);

		if (got <= 0)
			die("hear from xenstore");
		at += got;
		size -= static_cast<size_t>(got);
	}
}

} // namespace

bool Xenstore::ask(unsigned type, std::string &payload)
{
	xsd_sockmsg head = { type, 1, 0, static_cast<uint32_t>(payload.size()) };
	std::string call(reinterpret_cast<const char *>(&head), sizeof(head));

	call += payload;
	/* The kernel itself takes no longer ones. */
	if (payload.size() > XENSTORE_PAYLOAD_MAX)
		return false;
	if (::write(device_.fd(), call.data(), call.size()) != static_cast<ssize_t>(call.size()))
		die("speak to xenstore");
	get(device_.fd(), &head, sizeof(head));
	payload.resize(head.len);
	get(device_.fd(), payload.data(), payload.size());
	return head.type == type;
}

std::string Xenstore::read(const std::string &path)
{
	std::string payload(path.c_str(), path.size() + 1);

	return ask(XS_READ, payload) ? payload : std::string();
}

bool Xenstore::write(const std::string &path, const std::string &value)
{
	std::string payload = std::string(path.c_str(), path.size() + 1) + value;

	return ask(XS_WRITE, payload);
}

bool Xenstore::write(const std::string &path, unsigned value)
{
	return write(path, std::to_string(value));
}

bool Xenstore::remove(const std::string &path)
{
	std::string payload(path.c_str(), path.size() + 1);

	return ask(XS_RM, payload);
}

} // namespace hostile
