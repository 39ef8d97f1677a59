/*
 * Claims: who has which name, in memory that outlives a registrar.
 */

#include <stdlib.h>
#include <string.h>

#include "daemon/registrar/claims.h"
#include "table/book.h"

/* Memory that is all 0 has no claims in it. */
struct claim {
	uint32_t uid;
	uint8_t len;
	char name[TCPMUX_OFFER_NAME_MAX];
};

uint32_t
claims_max(const struct generation *g)
{
	return book_names_max(g->max_offers);
}

size_t
claims_size(const struct generation *g)
{
	return claims_max(g) * sizeof(struct claim);
}

void
claims_set(struct claim *claims, uint32_t number, uint32_t uid,
    struct tcpmux_span name)
{
	struct claim *c;

	if (claims == NULL)
		return;
	c = &claims[number];
	c->uid = uid;
	c->len = (uint8_t)name.len;
	memcpy(c->name, name.p, name.len);
}

void
claims_clear(struct claim *claims, uint32_t number)
{
	/* Memory that was never written to is not taken for this. */
	if (claims != NULL && claims[number].len != 0)
		claims[number].len = 0;
}

int
claims_get(const struct claim *claims, uint32_t number, uint32_t *uid,
    char buf[static TCPMUX_OFFER_NAME_MAX], struct tcpmux_span *name)
{
	/* Whoever can still write there must not once we have looked. */
	const struct claim c = *(const volatile struct claim *)&claims[number];

	if (c.len == 0 || c.len > sizeof(c.name))
		return -1;
	memcpy(buf, c.name, c.len);
	*name = (struct tcpmux_span){ buf, c.len };
	*uid = c.uid;
	return tcpmux_check_name(*name) == 0 ? 0 : -1;
}

void
claims_inherit(const struct generation *g, const struct generation *old)
{
	const uint32_t max = claims_max(g);
	char buf[TCPMUX_OFFER_NAME_MAX];
	struct tcpmux_span name;
	uint32_t i, n = 0, uid;

	for (i = 0; i < claims_max(old) && n < max; i++)
		if (claims_get(old->claims, i, &uid, buf, &name) == 0)
			claims_set(g->claims, n++, uid, name);
}

struct claim *
claims_copy(const struct generation *g)
{
	const size_t size = claims_size(g);
	struct claim *copy = NULL;

	if (g->claims != NULL && size > 0)
		copy = malloc(size);
	if (copy != NULL)
		memcpy(copy, g->claims, size);
	return copy;
}
