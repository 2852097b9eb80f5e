/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "check.h"
#include "device_scan.h"

namespace thinback {

/*
 * Makes up for the superblocks of a pool that has lost them all: finds the
 * newest catalog that is whole, and tells from what it leads to, and from blocks
 * at fixed places, what the superblock said. Writes nothing.
 *
 * An older catalog than the newest is taken only if nothing that it maps may
 * have been given to somebody else since. The journal is replayed only if it can
 * be told that none of its blocks is missing.
 */
class Salvage {
public:
	static Result<Owned<Salvage>> create(struct tbk_device &device, struct tbk_check &check);
	Salvage(const Salvage &) = delete;
	Salvage &operator=(const Salvage &) = delete;

	/*
	 * no_pool if the device never held one; not_found if what is left is not
	 * enough, of which @check was told.
	 */
	Status run(format::Superblock &super);
	/* No checkpoint has had this number, nor a higher one. */
	u64 epoch() const { return scan_->newest() + 1; }
	/* What was done, now that it is durable. */
	void tell();

private:
	explicit Salvage(struct tbk_device &device, struct tbk_check &check)
		: device_(device), check_(check), report_(quiet_)
	{
		quiet_.found = ignore;
	}
	template <typename T, typename... Args> friend Result<Owned<T>> make(Args &&...args);
	static void ignore(struct tbk_check *check, enum tbk_finding_class kind, const char *text);

	Status choose_root(format::Superblock &super);
	Result<bool> is_acceptable(const SeenRoot &root, format::Superblock &super,
				   bool whole_only);
	Result<bool> is_overtaken(const format::Superblock &super);
	Status fill(const SeenRoot &root, format::Superblock &super);
	void fill_name(format::Superblock &super);
	Status fill_size(format::Superblock &super);
	Status fill_summaries(format::Superblock &super);
	Result<u8> newest_summary(const format::Superblock &super, u64 index);
	void fill_clocks(format::Superblock &super, const CheckedCatalog &catalog);
	Status fill_journal_length(format::Superblock &super, u64 first_used);
	void fill_journal_start(format::Superblock &super);
	bool is_journal_whole(u64 first, u64 checkpoint) const;
	void say(const char *text);

	struct tbk_device &device_;
	struct tbk_check &check_;
	struct tbk_check quiet_ {};
	CheckReport report_;
	Owned<DeviceScan> scan_;
	const SeenRoot *root_ = nullptr;
	bool has_name_ = false;	       /* from a damaged copy */
	bool is_overtaken_ = false;    /* a catalog was refused for that */
	bool is_journal_lost_ = false; /* flushes wrote more than can be replayed */
	char name_[format::name_size] = {};
	char text_[CheckReport::text_size] = {};
};

} // namespace thinback
