/*
 * The resolver: looks up the names of back ends again and again, so that no
 * connection ever waits for that.  There is one only if there are names.
 *
 * Its results are in memory that it shares with the relays.  The monitor fills
 * it before any of them is there, and from then on the resolver alone writes;
 * a reader that meets it writing reads again.
 */

#ifndef DAEMON_RELAY_RESOLVER_H
#define DAEMON_RELAY_RESOLVER_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "daemon/pulse.h"

/* The most addresses of one name that are tried. */
#define RESOLVED_MAX 8

/* How often names are looked up again, and again after a failure. */
#define RESOLVE_EVERY_MS 30000
#define RESOLVE_RETRY_MS 5000

/* Bytes of zeroed memory for the results of n names. */
size_t resolved_size(uint32_t n);

/*
 * Take what is known of the names of t from what an older generation knows.
 */
void resolved_inherit(struct resolved *r, const struct table *t,
    const struct resolved *old, const struct table *old_table);

/*
 * Copy the addresses of a name, the last good ones.  Returns how many, 0 if
 * it never had one.
 */
size_t resolved_get(const struct resolved *r, uint32_t name,
    uint8_t address[static RESOLVED_MAX][ADDRESS_BYTES]);

/* Look up g->table->names until control ends.  Never returns. */
void resolver_run(const struct generation *g, int control, struct pulse *pulse)
    __attribute__((noreturn));

#endif
