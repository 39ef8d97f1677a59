/*
 * The board: what the monitor tells all processes at any moment.
 *
 * Whoever looks while a name is being written sees some of it, and finds that
 * it is not his, or that it is for the time of one request.
 */

#include "daemon/board.h"

struct tcpmux_span
board_name(const struct board *b, size_t place,
    char buf[static TCPMUX_NAME_MAX])
{
	const struct board_name *n = &b->names[place];
	struct tcpmux_span name = { buf, 0 };
	size_t i;

	name.len = atomic_load_explicit(&n->len, memory_order_acquire);
	for (i = 0; i < name.len; i++)
		buf[i] = (char)atomic_load_explicit(&n->text[i],
		    memory_order_relaxed);
	return name;
}

/* The place of a name, or BOARD_NAMES_MAX. */
static size_t
find(const struct board *b, struct tcpmux_span name)
{
	size_t n = atomic_load_explicit(&b->nnames, memory_order_acquire), i;
	char buf[TCPMUX_NAME_MAX];

	for (i = 0; i < n && i < BOARD_NAMES_MAX; i++)
		/* Most are not even as long. */
		if (atomic_load_explicit(&b->names[i].len,
			memory_order_relaxed) == name.len &&
		    tcpmux_compare_names(board_name(b, i, buf), name) == 0)
			return i;
	return BOARD_NAMES_MAX;
}

bool
board_is_drained(const struct board *b, struct tcpmux_span name)
{
	if (b == NULL)
		return false;
	return atomic_load_explicit(&b->draining, memory_order_relaxed) != 0 ||
	    (name.len > 0 && find(b, name) < BOARD_NAMES_MAX);
}

enum log_level
board_log_level(const struct board *b, enum log_level level)
{
	unsigned char now = 0;

	if (b != NULL)
		now = atomic_load_explicit(&b->log_level, memory_order_relaxed);
	return now != 0 ? (enum log_level)(now - 1) : level;
}

int
board_drain(struct board *b, struct tcpmux_span name)
{
	size_t place, i;

	if (find(b, name) < BOARD_NAMES_MAX)
		return 0;
	for (place = 0; place < BOARD_NAMES_MAX; place++)
		if (atomic_load(&b->names[place].len) == 0)
			break;
	if (place == BOARD_NAMES_MAX)
		return -1;
	for (i = 0; i < name.len; i++)
		atomic_store_explicit(&b->names[place].text[i],
		    (unsigned char)name.p[i], memory_order_relaxed);
	atomic_store_explicit(&b->names[place].len, (unsigned char)name.len,
	    memory_order_release);
	if (place >= atomic_load(&b->nnames))
		atomic_store_explicit(&b->nnames, (unsigned int)place + 1,
		    memory_order_release);
	return 1;
}

int
board_undrain(struct board *b, struct tcpmux_span name)
{
	const size_t place = find(b, name);

	if (place == BOARD_NAMES_MAX)
		return 0;
	atomic_store(&b->names[place].len, 0);
	return 1;
}
