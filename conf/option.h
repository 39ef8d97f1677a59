/*
 * Options of the configuration: what each is called, what it takes, and which
 * field of the table it sets.
 *
 * Of the configuration's own files only; others see conf.h.
 */

#ifndef CONF_OPTION_H
#define CONF_OPTION_H

#include <confuse.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"
#include "table/table.h"

/* The most options of a section, sections and the last one included. */
#define OPTIONS_MAX 56

/* Where an option may stand. */
enum section {
	SECTION_TOP,
	SECTION_LOG,
	SECTION_REPLIES,
	SECTION_LISTEN,
	SECTION_SERVICE,
	SECTION_COUNT
};

/* One value as it stands in the text. */
struct value {
	int line;
	char text[];
};

/* What the first look has found of a section. */
struct mark {
	int line;
	int empty_line;   /* of an option that has no value, the last one */
	bool is_doubtful; /* something in it has been blanked out */
};

/* The parsing of one text, and where its mistakes are said. */
struct taking {
	struct table *t;
	const char *file; /* belongs to t */
	struct conf_report *report;
	const struct conf_refer *refer;
	struct reference *references; /* the last first */
	struct mark *marks; /* of the sections, in the order of the text */
	size_t nmarks;
	size_t mark; /* the section that is being taken */
	bool is_out_of_memory;
};

struct option;

/* What kind of value an option takes, and how it is written. */
struct option_type {
	bool is_list;
	bool may_be_empty; /* as in from = {} */
	/* Set the fields in the struct at base from values, one if no list. */
	void (*take)(struct taking *k, const struct option *o,
	    const cfg_opt_t *values, void *base);
	void (*print)(FILE *f, const struct option *o, const void *base);
};

struct option {
	const char *name;
	const struct option_type *type;
	size_t offset;            /* of its field in the section's struct */
	size_t count_offset;      /* of the number of a list, if it has one */
	uint64_t min, max;        /* of a number */
	const char *const *words; /* of a choice; ends with NULL */
	unsigned int kinds;       /* of services that have it, 1 << kind */
};

/* The options of a section, sorted by name; the last has no name. */
const struct option *option_list(enum section s);

/* How the section is written, and spoken of, as in "a service". */
const char *option_section_name(enum section s);
const char *option_section_prose(enum section s);

/* The option of this section with this name, or NULL. */
const struct option *option_find(enum section s, const char *name);

/* The section with this name, or SECTION_COUNT. */
enum section option_find_section(const char *name);

/* Another section that has an option with this name, or SECTION_COUNT. */
enum section option_elsewhere(enum section s, const char *name);

/*
 * The option of s, or the section in it, whose name is nearest to name, or
 * NULL if none is near.
 */
const char *option_nearest(enum section s, const char *name);

/* The same of the first other section that has one; *other is set to it. */
const char *option_nearest_elsewhere(enum section s, const char *name,
    enum section *other);

/*
 * Say that something is wrong in the text that is being taken, as in "max =
 * ten: not a number: write 0 or more".  What is no printable character
 * becomes a question mark.
 */
void taking_say(struct taking *k, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The section that is being taken. */
const struct mark *taking_mark(const struct taking *k);

/* The value number i of an option, as parsed. */
const struct value *value_at(const cfg_opt_t *values, unsigned int i);

#endif
