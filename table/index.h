/*
 * An index of names: which service has this one, in any case?
 *
 * Pure but for its memory, which is sized once.  To find a name takes one
 * look at the slots and one at the name, however many there are.
 */

#ifndef TABLE_INDEX_H
#define TABLE_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "tcpmux.h"

/* What is found for a name that nobody has. */
#define INDEX_NONE UINT32_MAX

struct table_index;

/*
 * An index with room for so many names, with so many bytes in all.  Returns
 * NULL with errno ENOMEM.  index_free(NULL) does nothing.
 */
struct table_index *index_new(size_t names, size_t bytes);
void index_free(struct table_index *x);

/*
 * Add name, for which there is room, of service, which is not INDEX_NONE.
 * Returns INDEX_NONE; or the service that has it already, which keeps it.
 * What is not a good name is left out, as nobody can ask for it.
 */
uint32_t index_add(struct table_index *x, struct tcpmux_span name,
    uint32_t service);

/* The service that has name, in any case, or INDEX_NONE. */
uint32_t index_find(const struct table_index *x, struct tcpmux_span name);

#endif
