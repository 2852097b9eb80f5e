# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# What the guest of the bench runs: fio on each disk that comes, until none does.
# It pauses before and after each row, while dom0 reads its counters; asleep,
# the machine costs nothing.
# shellcheck disable=SC2154 # set by what dom0 puts in front

# row NAME FIO-OPTION...: what was written is on the device when the row is over.
row() {
	name=$1
	shift
	echo "bench ready $name"
	sleep 1
	fio --name="$name" --filename=/dev/xvda --direct=1 --ioengine=libaio --bs=4k --eta=never \
		--randrepeat=1 --gtod_reduce=1 --output-format=terse --output=/tmp/result "$@" ||
		echo "bench failed $name"
	fsync /dev/xvda
	echo "bench done $name $(cat /tmp/result)"
	sleep 1
}

wanted() { case " $rows " in *" $1 "*) ;; *) return 1 ;; esac; }

# Each part of the disk has its first writes in rows of its own: @mib for those
# that write every block, which the next rows use again, half of that for those
# with fsync, and @mib for those that write one block in sixteen.
measure() {
	echo "bench disk $(cat /sys/block/xvda/size)"
	wanted write-sparse && row write-sparse --rw=randwrite --iodepth=16 --offset="$((mib * 3 / 2))M" \
		--size="${mib}M" --io_size="$((mib / 16))M" --randseed=5
	row write-first --rw=randwrite --iodepth=16 --size="${mib}M"
	wanted rewrite && row rewrite --rw=randwrite --iodepth=16 --size="${mib}M" --randseed=7
	wanted read-16 && row read-16 --rw=randread --iodepth=16 --size="${mib}M" --randseed=11
	wanted read-1 && row read-1 --rw=randread --iodepth=1 --size="${mib}M" --io_size="$((mib / 4))M" --randseed=13
	wanted write-sync && row write-sync --rw=randwrite --iodepth=1 --fsync=1 --size="${mib}M" \
		--io_size="$((mib / 8))M" --randseed=17
	wanted write-first-sync && row write-first-sync --rw=randwrite --iodepth=1 --fsync=1 --offset="${mib}M" \
		--size="$((mib / 2))M" --io_size="$((mib / 8))M"
	echo "bench end"
}

while disk xvda; do
	measure
	while [ -b /dev/xvda ]; do
		sleep 0.2
	done
done
