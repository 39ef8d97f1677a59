# Completion of tcpmuxctl(8) for bash: commands, options, and the names of
# services, by asking the daemon.
# shellcheck shell=bash

# Those lines of standard input that begin as the word does, in any case.  The
# shell must not expand them (so no compgen -W), and has them quoted.
_tcpmuxctl_filter() {
	local line start=${cur,,}
	while IFS= read -r line; do
		case ${line,,} in
		"$start"*) printf '%q\n' "$line" ;;
		esac
	done
}

# What may stand there, of the words in front of the one that is typed.
_tcpmuxctl_candidates() {
	local command='' args=0 word
	local -a control=()
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		--control)
			[ $# -gt 0 ] || compgen -f -- "$cur"
			[ $# -gt 0 ] || return
			control=(--control "$1")
			shift
			;;
		-w | --every)
			[ $# -gt 0 ] || return
			shift
			;;
		-*) ;;
		*)
			[ -z "$command" ] || args=$((args + 1))
			command=${command:-$word}
			;;
		esac
	done
	if [[ $cur == -* ]]; then
		compgen -W '-w --control --every --help --json --name --names
		    --version' -- "$cur"
		return
	fi
	case $command:$args in
	:*)
		compgen -W 'conns drain explain kick log ls reload sandbox
		    stats status top undrain upgrade' -- "$cur"
		;;
	drain:0 | explain:0 | kick:0 | undrain:0)
		tcpmuxctl -w 1 "${control[@]}" ls --names 2>/dev/null \
		    </dev/null | _tcpmuxctl_filter
		;;
	log:0)
		compgen -W 'configured connections nothing refusals' -- "$cur"
		;;
	esac
}

_tcpmuxctl() {
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
	mapfile -t COMPREPLY < <(_tcpmuxctl_candidates "${words[@]:1}")
	case $COMP_WORDBREAKS in
	*:*)
		before=${cur%"${cur##*:}"}
		COMPREPLY=("${COMPREPLY[@]#"$before"}")
		;;
	esac
}

complete -F _tcpmuxctl tcpmuxctl
