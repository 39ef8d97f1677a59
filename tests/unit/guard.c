/*
 * Maps memory that ends at an unreadable page, and puts bytes at its end.
 */

#include <sys/mman.h>

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/guard.h"

int
guard_init(struct guard *g, size_t size)
{
	int saved;

	g->page = (size_t)sysconf(_SC_PAGESIZE);
	g->size = (size + g->page - 1) / g->page * g->page;
	g->base = mmap(NULL, g->size + g->page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->base == MAP_FAILED)
		return -1;
	if (mprotect(g->base + g->size, g->page, PROT_NONE) == -1)
		goto fail;
	return 0;
fail:
	saved = errno;
	guard_clear(g);
	errno = saved;
	return -1;
}

void
guard_clear(struct guard *g)
{
	/* It can only fail for what was never mapped. */
	(void)munmap(g->base, g->size + g->page);
	g->base = NULL;
}

char *
guard_last(const struct guard *g, size_t len)
{
	assert(len <= g->size);
	return g->base + g->size - len;
}

char *
guard_copy(const struct guard *g, const void *p, size_t len)
{
	char *copy = guard_last(g, len);

	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}
