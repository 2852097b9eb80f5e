# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Limits and the priority of a disk, by its files in sysfs. Dom0 is its own guest.
#
# bed: needs thinback
# bed: disk 64
# bed: timeout 600
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

# set_to FILE VALUE
set_to() { echo "$2" >"$vbd/$1"; }
refused() { ! set_to "$@" 2>/dev/null; }
limited() { cat "$vbd/statistics/lim_req"; }

# read_blocks N: how many milliseconds they took; nothing if they cannot be read.
read_blocks() {
	local start
	start=$(date +%s%3N)
	dd if=/dev/xvda of=/dev/null bs=4k count="$1" iflag=direct status=none || return
	echo $(($(date +%s%3N) - start))
}

# has_priority PRIORITY: of the threads, which are one for each CPU that reads, at least one has it.
has_priority() {
	local threads
	mapfile -t threads < <(pgrep '^0\.xvda-')
	ionice -p "${threads[@]}" | grep -qxF "$1"
}

need "load xen-thinback" modprobe xen-thinback
need "load xen-blkfront" modprobe xen-blkfront
need "attach" attach_here /dev/vda
need "the disk comes" until_true 60 test -b /dev/xvda
vbd=$(echo /sys/bus/xen-backend/devices/vbd-0-*)

check_same "no limit of requests" 0 "$(cat "$vbd/iops_limit")"
check_same "none of bytes" 0 "$(cat "$vbd/bandwidth_limit")"
check_same "no priority" none "$(cat "$vbd/io_priority")"
check "it reads" test "$(read_blocks 40)" -ge 0
check_same "none had to wait" 0 "$(limited)"

# What is saved up is one, and one more goes at once.
check "10 requests a second" set_to iops_limit 10
check_same "that is what it says" 10 "$(cat "$vbd/iops_limit")"
check "40 take as long as that" test "$(read_blocks 40)" -ge 3700
check "some had to wait" test "$(limited)" -gt 20
check "no limit" set_to iops_limit 0
check "40 KiB a second" set_to bandwidth_limit 40960
check "as many bytes take as long" test "$(read_blocks 40)" -ge 3700
check "no limit" set_to bandwidth_limit 0
check "no number is refused" refused iops_limit fast
check "nor is less than nothing a number" refused bandwidth_limit -1

for priority in idle best-effort:7 realtime:0 none; do
	check "priority $priority" set_to io_priority "$priority"
	check_same "that is what it says" "$priority" "$(cat "$vbd/io_priority")"
	check "it reads" test "$(read_blocks 8)" -ge 0
	[[ $priority == none ]] || check "its thread has it" has_priority "${priority/:/: prio }"
done
for priority in fast best-effort best-effort:8 idle:1 nonesuch; do
	check "priority $priority is refused" refused io_priority "$priority"
done

check "detach" xl block-detach 0 xvda
check "no backend is left" until_true 60 no_backends
check "unload xen-thinback" rmmod xen-thinback
