# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What a block script finds in Xen's block-common.sh, where Xen is not installed:
# the functions and traps that block-thinback meets, written after their documentation.

set -e
# shellcheck disable=SC2034 # for whoever reads this file
command=$1
: "${XENBUS_PATH:?}"

fatal()
{
	xenstore-write "$XENBUS_PATH/hotplug-error" "$*" "$XENBUS_PATH/hotplug-status" error
	exit 1
}

trap 'fatal "$0 failed; error detected."' ERR

xenstore_read()
{
	local value

	value=$(xenstore-read "$@" || true)
	[ -n "$value" ] || fatal "xenstore-read $* failed."
	echo "$value"
}

xenstore_read_default()
{
	xenstore-read "$1" 2>/dev/null || echo "$2"
}

canonicalise_mode()
{
	case $1 in
	*w*!*) echo '!' ;;
	*w*) echo w ;;
	*) echo r ;;
	esac
}

write_dev()
{
	local numbers

	numbers=$(stat -L -c %t:%T "$1")
	[ -n "$numbers" ] || fatal "Backend device does not exist"
	xenstore-write "$XENBUS_PATH/physical-device" "$numbers" \
		"$XENBUS_PATH/physical-device-path" "$1"
	xenstore-write "$XENBUS_PATH/hotplug-status" connected
}
