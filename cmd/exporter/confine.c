/*
 * What tcpmux-exporter gives up before it hears anybody: root, new privileges,
 * processes of its own, core dumps, and more descriptors than it needs.  The
 * rest is for the service manager, which knows what libmicrohttpd calls.
 */

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cmd/exporter/confine.h"
#include "cmd/say.h"

#define CONFINE_USER "tcpmux-exporter"

/* All connections of all listeners, and what the daemon sends. */
#define CONFINE_FILES 256

void
confine_find_user(struct confine_user *u, const char *name)
{
	const struct passwd *pw;

	*u = (struct confine_user){ .name = name };
	if (getuid() != 0 && geteuid() != 0) {
		if (name != NULL)
			say_fatal(SAY_USAGE, "--user is for root only");
		return;
	}
	if (name == NULL)
		u->name = CONFINE_USER;
	pw = getpwnam(u->name);
	if (pw == NULL)
		say_fatal(SAY_USAGE,
		    "there is no user %s: make it, or name another by --user, "
		    "or do not start this as root",
		    u->name);
	if (pw->pw_uid == 0)
		say_fatal(SAY_USAGE, "--user %s is root", u->name);
	u->needed = true;
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
}

static int
confine_limits(void)
{
	const struct rlimit none = { .rlim_cur = 0 };
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		return -1;
	if (files.rlim_max > CONFINE_FILES)
		files.rlim_max = CONFINE_FILES;
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == -1 ||
	    setrlimit(RLIMIT_NPROC, &none) == -1)
		return -1;
	return setrlimit(RLIMIT_CORE, &none);
}

void
confine(const struct confine_user *u)
{
	if (u->needed &&
	    (initgroups(u->name, u->gid) == -1 ||
		setresgid(u->gid, u->gid, u->gid) == -1 ||
		setresuid(u->uid, u->uid, u->uid) == -1))
		say_fatal(SAY_SYSTEM, "it cannot become %s: %s", u->name,
		    strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		say_fatal(SAY_SYSTEM, "no_new_privs: %s", strerror(errno));
	if (confine_limits() == -1)
		say_fatal(SAY_SYSTEM, "setrlimit: %s", strerror(errno));
}
