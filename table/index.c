/*
 * The index of names: a hash table with open addressing.
 *
 * A slot holds the hash of a name and where the name is in one long text, so
 * that a look at the slots seldom leads to a name that is not the one.  The
 * names are there in lower case.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table/index.h"

/* Names are placed at multiples of four bytes, so that 32 bits reach far. */
#define ALIGN 4

struct slot {
	uint32_t hash;
	uint32_t place; /* of the name in the text; 0: the slot is free */
};

struct name {
	uint32_t service;
	uint8_t len;
	char text[];
};

struct table_index {
	struct slot *slots;
	size_t mask; /* one less than the number of slots, a power of 2 */
	char *text;
	size_t used, size; /* bytes of the text */
};

/* Bytes of the text that a name of len bytes takes, at most. */
static size_t
name_size(size_t len)
{
	return (offsetof(struct name, text) + len + ALIGN - 1) / ALIGN * ALIGN;
}

struct table_index *
index_new(size_t names, size_t bytes)
{
	struct table_index *x = calloc(1, sizeof(*x));
	size_t nslots = 4;

	if (x == NULL)
		return NULL;
	/* At most half of the slots are taken. */
	while (nslots < 2 * names)
		nslots *= 2;
	x->mask = nslots - 1;
	/* The first place stands for none. */
	x->used = ALIGN;
	x->size = ALIGN + bytes + names * name_size(0);
	if (x->size / ALIGN > UINT32_MAX) {
		errno = ENOMEM;
		goto fail;
	}
	x->slots = calloc(nslots, sizeof(*x->slots));
	x->text = calloc(1, x->size);
	if (x->slots == NULL || x->text == NULL)
		goto fail;
	return x;
fail:
	index_free(x);
	return NULL;
}

void
index_free(struct table_index *x)
{
	if (x == NULL)
		return;
	free(x->slots);
	free(x->text);
	free(x);
}

/* FNV-1a, and a last stir because only its lower bits choose the slot. */
static uint32_t
hash_name(const char *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3;
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15;
	return (uint32_t)(h >> 32);
}

static struct name *
name_at(const struct table_index *x, uint32_t place)
{
	return (struct name *)(void *)(x->text + (size_t)place * ALIGN);
}

/* The slot of the len bytes at folded, or the free one where it would be. */
static struct slot *
slot_of(const struct table_index *x, const char *folded, size_t len,
    uint32_t hash)
{
	const struct name *name;
	struct slot *slot;
	size_t i;

	for (i = hash & x->mask;; i = (i + 1) & x->mask) {
		slot = &x->slots[i];
		if (slot->place == 0)
			return slot;
		if (slot->hash != hash)
			continue;
		name = name_at(x, slot->place);
		if (name->len == len && memcmp(name->text, folded, len) == 0)
			return slot;
	}
}

uint32_t
index_add(struct table_index *x, struct tcpmux_span name, uint32_t service)
{
	char folded[TCPMUX_NAME_MAX];
	ssize_t len = tcpmux_fold_name(folded, sizeof(folded), name);
	struct slot *slot;
	struct name *added;
	uint32_t hash;

	/* Nobody can ask for a name that is not good. */
	if (len < 0 || name_size((size_t)len) > x->size - x->used)
		return INDEX_NONE;
	hash = hash_name(folded, (size_t)len);
	slot = slot_of(x, folded, (size_t)len, hash);
	if (slot->place != 0)
		return name_at(x, slot->place)->service;
	slot->hash = hash;
	slot->place = (uint32_t)(x->used / ALIGN);
	added = name_at(x, slot->place);
	added->service = service;
	added->len = (uint8_t)len;
	memcpy(added->text, folded, (size_t)len);
	x->used += name_size((size_t)len);
	return INDEX_NONE;
}

uint32_t
index_find(const struct table_index *x, struct tcpmux_span name)
{
	char folded[TCPMUX_NAME_MAX];
	ssize_t len = tcpmux_fold_name(folded, sizeof(folded), name);
	const struct slot *slot;

	if (len < 0)
		return INDEX_NONE;
	slot = slot_of(x, folded, (size_t)len, hash_name(folded, (size_t)len));
	if (slot->place == 0)
		return INDEX_NONE;
	return name_at(x, slot->place)->service;
}
