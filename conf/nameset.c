/*
 * A set of names, in any case, as a hash table with open addresses.
 */

#include <stdint.h>
#include <stdlib.h>

#include "conf/nameset.h"

#define FIRST_SIZE 64

void
nameset_clear(struct nameset *s)
{
	free(s->entries);
	*s = (struct nameset){ 0 };
}

/* FNV-1a of the name in small letters. */
static uint32_t
hash_name(struct tcpmux_span name)
{
	uint32_t hash = 2166136261u;
	size_t i;

	for (i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c + ('a' - 'A'));
		hash = (hash ^ c) * 16777619u;
	}
	return hash;
}

/* The entry of name, or the free one where it would be; size is not 0. */
static struct nameset_entry *
find_entry(const struct nameset *s, struct tcpmux_span name)
{
	size_t i = hash_name(name) & (s->size - 1);

	while (s->entries[i].name.p != NULL &&
	    tcpmux_compare_names(s->entries[i].name, name) != 0)
		i = (i + 1) & (s->size - 1);
	return &s->entries[i];
}

int
nameset_find(const struct nameset *s, struct tcpmux_span name)
{
	return s->size == 0 ? 0 : find_entry(s, name)->line;
}

/* Keep half of the entries free, so that the way to one is short. */
static int
grow(struct nameset *s)
{
	struct nameset more = { NULL, 0, s->used };
	size_t i;

	more.size = s->size > 0 ? 2 * s->size : FIRST_SIZE;
	more.entries = calloc(more.size, sizeof(*more.entries));
	if (more.entries == NULL)
		return -1;
	for (i = 0; i < s->size; i++)
		if (s->entries[i].name.p != NULL)
			*find_entry(&more, s->entries[i].name) = s->entries[i];
	free(s->entries);
	*s = more;
	return 0;
}

int
nameset_add(struct nameset *s, struct tcpmux_span name, int line)
{
	struct nameset_entry *entry;

	if (2 * (s->used + 1) > s->size && grow(s) == -1)
		return -1;
	entry = find_entry(s, name);
	if (entry->name.p == NULL) {
		*entry = (struct nameset_entry){ name, line };
		s->used++;
	}
	return 0;
}
