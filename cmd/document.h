/*
 * What tcpmuxd says of itself, as JSON.  Its keys are those of
 * tcpmux-control(7), with _ for each -; those that are not known are left out,
 * so that each has the same type for ever.
 */

#ifndef CMD_DOCUMENT_H
#define CMD_DOCUMENT_H

#include "cmd/json.h"
#include "cmd/snapshot.h"

/* One line as an object. */
void document_put_line(struct json *j, const struct snapshot_line *line);

/*
 * A key, and all lines of a word: an array of objects, as "services" of
 * "service"; or one object, if there is but one such line, as "tcpmuxd", and
 * null if it is missing.  It is a member of an object.
 */
void document_put_lines(struct json *j, const struct snapshot *s,
    const char *word);

/* All lines of all words that a snapshot has, as one object. */
void document_put(struct json *j, const struct snapshot *s);

#endif
