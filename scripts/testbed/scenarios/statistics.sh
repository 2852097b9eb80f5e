# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What a volume and a guest's disk did, and how long it took: exact counts in
# sysfs, thinback top, xentop, and events of tracefs. Dom0 is its own guest.
#
# bed: needs thinback
# bed: disk 64
# bed: timeout 600
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

disk=/dev/thinback/tank/web1
volume=/sys/fs/thinback/tank/volumes/web1/statistics

# total FILE...: how many numbers they have, and their sum.
total() {
	local number numbers=0 sum=0
	for number in $(tail -qn 1 "$@"); do
		((numbers += 1, sum += number))
	done
	echo "$numbers:$sum"
}

# counts: of writes, reads, flushes and discards; what failed of them.
counts() {
	local kind
	for kind in write read flush discard; do
		echo -n "$kind $(($(cat "$volume/${kind}_requests") - ${before[$kind]:-0})) "
	done
	echo "failed $(total "$volume"/*_errors)"
}

# from_now: what counts() tells begins here.
declare -A before
from_now() {
	local kind
	for kind in write read flush discard; do
		before[$kind]=$(cat "$volume/${kind}_requests")
	done
}

tracefs=/sys/kernel/tracing

# traced NAME [PATTERN]: how many such events there were, and say one of them.
traced() {
	local lines
	lines=$(grep -E " $1: ${2:-}" $tracefs/trace) || true
	[[ -z $lines ]] || say "$(tail -n 1 <<<"$lines" | sed 's/^ *//')" >&2
	grep -c . <<<"$lines" || true
}

parameters=/sys/module/xen_thinback/parameters
dmesg_says() { dmesg | grep -E "$1"; }

# squeeze: the kernel asks all who can to give memory back.
squeeze() { echo 2 >/proc/sys/vm/drop_caches; }

# unmapped: how often pages of the guest were unmapped since the trace was emptied.
unmapped() { grep -c "what=unmapped" $tracefs/trace; }
some_unmapped() { (($(unmapped) > 0)); }

blocks() { dd "$@" bs=4k status=none; }

need "load xen-thinback" modprobe xen-thinback
need "load xen-blkfront" modprobe xen-blkfront
need "format" thinback format /dev/vda --name tank
[[ -d /sys/fs/thinback/tank ]] || need "attach the pool" thinback attach /dev/vda
need "create" thinback create tank/web1 --size 16M
need "its disk comes" until_true 60 test -b "$disk"
# Whoever opens it first looks for partitions.
need "it can be read" blocks if="$disk" of=/dev/null count=1 iflag=direct

from_now
bytes=$(cat "$volume/write_bytes")
check "write" blocks if=/dev/urandom of="$disk" count=32 oflag=direct conv=fsync
check "read" blocks if="$disk" of=/dev/null count=8 iflag=direct
check_same "each was counted" "write 32 read 8 flush 1 discard 0 failed 4:0" "$(counts)"
check_same "and its bytes" 131072 $(($(cat "$volume/write_bytes") - bytes))
check_same "and its time" "25:$(cat "$volume/write_requests")" "$(total "$volume/write_latency")"
# Without force it reads, to see what may be lost.
check "discard" blkdiscard --force -o 0 -l 65536 "$disk"
check_same "one was counted" "1 65536" "$(cat "$volume"/discard_{requests,bytes} | paste -sd ' ')"

need "attach" attach_here "$disk"
need "the guest's disk comes" until_true 60 test -b /dev/xvda
vbd=$(echo /sys/bus/xen-backend/devices/vbd-0-*)/statistics
from_now
reads=$(cat "$vbd/rd_req")
check "the guest reads" blocks if=/dev/xvda of=/dev/null count=16 iflag=direct
check_same "its disk counted that" 16 $(($(cat "$vbd/rd_req") - reads))
check_same "and the time" "25:$(cat "$vbd/rd_req")" "$(total "$vbd/rd_latency")"
check_same "the volume as well" "write 0 read 16 flush 0 discard 0 failed 4:0" "$(counts)"

# What xen-blkback has, by name.
check_same "its disk's files" "ds_req f_req oo_req rd_req rd_sect wr_req wr_sect" \
	"$(cd "$vbd" && echo [dforw]*_{req,sect} | tr ' ' '\n' | sort | paste -sd ' ')"
check_same "its mode" w "$(cat "$vbd/../mode")"
check_same "its device" "$(stat -L -c %t:%T "$disk")" "$(cat "$vbd/../physical_device")"
xentop -b -x -i 1 -d 1 >/run/xentop
say "$(grep VBD /run/xentop)"
check_same "xentop counts the same" \
	"$(cd "$vbd" && cat oo_req rd_req wr_req rd_sect wr_sect | paste -sd ' ')" \
	"$(sed -nE 's/^VBD .* OO: *([0-9]+) +RD: *([0-9]+) +WR: *([0-9]+) +RSECT: *([0-9]+) +WSECT: *([0-9]+) *$/\1 \2 \3 \4 \5/p' /run/xentop)"

need "log what disks do" tee $parameters/log_stats <<<1
check "the guest reads" blocks if=/dev/xvda of=/dev/null count=16 iflag=direct
check "the log tells of its reads" dmesg_says "xen-thinback: 0\.xvda: oo +0  \|  rd +[0-9]+  \|  wr +0  \|"
need "log it no longer" tee $parameters/log_stats <<<0

need "tracefs" mount -t tracefs tracefs $tracefs
check_same "events of each kind" "allocate commit enable filter grants journal lookup request_answered request_taken" \
	"$(cd $tracefs/events/thinback && echo *)"
need "look at all of them" tee $tracefs/events/thinback/enable <<<1
check "the guest writes 4 blocks at once, anew" dd if=/dev/urandom of=/dev/xvda bs=16k count=1 seek=256 oflag=direct conv=fsync status=none
check "and reads one of them" dd if=/dev/xvda of=/dev/null bs=4k count=1 skip=1025 iflag=direct status=none
need "look away" tee $tracefs/events/thinback/enable <<<0
check "and writes" dd if=/dev/urandom of=/dev/xvda bs=8k count=1 seek=64 oflag=direct status=none
check_same "a write was taken" 1 "$(traced request_taken "disk=0.xvda ring=[01] id=[0-9]+ op=write sector=8192 bytes=16384$")"
check_same "and answered" 1 "$(traced request_answered "disk=0.xvda ring=[01] id=[0-9]+ op=write sector=8192 bytes=16384 status=0 ns=[1-9][0-9]*$")"
check "a read was" test "$(traced request_answered ".*op=read sector=8200 bytes=4096 status=0 ")" -ge 1
check "and a flush" test "$(traced request_answered ".*op=flush .*status=0 ")" -ge 1
check "pages were mapped or met again" test "$(traced grants "disk=0.xvda ring=[01] what=(mapped|kept) count=[1-4]$")" -ge 1
check "blocks were looked up" test "$(traced lookup "volume=[0-9]+ block=1024 count=4 target=0$")" -ge 1
check_same "space was taken" 1 "$(traced allocate "volume=[0-9]+ block=1024 count=4 target=[1-9][0-9]*$")"
check_same "and mapped" 1 "$(traced commit "volume=[0-9]+ block=1024 count=4 target=[1-9][0-9]*$")"
check "the read found it" test "$(traced lookup "volume=[0-9]+ block=1025 count=1 target=[1-9][0-9]*$")" -ge 1
check_same "and the journal has it" 1 "$(traced journal "records=1 blocks=1 error=0 ns=[1-9][0-9]*$")"
check_same "of what came later nobody told" 0 "$(traced request_taken ".*bytes=8192$")"

# Pages stay mapped between requests of this guest, until memory is short.
need "look at pages" tee $tracefs/events/thinback/grants/enable <<<1
need "no squeezing" tee $parameters/buffer_squeeze_duration_ms <<<0
check "the guest reads once more" blocks if=/dev/xvda of=/dev/null count=16 iflag=direct
: >$tracefs/trace
squeeze
sleep 2
check_same "dom0 runs short of memory: nothing goes" 0 "$(unmapped)"
need "squeezing" tee $parameters/buffer_squeeze_duration_ms <<<10
squeeze
check "dom0 runs short of memory: pages that stayed go" until_true 30 some_unmapped
check "the guest reads meanwhile" blocks if=/dev/xvda of=/dev/null count=64 iflag=direct
need "do not look at pages" tee $tracefs/events/thinback/grants/enable <<<0

# A disk goes and comes, with its counters, under readers of its files.
(while :; do cat "$vbd"/* "$vbd"/../{mode,physical_device} >/dev/null 2>&1; done) &
reader=$!
for round in 1 2 3; do
	need "the guest's disk goes, $round" xl block-detach 0 xvda
	need "no backend is left, $round" until_true 60 no_backends
	need "it is attached again, $round" attach_here "$disk"
	need "it comes, $round" until_true 60 test -b /dev/xvda
	check "it can be read, $round" blocks if=/dev/xvda of=/dev/null count=16 iflag=direct
	check "and is counted anew, $round" test "$(cat "$vbd/rd_req")" -ge 16
done
check "files are read while guests come and go" kill $reader

(while blocks if=/dev/xvda of=/dev/null count=64 iflag=direct; do :; done) &
reader=$!
check "top sees it" thinback top tank --interval 3 --count 1 --json
top=$(thinback top tank --interval 3 --count 1 --json)
kill $reader
check_same "of one volume" tank/web1 "$(jq -r '.rates[].name' <<<"$top")"
check_same "which is read" true "$(jq '.rates[0].read.requests > 0' <<<"$top")"
check_same "and not written" 0 "$(jq '.rates[0].write.requests' <<<"$top")"

check "detach" xl block-detach 0 xvda
check "no backend is left" until_true 60 no_backends
check "detach the pool" thinback detach tank
check "unload xen-thinback" rmmod xen-thinback
