# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# The bed itself: a stock guest on a stock xen-blkback, over an LVM volume.
#
# bed: disk 512
# shellcheck source=scripts/testbed/lib.sh
source /testbed/lib.sh

need "load xen-blkback" modprobe xen-blkback
need "make a volume group" vgcreate -qq vg /dev/vda
need "make a logical volume" lvcreate -qq -y -Wn -n disk -L 64M vg
pattern 1 64 | dd of=/dev/vg/disk bs=1M oflag=direct iflag=fullblock status=none
golden=$(sum /dev/vg/disk)

need "start a guest" guest_start web1 phy:/dev/vg/disk,xvda,w <<'GUEST'
set -e
disk xvda
echo "read=$(sum xvda)"
dd if=/dev/urandom of=/tmp/new bs=1M count=4
dd if=/tmp/new of=/dev/xvda bs=1M seek=16 conv=fsync
echo "wrote=$(sha256sum </tmp/new | cut -d ' ' -f 1)"
GUEST
need "the guest ends" guest_end web1
check_same "the guest reads what dom0 wrote" "$golden" "$(guest_value web1 read)"
check_same "dom0 reads what the guest wrote" "$(guest_value web1 wrote)" "$(sum /dev/vg/disk 4 16)"
check_same "the rest is as it was" "$(pattern 1 16 | sha)" "$(sum /dev/vg/disk 16)"
check "no backend is left" no_backends
check "the volume is free" lvremove -qq -y vg/disk
check "unload xen-blkback" rmmod xen-blkback
