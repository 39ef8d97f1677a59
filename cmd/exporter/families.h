/*
 * The metrics: what each is called, and where in a snapshot it stands.
 */

#ifndef CMD_EXPORTER_FAMILIES_H
#define CMD_EXPORTER_FAMILIES_H

#include <stddef.h>

enum family_kind {
	FAMILY_COUNTER,
	FAMILY_GAUGE,
	FAMILY_INFO,
	FAMILY_HISTOGRAM
};

/* How a value of the snapshot becomes one of a metric. */
enum series_form {
	SERIES_PLAIN,
	SERIES_TIME,   /* a time of day */
	SERIES_MICRO,  /* microseconds, to seconds */
	SERIES_MILLI,  /* milliseconds, to seconds */
	SERIES_KIB,    /* to bytes */
	SERIES_EQUALS, /* 1 if it is a certain word, else 0 */
	SERIES_ONE     /* always 1, if it is there */
};

#define SERIES_LABELS_MAX 6

struct series_label {
	const char *name;
	const char *key; /* of the line; or NULL, and then: */
	const char *value;
};

/* One sample of each line of the snapshot that has the word and the key. */
struct series {
	const char *word; /* NULL behind the last */
	const char *key;
	enum series_form form;
	const char *equals;  /* or NULL */
	const char *without; /* a key that it must not have; or NULL */
	struct series_label labels[SERIES_LABELS_MAX]; /* name NULL: no more */
};

#define FAMILY_SERIES_MAX 5

struct family {
	const char *name; /* without _total or _info */
	enum family_kind kind;
	const char *unit; /* or NULL */
	const char *help; /* one sentence, without a backslash */
	struct series series[FAMILY_SERIES_MAX];
};

/* In the order in which they are shown. */
extern const struct family families[];
extern const size_t families_count;

#endif
