/*
 * What a daemon does in a second.
 */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ctl/rates.h"

/* What happened between two snapshots of the same daemon. */
struct step {
	bool is_known;  /* there was one before, of the same daemon */
	double seconds; /* 0: it is the same snapshot once more */
};

/* The rate of something that is total now; before may be NULL. */
static struct rate
rate_of(uint64_t total, const struct rate *before, const struct step *step)
{
	struct rate r = { .total = total };

	if (!step->is_known || before == NULL)
		return r;
	if (step->seconds == 0)
		r.per_second = before->per_second;
	else if (total > before->total)
		r.per_second = (double)(total - before->total) / step->seconds;
	return r;
}

static int
compare_names(const void *a, const void *b)
{
	const struct rates_row *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static const struct rates_row *
find_row(const struct rates *r, const char *name)
{
	const struct rates_row key = { .name = name };

	if (r->n == 0)
		return NULL;
	return bsearch(&key, r->rows, r->n, sizeof(*r->rows), compare_names);
}

static struct step
step_between(const struct rates *before, const struct rates *now)
{
	struct step step = { .is_known = false };
	int64_t ms;

	if (before->daemon == NULL || now->daemon == NULL ||
	    strcmp(snapshot_text(before->daemon, "started"),
		snapshot_text(now->daemon, "started")) != 0)
		return step;
	ms = snapshot_time(now->daemon, "now") -
	    snapshot_time(before->daemon, "now");
	/* Somebody has set the clock back. */
	if (ms < 0)
		return step;
	step.is_known = true;
	step.seconds = (double)ms / 1000;
	return step;
}

/* What a service has done since it was old, which is NULL if it is new. */
static void
take_rates(struct rates_row *row, const struct rates_row *old,
    const struct step *step)
{
	const struct snapshot_line *line = row->line;

	row->requests = rate_of(snapshot_number(line, "requests", 0),
	    old == NULL ? NULL : &old->requests, step);
	row->refused = rate_of(snapshot_number(line, "refused", 0),
	    old == NULL ? NULL : &old->refused, step);
	row->in = rate_of(snapshot_number(line, "in", 0),
	    old == NULL ? NULL : &old->in, step);
	row->out = rate_of(snapshot_number(line, "out", 0),
	    old == NULL ? NULL : &old->out, step);
}

/* Make a row of each service. */
static int
make_rows(struct rates *r, const struct rates *before, const struct step *step)
{
	const struct snapshot_line *line = NULL;
	size_t n = 0;

	while ((line = snapshot_next(&r->snapshot, line, "service")) != NULL)
		n++;
	r->rows = calloc(n + 1, sizeof(*r->rows));
	r->order = calloc(n + 1, sizeof(struct rates_row *));
	if (r->rows == NULL || r->order == NULL)
		return -1;
	while ((line = snapshot_next(&r->snapshot, line, "service")) != NULL) {
		struct rates_row *row = &r->rows[r->n++];

		row->line = line;
		row->name = snapshot_text(line, "name");
		take_rates(row, find_row(before, row->name), step);
	}
	qsort(r->rows, r->n, sizeof(*r->rows), compare_names);
	return 0;
}

/* All services together, and all processes. */
static void
add_up(struct rates *r, const struct rates *before, const struct step *step)
{
	const struct snapshot_line *line = NULL;
	const struct snapshot_line *t = r->total;
	uint64_t refused = 0, cpu = 0;

	while ((line = snapshot_next(&r->snapshot, line, "refused")) != NULL)
		if (snapshot_get(line, "name") == NULL)
			refused += snapshot_number(line, "n", 0);
	while ((line = snapshot_next(&r->snapshot, line, "process")) != NULL) {
		cpu += snapshot_number(line, "cpu-us", 0);
		r->rss_kb += snapshot_number(line, "rss-kb", 0);
		r->processes++;
	}
	r->refused = rate_of(refused, &before->refused, step);
	r->cpu = rate_of(cpu, &before->cpu, step);
	if (t == NULL)
		return;
	r->accepted =
	    rate_of(snapshot_number(t, "accepted", 0), &before->accepted, step);
	r->requests =
	    rate_of(snapshot_number(t, "requests", 0), &before->requests, step);
	r->in = rate_of(snapshot_number(t, "in", 0), &before->in, step);
	r->out = rate_of(snapshot_number(t, "out", 0), &before->out, step);
}

int
rates_take(struct rates *r, struct snapshot *s)
{
	struct rates now = { .snapshot = *s };
	struct step step;

	*s = (struct snapshot){ .text = NULL };
	now.daemon = snapshot_next(&now.snapshot, NULL, "tcpmuxd");
	now.total = snapshot_next(&now.snapshot, NULL, "total");
	step = step_between(r, &now);
	if (make_rows(&now, r, &step) == -1) {
		rates_clear(&now);
		return -1;
	}
	add_up(&now, r, &step);
	rates_clear(r);
	*r = now;
	rates_sort(r, RATES_BY_NAME);
	return 0;
}

void
rates_clear(struct rates *r)
{
	free(r->rows);
	free(r->order);
	snapshot_clear(&r->snapshot);
	*r = (struct rates){ .n = 0 };
}

/* What a row is sorted by, if not by its name. */
static double
weight_of(const struct rates_row *row, enum rates_order order)
{
	switch (order) {
	case RATES_BY_REQUESTS:
		return row->requests.per_second;
	case RATES_BY_REFUSED:
		return row->refused.per_second;
	case RATES_BY_CURRENT:
		return (double)snapshot_number(row->line, "current", 0);
	case RATES_BY_IN:
		return row->in.per_second;
	case RATES_BY_OUT:
		return row->out.per_second;
	case RATES_BY_TOTAL:
		return (double)row->requests.total;
	case RATES_BY_NAME:
	case RATES_ORDERS:
		break;
	}
	return 0;
}

/* The larger first; and of equals the one whose name comes first. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	const struct rates_row *const *x = a, *const *y = b;
	const enum rates_order *order = arg;
	const double v = weight_of(*x, *order), w = weight_of(*y, *order);

	if (v != w)
		return v > w ? -1 : 1;
	return strcmp((*x)->name, (*y)->name);
}

void
rates_sort(struct rates *r, enum rates_order order)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		r->order[i] = &r->rows[i];
	if (order != RATES_BY_NAME && r->n > 0)
		qsort_r(r->order, r->n, sizeof(struct rates_row *),
		    compare_rows, &order);
}
