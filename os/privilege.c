/*
 * Being nobody in particular: root's way down, and nobody's way back.
 */

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "os/log.h"
#include "os/privilege.h"

/* A set-user-ID start, or half of a change of user, is nobody's intention. */
static void
require_one_user(void)
{
	uid_t real, effective, saved;

	/* Cannot fail: the three are valid. */
	(void)getresuid(&real, &effective, &saved);
	if (real != effective || effective != saved)
		log_fatal(EX_OSERR,
		    "started with more than one user id: "
		    "start it as one user");
}

void
privilege_choose(struct account *a, const char *const users[], int n)
{
	const struct passwd *pw;
	int i;

	require_one_user();
	a->is_root = geteuid() == 0;
	if (!a->is_root)
		return;
	for (i = 0; i < n; i++) {
		pw = getpwnam(users[i]);
		if (pw == NULL || pw->pw_uid == 0)
			continue;
		a->uid = pw->pw_uid;
		a->gid = pw->pw_gid;
		return;
	}
	log_fatal(EX_OSERR, "there is no user to run as: make the user %s",
	    users[0]);
}

/*
 * A directory that has been removed is the emptiest root there is: nothing
 * is found in it, and nothing can be made in it.
 */
static int
enter_empty_root(void)
{
	char dir[] = "/run/tcpmuxd.XXXXXX";

	if (mkdtemp(dir) == NULL)
		return -1;
	if (chdir(dir) == -1) {
		(void)rmdir(dir); /* chdir's errno is the one to tell */
		return -1;
	}
	if (rmdir(dir) == -1)
		return -1;
	return chroot(".");
}

static int
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return (int)syscall(SYS_capset, &head, none);
}

static void
leave_root(const struct account *a)
{
	if (enter_empty_root() == -1)
		log_fatal(EX_OSERR, "cannot make an empty root in /run: %s",
		    strerror(errno));
	/* A container may not, and has a network of its own already. */
	if (unshare(CLONE_NEWNET) == -1 && errno != EPERM && errno != EINVAL)
		log_fatal(EX_OSERR, "cannot make an empty network: %s",
		    strerror(errno));
	if (setgroups(0, NULL) == -1 ||
	    setresgid(a->gid, a->gid, a->gid) == -1 ||
	    setresuid(a->uid, a->uid, a->uid) == -1)
		log_fatal(EX_OSERR, "cannot become user %u: %s",
		    (unsigned int)a->uid, strerror(errno));
	if (setuid(0) != -1 || setgid(0) != -1)
		log_fatal(EX_OSERR, "could still become root again");
}

void
privilege_drop(const struct account *a)
{
	if (a->is_root)
		leave_root(a);
	if (drop_capabilities() == -1)
		log_fatal(EX_OSERR, "cannot give up capabilities: %s",
		    strerror(errno));
}
