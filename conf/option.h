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

#include "conf/taking.h"
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

/* The value number i of an option, as parsed. */
const struct value *value_at(const cfg_opt_t *values, unsigned int i);

#endif
