#!/bin/sh
# Fetch what other builds are made from out of Debian's archive: sources, or
# packages of another architecture, which are unpacked and not installed.
#
# usage: tests/sources.sh source DIRECTORY SOURCE...
#        tests/sources.sh ARCHITECTURE DIRECTORY PACKAGE...
#
# The lists are apt's own, of the machine's own sources, but kept in DIRECTORY,
# so that the machine's stay as they are.  What is there is not fetched again.
set -eu

kind=$1 directory=$2
shift 2
[ ! -e "$directory/complete" ] || exit 0
rm -rf "$directory"
mkdir -p "$directory/apt/lists/partial" "$directory/apt/parts" \
    "$directory/fetched/archives/partial" "$directory/root"
directory=$(cd "$directory" && pwd)
apt=$directory/apt

types=deb architecture=$kind
if [ "$kind" = source ]; then
	types=deb-src
	architecture=$(dpkg --print-architecture)
fi
for file in /etc/apt/sources.list.d/*.sources; do
	[ ! -f "$file" ] || sed "s/^Types:.*/Types: $types/" "$file" \
	    >"$apt/parts/${file##*/}"
done
[ ! -f /etc/apt/sources.list ] ||
    sed -n "s/^deb /$types /p" /etc/apt/sources.list >"$apt/parts/main.list"
: >"$apt/status"
cat >"$apt/config" <<EOF
APT::Architecture "$architecture";
APT::Architectures "$architecture";
APT::Sandbox::User "$(id -un)";
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$apt/parts";
Dir::State::Lists "$apt/lists";
Debug::NoLocking "true";
Dir::State::status "$apt/status";
Dir::Cache::archives "$directory/fetched/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
EOF
export APT_CONFIG="$apt/config"

cd "$directory/fetched"
apt-get -q update
if [ "$kind" = source ]; then
	apt-get -q source --download-only --tar-only "$@"
	for tar in *.orig.tar.?z; do
		tar -xf "$tar" -C ../root
	done
else
	apt-get -q install -y --no-install-recommends --download-only "$@"
	for package in archives/*.deb; do
		dpkg -x "$package" ../root
	done
fi
touch ../complete
