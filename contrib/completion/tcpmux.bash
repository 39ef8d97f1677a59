# Completion of tcpmux(1) for bash: options, hosts that ssh knows, and the
# names of the services that the host lists.
# shellcheck shell=bash

# The hosts of known_hosts that are not hashed, without their ports.
_tcpmux_hosts() {
	cat ~/.ssh/known_hosts /etc/ssh/ssh_known_hosts 2>/dev/null |
	    while read -r first second _; do
		case $first in
		@*) first=$second ;;
		esac
		case $first in
		'' | '#'* | '|'*) continue ;;
		esac
		printf '%s\n' "$first" | tr ',' '\n' |
		    sed -e 's/^\[\(.*\)\]:[0-9]*$/\1/' -e '/[*?!]/d'
	done | sort -u
}

# Whoever does not answer at once is not waited for.  A service in a URL is
# left away: it is the host that is asked.
_tcpmux_names() {
	local host=$1
	case ${host,,} in
	tcpmux://*)
		host=${host#*://}
		host=${host%%/*}
		;;
	esac
	tcpmux -w 1 "$host" 2>/dev/null </dev/null
}

# Those lines of standard input that begin as the word does, in any case.
# They are a stranger's: the shell must not expand them (so no compgen -W),
# and has them quoted.
_tcpmux_filter() {
	local line start=${cur,,}
	while IFS= read -r line; do
		case ${line,,} in
		"$start"*) printf '%q\n' "$line" ;;
		esac
	done
}

# What may stand there, of the words in front of the one that is typed.
_tcpmux_candidates() {
	local host='' word
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		-w | -L | --wait)
			[ $# -gt 0 ] || return
			shift
			;;
		-e | -E)
			[ $# -gt 0 ] || compgen -c -- "$cur"
			[ $# -eq 0 ] || compgen -f -- "$cur"
			return
			;;
		-*) ;;
		*) host=${host:-$word} ;;
		esac
	done
	case $cur in
	-*)
		compgen -W '-4 -6 -E -F -L -e -v -w --eager --follow --help
		    --json --lenient --srv --version --wait' -- "$cur"
		;;
	*)
		if [ -n "$host" ]; then
			_tcpmux_names "$host" | _tcpmux_filter
		else
			_tcpmux_hosts | _tcpmux_filter
		fi
		;;
	esac
}

_tcpmux() {
	local cur='' line=${COMP_LINE:0:COMP_POINT} before
	local -a words
	# A colon is no end of a word here, whatever the shell holds of it.
	read -ra words <<<"$line"
	case $line in
	*[[:space:]]) ;;
	*)
		cur=${words[${#words[@]} - 1]}
		unset 'words[${#words[@]} - 1]'
		;;
	esac
	mapfile -t COMPREPLY < <(_tcpmux_candidates "${words[@]:1}")
	case $COMP_WORDBREAKS in
	*:*)
		before=${cur%"${cur##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$before"}")
		;;
	esac
}

complete -F _tcpmux tcpmux
