/*
 * The answer to HELP: one sorted list of the services and the offered names
 * (rule 33), which goes out piece by piece, while offers come and go.
 *
 * How far it is, c knows: c->service is the last name of which anything was
 * sent, and c->done how much of its line.  It is a service or an offered name
 * as in takers.h.  Should that be removed meanwhile, its bytes are still
 * there: its number is the last that is taken again.
 */

#ifndef DAEMON_FRONT_HELP_H
#define DAEMON_FRONT_HELP_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/front/conn.h"

/* c->service at first, with c->done 0. */
#define HELP_BEGIN UINT32_MAX

/* The most bytes of a piece. */
#define HELP_PIECE 4096

/*
 * Write the next piece for c.  Returns its bytes; *ends is set if nothing
 * comes behind them.
 */
size_t help_write(const struct conn *c, const struct mux *m,
    char buf[static HELP_PIECE], bool *ends);

/* Of the piece in buf n bytes have been sent, at least one. */
void help_move_on(struct conn *c, const struct mux *m, const char *buf,
    size_t n);

#endif
