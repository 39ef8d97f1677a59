/*
 * What a client would rather have, by its Accept (RFC 9110, 12.5.1).
 */

#include <string.h>
#include <strings.h>

#include "cmd/exporter/accept.h"

/* The value of q is counted in thousandths; without it, it is 1. */
#define ACCEPT_ONE 1000

/* The number behind "q=". */
static int
accept_quality(const char *p, size_t len)
{
	int q = 0, digit = ACCEPT_ONE;
	size_t i;

	for (i = 0; i < len && digit > 0; i++) {
		if (p[i] == '.' && i == 1)
			continue;
		if (p[i] < '0' || p[i] > '9')
			break;
		q += (p[i] - '0') * digit;
		digit /= 10;
	}
	return q > ACCEPT_ONE ? ACCEPT_ONE : q;
}

/* The value of the parameter q, if p is at one; else what it was before. */
static int
accept_parameter(const char *p, const char *end, int q)
{
	/* The header has a NUL behind end. */
	p += strspn(p, " \t");
	if (end - p < 2 || strncasecmp(p, "q=", 2) != 0)
		return q;
	return accept_quality(p + 2, (size_t)(end - p) - 2);
}

/*
 * The quality of one element of the list, if it names the type; -1 if not.
 */
static int
accept_match(const char *p, size_t len, const char *type)
{
	const char *end = p + len, *semicolon = memchr(p, ';', len);
	size_t n = semicolon == NULL ? len : (size_t)(semicolon - p);
	int q = ACCEPT_ONE;

	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n != strlen(type) || strncasecmp(p, type, n) != 0)
		return -1;
	while (semicolon != NULL) {
		p = semicolon + 1;
		q = accept_parameter(p, end, q);
		semicolon = memchr(p, ';', (size_t)(end - p));
	}
	return q;
}

/* The highest quality that a header gives a type; -1 if it does not name it. */
static int
accept_find(const char *header, const char *type)
{
	int best = -1, q;
	size_t len;

	while (*header != '\0') {
		header += strspn(header, ", \t");
		len = strcspn(header, ",");
		q = accept_match(header, len, type);
		if (q > best)
			best = q;
		header += len;
	}
	return best;
}

bool
accept_prefers(const char *header, const char *type, const char *other)
{
	int q;

	if (header == NULL)
		return false;
	q = accept_find(header, type);
	return q > 0 && q >= accept_find(header, other);
}
