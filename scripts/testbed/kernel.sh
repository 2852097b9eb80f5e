# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Sourced by uml-kernel and x86-kernel: kernels out of Debian's source package,
# built once and kept in the cache under the source's version and the
# configuration fragment's hash.

cache=${THINBACK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/thinback}
tarball=/usr/src/linux-source-6.1.tar.xz

say() { echo "$(basename "$0"): $*" >&2; }

source_version() {
	dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null || echo none
}

# kernel_source: unpacks Debian's source if need be, prints its folder.
kernel_source() {
	local dir
	if [[ ! -e $tarball ]]; then
		say "no $tarball: run scripts/packages test"
		return 1
	fi
	dir=$cache/linux-source-$(source_version)
	mkdir -p "$cache"
	(
		flock 8
		if [[ ! -e $dir/Makefile ]]; then
			say "unpacking $tarball"
			rm -rf "$dir.new"
			mkdir -p "$dir.new" &&
				tar -C "$dir.new" --strip-components=1 -xf "$tarball" &&
				mv "$dir.new" "$dir"
		fi
	) 8>"$cache/source.lock" || return 1
	echo "$dir"
}

# configure SOURCE OUT FRAGMENT MAKEARG...: the fragment on top of allnoconfig.
# An option that Kconfig dropped for want of another is an error, not a surprise.
configure() {
	local source=$1 out=$2 fragment=$3 line
	shift 3
	make -C "$source" O="$out" "$@" KCONFIG_ALLCONFIG="$fragment" allnoconfig >&2
	while read -r line; do
		[[ $line == CONFIG_* ]] || continue
		if ! grep -qxF "$line" "$out/.config"; then
			say "Kconfig dropped $line (of $fragment)"
			return 1
		fi
	done <"$fragment"
}

# build_kernel NAME FRAGMENT RESULT MAKEARG...: prints the build folder, in
# which RESULT lies and against which modules can be built.
build_kernel() {
	local name=$1 fragment=$2 result=$3 out
	shift 3
	out=$cache/$name-$(source_version)-$(sha256sum <"$fragment" | cut -c1-12)
	if [[ ! -e $out/done ]]; then
		mkdir -p "$out"
		# One at a time: two would write the same folder.
		(
			flock 9
			[[ -e $out/done ]] || build_in "$out" "$fragment" "$result" "$@"
		) 9>"$out.lock" || return 1
	fi
	echo "$out"
}

build_in() {
	local out=$1 fragment=$2 result=$3 source
	shift 3
	say "building $out: takes minutes, once"
	source=$(kernel_source) || return 1
	configure "$source" "$out" "$fragment" "$@" || return 1
	if ! make -C "$source" O="$out" "$@" -j"$(nproc)" >"$out/build.log" 2>&1; then
		tail -n 20 "$out/build.log" >&2
		return 1
	fi
	[[ -e $out/$result ]] && touch "$out/done"
}
