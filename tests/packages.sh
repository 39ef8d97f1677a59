#!/bin/sh
# The Debian packages: built from the tree, looked at by lintian, and in a
# clean root installed, used, upgraded, removed and purged.
#
# usage: tests/packages.sh [build | long]
#
# build: they are built and no more: in packages/this/ of the build folder.
#
# long: they are built in a clean root, too, from what Build-Depends names, a
# second time elsewhere, and are the same; and their own tests are run.
#
# The clean root is made once, of what apt's sources of this machine have, and
# stays as it was: what is done in it goes to a layer above (overlayfs).  Its
# processes have a network and a process table of their own, and end with the
# test.  Only root can do all that.
set -eu
cd "$(dirname "$0")/.."

long=${1:-}
work=${TCPMUX_BUILD:-build}/packages
mkdir -p "$work"
work=$(cd "$work" && pwd)
base=$work/base
root=$work/root
# Nothing that is not Debian's takes part in the build.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
export DEB_BUILD_OPTIONS="parallel=2 nocheck"

note() {
	echo "packages: $*"
}

fail() {
	echo "packages: FAILED: $*" >&2
	exit 1
}

unpack_tree() {
	rm -rf "$1"
	mkdir -p "$1/tcpmuxd"
	tar -c --exclude=./build --exclude=./.git --exclude=__pycache__ . |
	    tar -xC "$1/tcpmuxd"
}

# The second version is the first with another number, to upgrade to.
build_twice() {
	unpack_tree "$work/new"
	(
		cd "$work/new/tcpmuxd"
		dpkg-buildpackage -us -uc
		rm -rf ../../this
		mkdir ../../this
		mv ../*.deb ../*.dsc ../*.tar.xz ../*.changes ../*.buildinfo \
		    ../../this
		version=$(dpkg-parsechangelog -S Version)+1
		sed "1s/(.*)/($version)/; 3s/\* .*/* To upgrade to./" \
		    debian/changelog >../changelog
		mv ../changelog debian/changelog
		rm debian/files
		dpkg-buildpackage -us -uc -b -nc
	) >"$work/build.log" 2>&1 || {
		tail -n 30 "$work/build.log"
		fail "they cannot be built"
	}
}

# A root of what Debian calls essential, and apt.
make_base() {
	[ ! -e "$base/complete" ] || return 0
	rm -rf "$base"
	# Lists of packages stay, as does what apt has fetched.
	# The sources are several words; the release is what this machine has.
	# shellcheck disable=SC2046,SC1091
	mmdebstrap --quiet --variant=apt \
	    --include=python3-minimal,procps \
	    --dpkgopt=force-unsafe-io --skip=cleanup/apt,download/empty \
	    "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$base" \
	    $(find /etc/apt/sources.list /etc/apt/sources.list.d \
	        -name '*.list' -o -name '*.sources' 2>/dev/null)
	printf '#!/bin/sh\nexit 101\n' >"$base/usr/sbin/policy-rc.d"
	chmod +x "$base/usr/sbin/policy-rc.d"
	touch "$base/complete"
}

mount_root() {
	rm -rf "$work/upper" "$work/layer"
	mkdir -p "$root" "$work/upper" "$work/layer"
	mount -t overlay overlay -o \
	    "lowerdir=$base,upperdir=$work/upper,workdir=$work/layer" "$root"
	mkdir -p "$root/packages/this" "$root/packages/new"
	cp "$work"/this/*.deb "$root/packages/this"
	cp "$work"/new/*.deb "$root/packages/new"
	rm -f "$root"/packages/*/*-dbgsym_*
	cp debian/tests/round-trip tests/packages_inside.sh "$root/packages"
	rm -f "$root/etc/resolv.conf"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
}

unmount_root() {
	! mountpoint -q "$root" || umount "$root"
}

# inside [FLAG...] -- COMMAND...: in the root, with processes of its own.
inside() {
	flags=
	while [ "$1" != -- ]; do
		flags="$flags $1"
		shift
	done
	shift
	# The flags are words, and the other shell's variables its own.
	# shellcheck disable=SC2086,SC2016
	unshare --mount --pid --fork --kill-child $flags sh -eu -c '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/run"
		mount -t tmpfs tmpfs "$root/tmp"
		mount -t tmpfs -o mode=755 tmpfs "$root/dev"
		mkdir "$root/dev/pts" "$root/dev/shm"
		mount -t devpts -o newinstance,ptmxmode=0666 devpts \
		    "$root/dev/pts"
		ln -s pts/ptmx "$root/dev/ptmx"
		for device in null zero full random urandom; do
			touch "$root/dev/$device"
			mount --bind "/dev/$device" "$root/dev/$device"
		done
		ln -s /proc/self/fd "$root/dev/fd"
		ip link set lo up 2>/dev/null || true
		exec chroot "$root" env -i HOME=/root PATH="$PATH" \
		    LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
	' inside "$root" "$@"
}

# What a clean root can build, from what Build-Depends names.
build_clean() {
	unpack_tree "$root/packages/source"
	inside -- sh -eu -c '
		cd /packages/source/tcpmuxd
		apt-get -q update
		apt-get -q build-dep -y --no-install-recommends ./
		DEB_BUILD_OPTIONS=parallel=2 dpkg-buildpackage -us -uc -b
	' >"$work/clean.log" 2>&1 || {
		tail -n 30 "$work/clean.log"
		fail "they cannot be built in a clean root"
	}
	for package in "$work"/this/*.deb; do
		cmp "$package" "$root/packages/source/${package##*/}" ||
		    fail "built twice, it is not the same"
	done
}

note "building"
build_twice
[ "$long" != build ] || exit 0
note "lintian"
lintian --allow-root --fail-on error,warning --display-info --pedantic \
    "$work"/this/*.changes || fail "lintian"
if [ "$(id -u)" != 0 ]; then
	note "SKIPPED: only root can make a clean root to install them into"
	exit 0
fi
note "a clean root"
make_base
trap unmount_root EXIT
mount_root
if [ "$long" = long ]; then
	note "building in it"
	build_clean
	unmount_root
	mount_root
fi
note "installing"
inside -- sh /packages/packages_inside.sh fetch >"$work/fetch.log" 2>&1 || {
	tail -n 30 "$work/fetch.log"
	fail "what they depend on cannot be fetched"
}
inside --net -- sh /packages/packages_inside.sh use
note "passed"
