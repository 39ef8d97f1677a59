/*
 * Reading lists of names leniently.
 *
 * Lines end with LF, with or without a CR, and NULs do not count.  What is a
 * name stays as it is; anything else is a remark, and is dropped.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/list.h"

void
tcpmux_list_clear(struct list *l)
{
	free(l->bytes);
	free(l->places);
	memset(l, 0, sizeof(*l));
}

/* Twice as much room, but enough, for elements of size bytes at *array. */
static int
grow(void **array, size_t *room, size_t needed, size_t size)
{
	size_t n = *room < 256 ? 256 : *room;
	void *p;

	if (needed <= *room)
		return 0;
	while (n < needed)
		n *= 2;
	p = realloc(*array, n * size);
	if (p == NULL)
		return -1;
	*array = p;
	*room = n;
	return 0;
}

static int
add_name(struct list *l, struct tcpmux_span name)
{
	void *bytes = l->bytes, *places = l->places;
	int failed;

	if (l->n == LIST_NAMES_MAX)
		return TCPMUX_ERR_FOREIGN;
	failed = grow(&bytes, &l->room, l->len + name.len + 1, 1);
	l->bytes = bytes;
	if (failed == 0)
		failed = grow(&places, &l->places_room, l->n + 1,
		    sizeof(*l->places));
	l->places = places;
	if (failed != 0)
		return TCPMUX_ERR_SYSTEM;
	l->places[l->n++] = (uint32_t)l->len;
	memcpy(l->bytes + l->len, name.p, name.len);
	l->bytes[l->len + name.len] = '\0';
	l->len += name.len + 1;
	return 0;
}

static bool
begins_with(struct tcpmux_span line, const char *text)
{
	const size_t len = strlen(text);

	return line.len >= len && memcmp(line.p, text, len) == 0;
}

/*
 * The first line says more than the others.  A web server and a server of SSH
 * are what people meet by mistake, and their first words look like names.
 */
static int
judge_first(struct list *l, struct tcpmux_span line)
{
	int error = 0;

	if (line.len > 0 && line.p[0] == '-')
		error = TCPMUX_ERR_REFUSED;
	else if (begins_with(line, "HTTP/") || begins_with(line, "SSH-"))
		error = TCPMUX_ERR_FOREIGN;
	if (error != 0) {
		memcpy(l->remark, line.p, line.len);
		l->remark_len = line.len;
	}
	return error;
}

static int
end_line(struct list *l)
{
	struct tcpmux_span line = { l->line, l->have };
	const bool is_long = l->is_long;
	int error;

	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	l->have = 0;
	l->is_long = false;
	if (l->lines++ == 0) {
		error = judge_first(l, line);
		if (error != 0 || (line.len > 0 && line.p[0] == '+'))
			return error;
	}
	if (line.len == 0)
		return 0;
	if (!is_long && tcpmux_check_name(line) == 0 && line.p[0] != '+' &&
	    line.p[0] != '-')
		return add_name(l, line);
	if (l->remark_len == 0) {
		memcpy(l->remark, line.p, line.len);
		l->remark_len = line.len;
	}
	return 0;
}

int
tcpmux_list_feed(struct list *l, const char *buf, size_t len)
{
	size_t i;
	int error;

	for (i = 0; i < len; i++) {
		if (++l->total > LIST_BYTES_MAX)
			return TCPMUX_ERR_FOREIGN;
		if (buf[i] == '\n') {
			error = end_line(l);
			if (error != 0)
				return error;
		} else if (l->have == sizeof(l->line)) {
			l->is_long = true;
		} else if (buf[i] != '\0') {
			l->line[l->have++] = buf[i];
		}
	}
	return 0;
}

int
tcpmux_list_end(struct list *l, bool is_cut)
{
	int error;

	/* A cut line may lack anything; without its end alone it is whole. */
	if (l->have > 0 && !is_cut) {
		error = end_line(l);
		if (error != 0)
			return error;
	}
	if (l->n > 0)
		return 0;
	if (l->remark_len > 0)
		return TCPMUX_ERR_FOREIGN;
	return l->lines == 0 || is_cut ? TCPMUX_ERR_CLOSED : 0;
}

const char *
tcpmux_list_name(const struct list *l, size_t place)
{
	return l->bytes + l->places[place];
}
