#!/bin/sh
# Build everything for arm64, with Debian's cross compiler, into arm64/ of the
# build folder: linux, to run there, and none, without the sandbox, as qemu's
# user emulation knows no seccomp.
#
# The libraries are Debian's for arm64, unpacked and not installed.
set -eu
cd "$(dirname "$0")/.."

arm64=${TCPMUX_BUILD:-build}/arm64
tests/sources.sh arm64 "$arm64/debian" libc6-dev libcmocka-dev libconfuse-dev \
    libmicrohttpd-dev libncurses-dev
arm64=$(cd "$arm64" && pwd)
root=$arm64/debian/root

cat >"$arm64/cross.ini" <<EOF
[binaries]
c = 'aarch64-linux-gnu-gcc'
ar = 'aarch64-linux-gnu-ar'
strip = 'aarch64-linux-gnu-strip'
pkgconfig = 'pkg-config'
exe_wrapper = ['qemu-aarch64', '-L', '$root']

[properties]
pkg_config_libdir = '$root/usr/lib/aarch64-linux-gnu/pkgconfig'
sys_root = '$root'

[built-in options]
c_args = ['--sysroot=$root']
c_link_args = ['--sysroot=$root']

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
EOF
# build NAME OPTION...: into a folder of that name.
build() {
	to=$arm64/$1
	shift
	[ -e "$to/build.ninja" ] || meson setup "$to" \
	    --cross-file "$arm64/cross.ini" -Dwerror=true "$@"
	ninja -C "$to"
}

build linux -Dtests=disabled
build none -Dtests=enabled -Dsandbox=none

# The unit tests that qemu can run, and that do not take it minutes.  It cannot
# start a process in the memory of another (spawn), and has more room for
# descriptors in a message than is asked for (ask, offer, os).
for unit in access book call conf conf_text dial flow list lookup meter news \
    offers proxy race request table talk wheel wire wire_write words; do
	if ! timeout 120 qemu-aarch64 -L "$root" "$arm64/none/tests/unit-$unit" \
	    >"$arm64/log" 2>&1; then
		cat "$arm64/log"
		echo "arm64: FAILED: $unit" >&2
		exit 1
	fi
	echo "arm64: $unit: passed"
done
tests/arm64_smoke.py "$arm64"
