/*
 * A whole file at once.
 */

#ifndef OS_FILE_H
#define OS_FILE_H

#include <stddef.h>
#include <sys/stat.h>

/*
 * Read the regular file at path, which has at most max bytes, and set *len,
 * and *st to what it is.  Returns its bytes with a NUL behind them, the
 * caller's to free(); or NULL with errno: of open(2), read(2) or malloc(3),
 * EFBIG if it is larger, or EINVAL if it is no regular file.
 */
char *file_read(const char *path, size_t max, size_t *len, struct stat *st);

#endif
