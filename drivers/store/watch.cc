// SPDX-License-Identifier: GPL-2.0
#include "watch.h"

#include <thinback/base/container.h>

#include "pool.h"

namespace thinback {
namespace {

constexpr u64 thousand = 1000;
constexpr u64 to_spare = 20;

Level level_of(const Left &left, const Marks &marks)
{
	if (left.none)
		return Level::full;
	if (left.free * thousand < left.size * marks.critical)
		return Level::critical;
	return left.free * thousand < left.size * marks.low ? Level::low : Level::ok;
}

} // namespace

Level next_level(Level now, const Left &left, const Marks &marks)
{
	const Level at = level_of(left, marks);
	const u64 spare = left.size * to_spare / thousand;

	if (at >= now)
		return at;
	const Left less = { left.free > spare ? left.free - spare : 0, left.size, left.none };
	const Level back = level_of(less, marks);

	return back < now ? back : now;
}

Watch::Watch(Pool &pool) : pool_(pool)
{
	tbk_work_init(&work_, run);
}

void Watch::start()
{
	level_.store_relaxed(static_cast<u8>(level_of(left(), marks())));
}

void Watch::stop()
{
	stopping_.store_release(1);
	tbk_work_cancel(&work_);
}

Marks Watch::marks() const
{
	const Marks usual;
	const u32 low = low_.load_relaxed();
	const u32 critical = critical_.load_relaxed();

	return { low ? low : usual.low, critical ? critical : usual.critical };
}

void Watch::set_marks(u32 low, u32 critical)
{
	low_.store_relaxed(low);
	critical_.store_relaxed(critical);
}

void Watch::look()
{
	if (!stopping_.load_acquire())
		tbk_work_queue(pool_.queue(), &work_);
}

void Watch::space_came()
{
	came_.store_release(1);
	look();
}

void Watch::refused(Volume &volume, Err err)
{
	if (err != Err::over_quota) {
		if (level() != Level::full)
			look();
		return;
	}
	if (!volume.allowance.reach())
		return;
	reached_.store_release(1);
	look();
}

/*
 * A few blocks are always on their way back, and make no difference. What is
 * reserved is free, and none of it for others: full is left by that measure.
 */
Left Watch::left() const
{
	constexpr u64 of_no_account = 64;
	Space &space = pool_.space();
	const u64 freeing = space.freeing_blocks();
	const u64 reserved = space.reserved();
	const u64 size = space.geometry().blocks;
	const u64 spare = level() == Level::full ? size * to_spare / thousand : 0;
	const u64 data = space.free_for_data();
	const bool none = data <= reserved && freeing < of_no_account;

	return { space.free_blocks() + freeing, size, none || data + freeing < reserved + spare };
}

/* An open volume stays open while the catalog is held. */
void Watch::wake()
{
	Catalog &catalog = pool_.catalog();
	MutexGuard guard(catalog.lock());

	for (Volume *v : catalog.all()) {
		if (v->io)
			v->io->look_again();
	}
}

void Watch::tell_quotas()
{
	Catalog &catalog = pool_.catalog();
	u32 after = 0;

	for (;;) {
		Name name;
		{
			MutexGuard guard(catalog.lock());
			Volume *volume = catalog.next(after);

			if (!volume)
				return;
			after = volume->id;
			if (!volume->allowance.tell())
				continue;
			name = volume->name;
		}
		if (const auto *listener = listener_.load_acquire())
			listener->quota(listener->context, name.text);
	}
}

void Watch::tell_level()
{
	const Left now = left();
	const Level at = next_level(level(), now, marks());

	if (at == level())
		return;
	level_.store_relaxed(static_cast<u8>(at));
	if (const auto *listener = listener_.load_acquire())
		listener->level(listener->context, static_cast<enum tbk_pool_level>(at),
				now.free * format::block_size, now.size * format::block_size);
}

/* Not twice at once, so what is told is told in order. */
void Watch::run(struct tbk_work *work)
{
	Watch &self = container_of<&Watch::work_>(work);

	if (self.came_.exchange(0))
		self.wake();
	if (self.reached_.exchange(0))
		self.tell_quotas();
	self.tell_level();
}

} // namespace thinback
