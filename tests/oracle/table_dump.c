/*
 * Makes tables as it is told and says what they answer, for
 * tests/test_table_oracle.py to compare.
 *
 * Each line of standard input is one of
 *
 *	new                     begin with a new table
 *	from NETWORK            only these may use what has no FROM of its own
 *	add NAME HIDDEN FROM ALIAS...
 *	                        HIDDEN is 1 or 0; FROM is a network, "*" for
 *	                        everybody, or "-" for the table's own
 *	finish                  answers "A B" for each two services of one name
 *	ask ADDRESS NAME        answers "help", "next", "over SERVICE" or
 *	                        "refuse SERVICE", SERVICE perhaps "-"
 *	help ADDRESS            answers the list
 *
 * Each answer is ended by an empty line.  Names end at an unreadable page.
 */

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/table.h"
#include "tests/unit/guard.h"

#define LINE_BYTES 4096

static struct guard memory;
static struct table *t;

static const char *
word(void)
{
	const char *next = strtok(NULL, " \n");

	if (next == NULL)
		errx(1, "a word is missing");
	return next;
}

static struct network
network(const char *text)
{
	struct network n;

	if (network_parse(text, &n) != 0)
		errx(1, "%s: not a network", text);
	return n;
}

static void
set_from(struct access *a, const char *text)
{
	struct network *n = table_alloc(t, sizeof(*n));

	if (n == NULL)
		err(1, NULL);
	*n = network(text);
	*a = (struct access){ .from = n, .nfrom = 1 };
}

static void
add(void)
{
	struct service s = { .kind = SERVICE_EXEC, .file = "input" };
	const char **aliases = table_alloc(t, LINE_BYTES);
	const char *from, *alias;

	s.name = table_copy(t, word());
	s.hidden = strcmp(word(), "1") == 0;
	from = word();
	s.has_access = strcmp(from, "-") != 0;
	if (s.has_access && strcmp(from, "*") != 0)
		set_from(&s.access, from);
	while ((alias = strtok(NULL, " \n")) != NULL)
		aliases[s.naliases++] = table_copy(t, alias);
	s.aliases = aliases;
	if (table_add(t, &s) == NULL)
		err(1, NULL);
}

static void
finish(void)
{
	const struct service *first, *second;

	while (table_finish(t, &first, &second) == -1) {
		if (errno != EEXIST)
			err(1, NULL);
		(void)printf("%s %s\n", first->name, second->name);
	}
}

static void
ask(void)
{
	struct network from = network(word());
	const char *name = word(), *service = "-";
	struct tcpmux_span span = { NULL, strlen(name) };
	struct verdict v;

	span.p = guard_copy(&memory, name, span.len);
	v = table_decide(t, span, from.address);
	if (v.service != SERVICE_NONE)
		service = t->services[v.service].name;
	switch (v.what) {
	case VERDICT_HELP:
		(void)printf("help\n");
		break;
	case VERDICT_NEXT:
		(void)printf("next\n");
		break;
	case VERDICT_HAND_OVER:
		(void)printf("over %s\n", service);
		break;
	case VERDICT_REFUSE:
		(void)printf("refuse %s\n", service);
		break;
	}
}

static void
help(void)
{
	struct network from = network(word());
	char line[TCPMUX_REQUEST_MAX];
	struct tcpmux_span name;
	uint32_t i;
	ssize_t n;

	for (i = 0; i < t->nservices; i++) {
		i = table_listed(t, i, from.address);
		if (i == t->nservices)
			break;
		name.p = t->services[i].name;
		name.len = strlen(name.p);
		n = tcpmux_format_help(line, sizeof(line), name);
		if (n > 0)
			(void)fwrite(line, 1, (size_t)n, stdout);
	}
}

static void
obey(const char *command)
{
	if (strcmp(command, "new") == 0) {
		table_free(t);
		t = table_new();
		if (t == NULL)
			err(1, NULL);
	} else if (strcmp(command, "from") == 0)
		set_from(&t->access, word());
	else if (strcmp(command, "add") == 0)
		add();
	else if (strcmp(command, "finish") == 0)
		finish();
	else if (strcmp(command, "ask") == 0)
		ask();
	else if (strcmp(command, "help") == 0)
		help();
	else
		errx(1, "%s: unknown command", command);
}

int
main(void)
{
	char line[LINE_BYTES];
	const char *command;

	if (guard_init(&memory, LINE_BYTES) == -1)
		err(1, "mmap");
	while (fgets(line, sizeof(line), stdin) != NULL) {
		command = strtok(line, " \n");
		if (command == NULL)
			errx(1, "an empty line");
		obey(command);
		(void)putchar('\n');
	}
	table_free(t);
	guard_clear(&memory);
	if (fflush(stdout) == EOF || ferror(stdout) || ferror(stdin))
		err(1, "standard input or output");
	return 0;
}
