/*
 * What tcpmuxd says of itself: read, cut into strings where it stands, and
 * searched.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/snapshot.h"

/* What is read at first, and by how much more if that is not all. */
#define READ_SIZE ((size_t)64 << 10)

/* Read what is left behind *len bytes into text of size bytes. */
static int
fill(int fd, char *text, size_t size, size_t *len)
{
	ssize_t n;

	while (*len < size) {
		n = pread(fd, text + *len, size - *len, (off_t)*len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		if (n == 0)
			return 0;
		*len += (size_t)n;
	}
	return 0;
}

char *
snapshot_read(int fd, size_t *len)
{
	size_t size = READ_SIZE;
	char *text = NULL, *more;
	struct stat st;
	int saved;

	/* What it says of its size spares calls, and is not relied upon. */
	if (fstat(fd, &st) == 0 && st.st_size > 0 &&
	    (uintmax_t)st.st_size <= SNAPSHOT_SIZE_MAX)
		size = (size_t)st.st_size + 1;
	for (*len = 0;; size *= 2) {
		more = realloc(text, size + 1);
		if (more == NULL)
			goto fail;
		text = more;
		if (fill(fd, text, size, len) == -1)
			goto fail;
		if (*len > SNAPSHOT_SIZE_MAX) {
			errno = EFBIG;
			goto fail;
		}
		if (*len < size)
			break;
	}
	text[*len] = '\0';
	return text;
fail:
	saved = errno;
	free(text);
	errno = saved;
	return NULL;
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Resolve \xHH in a string, where it stands.  What is no such escape stays,
 * and so does \x00, which would cut the string.
 */
static void
unescape(char *p)
{
	char *to = p;
	int high, low;

	while (*p != '\0') {
		high = p[0] == '\\' && p[1] == 'x' ? digit_of(p[2]) : -1;
		low = high != -1 ? digit_of(p[3]) : -1;
		if (low == -1 || high + low == 0) {
			*to++ = *p++;
			continue;
		}
		*to++ = (char)(high << 4 | low);
		p += 4;
	}
	*to = '\0';
}

/* Cut the string at p at the first c: returns what is behind it, or NULL. */
static char *
cut(char *p, char c)
{
	char *at = strchr(p, c);

	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

/*
 * Put a string at to, which is not behind it; returns what is behind its NUL.
 */
static char *
put(char *to, const char *text)
{
	const size_t len = strlen(text);

	memmove(to, text, len);
	to[len] = '\0';
	return to + len + 1;
}

/*
 * Make of a line, which has no LF, a word and pairs of key and value, each
 * with its NUL, and nothing else.
 */
static void
cut_line(char *text, struct snapshot_line *line)
{
	char *next = cut(text, ' '), *to = text + strlen(text) + 1;
	char *key, *value;

	line->word = text;
	while ((key = next) != NULL) {
		next = cut(key, ' ');
		value = cut(key, '=');
		if (value == NULL || key[0] == '\0')
			continue;
		unescape(value);
		to = put(to, key);
		to = put(to, value);
	}
	line->end = to;
}

/* How many lines there are at the most: each LF ends one, and the last may. */
static size_t
count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		n++;
	return n;
}

int
snapshot_take_text(struct snapshot *s, char *text, size_t len)
{
	char *line = text, *next;
	size_t n;

	*s = (struct snapshot){ .text = text };
	if (memchr(text, '\0', len) != NULL) {
		errno = EBADMSG;
		goto fail;
	}
	n = count_lines(text);
	if (n > SNAPSHOT_LINES_MAX) {
		errno = EFBIG;
		goto fail;
	}
	s->lines = calloc(n, sizeof(*s->lines));
	if (s->lines == NULL)
		goto fail;
	for (; line != NULL; line = next) {
		next = cut(line, '\n');
		if (line[0] != '\0' && line[0] != ' ')
			cut_line(line, &s->lines[s->n++]);
	}
	return 0;
fail:
	snapshot_clear(s);
	return -1;
}

void
snapshot_clear(struct snapshot *s)
{
	const int saved = errno;

	free(s->lines);
	free(s->text);
	*s = (struct snapshot){ .text = NULL };
	errno = saved;
}

const struct snapshot_line *
snapshot_next(const struct snapshot *s, const struct snapshot_line *line,
    const char *word)
{
	size_t i = line == NULL ? 0 : (size_t)(line - s->lines) + 1;

	for (; i < s->n; i++)
		if (strcmp(s->lines[i].word, word) == 0)
			return &s->lines[i];
	return NULL;
}

const char *
snapshot_pair(const struct snapshot_line *line, const char **at,
    const char **value)
{
	const char *key = *at;

	if (key == NULL)
		key = line->word + strlen(line->word) + 1;
	if (key >= line->end)
		return NULL;
	*value = key + strlen(key) + 1;
	*at = *value + strlen(*value) + 1;
	return key;
}

const char *
snapshot_get(const struct snapshot_line *line, const char *key)
{
	const char *at = NULL, *found, *value;

	while ((found = snapshot_pair(line, &at, &value)) != NULL)
		if (strcmp(found, key) == 0)
			return value;
	return NULL;
}

const char *
snapshot_text(const struct snapshot_line *line, const char *key)
{
	const char *value = snapshot_get(line, key);

	return value == NULL ? "" : value;
}

/* Take a number off the front of *p; returns whether there is one. */
static bool
take_number(const char **p, uint64_t *number)
{
	const char *at = *p;
	uint64_t n = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		const unsigned int digit = (unsigned int)(*at - '0');

		n = n > (UINT64_MAX - digit) / 10 ? UINT64_MAX : n * 10 + digit;
	}
	if (at == *p)
		return false;
	*p = at;
	*number = n;
	return true;
}

uint64_t
snapshot_number(const struct snapshot_line *line, const char *key,
    uint64_t otherwise)
{
	const char *p = snapshot_text(line, key);
	uint64_t n;

	return take_number(&p, &n) && *p == '\0' ? n : otherwise;
}

int64_t
snapshot_time(const struct snapshot_line *line, const char *key)
{
	const char *p = snapshot_text(line, key);
	uint64_t n, ms = 0;
	int i;

	if (!take_number(&p, &n) || n > INT64_MAX / 1000 - 1)
		return 0;
	if (*p == '.')
		p++;
	for (i = 0; i < 3; i++) {
		ms *= 10;
		if (*p >= '0' && *p <= '9')
			ms += (unsigned int)(*p++ - '0');
	}
	return (int64_t)(n * 1000 + ms);
}

size_t
snapshot_numbers(const struct snapshot_line *line, const char *key,
    uint64_t *numbers, size_t max)
{
	const char *p = snapshot_text(line, key);
	size_t n = 0;

	while (n < max) {
		if (!take_number(&p, &numbers[n]))
			return 0;
		n++;
		if (*p == '\0')
			return n;
		if (*p++ != ',')
			return 0;
	}
	return n;
}

bool
snapshot_is_listed(const char *list, const char *word)
{
	const size_t wanted = strlen(word);
	size_t len;

	for (; *list != '\0'; list += len + (list[len] == ',' ? 1 : 0)) {
		len = strcspn(list, ",");
		if (len == wanted && memcmp(list, word, len) == 0)
			return true;
	}
	return false;
}
