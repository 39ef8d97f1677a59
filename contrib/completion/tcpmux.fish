# Completion of tcpmux(1) for fish: options, hosts that ssh knows, and the names
# of the services that the host lists.

# The host of the command line, if it has one yet.
function __tcpmux_host
	set -l skip 0
	for word in (commandline -opc)[2..-1]
		if test $skip -eq 1
			set skip 0
			continue
		end
		switch $word
			case -w -L --wait
				set skip 1
			case '-*'
			case '*'
				echo $word
				return 0
		end
	end
	return 1
end

# Whoever does not answer at once is not waited for.  A service in a URL is
# left away: it is the host that is asked.
function __tcpmux_names
	set -l host (__tcpmux_host |
	    string replace -ri '^tcpmux://([^/]*).*' '$1')
	tcpmux -w 1 $host 2>/dev/null </dev/null
end

complete -c tcpmux -f
complete -c tcpmux -n 'not __tcpmux_host >/dev/null' -a '(__fish_print_hostnames)' -d Host
complete -c tcpmux -n '__tcpmux_host >/dev/null' -a '(__tcpmux_names)' -d Service
complete -c tcpmux -s 4 -d 'Use IPv4 only'
complete -c tcpmux -s 6 -d 'Use IPv6 only'
complete -c tcpmux -s E -r -a '(__fish_complete_command)' -d 'Run a program as descriptors 0 and 1'
complete -c tcpmux -s F -d 'Pass the connection over standard output'
complete -c tcpmux -s L -x -d 'Listen here for a service there'
complete -c tcpmux -s e -r -a '(__fish_complete_command)' -d 'Run a program as descriptors 6 and 7'
complete -c tcpmux -s v -d 'Say what is done, and how fast'
complete -c tcpmux -s w -x -d 'Give up after so many seconds'
complete -c tcpmux -l eager -d 'Send all names at once'
complete -c tcpmux -l follow -d 'Go where the server says that the service is'
complete -c tcpmux -l help -d 'Show a summary'
complete -c tcpmux -l json -d 'Write the list as JSON'
complete -c tcpmux -l lenient -d 'Take replies that end with LF alone'
complete -c tcpmux -l srv -d 'Look for host and port in the DNS first'
complete -c tcpmux -l version -d 'Show the version'
complete -c tcpmux -l wait -x -d 'Try again until the name is there'
