/*
 * Tables of services, for tests.
 */

#ifndef TESTS_UNIT_SERVICES_H
#define TESTS_UNIT_SERVICES_H

#include "table/table.h"

/* The most bytes of the two functions below. */
#define ROOM 8192

/* For the group of tests: the memory of span() and room(). */
int map_guard(void **state);
int unmap_guard(void **state);

/*
 * Bytes of text, without its NUL, that end at an unreadable page; until the
 * next call.
 */
struct tcpmux_span span(const char *text);

/* The same for size bytes to write to. */
char *room(size_t size);

struct table *new_table(void);

/* Add a service of kind exec; returns its place until finish(). */
struct service *add(struct table *t, const char *name);

/* The same, with the n aliases at v, for a service that has none. */
void add_aliases(struct table *t, struct service *s, size_t n,
    const char *const *v);

/* Finish a table in which no two services have one name. */
void finish(struct table *t);

/* Let in whoever is in the network from, and nobody else. */
void set_from(struct table *t, struct access *a, const char *from);

/* The bytes of an address, until the next call. */
const uint8_t *address(const char *text);

#endif
