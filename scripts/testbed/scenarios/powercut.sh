# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The plug is pulled while volumes are written, cloned and removed, four times
# over, on a disk which loses what it was not told to flush. Then the pool must
# be sound, and all that was flushed before the cut be there. What was flushed
# is written down on a second disk, which loses nothing.
#
# bed: needs thinback
# bed: disk 512 volatile
# bed: disk 8
# bed: timeout 1800
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
cuts=4
blocks=$((64 * 256))
RANDOM=$((TBED_seed * 100 + TBED_boot))

# The numbers of the last write, and of the last clone made of it, that are safe.
remember() { printf '%-511s\n' "$1 $2" | dd of=/dev/vdb bs=512 count=1 oflag=direct conv=notrunc status=none; }
remembered() { dd if=/dev/vdb bs=512 count=1 iflag=direct status=none; }

has_come_to() { (($(remembered | cut -d ' ' -f 1) >= $1)); }

# Write number N goes to a block of its own, far from N - 1's.
place() { echo $(($1 * 7919 % blocks)); }
block() { pattern "$1" 1 | head -c 4096; }
write_block() { block "$2" | dd of="$volumes/$1" bs=4k seek="$(place "$2")" oflag=direct conv=fsync,notrunc status=none; }
has_block() { cmp -s -n 4096 <(block "$2") <(dd if="$volumes/$1" bs=4k count=1 skip="$(place "$2")" iflag=direct status=none); }

# The state of VOLUME is that after write number N, at least.
has_all() {
	local number lost=0
	for ((number = 1; number <= $2; number++)); do
		has_block "$1" $number || { echo "write $number is lost from $1" && lost=1; }
	done
	return $lost
}

# A snapshot and a clone of it every 16 writes; the last two of each stay.
work() {
	local number=$1 clone=$2 kept=() name
	while :; do
		number=$((number + 1))
		write_block vol $number || return 1
		if ((number % 16 == 0)); then
			# A name that a cut may have left behind is not used again.
			name=$TBED_boot-$number
			thinback snapshot "tank/vol@$name" -q && thinback clone "tank/vol@$name" "tank/$name" -q || return 1
			write_block "$name" $((number + 1000)) || return 1
			clone=$name
			kept+=("$name")
		fi
		remember $number "$clone"
		if ((${#kept[@]} > 2)); then
			thinback remove "tank/${kept[0]}" -q && thinback remove "tank/vol@${kept[0]}" -q || return 1
			kept=("${kept[@]:1}")
		fi
	done
}

first_boot() {
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create" thinback create tank/vol --size 64M
	remember 0 none
	need "flush the pool" write_block vol 0
}

after_cut() {
	local status=0
	thinback check /dev/vda >/tmp/check 2>&1 || status=$?
	check_same "cut $((TBED_boot - 1)): the pool is sound" 0 $status || indent </tmp/check
	need "cut $((TBED_boot - 1)): attach" thinback attach /dev/vda
	check "cut $((TBED_boot - 1)): $number flushed writes are there" has_all vol "$number"
	if [[ $clone != none ]]; then
		check "cut $((TBED_boot - 1)): the clone has what it had" has_all "$clone" "${clone#*-}"
		check "cut $((TBED_boot - 1)): and what was written to it" has_block "$clone" $((${clone#*-} + 1000))
	fi
}

need "load xen-thinback" modprobe xen-thinback
if ((TBED_boot == 1)); then
	first_boot
	number=0 clone=none
else
	read -r number clone < <(remembered)
	after_cut
fi
if ((TBED_boot <= cuts)); then
	work "$number" "$clone" &
	worker=$!
	need "cut $TBED_boot: work goes on" until_true 400 has_come_to $((number + 20 + RANDOM % 40))
	sleep 0.$((RANDOM % 100))
	check "cut $TBED_boot comes during work" kill -0 $worker
	power_cut
fi
check "detach" thinback detach tank
check_status "the pool on disk is sound" 0 thinback check /dev/vda
check "unload" rmmod xen_thinback
