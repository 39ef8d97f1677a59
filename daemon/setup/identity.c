/*
 * Users and groups of this machine, and what the files let them do.
 */

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/setup/identity.h"

/* Groups of a user that are asked for first; if he has more, again. */
#define GROUPS_FIRST 64

int
identity_find_groups(struct table *t, struct identity *id)
{
	int n = GROUPS_FIRST, had;
	gid_t *groups;

	do {
		had = n;
		groups = table_alloc(t, (size_t)n * sizeof(*groups));
		if (groups == NULL)
			return -1;
	} while (getgrouplist(id->name, id->gid, groups, &n) == -1 && n > had);
	id->groups = groups;
	id->ngroups = (size_t)(n < had ? n : had);
	return 0;
}

int
identity_find(struct table *t, const char *name, struct identity *id)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL) {
		errno = ENOENT;
		return -1;
	}
	id->uid = user->pw_uid;
	id->gid = user->pw_gid;
	id->name = table_copy(t, user->pw_name);
	if (id->name == NULL)
		return -1;
	return identity_find_groups(t, id);
}

int
identity_own(struct table *t, struct identity *id)
{
	const struct passwd *user = getpwuid(geteuid());
	int n = getgroups(0, NULL);
	gid_t *groups;

	id->uid = geteuid();
	id->gid = getegid();
	id->name = NULL;
	if (user != NULL) {
		id->name = table_copy(t, user->pw_name);
		if (id->name == NULL)
			return -1;
	}
	if (n < 0)
		return -1;
	groups = table_alloc(t, ((size_t)n + 1) * sizeof(*groups));
	if (groups == NULL)
		return -1;
	n = getgroups(n, groups);
	if (n < 0)
		return -1;
	id->groups = groups;
	id->ngroups = (size_t)n;
	return 0;
}

int
identity_find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);

	if (group == NULL)
		return -1;
	*gid = group->gr_gid;
	return 0;
}

int
identity_find_uid(const char *name, uid_t *uid)
{
	const struct passwd *user = getpwnam(name);

	if (user == NULL)
		return -1;
	*uid = user->pw_uid;
	return 0;
}

int
identity_each_login(int (*each)(void *arg, const char *name, uid_t uid),
    void *arg)
{
	const struct passwd *user;
	int result = 0;

	setpwent();
	while (result == 0 && (user = getpwent()) != NULL)
		result = each(arg, user->pw_name, user->pw_uid);
	endpwent();
	return result;
}

static bool
is_member(const struct identity *id, gid_t gid)
{
	size_t i;

	for (i = 0; i < id->ngroups; i++)
		if (id->groups[i] == gid)
			return true;
	return id->gid == gid;
}

/* Do the bits of its mode let id run or enter it? */
static bool
may_execute(const struct identity *id, const struct stat *st)
{
	const mode_t any = S_IXUSR | S_IXGRP | S_IXOTH;

	if (id->uid == 0)
		return S_ISDIR(st->st_mode) || (st->st_mode & any) != 0;
	if (st->st_uid == id->uid)
		return (st->st_mode & S_IXUSR) != 0;
	if (is_member(id, st->st_gid))
		return (st->st_mode & S_IXGRP) != 0;
	return (st->st_mode & S_IXOTH) != 0;
}

/* May id search every directory in front of the last part of path? */
static int
search(const struct identity *id, const char *path)
{
	char folder[PATH_MAX];
	struct stat st;
	size_t i;

	if (strlen(path) >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (i = 1; path[i - 1] != '\0'; i++) {
		if (path[i - 1] != '/')
			continue;
		memcpy(folder, path, i);
		folder[i] = '\0';
		if (stat(folder, &st) == -1)
			return -1;
		if (!may_execute(id, &st)) {
			errno = EACCES;
			return -1;
		}
	}
	return 0;
}

int
identity_reach(const struct identity *id, const char *path, struct stat *st)
{
	char *real = realpath(path, NULL);
	int result, error;

	if (real == NULL)
		return -1;
	/* Links are followed from the directories where they are. */
	result = search(id, path);
	if (result == 0)
		result = search(id, real);
	if (result == 0)
		result = stat(real, st);
	error = errno;
	free(real);
	if (result == 0 && !may_execute(id, st)) {
		error = EACCES;
		result = -1;
	}
	errno = error;
	return result;
}
