#!/bin/sh
# Make the tarball of a release, twice the same, with its sum, and see that it
# builds alone.
#
# usage: tests/dist.sh [KEY]
#
# It is tcpmuxd-VERSION.tar.xz in dist/ of the build folder.  With a KEY it is
# signed by gpg, too.  Without git it is what is in this folder but build/.
set -eu
cd "$(dirname "$0")/.."

key=${1:-}
dist=${TCPMUX_BUILD:-build}/dist
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
name=tcpmuxd-$version
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)

# What is in it: what git has or would take; else all but what is made.
files() {
	if [ -e .git ]; then
		git ls-files --cached --others --exclude-standard |
		    while IFS= read -r file; do
			[ ! -e "$file" ] || printf '%s\n' "$file"
		done
	else
		find . \( -path ./build -o -name __pycache__ \) -prune -o \
		    ! -type d -print | sed 's,^\./,,'
	fi | LC_ALL=C sort
}

# No owner, and no time but the release's: that of its last commit, or of NEWS.
when() {
	git log -1 --format=%ct 2>/dev/null || stat -c %Y NEWS
}

pack() {
	files | tar -c --no-recursion --format=ustar --mtime="@$(when)" \
	    --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw \
	    --transform="s,^,$name/," -T - | xz -T1 -6 >"$1"
}

pack "$dist/$name.tar.xz"
pack "$dist/again"
cmp "$dist/$name.tar.xz" "$dist/again"
rm "$dist/again"
(cd "$dist" && sha256sum "$name.tar.xz" >"$name.tar.xz.sha256")

alone=$(mktemp -d)
trap 'rm -rf "$alone"' EXIT
tar -xf "$dist/$name.tar.xz" -C "$alone"
if ! meson setup "$alone/build" "$alone/$name" -Dtests=disabled \
    >"$alone/log" || ! ninja -C "$alone/build" >>"$alone/log"; then
	tail -n 30 "$alone/log"
	echo "dist: what is in the tarball does not build" >&2
	exit 1
fi
"$alone/build/tcpmuxd" -t -f "$alone/$name/contrib/tcpmuxd.conf" >"$alone/log"
"$alone/build/cmd/tcpmux" --version

[ -z "$key" ] || gpg --yes --local-user "$key" --armor --detach-sign \
    "$dist/$name.tar.xz"
cat "$dist/$name.tar.xz.sha256"
