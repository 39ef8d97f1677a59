/*
 * A snapshot as Prometheus or OpenMetrics text, metric by metric, as each has
 * to be in one piece.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/exporter/families.h"
#include "cmd/exporter/metrics.h"
#include "cmd/histogram.h"

#define MICRO UINT64_C(1000000)
#define MILLI UINT64_C(1000)
#define KIB   UINT64_C(1024)

const char *
metrics_type(enum metrics_format format)
{
	if (format == METRICS_OPEN)
		return "application/openmetrics-text; version=1.0.0; "
		       "charset=utf-8";
	return "text/plain; version=0.0.4; charset=utf-8";
}

/* Plain text calls a counter by the name of its samples. */
static void
metrics_head(struct body *b, enum metrics_format format, const struct family *f)
{
	static const char *const types[] = {
		[FAMILY_COUNTER] = "counter",
		[FAMILY_GAUGE] = "gauge",
		[FAMILY_INFO] = "info",
		[FAMILY_HISTOGRAM] = "histogram",
	};
	const char *type = types[f->kind], *suffix = "";

	if (format == METRICS_PROMETHEUS && f->kind == FAMILY_COUNTER)
		suffix = "_total";
	if (format == METRICS_PROMETHEUS && f->kind == FAMILY_INFO) {
		suffix = "_info";
		type = "gauge";
	}
	body_format(b, "# HELP %s%s %s\n", f->name, suffix, f->help);
	body_format(b, "# TYPE %s%s %s\n", f->name, suffix, type);
	if (format == METRICS_OPEN && f->unit != NULL)
		body_format(b, "# UNIT %s %s\n", f->name, f->unit);
}

/* Labels and the first brace; returns what goes before one more label. */
static const char *
metrics_labels(struct body *b, const struct series *s,
    const struct snapshot_line *line)
{
	const struct series_label *label;
	const char *before = "{";
	size_t i;

	for (i = 0; i < SERIES_LABELS_MAX; i++) {
		label = &s->labels[i];
		if (label->name == NULL)
			break;
		body_format(b, "%s%s=\"", before, label->name);
		if (label->key == NULL)
			body_put(b, label->value);
		else
			body_add_label(b, snapshot_text(line, label->key));
		body_put(b, "\"");
		before = ",";
	}
	return before;
}

/* Microseconds as seconds, to the last digit. */
static void
metrics_seconds(struct body *b, uint64_t us)
{
	body_format(b, "%" PRIu64 ".%06" PRIu64, us / MICRO, us % MICRO);
}

static void
metrics_value(struct body *b, const struct series *s,
    const struct snapshot_line *line)
{
	uint64_t n = snapshot_number(line, s->key, 0);

	switch (s->form) {
	case SERIES_PLAIN:
		body_number(b, n);
		break;
	case SERIES_TIME:
		metrics_seconds(b,
		    (uint64_t)snapshot_time(line, s->key) * (MICRO / MILLI));
		break;
	case SERIES_MICRO:
		metrics_seconds(b, n);
		break;
	case SERIES_MILLI:
		metrics_seconds(b, n * (MICRO / MILLI));
		break;
	case SERIES_KIB:
		body_number(b, n * KIB);
		break;
	case SERIES_EQUALS:
		n = strcmp(snapshot_text(line, s->key), s->equals) == 0;
		body_number(b, n);
		break;
	case SERIES_ONE:
		body_number(b, 1);
		break;
	}
}

static void
metrics_sample(struct body *b, const struct family *f, const struct series *s,
    const struct snapshot_line *line)
{
	body_put(b, f->name);
	if (f->kind == FAMILY_COUNTER)
		body_put(b, "_total");
	if (f->kind == FAMILY_INFO)
		body_put(b, "_info");
	if (s->labels[0].name != NULL) {
		(void)metrics_labels(b, s, line); /* nothing follows them */
		body_put(b, "}");
	}
	body_put(b, " ");
	metrics_value(b, s, line);
	body_put(b, "\n");
}

/*
 * The bound of a bucket, as the Go programs write floating point numbers:
 * 5e-05, 0.001, 1.0.  Whoever compares such labels compares their text.
 */
static void
metrics_bound(struct body *b, uint64_t us)
{
	char text[32];
	int n;

	n = snprintf(text, sizeof(text), "%.9g", (double)us / (double)MICRO);
	if (n < 0 || (size_t)n >= sizeof(text)) {
		b->failed = true;
		return;
	}
	body_put(b, text);
	if (strpbrk(text, ".e") == NULL)
		body_put(b, ".0");
}

/* The sum and the count of a histogram. */
static void
metrics_histogram_end(struct body *b, const struct family *f,
    const struct snapshot_line *line, uint64_t count)
{
	body_format(b, "%s_count", f->name);
	(void)metrics_labels(b, f->series, line); /* nothing follows them */
	body_put(b, "} ");
	body_number(b, count);
	body_format(b, "\n%s_sum", f->name);
	(void)metrics_labels(b, f->series, line); /* likewise */
	body_put(b, "} ");
	metrics_seconds(b, snapshot_number(line, "time-us", 0));
	body_put(b, "\n");
}

/* The buckets of one service: each counts what those before it do, too. */
static void
metrics_histogram(struct body *b, const struct family *f,
    const struct snapshot_line *line, const struct histogram *h)
{
	uint64_t times[HISTOGRAM_MAX + 1], sum = 0;
	const char *before;
	size_t i, n;

	n = snapshot_numbers(line, f->series->key, times, HISTOGRAM_MAX + 1);
	if (n != h->n + 1)
		return; /* they do not belong together */
	for (i = 0; i < n; i++) {
		sum += times[i];
		body_format(b, "%s_bucket", f->name);
		before = metrics_labels(b, f->series, line);
		body_format(b, "%sle=\"", before);
		if (i < h->n)
			metrics_bound(b, h->bounds[i]);
		else
			body_put(b, "+Inf");
		body_put(b, "\"} ");
		body_number(b, sum);
		body_put(b, "\n");
	}
	metrics_histogram_end(b, f, line, sum);
}

/*
 * Does the line have the keys that tell its sample from others?  A service
 * that nobody was handed to has no histogram, as there may be thousands.
 */
static bool
metrics_wants(const struct family *f, const struct series *s,
    const struct snapshot_line *line)
{
	if (snapshot_get(line, s->key) == NULL)
		return false;
	if (s->without != NULL && snapshot_get(line, s->without) != NULL)
		return false;
	if (s->labels[0].key != NULL &&
	    snapshot_get(line, s->labels[0].key) == NULL)
		return false;
	return f->kind != FAMILY_HISTOGRAM ||
	    snapshot_number(line, "time-us", 0) > 0;
}

static void
metrics_family(struct body *b, const struct family *f,
    const struct snapshot *snapshot, const struct histogram *h)
{
	const struct snapshot_line *line;
	const struct series *s;

	for (s = f->series; s < f->series + FAMILY_SERIES_MAX; s++) {
		if (s->word == NULL)
			break;
		line = NULL;
		while (
		    (line = snapshot_next(snapshot, line, s->word)) != NULL) {
			if (!metrics_wants(f, s, line))
				continue;
			if (f->kind == FAMILY_HISTOGRAM)
				metrics_histogram(b, f, line, h);
			else
				metrics_sample(b, f, s, line);
		}
	}
}

void
metrics_write(struct body *b, enum metrics_format format,
    const struct snapshot *s)
{
	static const struct family up = { .name = "tcpmux_up",
		.kind = FAMILY_GAUGE,
		.help = "Whether tcpmuxd has answered." };
	struct histogram h;
	size_t i;

	metrics_head(b, format, &up);
	body_format(b, "%s %d\n", up.name, s == NULL ? 0 : 1);
	if (s != NULL) {
		histogram_init(&h, s);
		for (i = 0; i < families_count; i++) {
			metrics_head(b, format, &families[i]);
			metrics_family(b, &families[i], s, &h);
		}
	}
	if (format == METRICS_OPEN)
		body_put(b, "# EOF\n");
}
