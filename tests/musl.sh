#!/bin/sh
# Build everything against musl, another C library, into musl/build of the
# build folder.
#
# What it needs that Debian has for its own C library alone, libConfuse and
# cmocka, is built before, from Debian's sources.  tcpmux-exporter is left out:
# libmicrohttpd would bring a dozen libraries along.
set -eu
cd "$(dirname "$0")/.."

musl=${TCPMUX_BUILD:-build}/musl
tests/sources.sh source "$musl/source" libconfuse cmocka
musl=$(cd "$musl" && pwd)

# The kernel's headers are the same for every C library.
mkdir -p "$musl/kernel" "$musl/lib/pkgconfig" "$musl/include"
ln -sfn /usr/include/linux "$musl/kernel/linux"
ln -sfn /usr/include/asm-generic "$musl/kernel/asm-generic"
ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$musl/kernel/asm"

# library MODULE FLAG... FILE...: an archive, and what pkg-config says of it.
library() {
	module=$1 name=${1#lib}
	shift
	rm -f ./*.o
	musl-gcc -O2 -g -fPIE -w -c "$@"
	ar rcs "$musl/lib/lib$name.a" ./*.o
	cat >"$musl/lib/pkgconfig/$module.pc" <<-EOF
	Name: $name
	Description: for musl
	Version: 1
	Cflags: -isystem $musl/include
	Libs: -L$musl/lib -l$name
	EOF
}

if [ ! -e "$musl/lib/libcmocka.a" ]; then (
	cd "$musl/source/root/libconfuse-"*/src
	flex -Pcfg_yy -olexer.c lexer.l
	cp confuse.h "$musl/include"
	library libconfuse -D_GNU_SOURCE -DHAVE_UNISTD_H -DHAVE_STRING_H \
	    -DHAVE_STRINGS_H -DHAVE_SYS_STAT_H -DHAVE_FMEMOPEN \
	    -DHAVE_REALLOCARRAY -DHAVE_STRDUP -DHAVE_STRNDUP \
	    -DHAVE_STRCASECMP -DPACKAGE_VERSION='"3.3"' \
	    -DPACKAGE_STRING='"libConfuse 3.3"' confuse.c lexer.c
	cd "$musl/source/root/cmocka-"*/src
	cp ../include/*.h "$musl/include"
	library cmocka -D_GNU_SOURCE -I../include -DHAVE_INTTYPES_H \
	    -DHAVE_MALLOC_H -DHAVE_SETJMP_H -DHAVE_SIGNAL_H -DHAVE_STRINGS_H \
	    -DHAVE_STDINT_H -DHAVE_STRING_H -DHAVE_STDLIB_H -DHAVE_TIME_H \
	    -DHAVE_UNISTD_H -DHAVE_STRUCT_TIMESPEC -DHAVE_STRSIGNAL \
	    -DHAVE_CLOCK_GETTIME -DHAVE_CLOCK_REALTIME \
	    -DHAVE_GCC_THREAD_LOCAL_STORAGE cmocka.c
) fi

cat >"$musl/native.ini" <<EOF
[binaries]
c = 'musl-gcc'

[properties]
pkg_config_libdir = '$musl/lib/pkgconfig'

[built-in options]
c_args = ['-idirafter', '$musl/kernel', '-Wno-conversion']
EOF
[ -e "$musl/build/build.ninja" ] || PKG_CONFIG_LIBDIR="$musl/lib/pkgconfig" \
    meson setup "$musl/build" --native-file "$musl/native.ini" \
    -Dtests=enabled -Dtop=disabled -Dexporter=disabled -Dwerror=true
ninja -C "$musl/build"
