// SPDX-License-Identifier: GPL-2.0
/* Payloads, and plugs that hold nothing back. */
#include <string.h>

#include "payload.h"
#include "simulation.h"

using namespace thinback;

namespace thinback {

/* Pages are plain memory here. */
void for_each_piece(const struct tbk_payload &payload, size_t offset, size_t bytes,
		    const std::function<void(u8 *piece, size_t length)> &visit)
{
	if (offset + bytes > payload.bytes)
		die("asks for %zu bytes at %zu of a payload of %llu", bytes, offset, payload.bytes);
	if (payload.kind == TBK_PAYLOAD_BUFFER) {
		visit(static_cast<u8 *>(payload.data) + offset, bytes);
		return;
	}
	if (payload.kind != TBK_PAYLOAD_SEGMENTS)
		die("asks for bytes of a payload of kind %u", payload.kind);

	const auto *segments = static_cast<const struct tbk_segment *>(payload.data);
	for (u32 i = 0; bytes && i < payload.count; i++) {
		const struct tbk_segment &segment = segments[i];

		if (offset >= segment.length) {
			offset -= segment.length;
			continue;
		}
		const size_t length = min<size_t>(bytes, segment.length - offset);
		visit(static_cast<u8 *>(segment.page) + segment.offset + offset, length);
		bytes -= length;
		offset = 0;
	}
	if (bytes)
		die("a payload has fewer bytes than it says");
}

} // namespace thinback

void tbk_payload_zero(const struct tbk_payload *payload, size_t offset, size_t bytes)
{
	for_each_piece(*payload, offset, bytes,
		       [](u8 *piece, size_t length) { memset(piece, 0, length); });
}

int tbk_payload_is_zero(const struct tbk_payload *payload, size_t offset, size_t bytes)
{
	bool is_zero = true;

	for_each_piece(*payload, offset, bytes, [&](const u8 *piece, size_t length) {
		is_zero &= piece[0] == 0 && memcmp(piece, piece + 1, length - 1) == 0;
	});
	return is_zero;
}

void tbk_payload_get(const struct tbk_payload *payload, size_t offset, void *to, size_t bytes)
{
	u8 *at = static_cast<u8 *>(to);

	for_each_piece(*payload, offset, bytes, [&](const u8 *piece, size_t length) {
		memcpy(at, piece, length);
		at += length;
	});
}

void tbk_payload_put(const struct tbk_payload *payload, size_t offset, const void *from,
		     size_t bytes)
{
	const u8 *at = static_cast<const u8 *>(from);

	for_each_piece(*payload, offset, bytes, [&](u8 *piece, size_t length) {
		memcpy(piece, at, length);
		at += length;
	});
}

void tbk_plug_begin(struct tbk_plug *)
{
	if (current_context().plugged)
		die("plugs twice");
	current_context().plugged = true;
}

void tbk_plug_end(struct tbk_plug *)
{
	if (!current_context().plugged)
		die("unplugs what is not plugged");
	current_context().plugged = false;
}
