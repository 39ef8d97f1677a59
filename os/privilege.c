/*
 * Being nobody in particular: root's way down, and nobody's way back.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/privilege.h"

/* A set-user-ID start, or half of a change of user, is nobody's intention. */
bool
privilege_is_one_user(void)
{
	uid_t real, effective, saved;

	/* Cannot fail: the three are valid. */
	(void)getresuid(&real, &effective, &saved);
	return real == effective && effective == saved;
}

/* Returns 0, or -1 if there is no such user, or it is root. */
static int
choose_user(struct account *a, const char *name)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL || pw->pw_uid == 0)
		return -1;
	a->uid = pw->pw_uid;
	a->gid = pw->pw_gid;
	return 0;
}

int
privilege_choose(struct account *a, const char *name)
{
	const struct passwd *pw;

	a->empty = -1;
	a->is_root = geteuid() == 0;
	if (!a->is_root) {
		a->uid = geteuid();
		a->gid = getegid();
		if (name == NULL)
			return 0;
		pw = getpwnam(name);
		return pw != NULL && pw->pw_uid == a->uid ? 0 : -1;
	}
	if (name != NULL)
		return choose_user(a, name);
	return choose_user(a, "tcpmux") == 0 ? 0 : choose_user(a, "nobody");
}

int
privilege_make_empty(struct account *a)
{
	char run[] = "/run/tcpmuxd.XXXXXX", tmp[] = "/tmp/tcpmuxd.XXXXXX";
	char *dir = run;
	int fd;

	/* /tmp, where it is only for a moment, is anybody's. */
	if (mkdtemp(run) == NULL) {
		dir = tmp;
		if (mkdtemp(tmp) == NULL)
			return -1;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Whoever is to live in it must be able to enter. */
	if (rmdir(dir) == -1 || fd == -1 || fchmod(fd, 0555) == -1) {
		if (fd != -1)
			(void)close(fd); /* a path holds no data to lose */
		return -1;
	}
	a->empty = fd;
	return 0;
}

static int
set_capabilities(uint64_t set)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	const uint32_t low = (uint32_t)set, high = (uint32_t)(set >> 32);
	struct __user_cap_data_struct data[2] = { { low, low, 0 },
		{ high, high, 0 } };

	return (int)syscall(SYS_capset, &head, data);
}

static int
enter_empty_root(const struct account *a)
{
	if (fchdir(a->empty) == -1)
		return -1;
	return chroot(".");
}

/* Returns what is given up, or -1 with errno. */
static int
leave_root(const struct account *a, unsigned int what)
{
	if ((what & PRIVILEGE_FILES) && enter_empty_root(a) == -1)
		return -1;
	/* A container may not, and has a network of its own already. */
	if ((what & PRIVILEGE_NETWORK) && unshare(CLONE_NEWNET) == -1) {
		if (errno != EPERM && errno != EINVAL)
			return -1;
		what &= ~(unsigned int)PRIVILEGE_NETWORK;
	}
	if (setgroups(0, NULL) == -1 ||
	    setresgid(a->gid, a->gid, a->gid) == -1 ||
	    setresuid(a->uid, a->uid, a->uid) == -1)
		return -1;
	if (setuid(0) != -1 || setgid(0) != -1) {
		errno = EPERM; /* could still become root again */
		return -1;
	}
	return (int)what;
}

/*
 * Whoever is not root can have an empty root and network in a user namespace
 * of his own, where the kernel lets him.  It is a second wall behind Landlock
 * and seccomp, so he may do without.  Returns what is given up, or -1 if it is
 * half done.
 */
static int
leave_rest(const struct account *a, unsigned int what)
{
	if (unshare(CLONE_NEWUSER) == -1)
		return 0;
	if ((what & PRIVILEGE_NETWORK) && unshare(CLONE_NEWNET) == -1)
		return errno == EPERM || errno == ENOSPC ? 0 : -1;
	if ((what & PRIVILEGE_FILES) && enter_empty_root(a) == -1)
		return errno == EPERM ? (int)(what & PRIVILEGE_NETWORK) : -1;
	return (int)what;
}

int
privilege_drop(const struct account *a, unsigned int what)
{
	int gone = 0;

	if (geteuid() == 0 && a->is_root)
		gone = leave_root(a, what);
	else if (what != 0)
		gone = leave_rest(a, what);
	if (gone == -1 || set_capabilities(0) == -1)
		return -1;
	return gone;
}

int
privilege_keep(uint64_t capabilities)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct has[2];

	if (syscall(SYS_capget, &head, has) == -1)
		return -1;
	/* A container's root has not got them all. */
	return set_capabilities(capabilities &
	    ((uint64_t)has[1].permitted << 32 | has[0].permitted));
}
