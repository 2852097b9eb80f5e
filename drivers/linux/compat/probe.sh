#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh HEADER COMPILER [FLAGS]: write HEADER with TBK_HAVE_X for each x.c
# beside this script that compiles against the kernel at hand. Version numbers
# would lie: stable and vendor kernels take changes from later ones.
set -eu

header=$1
shift
folder=$(dirname "$0")
object=$header.o
trap 'rm -f "$object" "$header.tmp"' EXIT

{
	echo "/* Made by Kbuild for one kernel. */"
	for snippet in "$folder"/*.c; do
		name=$(basename "$snippet" .c | tr a-z A-Z)
		if "$@" -Werror -c -o "$object" "$snippet" 2>/dev/null; then
			echo "#define TBK_HAVE_$name 1"
		fi
	done
} >"$header.tmp"
mv "$header.tmp" "$header"
