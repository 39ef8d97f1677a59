/*
 * Text of others, as it may be shown to people.
 */

#ifndef CMD_ESCAPE_H
#define CMD_ESCAPE_H

#include <stddef.h>

/*
 * Write text into the size bytes at buf, size being at least 1, with every
 * byte that is not printable ASCII as \xHH and a NUL behind them.  What does
 * not fit is left out, and nothing is cut in two.  Returns its length.
 */
size_t escape_text(char *buf, size_t size, const char *text);

#endif
