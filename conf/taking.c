/*
 * The parsing of one text: what all who take part in it share.
 */

#include <stdarg.h>
#include <stdio.h>

#include "conf/taking.h"

/* The longest message. */
#define SAY_MAX 768

void
taking_say(struct taking *k, int line, const char *fmt, ...)
{
	char text[SAY_MAX], *p;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut if too long */
	va_end(ap);
	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	k->report->mistakes++;
	k->report->say(k->report->arg, false, k->file, line, text);
}

const struct mark *
taking_mark(const struct taking *k)
{
	return &k->marks[k->mark];
}

void *
taking_alloc(struct taking *k, size_t size)
{
	void *p = table_alloc(k->t, size);

	if (p == NULL)
		k->is_out_of_memory = true;
	return p;
}

const char *
taking_copy(struct taking *k, const char *text)
{
	const char *copy = table_copy(k->t, text);

	if (copy == NULL)
		k->is_out_of_memory = true;
	return copy;
}
