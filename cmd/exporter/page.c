/*
 * Fills the templates of the status page in.
 */

#include <stdlib.h>
#include <string.h>

#include "cmd/exporter/page.h"
#include "cmd/exporter/page_cell.h"
#include "cmd/exporter/template.h"

/* What stands for each line of the snapshot that has this word. */
struct page_rows {
	const char *key;
	const char *word;
	const struct template_part *parts;
};

static const struct page_rows page_rows[] = {
	{ "tcpmuxd", "tcpmuxd", template_tcpmuxd },
	{ "now", "tcpmuxd", template_now },
	{ "mode", "tcpmuxd", template_mode },
	{ "total", "total", template_total },
	{ "listener", "listener", template_listener },
	{ "service", "service", template_service },
	{ "refused", "refused", template_refused },
	{ "offer", "offer", template_offer },
	{ "process", "process", template_process },
	{ "layers", "process", template_layers },
};

static void page_fill(const struct page *p, const struct template_part *parts,
    const struct snapshot_line *line);

/* Is a process confined as one before it that has the same role? */
static bool
page_is_repeated(const struct page *p, const struct snapshot_line *line)
{
	const struct snapshot_line *other = NULL;

	while ((other = snapshot_next(p->s, other, "process")) != line)
		if (strcmp(snapshot_text(other, "role"),
			snapshot_text(line, "role")) == 0 &&
		    strcmp(snapshot_text(other, "layers"),
			snapshot_text(line, "layers")) == 0)
			return true;
	return false;
}

/* The next line that has a row of its own. */
static const struct snapshot_line *
page_next(const struct page *p, const struct page_rows *rows,
    const struct snapshot_line *line)
{
	const bool refused = rows->parts == template_refused;
	const bool layers = rows->parts == template_layers;

	while ((line = snapshot_next(p->s, line, rows->word)) != NULL) {
		if (refused &&
		    (snapshot_get(line, "name") != NULL ||
			snapshot_number(line, "n", 0) == 0))
			continue; /* of one service, or of nobody */
		if (layers && page_is_repeated(p, line))
			continue;
		return line;
	}
	return NULL;
}

static const struct page_rows *
page_find_rows(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(page_rows) / sizeof(*page_rows); i++)
		if (strcmp(page_rows[i].key, key) == 0)
			return &page_rows[i];
	return NULL;
}

/* Returns how many rows there are, of which none is in the body yet. */
static size_t
page_count(const struct page *p, const char *key)
{
	const struct page_rows *rows = page_find_rows(key);
	const struct snapshot_line *line = NULL;
	size_t n = 0;

	if (p->s == NULL || rows == NULL)
		return 0;
	while ((line = page_next(p, rows, line)) != NULL)
		n++;
	return n;
}

/* A line that is about to become a row. */
struct page_row {
	const struct snapshot_line *line;
	uint64_t n;
};

/* The larger number first. */
static int
page_compare(const void *a, const void *b)
{
	const struct page_row *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

static void
page_each(const struct page *p, const char *key)
{
	const struct page_rows *rows = page_find_rows(key);
	const struct snapshot_line *line = NULL;
	struct page_row all[PAGE_ROWS_MAX];
	size_t i, n;

	if (p->s == NULL || rows == NULL)
		return;
	for (n = 0; n < PAGE_ROWS_MAX; n++) {
		line = page_next(p, rows, line);
		if (line == NULL)
			break;
		all[n].line = line;
		all[n].n = snapshot_number(line, "n", 0);
	}
	if (rows->parts == template_refused)
		qsort(all, n, sizeof(all[0]), page_compare);
	for (i = 0; i < n; i++)
		page_fill(p, rows->parts, all[i].line);
}

static void
page_more(const struct page *p, const char *key)
{
	const size_t n = page_count(p, key);

	if (n <= PAGE_ROWS_MAX)
		return;
	body_format(p->b,
	    "<p class=\"more\">and %zu more, which are in the "
	    "<a href=\"snapshot.json\">JSON</a></p>",
	    n - PAGE_ROWS_MAX);
}

/* What is filled in that is no value of a line. */
static void
page_fill_rest(const struct page *p, const struct template_part *part)
{
	switch (part->format) {
	case TEMPLATE_EACH:
		page_each(p, part->key);
		break;
	case TEMPLATE_SOME:
		if (page_count(p, part->key) > 0)
			body_put(p->b, " hidden");
		break;
	case TEMPLATE_NONE:
		if (page_count(p, part->key) == 0)
			body_put(p->b, " hidden");
		break;
	case TEMPLATE_MORE:
		page_more(p, part->key);
		break;
	case TEMPLATE_HOST:
		body_add_html(p->b, p->host);
		break;
	case TEMPLATE_WHY:
		body_add_html(p->b, p->why);
		break;
	default:
		break;
	}
}

/* line is NULL outside of rows. */
static void
page_fill(const struct page *p, const struct template_part *parts,
    const struct snapshot_line *line)
{
	const struct template_part *part = parts;

	for (;; part++) {
		body_add(p->b, part->text, part->len);
		if (part->format == TEMPLATE_END)
			return;
		if (part->format >= TEMPLATE_EACH)
			page_fill_rest(p, part);
		else if (line != NULL)
			page_cell(p, part, line);
	}
}

/* What the page tells of all lines together. */
static void
page_sum(struct page *p)
{
	const struct snapshot_line *line = NULL;
	uint64_t n;

	while ((line = snapshot_next(p->s, line, "refused")) != NULL) {
		if (snapshot_get(line, "name") != NULL)
			continue;
		n = snapshot_number(line, "n", 0);
		p->refused += n;
		if (n > p->refused_most)
			p->refused_most = n;
	}
	line = snapshot_next(p->s, NULL, "tcpmuxd");
	if (line != NULL)
		p->now = snapshot_time(line, "now");
	histogram_init(&p->histogram, p->s);
}

void
page_write(struct body *b, const struct snapshot *s, const char *why,
    const char *host)
{
	struct page p = { .b = b, .s = s, .why = why, .host = host };

	if (s != NULL)
		page_sum(&p);
	page_fill(&p, template_index, NULL);
}
