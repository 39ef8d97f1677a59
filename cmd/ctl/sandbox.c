/*
 * Shows what each process of the daemon is kept from: as the daemon says, and
 * whether the kernel says so, too.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/ctl/columns.h"
#include "cmd/ctl/kernel.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/document.h"
#include "cmd/escape.h"
#include "cmd/say.h"

static const struct column sandbox_columns[] = {
	{ "PROCESS", COLUMN_LEFT },
	{ "PID", COLUMN_RIGHT },
	{ "USER", COLUMN_LEFT },
	{ "CAPS", COLUMN_LEFT },
	{ "NNP", COLUMN_LEFT },
	{ "ROOT", COLUMN_LEFT },
	{ "NET", COLUMN_LEFT },
	{ "LANDLOCK", COLUMN_LEFT },
	{ "SECCOMP", COLUMN_LEFT },
	{ "LIM", COLUMN_LEFT },
	{ "KERNEL", COLUMN_LEFT },
};

/* What the columns from USER to LIM are, in the daemon's words. */
static const char *const layers[] = { "user", "caps", "no-new-privs", "root",
	"network", "landlock", "seccomp", "limits" };

#define SANDBOX_COLUMNS (sizeof(sandbox_columns) / sizeof(sandbox_columns[0]))
#define LAYERS          (sizeof(layers) / sizeof(layers[0]))

/* What the kernel says of the process of a line. */
static void
look(const struct snapshot_line *line, struct kernel *k, const char **denied)
{
	kernel_look(k, snapshot_number(line, "pid", 0));
	*denied = kernel_deny(k, snapshot_text(line, "role"),
	    snapshot_text(line, "layers"));
}

static void
put_process(struct columns *c, const struct snapshot_line *line)
{
	const char *list = snapshot_text(line, "layers"), *denied;
	struct kernel k;
	char name[64];
	size_t i;

	look(line, &k, &denied);
	(void)snprintf(name, sizeof(name), "%.24s.%.8s",
	    snapshot_text(line, "role"), snapshot_text(line, "number"));
	columns_put(c, name);
	columns_put(c, snapshot_text(line, "pid"));
	for (i = 0; i < LAYERS; i++)
		columns_put(c,
		    snapshot_is_listed(list, layers[i]) ? "yes" : "-");
	columns_put(c,
	    !k.is_known        ? "unread" :
		denied != NULL ? "DENIES" :
				 "agrees");
}

/* Say what the kernel denies.  Returns how often it does. */
static size_t
show_denied(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	const char *denied;
	char role[128];
	struct kernel k;
	size_t n = 0;

	while ((line = snapshot_next(s, line, "process")) != NULL) {
		look(line, &k, &denied);
		if (denied == NULL)
			continue;
		(void)escape_text(role, sizeof(role),
		    snapshot_text(line, "role"));
		(void)printf("  ! %s.%" PRIu64 " (pid %" PRIu64 ") %s\n", role,
		    snapshot_number(line, "number", 0),
		    snapshot_number(line, "pid", 0), denied);
		n++;
	}
	return n;
}

static size_t
show_table(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	struct columns *c;
	size_t n;

	n = show_denied(s);
	if (n > 0)
		(void)putchar('\n'); /* show_end() asks for errors */
	c = columns_new(sandbox_columns, SANDBOX_COLUMNS);
	while ((line = snapshot_next(s, line, "process")) != NULL)
		put_process(c, line);
	columns_print(c, columns_width());
	columns_free(c);
	return n;
}

/* What the kernel says of a process, or null. */
static void
put_json_kernel(struct json *j, const struct kernel *k)
{
	char caps[SHOW_MAX];

	json_key(j, "kernel");
	if (!k->is_known) {
		json_null(j);
		return;
	}
	json_begin(j, '{');
	json_key(j, "no-new-privs");
	json_bool(j, k->no_new_privs);
	json_key(j, "seccomp");
	json_number(j, k->seccomp);
	(void)snprintf(caps, sizeof(caps), "%016" PRIx64, k->cap_eff);
	json_key(j, "cap-eff");
	json_string(j, caps);
	json_key(j, "uid");
	json_number(j, k->uid);
	json_end(j, '}');
}

static size_t
show_json(const struct snapshot *s)
{
	const struct snapshot_line *line = NULL;
	struct json j = { .file = stdout };
	const char *denied;
	struct kernel k;
	size_t n = 0;

	json_begin(&j, '{');
	json_key(&j, "processes");
	json_begin(&j, '[');
	while ((line = snapshot_next(s, line, "process")) != NULL) {
		look(line, &k, &denied);
		json_begin(&j, '{');
		json_key(&j, "process");
		document_put_line(&j, line);
		put_json_kernel(&j, &k);
		json_key(&j, "denied");
		if (denied != NULL)
			json_string(&j, denied);
		else
			json_null(&j);
		json_end(&j, '}');
		n += denied != NULL ? 1 : 0;
	}
	json_end(&j, ']');
	json_end(&j, '}');
	(void)putchar('\n'); /* show_end() asks for errors */
	return n;
}

int
sandbox_run(const struct ctl_options *options)
{
	struct snapshot s;
	size_t denied;
	int status;

	status = question_put_snapshot(options, "snapshot", &s);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0)
		denied = show_json(&s);
	else
		denied = show_table(&s);
	snapshot_clear(&s);
	status = show_end();
	if (status == SAY_OK && denied > 0) {
		say("the kernel denies what the daemon says of its sandbox");
		return SAY_REFUSED;
	}
	return status;
}
