# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A pool on a logical volume that fills up while a guest's writes wait: the
# logical volume is extended, the pool takes that up, and the writes go on.
#
# bed: needs thinback
# bed: disk 128
# bed: disk 512
# bed: timeout 2400
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
sysfs=/sys/fs/thinback/tank
lv=/dev/mapper/vg0-tank
mib=1048576

size_is() { [[ $(cat $sysfs/size) == $(($1 * mib)) ]]; }
level_is() { [[ $(cat $sysfs/level) == "$1" ]]; }
waits() { [[ $(cat "$sysfs/volumes/$1/waiting") != 0 ]]; }
lv_mib() { echo $(($(blockdev --getsize64 $lv) / mib)); }

make_pool() {
	need "a physical volume" pvcreate -y /dev/vdb
	need "a volume group" vgcreate vg0 /dev/vdb
	need "a logical volume" lvcreate -y -Zn -L 128M -n tank vg0
	need "its device" until_true 10 test -b $lv
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format $lv --name tank
	[[ -d $sysfs ]] || need "attach" thinback attach $lv
	need "create" thinback create tank/big tank/other --size 1G
	need "it waits when it is full" thinback set tank/big on-full=pause
	check_same "the pool's size" $((128 * mib)) "$(cat $sysfs/size)"
}

nothing_to_do() {
	check_same "there is nothing to grow by" "tank already fills $lv: 128.0M" "$(thinback grow tank)"
	check "with enough free, nothing is extended" thinback-extend tank
	check_same "so it was not" 128 "$(lv_mib)"
}

# The disk takes its data from here, past what the pool has room for.
fill_until_paused() {
	pattern 7 180 >/tmp/pattern
	dd if=/tmp/pattern of=$volumes/big bs=1M oflag=direct conv=notrunc,fsync 2>/tmp/dd &
	writer=$!
	check "a write waits" until_true 120 waits big
	check "the pool is full" until_true 10 level_is full
}

extend() {
	check_status "not past --max" 16 thinback-extend --max 128M tank
	check "thinback-extend" thinback-extend --by 96M --max 400M tank
	check_same "the logical volume" 224 "$(lv_mib)"
	check "the pool is as large" size_is 224
	wait $writer
	check_same "the write goes on, and ends" 0 $?
	check "nobody waits" test "$(cat $sysfs/volumes/big/waiting)" = 0
	check_same "what it wrote is there" "$(sha256sum </tmp/pattern | cut -d ' ' -f 1)" "$(sum $volumes/big 180)"
}

# While data is written, and by hand.
grow_under_load() {
	pattern 8 60 >/tmp/other
	check "room is made" lvextend --yes -L 400M vg0/tank
	dd if=/tmp/other of=$volumes/other bs=64k oflag=direct conv=notrunc,fsync 2>/dev/null &
	writer=$!
	check_same "grow" 419430400 "$(thinback grow tank --json | jq '.pools[0].size')"
	wait $writer
	check_same "the write ends" 0 $?
	check_same "what it wrote is there" "$(sha256sum </tmp/other | cut -d ' ' -f 1)" "$(sum $volumes/other 60)"
	check "the level" until_true 30 level_is ok
}

again() {
	need "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check $lv
	need "attach" thinback attach $lv
	check "its size is the new one" size_is 400
	check_same "big is what it was" "$(sha256sum </tmp/pattern | cut -d ' ' -f 1)" "$(sum $volumes/big 180)"
}

refusals() {
	check_status "no such pool" 10 thinback-extend nope
	check_status "nor to grow" 10 thinback grow nope
	check "the group's rest is somebody's" lvcreate -y -Zn -Wn -l 100%FREE -n rest vg0
	check "a mark that makes it low" thinback set tank low=90%
	check "it is low" until_true 30 level_is low
	check_status "a group without room" 13 thinback-extend tank
	check_same "nothing was extended" 400 "$(lv_mib)"
	(
		flock 9
		exec sleep 300
	) 9>>/run/lock/thinback-extend &
	THINBACK_EXTEND_PATIENCE=1 check_status "one at a time" 12 thinback-extend tank
	kill $!
	need "detach" thinback detach tank
	need "attach it read-only" thinback attach $lv --read-only
	check_status "which does not grow" 14 thinback grow tank
	need "detach" thinback detach tank
	need "a pool on a whole disk" thinback format /dev/vda --name disk
	[[ -d /sys/fs/thinback/disk ]] || need "attach" thinback attach /dev/vda
	check "low as well" thinback set disk low=99%
	check "once it is" until_true 30 grep -qx low /sys/fs/thinback/disk/level
	check_status "is on no logical volume" 15 thinback-extend disk
	check "detach" thinback detach disk
	check "unload" rmmod xen_thinback
}

make_pool
nothing_to_do
fill_until_paused
extend
grow_under_load
again
refusals
