/*
 * Makes tables of services for tests, which fail if it does not work.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/guard.h"
#include "tests/unit/services.h"

static struct guard memory;

int
map_guard(void **state)
{
	(void)state;
	return guard_init(&memory, ROOM);
}

int
unmap_guard(void **state)
{
	(void)state;
	guard_clear(&memory);
	return 0;
}

struct tcpmux_span
span(const char *text)
{
	size_t len = strlen(text);

	return (struct tcpmux_span){ guard_copy(&memory, text, len), len };
}

char *
room(size_t size)
{
	return guard_last(&memory, size);
}

struct table *
new_table(void)
{
	struct table *t = table_new();

	assert_non_null(t);
	return t;
}

struct service *
add(struct table *t, const char *name)
{
	const struct service s = {
		.name = table_copy(t, name),
		.kind = SERVICE_EXEC,
		.file = "test",
	};
	struct service *added = table_add(t, &s);

	assert_non_null(added);
	return added;
}

void
add_aliases(struct table *t, struct service *s, size_t n, const char *const *v)
{
	const char **aliases = table_alloc(t, n * sizeof(*aliases));
	size_t i;

	assert_non_null(aliases);
	for (i = 0; i < n; i++)
		aliases[i] = table_copy(t, v[i]);
	s->aliases = aliases;
	s->naliases = n;
}

void
finish(struct table *t)
{
	const struct service *first, *second;

	assert_int_equal(table_finish(t, &first, &second), 0);
}

/* Only who comes from network may use s. */
void
set_from(struct table *t, struct access *a, const char *from)
{
	struct network *n = table_alloc(t, sizeof(*n));

	assert_non_null(n);
	assert_int_equal(network_parse(from, n), 0);
	*a = (struct access){ .from = n, .nfrom = 1 };
}

const uint8_t *
address(const char *text)
{
	static struct network n;

	assert_int_equal(network_parse(text, &n), 0);
	return n.address;
}
