/*
 * A text that grows: the body of an answer, with what strangers have named
 * made harmless for the format that it goes into.
 */

#ifndef CMD_EXPORTER_BODY_H
#define CMD_EXPORTER_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/snapshot.h"

/* No answer is longer; one that would be has failed. */
#define BODY_MAX ((size_t)64 * 1024 * 1024)

/* Not NUL-terminated.  Once failed, what is added is dropped. */
struct body {
	char *text; /* from malloc(3), or NULL */
	size_t len;
	size_t room;
	bool failed; /* no memory, or too long */
};

void body_init(struct body *b);
void body_clear(struct body *b);

/* Add bytes as they are. */
void body_add(struct body *b, const char *p, size_t len);
void body_put(struct body *b, const char *text);
void body_number(struct body *b, uint64_t n);

/* The same as printf(3); for numbers, as nothing is escaped. */
__attribute__((format(printf, 2, 3))) void body_format(struct body *b,
    const char *fmt, ...);

/*
 * Add text of anybody: as text or an attribute's value of HTML; or as the value
 * of a label of Prometheus, without its quotes.  Bytes that are not printable
 * ASCII become \xHH, as nobody knows in which encoding they are.
 */
void body_add_html(struct body *b, const char *text);
void body_add_label(struct body *b, const char *text);

/*
 * Add a snapshot as JSON, as tcpmuxctl(8) does; or, if it is NULL, why there is
 * none.
 */
void body_add_document(struct body *b, const struct snapshot *s,
    const char *why);

#endif
