/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "checkpointer.h"
#include "epochs.h"
#include "journal.h"
#include "range_lock.h"

namespace thinback {

class Pool;
class VolumeIo;
struct RequestState;

/* One request to the device, part of one on a volume. */
struct Piece {
	struct tbk_io io {};
	RequestState *owner = nullptr;
	Range range;   /* writes that map: held until mapped */
	Run run;       /* the same: where the data goes */
	ListLink link; /* the same: written, to be mapped */
};

/* Why a request stopped half way, to go on in a thread. */
enum class Stall : u8 {
	none,
	checkpoint, /* no block, and one may free some */
	full,	    /* no block: volume_full.cc */
	room,	    /* too many nodes are dirty: a checkpoint is to write them */
};

/* What a request's `core` holds between submit and done. */
struct RequestState {
	VolumeIo *volume = nullptr;
	u64 begun = 0;	      /* ns */
	u64 handed_out = 0;   /* bytes of it that are done or in a piece */
	Atomic<u32> pending;  /* pieces in flight, and one while being handed out */
	Atomic<int> error;    /* first one */
	u8 side = 0;	      /* of the epoch it is in */
	bool inside = false;  /* in an epoch, and writes in the gate */
	bool flushed = false; /* what TBK_IO_PREFLUSH asks for is done */
	bool retried = false; /* after a checkpoint, once */
	Stall stall = Stall::none;
	u32 look = 0;			     /* which one found no space; 0: none so far */
	u64 stalled_since = 0;		     /* ns, of the first that did */
	const Atomic<u8> *leaving = nullptr; /* set: whoever asked does not wait any more */
	bool first_taken = false;
	ListLink link; /* parked, or waiting for a thread */
	RangeWaiter range_waiter;
	FlushWaiter flush;
	Piece first; /* most requests need no other */

	struct tbk_request &request();
};

/* How far a thread may go for a request. */
enum class Effort {
	quick, /* inside another request's submission: wait for nothing that a request gives back */
	sleep, /* a thread of its own, which others' requests wait for: no I/O */
	io,    /* a worker */
};

/*
 * Requests on one open volume or snapshot. Reads, and writes in place, are
 * looked up and submitted at once, in the submitter's thread, and end where
 * the device ends them. What needs more goes to works of the pool's queue.
 */
class VolumeIo {
public:
	VolumeIo(Pool &pool, Volume &volume);
	~VolumeIo();
	VolumeIo(const VolumeIo &) = delete;
	VolumeIo &operator=(const VolumeIo &) = delete;
	Status init();
	/* No request is in flight. Sleeps. */
	void stop();

	Volume &volume() const { return volume_; }

	/* @leaving: see RequestState; outlives the request */
	void submit(struct tbk_request &request, const Atomic<u8> *leaving);

	/* Lets no write in until thaw(), and waits for those inside. Sleeps. */
	void freeze();
	void thaw();
	/* Somebody else changed the map: a flush has to wait for the checkpoint. */
	void forget_changes(Moment moment) { log_.drop(moment.epoch); }

	/* Gives back what is kept ready for the next change of the map. The caller holds the volume's lock. */
	void relax();

	/* volume_full.cc: writes that wait for a block try again. Context: any. */
	void look_again() TBK_EXCLUDES(lock_);
	/* How many do. */
	u32 waiting() TBK_EXCLUDES(lock_);

private:
	friend struct RequestState;
	static constexpr u32 slow_works = 4;
	static constexpr u32 expire_ms = 250;	   /* how exact a bounded wait is */
	static constexpr u64 max_piece = 1u << 30; /* bytes */

	enum class Step { done, issued, parked, stalled };

	/* volume_io.cc: a request's way from one stage to the next. */
	Err check(const struct tbk_request &request) const;
	void start(RequestState &state, Effort effort);
	bool is_map_durable() const;
	void flush(RequestState &state);
	void flush_all(RequestState &state);
	void flush_map(RequestState &state);
	void flush_data(RequestState &state);
	static void flushed(FlushWaiter &waiter, int error);
	static void device_flushed(struct tbk_io *io);
	void flush_ended(RequestState &state, int error);
	void transfer_ended(RequestState &state);
	void finish(RequestState &state);
	bool enter(RequestState &state);
	void leave(RequestState &state);
	void put(RequestState &state);
	void fail(RequestState &state, Err err);
	void queue_slow(RequestState &state) TBK_EXCLUDES(lock_);
	void push_slow(RequestState &state) TBK_REQUIRES(lock_);
	static void run_slow(struct tbk_work *work);
	void resume(RequestState &state);
	bool is_stuffed(RequestState &state) const;
	void wake(RangeLock::Waiters &ready);

	/* volume_transfer.cc: handing out pieces. */
	void drive(RequestState &state, Effort effort);
	Step next_read(RequestState &state, Effort effort);
	Step next_write(RequestState &state, Effort effort);
	Step next_discard(RequestState &state);
	/* volume_zeroes.cc */
	static u64 alike(RequestState &state, u64 offset, u64 bytes, bool &is_zero);
	Step write_zeroes(RequestState &state, u64 block, u64 count, Effort effort);
	Step write_in_place(RequestState &state, const Mapping &found, u64 offset, u64 bytes,
			    Effort effort);
	Step write_whole(RequestState &state, u64 block, u64 count, Effort effort);
	Step write_locked(RequestState &state, Piece &piece, Effort effort);
	Step write_part(RequestState &state, u64 block, u32 offset, u32 bytes);
	Status fill_block(RequestState &state, u64 block, u32 offset, u32 bytes, u8 *buffer);
	Step read_data(RequestState &state, PhysicalBlock target, u64 offset, u64 bytes,
		       Effort effort);
	Step read_part(RequestState &state, u64 target, u32 offset, u32 bytes);
	bool is_ordered() const;
	Result<Mapping> find(u64 block, u64 most, Effort effort);
	Piece *take_piece(RequestState &state, Effort effort);
	void drop_piece(Piece &piece);
	void issue(RequestState &state, Piece &piece, u64 sector, u64 bytes,
		   void (*done)(struct tbk_io *));
	bool fits_device(u64 offset, u64 bytes) const;
	Want want_for(u64 block, u32 count, const Mapping &found, Effort effort);
	void remember(u64 block, Run run);

	/* volume_full.cc: space, within what the volume may have, and what is done without. */
	Result<Run> take_space(u64 block, u32 count, const Mapping &found, Effort effort);
	void give_space_back(Run run);
	Step space_refused(RequestState &state, Err err);
	Step drop(RequestState &state, u64 block, u64 count);
	bool may_wait(const RequestState &state) const;
	void wait_for_space(RequestState &state) TBK_EXCLUDES(lock_);
	void queue_retry(RequestState &state) TBK_EXCLUDES(lock_);
	static void run_retry(struct tbk_work *work);
	static void run_expire(struct tbk_work *work);
	void expire() TBK_EXCLUDES(lock_);

	/* volume_map.cc: what ends, and what it maps. */
	static void piece_done(struct tbk_io *io);
	static void mapped_piece_written(struct tbk_io *io);
	static void run_map(struct tbk_work *work);
	void map_written();
	Status map_one(u64 start, Run run) TBK_REQUIRES(volume_.lock);
	Status unmap(u64 first, u64 count) TBK_REQUIRES(volume_.lock);
	void note(u64 start, Run run, Moment moment, Status changed) TBK_REQUIRES(volume_.lock);
	void piece_ended(Piece &piece, Err err);
	Result<ExtentEditor *> editor() TBK_REQUIRES(volume_.lock);

	struct SlowWork {
		struct tbk_work work {};
		VolumeIo *volume = nullptr;
	};

	Pool &pool_;
	Volume &volume_;
	struct tbk_gate gate_ {}; /* writes inside */
	bool has_gate_ = false;
	RangeLock ranges_;
	Home home_;
	RecordLog log_; /* added to under volume_.lock */

	/* Where recent writes went, by 64 KiB neighbourhood: a hint, whatever is torn. */
	struct Recent {
		Atomic<u64> slot;
		Atomic<u64> base;
	};
	static constexpr u32 recents = 64;
	Recent recent_[recents];
	Atomic<u64> next_block_; /* after the last write that mapped */

	Owned<ExtentEditor> editor_; /* guarded by volume_.lock */

	IrqLock lock_{ TBK_RANK_WORK };
	bool frozen_ TBK_GUARDED_BY(lock_) = false;
	List<RequestState, &RequestState::link> parked_ TBK_GUARDED_BY(lock_);
	List<RequestState, &RequestState::link> slow_ TBK_GUARDED_BY(lock_);
	u32 next_slow_ TBK_GUARDED_BY(lock_) = 0;
	/* Writes that found no block, after the checkpoint that may have freed some. */
	List<RequestState, &RequestState::link> retries_ TBK_GUARDED_BY(lock_);
	List<Piece, &Piece::link> written_ TBK_GUARDED_BY(lock_);
	/* Writes that wait for a block, outside gate and epoch; as many as there are. */
	List<RequestState, &RequestState::link> waiting_ TBK_GUARDED_BY(lock_);
	u32 waiting_count_ TBK_GUARDED_BY(lock_) = 0;
	u32 look_ TBK_GUARDED_BY(lock_) = 1; /* moves on when there may be a block */

	struct tbk_work map_work_ {};
	struct tbk_work expire_work_ {};
	struct tbk_work retry_work_ {};
	SlowWork slow_works_[slow_works];
};

} // namespace thinback
