// SPDX-License-Identifier: GPL-2.0
#include "fleet.h"

#include <thinback/base/container.h>

namespace thinback {

Fleet::Fleet(u64 bytes, const MemoryDevice::Options &options, u32 volumes, u64 volume_bytes)
	: device(bytes, options)
{
	const struct tbk_format_options format = { "tank", { 1 }, 0 };

	is_ok_ = !tbk_pool_format(&device, &format, nullptr) &&
		 !tbk_pool_open(&device, 0, &pool, nullptr);
	for (u32 i = 0; i < volumes && is_ok_; i++) {
		const std::string name = "v" + std::to_string(i);

		is_ok_ = !tbk_volume_create(pool, name.c_str(), volume_bytes, 0, nullptr) && open();
	}
}

Fleet::~Fleet()
{
	requests.wait_for_all();
	while (!volumes_.empty())
		close();
	if (pool)
		(void)tbk_pool_close(pool, nullptr);
}

bool Fleet::open()
{
	const std::string name = "v" + std::to_string(volumes_.size());
	struct tbk_volume *volume = nullptr;

	if (tbk_volume_open(pool, name.c_str(), nullptr, 0, &volume, nullptr))
		return false;
	volumes_.push_back(volume);
	return true;
}

void Fleet::close()
{
	tbk_volume_close(volumes_.back());
	volumes_.pop_back();
}

struct tbk_pool_info Fleet::info() const
{
	struct tbk_pool_info info {};

	tbk_pool_describe(pool, &info);
	return info;
}

int Fleet::tune(u32 what, u64 bytes) const
{
	const struct tbk_pool_tuning tuning = { what, bytes, bytes, bytes, bytes, bytes };

	return tbk_pool_tune(pool, &tuning, nullptr);
}

int Requests::is_low(void *self)
{
	const auto &requests = *static_cast<Requests *>(self);

	return requests.in_flight_ <= requests.wanted_;
}

void Requests::wait_until(u32 left)
{
	wanted_ = left;
	tbk_wait_until(&wait_, is_low, this);
}

void Requests::done(struct tbk_request *request)
{
	Slot &slot = container_of<&Slot::request>(request);
	Requests &self = *slot.owner;

	self.errors += request->error != 0;
	if (request->op != TBK_OP_FLUSH)
		self.took.push_back(tbk_now_ns() - slot.begun);
	self.idle_.push_back(&slot);
	self.in_flight_--;
	tbk_wake(&self.wait_);
}

void Requests::ask(struct tbk_volume *volume, u32 op, u64 block, u32 most)
{
	wait_until(most - 1);
	if (idle_.empty()) {
		slots_.push_back(std::make_unique<Slot>());
		slots_.back()->owner = this;
		slots_.back()->block = std::make_unique<u8[]>(TBK_BLOCK);
		idle_.push_back(slots_.back().get());
	}
	Slot &slot = *idle_.back();

	idle_.pop_back();
	in_flight_++;
	writes += op == TBK_OP_WRITE;
	slot.begun = tbk_now_ns();
	slot.request = {};
	slot.request.op = op;
	slot.request.done = done;
	if (op != TBK_OP_FLUSH) {
		slot.request.sector = block * (TBK_BLOCK / 512);
		slot.request.bytes = TBK_BLOCK;
		slot.request.payload = { slot.block.get(), TBK_PAYLOAD_BUFFER, 0, TBK_BLOCK };
	}
	tbk_volume_submit(volume, &slot.request);
}

} // namespace thinback
