# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The demonstration's part in dom0. Beside lib.sh's words it reports "step NAME"
# when it begins something, "claim RESULT|TEXT|EVIDENCE", and "show SCREEN LINE".
#
# bed: disk 4096 parts=0
# bed: dom0 1536
# bed: memory 3072
# bed: timeout 3600
# bed: silence 600
# bed: needs thinback
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

device=/dev/vda1
nodes=/dev/thinback/tank
guest_size=4G
many=100
many_mib=6
declare -A wrote # what a guest says the sha256 of its file is

step() { report "step $*"; }

# claim TEXT EVIDENCE COMMAND...: holds if the command succeeds.
claim() {
	local text=$1 evidence=$2 said
	shift 2
	if said=$("$@" 2>&1); then
		report "claim ok|$text|$evidence"
	else
		report "claim FAILED|$text|$(tail -n 1 <<<"$said")"
	fi
}

same() { [[ $1 == "$2" ]] || { echo "wanted '$1', got '$2'"; return 1; }; }
at_least() { (($2 >= $1)) || { echo "wanted $1 or more, got $2"; return 1; }; }

# show SCREEN: its input, for the end.
show() {
	local line
	while IFS= read -r line; do
		report "show $1 $line"
	done
}

make_pool() {
	step "dom0: a pool on a partition of 4 GiB"
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format $device --name tank
	need "attach" thinback attach $device
}

# make_base NAME DISK MIB SHA256: a volume that holds that disk, and its snapshot.
make_base() {
	step "dom0: $1, ${3} MiB, into tank/$1; snapshot v1"
	need "create $1" thinback create "tank/$1" --size $guest_size
	need "copy $1" dd if="$2" of="$nodes/$1" bs=1M iflag=direct oflag=direct conv=fsync status=none
	need "snapshot of $1" thinback snapshot "tank/$1@v1"
	need "map $1@v1" thinback map "tank/$1@v1"
	need "$1@v1 is what was copied" same "$4" "$(sum "$nodes/$1@v1" "$3")"
}

# check_base NAME DISK MIB SHA256
check_base() {
	local now
	now=$(sum "$nodes/$1@v1" "$3")
	claim "$1@v1 is what it was before all this" "sha256 ${now:0:16}… of $3 MiB, twice" same "$4" "$now"
	need "unmap $1@v1" thinback unmap "tank/$1@v1"
}

# each_base COMMAND: with the words of every line of the list that the host made.
each_base() {
	local words
	while read -ra words <&3; do
		"$1" "${words[@]}"
	done 3</testbed/bases
}

# start NAME BASE: a guest on a clone that its own disk line makes.
start() {
	need "start $1" guest_start "$1" image=demo memory=256 extra=quiet \
		"vdev=xvda,access=rw,script=block-thinback,target=tank/$1,from=tank/$2@v1" </dev/null
}

has_written() {
	need "$1 boots and writes" guest_wait "$1" '^guest exit' 400
	wrote[$1]=$(guest_value "$1" wrote)
}

shut_down() {
	local name
	for name; do
		need "tell $name to shut down" xl shutdown "$name"
	done
	for name; do
		need "$name shuts down" guest_end "$name" 300
	done
}

# boot_one NAME BASE RELEASE
boot_one() {
	step "guest $1: boots Debian $3 from a clone of $2@v1, and writes"
	start "$1" "$2"
	has_written "$1"
	shut_down "$1"
	claim "guest $1 runs $(guest_value "$1" os)" \
		"its init took $(guest_value "$1" up) s, / is $(guest_value "$1" root)" \
		same "debian $3" "$(guest_value "$1" release)"
}

boot_three() {
	local name three="db1 db2 db3" running modules
	step "guests $three: three more clones of debian-12@v1 at once"
	for name in $three; do
		start "$name" debian-12
	done
	for name in $three; do
		has_written "$name"
	done
	running=$(xl list | grep -cE '^db[123] ')
	modules=$(backend_modules)
	# shellcheck disable=SC2086 # three words
	shut_down $three
	claim "three guests run at once on clones of one base" "xl list shows $running" same 3 "$running"
	claim "xen-thinback serves their disks; xen-blkback is not loaded" \
		"the driver's module of each vbd: $modules" same xen_thinback "$modules"
}

# backend_modules: those that serve disks now, or could.
backend_modules() {
	{
		readlink -f /sys/bus/xen-backend/devices/vbd-*/driver/module
		ls -d /sys/module/xen_blkback 2>/dev/null
	} | xargs -n 1 basename | sort -u | paste -sd ' '
}

read_back() {
	local name all=0 right=0
	step "dom0: what the guests wrote, read from their volumes"
	need "no backend is left" until_true 30 no_backends
	for name in "${!wrote[@]}"; do
		all=$((all + 1))
		if same "${wrote[$name]}" "$(data_of "$name")"; then
			right=$((right + 1))
		fi
	done
	claim "each guest's file is what that guest wrote" \
		"$right of $all sha256 equal, $(printf '%s\n' "${wrote[@]}" | sort -u | wc -l) of them different" \
		same "$all" "$right"
}

data_of() {
	mount -o ro "$nodes/$1" /mnt && sha256sum </mnt/srv/data | cut -d ' ' -f 1
	umount /mnt
}

fill_many() {
	local name names
	step "dom0: $many volumes of $guest_size, $many_mib MiB into each"
	mapfile -t names < <(seq -f 'vm%03.0f' $many)
	pattern 1 $((many_mib + 1)) >/run/noise
	need "create $many volumes" thinback create "${names[@]/#/tank/}" --size $guest_size
	for name in "${names[@]}"; do
		dd if=/run/noise of="$nodes/$name" bs=1M count=$many_mib skip="$(begin_of "$name")" iflag=skip_bytes,fullblock \
			oflag=direct conv=fsync status=none || not_ok "fill $name" "dd failed"
	done
	step "dom0: all $many read and compared"
	claim "$many volumes hold what was written to each" "$many_mib MiB each compared, and zeros behind" \
		each_compares "${names[@]}"
}

# begin_of NAME: where in the noise its content begins, so that no two are alike.
begin_of() { echo $((10#${1#vm} * 10007)); }

# What was written past the page cache is not in it: this reads the disk.
each_compares() {
	local name
	for name; do
		cmp -n ${many_mib}M -i "$(begin_of "$name"):0" /run/noise "$nodes/$name" &&
			cmp -n 1M -i 0:${many_mib}M /dev/zero "$nodes/$name" || return 1
	done
}

# figure FILTER: a number out of the list of everything.
figure() { jq -r "$1" <<<"$list"; }
mib() { echo "$(((${1} + (1 << 19)) >> 20)) MiB"; }

space() {
	local list size used promised sizes own metadata shared
	step "dom0: space counted, bases hashed again"
	need "sync" thinback sync tank
	list=$(thinback list tank --snapshots --json)
	size=$(figure '.pools[0].size')
	used=$((size - $(figure '.pools[0].free')))
	promised=$(figure '.pools[0].promised')
	metadata=$(figure '.pools[0].metadata')
	sizes=$(figure '[.volumes[].size] | add')
	own=$(figure '[.volumes[].own, .snapshots[].own] | add')
	shared=$(figure '[.volumes[] | select(.from) | .shared] | add')
	claim "promised is the sum of the volumes' sizes, over 50 times the pool" \
		"$((promised >> 30)) GiB on $(mib "$size")" \
		at_least $((size * 50)) $((promised == sizes ? promised : 0))
	claim "used is what volumes and snapshots own, and metadata" \
		"$(mib $used) = $(mib "$own") + $(mib "$metadata")" same "$used" $((own + metadata))
	claim "clones share what they did not write" \
		"five clones share $(mib "$shared"), own $(mib "$(figure '[.volumes[] | select(.from) | .own] | add')")" \
		at_least $((5 << 20)) "$shared"
	report "figure used $used"
	report "figure data $own"
}

screen_after() {
	thinback list tank | grep -vE 'vm(00[3-9]|0[1-9].|100) ' | show after
	echo "... and $((many - 2)) more like the last two" | show after
}

take_apart() {
	local said
	step "dom0: detach, and check the device"
	need "detach" thinback detach tank
	said=$(thinback check $device)
	claim "thinback check, on the detached device, is content" \
		"$(head -n 1 <<<"$said" | sed 's/^pool tank: //')" check_says_clean
	claim "the module unloads" "no volume, backend or memory left behind" rmmod xen_thinback
}

check_says_clean() {
	thinback check $device
}

make_pool
each_base make_base
thinback list tank --snapshots | show before
boot_one web12 debian-12 12
boot_one web13 debian-13 13
boot_three
read_back
fill_many
space
screen_after
each_base check_base
take_apart
