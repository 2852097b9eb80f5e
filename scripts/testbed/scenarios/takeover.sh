# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Disks of running guests go from xen-blkback to xen-thinback and back, again and
# again, under fio with verification, and the module is exchanged under them: no
# guest sees an error or a wrong byte, and dom0's log has no warning. How often:
# tbed.rounds=N among bed.py's --boot-args.
#
# bed: needs thinback
# bed: needs guest-fio
# bed: disk 16
# bed: disk 64
# bed: timeout 7200
# bed: silence 600
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

rounds=${TBED_rounds:-2}
moves=/run/moves
blkback=/sys/module/xen_blkback/parameters

# slow_disk NAME MIB: of memory; each request takes 5 ms, so that there are always some on their way.
slow_disk() {
	local knobs=/sys/kernel/config/nullb/$1 setting
	mkdir "$knobs" || return
	for setting in size="$2" memory_backed=1 irqmode=2 completion_nsec=5000000 hw_queue_depth=256 power=1; do
		echo "${setting#*=}" >"$knobs/${setting%%=*}" || return
	done
}

make_disks() {
	need "load null_blk" modprobe null_blk nr_devices=0
	need "its knobs" busybox mount -t configfs configfs /sys/kernel/config
	need "a slow disk" slow_disk nullb0 128
	need "another one" slow_disk nullb1 64
	need "which can be made to stand still" dmsetup create held --table "0 $(blockdev --getsz /dev/nullb0) linear /dev/nullb0 0"
	pattern 7 16 | dd of=/dev/vda bs=1M oflag=direct iflag=fullblock status=none
	need "one that can be used for swapping" mkswap -q /dev/vda
	idle_sum=$(sum /dev/vda)
}

# What both guests do until a disk comes that tells them to end. A round is written, read and verified.
read -r -d '' working <<'GUEST'
round=0
until [ -b /dev/xvdc ]; do
	fio --name=round --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=64 --rw=randwrite --bs_unaligned=0 \
		--verify=crc32c --verify_fatal=1 --randseed=$round --group_reporting --eta=never --output-format=terse \
		--terse-version=3 --output=/tmp/fio.out "$@" || { cat /tmp/fio.out; echo "verify failed"; exit 1; }
	round=$((round + 1))
	echo "slowest=$(awk -F ';' 'NF > 100 { print int(($15 > $56 ? $15 : $56) / 1000) }' /tmp/fio.out)"
	echo "round=$round"
done
GUEST

# Two rings of two pages, long lists of segments, pages that stay mapped; and a disk that is idle.
start_several() {
	need "several: start it" guest_start several image=fio vcpus=2 \
		"extra=xen_blkfront.max_queues=2 xen_blkfront.max_ring_page_order=1 xen_blkfront.max_indirect_segments=64" \
		phy:/dev/mapper/held,xvda,w <<-GUEST
			set -e
			disk xvda
			echo "said=\$(dmesg | grep 'blkfront: xvda' | sed 's/^.*blkfront: //')"
			set -- --numjobs=2 --offset_increment=64M --size=16M --bsrange=512-256k
			$working
			echo "idle=\$(sum xvdb)"
		GUEST
	need "several: it writes and verifies" guest_wait several '^round=1' 600
	need "several: a disk that is idle" xl block-attach several phy:/dev/vda,xvdb,w
	several=$(xl domid several)
	say "several: $(guest_value several said)"
	check_same "several: two rings" 2 "$(frontend "$several" multi-queue-num-queues)"
	check_same "several: of two pages" 1 "$(frontend "$several" ring-page-order)"
	check_same "several: it was told that pages may stay mapped" 1 "$(backend "$several" feature-persistent)"
}

# One ring of one page. It wants pages to stay mapped, but was told that they do not.
start_single() {
	need "single: xen-blkback lets no page stay" tee $blkback/feature_persistent <<<N
	need "single: start it" guest_start single image=fio "extra=xen_blkfront.max_ring_page_order=0" \
		phy:/dev/nullb1,xvda,w <<-GUEST
			set -e
			disk xvda
			echo "said=\$(dmesg | grep 'blkfront: xvda' | sed 's/^.*blkfront: //')"
			set -- --size=8M --bsrange=4k-64k
			$working
		GUEST
	need "single: it writes and verifies" guest_wait single '^round=1' 600
	single=$(xl domid single)
	say "single: $(guest_value single said)"
	check_same "single: it would have pages stay" 1 "$(frontend "$single" feature-persistent)"
	check_same "single: it was told that they do not" 0 "$(backend "$single" feature-persistent)"
	need "single: from now on xen-blkback would" tee $blkback/feature_persistent <<<Y
}

frontend() { xenstore-read "/local/domain/$1/device/vbd/51712/$2"; }
backend() { xenstore-read "backend/vbd/$1/51712/$2"; }
statistics() { cat "/sys/bus/xen-backend/devices/vbd-$1-51712/statistics/"{rd,wr}_req | awk '{ sum += $1 } END { print sum }'; }
has_done_more() { (($(statistics "$1") > $2)); }
goes_on() { until_true 120 has_done_more "$1" $(($(statistics "$1") + 100)); }
served_by() { (($(ls -d "/sys/bus/xen-backend/drivers/$1/"vbd-* 2>/dev/null | wc -l) == $2)); }

# But of xen-blkback, which is slow on a slow machine and says so.
warnings() { dmesg --level=emerg,alert,crit,err,warn | grep -v 'xen-blkback: Scheduled work from previous purge is still busy'; }
no_warning() { ! warnings | tail -n +$((warnings_before + 1)) | grep . ; }
no_error_of() { ! xenstore-ls error 2>/dev/null | grep .; }

# A guest whose disk has failed says so, or ends.
is_well() {
	! guest_log "$1" | grep -E 'verify failed|guest exit|I/O error|has not unmapped|for further use|op failed' && xl domid "$1"
}

# move COUNT WORDS...: and writes down how many moves of a disk that took, and the ms of each.
move() {
	local count=$1 start
	shift
	start=$(date +%s%3N)
	thinback-takeover "$@" || return
	echo "$count $((($(date +%s%3N) - start) / count))" >>$moves
}

# both_go_on NAME: after what was done.
both_go_on() {
	check "$1: several goes on" goes_on "$several" || exit 1
	check "$1: single goes on" goes_on "$single" || exit 1
}

# Once with guests that run, once with paused ones: then nothing is asked, and nothing answered, meanwhile.
back_and_forth() {
	local round
	for ((round = 1; round <= rounds; round++)); do
		((round % 2)) || xl pause several
		need "round $round: to xen-thinback" move 3 --all
		((round % 2)) || xl unpause several
		need "round $round: it has all" served_by thinback 3
		both_go_on "round $round"
		need "round $round: back to xen-blkback" move 3 --back --all
		need "round $round: it has all" served_by vbd 3
		both_go_on "round $round, back"
	done
	check_same "pages of single do not stay" 0 "$(backend "$single" feature-persistent)"
	check_same "those of several do" 1 "$(backend "$several" feature-persistent)"
}

# What xen-blkback has taken it answers, however long that takes; nobody else does so meanwhile.
while_the_device_stands_still() {
	need "the device stands still" dmsetup suspend --noflush --nolockfs held
	sleep 1
	check_status "xen-blkback is not done in time" 12 thinback-takeover --timeout 3 several xvda
	check_same "several waits" 2 "$(backend "$several" state)"
	check "single goes on" goes_on "$single"
	need "the device goes on" dmsetup resume held
	check "xen-thinback has the disk" until_true 60 is_connected "$several"
	check "several goes on" goes_on "$several"
	need "back again" thinback-takeover --back several xvda
	check "several goes on" goes_on "$several"
}
is_connected() { [[ $(backend "$1" state) == 4 ]]; }

# What the script cannot see, and xen-thinback refuses.
what_fails_goes_back() {
	need "dom0 swaps to several's idle disk" swapon /dev/vda
	check_status "xen-thinback cannot have it" 1 thinback-takeover several xvdb
	check "xen-blkback has it again" served_by vbd 3
	need "dom0 does not need it" swapoff /dev/vda
	need "forget the reason" xenstore-rm error
	warnings_before=$(warnings | wc -l)
}

what_is_refused() {
	check_status "no such guest" 10 thinback-takeover nobody
	check_status "no such disk" 10 thinback-takeover several xvdz
	need "a limit that is too low" tee $blkback/max_queues <<<1
	check_status "more queues than xen-blkback allows" 14 thinback-takeover --back several
	need "xen-blkback has no disk, and can go" rmmod xen_blkback
	need "a pool" thinback format /dev/vdb --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vdb
	need "a volume" thinback create tank/one --size 16M
	check_status "no upgrade with a pool" 12 thinback-takeover --upgrade
	need "a volume for single" xl block-attach single phy:/dev/thinback/tank/one,xvdb,w
	need "it has four disks" served_by thinback 4
	check_status "no volume to xen-blkback" 14 thinback-takeover --back single xvdb
	check_status "nor with all others" 14 thinback-takeover --back --all
	check "none was moved" served_by thinback 4
	need "away with it" xl block-detach single xvdb
	need "it is gone" until_true 60 served_by thinback 3
	need "detach" thinback detach tank
}

upgrade() {
	need "a parameter that a new module does not have" tee /sys/module/xen_thinback/parameters/max_buffer_pages <<<777
	need "a limit" tee "/sys/bus/xen-backend/devices/vbd-$several-51712/iops_limit" <<<1000000
	need "would be upgraded" thinback-takeover --upgrade --dry-run
	check_same "is not" 777 "$(cat /sys/module/xen_thinback/parameters/max_buffer_pages)"
	need "upgrade" move 6 --upgrade
	check_same "the module is new" 1024 "$(cat /sys/module/xen_thinback/parameters/max_buffer_pages)"
	check_same "the limit is there" 1000000 "$(cat "/sys/bus/xen-backend/devices/vbd-$several-51712/iops_limit")"
	check "it has all disks" served_by thinback 3
	check "xen-blkback was there only for that" test ! -e $blkback
	both_go_on "upgraded"
}

# slowest GUEST: request, in ms; fio's own count.
slowest() { guest_log "$1" | sed -n 's/^slowest=//p' | sort -n | tail -n 1; }

moved() {
	awk '{ moves += $1; if ($2 > most) most = $2 } END { print moves " moves of a disk, " most " ms for each at most" }' $moves
}

tidy_up() {
	check "several has seen no error" is_well several
	check "single has seen no error" is_well single
	check "no backend complains" no_error_of
	check "no warning in dom0's log" no_warning
	say "$(moved); several verified $(guest_value several round) rounds \
of 32 MiB, single $(guest_value single round) of 8 MiB; their slowest request took $(slowest several) and $(slowest single) ms"
	need "tell several to end" xl block-attach several phy:/dev/vdb,xvdc,r
	need "tell single to end" xl block-attach single phy:/dev/vdb,xvdc,r
	check "several ends well" guest_end several 600
	check "single ends well" guest_end single 600
	check_same "the idle disk is what it was" "$idle_sum" "$(guest_value several idle)"
	check "no backend is left" until_true 120 no_backends
	check "unload xen-thinback" rmmod xen_thinback
}

need "load xen-blkback" modprobe xen-blkback
make_disks
start_several
start_single
need "load xen-thinback" modprobe xen-thinback
warnings_before=$(warnings | wc -l)
back_and_forth
while_the_device_stands_still
what_fails_goes_back
need "all to xen-thinback" move 3 --all
what_is_refused
upgrade
tidy_up
