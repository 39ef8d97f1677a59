#!/bin/sh
# What tests/packages.sh does inside the clean root.
#
# usage: packages_inside.sh fetch | use
#
# fetch: what the packages depend on, over the network.
# use: install them, use, upgrade, remove and purge them, without a network.
set -eu
cd /packages

names="libtcpmux-dev libtcpmux0 python3-tcpmux tcpmux tcpmuxd"

fail() {
	echo "packages: FAILED: $*" >&2
	exit 1
}

# is WANT COMMAND...: all that it says.
is() {
	want=$1
	shift
	got=$("$@" 2>&1) || true
	[ "$got" = "$want" ] || fail "$*: not \"$want\" but \"$got\""
	echo "packages: ok: $*: $want"
}

# What there is, but for what is none of the packages' own.
list() {
	find / -xdev \( -path /packages -o -path /var/lib/dpkg -o \
	    -path /var/cache -o -path /var/log -o -name __pycache__ -o \
	    -path '/etc/*-' \) -prune -o -print | sort
}

# shows FILE TEXT: wait, for 20 seconds at the most, until it is there.
shows() {
	# shellcheck disable=SC2016 # they are the other shell's
	timeout 20 sh -c 'until grep -qs -- "$2" "$1"; do sleep 0.05; done' \
	    shows "$1" "$2" || fail "$1 does not say \"$2\": $(cat "$1")"
}

# Whoever waits for the end of a conversation, and what it has heard.
talk() {
	mkfifo conversation
	tcpmux 127.0.0.1 echo <conversation >heard &
	exec 3>conversation
	echo before >&3
	shows heard before
}

fetch() {
	apt-get -q update
	apt-get -s install --no-install-recommends libmicrohttpd12 ./this/*.deb |
	    sed -n 's/^Inst \([^ ]*\) .*/\1/p' >inst
	for name in $names; do
		grep -vx "$name" inst >rest
		mv rest inst
	done
	xargs apt-get -q install -y --no-install-recommends <inst
	list >before
}

install_first() {
	dpkg -i this/*.deb
	is enabled systemctl is-enabled tcpmuxd.service
	is enabled systemctl is-enabled tcpmuxd.socket
	is enabled systemctl is-enabled tcpmuxd-control.socket
	is disabled systemctl is-enabled tcpmux.socket
	is disabled systemctl is-enabled tcpmux-exporter.socket
	is /usr/sbin/nologin sh -c "getent passwd tcpmux | cut -d: -f7"
	is "tcpmux" sh -c "tcpmuxd -t | sed -n '/^service /,\$s/ .*//p' |
	    sed 1d"
	systemd-analyze verify --man=no tcpmuxd.socket tcpmuxd.service \
	    tcpmuxd-control.socket tcpmux-exporter.socket ||
	    fail "systemd does not take the units"
}

# One conversation lives through all of it, and what an administrator has
# changed stays.
upgrade() {
	echo "# ours" >>/etc/tcpmuxd.conf
	echo 'service "echo" { builtin = echo }' >/etc/tcpmuxd.conf.d/echo.conf
	tcpmuxd >log 2>&1 &
	daemon=$!
	shows log "listening on 0.0.0.0:1"
	talk
	dpkg -i new/*.deb
	echo behind >&3
	shows heard behind
	is "# ours" tail -n 1 /etc/tcpmuxd.conf
	tcpmuxctl status >state
	grep -q "upgraded once\|upgrades.*1" state || fail "$(cat state log)"
	echo "packages: ok: a conversation lived through the upgrade"
	exec 3>&-
	kill $daemon
	wait $daemon || true
}

remove() {
	# The names are words.
	# shellcheck disable=SC2086
	dpkg -r $names
	is "# ours" tail -n 1 /etc/tcpmuxd.conf
	rm /etc/tcpmuxd.conf.d/echo.conf
	# shellcheck disable=SC2086
	dpkg -P $names
	list >after
	diff before after || fail "something is left, or gone"
}

case $1 in
fetch)
	fetch
	;;
use)
	install_first
	AUTOPKGTEST_TMP=$(mktemp -d) sh ./round-trip
	upgrade
	remove
	;;
esac
