/*
 * A set of names, in any case: has this one been there before?
 *
 * Pure.  It takes as long for a hundred thousand names as for one.
 */

#ifndef CONF_NAMESET_H
#define CONF_NAMESET_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpmux.h"

/* A name and what is known of it; the name is borrowed. */
struct nameset_entry {
	struct tcpmux_span name; /* p is NULL: no entry */
	int line;
};

struct nameset {
	struct nameset_entry *entries;
	size_t size; /* 0, or a power of two */
	size_t used;
};

/* An empty set is all zero. */
void nameset_clear(struct nameset *s);

/* The line that name was added with, or 0 if it is not there. */
int nameset_find(const struct nameset *s, struct tcpmux_span name);

/*
 * Add name, which must outlive the set, with line, not 0; the first line
 * stays.  Returns 0, or -1 with ENOMEM.
 */
int nameset_add(struct nameset *s, struct tcpmux_span name, int line);

#endif
