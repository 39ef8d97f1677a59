/*
 * Transcripts played to lib/wire.c and table/table.c alone, in memory.
 *
 * Standard input brings the client's segments, each a length of four bytes in
 * the machine's order and as many bytes; the length END is its end of input.
 * To each segment the door says its replies, framed likewise, END if it
 * closes, and an empty frame when it waits for the next segment.
 *
 * What is parsed always ends where an unreadable page begins.
 */

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table/words.h"
#include "tcpmux.h"
#include "tests/unit/guard.h"

#define END UINT32_MAX

struct talk {
	unsigned int flags;
	bool is_over;
	struct guard input; /* where what is parsed ends */
	char held[TCPMUX_REQUEST_MAX];
	size_t len; /* of held */
};

static void
put_frame(uint32_t len, const char *text)
{
	if (fwrite(&len, sizeof(len), 1, stdout) != 1 ||
	    (len != END && len > 0 && fwrite(text, 1, len, stdout) != len))
		err(1, "stdout");
}

static void
talk_answer(struct talk *t, struct answer a)
{
	put_frame((uint32_t)a.text.len, a.text.p);
	if (a.then == ANSWER_CLOSE) {
		t->is_over = true;
		put_frame(END, NULL);
	}
}

/* Answer the first request held.  Returns false if it is not whole yet. */
static bool
talk_step(struct talk *t)
{
	struct tcpmux_span name;
	ssize_t n;

	n = tcpmux_parse_request(guard_copy(&t->input, t->held, t->len), t->len,
	    t->flags, &name);
	if (n == 0)
		return false;
	if (n < 0) {
		talk_answer(t,
		    words_refuse(&words_default, (enum refusal)(-n)));
		return true;
	}
	talk_answer(t, words_answer(&words_default, name));
	t->len -= (size_t)n;
	memmove(t->held, t->held + n, t->len);
	return true;
}

/* Take a segment in pieces of what a request may be at most. */
static void
talk_segment(struct talk *t, uint32_t len)
{
	size_t n;

	for (; len > 0; len -= (uint32_t)n) {
		if (t->is_over)
			t->len = 0;
		n = sizeof(t->held) - t->len;
		if (n > len)
			n = len;
		if (n == 0 || fread(t->held + t->len, 1, n, stdin) != n)
			errx(1, "no room, or a segment cut short");
		t->len += n;
		while (!t->is_over && talk_step(t))
			continue;
	}
}

int
main(int argc, char *argv[])
{
	struct talk t = { .flags = TCPMUX_STRICT };
	uint32_t len;

	if (guard_init(&t.input, sizeof(t.held)) == -1)
		err(1, "guard");
	if (argc > 1 && strcmp(argv[1], "--lenient") == 0)
		t.flags = TCPMUX_LENIENT;
	while (fread(&len, sizeof(len), 1, stdin) == 1) {
		if (len != END)
			talk_segment(&t, len);
		else if (!t.is_over)
			put_frame(END, NULL);
		put_frame(0, NULL);
		if (fflush(stdout) == EOF)
			err(1, "stdout");
	}
	return 0;
}
