/*
 * Claims: who has which name, in memory that outlives a registrar.
 *
 * The registrar writes; the next one reads, and believes nothing that is no
 * name.
 */

#ifndef DAEMON_REGISTRAR_CLAIMS_H
#define DAEMON_REGISTRAR_CLAIMS_H

#include "daemon/generation.h"
#include "tcpmux.h"

/* How many claims there is room for. */
uint32_t claims_max(const struct generation *g);

/* Bytes of zeroed memory, shared by registrars, for g->claims. */
size_t claims_size(const struct generation *g);

/*
 * Note in claims, if it is not NULL, that uid has a name, which has this
 * number; or that nobody has.
 */
void claims_set(struct claim *claims, uint32_t number, uint32_t uid,
    struct tcpmux_span name);
void claims_clear(struct claim *claims, uint32_t number);

/*
 * Who has the name of this number, and which: sets *uid and *name, which
 * lives as long as buf.  Returns 0, or -1 if nobody has, or what stands there
 * cannot be.
 */
int claims_get(const struct claim *claims, uint32_t number, uint32_t *uid,
    char buf[static TCPMUX_OFFER_NAME_MAX], struct tcpmux_span *name);

/* Copy as many of the claims of another generation as have room in g. */
void claims_inherit(const struct generation *g, const struct generation *old);

/*
 * Copy all claims of g, the caller's to free().  Returns NULL if there are
 * none, or no memory.  g's own stay until they are set anew or cleared: who is
 * killed between leaves them to the next one.
 */
struct claim *claims_copy(const struct generation *g);

#endif
