/*
 * Memory that ends at an unreadable page: whoever reads or writes one byte
 * too many dies of SIGSEGV.
 */

#ifndef TESTS_UNIT_GUARD_H
#define TESTS_UNIT_GUARD_H

#include <stddef.h>

struct guard {
	char *base;
	size_t size; /* bytes before the unreadable page */
	size_t page; /* bytes of the unreadable page */
};

/*
 * Map at least size bytes and the unreadable page behind them.  Returns 0, or
 * -1 and errno of mmap(2) or mprotect(2).  The bytes are 0.
 */
int guard_init(struct guard *g, size_t size);

/* Unmap everything. */
void guard_clear(struct guard *g);

/* The last len bytes before the unreadable page; len is at most g->size. */
char *guard_last(const struct guard *g, size_t len);

/* The same, with a copy of the len bytes at p. */
char *guard_copy(const struct guard *g, const void *p, size_t len);

#endif
