# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What a guest's Linux makes of the ring protocol: several queues, rings of
# several pages, indirect segments, discard, pages that stay mapped; and that its
# data is right with all of them, with few such pages, and without any.
#
# bed: needs thinback
# bed: needs guest-fio
# bed: disk 512
# bed: timeout 1800
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
mib=$((1 << 20))

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create full" thinback create tank/full --size 256M
	need "create plain" thinback create tank/plain --size 256M
	need "create few" thinback create tank/few --size 64M
	need "create signal" thinback create tank/signal --size 16M --sector-size 4096
	check_same "sectors of 4096 bytes in dom0" 4096 "$(blockdev --getss $volumes/signal)"
}

# The start of all guests: what was negotiated; and data that is verified.
read -r -d '' connecting <<'GUEST'
set -e
disk xvda
echo "queues=$(ls /sys/block/xvda/mq | wc -l)"
echo "segments=$(cat /sys/block/xvda/queue/max_segments)"
echo "discard=$(cat /sys/block/xvda/queue/discard_granularity)"
echo "discard_max=$(cat /sys/block/xvda/queue/discard_max_bytes)"
echo "said=$(dmesg | grep 'blkfront: xvda' | sed 's/^.*blkfront: //')"
echo connected
verify() {
	name=$1
	shift
	fio --name="$name" --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=32 --verify=crc32c \
		--verify_fatal=1 --randrepeat=1 --eta=never --output-format=terse --output=/tmp/fio.out "$@" || { cat /tmp/fio.out; return 1; }
	echo "$name=verified"
}
GUEST
read -r -d '' verifying <<'GUEST'
verify small --rw=randwrite --bs=4k --size=16M --verify_backlog=512 --numjobs=2 --offset_increment=32M
verify large --rw=write --bs=1M --size=64M --offset=128M --fsync=8
verify mixed --rw=randwrite --bsrange=512-256k --bs_unaligned=0 --size=16M --offset=200M
sync
echo written
GUEST

# frontend NAME KEY: what the guest wrote for its disk.
frontend() { xenstore-read "/local/domain/$(xl domid "$1")/device/vbd/51712/$2"; }

own() { thinback list "tank/$1" --json | jq '[.. | objects | select(has("own")) | .own][0]'; }
owns_less() { (($(own "$1") < $2)); }

# verified NAME: waits until the guest, which has connected, has written all, and looks what it found.
verified() {
	say "$1: $(guest_value "$1" said)"
	need "$1: it writes" guest_wait "$1" '^written' 900
	check_same "$1: 4 KiB at random by two jobs read back" verified "$(guest_value "$1" small)"
	check_same "$1: 1 MiB in a row with fsync reads back" verified "$(guest_value "$1" large)"
	check_same "$1: 512 bytes to 256 KiB read back" verified "$(guest_value "$1" mixed)"
	check "$1: the volume holds it" test "$(own "$1")" -ge $((96 * mib))
}

# Two queues, 16 pages each, 256 segments. A blkfront whose pages stay mapped has them all from the start,
# which would be 1 GiB here: this one does without.
with_everything() {
	need "full: start the guest" guest_start full image=fio vcpus=2 \
		"extra=xen_blkfront.max_queues=4 xen_blkfront.max_ring_page_order=4 xen_blkfront.max_indirect_segments=256 xen_blkfront.feature_persistent=0" \
		phy:$volumes/full,xvda,w <<-GUEST
		$connecting
		$verifying
		until [ -b /dev/xvdb ]; do sleep 0.2; done
		echo "sector=\$(cat /sys/block/xvdb/queue/logical_block_size)"
		echo "before=\$(sum xvda 128)"
		blkdiscard -o 134217728 -l 67108864 /dev/xvda
		echo discarded
		echo "left=\$(dd if=/dev/xvda bs=1M count=64 skip=128 iflag=direct 2>/dev/null | tr -d '\\000' | wc -c)"
		echo "after=\$(sum xvda 128)"
	GUEST
	need "full: it connects" guest_wait full '^connected'
	verified full
	check "full: no pages stay" grep -q 'persistent grants: disabled' <<<"$(guest_value full said)"
	check_same "full: two rings" 2 "$(frontend full multi-queue-num-queues)"
	check_same "full: of 16 pages" 4 "$(frontend full ring-page-order)"
	check "full: to the last page of the second" frontend full queue-1/ring-ref15
	check_same "full: the guest's block layer has two queues" 2 "$(guest_value full queues)"
	check_same "full: requests of 256 segments" 256 "$(guest_value full segments)"
	check_same "full: discards of 4 KiB" 4096 "$(guest_value full discard)"
	check "full: a thread of dom0 for each ring" pgrep "^$(xl domid full)\.xvda-1$"
	need "full: tell it to go on" xl block-attach full phy:$volumes/signal,xvdb,w
	need "full: it discards 64 MiB" guest_wait full '^discarded'
	check "full: they are free again" until_true 60 owns_less full $((64 * mib))
	check_same "full: sectors of 4096 bytes" 4096 "$(guest_value full sector)"
	need "full: it ends" guest_end full
	check_same "full: they read as zeros" 0 "$(guest_value full left)"
	check_same "full: the rest stays" "$(guest_value full before)" "$(guest_value full after)"
}

# Most pages are more than may stay, and none stays for long.
with_few_pages() {
	local params=/sys/module/xen_thinback/parameters
	need "few: allow 64 pages" tee $params/max_persistent_grants <<<64
	need "few: for a second" tee $params/persistent_grant_unused_seconds <<<1
	need "few: start the guest" guest_start few image=fio vcpus=2 \
		"extra=xen_blkfront.max_queues=4 xen_blkfront.max_ring_page_order=2 xen_blkfront.max_indirect_segments=32" \
		phy:$volumes/few,xvda,w <<-GUEST
		$connecting
		verify some --rw=randwrite --bsrange=512-128k --bs_unaligned=0 --size=16M
		sleep 15
		verify again --rw=randwrite --bs=4k --size=4M --verify_backlog=64
	GUEST
	need "few: it ends" guest_end few 600
	check "few: its pages stay" grep -q 'persistent grants: enabled' <<<"$(guest_value few said)"
	check_same "few: 512 bytes to 128 KiB read back" verified "$(guest_value few some)"
	check_same "few: 4 KiB read back after a while" verified "$(guest_value few again)"
}

# One queue of one page, eleven segments; and nothing may be discarded.
with_nothing() {
	need "plain: no pages that stay" tee /sys/module/xen_thinback/parameters/feature_persistent <<<0
	need "plain: allow one queue" tee /sys/module/xen_thinback/parameters/max_queues <<<1
	need "plain: start the guest" guest_start plain image=fio vcpus=2 \
		"extra=xen_blkfront.max_indirect_segments=0" phy:$volumes/plain,xvda,w,no-discard <<-GUEST
		$connecting
		$verifying
		if blkdiscard /dev/xvda; then exit 1; fi
	GUEST
	need "plain: it connects" guest_wait plain '^connected'
	check "plain: one page" frontend plain ring-ref
	verified plain
	check_same "plain: one queue" 1 "$(guest_value plain queues)"
	check "plain: no pages stay" grep -q 'persistent grants: disabled' <<<"$(guest_value plain said)"
	check_same "plain: no discard" 0 "$(guest_value plain discard_max)"
	need "plain: it ends" guest_end plain
}

tidy_up() {
	check "no backend is left" until_true 120 no_backends
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vda
	check "unload xen-thinback" rmmod xen_thinback
}

make_pool
with_everything
with_few_pages
with_nothing
tidy_up
