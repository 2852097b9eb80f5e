// SPDX-License-Identifier: GPL-2.0
#include "journal_reader.h"

#include "sync_io.h"

namespace thinback {

JournalReader::JournalReader(struct tbk_device &device, const format::Superblock &super)
	: device_(device),
	  size_(super.journal_blocks.get()),
	  pool_(super.header.pool.get()),
	  checkpoint_(super.header.checkpoint.get()),
	  first_(super.journal_seq.get()),
	  next_(first_)
{
}

JournalReader::~JournalReader()
{
	tbk_big_free(blocks_);
}

Result<Owned<JournalReader>> JournalReader::create(struct tbk_device &device,
						   const format::Superblock &super)
{
	Owned<JournalReader> reader = TBK_TRY(make<JournalReader>(device, super));

	reader->blocks_ = static_cast<format::JournalBlock *>(
		tbk_big_alloc(format::journal_write_max * sizeof(format::JournalBlock)));
	if (!reader->blocks_)
		return Err::no_memory;
	return reader;
}

/* Epochs are told by their low half: those in the journal are never far apart. */
bool JournalReader::applies(const format::JournalRecord &record) const
{
	return static_cast<s32>(record.epoch.get() - static_cast<u32>(checkpoint_)) > 0;
}

/* What lies where block @number would, along with those after it. */
Result<const format::JournalBlock *> JournalReader::read(u64 number)
{
	if (number - read_from_ >= read_count_) {
		const PhysicalBlock at(format::journal_start + number % size_);
		const u64 to_end = size_ - number % size_;
		u64 count = to_end < format::journal_write_max ? to_end : format::journal_write_max;

		read_count_ = 0;
		/* Perhaps it is another one that cannot be read. */
		if (!read_blocks(device_, at, blocks_, BlockCount(count)).is_ok()) {
			count = 1;
			TBK_TRY(read_blocks(device_, at, blocks_, BlockCount(count)));
		}
		read_from_ = number;
		read_count_ = static_cast<u32>(count);
	}
	return &blocks_[number - read_from_];
}

bool JournalReader::is_there(const format::JournalBlock &block, u64 number) const
{
	const PhysicalBlock at(format::journal_start + number % size_);

	return check_block(&block, format::journal_magic, at, pool_).is_ok() &&
	       block.header.low.get() == number &&
	       block.header.count.get() <= format::journal_capacity;
}

Result<const format::JournalBlock *> JournalReader::next()
{
	if (next_ - first_ >= size_)
		return nullptr;
	const auto read = this->read(next_);

	/* A sector that the power cut was in the middle of may be one that cannot be read. */
	if (!read.is_ok() && read.error() != Err::bad_sector)
		return read.error();
	if (read.is_ok() && is_there(*read.value(), next_)) {
		next_++;
		return read.value();
	}
	TBK_TRY(look_behind_gap());
	return nullptr;
}

/* A write that began after the missing block's was over says that it had been there. */
Status JournalReader::look_behind_gap()
{
	for (u64 number = next_ + 1; number < next_ + format::journal_write_max; number++) {
		if (number - first_ >= size_)
			break;
		const auto found = read(number);

		if (found.is_ok() && is_there(*found.value(), number) &&
		    found.value()->header.high.get() > next_)
			return Err::journal_gap;
	}
	return {};
}

} // namespace thinback
