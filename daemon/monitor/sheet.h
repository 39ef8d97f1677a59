/*
 * A sheet: a text about the daemon that is often asked for, kept for a moment,
 * so that whoever asks all the time costs no more than the others.
 */

#ifndef DAEMON_MONITOR_SHEET_H
#define DAEMON_MONITOR_SHEET_H

#include <stdint.h>

/* It is kept for at least so long, and for so many times what it took. */
#define SHEET_MS    100
#define SHEET_TIMES 10

/* Zeroed memory is one that is not there. */
struct sheet {
	int fd;        /* a text of os/sealed.h, not sealed */
	int64_t until; /* when it is old; 0: it is not there */
};

/*
 * The text as write() writes it to a descriptor, for which it returns 0, or -1
 * with errno; or as it has done a moment ago.  Returns its descriptor, which
 * stays the sheet's, or -1 with errno.
 */
int sheet_get(struct sheet *s, int (*write)(const void *arg, int fd),
    const void *arg);

/* What it says is not so any more; or only if it is old by now. */
void sheet_drop(struct sheet *s);
void sheet_expire(struct sheet *s, int64_t now);

#endif
