# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The life of a disk while its guest runs: it grows and shrinks, its device is
# pulled out or claimed by somebody else, attached by a number that is another's by
# now, and hangs while the guest goes.
#
# bed: needs thinback
# bed: disk 256
# bed: disk 128
# bed: disk 32
# bed: timeout 1800
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
backends=/local/domain/0/backend/vbd
errors=/local/domain/0/error/backend/vbd

# backend DISK KEY: what is written for a disk of guest one.
backend() { xenstore-read "$backends/$one/$(devid "$1")/$2"; }
devid() { echo $(((202 << 8) + 16 * ($(printf %d "'${1:3}") - 97))); }
said() { xenstore-read "$errors/$one/$(devid "$1")/error" | grep -q "$2"; }
# The sequence number of a device.
diskseq() { printf %x "$(cat "/sys/dev/block/$(printf %d:%d "0x$(stat -L -c %t "$1")" "0x$(stat -L -c %T "$1")")/diskseq")"; }
state_is() { [[ $(backend "$1" state) == "$2" ]]; }

# disk DISK TARGET LINE...: for xl, attached as by a hotplug script with these lines: Xen's own takes too long for many at once.
disk() {
	local script=/run/attach_$1 vdev=$1 target=$2
	shift 2
	{
		echo '#!/bin/sh'
		# shellcheck disable=SC2016 # the script's
		echo '[ "$1" = add ] || exit 0'
		printf '%s\n' "$@"
		# shellcheck disable=SC2016
		echo 'xenstore-write "$XENBUS_PATH/physical-device" "$(stat -L -c %t:%T "$(xenstore-read "$XENBUS_PATH/params")")" "$XENBUS_PATH/hotplug-status" connected'
	} >"$script"
	chmod +x "$script"
	echo "vdev=$vdev,access=rw,script=$script,target=$target"
}

attach_as() { xl block-attach one "$(disk "$@")"; }

make_disks() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create" thinback create tank/root tank/late --size 64M
	need "a volume group" vgcreate -qq vg /dev/vdb
	for name in plain spare hung; do
		need "a logical volume" lvcreate -qq -y -Wn -n $name -L 16M vg
	done
}

start() {
	need "start a guest" guest_start one "$(disk xvda $volumes/root)" \
		"$(disk xvdb /dev/vg/plain)" "$(disk xvdc /dev/vdc)" <<-'GUEST'
		set -e
		for name in xvda xvdb xvdc; do disk $name; done
		has_mib() {
			tries=0
			until [ "$(cat "/sys/block/$1/size")" = $(($2 * 2048)) ]; do
				tries=$((tries + 1))
				[ $tries -lt 1200 ] || { echo "$1 has $(cat "/sys/block/$1/size") sectors"; return 1; }
				sleep 0.1
			done
		}
		write() { dd if=/dev/zero of="/dev/$1" bs=1M seek="$2" count=1 conv=fsync,notrunc; }
		echo ready
		has_mib xvda 128
		write xvda 127
		echo volume=grown
		has_mib xvdb 32
		write xvdb 31
		echo plain=grown
		has_mib xvda 32
		write xvda 31
		echo volume=shrunk
		# No flush: one that fails is not answered, and the disk goes away.
		while dd if=/dev/zero of=/dev/xvdc bs=1M count=1 oflag=direct conv=notrunc; do sleep 0.2; done
		echo pulled
		write xvda 0
		until [ -b /dev/xvdf ]; do sleep 0.2; done
		write xvdf 0
		echo done
	GUEST
	need "it has its disks" guest_wait one '^ready'
	one=$(xl domid one)
}

sizes() {
	need "the volume grows" thinback resize tank/root 128M
	check "the guest sees it, and writes to its end" guest_wait one '^volume=grown'
	check_same "xenstore has it" $((128 * 2048)) "$(backend xvda sectors)"
	need "the logical volume grows" lvextend -qq -L 32M vg/plain
	check "the guest sees it without having asked" guest_wait one '^plain=grown'
	need "the volume shrinks" thinback resize tank/root 32M --shrink
	check "the guest sees it" guest_wait one '^volume=shrunk'
	check_same "the disks are Connected" "4 4 4" "$(backend xvda state) $(backend xvdb state) $(backend xvdc state)"
}

pull() {
	local device
	device=$(basename "$(readlink -f /sys/block/vdc/device)")
	need "a device is pulled out" tee /sys/bus/virtio/drivers/virtio_blk/unbind <<<"$device"
	check "the guest's requests fail" guest_wait one '^pulled'
	check "the administrator is told" until_true 30 said xvdc 'was removed'
	check "so is the log" grep -q 'the device behind the disk was removed' <<<"$(dmesg)"
	check_same "the disk stays, for the guest to let go" 4 "$(backend xvdc state)"
}

claims() {
	check_status "dom0 cannot claim what the guest writes" 1 dmsetup create mine --table "0 8 linear /dev/vg/plain 0"
	need "dom0 claims another" dmsetup create mine --table "0 8 linear /dev/vg/spare 0"
	need "it is attached" attach_as xvdd /dev/vg/spare
	check "which fails" until_true 60 said xvdd 'it is in use in dom0'
	check "detach it" xl block-detach one xvdd
	# shellcheck disable=SC2016 # the script's
	need "shared, and without a name" attach_as xvdd /dev/vg/spare \
		'xenstore-write "$XENBUS_PATH/mode" "w!"' 'xenstore-rm "$XENBUS_PATH/dev"'
	check "it is had together" until_true 60 state_is xvdd 4
	check "its thread has the name of its directory" pgrep "^$one\.$(devid xvdd)-0$"
	check "detach it" xl block-detach one xvdd
	need "dom0 lets go" dmsetup remove mine
}

numbers() {
	local minor
	# shellcheck disable=SC2016 # the script's
	need "a device that was another when it was looked at" attach_as xvdd /dev/vg/spare \
		'xenstore-write "$XENBUS_PATH/diskseq" fffff'
	check "is not opened" until_true 60 said xvdd 'it is another now'
	check "detach it" xl block-detach one xvdd
	need "one that is the same" attach_as xvdd /dev/vg/spare "xenstore-write \$XENBUS_PATH/diskseq $(diskseq /dev/vg/spare)"
	check "is opened" until_true 60 state_is xvdd 4
	check_same "and said to be" 1 "$(backend xvdd opened)"
	minor=$(stat -L -c %t:%T /dev/vg/hung)
	need "another device is named for it" xenstore-write "$backends/$one/$(devid xvdd)/physical-device" "$minor"
	check "which waits for the guest" until_true 30 eval 'dmesg | grep -q "is exchanged for .* when the guest connects again"'
	check_same "the first stays" "$(stat -L -c %t:%T /dev/vg/spare)" "$(cat "/sys/bus/xen-backend/devices/vbd-$one-$(devid xvdd)/physical_device")"
	check "detach it" xl block-detach one xvdd
}

by_name() {
	need "a volume by its name" xl block-attach one vdev=xvdd,access=rw,script=block-thinback,target=tank/late
	check "is opened" until_true 60 state_is xvdd 4
	check_same "as the one that it was" "$(diskseq $volumes/late)" "$(backend xvdd diskseq)"
	check "detach it" xl block-detach one xvdd
}

# A guest is destroyed whose writes never end: nobody else waits for that.
hang() {
	local two
	need "a guest on a device" guest_start two "$(disk xvda /dev/vg/hung)" <<-'GUEST'
		disk xvda
		echo writing
		while :; do dd if=/dev/zero of=/dev/xvda bs=64k count=64 conv=fsync,notrunc; done
	GUEST
	need "it writes" guest_wait two '^writing'
	two=$(xl domid two)
	need "which hangs" dmsetup suspend --noflush --nolockfs vg-hung
	sleep 2
	# libxl says, after ten seconds, that it had to do without the backend.
	xl destroy two || say "xl destroy ended with $?"
	check "the guest is gone" until_true 120 guest_gone two
	check "its backend is gone from xenstore" until_true 60 eval "! xenstore-exists $backends/$two/51712"
	check "another guest gets a disk" attach_as xvdf $volumes/late
	check "and writes to it" guest_wait one '^done'
	check "while it hangs" test "$(dmsetup info -c --noheadings -o suspended vg-hung)" = Suspended
	need "it goes on" dmsetup resume vg-hung
	check "it is let go" until_true 60 lvchange -qq -an vg/hung
	check "the directory is not back" eval "! xenstore-exists $backends/$two"
}

tidy_up() {
	need "the guest ends" guest_end one
	check "no backend is left" until_true 120 no_backends
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vda
	check "unload xen-thinback" rmmod xen_thinback
}

make_disks
start
sizes
pull
claims
numbers
by_name
hang
tidy_up
