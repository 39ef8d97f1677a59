/*
 * How many offers and kept names each user has.
 *
 * Pure: all memory is taken at the start.  A user who has nothing takes none.
 */

#ifndef TABLE_TALLY_H
#define TABLE_TALLY_H

#include <stdint.h>

enum tally_what {
	TALLY_OFFERS,
	TALLY_KEPT,
	TALLY_COUNT
};

struct tally;

/* Room for max things in all.  Returns NULL with ENOMEM. */
struct tally *tally_new(uint32_t max);
void tally_free(struct tally *t);

/* One more, or one less, of uid's. */
void tally_add(struct tally *t, uint32_t uid, enum tally_what what);
void tally_take(struct tally *t, uint32_t uid, enum tally_what what);

/* How many uid has. */
uint32_t tally_get(const struct tally *t, uint32_t uid, enum tally_what what);

#endif
