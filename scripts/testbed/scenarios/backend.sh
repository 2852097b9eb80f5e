# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests on volumes: clones read their base, keep what they flushed when they
# are killed, get made at attach, come and go; plain disks pass through.
#
# bed: needs thinback
# bed: disk 256
# bed: disk 2048 parts=1024,0
# bed: timeout 1800
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

volumes=/dev/thinback/tank
golden_mib=16

make_pool() {
	need "load xen-thinback" modprobe xen-thinback
	need "format" thinback format /dev/vdb1 --name tank
	[[ -d /sys/fs/thinback/tank ]] || need "attach" thinback attach /dev/vdb1
	need "create" thinback create tank/golden --size 256M
	need "the device node is there" test -b $volumes/golden
	pattern 1 $golden_mib | dd of=$volumes/golden bs=1M oflag=direct conv=fsync iflag=fullblock status=none
	golden=$(pattern 1 $golden_mib | sha256sum | cut -d ' ' -f 1)
	check_same "golden reads what was written" "$golden" "$(sum $volumes/golden $golden_mib)"
	need "snapshot" thinback snapshot tank/golden@v1
	need "clone" thinback clone tank/golden@v1 tank/web1
}

# The guest reads, writes and flushes, then writes on until it is killed.
clone_and_kill() {
	local disk=phy:$volumes/web1,xvda,w
	need "start a guest on a clone" guest_start web1 "$disk" <<-GUEST
		set -e
		disk xvda
		echo "read=\$(sum xvda $golden_mib)"
		dd if=/dev/urandom of=/tmp/new bs=1M count=4
		dd if=/tmp/new of=/dev/xvda bs=1M seek=8 conv=fsync
		echo "wrote=\$(sha256sum </tmp/new | cut -d ' ' -f 1)"
		echo writing
		while :; do dd if=/dev/zero of=/dev/xvda bs=64k count=512 seek=512 oflag=direct; done
	GUEST
	need "it writes" guest_wait web1 '^writing'
	check_same "the clone reads as golden" "$golden" "$(guest_value web1 read)"
	sleep 1
	need "destroy it while it writes" guest_destroy web1
	check "its backend is gone" until_true 120 no_backends
	wrote=$(guest_value web1 wrote)
	check_same "what it flushed is on the clone" "$wrote" "$(sum $volumes/web1 4 8)"
	need "start it again" guest_start web1 "$disk" <<-GUEST
		set -e
		disk xvda
		echo "read=\$(sum xvda 4 8)"
		echo "head=\$(sum xvda 8)"
	GUEST
	need "it ends" guest_end web1
	check_same "it finds what it flushed" "$wrote" "$(guest_value web1 read)"
	check_same "the rest is golden's" "$(pattern 1 8 | sha256sum | cut -d ' ' -f 1)" "$(guest_value web1 head)"
	check_same "golden is as it was" "$golden" "$(sum $volumes/golden $golden_mib)"
}

made_at_attach() {
	need "start a guest whose clone is made at attach" guest_start web2 \
		vdev=xvda,access=rw,script=block-thinback,target=tank/web2,from=tank/golden@v1 <<-GUEST
		set -e
		disk xvda
		echo "read=\$(sum xvda $golden_mib)"
		dd if=/dev/zero of=/dev/xvda bs=1M count=1 conv=fsync
	GUEST
	need "it ends" guest_end web2
	check_same "the new clone reads as golden" "$golden" "$(guest_value web2 read)"
	check "the clone stays" test -b $volumes/web2
	check_same "golden is as it was" "$golden" "$(sum $volumes/golden $golden_mib)"
}

two_disks() {
	local data head
	head=$(pattern 1 4 | sha256sum | cut -d ' ' -f 1)
	need "make a logical volume" vgcreate -qq vg /dev/vda
	need "a plain volume" lvcreate -qq -y -Wn -n plain -L 32M vg
	pattern 3 8 | dd of=/dev/vg/plain bs=1M oflag=direct iflag=fullblock status=none
	data=$(sum /dev/vg/plain 8)
	need "a clone" thinback clone tank/golden@v1 tank/web3
	need "start a guest with a clone and a plain disk" guest_start web3 \
		phy:$volumes/web3,xvda,w phy:/dev/vg/plain,xvdb,w <<-'GUEST'
		set -e
		disk xvda
		disk xvdb
		echo "clone=$(sum xvda 4)"
		echo "plain=$(sum xvdb 8)"
		dd if=/dev/zero of=/dev/xvdb bs=1M count=1 seek=8 conv=fsync
		echo attached
		until [ -b /dev/xvdc ]; do sleep 0.2; done
		echo "hot=$(sum xvdc 4)"
		until ! [ -b /dev/xvdc ]; do sleep 0.2; done
		echo detached
	GUEST
	need "it has its disks" guest_wait web3 '^attached'
	check_same "the clone reads as golden" "$head" "$(guest_value web3 clone)"
	check_same "the plain disk reads what dom0 wrote" "$data" "$(guest_value web3 plain)"
	need "a third disk" thinback clone tank/golden@v1 tank/hot
	need "block-attach" xl block-attach web3 phy:$volumes/hot,xvdc,w
	check "the guest reads it" guest_wait web3 '^hot='
	check_same "it reads as golden" "$head" "$(guest_value web3 hot)"
	check_status "a volume that a guest has cannot go" 12 thinback remove tank/hot
	check "block-detach" xl block-detach web3 xvdc
	check "the guest sees it go" guest_wait web3 '^detached'
	need "it ends" guest_end web3
	check_same "dom0 reads what it wrote" "$(head -c 1M /dev/zero | sha256sum | cut -d ' ' -f 1)" "$(sum /dev/vg/plain 1 8)"
}

read_only() {
	need "start a guest on a read-only disk" guest_start web4 phy:$volumes/web2,xvda,r <<-'GUEST'
		set -e
		disk xvda
		echo "readonly=$(cat /sys/block/xvda/ro)"
		if dd if=/dev/zero of=/dev/xvda bs=4k count=1 conv=fsync; then exit 1; fi
	GUEST
	need "it ends" guest_end web4
	check_same "its disk is read-only" 1 "$(guest_value web4 readonly)"
}

tidy_up() {
	check "no backend is left" until_true 120 no_backends
	check "the volume group is free" vgremove -qq -f -y vg
	check "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check /dev/vdb1
	check "unload xen-thinback" rmmod xen_thinback
}

make_pool
clone_and_kill
made_at_attach
two_disks
read_only
tidy_up
