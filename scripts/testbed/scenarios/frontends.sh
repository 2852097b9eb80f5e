# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Frontends that are not blkfront in a PV guest: GRUB's of 64 and of 32 bits, and
# blkfront in a PVH guest. Each reads exact bytes of a clone and writes to it, and
# GRUB hands the disk on to Linux.
#
# bed: needs thinback
# bed: needs guest-fio
# bed: needs loaders
# bed: disk 1024
# bed: timeout 3600
# bed: silence 1000
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
# In MiB: a file system, with what GRUB boots; a pattern behind it, where grub.cfg reads it; room for Linux to write to.
files_mib=64
pattern_mib=4
room_mib=96
env_bytes=8192

# environment NAME=VALUE: a file of variables as GRUB keeps it.
environment() {
	local text
	printf -v text '# GRUB Environment Block\n%s\n' "$1"
	printf '%s' "$text"
	head -c $((env_bytes - ${#text})) /dev/zero | tr '\0' '#'
}

make_files() {
	local folder=/run/golden
	mkdir -p $folder/guest
	cp /testbed/guest-vmlinuz $folder/vmlinuz
	environment found=golden >$folder/grubenv
	guest_initramfs $folder/guest mini <<-GUEST
		set -e
		disk xvda
		echo "linux=\$(sum xvda $pattern_mib $files_mib)"
		dd if=/dev/urandom of=/tmp/new bs=1M count=4
		dd if=/tmp/new of=/dev/xvda bs=1M seek=$room_mib conv=fsync
		echo "wrote=\$(sha256sum </tmp/new | cut -d ' ' -f 1)"
	GUEST
	mv $folder/guest/initramfs $folder/initramfs
	rm -r $folder/guest
	need "a file system" mkfs.vfat -F 32 $volumes/golden $((files_mib * 1024))
	need "mount it" mount -t vfat $volumes/golden /mnt
	need "fill it" cp -r $folder/. /mnt
	need "unmount it" umount /mnt
}

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vda --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vda
	need "create golden" thinback create tank/golden --size 128M
	make_files
	pattern 1 $pattern_mib | dd of=$volumes/golden bs=1M seek=$files_mib oflag=direct conv=fsync iflag=fullblock status=none
	wanted=$(pattern 1 $pattern_mib | sha)
	golden=$(sum $volumes/golden)
	need "snapshot" thinback snapshot tank/golden@v1
}

# kept CLONE FILE: sha256 of a file in a clone's file system.
kept() {
	mount -t vfat -o ro "$volumes/$1" /mnt && sha <"/mnt/$2"
	umount /mnt
}

# clone NAME: the disk of that guest, a clone made when it starts.
clone() { echo "vdev=xvda,access=rw,script=block-thinback,target=tank/$1,from=tank/golden@v1"; }

# frontend NAME KEY: what the guest wrote for its disk.
frontend() { xenstore-read "/local/domain/$(xl domid "$1")/device/vbd/51712/$2"; }

# hashed NAME: the first sum that GRUB printed.
hashed() { guest_log "$1" | grep -oE '^[0-9a-f]{64}' | head -n 1; }

# loader NAME ABI KEY=VALUE...: a guest that boots GRUB.
loader() {
	local name=$1 abi=$2 disk=xen/xvda
	shift 2
	need "$name: start it" guest_start "$name" memory=512 "$@" "$(clone "$name")" </dev/null
	need "$name: it finds its disk" guest_wait "$name" "^grub has $disk" 600
	check_same "$name: its ring has the layout that it named" "$abi" "$(frontend "$name" protocol)"
	need "$name: it has read a kernel" guest_wait "$name" '^grub goes' 900
	check_same "$name: it reads what dom0 wrote" "$wanted" "$(hashed "$name")"
	check_same "$name: it reads a file" golden "$(guest_value "$name" found)"
	need "$name: Linux takes over, and ends" guest_end "$name" 600
	check_same "$name: Linux reads what dom0 wrote" "$wanted" "$(guest_value "$name" linux)"
	check "$name: no backend is left" until_true 120 no_backends
	check_same "$name: dom0 finds what Linux wrote" "$(guest_value "$name" wrote)" "$(sum "$volumes/$name" 4 $room_mib)"
	# GRUB adds a line where the last one ended.
	check_same "$name: dom0 finds what the loader wrote" "$(environment "$(printf 'found=golden\nleft=%s' "$disk")" | sha)" "$(kept "$name" grubenv)"
	check_same "$name: golden is as it was" "$golden" "$(sum $volumes/golden)"
}

grub_of_64_bits() { loader grub64 x86_64-abi type=pv kernel=/testbed/grub-x86_64-xen; }
grub_of_32_bits() { loader grub32 x86_32-abi type=pvh kernel=/testbed/grub-i386-xen_pvh; }

# pvh NAME PERSISTENT WORD: a PVH Linux whose pages stay mapped or not.
pvh() {
	local name=$1
	need "$name: start it" guest_start "$name" type=pvh image=fio vcpus=2 \
		"extra=xen_blkfront.max_queues=2 xen_blkfront.feature_persistent=$2" "$(clone "$name")" <<-GUEST
		set -e
		disk xvda
		echo "said=\$(dmesg | grep 'blkfront: xvda' | sed 's/^.*blkfront: //')"
		echo "queues=\$(ls /sys/block/xvda/mq | wc -l)"
		echo "read=\$(sum xvda $pattern_mib $files_mib)"
		fio --name=v --filename=/dev/xvda --direct=1 --ioengine=libaio --iodepth=32 --verify=crc32c --verify_fatal=1 \
			--rw=randwrite --bsrange=512-128k --bs_unaligned=0 --size=8M --numjobs=2 --offset=${room_mib}M --offset_increment=8M \
			--eta=never --output-format=terse --output=/tmp/fio.out || { cat /tmp/fio.out; exit 1; }
		echo "again=\$(sum xvda $pattern_mib $files_mib)"
		echo "wrote=\$(sum xvda 16 $room_mib)"
	GUEST
	need "$name: it ends" guest_end "$name" 600
	check "$name: pages that stay are $3" grep -q "persistent grants: $3" <<<"$(guest_value "$name" said)"
	check_same "$name: two queues" 2 "$(guest_value "$name" queues)"
	check_same "$name: it reads what dom0 wrote" "$wanted" "$(guest_value "$name" read)"
	check_same "$name: and again when it has written" "$wanted" "$(guest_value "$name" again)"
	check_same "$name: dom0 finds what it wrote" "$(guest_value "$name" wrote)" "$(sum "$volumes/$name" 16 $room_mib)"
}

tidy_up() {
	check "no backend is left" until_true 120 no_backends
	check_same "golden is as it was" "$golden" "$(sum $volumes/golden)"
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vda
	check "unload xen-thinback" rmmod xen_thinback
}

make_pool
grub_of_64_bits
grub_of_32_bits
pvh stay 1 enabled
pvh go 0 disabled
tidy_up
