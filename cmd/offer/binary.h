/*
 * What a program is, before it is started: where it is found, and whether a
 * library can be preloaded into it.
 */

#ifndef CMD_OFFER_BINARY_H
#define CMD_OFFER_BINARY_H

#include <limits.h>

/*
 * Find a program as execvp(3) would, and write its path.  Returns 0, or -1
 * with errno: ENOENT, EACCES, ENAMETOOLONG.
 */
int binary_find(const char *name, char path[static PATH_MAX]);

/*
 * Why nothing can be preloaded into the program at path, in words to follow
 * its name; NULL if nothing is known that speaks against it.  If it is a
 * script, it is the interpreter that counts.
 */
const char *binary_why_not(const char *path);

#endif
