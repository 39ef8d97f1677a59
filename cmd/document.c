/*
 * What tcpmuxd says of itself, as JSON.
 */

#include <string.h>

#include "cmd/document.h"

#define LIST_MAX 64

enum kind {
	KIND_NONE, /* no such key is known */
	KIND_TEXT,
	KIND_NUMBER,
	KIND_NUMBERS, /* with commas between */
	KIND_WORDS,   /* likewise */
	KIND_FLAG,    /* yes or no */
	KIND_TIME,    /* of day */
};

static const struct {
	const char *key;
	enum kind kind;
} keys[] = {
	{ "accepted", KIND_NUMBER },
	{ "address", KIND_TEXT },
	{ "beat-ms", KIND_NUMBER },
	{ "config", KIND_TEXT },
	{ "cpu-us", KIND_NUMBER },
	{ "current", KIND_NUMBER },
	{ "fronts", KIND_NUMBER },
	{ "generation", KIND_NUMBER },
	{ "handed", KIND_NUMBER },
	{ "handed-exec", KIND_NUMBER },
	{ "handed-offer", KIND_NUMBER },
	{ "handed-relay", KIND_NUMBER },
	{ "handed-socket", KIND_NUMBER },
	{ "help", KIND_NUMBER },
	{ "hidden", KIND_FLAG },
	{ "id", KIND_NUMBER },
	{ "in", KIND_NUMBER },
	{ "kind", KIND_TEXT },
	{ "layers", KIND_WORDS },
	{ "lenient", KIND_FLAG },
	{ "line", KIND_NUMBER },
	{ "lingering", KIND_NUMBER },
	{ "listener", KIND_TEXT },
	{ "log", KIND_TEXT },
	{ "ms", KIND_NUMBER },
	{ "n", KIND_NUMBER },
	{ "name", KIND_TEXT },
	{ "now", KIND_TIME },
	{ "number", KIND_NUMBER },
	{ "out", KIND_NUMBER },
	{ "peer", KIND_TEXT },
	{ "pid", KIND_NUMBER },
	{ "process", KIND_TEXT },
	{ "proxied", KIND_FLAG },
	{ "queue", KIND_NUMBER },
	{ "queue-max", KIND_NUMBER },
	{ "reason", KIND_TEXT },
	{ "refused", KIND_NUMBER },
	{ "reloads", KIND_NUMBER },
	{ "replaced", KIND_NUMBER },
	{ "replaced-last", KIND_TIME },
	{ "requests", KIND_NUMBER },
	{ "role", KIND_TEXT },
	{ "rss-kb", KIND_NUMBER },
	{ "sandbox", KIND_TEXT },
	{ "shared", KIND_FLAG },
	{ "since", KIND_TIME },
	{ "started", KIND_TIME },
	{ "state", KIND_TEXT },
	{ "tcpmux", KIND_NUMBER },
	{ "time-us", KIND_NUMBER },
	{ "times", KIND_NUMBERS },
	{ "to", KIND_TEXT },
	{ "uid", KIND_NUMBER },
	{ "upgrades", KIND_NUMBER },
	{ "us", KIND_NUMBERS },
	{ "user", KIND_TEXT },
	{ "version", KIND_TEXT },
	{ "waiting", KIND_NUMBER },
};

/* The words of a snapshot, and what all lines of one are called. */
static const struct {
	const char *word;
	const char *plural; /* NULL: there is but one */
} words[] = {
	{ "tcpmuxd", NULL },
	{ "buckets", NULL },
	{ "listener", "listeners" },
	{ "process", "processes" },
	{ "total", NULL },
	{ "refused", "refused" },
	{ "service", "services" },
	{ "offer", "offers" },
	{ "conn", "conns" },
};

#define KEYS  (sizeof(keys) / sizeof(keys[0]))
#define WORDS (sizeof(words) / sizeof(words[0]))

/* Those of "conns" come when they are asked for, and not in a snapshot. */
#define SNAPSHOT_WORDS (WORDS - 1)

static enum kind
kind_of(const char *key)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].kind;
	return KIND_NONE;
}

static void
put_number(struct json *j, const struct snapshot_line *line, const char *key)
{
	uint64_t n;

	if (snapshot_numbers(line, key, &n, 1) == 1)
		json_number(j, n);
	else
		json_null(j);
}

static void
put_numbers(struct json *j, const struct snapshot_line *line, const char *key)
{
	uint64_t numbers[LIST_MAX];
	size_t i, n;

	n = snapshot_numbers(line, key, numbers, LIST_MAX);
	json_begin(j, '[');
	for (i = 0; i < n; i++)
		json_number(j, numbers[i]);
	json_end(j, ']');
}

static void
put_words(struct json *j, const char *list)
{
	char word[64];
	size_t len;

	json_begin(j, '[');
	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (len == 0 || len >= sizeof(word))
			continue;
		memcpy(word, list, len);
		word[len] = '\0';
		json_string(j, word);
	}
	json_end(j, ']');
}

static void
put_value(struct json *j, const struct snapshot_line *line, const char *key,
    enum kind kind)
{
	const char *value = snapshot_text(line, key);

	switch (kind) {
	case KIND_NUMBER:
		put_number(j, line, key);
		break;
	case KIND_NUMBERS:
		put_numbers(j, line, key);
		break;
	case KIND_WORDS:
		put_words(j, value);
		break;
	case KIND_FLAG:
		json_bool(j, strcmp(value, "yes") == 0);
		break;
	case KIND_TIME:
		json_seconds(j, snapshot_time(line, key));
		break;
	case KIND_TEXT:
	case KIND_NONE:
		json_string(j, value);
		break;
	}
}

void
document_put_line(struct json *j, const struct snapshot_line *line)
{
	const char *at = NULL, *key, *value;
	enum kind kind;

	json_begin(j, '{');
	while ((key = snapshot_pair(line, &at, &value)) != NULL) {
		kind = kind_of(key);
		/* Of a key that comes twice the first one counts. */
		if (kind == KIND_NONE || snapshot_get(line, key) != value)
			continue;
		json_key(j, key);
		put_value(j, line, key, kind);
	}
	json_end(j, '}');
}

/* All lines of the word at this place. */
static void
put_place(struct json *j, const struct snapshot *s, size_t place)
{
	const struct snapshot_line *line = NULL;
	const char *word = words[place].word;

	if (words[place].plural == NULL) {
		json_key(j, word);
		line = snapshot_next(s, NULL, word);
		if (line != NULL)
			document_put_line(j, line);
		else
			json_null(j);
		return;
	}
	json_key(j, words[place].plural);
	json_begin(j, '[');
	while ((line = snapshot_next(s, line, word)) != NULL)
		document_put_line(j, line);
	json_end(j, ']');
}

void
document_put_lines(struct json *j, const struct snapshot *s, const char *word)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (strcmp(words[i].word, word) == 0)
			put_place(j, s, i);
}

void
document_put(struct json *j, const struct snapshot *s)
{
	size_t i;

	json_begin(j, '{');
	for (i = 0; i < SNAPSHOT_WORDS; i++)
		put_place(j, s, i);
	json_end(j, '}');
}
