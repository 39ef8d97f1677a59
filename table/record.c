/*
 * Log lines: formatting by hand, since every connection pays for one.
 *
 * A line is filled from the front.  Values of which nobody knows the length
 * may go as far as its end; room for all numbers is kept behind that, so
 * that whatever is in a record, its line is whole.
 */

#include <string.h>

#include "table/record.h"

/* Room for the numbers, their keys, and what ends a line. */
#define NUMBERS_MAX 256

/* Room for a key, what stands around it and its value, and "...". */
#define KEY_MAX 24

/* 9999-12-31T23:59:59.999Z: years have four digits. */
#define TIME_LAST_MS INT64_C(253402300799999)

/* Days of four hundred, a hundred, four years and one. */
#define DAYS_400 146097U
#define DAYS_100 36524U
#define DAYS_4   1461U
#define DAYS_1   365U

/* From 1 March of the year 0 to 1 January 1970. */
#define DAYS_TO_1970 719468U

struct line {
	char *p;   /* the next byte */
	char *end; /* of the values that can be long */
	bool json;
	bool begun; /* there is a key already */
};

const struct record record_empty = {
	.in = RECORD_UNKNOWN,
	.out = RECORD_UNKNOWN,
	.ms = RECORD_UNKNOWN,
	.status = RECORD_UNKNOWN,
	.signal = RECORD_UNKNOWN,
};

static void
put_bytes(struct line *l, const char *s, size_t len)
{
	memcpy(l->p, s, len);
	l->p += len;
}

static void
put_number(struct line *l, uint64_t n)
{
	char digits[20]; /* of UINT64_MAX */
	char *d = digits + sizeof(digits);

	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10) != 0);
	put_bytes(l, d, (size_t)(digits + sizeof(digits) - d));
}

/* A number with leading zeros, of a fixed number of digits. */
static void
put_digits(struct line *l, unsigned int n, int digits)
{
	int i;

	for (i = digits - 1; i >= 0; i--) {
		l->p[i] = (char)('0' + n % 10);
		n /= 10;
	}
	l->p += digits;
}

static void
put_key(struct line *l, const char *key)
{
	if (l->json)
		put_bytes(l, l->begun ? ",\"" : "{\"", 2);
	else if (l->begun)
		*l->p++ = ' ';
	put_bytes(l, key, strlen(key));
	if (l->json)
		*l->p++ = '"';
	*l->p++ = l->json ? ':' : '=';
	l->begun = true;
}

/* Can this byte stand in a line as it is? */
static bool
is_plain(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/*
 * Escape what fits of *s into size bytes at buf, and take it off *s.  JSON
 * wants the backslash of an escape doubled, so that whoever reads the string
 * finds what stands in a line of text.  Returns the bytes written.
 */
static size_t
escape(struct tcpmux_span *s, char *buf, size_t size, bool json)
{
	static const char hex[] = "0123456789abcdef";
	const size_t wide = json ? 5 : 4;
	size_t n = 0;
	uint8_t c;

	for (; s->len > 0; s->p++, s->len--) {
		if (is_plain(*s->p)) {
			if (n == size)
				break;
			buf[n++] = *s->p;
			continue;
		}
		if (size - n < wide)
			break;
		c = (uint8_t)*s->p;
		buf[n++] = '\\';
		if (json)
			buf[n++] = '\\';
		buf[n++] = 'x';
		buf[n++] = hex[c >> 4];
		buf[n++] = hex[c & 15];
	}
	return n;
}

size_t
record_escape(const char *p, size_t len, char *buf, size_t size)
{
	struct tcpmux_span s = { p, len };

	return escape(&s, buf, size, false);
}

/* A line of text is split at spaces, and a value from its key at "=". */
static bool
is_quoted(const struct line *l, struct tcpmux_span s)
{
	return l->json || memchr(s.p, ' ', s.len) != NULL ||
	    memchr(s.p, '=', s.len) != NULL;
}

/* A value of at most max bytes; left out if empty or if there is no room. */
static void
put_span(struct line *l, const char *key, struct tcpmux_span s, size_t max)
{
	bool cut = false, quoted;

	if (s.len == 0 || l->end - l->p < KEY_MAX)
		return;
	put_key(l, key);
	if (s.len > max) {
		s.len = max;
		cut = true;
	}
	quoted = is_quoted(l, s);
	if (quoted)
		*l->p++ = '"';
	l->p += escape(&s, l->p, (size_t)(l->end - l->p) - 4, l->json);
	if (cut || s.len > 0)
		put_bytes(l, "...", 3);
	if (quoted)
		*l->p++ = '"';
}

static void
put_string(struct line *l, const char *key, const char *s)
{
	if (s != NULL)
		put_span(l, key, (struct tcpmux_span){ s, strlen(s) },
		    RECORD_MAX);
}

static void
put_known(struct line *l, const char *key, int64_t n)
{
	if (n < 0)
		return;
	put_key(l, key);
	put_number(l, (uint64_t)n);
}

/*
 * The day, counted from 1970.  Years are taken to begin in March: then a leap
 * day is the last of its year, and every month before it has its place.
 */
static void
put_date(struct line *l, unsigned int day)
{
	static const unsigned int before[] = { 0, 31, 61, 92, 122, 153, 184,
		214, 245, 275, 306, 337, 366 };
	unsigned int year, n, month = 0;

	day += DAYS_TO_1970;
	year = day / DAYS_400 * 400;
	day %= DAYS_400;
	n = day / DAYS_100 < 3 ? day / DAYS_100 : 3;
	year += n * 100;
	day -= n * DAYS_100;
	year += day / DAYS_4 * 4;
	day %= DAYS_4;
	n = day / DAYS_1 < 3 ? day / DAYS_1 : 3;
	year += n;
	day -= n * DAYS_1;
	while (before[month + 1] <= day)
		month++;
	put_digits(l, month < 10 ? year : year + 1, 4);
	*l->p++ = '-';
	put_digits(l, month < 10 ? month + 3 : month - 9, 2);
	*l->p++ = '-';
	put_digits(l, day - before[month] + 1, 2);
}

/* RFC 3339, in UTC. */
static void
put_time(struct line *l, int64_t ms)
{
	unsigned int day, left;

	if (ms < 0)
		ms = 0;
	if (ms > TIME_LAST_MS)
		ms = TIME_LAST_MS;
	day = (unsigned int)(ms / 86400000);
	left = (unsigned int)(ms % 86400000);
	put_key(l, "time");
	if (l->json)
		*l->p++ = '"';
	put_date(l, day);
	*l->p++ = 'T';
	put_digits(l, left / 3600000, 2);
	*l->p++ = ':';
	put_digits(l, left / 60000 % 60, 2);
	*l->p++ = ':';
	put_digits(l, left / 1000 % 60, 2);
	*l->p++ = '.';
	put_digits(l, left % 1000, 3);
	*l->p++ = 'Z';
	if (l->json)
		*l->p++ = '"';
}

static void
put_hex(struct line *l, unsigned int n)
{
	int shift = 12;

	while (shift > 0 && n >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*l->p++ = "0123456789abcdef"[n >> shift & 15];
}

/*
 * Find the longest run of groups that are zero, the first if there are two,
 * but not one alone (RFC 5952).  Returns its first, and sets *end.
 */
static int
find_zeros(const unsigned int groups[static 8], int *end)
{
	int best = 8, i, longest = 1, run = 0;

	*end = 8;
	for (i = 0; i < 8; i++) {
		run = groups[i] == 0 ? run + 1 : 0;
		if (run > longest) {
			longest = run;
			best = i + 1 - run;
			*end = i + 1;
		}
	}
	return best;
}

static void
put_ipv6(struct line *l, const uint8_t a[static ADDRESS_BYTES])
{
	unsigned int groups[8];
	int end, first, i;

	for (i = 0; i < 8; i++, a += 2)
		groups[i] = (unsigned int)a[0] << 8 | a[1];
	first = find_zeros(groups, &end);
	*l->p++ = '[';
	for (i = 0; i < 8; i++) {
		if (i == first) {
			put_bytes(l, "::", 2);
			i = end;
			if (i == 8)
				break;
		} else if (i > 0)
			*l->p++ = ':';
		put_hex(l, groups[i]);
	}
	*l->p++ = ']';
}

static void
put_ipv4(struct line *l, const uint8_t a[static 4])
{
	int i;

	for (i = 0; i < 4; i++) {
		if (i > 0)
			*l->p++ = '.';
		put_number(l, a[i]);
	}
}

static void
put_peer(struct line *l, const struct record *r)
{
	static const uint8_t none[ADDRESS_BYTES];

	if (memcmp(r->peer, none, sizeof(none)) == 0)
		return;
	put_key(l, "peer");
	if (l->json)
		*l->p++ = '"';
	if (address_is_mapped(r->peer))
		put_ipv4(l, r->peer + MAPPED_BYTES);
	else
		put_ipv6(l, r->peer);
	*l->p++ = ':';
	put_number(l, r->peer_port);
	if (l->json)
		*l->p++ = '"';
}

size_t
record_format(const struct record *r, enum log_format format,
    char buf[static RECORD_MAX])
{
	struct line l = {
		.p = buf,
		.end = buf + RECORD_MAX - NUMBERS_MAX,
		.json = format == LOG_JSON,
	};

	put_time(&l, r->time_ms);
	put_peer(&l, r);
	put_string(&l, "listener", r->listener);
	put_span(&l, "name", r->name, RECORD_NAME_MAX);
	put_string(&l, "verdict", r->verdict);
	put_string(&l, "reason", r->reason);
	put_string(&l, "by", r->by);
	put_string(&l, "user", r->user);
	put_string(&l, "to", r->to);
	put_span(&l, "message", r->message, RECORD_MAX);
	put_known(&l, "in", r->in);
	put_known(&l, "out", r->out);
	put_known(&l, "ms", r->ms);
	put_known(&l, "status", r->status);
	put_known(&l, "signal", r->signal);
	if (r->suppressed > 0)
		put_known(&l, "suppressed", r->suppressed);
	if (l.json)
		*l.p++ = '}';
	*l.p++ = '\n';
	return (size_t)(l.p - buf);
}
