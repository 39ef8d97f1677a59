# Completion of tcpmuxctl(8) for fish: commands, options, and the names of
# services, by asking the daemon.

# The words of the command line that are no options, without tcpmuxctl itself.
function __tcpmuxctl_words
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip -eq 1
			set skip 0
			continue
		end
		switch $word
			case -w --control --every
				set skip 1
			case '-*'
			case '*'
				echo $word
		end
	end
end

# Is it time for the command; or for the word behind one of these?
function __tcpmuxctl_at
	set -l words (__tcpmuxctl_words)
	test (count $words) -eq (test (count $argv) -eq 0; and echo 0; or echo 1)
	and begin
		test (count $argv) -eq 0
		or contains -- "$words[1]" $argv
	end
end

# Whoever does not answer at once is not waited for.
function __tcpmuxctl_names
	set -l control
	set -l line (commandline -opc)
	for i in (seq (count $line))
		if test "$line[$i]" = --control; and test $i -lt (count $line)
			set control --control $line[(math $i + 1)]
		end
	end
	tcpmuxctl -w 1 $control ls --names 2>/dev/null </dev/null
end

complete -c tcpmuxctl -f
complete -c tcpmuxctl -n __tcpmuxctl_at -a conns -d 'List the connections that the daemon holds'
complete -c tcpmuxctl -n __tcpmuxctl_at -a drain -d 'Refuse new connections'
complete -c tcpmuxctl -n __tcpmuxctl_at -a explain -d 'What becomes of a request, and why'
complete -c tcpmuxctl -n __tcpmuxctl_at -a kick -d 'End connections'
complete -c tcpmuxctl -n __tcpmuxctl_at -a log -d 'Log so much'
complete -c tcpmuxctl -n __tcpmuxctl_at -a ls -d 'List the services'
complete -c tcpmuxctl -n __tcpmuxctl_at -a reload -d 'Read the configuration again'
complete -c tcpmuxctl -n __tcpmuxctl_at -a sandbox -d 'What each process is kept from'
complete -c tcpmuxctl -n __tcpmuxctl_at -a stats -d 'All that was counted'
complete -c tcpmuxctl -n __tcpmuxctl_at -a status -d 'How the daemon is'
complete -c tcpmuxctl -n __tcpmuxctl_at -a top -d 'The services, live'
complete -c tcpmuxctl -n __tcpmuxctl_at -a undrain -d 'Take new connections again'
complete -c tcpmuxctl -n __tcpmuxctl_at -a upgrade -d 'Go on with the program that is installed now'
complete -c tcpmuxctl -n '__tcpmuxctl_at drain explain kick undrain' -a '(__tcpmuxctl_names)' -d Service
complete -c tcpmuxctl -n '__tcpmuxctl_at log' -a 'configured connections nothing refusals' -d Level
complete -c tcpmuxctl -s w -x -d 'Give up if there is no answer by then'
complete -c tcpmuxctl -l control -r -F -d 'Control socket of the daemon'
complete -c tcpmuxctl -l every -x -d 'With top, look so often'
complete -c tcpmuxctl -l help -d 'Show how it is called'
complete -c tcpmuxctl -l json -d 'Write JSON'
complete -c tcpmuxctl -l name -d 'With kick, the word is a name'
complete -c tcpmuxctl -l names -d 'With ls, write names alone'
complete -c tcpmuxctl -l version -d 'Show the version'
