/*
 * HTTP, by libmicrohttpd: three addresses, to read and nothing else.
 */

#ifndef CMD_EXPORTER_WEB_H
#define CMD_EXPORTER_WEB_H

#include <stdint.h>

#include "cmd/exporter/answers.h"
#include "cmd/exporter/options.h"

struct web;

/*
 * Serve at a listening socket, which is the caller's to close afterwards; a and
 * o are borrowed until web_close().  Returns NULL with errno.
 */
struct web *web_open(int fd, struct answers *a,
    const struct exporter_options *o);

void web_close(struct web *w);

/* A descriptor to poll for input, and for how long at most; -1 is for ever. */
int web_fd(const struct web *w);
int web_timeout(const struct web *w);

/* Go as far as it goes without waiting, but for the daemon: see source.h. */
void web_run(struct web *w);

#endif
