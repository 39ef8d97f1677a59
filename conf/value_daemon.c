/*
 * The types of values that only one option of the daemon takes: whose it
 * is, how it is confined, and where it logs.
 */

#include <string.h>

#include "conf/value.h"

/* A user, and where he is named. */
static void
take_daemon_user(struct taking *k, const struct option *o,
    const cfg_opt_t *values, void *base)
{
	struct table *t = base;

	type_text.take(k, o, values, base);
	t->user_file = k->file;
	t->user_line = value_at(values, 0)->line;
}

static void
print_daemon_user(FILE *f, const struct option *o, const void *base)
{
	type_text.print(f, o, base);
}

const struct option_type type_daemon_user = { .take = take_daemon_user,
	.print = print_daemon_user };

/* The place in the words, and that it was chosen. */
static void
take_sandbox(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	struct table *t = base;
	int i = taking_find_word(k, o, value_at(values, 0));

	if (i < 0)
		return;
	t->sandbox = (enum sandbox_mode)i;
	t->sandbox_chosen = true;
}

static void
print_sandbox(FILE *f, const struct option *o, const void *base)
{
	const struct table *t = base;

	if (t->sandbox_chosen)
		(void)fputs(o->words[t->sandbox], f);
}

static void
take_log_to(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);
	struct log_rule *log = base;

	log->path = NULL;
	if (strcmp(v->text, "stderr") == 0) {
		log->to = LOG_STDERR;
	} else if (strcmp(v->text, "syslog") == 0) {
		log->to = LOG_SYSLOG;
	} else if (strcmp(v->text, "journal") == 0) {
		log->to = LOG_JOURNAL;
	} else if (v->text[0] != '/') {
		taking_say(k, v->line,
		    "%s = %s: no place for a log: write stderr, syslog, "
		    "journal or an absolute path",
		    o->name, v->text);
	} else if (taking_is_printable(k, o, v)) {
		log->to = LOG_FILE;
		log->path = taking_copy(k, v->text);
	}
}

static void
print_log_to(FILE *f, const struct option *o, const void *base)
{
	static const char *const words[] = { [LOG_STDERR] = "stderr",
		[LOG_SYSLOG] = "syslog",
		[LOG_JOURNAL] = "journal" };
	const struct log_rule *log = base;
	const char *text = log->to == LOG_FILE ? log->path : words[log->to];

	(void)o;
	value_quote(f, text, strlen(text));
}

const struct option_type type_sandbox = { .take = take_sandbox,
	.print = print_sandbox };
const struct option_type type_log_to = { .take = take_log_to,
	.print = print_log_to };
