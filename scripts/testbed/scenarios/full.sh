# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# When space runs short: limits of volumes, levels, what is told of them, and a
# guest that goes away while its writes wait.
#
# bed: needs thinback
# bed: disk 192
# bed: timeout 1200
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
sysfs=/sys/fs/thinback/tank
events=/tmp/events

# fill VOLUME MIB [SKIP]
fill() { dd if=/dev/zero of="$volumes/$1" bs=64k count=$(($2 * 16)) seek=$((${3:-0} * 16)) oflag=direct conv=notrunc 2>&1; }

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d $sysfs ]] || need "attach" thinback attach /dev/vda
	need "create" thinback create tank/big tank/small --size 1G
	check_same "the level of an empty pool" ok "$(cat $sysfs/level)"
	busybox uevent env >$events &
	sleep 1
}

# told LINE: an event said so.
told() { grep -qx -- "$1" $events; }

quota() {
	check "set a quota" thinback set tank/small quota=4M
	check_same "sysfs has it" 4194304 "$(cat $sysfs/volumes/small/quota)"
	check_status "writes up to it, and no more" 1 fill small 8
	check_same "to the byte" 4194304 "$(cat $sysfs/volumes/small/own)"
	check "an event" until_true 10 told THINBACK_EVENT=quota
	check "says which volume" told THINBACK_VOLUME=small
	check "no more of it" thinback set tank/small quota=none
}

waits() { [[ $(cat "$sysfs/volumes/$1/waiting") != 0 ]]; }
level_is() { [[ $(cat $sysfs/level) == "$1" ]]; }

# In dom0 what waits cannot be killed; it ends when there is space.
pause() {
	local writer
	check "a reserve" thinback set tank/small reserve=16M
	check_status "a reserve of what is not there" 13 thinback set tank/big reserve=1G
	check_status "a full pool refuses" 1 fill big 1000
	check "its level" until_true 10 level_is full
	check "an event" until_true 10 told THINBACK_LEVEL=full
	check "says how much is left" grep -q '^THINBACK_FREE=[0-9]' $events
	check "of which device" told THINBACK_DEVICE=/dev/vda
	check "what is reserved is there" fill small 10 4
	check "the policy" thinback set tank/small on-full=pause
	check_same "sysfs has it" pause "$(cat $sysfs/volumes/small/on_full)"
	fill small 40 4 &
	writer=$!
	check "a write waits" until_true 60 waits small
	check "a snapshot does not" thinback snapshot tank/big@s
	check "nor does sync" thinback sync tank
	check "nor reads" sum $volumes/small 4
	check "the write still waits" waits small
	check "room" thinback remove tank/big --recursive
	wait $writer
	check_same "and it ends" 0 $?
	check "the level" until_true 30 level_is ok
}

guest() {
	check "set" thinback set tank/small reserve=none quota=1M on-full=pause
	guest_start waiting "phy:$volumes/small,xvda,w" <<-'SCRIPT'
		echo guest is there
		dd if=/dev/zero of=/dev/xvda bs=1M seek=100 count=4
		echo guest is through
	SCRIPT
	check "a guest" guest_wait waiting 'guest is there'
	check "its write waits" until_true 60 waits small
	check "it goes all the same" guest_destroy waiting
	check "no backend is left" until_true 60 no_backends
	check_same "nobody waits" 0 "$(cat $sysfs/volumes/small/waiting)"
}

again() {
	check "marks" thinback set tank low=30% critical=12.5%
	need "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vda
	need "attach" thinback attach /dev/vda
	check_same "the mark is there" 12.5 "$(cat $sysfs/critical)"
	check_same "so is the policy" pause "$(cat $sysfs/volumes/small/on_full)"
	check_same "and the quota" 1048576 "$(thinback list tank/small --json | jq '.volumes[0].quota')"
	check "detach" thinback detach tank
	check "unload" rmmod xen_thinback
}

make_pool
quota
pause
guest
again
