# Completion of tcpmux-offer(1) for fish: options, the program, and files for
# its arguments.

complete -c tcpmux-offer -s q -d 'Say faults only'
complete -c tcpmux-offer -s v -d 'Say each connection'
complete -c tcpmux-offer -l control -r -F -d 'Control socket of the daemon'
complete -c tcpmux-offer -l help -d 'Show how it is called'
complete -c tcpmux-offer -l hidden -d 'Do not list the name'
complete -c tcpmux-offer -l max -x -d 'So many connections at a time'
complete -c tcpmux-offer -l port -x -d 'Take this port of the server'
complete -c tcpmux-offer -l replace -d 'Take the name over'
complete -c tcpmux-offer -l share -d 'Share the name'
complete -c tcpmux-offer -l to -x -d 'Relay to HOST:PORT or unix:PATH'
complete -c tcpmux-offer -l version -d 'Show the version'
complete -c tcpmux-offer -l wait -d 'Wait for a daemon'
complete -c tcpmux-offer -l wrap -d 'Let a server take the connections'
complete -c tcpmux-offer -n 'not contains -- -- (commandline -opc)' -f
complete -c tcpmux-offer -n 'test (commandline -opc)[-1] = --' \
	-f -a '(__fish_complete_command)'
