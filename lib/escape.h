/*
 * Bytes of others, as they may be shown to people.
 */

#ifndef LIB_ESCAPE_H
#define LIB_ESCAPE_H

#include <stddef.h>

/*
 * Write the len bytes at p into the size bytes at buf, size being at least 1,
 * with every byte that is not printable ASCII as \xHH and a NUL behind them.
 * What does not fit is left out, and nothing is cut in two.
 */
void tcpmux_escape(char *buf, size_t size, const char *p, size_t len);

#endif
