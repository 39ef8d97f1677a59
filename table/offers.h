/*
 * The names that are offered while the daemon runs: a table that changes,
 * beside the one of the configuration, that does not.
 *
 * Pure: all memory is taken at the start.  Each name has a number, less than
 * the most names there may be, which stays its own until it is removed.
 */

#ifndef TABLE_OFFERS_H
#define TABLE_OFFERS_H

#include <stdint.h>

#include "tcpmux.h"

/* No name. */
#define OFFER_NONE UINT32_MAX

struct offers;

/* Room for max names.  Returns NULL with ENOMEM.  Free takes NULL, too. */
struct offers *offers_new(uint32_t max);
void offers_free(struct offers *o);

/* The number of a name, in any case, or OFFER_NONE. */
uint32_t offers_find(const struct offers *o, struct tcpmux_span name);

/*
 * Take in a good name of at most TCPMUX_OFFER_NAME_MAX bytes that is not
 * there.  Returns its number, or OFFER_NONE if there is no room.
 */
uint32_t offers_add(struct offers *o, struct tcpmux_span name);

/* Remove the name of this number, which is free from then on. */
void offers_remove(struct offers *o, uint32_t number);

/*
 * The name of a number, as it was added; it lives until it is removed, and
 * even then keeps its bytes until another takes its number.
 */
struct tcpmux_span offers_name(const struct offers *o, uint32_t number);

/*
 * The first number in the order of tcpmux_compare_names() whose name is
 * behind this one; an empty name is before all.  Or OFFER_NONE.
 */
uint32_t offers_behind(const struct offers *o, struct tcpmux_span name);

/* How many names there are. */
uint32_t offers_count(const struct offers *o);

#endif
