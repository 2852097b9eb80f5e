# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Gives one guest one disk after the other, each on a new device behind another
# backend, and reports what the guest and the device say. Run by scripts/bench.
#
# bed: needs guest-fio
# bed: dom0 2304
# bed: timeout 14400
# bed: silence 3600
# shellcheck source=scripts/testbed/lib.sh disable=SC2154 # TBED_… come from the kernel's command line
source /testbed/lib.sh

console=$consoles/guest-bench.log
# What most rows use; guest.sh tells what else is on the guest's disk.
mib=$TBED_mib
disk_mib=$((mib * 5 / 2))

# --- the device that all systems have under them ---------------------------

# device NAME MIB: a new null_blk device, named NAME.
device() {
	local knobs=/sys/kernel/config/nullb/$1 setting
	mkdir "$knobs"
	for setting in ${TBED_device//+/ } size="$2"; do
		echo "${setting#*=}" >"$knobs/${setting%%=*}" || return 1
	done
	echo 1 >"$knobs/power" || return 1
	echo none >"/sys/block/$1/queue/scheduler"
}

devices_away() {
	local knobs
	for knobs in /sys/kernel/config/nullb/*/; do
		echo 0 >"$knobs/power"
		rmdir "$knobs"
	done
}

fill() { dd if=/dev/zero of="$1" bs=1M count="$disk_mib" oflag=direct status=none; }

# --- systems: each makes its disk, says its path, and takes it away ---------

# A pool, and what it takes for itself.
pool_mib=1024

raw_begin() { modprobe xen-blkback && device nullb0 "$disk_mib" && disk=/dev/nullb0; }
raw_end() { :; }

thin_begin() {
	local sectors=$((disk_mib * 2048))
	modprobe xen-blkback && device nullb0 $pool_mib && device nullb1 32 || return
	dmsetup create bench-pool --table "0 $(blockdev --getsz /dev/nullb0) thin-pool /dev/nullb1 /dev/nullb0 128 0" || return
	dmsetup message bench-pool 0 "create_thin 0"
	dmsetup create bench-thin --table "0 $sectors thin /dev/mapper/bench-pool 0" || return
	disk=/dev/mapper/bench-thin
}

thin_end() {
	[[ ! -e /dev/mapper/bench-snapshot ]] || dmsetup remove bench-snapshot
	dmsetup remove bench-thin
	dmsetup remove bench-pool
}

thin_snapshot_begin() {
	thin_begin && fill "$disk" || return
	dmsetup suspend bench-thin
	dmsetup message bench-pool 0 "create_snap 1 0"
	dmsetup resume bench-thin
	dmsetup create bench-snapshot --table "0 $((disk_mib * 2048)) thin /dev/mapper/bench-pool 1" || return
	disk=/dev/mapper/bench-snapshot
}
thin_snapshot_end() { thin_end; }

thinback_phy_begin() { modprobe xen-thinback && device nullb0 "$disk_mib" && disk=/dev/nullb0; }
thinback_phy_end() { :; }

thinback_begin() {
	modprobe xen-thinback && device nullb0 $pool_mib || return
	thinback format /dev/nullb0 --name bench || return
	[[ -d /sys/fs/thinback/bench ]] || thinback attach /dev/nullb0 || return
	thinback create bench/disk --size ${disk_mib}M || return
	disk=/dev/thinback/bench/disk
}
thinback_end() { thinback detach bench; }

thinback_clone_begin() {
	thinback_begin && fill "$disk" && thinback snapshot bench/disk@full && thinback clone bench/disk@full bench/clone || return
	disk=/dev/thinback/bench/clone
}
thinback_clone_end() { thinback_end; }

# --- one system ------------------------------------------------------------

# tell TEXT: figures are for the host alone, the console is a slow place.
tell() { echo "TBED bench $*" >"$results"; }

# counters SYSTEM ROW WHEN: of the devices, and of the domains' time.
counters() {
	local name stat
	for name in nullb0 nullb1; do
		[[ -e /sys/block/$name/stat ]] || continue
		read -ra stat <"/sys/block/$name/stat"
		tell "$1 $2 $3 $name ${stat[*]}"
	done
	while read -r name stat; do
		((name)) || tell "$1 $2 $3 domain0 $stat"
	done < <(cpu-time)
}

# Blocks until the guest prints: whatever looks again and again is measured as well.
follow() {
	local system=$1 word row rest
	while read -r -u "$lines" word row rest; do
		case $word in
		ready) counters "$system" "$row" before ;;
		done)
			counters "$system" "$row" after
			tell "$system $row fio $rest"
			;;
		disk) ((row == disk_mib * 2048)) || not_ok "$system" "the guest's disk has $row sectors" ;;
		failed) not_ok "$system $row" "fio failed" ;;
		end) return 0 ;;
		esac
	done
	return 1
}

disk_gone() { ! compgen -G "/sys/bus/xen-backend/devices/vbd-*"; }

# step COMMAND...: what failed is the last thing that is said.
step() { "$@" || { echo "'$*' failed"; return 1; }; }

one() {
	local system=$1 function=${1//-/_} disk
	step "${function}_begin" &&
		step xl block-attach bench "phy:$disk,xvda,w" &&
		step follow "$system" &&
		step xl block-detach bench xvda &&
		step until_true 60 disk_gone &&
		step "${function}_end" &&
		step devices_away &&
		step rmmod "$([[ $system == thinback* ]] && echo xen-thinback || echo xen-blkback)"
}

guest() {
	guest_start bench image=fio memory=640 vcpus=1 extra=quiet <<-GUEST || return
		rows="${TBED_rows//,/ }"
		mib=$mib
		$(<guest.sh)
	GUEST
	until_true 60 test -e "$console" || return
	exec {lines}< <(tail -n +1 -f "$console" | sed -un 's/\r$//; s/^bench //p')
}

need "null_blk" modprobe null_blk nr_devices=0
need "its knobs" busybox mount -t configfs configfs /sys/kernel/config
# Not in a subshell, as check and need would have it: it leaves a file open.
guest || not_ok "the guest" "did not start"
for system in ${TBED_systems//,/ }; do
	need "$system" one "$system"
done
xl destroy bench
