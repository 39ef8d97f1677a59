/*
 * Giving up, for good, what a process does not need.
 *
 * sandbox_linux.c does it with Landlock and seccomp; sandbox_none.c does
 * nothing, for builds under a sanitizer or an analyser, which need more calls
 * than any honest list could hold.  The build chooses one of the two.
 */

#ifndef OS_SANDBOX_H
#define OS_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/* A condition on one argument of a system call: it equals value. */
struct sandbox_arg {
	uint8_t index;  /* 0 to 5 */
	uint32_t value; /* the upper half of the register is zero */
};

/* The most conditions on one call. */
#define SANDBOX_ARGS_MAX 3

/* A system call that stays allowed, if its first nargs conditions hold. */
struct sandbox_call {
	int nr;
	int nargs;
	struct sandbox_arg args[SANDBOX_ARGS_MAX];
};

/* The most calls in one list. */
#define SANDBOX_CALLS_MAX 48

/* What stays allowed of what has a name. */
struct sandbox_names {
	bool required;    /* a kernel without Landlock will not do */
	bool read_files;  /* files and folders may be read */
	bool write_files; /* files may be made and written to, too */
	bool execute;     /* those that may be read are programs, too */
	bool network; /* all of it; else only these TCP ports to connect to: */
	const uint16_t *ports;
	size_t nports;
};

/*
 * The first half: no new privileges, no core dump and, where the kernel has
 * Landlock, no way to a file; nor, where it is new enough, to a TCP address,
 * an abstract socket or a signal outside; but for what names, which may be
 * NULL, allows.  Children inherit it.  Returns 1; 0 if the kernel has no
 * Landlock, and the rest is in force; or -1 with errno.
 */
int sandbox_prepare(const struct sandbox_names *names);

/*
 * The second half: no child, at most nofile descriptors, no standard error,
 * which would be a way out, and from here on any system call but the n calls
 * kills the process; close() of standard error must be one of them.  Returns
 * 1, or 0 in a build that has no sandbox; or -1 with errno, as where the kernel
 * has no seccomp, and then standard error is still there.
 */
int sandbox_enter(rlim_t nofile, const struct sandbox_call *calls, size_t n);

#endif
