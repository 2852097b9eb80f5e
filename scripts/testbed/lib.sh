# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What scenarios are written with; sourced in dom0. Results go to the host by a
# port of their own, where no kernel message can cut a line in two, and to the
# console for the reader.

# From the host: which boot of this run it is, and what makes one run unlike another.
: "${TBED_boot:=1}" "${TBED_seed:=1}"
results=/dev/vport0p1
consoles=/var/log/xen/console
guests=/run/testbed

report() {
	echo "TBED $*"
	echo "TBED $*" >$results
}

# ok NAME, not_ok NAME REASON: one result.
ok() { report "ok $1"; }
not_ok() { report "not ok $1: ${*:2}"; }

indent() { sed 's/^/  | /'; }

# check NAME COMMAND...: passes if the command succeeds; shows what it said if not.
check() {
	local name=$1 said
	shift
	if said=$("$@" 2>&1); then
		ok "$name"
		return 0
	fi
	indent <<<"$said"
	not_ok "$name" "'$*' failed: $(tail -n 1 <<<"$said")"
	return 1
}

# check_status NAME STATUS COMMAND...: passes if the command ends with just this status.
check_status() {
	local name=$1 wanted=$2 said status=0
	shift 2
	said=$("$@" 2>&1) || status=$?
	if ((status == wanted)); then
		ok "$name"
		return 0
	fi
	not_ok "$name" "'$*' ended with $status, not $wanted: $(tail -n 1 <<<"$said")"
	return 1
}

# check_same NAME WANTED GOT
check_same() {
	if [[ $2 == "$3" ]]; then
		ok "$1"
		return 0
	fi
	not_ok "$1" "wanted '$2', got '$3'"
	return 1
}

# need NAME COMMAND...: a check without which the rest makes no sense.
need() {
	check "$@" && return 0
	exit 1
}

# say TEXT: to the console and the host's screen.
say() { report "say $*"; }

# until_true SECONDS COMMAND...: tries ten times a second.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# sum FILE [MIB [SKIP]]: sha256 of MiB blocks of a device, read past the page cache.
sum() {
	dd if="$1" bs=1M iflag=direct ${2:+count="$2"} ${3:+skip="$3"} status=none | sha
}

# pattern SEED MIB: that many MiB, the same for the same number SEED, no two blocks alike.
pattern() { seq "$1"00000000 "$1"99999999 | head -c "$2M"; }

# sha: of what comes in.
sha() { sha256sum | cut -d ' ' -f 1; }

# reload DEVICE FILE: pool tank goes from DEVICE, sound, and the module with it; when both are back, FILE holds what it held.
reload() {
	local before
	before=$(sum "$2")
	check_status "a pool in use cannot go" 12 bash -c "exec 3<$2; thinback detach tank"
	need "detach" thinback detach tank
	check_status "the pool on disk is sound" 0 thinback check "$1"
	need "unload" rmmod xen_thinback
	need "load again" modprobe xen-thinback
	need "attach" thinback attach "$1"
	check_same "the data is there" "$before" "$(sum "$2")"
}

# power_cut: the host kills the machine here and boots it again on the same
# disks, with $TBED_boot one higher. Nothing after this line runs.
power_cut() {
	report cut
	sleep infinity
}

# finish STATUS: the last line of a run.
finish() {
	sync
	report "end $1"
}

# --- guests ---------------------------------------------------------------

# guest_start NAME [KEY=VALUE...] DISK... <<SCRIPT: a guest whose Linux runs SCRIPT.
# A DISK is a line of xl's disk list. Keys: type (pv, pvh), image (mini, fio), memory, vcpus,
# extra (kernel arguments), program (a file of dom0 that it has as /bin/…), kernel (a file
# of dom0 that it boots instead of Linux: nobody reads SCRIPT then).
guest_start() {
	local name=$1 type=pv image=mini memory='' vcpus=1 extra='' program='' kernel='' disks='' folder boots
	shift
	for word; do
		case $word in
		type=* | image=* | memory=* | vcpus=* | extra=* | program=* | kernel=*) declare "${word%%=*}=${word#*=}" ;;
		*) disks+="${disks:+, }\"$word\"" ;;
		esac
	done
	: "${memory:=$([[ $image == mini ]] && echo 160 || echo 512)}"
	folder=$guests/$name
	rm -rf "$folder" "$consoles/guest-$name.log"
	mkdir -p "$folder"
	if [[ $kernel ]]; then
		boots="kernel = \"$kernel\""
	else
		guest_initramfs "$folder" "$image" "$program" || return 1
		boots="kernel = \"/testbed/guest-vmlinux\"
		ramdisk = \"$folder/initramfs\"
		cmdline = \"$guest_arguments $extra\""
	fi
	# A PVH Linux that is given emulated time dies of its first rdtscp here.
	cat >"$folder/config" <<-CONFIG
		name = "$name"
		type = "$type"
		$([[ $type == pv ]] || echo 'tsc_mode = "native"')
		$boots
		memory = $memory
		vcpus = $vcpus
		on_poweroff = "destroy"
		on_reboot = "destroy"
		on_crash = "destroy"
		disk = [ $disks ]
	CONFIG
	xl create -q "$folder/config"
	local status=$?
	rm -f "$folder/initramfs"
	return $status
}

guest_arguments="console=hvc0 loglevel=5 mitigations=off panic=1"

# guest_initramfs FOLDER IMAGE [PROGRAM] <<SCRIPT: makes FOLDER/initramfs of what guest_start takes.
guest_initramfs() {
	local folder=$1 image=$2 program=${3-} files=(guest.sh)
	cat >"$folder/guest.sh"
	if [[ $program ]]; then
		mkdir "$folder/bin" && cp "$program" "$folder/bin" || return 1
		files+=("bin/${program##*/}")
	fi
	(cd "$folder" && cat "/testbed/$image.cpio" && printf '%s\n' "${files[@]}" | busybox cpio -o -H newc 2>/dev/null) >"$folder/initramfs"
}

# guest_log NAME: all that the guest has printed, without what firmware does to a terminal.
guest_log() { sed 's/\r//g; s/\x1b\[[0-9;?]*[A-Za-z]//g' 2>/dev/null <"$consoles/guest-$1.log"; }

# guest_said NAME REGEX: has it printed such a line?
guest_said() { guest_log "$1" | grep -qE -- "$2"; }

# guest_wait NAME REGEX [SECONDS]: until it prints such a line.
guest_wait() {
	until_true "${3:-300}" guest_said_or_gone "$1" "$2"
	guest_said "$1" "$2" && return 0
	guest_tail "$1"
	echo "guest $1 did not print '$2'"
	return 1
}

guest_said_or_gone() { guest_said "$1" "$2" || guest_gone "$1"; }
guest_gone() { ! xl domid "$1"; }
guest_tail() { guest_log "$1" | tail -n 60 | sed "s/^/  guest $1: /"; }

# guest_end NAME [SECONDS]: until it has switched itself off; true if its script ended well.
guest_end() {
	if ! until_true "${2:-300}" guest_gone "$1"; then
		guest_tail "$1"
		xl destroy "$1"
		echo "guest $1 did not end"
		return 1
	fi
	guest_said "$1" '^guest exit 0$' && return 0
	guest_tail "$1"
	echo "guest $1 failed"
	return 1
}

# guest_value NAME KEY: what it printed as KEY=…, the last time.
guest_value() { guest_log "$1" | sed -n "s/^$2=//p" | tail -n 1; }

# guest_destroy NAME: pulls its plug.
guest_destroy() {
	xl destroy "$1" && until_true 120 guest_gone "$1"
}

# attach_here TARGET: dom0 gets it as a guest of its own would, as xvda.
attach_here() {
	# What Xen's script does for that, with fewer processes: libxl gives it ten seconds.
	cat >/run/attach_here <<-'SCRIPT'
		#!/bin/sh
		[ "$1" = add ] || exit 0
		xenstore-write "$XENBUS_PATH/physical-device" \
			"$(stat -L -c %t:%T "$(xenstore-read "$XENBUS_PATH/params")")" \
			"$XENBUS_PATH/hotplug-status" connected
	SCRIPT
	chmod +x /run/attach_here
	xl block-attach 0 "vdev=xvda,access=rw,script=/run/attach_here,target=$1"
}

# no_backends: no vbd is left in xenstore or in a driver.
no_backends() {
	local left
	left=$(ls /sys/bus/xen-backend/devices 2>/dev/null)
	[[ -z $left ]] || { echo "still there: $left"; return 1; }
}
