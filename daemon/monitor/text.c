/*
 * Lines of text for whoever has asked at the control socket.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor/text.h"

/* The most digits of a number. */
#define DIGITS_MAX 20

void
text_begin(struct text *t, int fd)
{
	t->fd = fd;
	t->error = 0;
	t->len = 0;
}

int
text_flush(struct text *t)
{
	size_t done = 0;
	ssize_t n;

	while (done < t->len && t->error == 0) {
		n = write(t->fd, t->buf + done, t->len - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			t->error = n == 0 ? ENOSPC : errno;
	}
	t->len = 0;
	if (t->error == 0)
		return 0;
	errno = t->error;
	return -1;
}

/* There is room for so many bytes more, no more than TEXT_PIECE. */
static char *
room(struct text *t, size_t n)
{
	if (t->len + n > sizeof(t->buf))
		(void)text_flush(t); /* the error is kept */
	return t->buf + t->len;
}

static void
put(struct text *t, const char *p, size_t n)
{
	memcpy(room(t, n), p, n);
	t->len += n;
}

/* All that is put here is short, but for what strangers say. */
static void
put_string(struct text *t, const char *s)
{
	put(t, s, strlen(s));
}

static void
put_number(struct text *t, uint64_t n)
{
	char digits[DIGITS_MAX];
	size_t i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	put(t, digits + i, sizeof(digits) - i);
}

static void
put_escaped(struct text *t, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	const char escape[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

	put(t, escape, sizeof(escape));
}

static void
put_key(struct text *t, const char *key)
{
	put(t, " ", 1);
	put_string(t, key);
	put(t, "=", 1);
}

void
text_line(struct text *t, const char *word)
{
	put_string(t, word);
}

void
text_end(struct text *t)
{
	put(t, "\n", 1);
}

void
text_span(struct text *t, const char *key, struct tcpmux_span value)
{
	size_t i;

	put_key(t, key);
	for (i = 0; i < value.len; i++) {
		const unsigned char c = (unsigned char)value.p[i];

		if (c > ' ' && c < 0x7f && c != '"' && c != '\\')
			put(t, &value.p[i], 1);
		else
			put_escaped(t, c);
	}
}

void
text_string(struct text *t, const char *key, const char *value)
{
	text_span(t, key, (struct tcpmux_span){ value, strlen(value) });
}

void
text_number(struct text *t, const char *key, uint64_t value)
{
	put_key(t, key);
	put_number(t, value);
}

void
text_numbers(struct text *t, const char *key, const uint64_t *v, size_t n)
{
	size_t i;

	put_key(t, key);
	for (i = 0; i < n; i++) {
		if (i > 0)
			put(t, ",", 1);
		put_number(t, v[i]);
	}
}

void
text_time(struct text *t, const char *key, int64_t ms)
{
	const uint64_t n = ms > 0 ? (uint64_t)ms : 0;
	const char decimals[4] = { '.', (char)('0' + n / 100 % 10),
		(char)('0' + n / 10 % 10), (char)('0' + n % 10) };

	put_key(t, key);
	put_number(t, n / 1000);
	put(t, decimals, sizeof(decimals));
}
