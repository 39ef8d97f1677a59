/*
 * The answer to HELP, of any server there is: names out of text, pure but for
 * the memory that they need.
 */

#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpmux.h"

/* What is more than that is no list. */
#define LIST_BYTES_MAX (1U << 20)
#define LIST_NAMES_MAX 65536U

struct list {
	char *bytes; /* the names, each with a NUL behind it */
	size_t len, room;
	uint32_t *places; /* of each in them */
	size_t n, places_room;
	size_t total; /* bytes that came */
	size_t lines; /* whole ones */
	char line[TCPMUX_REPLY_MAX];
	size_t have;
	bool is_long;                  /* the rest of a line is skipped */
	char remark[TCPMUX_REPLY_MAX]; /* the first line that is no name */
	size_t remark_len;
};

/* All bytes 0 are an empty list. */
void tcpmux_list_clear(struct list *l);

/*
 * Add what came.  Returns 0; TCPMUX_ERR_REFUSED if it begins with a line of
 * -, or TCPMUX_ERR_FOREIGN if it is no list, with what shows it in l->remark;
 * or TCPMUX_ERR_SYSTEM with errno.
 */
int tcpmux_list_feed(struct list *l, const char *buf, size_t len);

/*
 * Nothing more comes: is_cut says that it was a reset.  Returns likewise, or
 * TCPMUX_ERR_CLOSED if there is no answer.
 */
int tcpmux_list_end(struct list *l, bool is_cut);

/* The name at a place below l->n. */
const char *tcpmux_list_name(const struct list *l, size_t place);

#endif
