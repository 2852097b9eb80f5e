// SPDX-License-Identifier: GPL-2.0
/*
 * Writes to a disk, writes down how far it is safe, and tells afterwards whether
 * all that was safe is there:
 *
 *	stamps write DISK STREAM FROM COUNT LEDGER OFFSET NAME [BASE NUMBER]
 *	stamps judge LEDGER FOLDER
 *	stamps note LEDGER OFFSET WORD...
 *
 * What write number N of a stream is and where it goes follows from N alone. Each
 * of its sectors says whose it is. After each fsync a sector of the ledger gets
 * "STREAM N BASE NUMBER NAME"; BASE is the stream that the disk's base was written
 * by, NUMBER the last write that it has. COUNT 0 is without end. To judge is to
 * look, on each disk of the ledger, for sectors older than what it says, and for
 * what was never written there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef unsigned long long u64;

#define SECTOR 512ULL
#define BLOCK 8ULL /* sectors */
#define MAX_SECTORS (32 * BLOCK)
#define MAGIC 0x73706d6174730a01ULL
/* At the latest after so many writes comes an fsync. */
#define WINDOW 16
#define LEDGER_SLOTS 8

struct stamp {
	u64 magic, stream, number, sector;
	u64 fill[60];
};
_Static_assert(sizeof(struct stamp) == SECTOR, "a stamp is a sector");

struct change {
	u64 start, count; /* sectors */
	bool discards, ends_batch;
};

static unsigned char buffer[MAX_SECTORS * SECTOR] __attribute__((aligned(4096)));

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static u64 number_of(const char *word)
{
	return strtoull(word, NULL, 10);
}

static u64 mixed(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Write @number of @stream on a disk of so many sectors. Even streams have no discards. */
static struct change change_of(u64 stream, u64 number, u64 sectors)
{
	u64 chance = mixed(stream * 1000003 + number), kind = chance % 16;
	u64 blocks = sectors / BLOCK, length = 1 + (chance >> 8) % 8;
	/* Half of all goes to an eighth of the disk. */
	u64 block = (chance >> 16) % (chance & 0x8000 ? blocks : blocks / 8);
	struct change change = { .ends_batch = (chance >> 40) % 6 == 0 || number % WINDOW == 0 };

	if (kind == 0) {
		change.start = block * BLOCK + (chance >> 11) % 4;
		change.count = 1 + (chance >> 13) % 4;
		return change;
	}
	if (kind == 1)
		length *= 4;
	if (block + length > blocks)
		block = blocks - length;
	change.start = block * BLOCK;
	change.count = length * BLOCK;
	change.discards = kind == 2 && stream % 2;
	return change;
}

static void make_stamp(struct stamp *stamp, u64 stream, u64 number, u64 sector)
{
	u64 seed = mixed(stream ^ mixed(number ^ mixed(sector)));

	*stamp = (struct stamp){ MAGIC, stream, number, sector, { 0 } };
	for (int i = 0; i < 60; i++)
		stamp->fill[i] = seed + i;
}

static u64 sectors_of(int disk)
{
	off_t end = lseek(disk, 0, SEEK_END);

	if (end <= 0)
		die("size");
	return end / SECTOR;
}

static void note(const char *ledger, u64 offset, const char *text)
{
	int fd = open(ledger, O_WRONLY | O_DIRECT);

	if (fd < 0)
		die(ledger);
	memset(buffer, ' ', SECTOR);
	memcpy(buffer, text, strlen(text));
	buffer[SECTOR - 1] = '\n';
	if (pwrite(fd, buffer, SECTOR, offset) != SECTOR)
		die("ledger");
	close(fd);
}

static void apply(int disk, u64 stream, u64 number, struct change change)
{
	u64 range[2] = { change.start * SECTOR, change.count * SECTOR };

	if (change.discards) {
		if (ioctl(disk, BLKDISCARD, range))
			die("discard");
		return;
	}
	for (u64 i = 0; i < change.count; i++)
		make_stamp((struct stamp *)buffer + i, stream, number, change.start + i);
	if (pwrite(disk, buffer, range[1], range[0]) != (ssize_t)range[1])
		die("write");
}

/* One batch at a time past the page cache, the next through it, which has many requests under way at its end. */
static int do_write(int argc, char **argv)
{
	if (argc < 9)
		return 2;

	const char *path = argv[2], *name = argv[8];
	u64 stream = number_of(argv[3]), from = number_of(argv[4]), count = number_of(argv[5]);
	u64 base = argc > 10 ? number_of(argv[9]) : 0,
	    base_number = argc > 10 ? number_of(argv[10]) : 0;
	int fd[2] = { open(path, O_RDWR), open(path, O_RDWR | O_DIRECT) };

	if (fd[0] < 0 || fd[1] < 0)
		die(path);
	for (u64 number = from; !count || number < from + count; number++) {
		struct change change = change_of(stream, number, sectors_of(fd[0]));
		char text[SECTOR];

		apply(fd[number / WINDOW % 2], stream, number, change);
		if (!change.ends_batch && number + 1 != from + count)
			continue;
		if (fdatasync(fd[0]))
			die("fdatasync");
		snprintf(text, sizeof(text), "%llu %llu %llu %llu %s", stream, number, base,
			 base_number, name);
		note(argv[6], number_of(argv[7]), text);
		if (!count)
			usleep(20000); /* others have something to do, too */
	}
	return 0;
}

/* Which write, and of which stream, each sector has to be of at least; 0 is never written. */
struct wanted {
	u64 stream, number;
	bool discarded;
};

static void expect(struct wanted *wanted, u64 stream, u64 last, u64 sectors)
{
	for (u64 number = 1; number <= last; number++) {
		struct change change = change_of(stream, number, sectors);

		for (u64 i = change.start; i < change.start + change.count; i++)
			wanted[i] = (struct wanted){ stream, number, change.discards };
	}
}

/* May a write after @safe, of which no fsync was answered, have left sector @sector so? */
static bool is_later(const struct stamp *found, u64 stream, u64 safe, u64 sector, u64 sectors)
{
	static const struct stamp zero;

	for (u64 number = safe + 1; number <= safe + 2 * WINDOW; number++) {
		struct change change = change_of(stream, number, sectors);
		struct stamp stamp;

		if (sector < change.start || sector >= change.start + change.count)
			continue;
		make_stamp(&stamp, stream, number, sector);
		if (!memcmp(found, change.discards ? &zero : &stamp, SECTOR))
			return true;
	}
	return false;
}

static bool is_right(const struct stamp *found, const struct wanted *wanted, u64 sector)
{
	struct stamp stamp = { 0 };

	if (wanted->stream && !wanted->discarded)
		make_stamp(&stamp, wanted->stream, wanted->number, sector);
	return !memcmp(found, &stamp, SECTOR);
}

static void complain(const struct stamp *found, const struct wanted *wanted, u64 sector)
{
	printf("sector %llu: wanted write %llu of stream %llu%s, found ", sector, wanted->number,
	       wanted->stream, wanted->discarded ? ", a discard" : "");
	if (found->magic == MAGIC)
		printf("write %llu of stream %llu, sector %llu\n", found->number, found->stream,
		       found->sector);
	else
		printf("what begins with %llx\n", found->magic);
}

/* What the ledger says of a disk. */
struct safe {
	u64 stream, number, base, base_number;
	char name[64];
};

/* Looks for what is older than the ledger says, or was never written. */
static bool is_as_written(const char *path, const struct safe *safe)
{
	int disk = open(path, O_RDONLY | O_DIRECT);

	if (disk < 0)
		die(path);
	u64 sectors = sectors_of(disk), wrong = 0;
	struct wanted *wanted = calloc(sectors, sizeof(*wanted));

	expect(wanted, safe->base, safe->base_number, sectors);
	expect(wanted, safe->stream, safe->number, sectors);
	for (u64 start = 0; start < sectors; start += MAX_SECTORS) {
		if (pread(disk, buffer, sizeof(buffer), start * SECTOR) != sizeof(buffer))
			die("read");
		for (u64 i = start; i < start + MAX_SECTORS; i++) {
			const struct stamp *found = (struct stamp *)buffer + (i - start);

			if (is_right(found, &wanted[i], i) ||
			    is_later(found, safe->stream, safe->number, i, sectors))
				continue;
			if (wrong++ < 3)
				complain(found, &wanted[i], i);
		}
	}
	if (wrong)
		printf("%s: %llu sectors are not as write %llu left them\n", path, wrong,
		       safe->number);
	free(wanted);
	close(disk);
	return !wrong;
}

/* The disk takes more, and has it. */
static bool goes_on(const char *path, struct safe *safe)
{
	int fd[2] = { open(path, O_RDWR), open(path, O_RDWR | O_DIRECT) };

	if (fd[0] < 0 || fd[1] < 0)
		die(path);
	for (int i = 0; i < WINDOW; i++) {
		safe->number++;
		apply(fd[safe->number / WINDOW % 2], safe->stream, safe->number,
		      change_of(safe->stream, safe->number, sectors_of(fd[0])));
	}
	if (fdatasync(fd[0]))
		die("fdatasync");
	close(fd[0]);
	close(fd[1]);
	return is_as_written(path, safe);
}

/* All disks of the ledger, which lie in a folder; the first is written to. */
static int do_judge(int argc, char **argv)
{
	u64 disks = 0, writes = 0;
	int ledger = argc == 4 ? open(argv[2], O_RDONLY | O_DIRECT) : -1;

	if (argc != 4)
		return 2;
	if (ledger < 0)
		die(argv[2]);
	for (u64 slot = 0; slot < LEDGER_SLOTS; slot++) {
		struct safe safe;
		char path[256];

		if (pread(ledger, buffer, SECTOR, slot * SECTOR) != SECTOR)
			die("ledger");
		buffer[SECTOR - 1] = 0;
		if (sscanf((char *)buffer, "%llu %llu %llu %llu %63s", &safe.stream, &safe.number,
			   &safe.base, &safe.base_number, safe.name) != 5)
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[3], safe.name);
		writes += safe.number;
		if (!is_as_written(path, &safe) || (!disks++ && !goes_on(path, &safe)))
			return 1;
	}
	printf("%llu flushed writes to %llu disks are there\n", writes, disks);
	return !disks;
}

static int do_note(int argc, char **argv)
{
	char text[SECTOR] = "";

	if (argc < 5)
		return 2;
	for (int i = 4; i < argc; i++) {
		strncat(text, argv[i], sizeof(text) - strlen(text) - 2);
		strcat(text, " ");
	}
	note(argv[2], number_of(argv[3]), text);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int status = 2;

	if (!strcmp(verb, "write"))
		status = do_write(argc, argv);
	else if (!strcmp(verb, "judge"))
		status = do_judge(argc, argv);
	else if (!strcmp(verb, "note"))
		status = do_note(argc, argv);
	if (status == 2)
		fprintf(stderr,
			"usage: stamps write|judge|note ARGUMENT... (see the head of stamps.c)\n");
	return status;
}
