# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that is saved in the midst of its writes, and restored: it goes on, on
# a new connection, and its data is right.
#
# bed: needs thinback
# bed: needs stock-guests
# bed: needs guest-fio
# bed: disk 512
# bed: timeout 1800
# bed: silence 900
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
saved=/run/saved

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create" thinback create tank/web1 --size 64M
}

# A round is 1 MiB written at random, and verified; stops at what does not verify.
start_guest() {
	need "start it" guest_start web1 image=fio vcpus=2 phy:$volumes/web1,xvda,w <<-'GUEST'
		set -e
		disk xvda
		round=0
		while :; do
			fio --name=round --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k \
				--size=1M --verify=crc32c --verify_fatal=1 --randseed=$round --eta=never --output=/tmp/fio.out ||
				{ cat /tmp/fio.out; echo "verify failed"; exit 1; }
			round=$((round + 1))
			echo "round=$round"
		done
	GUEST
	need "it writes and verifies" guest_wait web1 '^round=2' 600
}

goes_on() { (($(guest_value web1 round) > $1)); }
is_well() { ! guest_said web1 'verify failed|guest exit|I/O error' && xl domid web1; }

# Its console's log begins anew with the domain.
save_and_restore() {
	local old
	old=$(xl domid web1)
	need "$1: save it while it writes" xl save web1 $saved
	check "$1: its backend is gone" until_true 120 no_backends
	check "$1: the volume is let go" thinback set tank/web1 quota=none
	rm -f /var/log/xen/console/guest-web1.log
	need "$1: restore it" xl restore $saved
	check "$1: it is another domain" test "$(xl domid web1)" -ne "$old"
	rm -f $saved
	check "$1: it writes and verifies on" guest_wait web1 '^round=' 600
	check "$1: and on" until_true 300 goes_on "$(guest_value web1 round)"
	check "$1: nothing was wrong" is_well
}

make_pool
start_guest
save_and_restore "first"
save_and_restore "again"
need "destroy it" guest_destroy web1
check "no backend is left" until_true 120 no_backends
check "detach" thinback detach tank
check_status "the pool on disk is sound" 0 thinback check /dev/vda
check "unload xen-thinback" rmmod xen_thinback
