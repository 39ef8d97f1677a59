/*
 * Reading the configuration: its files, one after the other, and the mistakes
 * in all of them.
 */

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "daemon/setup/check.h"
#include "daemon/setup/config.h"
#include "daemon/setup/gather.h"
#include "os/file.h"
#include "os/log.h"

/* The largest file that is read, and how deep files may include each other. */
#define FILE_MAX  (256 << 20)
#define DEPTH_MAX 16

/* The most files that are read, each as often as it is included. */
#define FILES_MAX 4096

/* The most mistakes that are said. */
#define MESSAGES_MAX 200

/* The longest path, with a NUL. */
#define PATH_SIZE 4096

/* What is wrong, and where, kept until all of it can be said in order. */
struct message {
	unsigned int file; /* in the order of reading */
	int line;          /* 0: the file as a whole */
	unsigned int number;
	char *text;
};

/* A file that is being read, and whoever included it. */
struct source {
	const struct source *includer;
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned int depth;
};

struct config {
	struct table *table;
	const struct source *source;
	struct conf_report report;
	bool is_broken; /* there was no memory */
	unsigned int nreads;
	struct message messages[MESSAGES_MAX];
	unsigned int nmessages;
	unsigned int nmore; /* that have no room */
	const char **files; /* in the order of reading */
	unsigned int nfiles;
};

/* The place of file in the order of reading. */
static unsigned int
file_number(struct config *c, const char *file)
{
	const char **more;
	unsigned int i;

	for (i = c->nfiles; i > 0; i--)
		if (strcmp(c->files[i - 1], file) == 0)
			return i;
	more = reallocarray(c->files, c->nfiles + 1, sizeof(*more));
	if (more == NULL)
		return 0;
	c->files = more;
	c->files[c->nfiles] = table_copy(c->table, file);
	if (c->files[c->nfiles] == NULL)
		return 0;
	return ++c->nfiles;
}

/* What conf_report calls: keep a message. */
static void
keep(void *arg, bool is_warning, const char *file, int line, const char *text)
{
	struct config *c = arg;
	struct message *m;
	int n;

	if (c->nmessages == MESSAGES_MAX) {
		c->nmore++;
		return;
	}
	m = &c->messages[c->nmessages];
	if (line > 0)
		n = asprintf(&m->text, "%s:%d: %s%s", file, line,
		    is_warning ? "warning: " : "", text);
	else
		n = asprintf(&m->text, "%s: %s%s", file,
		    is_warning ? "warning: " : "", text);
	m->line = line;
	m->file = file_number(c, file);
	if (n == -1 || m->file == 0) {
		c->is_broken = true;
		return;
	}
	m->number = c->nmessages++;
}

static int
message_compare(const void *a, const void *b)
{
	const struct message *x = a, *y = b;

	if (x->file != y->file)
		return x->file < y->file ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Say all that has been kept, by file and line. */
static void
say_all(struct config *c)
{
	unsigned int i;

	qsort(c->messages, c->nmessages, sizeof(c->messages[0]),
	    message_compare);
	for (i = 0; i < c->nmessages; i++) {
		log_say("%s", c->messages[i].text);
		free(c->messages[i].text);
	}
	if (c->nmore > 0)
		log_say("and %u more", c->nmore);
	if (c->is_broken)
		log_say("configuration: %s", strerror(ENOMEM));
	free(c->files);
}

/* Say that path, as file names it in this line, cannot be used. */
static void
say_unusable(struct config *c, const char *file, int line, const char *path,
    const char *why)
{
	char text[PATH_SIZE + 128];

	(void)snprintf(text, sizeof(text), "%s: %s", path, why);
	c->report.mistakes++;
	keep(c, false, file, line, text);
}

static const char *
reason(int error)
{
	switch (error) {
	case ENOENT:
		return "no such file: write where it is";
	case EINVAL:
		return "not a regular file: write the path of one";
	case EFBIG:
	case E2BIG:
		return "too large for a configuration: write the path of one";
	case ELOOP:
		return "includes itself: leave one include out";
	default:
		return strerror(error);
	}
}

static void include(void *arg, const char *path, const char *file, int line);
static void import(void *arg, const char *path, const char *file, int line);

static void
parse(struct config *c, const char *name, const char *text)
{
	const struct conf_refer refer = { include, import, c };

	if (file_number(c, name) == 0 ||
	    conf_parse(c->table, name, text, &refer, &c->report) == -1)
		c->is_broken = true;
}

/* Does the source, or one that has included it, read this file already? */
static bool
is_being_read(const struct source *s, const struct stat *st)
{
	for (; s != NULL; s = s->includer)
		if (s->device == st->st_dev && s->inode == st->st_ino)
			return true;
	return false;
}

/* Read one file, which is named in this line of file, or nowhere. */
static void
read_file(struct config *c, const char *path, const char *file, int line)
{
	struct source here = { .includer = c->source, .path = path };
	struct stat st;
	char *text;
	size_t len;

	if (++c->nreads > FILES_MAX) {
		if (c->nreads == FILES_MAX + 1)
			say_unusable(c, file, line, path, "too many files");
		return;
	}
	text = file_read(path, FILE_MAX, &len, &st);
	if (text == NULL) {
		say_unusable(c, file, line, path, reason(errno));
		return;
	}
	here.device = st.st_dev;
	here.inode = st.st_ino;
	here.depth = c->source != NULL ? c->source->depth + 1 : 0;
	if (is_being_read(c->source, &st) || here.depth > DEPTH_MAX) {
		say_unusable(c, file, line, path, reason(ELOOP));
	} else if (strlen(text) != len) {
		say_unusable(c, file, line, path, "has a NUL: no text");
	} else {
		if ((st.st_mode & S_IWOTH) != 0)
			keep(c, true, path, 0,
			    "everybody may write it: chmod o-w it");
		c->source = &here;
		parse(c, path, text);
		c->source = here.includer;
	}
	free(text);
}

/* A folder that is not there has no files; any other error is one. */
static int
is_glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT;
}

/* Read all files that match pattern, sorted; none is none. */
static void
read_matching(struct config *c, const char *pattern, const char *file, int line)
{
	glob_t found = { 0 };
	size_t i;
	int e;

	e = glob(pattern, 0, is_glob_error, &found);
	if (e == GLOB_NOSPACE)
		c->is_broken = true;
	if (e == GLOB_ABORTED)
		say_unusable(c, file, line, pattern,
		    "the folder cannot be read: let the daemon's user "
		    "read it");
	if (e != 0)
		goto done;
	for (i = 0; i < found.gl_pathc; i++)
		read_file(c, found.gl_pathv[i], file, line);
done:
	globfree(&found);
}

/* Write path, as the file that is being read means it.  Returns if it fits. */
static bool
resolve(struct config *c, const char *path, const char *file, int line,
    char full[static PATH_SIZE])
{
	const char *slash = strrchr(c->source->path, '/');
	int folder = 0, len;

	if (path[0] != '/' && slash != NULL)
		folder = (int)(slash + 1 - c->source->path);
	len =
	    snprintf(full, PATH_SIZE, "%.*s%s", folder, c->source->path, path);
	if (len >= 0 && len < PATH_SIZE)
		return true;
	say_unusable(c, file, line, path, strerror(ENAMETOOLONG));
	return false;
}

static void
include(void *arg, const char *path, const char *file, int line)
{
	struct config *c = arg;
	char full[PATH_SIZE];

	if (!resolve(c, path, file, line, full))
		return;
	if (strpbrk(path, "*?[") != NULL)
		read_matching(c, full, file, line);
	else
		read_file(c, full, file, line);
}

/* Warn of what an imported text says in comments that it has left out. */
static void
warn_of_rest(struct config *c, const char *text, const char *file, int line)
{
	char remark[1024];
	const char *end;

	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		if (strncmp(text, "# ", 2) != 0)
			continue;
		(void)snprintf(remark, sizeof(remark), "%.*s",
		    (int)(end - text - 2), text + 2);
		if (strstr(remark, ": not carried over: ") != NULL)
			keep(c, true, file, line, remark);
	}
}

static void
import(void *arg, const char *path, const char *file, int line)
{
	struct config *c = arg;
	char full[PATH_SIZE], name[PATH_SIZE + 16];
	char *text;

	if (!resolve(c, path, file, line, full))
		return;
	text = gather_import(full);
	if (text == NULL) {
		say_unusable(c, file, line, full, reason(errno));
		return;
	}
	(void)snprintf(name, sizeof(name), "%s (imported)", full);
	parse(c, name, text);
	warn_of_rest(c, text, file, line);
	free(text);
}

/* Read the file at path, which an optional one may lack, and its drop-ins. */
static void
read_configuration(struct config *c, const char *path, bool is_optional)
{
	char pattern[PATH_SIZE];
	int len;

	if (!is_optional || access(path, F_OK) == 0)
		read_file(c, path, path, 0);
	len = snprintf(pattern, sizeof(pattern), "%s.d/*.conf", path);
	if (len >= 0 && len < (int)sizeof(pattern))
		read_matching(c, pattern, path, 0);
}

struct table *
config_read(const char *path, bool is_optional, bool is_root)
{
	struct config *c = calloc(1, sizeof(*c));
	struct table *t = table_new();

	if (c == NULL || t == NULL) {
		log_say("configuration: %s", strerror(errno));
		goto fail;
	}
	c->table = t;
	c->report = (struct conf_report){ .say = keep, .arg = c };
	read_configuration(c, path, is_optional);
	if (!c->is_broken && conf_finish(t, &c->report) == -1)
		c->is_broken = true;
	if (!c->is_broken && check_table(t, is_root, &c->report) == -1)
		c->is_broken = true;
	say_all(c);
	if (c->is_broken || c->report.mistakes > 0)
		goto fail;
	free(c);
	return t;
fail:
	free(c);
	table_free(t);
	return NULL;
}
