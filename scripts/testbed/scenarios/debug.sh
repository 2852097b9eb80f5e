# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# All that dom0 can do with a pool, once and in small, for a kernel that watches
# memory, locks and sleeps: debug-kernel runs it. Such a kernel does not boot on
# Xen as dom0.
#
# bed: needs thinback
# bed: needs fio
# bed: without xen
# bed: disk 256
# bed: memory 3072
# bed: timeout 3000
# bed: silence 900
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
knobs=/sys/fs/thinback/tank

verify() {
	fio --name="$1" --filename=$volumes/vol --direct=1 --ioengine=libaio --iodepth=8 --verify=crc32c \
		--verify_fatal=1 --randrepeat=1 --output-format=terse --output=/tmp/fio.out "${@:2}"
}

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d $knobs ]] || need "attach" thinback attach /dev/vda
	need "create" thinback create tank/vol --size 64M
	check_status "a name is used once" 11 thinback create tank/vol --size 64M
}

set_knob() { echo "$2" >"$knobs/$1"; }

tuning() {
	local name
	check_same "nodes are in memory" 1 "$(($(<$knobs/cache_bytes) > 0))"
	for name in cache dirty journal; do
		check "${name}_limit is there" test "$(<$knobs/${name}_limit)" -gt 0
		check_status "${name}_limit cannot be 1" 1 set_knob ${name}_limit 1
	done
	check "a small cache" set_knob cache_limit 4194304
	check "a small part of it dirty" set_knob dirty_limit 65536
	check_same "that is what it is" 65536 "$(<$knobs/dirty_limit)"
	check "a small part of the journal" set_knob journal_limit 65536
	check_status "no number" 1 set_knob dirty_limit much
}

data() {
	check "fio: random 4k writes, verified" verify rand4k --rw=randwrite --bs=4k --size=6M --verify_backlog=512
	check "fio: mixed block sizes, flushed, verified" verify mixed --rw=randwrite --bsrange=512-64k --bs_unaligned=0 \
		--blockalign=512 --size=6M --offset=6M --fsync=16
}

# Everything that changes a volume's ancestry, while it is written.
lineage() {
	local i writer status=0
	verify busy --rw=randwrite --bs=4k --size=16M --offset=16M --loops=4 &
	writer=$!
	for i in 1 2 3 4; do
		check "snapshot $i" thinback snapshot "tank/vol@s$i"
		check "clone $i" thinback clone "tank/vol@s$i" "tank/c$i"
		pattern "$i" 1 | dd of="$volumes/c$i" bs=64k oflag=direct iflag=fullblock status=none
		check_same "clone $i has what was written" "$(pattern "$i" 1 | sha)" "$(sum "$volumes/c$i" 1)"
	done
	check "remove a snapshot between others" thinback remove tank/vol@s2
	check "remove a clone" thinback remove tank/c2
	check "remove a snapshot that has a clone" thinback remove tank/vol@s3
	check "rename" thinback rename tank/c1 tank/first
	wait "$writer" || status=$?
	check_same "fio is content" 0 "$status"
}

altered() {
	check "snapshot" thinback snapshot tank/first@good
	pattern 9 1 | dd of=$volumes/first bs=64k oflag=direct iflag=fullblock status=none
	check "rollback" thinback rollback tank/first@good --discard
	check_same "it is what it was" "$(pattern 1 1 | sha)" "$(sum $volumes/first 1)"
	check "map a snapshot" thinback map tank/first@good
	check_same "and read it" "$(pattern 1 1 | sha)" "$(sum $volumes/first@good 1)"
	check "unmap it" thinback unmap tank/first@good
	check "discard" blkdiscard -o 8M -l 8M $volumes/vol
	check "zeroes not on block borders" fallocate -z -o $((20 * 1048576 + 512)) -l 9216 $volumes/vol
	check_same "what was discarded reads as zeros" "$(head -c 8M /dev/zero | sha)" "$(sum $volumes/vol 8 8)"
	check "grow while open" bash -c "exec 3<$volumes/vol; thinback resize tank/vol 96M"
	check "shrink" thinback resize tank/vol 32M --shrink
	check "mkfs.ext4" mkfs.ext4 -q $volumes/vol
	check_status "fsck" 0 e2fsck -fn $volumes/vol
}

full_pool() {
	need "create more than there is" thinback create tank/big --size 1G
	check "and let it have a quota" thinback set tank/big quota=16M on-full=wait:2
	dd if=/dev/zero of=$volumes/big bs=64k count=512 oflag=direct status=none 2>/dev/null &&
		not_ok "a quota is kept" "32 MiB went into 16"
	check "no quota" thinback set tank/big quota=none on-full=error
	pattern 6 400 | dd of=$volumes/big bs=256k oflag=direct iflag=fullblock status=none 2>/dev/null &&
		not_ok "a full pool refuses" "400 MiB went into 256"
	check_same "reads go on" "$(pattern 6 1 | sha)" "$(sum $volumes/big 1)"
	check "removing makes room" thinback remove tank/big
}

again() {
	reload /dev/vda $volumes/vol
	check "remove with snapshots" thinback remove tank/vol --recursive
	check "detach" thinback detach tank
	check "unload" rmmod xen_thinback
}

make_pool
tuning
data
lineage
altered
full_pool
again
