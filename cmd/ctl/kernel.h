/*
 * What the kernel says of a process of the daemon, in /proc.
 */

#ifndef CMD_CTL_KERNEL_H
#define CMD_CTL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of /proc/PID/status; see proc_pid_status(5). */
struct kernel {
	bool is_known; /* it could be read, and is a process of tcpmuxd */
	bool no_new_privs;
	unsigned int seccomp; /* 0: none, 2: a filter */
	uint64_t cap_eff;
	uint32_t uid; /* the effective one */
};

/* Look at a process.  What cannot be read is not known. */
void kernel_look(struct kernel *k, uint64_t pid);

/*
 * Does the kernel deny that a process of this role has one of its layers, of
 * a list with commas between?  Returns a sentence for the first, or NULL.
 */
const char *kernel_deny(const struct kernel *k, const char *role,
    const char *layers);

#endif
