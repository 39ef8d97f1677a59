/*
 * A table as the text of a configuration, in its one canonical form.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/section.h"

struct printing {
	FILE *out;
	FILE *scratch; /* what an option and its default look like */
	char *text;    /* of scratch */
	size_t size;
	const char *opening; /* of a section, until something is in it */
};

/*
 * Print an option if its field in base differs from that in plain.  Errors of
 * the streams, which can only be a lack of memory, are seen at their end.
 */
static void
print_option(struct printing *p, const struct option *o, const void *base,
    const void *plain, const char *indent)
{
	long middle, end;

	rewind(p->scratch);
	o->type->print(p->scratch, o, base);
	middle = ftell(p->scratch);
	o->type->print(p->scratch, o, plain);
	end = ftell(p->scratch);
	if (middle <= 0 || end < middle || fflush(p->scratch) == EOF)
		return;
	if (end == 2 * middle &&
	    memcmp(p->text, p->text + middle, (size_t)middle) == 0)
		return;
	(void)fprintf(p->out, "%s%s%s = %.*s\n", p->opening, indent, o->name,
	    (int)middle, p->text);
	p->opening = "";
}

static void
print_options(struct printing *p, enum section s, const void *base,
    const void *plain)
{
	const char *indent = s == SECTION_TOP ? "" : "\t";
	const struct option *o;

	for (o = option_list(s); o->name != NULL; o++)
		print_option(p, o, base, plain, indent);
}

/* A section that is left out if nothing is in it. */
static void
print_section(struct printing *p, const char *opening, enum section s,
    const void *base, const void *plain)
{
	p->opening = opening;
	print_options(p, s, base, plain);
	if (p->opening[0] == '\0')
		(void)fputs("}\n", p->out);
	p->opening = "";
}

static void
print_titled(struct printing *p, enum section s, const char *title)
{
	(void)fprintf(p->out, "%s ", option_section_name(s));
	value_quote(p->out, title, strlen(title));
	(void)fputs(" {\n", p->out);
}

static void
print_listen(struct printing *p, const struct listen *l)
{
	print_titled(p, SECTION_LISTEN, l->address);
	print_options(p, SECTION_LISTEN, l, &listen_default);
	(void)fputs("}\n", p->out);
}

static void
print_service(struct printing *p, const struct table *t,
    const struct service *s)
{
	struct service plain = service_default;
	const struct option *o;
	bool is_open =
	    s->has_access && s->access.nfrom == 0 && s->access.nnot_from == 0;

	plain.ok = t->words.ok;
	plain.service_replies = section_program_replies(s->kind);
	/* builtin is never left out. */
	plain.kind = s->kind == SERVICE_ECHO ? SERVICE_DISCARD : SERVICE_ECHO;
	print_titled(p, SECTION_SERVICE, s->name);
	for (o = option_list(SECTION_SERVICE); o->name != NULL; o++) {
		if ((o->kinds & 1U << s->kind) != 0)
			print_option(p, o, s, &plain, "\t");
		/* An empty list lets everybody in; none leaves it to others. */
		if (is_open && strcmp(o->name, "from") == 0)
			(void)fputs("\tfrom = {}\n", p->out);
	}
	(void)fputs("}\n", p->out);
}

static void
print_table(struct printing *p, const struct table *t,
    const struct table *plain)
{
	size_t i;

	print_options(p, SECTION_TOP, t, plain);
	print_section(p, "log {\n", SECTION_LOG, &t->log, &plain->log);
	print_section(p, "replies {\n", SECTION_REPLIES, &t->words,
	    &plain->words);
	for (i = 0; i < t->nlistens; i++)
		print_listen(p, &t->listens[i]);
	for (i = 0; i < t->nservices; i++)
		if (t->services[i].file != NULL)
			print_service(p, t, &t->services[i]);
}

char *
conf_print(const struct table *t)
{
	struct printing p = { .opening = "" };
	struct table *plain = table_new();
	size_t size;
	char *text = NULL;
	int errors = 0;

	p.out = open_memstream(&text, &size);
	p.scratch = open_memstream(&p.text, &p.size);
	if (plain != NULL && p.out != NULL && p.scratch != NULL) {
		print_table(&p, t, plain);
		errors = ferror(p.out) || ferror(p.scratch);
	} else {
		errors = 1;
	}
	if (p.scratch != NULL && fclose(p.scratch) == EOF)
		errors = 1;
	if (p.out != NULL && fclose(p.out) == EOF)
		errors = 1;
	table_free(plain);
	free(p.text);
	if (!errors)
		return text;
	free(text);
	errno = ENOMEM;
	return NULL;
}
