# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Disks that come and go beside a guest that works, and guests that crash while
# they write, again and again: what dom0 has of memory, mapped grants and nodes
# of xenstore in the end is what it had. How often: tbed.xl=N by xl, tbed.cycles=N
# by what xl writes, without its seconds for each; tbed.crashes=N; all of them
# among bed.py's --boot-args.
#
# bed: needs thinback
# bed: disk 512
# bed: timeout 14400
# bed: silence 600
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
by_xl=${TBED_xl:-3}
cycles=${TBED_cycles:-30}
crashes=${TBED_crashes:-3}
declare -A before after

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create base" thinback create tank/base --size 64M
	need "snapshot" thinback snapshot tank/base@v1
	need "create comes" thinback create tank/comes --size 16M
}

# grants: pages of guests that dom0 has mapped, as Xen counts them.
grants() {
	xl dmesg -c >/dev/null
	xl debug-keys g
	xl dmesg -c | grep -c '\[0x'
}

kib_of() { sed -n "s/^$1: *\([0-9]*\) kB$/\1/p" /proc/meminfo; }

# measure ARRAY: what could leak, after what may be kept has been let go.
measure() {
	local -n into=$1
	thinback settle tank
	sync
	sleep 3
	echo 3 >/proc/sys/vm/drop_caches
	into[grants]=$(grants)
	into[nodes]=$(xenstore-ls -f / | wc -l)
	into[slab]=$(kib_of SUnreclaim)
	into[percpu]=$(kib_of Percpu)
	into[memory]=$(kib_of MemAvailable)
	into[xen]=$(xl info free_memory)
	into[devices]=$(find /sys/bus/xen-backend/devices -mindepth 1 | wc -l)
	say "$2: ${into[memory]} KiB available, ${into[slab]} KiB in slabs, ${into[percpu]} KiB per CPU," \
		"${into[xen]} MiB free in Xen, ${into[grants]} grants mapped, ${into[nodes]} nodes," \
		"${into[devices]} backends"
}

# no_more WHAT ALLOWANCE: no more of it than before, or at most so much.
no_more() {
	((after[$1] <= before[$1] + ${2:-0})) || { echo "$1: ${before[$1]} before, ${after[$1]} after"; return 1; }
}
no_less() {
	((after[$1] >= before[$1] - ${2:-0})) || { echo "$1: ${before[$1]} before, ${after[$1]} after"; return 1; }
}

# compare WHAT TIMES: a page for each time would be more than is allowed, when there are many.
compare() {
	check "$1: no grant is mapped that was not before" no_more grants
	check "$1: no node of xenstore is left" no_more nodes
	check "$1: no backend is left" no_more devices
	check "$1: slabs hold no more" no_more slab $((2048 + $2))
	check "$1: nor does memory of each CPU" no_more percpu $((128 + $2))
	check "$1: as much memory is available" no_less memory $((8192 + 2 * $2))
	check "$1: Xen has as much memory" no_less xen 1
}

# What the guest reads of a disk while it is there, it reads right.
start_worker() {
	need "start the guest that works" guest_start worker "phy:$volumes/base,xvda,w" <<-'GUEST'
		disk xvda
		echo ready
		while :; do
			dd if=/dev/zero of=/dev/xvda bs=64k count=16 oflag=direct
			[ ! -b /dev/xvdb ] || dd if=/dev/xvdb of=/dev/null bs=64k count=4 iflag=direct
		done 2>/dev/null
	GUEST
	need "it works" guest_wait worker '^ready'
	worker=$(xl domid worker)
	back=/local/domain/0/backend/vbd/$worker/51728
	front=/local/domain/$worker/device/vbd/51728
	need "what xl writes for a disk" learn_from_xl
	mapfile -t words </run/words
}

come_by_xl() { xl block-attach worker vdev=xvdb,access=rw,script=block-thinback,target=tank/comes; }
come_and_go_by_xl() {
	come_by_xl || return
	xl block-detach worker xvdb || xl block-detach worker xvdb --force
}

# words_of PATH KEYS...: as xenstore-write takes them, with the values that they have now.
words_of() {
	local path=$1 key
	shift
	for key; do
		printf '%s\n' "$path/$key" "$(xenstore-read "$path/$key")"
	done
}

# What xl writes for the disk, for both ends, and the hotplug script; states are the drivers'.
learn_from_xl() {
	come_by_xl || return
	until_true 60 state_is "$back" 4 || return
	words_of "$back" frontend frontend-id params script physical-device hotplug-status online bootable removable \
		mode device-type dev type discard-enable >/run/words
	words_of "$front" backend backend-id virtual-device device-type >>/run/words
	xl block-detach worker xvdb || xl block-detach worker xvdb --force
	until_true 60 backend_is_gone
}

state_is() { [[ $(xenstore-read "$1/state") == "$2" ]]; }
backend_is_gone() { [[ ! -e /sys/bus/xen-backend/devices/vbd-$worker-51728 ]]; }

# Who may read which end is said before there is anything to read.
come_and_go() {
	xenstore-write "$back" "" "$front" "" &&
		xenstore-chmod "$back" n0 "r$worker" && xenstore-chmod "$front" "n$worker" r0 &&
		xenstore-write "${words[@]}" "$back/state" 1 "$front/state" 1 &&
		until_true 60 state_is "$back" 4 && until_true 60 state_is "$front" 4 || return
	xenstore-write "$back/online" 0 "$back/state" 5 &&
		until_true 60 state_is "$back" 6 &&
		xenstore-rm "$front" && xenstore-rm "$back" && until_true 60 backend_is_gone
}

# repeat TIMES WHAT: and how many did it well.
repeat() {
	local i done=0
	for ((i = 0; i < $1; i++)); do
		"$2" "$i" >/run/cycle 2>&1 || { cat /run/cycle; break; }
		((++done % 20)) || say "$2: $done"
	done
	echo "$done" >/run/done
}

disks() {
	start_worker
	repeat 3 come_and_go
	measure before "before"
	repeat "$by_xl" come_and_go_by_xl
	check_same "$by_xl times a disk comes and goes by xl" "$by_xl" "$(</run/done)"
	repeat "$cycles" come_and_go
	check_same "$cycles times a disk comes and goes" "$cycles" "$(</run/done)"
	measure after "after"
	compare "disks" $((by_xl + cycles))
	check "the guest works on" guest_alive worker
	need "destroy it" guest_destroy worker
}

guest_alive() { xl domid "$1"; }

# It writes from all sides when its kernel dies.
crash() {
	thinback clone tank/base@v1 "tank/crash$1" -q || return
	guest_start crash vcpus=2 "phy:$volumes/crash$1,xvda,w" <<-'GUEST' || return
		disk xvda
		for part in 0 1 2 3; do
			while :; do dd if=/dev/urandom of=/dev/xvda bs=256k count=16 seek=$((part * 16)) oflag=direct 2>/dev/null; done &
		done
		while :; do dd if=/dev/xvda of=/dev/null bs=64k count=64 2>/dev/null; done &
		echo writing
		sleep 1
		touch /tmp/crash
		exit 0
	GUEST
	guest_wait crash '^writing' 120 || return
	until_true 120 guest_gone crash || return
	until_true 60 no_backends || return
	thinback remove "tank/crash$1" --wait -q
}

guests() {
	repeat 1 crash
	measure before "before"
	repeat "$crashes" crash
	check_same "$crashes guests crash under load" "$crashes" "$(</run/done)"
	measure after "after"
	compare "crashes" "$crashes"
}

make_pool
disks
check "no backend is left" until_true 120 no_backends
guests
need "detach" thinback detach tank
check_status "the pool on disk is sound" 0 thinback check /dev/vda
check "unload xen-thinback" rmmod xen_thinback
