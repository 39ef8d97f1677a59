/*
 * What a table says of the control socket, checked against this machine: who
 * may offer names there or read, and where it is.
 */

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/setup/check.h"
#include "daemon/setup/check_offers.h"
#include "daemon/setup/identity.h"
#include "os/privilege.h"
#include "table/policy.h"

/* The longest name of a user or group that is looked up, with its NUL. */
#define NAME_SIZE 256

/* The longest path of a socket, with its NUL. */
#define PATH_SIZE 128

/* A name, and what the last look for it has found. */
struct lookup {
	char name[NAME_SIZE];
	bool is_there;
	uint32_t id;
};

struct checking {
	struct table *t;
	struct conf_report *report;
	bool is_root;
	struct lookup user; /* most services have the same */
	struct lookup group;
};

/* Offerers */

/* Look the user or group up, if it is not the one of the last time. */
static void
lookup_set(struct lookup *l, const char *name, bool is_group)
{
	int result;

	if (strcmp(l->name, name) == 0)
		return;
	(void)stpcpy(l->name, name); /* it fits, as the caller has seen */
	result = is_group ? identity_find_group(name, &l->id) :
			    identity_find_uid(name, &l->id);
	l->is_there = result == 0;
}

static void
check_offerer(struct checking *c, const char *option, struct offerer *o)
{
	const char *what = o->is_group ? "group" : "user";
	struct lookup *l = o->is_group ? &c->group : &c->user;
	const char *begin;
	char name[NAME_SIZE];
	size_t len;

	o->id = POLICY_NOBODY;
	if (o->text == NULL)
		return; /* and it has been said why */
	begin = o->text + (o->is_group ? 1 : 0);
	len = strcspn(begin, ":");
	if (len == 0)
		return;
	if (len < sizeof(name)) {
		memcpy(name, begin, len);
		name[len] = '\0';
		lookup_set(l, name, o->is_group);
	}
	if (len >= sizeof(name) || !l->is_there) {
		check_say(c->report, false, o->file, o->line,
		    "%s = %s: no such %s: add that %s to this machine, "
		    "or write another",
		    option, o->text, what, what);
		return;
	}
	o->id = l->id;
	if (o->id == POLICY_NOBODY)
		check_say(c->report, false, o->file, o->line,
		    "%s = %s: %d is the number of every %s that this "
		    "machine does not know, and may do nothing here: write "
		    "another",
		    option, o->text, POLICY_NOBODY, what);
}

static void
check_offerers(struct checking *c)
{
	struct table *t = c->t;
	struct service *s;
	size_t i;

	for (i = 0; i < t->nofferers; i++)
		check_offerer(c, "offered-by", &t->offerers[i]);
	for (i = 0; i < t->nreaders; i++)
		check_offerer(c, "readers", &t->readers[i]);
	for (s = t->services; s < t->services + t->nservices; s++)
		for (i = 0; i < s->nofferers; i++)
			check_offerer(c, "offered-by", &s->offerers[i]);
}

/* Logins */

/* The users of this machine, in the order in which they are listed. */
struct logins {
	struct table *t;
	struct login *list;
	size_t n;
	size_t size;
};

static int
logins_add(void *arg, const char *name, uid_t uid)
{
	struct logins *l = arg;
	struct login *list;

	if (l->n == l->size) {
		l->size = l->size > 0 ? 2 * l->size : 64;
		list = reallocarray(l->list, l->size, sizeof(*list));
		if (list == NULL)
			return -1;
		l->list = list;
	}
	l->list[l->n].uid = uid;
	l->list[l->n].name = table_copy(l->t, name);
	return l->list[l->n++].name != NULL ? 0 : -1;
}

static int
login_compare(const void *a, const void *b)
{
	const struct login *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Those of a list, which has been checked.  Returns 0, or -1. */
static int
logins_add_list(struct logins *l, const struct offerer *list, size_t n)
{
	char name[NAME_SIZE];
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i].is_group || list[i].id == POLICY_NOBODY)
			continue;
		/* It has been looked up, so it fits. */
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(list[i].text, ":"), list[i].text);
		if (logins_add(l, name, list[i].id) == -1)
			return -1;
	}
	return 0;
}

/*
 * All users, if each may offer something; else those that are configured, so
 * that they can be shown by name.  Returns 0, or -1.
 */
static int
logins_gather(struct logins *l)
{
	const struct table *t = l->t;
	const struct service *s;

	if (t->offers_by_prefix)
		return identity_each_login(logins_add, l);
	if (logins_add_list(l, t->offerers, t->nofferers) == -1)
		return -1;
	for (s = t->services; s < t->services + t->nservices; s++)
		if (logins_add_list(l, s->offerers, s->nofferers) == -1)
			return -1;
	return 0;
}

/* Set the logins of t.  Returns 0, or -1 if there was no memory. */
static int
find_logins(struct table *t)
{
	struct logins l = { .t = t };
	struct login *sorted = NULL;

	if (logins_gather(&l) == 0)
		sorted = table_alloc(t, (l.n + 1) * sizeof(*sorted));
	if (sorted != NULL && l.n > 0) {
		qsort(l.list, l.n, sizeof(*l.list), login_compare);
		memcpy(sorted, l.list, l.n * sizeof(*sorted));
		t->nlogins = l.n;
	}
	t->logins = sorted;
	free(l.list);
	return sorted != NULL ? 0 : -1;
}

/* The control socket */

__attribute__((format(printf, 2, 3))) static void
say_control(const struct checking *c, const char *fmt, ...)
{
	char text[2 * PATH_SIZE + 256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* it has room */
	va_end(ap);
	check_say(c->report, false, c->t->control_file, c->t->control_line,
	    "control = %s: %s", c->t->control, text);
}

/* Cut path before its last part. */
static void
path_cut(char *path)
{
	char *slash = strrchr(path, '/');

	slash[slash == path ? 1 : 0] = '\0';
}

/* May somebody else write to this folder?  Then it is said. */
static bool
is_open_folder(const struct checking *c, const char *folder,
    const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		say_control(c, "%s is not a folder: write a path in one",
		    folder);
	else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		say_control(c,
		    "others may write to %s, and put a socket of theirs "
		    "there: write a path in a folder that is the daemon's "
		    "alone",
		    folder);
	else
		return false;
	return true;
}

/* Is it root's, or of the user that the daemon is or becomes? */
static bool
is_own_folder(const struct checking *c, const struct stat *st)
{
	struct account a;

	return st->st_uid == 0 || st->st_uid == geteuid() ||
	    (privilege_choose(&a, c->t->user) == 0 && st->st_uid == a.uid);
}

/* The folder will be made in this one. */
static void
check_parent(const struct checking *c, const char *parent)
{
	struct stat st;

	if (stat(parent, &st) == -1)
		say_control(c, "%s: %s: make it first", parent,
		    strerror(errno));
	else if (!is_open_folder(c, parent, &st) && !c->is_root &&
	    access(parent, W_OK | X_OK) == -1)
		say_control(c, "no folder can be made in %s: %s: make it first",
		    parent, strerror(errno));
}

static void
check_control(const struct checking *c)
{
	char folder[PATH_SIZE];
	struct stat st;

	if (c->t->control == NULL)
		return;
	(void)stpcpy(folder, c->t->control); /* no socket's path is longer */
	path_cut(folder);
	if (stat(folder, &st) == -1 && errno == ENOENT) {
		path_cut(folder);
		check_parent(c, folder);
		return;
	}
	if (stat(folder, &st) == -1)
		say_control(c, "%s: %s: write another path", folder,
		    strerror(errno));
	else if (!is_open_folder(c, folder, &st) && !is_own_folder(c, &st))
		say_control(c,
		    "%s is another user's folder: write a path in one of the "
		    "daemon's own",
		    folder);
	else if (stat(c->t->control, &st) == 0 && !S_ISSOCK(st.st_mode))
		say_control(c,
		    "something else is there: remove it, or write another "
		    "path");
}

/* Rules that nobody can use are no mistake, but hardly what is meant. */
static void
check_use(const struct checking *c)
{
	const struct table *t = c->t;

	if (!t->control_off)
		return;
	if (t->nofferers > 0 || t->offers_by_prefix ||
	    table_count(t, SERVICE_OFFERED) > 0)
		check_say(c->report, true, t->control_file, t->control_line,
		    "control = none: and so nobody can offer a name, whatever "
		    "offered-by and offers say");
	if (t->nreaders > 0)
		check_say(c->report, true, t->control_file, t->control_line,
		    "control = none: and so nobody can read anything, whatever "
		    "readers says");
}

int
check_offers(struct table *t, bool is_root, struct conf_report *report)
{
	struct checking c = { .t = t, .report = report, .is_root = is_root };

	check_offerers(&c);
	check_control(&c);
	check_use(&c);
	return find_logins(t);
}
