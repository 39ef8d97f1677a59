/*
 * Text that grows as it is written: pieces of our configuration, comments.
 *
 * Pure.  Errors stick: after one, nothing more is written, and it is enough
 * to look at the end.
 */

#ifndef CONF_EMIT_H
#define CONF_EMIT_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpmux.h"

/* The most bytes of a stranger's text that a comment shows. */
#define EMIT_SHOWN_MAX 200

struct emit {
	char *text; /* not NUL-terminated; NULL while size is 0 */
	size_t len;
	size_t size;
	size_t max; /* the most bytes that may be written */
	int error;  /* 0, ENOMEM, or E2BIG beyond max */
};

void emit_init(struct emit *e, size_t max);
void emit_clear(struct emit *e);

/* Forget what has been written; its memory stays, and so does an error. */
void emit_restart(struct emit *e);

/* Write bytes as they are. */
void emit_bytes(struct emit *e, const char *p, size_t len);

/* Write as printf(3) would; at most 255 bytes at a time. */
void emit_format(struct emit *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Write s as a quoted string of the configuration, whatever is in it. */
void emit_quoted(struct emit *e, struct tcpmux_span s);

/*
 * Write s into a comment: what is not printable ASCII as \xHH, and "..." for
 * what comes after EMIT_SHOWN_MAX bytes.
 */
void emit_shown(struct emit *e, struct tcpmux_span s);

/*
 * Return all that was written, with a NUL behind it, the caller's to free();
 * or NULL with errno set to what went wrong.  Either way e is clear.
 */
char *emit_take(struct emit *e);

#endif
