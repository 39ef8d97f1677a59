/*
 * The system calls that in.tcpmuxd names, for an analyser whose own library
 * lacks them; their numbers do not matter to it.
 */

#ifndef PROVE_SYS_SYSCALL_H
#define PROVE_SYS_SYSCALL_H

enum {
	SYS_read,
	SYS_write,
	SYS_ppoll,
	SYS_shutdown,
	SYS_clock_gettime,
	SYS_close,
	SYS_close_range,
	SYS_exit_group
};

#endif
