/*
 * What a client would rather have, by its Accept (RFC 9110, 12.5.1).
 */

#ifndef CMD_EXPORTER_ACCEPT_H
#define CMD_EXPORTER_ACCEPT_H

#include <stdbool.h>

/*
 * Does header, which may be NULL, name type, and prefer it to other, or not
 * prefer either?  Types are in lower case; parameters but q are not looked at.
 */
bool accept_prefers(const char *header, const char *type, const char *other);

#endif
