/*
 * The configuration's text, to a table: takes the values that the
 * configuration library has found, section by section.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/scan.h"
#include "conf/section.h"

/* The longest message. */
#define SAY_MAX 768

/*
 * The first option of each section, which nobody can write: through it the
 * library's callbacks find what is being parsed.
 */
#define CONTEXT_NAME " "

/* An include or import that waits for the end of the text. */
struct reference {
	struct reference *next;
	bool is_import;
	int line;
	char path[];
};

/* The options of all sections, as the library wants them. */
struct library {
	cfg_opt_t options[SECTION_COUNT][OPTIONS_MAX];
	struct taking *context;
};

static struct taking *
context(const cfg_t *cfg)
{
	return *(void **)cfg->opts[0].simple_value.ptr;
}

/* The library has met something that scan_text() should have found. */
static void
say_library(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[SAY_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	taking_say(context(cfg), cfg->line, "%s: see tcpmuxd.conf(5)", text);
}

/* One more value of an option: keep it with its line. */
static int
parse_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	size_t size = strlen(text) + 1;
	struct value *v = malloc(sizeof(*v) + size);

	(void)opt;
	if (v == NULL) {
		context(cfg)->is_out_of_memory = true;
		return -1;
	}
	v->line = cfg->line;
	memcpy(v->text, text, size);
	*(void **)result = v;
	return 0;
}

/* The same for what may stand several times. */
static int
parse_reference(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	struct taking *k = context(cfg);
	size_t size = strlen(text) + 1;
	struct reference *r = malloc(sizeof(*r) + size);

	if (r == NULL) {
		k->is_out_of_memory = true;
		return -1;
	}
	r->is_import = strcmp(opt->name, "import") == 0;
	r->line = cfg->line;
	memcpy(r->path, text, size);
	r->next = k->references;
	k->references = r;
	return parse_value(cfg, opt, text, result);
}

/*
 * A section has been read: take it into the table, and forget it, so that the
 * library does not compare its title with that of every other one.
 */
static int
take_section(cfg_t *cfg, cfg_opt_t *opt)
{
	struct taking *k = context(cfg);
	cfg_t *section = cfg_opt_getnsec(opt, 0);

	switch (option_find_section(opt->name)) {
	case SECTION_LOG:
		section_take(k, section, SECTION_LOG, &k->t->log);
		break;
	case SECTION_REPLIES:
		section_take(k, section, SECTION_REPLIES, &k->t->words);
		break;
	case SECTION_LISTEN:
		section_take_listen(k, section);
		break;
	default:
		section_take_service(k, section);
		break;
	}
	k->mark++;
	if (cfg_opt_rmnsec(opt, 0) != CFG_SUCCESS)
		return -1;
	return k->is_out_of_memory ? -1 : 0;
}

/* Make the library's options of one section. */
static void
library_set_options(struct library *l, enum section s)
{
	static const cfg_opt_t empty = CFG_END();
	const struct option *o;
	cfg_opt_t *c = l->options[s];

	*c = empty;
	c->name = CONTEXT_NAME;
	c->type = CFGT_PTR;
	c->simple_value.ptr = (void **)&l->context;
	c++;
	for (o = option_list(s); o->name != NULL; o++, c++) {
		*c = empty;
		c->name = o->name;
		c->type = CFGT_PTR;
		c->flags = CFGF_LIST | CFGF_NODEFAULT;
		c->parsecb =
		    o->type == &type_reference ? parse_reference : parse_value;
		c->freecb = free;
	}
	*c = empty;
}

/* Make those of the top level, which has the other sections in it. */
static void
library_init(struct library *l, struct taking *k)
{
	static const cfg_opt_t empty = CFG_END();
	enum section s;
	cfg_opt_t *c;

	l->context = k;
	for (s = SECTION_TOP; s < SECTION_COUNT; s++)
		library_set_options(l, s);
	for (c = l->options[SECTION_TOP]; c->name != NULL; c++)
		;
	for (s = SECTION_LOG; s < SECTION_COUNT; s++, c++) {
		*c = empty;
		c->name = option_section_name(s);
		c->type = CFGT_SEC;
		c->flags = CFGF_MULTI | CFGF_NODEFAULT;
		if (s == SECTION_LISTEN || s == SECTION_SERVICE)
			c->flags |= CFGF_TITLE;
		c->subopts = l->options[s];
		c->validcb = take_section;
	}
	*c = empty;
}

/* Tell of each include and import, in order, and forget them. */
static void
tell_references(struct taking *k)
{
	struct reference *first = NULL, *r;

	while ((r = k->references) != NULL) {
		k->references = r->next;
		r->next = first;
		first = r;
	}
	while ((r = first) != NULL) {
		first = r->next;
		if (k->is_out_of_memory || k->refer == NULL)
			; /* nobody is told */
		else if (r->is_import)
			k->refer->import(k->refer->arg, r->path, k->file,
			    r->line);
		else
			k->refer->include(k->refer->arg, r->path, k->file,
			    r->line);
		free(r);
	}
}

/* Let the library read text, whose structure is right. */
static void
take_text(struct taking *k, const char *text)
{
	struct library library;
	cfg_t *cfg;

	library_init(&library, k);
	cfg = cfg_init(library.options[SECTION_TOP], CFGF_NONE);
	if (cfg == NULL) {
		k->is_out_of_memory = true;
		return;
	}
	(void)cfg_set_error_function(cfg, say_library); /* there was none */
	if (text[0] == '\0' || cfg_parse_buf(cfg, text) == CFG_SUCCESS)
		section_take(k, cfg, SECTION_TOP, k->t);
	else if (k->report->mistakes == 0)
		k->is_out_of_memory = true; /* or it would have been said */
	(void)cfg_free(cfg);                /* it is there */
}

int
conf_parse(struct table *t, const char *file, const char *text,
    const struct conf_refer *refer, struct conf_report *report)
{
	struct taking k = { .t = t, .refer = refer, .report = report };
	char *copy;

	k.file = taking_copy(&k, file);
	copy = strdup(text);
	if (k.file == NULL || copy == NULL || scan_text(&k, copy) == -1)
		k.is_out_of_memory = true;
	else
		take_text(&k, copy);
	free(copy);
	free(k.marks);
	tell_references(&k);
	return k.is_out_of_memory ? -1 : 0;
}

/* Two services have one name: say so where the second is. */
static void
say_twice(struct conf_report *report, const struct service *first,
    const struct service *second)
{
	char text[SAY_MAX];

	if (first == second)
		(void)snprintf(text, sizeof(text),
		    "service \"%s\": has one name twice: leave one out",
		    second->name);
	else if (first->file == NULL)
		(void)snprintf(text, sizeof(text),
		    "service \"%s\": has the name of the mux itself, tcpmux: "
		    "choose another",
		    second->name);
	else
		(void)snprintf(text, sizeof(text),
		    "service \"%s\": has a name that service \"%s\" has, in "
		    "%s:%d, whatever the case: choose another",
		    second->name, first->name, first->file, first->line);
	report->mistakes++;
	report->say(report->arg, false, second->file, second->line, text);
}

int
conf_finish(struct table *t, struct conf_report *report)
{
	const struct service *first, *second;

	while (table_finish(t, &first, &second) == -1) {
		if (errno != EEXIST)
			return -1;
		if (second->file == NULL) /* the mux's own, put there first */
			say_twice(report, second, first);
		else
			say_twice(report, first, second);
	}
	return 0;
}
