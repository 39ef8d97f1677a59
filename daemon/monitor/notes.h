/*
 * The notes: what one monitor leaves to the next in words, for the
 * board.
 *
 * It is a file in memory of lines, a word and what it tells.
 */

#ifndef DAEMON_MONITOR_NOTES_H
#define DAEMON_MONITOR_NOTES_H

#include "daemon/monitor/state.h"

/* Returns the file, for close(), or -1 with errno. */
int notes_write(const struct monitor *mon);

/*
 * Put what such a file tells on the board, before anybody serves; the file is
 * closed.  Returns 0; or -1 after saying why it cannot be.
 */
int notes_read(struct monitor *mon, int fd);

#endif
