# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Volumes as dom0's own disks: data verified, discards, a full pool, and the
# pool found again after the module went and came.
#
# bed: needs thinback
# bed: needs fio
# bed: disk 1024 parts=768,0
# bed: timeout 1800
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda1 --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda1
	need "create" thinback create tank/vol --size 128M
	need "the device node is there" test -b $volumes/vol
	check_status "a name is used once" 11 thinback create tank/vol --size 128M
	check_status "no such volume" 10 thinback remove tank/nothing
	check_status "no other pool goes over it" 12 thinback format /dev/vda1 --name other
	check_same "a new volume reads as zeros" "$(head -c 8M /dev/zero | sha)" "$(sum $volumes/vol 8)"
}

verify() {
	fio --name="$1" --filename=$volumes/vol --direct=1 --ioengine=libaio --iodepth=16 --verify=crc32c \
		--verify_fatal=1 --randrepeat=1 --output-format=terse --output=/tmp/fio.out "${@:2}"
}

data() {
	check "fio: random 4k writes, verified" verify rand4k --rw=randwrite --bs=4k --size=48M --verify_backlog=1024
	check "fio: mixed block sizes, verified" verify mixed --rw=randwrite --bsrange=512-64k --bs_unaligned=0 \
		--blockalign=512 --size=48M --offset=48M
	check "fio: sequential, flushed, verified" verify seq --rw=write --bs=128k --size=32M --fsync=8
}

# 1 says that something was put right, as it is after a crash.
replay() { e2fsck -fp "$1" || (($? == 1)); }

scrub() {
	local pool=/sys/fs/thinback/tank

	check "scrub, waited for" thinback scrub tank --wait
	check_same "it is done" "done 0 0" "$(cat $pool/scrub_state $pool/scrub_found $pool/scrub_healed | xargs)"
	check "it has read something" test "$(<$pool/scrub_done)" -gt 16
	check_same "all of it" "$(<$pool/scrub_total)" "$(<$pool/scrub_done)"
	echo 4096 >$pool/scrub_rate
	check "scrub at a block a second" thinback scrub tank
	check_same "it runs" running "$(<$pool/scrub_state)"
	check "stop it" thinback scrub tank --stop
	check_same "it does not run" idle "$(<$pool/scrub_state)"
	echo 0 >$pool/scrub_rate
	check_same "the default is back" 33554432 "$(<$pool/scrub_rate)"
}

file_system() {
	need "create" thinback create tank/fs --size 96M
	check "mkfs.ext4" mkfs.ext4 -q $volumes/fs
	check "mount" mount $volumes/fs /mnt
	pattern 4 32 >/mnt/file
	cp -r /etc /usr/sbin /mnt/
	check "snapshot of a mounted volume" thinback snapshot tank/fs@mounted
	check "umount" umount /mnt
	check "snapshot" thinback snapshot tank/fs@clean
	check "clone" thinback clone tank/fs@clean tank/copy
	check_status "fsck of the clone" 0 e2fsck -fn $volumes/copy
	check "clone of the mounted one" thinback clone tank/fs@mounted tank/live
	check "its journal replays" replay $volumes/live
	check_status "after which nothing is left to repair" 0 e2fsck -fn $volumes/live
	check "mount the clone" mount $volumes/copy /mnt
	check_same "the file is there" "$(pattern 4 32 | sha)" "$(sha256sum </mnt/file | cut -d ' ' -f 1)"
	rm /mnt/file
	check "fstrim" fstrim /mnt
	check "umount the clone" umount /mnt
	check_status "fsck of the original" 0 e2fsck -fn $volumes/fs
}

own_bytes() { thinback list "$1" --json | jq '[.. | objects | select(has("own")) | .own][0]'; }

discards() {
	local before after
	need "create" thinback create tank/holes --size 64M
	pattern 5 32 | dd of=$volumes/holes bs=1M oflag=direct conv=fsync iflag=fullblock status=none
	before=$(own_bytes tank/holes)
	check "blkdiscard" blkdiscard -o 8M -l 8M $volumes/holes
	check "punch a hole" fallocate -p -o 16M -l 8M $volumes/holes
	check "zeroes" fallocate -z -o 24M -l 4M $volumes/holes
	check "zeroes not on block borders" fallocate -p -o $((28 * 1048576 + 512)) -l 1024 $volumes/holes
	check_same "what was discarded reads as zeros" "$(head -c 20M /dev/zero | sha)" "$(sum $volumes/holes 20 8)"
	check_same "what was not stays" "$(pattern 5 8 | sha)" "$(sum $volumes/holes 8)"
	after=$(own_bytes tank/holes)
	check "space came back: $before, then $after" test "$after" -le $((before - 19922944))
}

altered() {
	check "rename" thinback rename tank/holes tank/gaps
	check "its node has the new name" test -b $volumes/gaps
	check "and the old one is gone" test ! -e $volumes/holes
	check "snapshot" thinback snapshot tank/gaps@good
	check "a change" write_out gaps 9 4
	check_status "no rollback of what is in use" 12 bash -c "exec 3<$volumes/gaps; thinback rollback tank/gaps@good"
	check "rollback" thinback rollback tank/gaps@good --discard
	check_same "it is what it was" "$(pattern 5 4 | sha)" "$(sum $volumes/gaps 4)"
	check "grow while open" bash -c "exec 3<$volumes/gaps; thinback resize tank/gaps 96M"
	check_same "the node has grown" 100663296 "$(blockdev --getsize64 $volumes/gaps)"
	check_status "no shrinking unasked" 2 thinback resize tank/gaps 4M
	check "shrink" thinback resize tank/gaps 4M --shrink
	check "grow again" thinback resize tank/gaps 64M
	check_same "what was cut off is gone" "$(head -c 28M /dev/zero | sha)" "$(sum $volumes/gaps 28 4)"
	check_same "the rest is not" "$(pattern 5 4 | sha)" "$(sum $volumes/gaps 4)"
	check "remove" thinback remove tank/gaps --recursive
}

# write_out VOLUME SEED MIB: may wait for space as long as the volume's policy says.
write_out() {
	pattern "$2" "$3" | timeout 250 dd of="$volumes/$1" bs=256k oflag=direct conv=fsync,notrunc iflag=fullblock 2>&1
}

full_pool() {
	local said
	need "create more than there is" thinback create tank/big --size 2G
	if said=$(write_out big 6 1500); then
		not_ok "a full pool refuses" "1500 MiB went into 768"
	elif grep -qE 'No space left|Input/output error' <<<"$said"; then
		ok "a full pool refuses"
	else
		not_ok "a full pool refuses" "$(tail -n 1 <<<"$said")"
	fi
	check_same "reads go on" "$(pattern 6 4 | sha)" "$(sum $volumes/big 4)"
	check "rewrites go on" write_out big 7 4
	check_same "and are read" "$(pattern 7 4 | sha)" "$(sum $volumes/big 4)"
	check "removing makes room" thinback remove tank/big
	check "new writes go on" until_true 120 write_out vol 8 16
	check_same "and are read" "$(pattern 8 16 | sha)" "$(sum $volumes/vol 16)"
}

again() {
	reload /dev/vda1 $volumes/vol
	check_status "the clone is sound" 0 e2fsck -fn $volumes/copy
	check "remove with snapshots" thinback remove tank/fs --recursive
	check "detach" thinback detach tank
	check_status "still sound" 0 thinback check /dev/vda1
	check "unload" rmmod xen_thinback
}

make_pool
data
file_system
scrub
discards
altered
full_pool
again
