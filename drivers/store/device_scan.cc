// SPDX-License-Identifier: GPL-2.0
#include "device_scan.h"

#include <thinback/base/scope.h>
#include <thinback/format/journal.h>
#include <thinback/format/space.h>

#include "sync_io.h"

namespace thinback {
namespace {

constexpr u64 journal_end = format::journal_start + 65536; /* none is longer */
constexpr u64 surely_journal = format::journal_start + 2 * format::journal_write_max;

u64 common_divisor(u64 a, u64 b)
{
	while (b != 0) {
		const u64 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

bool is_metadata(const format::BlockHeader &header, u64 at)
{
	const u32 magic = header.magic.get();

	return header.self.get() == at &&
	       (magic == format::node_magic || magic == format::bitmap_magic ||
		magic == format::summary_magic || magic == format::journal_magic);
}

bool is_fixed_kind(const format::BlockHeader &header)
{
	return header.magic.get() != format::node_magic;
}

} // namespace

Result<Owned<DeviceScan>> DeviceScan::create(struct tbk_device &device, struct tbk_check &check)
{
	Owned<DeviceScan> scan = TBK_TRY(make<DeviceScan>(device, check));
	struct tbk_device_info info {};

	device.ops->info(&device, &info);
	scan->blocks_ = info.bytes / format::block_size;
	scan->buffer_ = static_cast<u8 *>(tbk_big_alloc(piece * format::block_size));
	if (!scan->buffer_)
		return Err::no_memory;
	return scan;
}

DeviceScan::~DeviceScan()
{
	tbk_big_free(buffer_);
}

/* Calls visit(at, header) for blocks that claim to be metadata and whose checksum is right. */
template <typename Visit> Status DeviceScan::each_block(u64 from, u64 to, Visit visit)
{
	to = min(to, blocks_);
	for (u64 at = from; at < to; at += piece) {
		u64 count = min(piece, to - at);
		const Status read =
			read_blocks(device_, PhysicalBlock(at), buffer_, BlockCount(count));

		for (u64 i = 0; i < count; i++) {
			u8 *block = buffer_ + i * format::block_size;
			const auto &header = *reinterpret_cast<format::BlockHeader *>(block);

			/* Perhaps it is another one that cannot be read. */
			if (!read.is_ok() &&
			    !read_blocks(device_, PhysicalBlock(at + i), block, BlockCount(1))
				     .is_ok())
				continue;
			if (is_metadata(header, at + i) &&
			    checksum_of(block) == header.checksum.get())
				TBK_TRY(visit(at + i, header));
		}
	}
	return {};
}

/* ---- which pool ---- */

Result<bool> DeviceScan::has_remains(struct tbk_device &device)
{
	constexpr u64 groups = 16;
	struct tbk_check none {};
	Owned<DeviceScan> scan = TBK_TRY(create(device, none));

	TBK_TRY(scan->vote(format::journal_start, surely_journal));
	for (u64 g = 0; g < groups && !scan->pool_; g++)
		TBK_TRY(scan->vote(format::first_bitmap(g),
				   g * format::group_blocks + format::fixed_blocks(g)));
	return scan->pool_ != 0;
}

/* By blocks at fixed places. A pool made anew over another leaves some of the older one's. */
Status DeviceScan::vote(u64 from, u64 to)
{
	return each_block(from, to, [&](u64, const format::BlockHeader &header) -> Status {
		if (!is_fixed_kind(header))
			return {};
		is_disputed_ |= pool_ && pool_ != header.pool.get();
		pool_ = header.pool.get();
		return {};
	});
}

Status DeviceScan::find_pool()
{
	/* Every checkpoint of the first 168 groups writes one of these two. */
	TBK_TRY(vote(format::first_summary(0), format::first_summary(0) + 2));
	if (pool_)
		return is_disputed_ ? Err::wrong_pool : Err::ok;
	TBK_TRY(vote(format::journal_start, surely_journal));
	for (u64 g = 0; g * format::group_blocks < blocks_; g++)
		TBK_TRY(vote(format::first_bitmap(g),
			     g * format::group_blocks + format::fixed_blocks(g)));
	if (!pool_)
		TBK_TRY(find_pool_by_nodes());
	if (!pool_)
		return Err::no_pool;
	return is_disputed_ ? Err::wrong_pool : Err::ok;
}

Status DeviceScan::find_pool_by_nodes()
{
	return each_block(0, blocks_, [&](u64, const format::BlockHeader &header) -> Status {
		is_disputed_ |= pool_ && pool_ != header.pool.get();
		pool_ = header.pool.get();
		return {};
	});
}

/* ---- what is there ---- */

Status DeviceScan::run()
{
	TBK_TRY(find_pool());
	constexpr u64 stride = 64 * piece;

	for (u64 at = 0; at < blocks_; at += stride) {
		if (check_.progress)
			check_.progress(&check_, at, blocks_);
		TBK_TRY(each_block(
			at, at + stride, [&](u64 block, const format::BlockHeader &header) {
				return header.pool.get() == pool_ ? visit(block, header) : Status();
			}));
	}
	if (check_.progress)
		check_.progress(&check_, blocks_, blocks_);
	return {};
}

Status DeviceScan::visit(u64 at, const format::BlockHeader &header)
{
	if (header.magic.get() == format::journal_magic)
		return visit_journal(at, header);
	newest_metadata_ = max(newest_metadata_, header.checkpoint.get());
	if (header.magic.get() != format::node_magic)
		return {};
	newest_node_ = max(newest_node_, header.checkpoint.get());
	birth_ = max(birth_, header.birth.get());
	owner_ = max(owner_, static_cast<u64>(header.owner.get()));
	if (header.kind == static_cast<u8>(format::TreeKind::extents))
		return trees_.add({ u64{ header.owner.get() } + 1 });
	if (header.low.get() == 0 && header.high.get() == format::end_of_keys)
		visit_root(at, header);
	return {};
}

/* The newest are kept, in order. */
void DeviceScan::visit_root(u64 at, const format::BlockHeader &header)
{
	SeenRoot root = { { at, header.birth.get(), header.checksum.get(), header.level },
			  header.checkpoint.get() };

	for (u32 i = 0; i < most_roots; i++) {
		if (i == root_count_) {
			roots_[root_count_++] = root;
			return;
		}
		if (roots_[i].checkpoint < root.checkpoint) {
			const SeenRoot older = roots_[i];

			roots_[i] = root;
			root = older;
		}
	}
}

Status DeviceScan::visit_journal(u64 at, const format::BlockHeader &header)
{
	const auto &block = reinterpret_cast<const format::JournalBlock &>(header);
	const u64 number = header.low.get();
	const u64 durable = header.checkpoint.get();
	const u32 count = min<u32>(header.count.get(), format::journal_capacity);
	SeenJournal seen = { number + 1, durable, 0 };

	if (at < format::journal_start || at >= journal_end)
		return {};
	const u64 place = at - format::journal_start;

	if (number < place)
		return {};
	/* Of an epoch the low half is told; it is never far from that checkpoint. */
	for (u32 i = 0; i < count; i++) {
		const u32 epoch = block.records[i].epoch.get();
		const s64 ahead = static_cast<s32>(epoch - static_cast<u32>(durable));

		seen.newest = max(seen.newest, durable + static_cast<u64>(ahead));
	}
	journal_top_ = max(journal_top_, number + 1);
	journal_reach_ = max(journal_reach_, place + 1);
	journal_rounds_ = common_divisor(journal_rounds_, number - place);
	journal_durable_ = max(journal_durable_, durable);
	newest_epoch_ = max(newest_epoch_, max(durable, seen.newest));
	return journal_.add(seen);
}

} // namespace thinback
