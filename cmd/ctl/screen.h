/*
 * The screen of top: what is on it, and the keys that are pressed.
 */

#ifndef CMD_CTL_SCREEN_H
#define CMD_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/ctl/rates.h"

/* What a key means. */
enum screen_key {
	SCREEN_NOTHING, /* no key, or one that means nothing */
	SCREEN_QUIT,
	SCREEN_HELP,
	SCREEN_ORDER, /* the next one */
	SCREEN_LOOK,  /* now */
	SCREEN_REDRAW,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_FIRST,
	SCREEN_LAST,
	SCREEN_GONE, /* the terminal has ended */
};

/* What is to be seen. */
struct screen_view {
	const struct rates *rates;
	enum rates_order order;
	size_t first;        /* of the services */
	const char *trouble; /* why there is nothing newer, or "" */
	bool is_help;
};

/*
 * Take the terminal at standard input and output over.  Returns 0, or -1 if
 * it cannot show this.
 */
int screen_open(void);

/* Give it back as it was; it may have been given back already. */
void screen_close(void);

/* Take it over again, or after it has changed its size; all is drawn anew. */
void screen_resume(void);

void screen_draw(const struct screen_view *view);

/* How many services there is room for; at least 1. */
size_t screen_rows(void);

/*
 * The next key, which does not wait; is_ready says that there is input, so
 * that none is the end of the terminal.
 */
enum screen_key screen_read(bool is_ready);

#endif
