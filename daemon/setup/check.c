/*
 * What a table says of users, programs and sockets, checked against this
 * machine.
 */

#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/setup/check.h"
#include "daemon/setup/check_offers.h"
#include "daemon/setup/identity.h"

/* The longest message, and the longest number of a user. */
#define SAY_MAX    1024
#define NUMBER_MAX 16

struct check {
	struct table *t;
	struct conf_report *report;
	bool is_root;
	bool is_out_of_memory;
	struct identity own;
	/* Who was looked up last, as most programs have the same user. */
	const char *user;
	struct identity last;
	bool is_there;
};

void
check_say(struct conf_report *report, bool is_warning, const char *file,
    int line, const char *fmt, ...)
{
	char text[SAY_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut if too long */
	va_end(ap);
	if (!is_warning)
		report->mistakes++;
	report->say(report->arg, is_warning, file, line, text);
}

/* What can be done about a path that cannot be used. */
static const char *
advice(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return "write where it is";
	case EACCES:
		return "change the mode of it, or of a directory above it, or "
		       "the user";
	default:
		return "see tcpmuxd.conf(5)";
	}
}

/* Look up a user; NULL if there is none, or no memory. */
static const struct identity *
find_user(struct check *c, const char *name)
{
	if (c->user == NULL || strcmp(c->user, name) != 0) {
		c->is_there = identity_find(c->t, name, &c->last) == 0;
		if (!c->is_there && errno == ENOMEM)
			c->is_out_of_memory = true;
		c->user = name;
	}
	return c->is_there ? &c->last : NULL;
}

/* Set *id to whom the program is to be.  Returns whether that is possible. */
static bool
choose_user(struct check *c, const struct service *s, struct identity *id)
{
	const struct program *p = &s->program;
	const struct identity *user;

	if (p->user == NULL) {
		*id = c->own;
		if (!c->is_root)
			return true;
		check_say(c->report, false, s->file, s->line,
		    "service \"%s\": has no user, and the daemon is root: "
		    "add user = nobody, or another",
		    s->name);
		return false;
	}
	user = find_user(c, p->user);
	if (user == NULL) {
		check_say(c->report, false, s->file, p->user_line,
		    "user = %s: no such user: add that user to this machine, "
		    "or write another",
		    p->user);
		return false;
	}
	*id = *user;
	if (c->is_root || user->uid == c->own.uid)
		return true;
	check_say(c->report, false, s->file, p->user_line,
	    "user = %s: only root can start programs as another user: "
	    "leave it out, or start the daemon anew, as root; "
	    "with systemd, by programs.conf",
	    p->user);
	return false;
}

static void
choose_group(struct check *c, const struct service *s, struct identity *id)
{
	const struct program *p = &s->program;

	if (p->group == NULL)
		return;
	if (identity_find_group(p->group, &id->gid) == -1)
		check_say(c->report, false, s->file, p->group_line,
		    "group = %s: no such group: add that group to this "
		    "machine, or write another",
		    p->group);
	else if (!c->is_root && id->gid != c->own.gid)
		check_say(c->report, false, s->file, p->group_line,
		    "group = %s: only root can start programs in another "
		    "group: leave it out, or start the daemon anew, as root",
		    p->group);
	else if (c->is_root && identity_find_groups(c->t, id) == -1)
		c->is_out_of_memory = true;
}

static void
choose_groups(struct check *c, const struct service *s, struct identity *id)
{
	const char *const *names = s->program.group_names;
	gid_t *groups;
	size_t n = 0;

	if (names == NULL)
		return;
	if (!c->is_root) {
		check_say(c->report, false, s->file, s->program.groups_line,
		    "groups: only root can choose the groups of a program: "
		    "leave it out, or start the daemon anew, as root");
		return;
	}
	while (names[n] != NULL)
		n++;
	groups = table_alloc(c->t, (n + 1) * sizeof(*groups));
	if (groups == NULL) {
		c->is_out_of_memory = true;
		return;
	}
	id->groups = groups;
	id->ngroups = n;
	for (n = 0; names[n] != NULL; n++)
		if (identity_find_group(names[n], &groups[n]) == -1)
			check_say(c->report, false, s->file,
			    s->program.groups_line,
			    "groups = %s: no such group: add that group to "
			    "this machine, or write another",
			    names[n]);
}

static void
check_path(struct check *c, const struct service *s, const struct identity *id)
{
	const char *path = s->program.argv[0];
	struct stat st;

	if (identity_reach(id, path, &st) == -1) {
		check_say(c->report, false, s->file, s->kind_line,
		    "exec = %s: user %s cannot run it: %s: %s", path,
		    s->program.name, strerror(errno), advice(errno));
		return;
	}
	if (!S_ISREG(st.st_mode))
		check_say(c->report, false, s->file, s->kind_line,
		    "exec = %s: not a regular file: write the path of a "
		    "program",
		    path);
	else if ((st.st_mode & S_IWOTH) != 0)
		check_say(c->report, true, s->file, s->kind_line,
		    "exec = %s: everybody may change it: chmod o-w it", path);
}

static void
check_directory(struct check *c, const struct service *s,
    const struct identity *id)
{
	const char *path = s->program.directory;
	struct stat st;

	if (path == NULL)
		return;
	if (identity_reach(id, path, &st) == -1)
		check_say(c->report, false, s->file, s->program.directory_line,
		    "directory = %s: user %s cannot enter it: %s: %s", path,
		    s->program.name, strerror(errno), advice(errno));
	else if (!S_ISDIR(st.st_mode))
		check_say(c->report, false, s->file, s->program.directory_line,
		    "directory = %s: not a directory: write the path of one",
		    path);
}

/* The name for log lines; somebody without one has a number. */
static const char *
name_of(struct check *c, const struct identity *id)
{
	char number[NUMBER_MAX];
	const char *name = id->name;

	if (name == NULL) {
		(void)snprintf(number, sizeof(number), "%u", id->uid);
		name = table_copy(c->t, number);
	}
	if (name == NULL)
		c->is_out_of_memory = true;
	return name != NULL ? name : "";
}

static void
check_program(struct check *c, struct service *s)
{
	struct program *p = &s->program;
	struct identity id;

	if (p->argv == NULL || !choose_user(c, s, &id))
		return;
	p->name = name_of(c, &id);
	choose_group(c, s, &id);
	choose_groups(c, s, &id);
	p->uid = id.uid;
	p->gid = id.gid;
	p->groups = id.groups;
	p->ngroups = id.ngroups;
	check_path(c, s, &id);
	check_directory(c, s, &id);
}

/* Whoever listens there may come later; but a socket it must be. */
static void
check_socket(struct check *c, const struct service *s, const char *option,
    const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		check_say(c->report, true, s->file, s->kind_line,
		    "%s = %s: %s: %s", option, path, strerror(errno),
		    errno == ENOENT ? "start what listens there" :
				      advice(errno));
	else if (!S_ISSOCK(st.st_mode))
		check_say(c->report, false, s->file, s->kind_line,
		    "%s = %s: not a socket: write the path of one", option,
		    path);
}

static void
check_service(struct check *c, struct service *s)
{
	size_t i;

	switch (s->kind) {
	case SERVICE_EXEC:
		check_program(c, s);
		break;
	case SERVICE_RELAY:
		for (i = 0; i < s->relay.nbackends; i++)
			if (s->relay.backends[i].kind == BACKEND_UNIX &&
			    s->relay.backends[i].host[0] == '/')
				check_socket(c, s, "relay",
				    s->relay.backends[i].host);
		break;
	case SERVICE_SOCKET:
		if (s->socket != NULL)
			check_socket(c, s, "socket", s->socket);
		break;
	default:
		break;
	}
}

/* The daemon's own user. */
static void
check_user(struct check *c)
{
	const struct table *t = c->t;
	const struct identity *user;

	if (t->user == NULL)
		return;
	user = find_user(c, t->user);
	if (user == NULL)
		check_say(c->report, false, t->user_file, t->user_line,
		    "user = %s: no such user: add that user to this machine, "
		    "or write another",
		    t->user);
	else if (c->is_root && user->uid == 0)
		check_say(c->report, false, t->user_file, t->user_line,
		    "user = %s: strangers are not let near to root: write "
		    "another",
		    t->user);
	else if (!c->is_root && user->uid != c->own.uid)
		check_say(c->report, false, t->user_file, t->user_line,
		    "user = %s: only root can become another user: leave it "
		    "out, or start the daemon anew, as root",
		    t->user);
}

int
check_table(struct table *t, bool is_root, struct conf_report *report)
{
	struct check c = { .t = t, .report = report, .is_root = is_root };
	uint32_t i;

	if (identity_own(t, &c.own) == -1)
		return -1;
	check_user(&c);
	for (i = 0; i < t->nservices; i++)
		check_service(&c, &t->services[i]);
	if (check_offers(t, is_root, report) == -1)
		c.is_out_of_memory = true;
	return c.is_out_of_memory ? -1 : 0;
}
