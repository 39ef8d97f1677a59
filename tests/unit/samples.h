/*
 * The names and lines that the tests of the wire are made of.
 */

#ifndef TESTS_UNIT_SAMPLES_H
#define TESTS_UNIT_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "tcpmux.h"

/* More bytes than any line has. */
#define SAMPLE_MAX 4096

/* How many bytes a name can be made of. */
#define GRAPHIC_COUNT 94

/* The bytes of a string or of an array of char but for its NUL. */
#define SPAN(s) ((struct tcpmux_span){ (s), sizeof(s) - 1 })

/* The bytes of a name, 0x21 to 0x7e, as one types them. */
extern const char graphic[GRAPHIC_COUNT + 1];

/* Is c one of them? */
bool is_graphic(int c);

/* A line of len bytes x and then end; it lives until the next call. */
struct tcpmux_span line_of(size_t len, const char *end);

#endif
