# Completion of tcpmux-offer(1) for bash: options, and the program with its
# own arguments.
# shellcheck shell=bash

# What may stand there, of the words in front of the one that is typed.
_tcpmux_offer_candidates() {
	local has_name=0 is_relay=0 word
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		--control)
			[ $# -gt 0 ] || compgen -f -- "$cur"
			[ $# -gt 0 ] || return
			shift
			;;
		--to | --max | --port)
			[ "$word" != --to ] || is_relay=1
			[ $# -gt 0 ] || return
			shift
			;;
		-[!-]*) ;;
		--?*) ;;
		*)
			if [ "$word" = -- ] || [ $has_name -eq 1 ]; then
				[ "$word" = -- ] || set -- "$word" "$@"
				[ $# -gt 0 ] || compgen -c -- "$cur"
				[ $# -eq 0 ] || compgen -f -- "$cur"
				return
			fi
			has_name=1
			;;
		esac
	done
	case $has_name$is_relay$cur in
	10[!-]*) compgen -c -- "$cur" ;;
	*)
		compgen -W '-q -v --control --help --hidden --max --port
		    --replace --share --to --version --wait --wrap' -- "$cur"
		;;
	esac
}

_tcpmux_offer() {
	local cur='' line=${COMP_LINE:0:COMP_POINT}
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
	mapfile -t COMPREPLY < <(_tcpmux_offer_candidates "${words[@]:1}")
}

complete -o filenames -F _tcpmux_offer tcpmux-offer
