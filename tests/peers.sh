#!/bin/sh
# Unpack the inetds of Debian that the tests run in.tcpmuxd under.
#
# Their packages exclude one another, so they are unpacked and not installed:
# into peers/ of the build folder, as any user, once.
set -eu

peers=${TCPMUX_BUILD:-build}/peers

mkdir -p "$peers"
cd "$peers"
for package in inetutils-inetd openbsd-inetd xinetd; do
	[ ! -d $package ] || continue
	rm -rf ./${package}_*.deb unpacking
	apt-get -q download $package
	dpkg -x ./${package}_*.deb unpacking
	mv unpacking $package
done
