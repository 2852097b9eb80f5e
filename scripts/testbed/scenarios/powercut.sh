# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The plug is pulled while volumes are written, flushed, snapshotted, cloned and
# removed, all at once, by dom0 and by a guest, on a disk which loses what it was
# not told to flush. What was flushed is written down at the disk's end, which loses
# nothing, so it is also known for every moment before: the disk as cuts at many
# such moments would have left it lies on /dev/vdb at the next boot, one after
# the other. After each cut the module must open the pool, all that was flushed
# be there, and the pool be of use.
#
# bed: needs thinback
# bed: program stamps.c
# bed: disk 164 volatile safe=4
# bed: disk 4264 cuts=520
# bed: timeout 900
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
ledger=/dev/mapper/ledger
boots=2
disk_mib=164
pool_mib=160
# Places in the ledger: 0 the volume, 1 a clone, 2 the base of all clones, 3 and 4 the last two of these,
# 5 the clone that a guest has. How many writes before a cut, by the place:
writes=([0]=200 [1]=200 [2]=80 [5]=100)

# place NAME DISK MIB: the pool and the ledger of a disk that lies there.
place() {
	dmsetup create "pool$1" --table "0 $((pool_mib * 2048)) linear $2 $(($3 * 2048))" &&
		dmsetup create "ledger$1" --table "0 $(((disk_mib - pool_mib) * 2048)) linear $2 $((($3 + pool_mib) * 2048))"
}
displace() { dmsetup remove "pool$1" && dmsetup remove "ledger$1"; }

# noted LEDGER SLOT: STREAM NUMBER BASE BASE-NUMBER NAME of what is safe; no NAME, nothing.
noted() { dd if="$1" bs=512 skip="$2" count=1 iflag=direct status=none | tr -d '\0'; }
number_in() { noted "$ledger" "$1" | cut -d ' ' -f 2; }
has_come_to() { (($(number_in "$1") >= $2)); }

write() { stamps write "$volumes/$1" "$2" "$3" "$4" $ledger $(($5 * 512)) "$1" "${@:6}"; }

# Opens the pool of place $1, compares and writes on, closes it, checks it.
is_whole() {
	thinback attach "/dev/mapper/pool$1" -q && stamps judge "/dev/mapper/ledger$1" $volumes && thinback detach tank -q &&
		thinback check "/dev/mapper/pool$1" -q
}

# judge NAME PLACE: one power cut.
judge() {
	local said
	if said=$(is_whole "$2" 2>&1); then
		ok "$1: ${said%%$'\n'*}"
		return
	fi
	indent <<<"$said"
	not_ok "$1" "$(head -n 1 <<<"$said")"
	[[ ! -d /sys/fs/thinback/tank ]] || need "detach" thinback detach tank
}

judge_all() {
	local index count=$(($(blockdev --getsize64 /dev/vdb) / 1048576 / disk_mib))
	judge "cut $((TBED_boot - 1)), for which the machine was killed" ""
	for ((index = 0; index < count; index++)); do
		place cut /dev/vdb $((index * disk_mib))
		judge "cut $((TBED_boot - 1)).$((index + 1))" cut
		displace cut || exit 1
	done
}

make_pool() {
	need "format" thinback format /dev/mapper/pool --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/mapper/pool
	need "create" thinback create tank/vol tank/base --size 16M
	need "write the base" write base 3 1 40 2
	need "snapshot" thinback snapshot tank/base@golden
	need "clone" thinback clone tank/base@golden tank/copy
	need "write to the volume" write vol 1 1 16 0
	need "write to the clone" write copy 2 1 16 1 3 40
	need "clone for the guest" thinback clone tank/base@golden tank/web
}

# A guest writes to its clone, and to the ledger, which is a disk of its own there.
guest_writes() {
	need "start a guest" guest_start web program="$(type -P stamps)" phy:$volumes/web,xvda,w phy:$ledger,xvdb,w <<-GUEST
		set -e
		disk xvda
		disk xvdb
		echo writing
		stamps write /dev/xvda 6 1 0 /dev/xvdb $((5 * 512)) web 3 40
	GUEST
	need "it writes" guest_wait web '^writing'
}

# The base goes on, a clone of it comes, its predecessor but one goes; snapshots take
# the volume's and the copy's blocks from under them, so that they write elsewhere.
clones() {
	local round=0 base name before='' slot stream old volume
	while :; do
		round=$((round + 1))
		stream=$((TBED_boot * 1000 + round)) slot=$((3 + round % 2))
		name=clone$stream
		base=$(($(number_in 2) + 20))
		write base 3 $((base - 19)) 20 2 || return 1
		for volume in base vol copy; do
			thinback snapshot "tank/$volume@$name" -q || return 1
		done
		thinback clone "tank/base@$name" "tank/$name" -q || return 1
		read -r _ _ _ _ old < <(noted $ledger $slot)
		stamps note $ledger $((slot * 512)) 0 0 0 0 || return 1
		write "$name" $stream 1 12 $slot 3 $base || return 1
		[[ -z $old ]] || thinback remove "tank/$old" "tank/base@$old" -q || return 1
		[[ -z $before ]] || thinback remove "tank/vol@$before" "tank/copy@$before" -q || return 1
		before=$name
	done
}

work() {
	local slot workers=() from=()
	guest_writes
	for slot in 0 1 2; do
		from[slot]=$(number_in $slot)
	done
	write vol 1 $((from[0] + 1)) 0 0 &
	workers+=($!)
	write copy 2 $((from[1] + 1)) 0 1 3 40 &
	workers+=($!)
	clones &
	workers+=($!)
	for slot in "${!writes[@]}"; do
		need "writes go on" until_true 250 has_come_to "$slot" $((from[slot] + writes[slot]))
	done
	check "and would" kill -0 "${workers[@]}"
	say "written: volume $(number_in 0), clone $(number_in 1), base $(number_in 2), guest $(number_in 5)"
}

need "load xen-thinback" modprobe xen-thinback
need "find the disk" place "" /dev/vda 0
if ((TBED_boot == 1)); then
	make_pool
else
	judge_all
	((TBED_boot == boots)) || need "attach" thinback attach /dev/mapper/pool
fi
if ((TBED_boot < boots)); then
	work
	power_cut
fi
check "unload" rmmod xen_thinback
