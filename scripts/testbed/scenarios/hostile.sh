# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A guest that means harm (kunit/hostile) beside an honest one, which writes and
# verifies all the time. After each attack the honest guest has gone on, and
# the attacker's disk serves again once it behaves; in the end nothing of the
# attacker's is left in dom0. How often it connects in a row: tbed.reconnects=N
# among bed.py's --boot-args.
#
# bed: needs thinback
# bed: needs hostile
# bed: needs stock-guests
# bed: needs guest-fio
# bed: disk 512
# bed: timeout 5400
# bed: silence 2700
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
disk=51712 # xvda
reconnects=${TBED_reconnects:-150}

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create honest" thinback create tank/honest --size 64M
	need "create hostile" thinback create tank/hostile --size 64M
}

# A round is 1 MiB written, and verified; stops at what does not verify.
start_honest() {
	need "honest: start it" guest_start honest image=fio phy:$volumes/honest,xvda,w <<-'GUEST'
		set -e
		disk xvda
		round=0
		while :; do
			fio --name=honest --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k \
				--size=1M --verify=crc32c --verify_fatal=1 --randseed=$round --eta=never --output=/tmp/fio.out ||
				{ cat /tmp/fio.out; echo "verify failed"; exit 1; }
			round=$((round + 1))
			echo "round=$round"
		done
	GUEST
	need "honest: it writes and verifies" guest_wait honest '^round=1' 600
	honest=$(xl domid honest)
}

# Its kernel must leave the disk to the program: the frontend goes before the disk comes.
start_hostile() {
	need "hostile: start it" guest_start hostile vcpus=2 program=/usr/bin/hostile <<-GUEST
		set -e
		rmmod xen_blkfront
		echo bare
		until [ -e /sys/bus/xen/devices/vbd-$disk ]; do sleep 0.2; done
		/bin/hostile serve $disk
	GUEST
	need "hostile: its kernel has no frontend" guest_wait hostile '^bare'
	hostile=$(xl domid hostile)
	# Toolstacks wait for a backend that offers, not for a frontend.
	need "hostile: give it a disk" xl block-attach hostile phy:$volumes/hostile,xvda,w
	need "hostile: it is ready" guest_wait hostile '^ready'
	need "hostile: $reconnects connections, when it comes to that" \
		xenstore-write "/local/domain/$hostile/data/reconnects" "$reconnects"
	error=/local/domain/0/error/backend/vbd/$hostile/$disk/error
}

# What the honest guest has read and written, as its backend counts.
done_for() {
	local folder=/sys/bus/xen-backend/devices/vbd-$1-$disk/statistics
	echo $(($(<"$folder/rd_req") + $(<"$folder/wr_req")))
}
has_done_more() { (($(done_for "$honest") > $1)); }

attack() {
	local name=$1 leaves=$2 sentence=$3 before said
	xenstore-rm "$error" 2>/dev/null
	before=$(done_for "$honest")
	xenstore-write "/local/domain/$hostile/data/attack" "$name"
	guest_wait hostile "^$name: " $((600 + reconnects)) || { not_ok "$name: it ends" "$sentence"; return 1; }
	said=$(guest_log hostile | sed -n "s/^$name: //p" | tail -n 1)
	check_same "$name ($sentence): answered as it must be" well "$said"
	check "$name: the honest guest goes on" until_true 120 has_done_more "$before"
	if [[ $leaves == error ]]; then
		check "$name: xenstore says what was wrong" xenstore-exists "$error"
	fi
	check "$name: nobody else's disk is in error" no_error_of "$honest"
	return 0
}

no_error_of() { ! xenstore-exists "/local/domain/0/error/backend/vbd/$1/$disk/error"; }

# A page of a dead guest that is still mapped keeps the guest: xl lists it as (null).
no_zombie() { ! xl list | grep -q '(null)'; }

all_attacks() {
	local name leaves sentence
	while read -r name leaves sentence <&9; do
		attack "$name" "$leaves" "$sentence" || break
	done 9< <(hostile list)
}

gone() { [[ ! -e /sys/bus/xen-backend/devices/vbd-$hostile-$disk ]]; }

aftermath() {
	need "destroy the attacker" guest_destroy hostile
	check "its backend is gone" until_true 120 gone
	check "no page of it is mapped" until_true 60 no_zombie
	check "what the honest guest wrote was never wrong" no_wrong_round
	need "destroy the honest guest" guest_destroy honest
	check "no backend is left" until_true 120 no_backends
	check "no page of any guest is mapped" until_true 60 no_zombie
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vda
	check "unload xen-thinback, which has all its memory back" rmmod xen_thinback
}

no_wrong_round() { ! guest_said honest '^(verify failed|guest exit)' && xl domid honest; }

make_pool
start_honest
start_hostile
all_attacks
aftermath
