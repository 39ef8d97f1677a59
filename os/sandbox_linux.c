/*
 * The sandbox of Linux: Landlock for what has a name, seccomp for the rest.
 *
 * The seccomp filter is compiled here from the caller's list, into an array
 * of fixed size: no allocation, and nothing between the list that a reader
 * sees and the program that the kernel runs.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sandbox.h"

#if defined(__x86_64__)
#define SANDBOX_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define SANDBOX_ARCH AUDIT_ARCH_AARCH64
#else
#error "no seccomp architecture known for this machine"
#endif

/* Every right that Landlock knows up to the ABI of this array's index. */
struct landlock_rights {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

static const struct landlock_rights landlock_abi[] = {
	{ 0, 0, 0 }, { 0x1fff, 0, 0 }, /* 1: Linux 5.13 */
	{ 0x3fff, 0, 0 },              /* 2: REFER, Linux 5.19 */
	{ 0x7fff, 0, 0 },              /* 3: TRUNCATE, Linux 6.2 */
	{ 0x7fff, 0x3, 0 },            /* 4: BIND_TCP, CONNECT_TCP, Linux 6.7 */
	{ 0xffff, 0x3, 0 },            /* 5: IOCTL_DEV, Linux 6.10 */
	{ 0xffff, 0x3, 0x3 },          /* 6: abstract sockets, signals, 6.12 */
};

#define LANDLOCK_ABI_MAX \
	((long)(sizeof(landlock_abi) / sizeof(landlock_abi[0])) - 1)

/* The newest ABI that both sides know, or 0 if the kernel has no Landlock. */
static long
landlock_version(void)
{
	long abi;

	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 0)
		return 0;
	return abi < LANDLOCK_ABI_MAX ? abi : LANDLOCK_ABI_MAX;
}

/* Reading, in Landlock's words: READ_FILE and READ_DIR. */
#define LANDLOCK_READ \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Writing to a log, and making it: WRITE_FILE, MAKE_REG and TRUNCATE. */
#define LANDLOCK_WRITE                                                 \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    1ULL << 14)

/* The right to connect to a TCP port, and the rule for one; Linux 6.7. */
#define LANDLOCK_CONNECT_TCP 2ULL
#define LANDLOCK_PORT_RULE   2
#define LANDLOCK_PORT_ABI    4

struct landlock_port {
	uint64_t rights;
	uint64_t port;
};

/* Allow the files below / to be read, or more.  Returns 0, or -1. */
static int
landlock_allow_files(int ruleset, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights,
	};
	int error;

	rule.parent_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return -1;
	error = (int)syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	(void)close(rule.parent_fd); /* it was never open for data */
	return error;
}

static int
landlock_allow(int ruleset, long abi, const struct sandbox_names *names)
{
	uint64_t files = LANDLOCK_READ;
	size_t i;

	if (names->execute)
		files |= LANDLOCK_ACCESS_FS_EXECUTE;
	if (names->read_files && landlock_allow_files(ruleset, files) == -1)
		return -1;
	for (i = 0;
	     abi >= LANDLOCK_PORT_ABI && !names->network && i < names->nports;
	     i++) {
		const struct landlock_port rule = { LANDLOCK_CONNECT_TCP,
			names->ports[i] };

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PORT_RULE,
			&rule, 0) == -1)
			return -1;
	}
	return 0;
}

/* Handle every right, and grant those that names tells.  Returns 1, 0 or -1. */
static int
landlock_deny(const struct sandbox_names *names)
{
	const long abi = landlock_version();
	struct landlock_rights rights;
	int error, fd;

	if (abi == 0) {
		errno = ENOSYS;
		return names->required ? -1 : 0;
	}
	rights = landlock_abi[abi];
	if (names->write_files)
		rights.fs &= ~LANDLOCK_WRITE;
	if (names->network) {
		rights.net = 0;
		rights.scoped = 0;
	}
	/* An older kernel takes a longer struct if its tail is zero. */
	fd = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof(rights),
	    0);
	if (fd == -1)
		return -1;
	error = landlock_allow(fd, abi, names);
	if (error == 0)
		error = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	(void)close(fd); /* a ruleset holds no data to lose */
	return error == 0 ? 1 : -1;
}

int
sandbox_prepare(const struct sandbox_names *names)
{
	const struct sandbox_names nothing = { .required = false };
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return -1;
	return landlock_deny(names != NULL ? names : &nothing);
}

/* The most instructions for one call, and for a full list. */
#define CALL_INSNS (3 + 4 * SANDBOX_ARGS_MAX)
#define FILTER_MAX (3 + CALL_INSNS * SANDBOX_CALLS_MAX + 1)

struct filter {
	struct sock_filter insns[FILTER_MAX];
	unsigned short len;
};

static void
filter_add(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	f->insns[f->len++] = (struct sock_filter){ code, jt, jf, k };
}

static void
filter_load(struct filter *f, size_t offset)
{
	filter_add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/*
 * Go on if the loaded word is k, otherwise jump over the skip instructions
 * that follow.
 */
static void
filter_require(struct filter *f, uint32_t k, uint8_t skip)
{
	filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, k, 0, skip);
}

static void
filter_return(struct filter *f, uint32_t action)
{
	filter_add(f, BPF_RET | BPF_K, action, 0, 0);
}

/* Where seccomp keeps the lower half of an argument; the upper one follows. */
static size_t
arg_offset(uint8_t index)
{
	return offsetof(struct seccomp_data, args) + index * sizeof(uint64_t);
}

/* Allow one call: each test that fails jumps to the next call's block. */
static void
filter_allow(struct filter *f, const struct sandbox_call *c)
{
	/* Instructions of this block that are still to come. */
	uint8_t left = (uint8_t)(2 + 4 * c->nargs);
	int i;

	filter_load(f, offsetof(struct seccomp_data, nr));
	left--;
	filter_require(f, (uint32_t)c->nr, left);
	for (i = 0; i < c->nargs; i++) {
		filter_load(f, arg_offset(c->args[i].index));
		left -= 2;
		filter_require(f, c->args[i].value, left);
		filter_load(f, arg_offset(c->args[i].index) + sizeof(uint32_t));
		left -= 2;
		filter_require(f, 0, left);
	}
	filter_return(f, SECCOMP_RET_ALLOW);
}

/* The whole filter: a call of another architecture's numbering dies first. */
static void
filter_compile(struct filter *f, const struct sandbox_call *calls, size_t n)
{
	size_t i;

	filter_load(f, offsetof(struct seccomp_data, arch));
	filter_add(f, BPF_JMP | BPF_JEQ | BPF_K, SANDBOX_ARCH, 1, 0);
	filter_return(f, SECCOMP_RET_KILL_PROCESS);
	for (i = 0; i < n; i++)
		filter_allow(f, &calls[i]);
	filter_return(f, SECCOMP_RET_KILL_PROCESS);
}

int
sandbox_enter(rlim_t nofile, const struct sandbox_call *calls, size_t n)
{
	const struct rlimit none = { 0, 0 };
	const struct rlimit files = { nofile, nofile };
	struct filter f = { .len = 0 };
	struct sock_fprog prog;

	if (n > SANDBOX_CALLS_MAX) {
		errno = E2BIG;
		return -1;
	}
	filter_compile(&f, calls, n);
	prog.len = f.len;
	prog.filter = f.insns;
	if (setrlimit(RLIMIT_NPROC, &none) == -1 ||
	    setrlimit(RLIMIT_NOFILE, &files) == -1)
		return -1;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == -1)
		return -1;
	(void)close(STDERR_FILENO); /* it may have been closed already */
	return 1;
}
