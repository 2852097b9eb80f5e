// SPDX-License-Identifier: GPL-2.0
#include "volume_reader.h"

namespace thinback::crash {
namespace {

constexpr u64 most_bytes = 256 * 1024;

} // namespace

VolumeReader::VolumeReader() : buffer_(most_bytes)
{
	tbk_wait_init(&wait_);
	request_.reader = this;
}

int VolumeReader::ask(struct tbk_volume *volume, u32 op, u64 sector, void *buffer, u64 bytes)
{
	struct tbk_request &request = request_.request;

	request = {};
	request.op = op;
	request.sector = sector;
	request.bytes = bytes;
	if (buffer)
		request.payload = { buffer, TBK_PAYLOAD_BUFFER, 0, bytes };
	request.done = [](struct tbk_request *of) {
		VolumeReader *reader = reinterpret_cast<Request *>(of)->reader;

		reader->done_.store_release(1);
		tbk_wake(&reader->wait_);
	};
	done_.store_relaxed(0);
	tbk_volume_submit(volume, &request);
	tbk_wait_until(
		&wait_,
		[](void *self) -> int {
			return static_cast<VolumeReader *>(self)->done_.load_acquire();
		},
		this);
	return request.error;
}

int VolumeReader::read_open(struct tbk_volume *volume, u64 sectors,
			    const std::function<bool(u64 sector, const u8 *bytes)> &visit)
{
	for (u64 at = 0; at < sectors; at += most_bytes / sector_size) {
		const u64 count = min(sectors - at, most_bytes / sector_size);
		const int error = ask(volume, TBK_OP_READ, at, buffer_.data(), count * sector_size);

		if (error)
			return error;
		for (u64 i = 0; i < count; i++) {
			if (!visit(at + i, &buffer_[i * sector_size]))
				return 0;
		}
	}
	return 0;
}

int VolumeReader::read_all(struct tbk_pool *pool, const Shape &shape,
			   const std::function<bool(u64 sector, const u8 *bytes)> &visit)
{
	struct tbk_volume *volume = nullptr;
	const int error = tbk_volume_open(pool, shape.volume.c_str(), shape.snapshot.c_str(),
					  TBK_OPEN_READ_ONLY, &volume, nullptr);

	if (error)
		return error;
	const int read = read_open(volume, shape.sectors, visit);

	tbk_volume_close(volume);
	return read;
}

} // namespace thinback::crash
