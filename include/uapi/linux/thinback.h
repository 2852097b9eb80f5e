/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Control of thinback pools through /dev/thinback-control.
 *
 * Every structure starts with its size as the caller knows it; the kernel
 * takes shorter ones as if the rest were zero and refuses longer ones whose
 * unknown rest is not zero (E2BIG). Fields are only ever added at the end.
 *
 * On failure the ioctl returns -1 with errno set, and the reason, a sentence
 * for a person that names the thing, is in @message, what would help in @hint.
 */
#ifndef _UAPI_LINUX_THINBACK_H
#define _UAPI_LINUX_THINBACK_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define THINBACK_NAME_SIZE 64 /* with the terminating zero */
#define THINBACK_MESSAGE_SIZE 256
#define THINBACK_PATH_SIZE 256

/* Flags of struct thinback_command */
#define THINBACK_READ_ONLY 1	  /* ATTACH */
#define THINBACK_RECURSIVE 2	  /* REMOVE: the volume's snapshots too */
#define THINBACK_IF_MISSING 4	  /* CLONE: a volume of that name is taken as it is */
#define THINBACK_SHRINK 8	  /* RESIZE: what lies past the new end may go */
#define THINBACK_STOP 16	  /* SCRUB: the one that is under way ends */
#define THINBACK_LARGE_SECTORS 32 /* CREATE: a disk of 4096-byte sectors */

/* struct thinback_command - set */
#define THINBACK_SET_QUOTA 1
#define THINBACK_SET_RESERVE 2
#define THINBACK_SET_ON_FULL 4
#define THINBACK_SET_LOW 8
#define THINBACK_SET_CRITICAL 16
#define THINBACK_SET_DISCARD 32
#define THINBACK_SET_SCRUB_FREED 64
#define THINBACK_SET_DISCARD_RATE 128
#define THINBACK_SET_DETECT_ZEROES 256

/* What a write does that finds no block */
#define THINBACK_FULL_ERROR 0
#define THINBACK_FULL_WAIT 1
#define THINBACK_FULL_PAUSE 2

/*
 * struct thinback_command - one verb on one object
 *
 *   verb      pool  volume  snapshot  target  bytes  path
 *   ATTACH    out   -       -         -       -      in: the block device
 *   DETACH    in    -       -         -       -      -
 *   CREATE    in    in      -         -       in     out: the volume's device node
 *   SNAPSHOT  in    in      in        -       -      -
 *   CLONE     in    in      in        in      in/0   out: the clone's device node
 *   REMOVE    in    in      in/""     -       -      -
 *   RENAME    in    in      in/""     in      -      -      the new name of volume or snapshot
 *   ROLLBACK  in    in      in        in/""   -      out: the volume's device node; target: what it was, as a snapshot
 *   RESIZE    in    in      -         -       in     -
 *   SET       in    in/""   -         -       -      -      what `set` says: a volume's limits, or a pool's marks and policy
 *   MAP       in    in      in/""     -       -      out: the device node
 *   UNMAP     in    in      in/""     -       -      -
 *   SYNC      in    -       -         -       -      -      all acknowledged is durable
 *   SETTLE    in    -       -         -       -      -      removed things have been freed
 *   GROW      in    -       -         -       out    -      bytes: the pool's size, all of its device's
 *   SCRUB     in    -       -         -       -      -      metadata is read and verified in the background
 *
 * Names are terminated by zero. Sizes in bytes, marks in thousandths of the pool.
 */
struct thinback_command {
	__u32 size;
	__u32 flags;
	char pool[THINBACK_NAME_SIZE];
	char volume[THINBACK_NAME_SIZE];
	char snapshot[THINBACK_NAME_SIZE];
	char target[THINBACK_NAME_SIZE];
	__u64 bytes;
	char path[THINBACK_PATH_SIZE];
	char message[THINBACK_MESSAGE_SIZE]; /* out */
	char hint[THINBACK_MESSAGE_SIZE];    /* out */
	__u32 set;			     /* SET: THINBACK_SET_* */
	__u32 on_full;			     /* THINBACK_FULL_* */
	__u64 quota;			     /* 0 none */
	__u64 reserve;
	__u32 full_wait; /* seconds, for THINBACK_FULL_WAIT; 0: 60 */
	__u32 low;
	__u32 critical;
	__u32 zero;
	__u32 discard;	     /* 0 or 1: what is freed is discarded on the device */
	__u32 scrub_freed;   /* ... is overwritten with zeros */
	__u64 discard_rate;  /* of both, bytes a second, 0 no bound */
	__u32 detect_zeroes; /* 0 or 1: zeros that are written take no space */
	__u32 zero2;
};

/* struct thinback_pool - flags */
#define THINBACK_POOL_FAILED 1
#define THINBACK_POOL_CLEANING 2
#define THINBACK_POOL_READ_ONLY 4

/* struct thinback_pool - level */
#define THINBACK_LEVEL_OK 0
#define THINBACK_LEVEL_LOW 1
#define THINBACK_LEVEL_CRITICAL 2
#define THINBACK_LEVEL_FULL 3

/* struct thinback_pool - scrub_state */
#define THINBACK_SCRUB_IDLE 0 /* none since it was attached, or it was stopped */
#define THINBACK_SCRUB_RUNNING 1
#define THINBACK_SCRUB_DONE 2

struct thinback_pool {
	char name[THINBACK_NAME_SIZE];
	__u8 uuid[16];
	char device[THINBACK_PATH_SIZE]; /* as it was named to ATTACH */
	__u64 size;
	__u64 free;
	__u64 freeing;
	__u64 metadata;
	__u64 promised;
	__u64 generation;
	__u64 checkpoint;
	__u32 volumes;
	__u32 snapshots;
	__u32 hidden;
	__u32 flags;
	__u64 reserved; /* part of free that is kept for volumes */
	__u32 level;
	__u32 low; /* marks, in thousandths */
	__u32 critical;
	__u32 zero;
	__u32 discard; /* as in struct thinback_command */
	__u32 scrub_freed;
	__u64 discard_rate;
	__u32 scrub_state;
	__u32 zero2;
	__u64 scrub_done; /* blocks */
	__u64 scrub_total;
	__u64 scrub_found;
	__u64 scrub_healed; /* of scrub_found */
};

/* struct thinback_object - flags */
#define THINBACK_SNAPSHOT 1
#define THINBACK_HIDDEN 2
#define THINBACK_REMOVING 4
#define THINBACK_OBJECT_READ_ONLY 8
#define THINBACK_OBJECT_LARGE_SECTORS 16

struct thinback_object {
	char volume[THINBACK_NAME_SIZE];
	char snapshot[THINBACK_NAME_SIZE];	/* "" for a volume */
	char parent_volume[THINBACK_NAME_SIZE]; /* "" without a parent */
	char parent_snapshot[THINBACK_NAME_SIZE];
	__u8 uuid[16];
	__u32 id;
	__u32 flags;
	__u64 bytes;   /* size */
	__u64 own;     /* what removing gives back */
	__u64 shared;  /* mapped, born before the parent snapshot */
	__u64 created; /* seconds since 1970 */
	__u32 children;
	__u32 open;		       /* how many have it open: mounts, guests, programs */
	__s32 guest;		       /* domain id of the guest that has it, -1 none */
	char vdev[20];		       /* the guest's name for it, as xvda */
	char node[THINBACK_PATH_SIZE]; /* /dev/thinback/POOL/VOLUME, "" when not mapped */
	__u64 quota;		       /* 0 none */
	__u64 reserve;
	__u32 on_full;
	__u32 full_wait;
	__u32 waiting; /* writes that wait for space */
	__u32 detect_zeroes;
};

/*
 * struct thinback_list - read pools, or the objects of one pool, some at a time
 * @size: of this structure
 * @item_size: sizeof(struct thinback_pool) or of thinback_object as the caller knows it
 * @pool: whose objects (LIST_OBJECTS)
 * @cursor: 0 to start; the kernel moves it on
 * @items: address of an array
 * @count: in: room in the array; out: how many were put there, 0 at the end
 */
struct thinback_list {
	__u32 size;
	__u32 item_size;
	char pool[THINBACK_NAME_SIZE];
	__u64 cursor;
	__u64 items;
	__u32 count;
	__u32 zero;
	char message[THINBACK_MESSAGE_SIZE];
	char hint[THINBACK_MESSAGE_SIZE];
};

/* struct thinback_version - what the module is; no errors */
struct thinback_version {
	__u32 size;
	__u32 interface; /* THINBACK_INTERFACE of the module */
	__u32 format;	 /* newest pool format it reads */
	__u32 zero;
	char text[THINBACK_NAME_SIZE];
};

#define THINBACK_INTERFACE 1

/* The numbers carry no size, since structures grow. */
#define THINBACK_IOC 0xB9
#define THINBACK_VERSION _IO(THINBACK_IOC, 0x00)
#define THINBACK_ATTACH _IO(THINBACK_IOC, 0x01)
#define THINBACK_DETACH _IO(THINBACK_IOC, 0x02)
#define THINBACK_CREATE _IO(THINBACK_IOC, 0x03)
#define THINBACK_SNAPSHOT_CREATE _IO(THINBACK_IOC, 0x04)
#define THINBACK_CLONE _IO(THINBACK_IOC, 0x05)
#define THINBACK_REMOVE _IO(THINBACK_IOC, 0x06)
#define THINBACK_MAP _IO(THINBACK_IOC, 0x07)
#define THINBACK_UNMAP _IO(THINBACK_IOC, 0x08)
#define THINBACK_SYNC _IO(THINBACK_IOC, 0x09)
#define THINBACK_SETTLE _IO(THINBACK_IOC, 0x0a)
#define THINBACK_RENAME _IO(THINBACK_IOC, 0x0b)
#define THINBACK_ROLLBACK _IO(THINBACK_IOC, 0x0c)
#define THINBACK_RESIZE _IO(THINBACK_IOC, 0x0d)
#define THINBACK_SET _IO(THINBACK_IOC, 0x0e)
#define THINBACK_GROW _IO(THINBACK_IOC, 0x0f)
#define THINBACK_LIST_POOLS _IO(THINBACK_IOC, 0x10)
#define THINBACK_LIST_OBJECTS _IO(THINBACK_IOC, 0x11)
#define THINBACK_SCRUB _IO(THINBACK_IOC, 0x12)

#endif /* _UAPI_LINUX_THINBACK_H */
