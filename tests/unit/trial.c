/*
 * The parsing of one text by a test, and what came of it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/trial.h"

__attribute__((format(printf, 2, 3))) static void
note(char notes[static SAID_MAX], const char *fmt, ...)
{
	size_t used = strlen(notes);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(notes + used, SAID_MAX - used, fmt, ap);
	va_end(ap);
}

static void
say(void *arg, bool is_warning, const char *file, int line, const char *text)
{
	struct trial *trial = arg;

	assert_false(is_warning);
	assert_string_equal(file, "test.conf");
	note(trial->said, "%d: %s\n", line, text);
}

static void
include(void *arg, const char *path, const char *file, int line)
{
	struct trial *trial = arg;

	assert_string_equal(file, "test.conf");
	note(trial->referred, "%d: include %s\n", line, path);
}

static void
import(void *arg, const char *path, const char *file, int line)
{
	struct trial *trial = arg;

	assert_string_equal(file, "test.conf");
	note(trial->referred, "%d: import %s\n", line, path);
}

void
trial_parse(struct trial *trial, const char *text)
{
	assert_int_equal(conf_parse(trial->t, "test.conf", text, &trial->refer,
			     &trial->report),
	    0);
}

void
trial_init(struct trial *trial, const char *text)
{
	memset(trial, 0, sizeof(*trial));
	trial->report = (struct conf_report){ .say = say, .arg = trial };
	trial->refer = (struct conf_refer){ include, import, trial };
	trial->t = table_new();
	assert_non_null(trial->t);
	trial_parse(trial, text);
	assert_int_equal(conf_finish(trial->t, &trial->report), 0);
}

void
trial_clear(struct trial *trial)
{
	table_free(trial->t);
}

void
trial_says(const char *text, const char *said)
{
	struct trial trial;

	trial_init(&trial, text);
	assert_string_equal(trial.said, said);
	assert_int_equal(trial.report.mistakes > 0, said[0] != '\0');
	trial_clear(&trial);
}

void
trial_prints(const char *text, const char *canonical)
{
	struct trial trial;
	char *printed;

	trial_init(&trial, text);
	assert_string_equal(trial.said, "");
	printed = conf_print(trial.t);
	assert_non_null(printed);
	assert_string_equal(printed, canonical);
	free(printed);
	trial_clear(&trial);
}

const struct service *
trial_service(const struct trial *trial, const char *name)
{
	struct tcpmux_span span = { name, strlen(name) };
	uint32_t found = table_find(trial->t, span);

	assert_int_not_equal(found, SERVICE_NONE);
	return &trial->t->services[found];
}
