# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What becomes of freed blocks when it is asked for: the pool's device, a loop
# device over a sparse file, takes discards; tenants' bytes are overwritten; zeros
# that are written take no space.
#
# bed: needs thinback
# bed: timeout 900
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
sysfs=/sys/fs/thinback/tank
file=/run/pool.img

# write VOLUME SEED MIB: numbers that begin with SEED.
write() { pattern "$2" "$3" | dd of="$volumes/$1" bs=1M iflag=fullblock oflag=direct conv=notrunc,fsync 2>&1; }
zero() { dd if=/dev/zero of="$volumes/$1" bs=1M count="$2" oflag=direct conv=notrunc,fsync 2>&1; }
taken() { echo $(($(stat -c %b $file) * 512)); }
takes_less() { (($(taken) < $1)); }
owns() { [[ $(cat "$sysfs/volumes/$1/own") == "$2" ]]; }
# Whether bytes that begin with SEED lie anywhere on the device.
is_there() { grep -aqF -m 1 "${1}00012345" $file; }
is_gone() { ! is_there "$1"; }

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	truncate -s 192M $file
	loop=$(losetup -f --show $file)
	need "format" thinback format "$loop" --name tank
	[[ -d $sysfs ]] || need "attach" thinback attach "$loop"
	need "create" thinback create tank/kept tank/gone tank/secret tank/blank --size 64M
	need "write what stays" write kept 3 8
	kept=$(sum $volumes/kept 8)
}

passed_down() {
	local before
	need "write" write gone 4 32
	before=$(taken)
	check "the file has it" test "$before" -gt $((40 << 20))
	check "nothing is discarded unless asked for" thinback sync tank
	need "set discard" thinback set tank discard=on discard-rate=none
	check_same "sysfs has it" 1 "$(cat $sysfs/discard)"
	check "remove" thinback remove tank/gone --wait
	check "the file shrinks" until_true 60 takes_less $((before - (28 << 20)))
	check_same "what stays is as it was" "$kept" "$(sum $volumes/kept 8)"
	check "no more discards" thinback set tank discard=off
}

overwritten() {
	need "write a secret" write secret 5 8
	check "it is on the device" is_there 5
	need "set scrub-freed" thinback set tank scrub-freed=on discard-rate=none
	check_same "sysfs has it" 1 "$(cat $sysfs/scrub_freed)"
	check "remove" thinback remove tank/secret --wait
	check "it is nowhere on the device" until_true 60 is_gone 5
	check "what stays is" is_there 3
	check_same "what stays is as it was" "$kept" "$(sum $volumes/kept 8)"
}

zeros() {
	need "write" write blank 6 8
	check "it takes space" owns blank $((8 << 20))
	need "set detect-zeroes" thinback set tank/blank detect-zeroes=on
	check "write zeros over half" zero blank 4
	check "that is free" owns blank $((4 << 20))
	check_same "it reads as zeros" "$(head -c 4M /dev/zero | sha)" "$(sum $volumes/blank 4)"
	check_same "the rest is as it was" "$(pattern 6 8 | tail -c 4M | sha)" "$(sum $volumes/blank 4 4)"
}

tidy_up() {
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check "$loop"
	check "attach again" thinback attach "$loop"
	check_same "what stays is as it was" "$kept" "$(sum $volumes/kept 8)"
	check_same "and scrubs" 1 "$(cat $sysfs/scrub_freed)"
	check "detach again" thinback detach tank
	losetup -d "$loop"
	check "unload" rmmod xen_thinback
}

make_pool
passed_down
overwritten
zeros
tidy_up
