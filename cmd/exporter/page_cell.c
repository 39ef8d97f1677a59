/*
 * One value of a line of the snapshot, as the status page shows it.
 */

#include <stdlib.h>
#include <string.h>

#include "cmd/exporter/page_cell.h"
#include "cmd/exporter/shown.h"

/* So many services are named at a reason. */
#define PAGE_WHERE 3

/* Sentences for the reasons of refusals, as tcpmuxd(8) has them. */
static const struct {
	const char *reason, *means;
} page_means[] = {
	{ "empty", "the name was empty" },
	{ "long", "the name was too long" },
	{ "byte", "a byte that no name can hold" },
	{ "cr", "a CR without its LF" },
	{ "lf", "a LF without its CR" },
	{ "unknown", "no such service, or not for this client" },
	{ "late", "no whole request in time" },
	{ "urgent", "urgent data where a name was due" },
	{ "busy", "every place is taken" },
	{ "full", "the service has as many as it may" },
	{ "source", "the client's network has as many as it may" },
	{ "rate", "connections come faster than they may" },
	{ "names", "too many unknown names from one network" },
	{ "down", "nobody is there who serves it" },
	{ "drained", "the service was told to take no more" },
	{ "stopping", "the server is on its way down" },
	{ "broken", "the server could not be set up safely" },
};

static const char *const page_layers[] = { "user", "caps", "no-new-privs",
	"root", "network", "landlock", "seccomp", "limits" };

static void
page_cell_layers(const struct page *p, const char *list)
{
	size_t i;

	for (i = 0; i < sizeof(page_layers) / sizeof(*page_layers); i++)
		body_put(p->b,
		    snapshot_is_listed(list, page_layers[i]) ?
			"<td role=\"cell\" class=\"yes\">"
			"<span class=\"unseen\">yes</span></td>" :
			"<td role=\"cell\" class=\"no\">"
			"<span class=\"unseen\">no</span></td>");
}

/* A mark that differs in shape, as not everybody sees colours. */
static void
page_cell_state(const struct page *p, const char *state)
{
	const char *mark = "half";

	if (strcmp(state, "up") == 0 || strcmp(state, "serving") == 0)
		mark = "up";
	else if (strcmp(state, "down") == 0)
		mark = "down";
	body_format(p->b, "<span class=\"mark %s\"></span>", mark);
	body_add_html(p->b, state);
}

static void
page_cell_means(const struct page *p, const char *reason)
{
	size_t i;

	for (i = 0; i < sizeof(page_means) / sizeof(*page_means); i++)
		if (strcmp(page_means[i].reason, reason) == 0)
			body_put(p->b, page_means[i].means);
}

/* The time within which so many of a hundred were handed over. */
static void
page_cell_percentile(const struct page *p, const struct snapshot_line *line,
    unsigned int percent)
{
	const struct histogram *h = &p->histogram;
	const uint64_t us = histogram_quantile(h, line, percent);

	if (us == 0) {
		if (percent < 99)
			shown_nothing(p->b);
		return;
	}
	if (percent >= 99)
		body_put(p->b, "99&nbsp;% ");
	body_put(p->b, us == UINT64_MAX ? "&gt;&nbsp;" : "&le;&nbsp;");
	shown_micro(p->b, us == UINT64_MAX ? h->bounds[h->n - 1] : us);
}

/* The services that are refused most, most first. */
static void
page_cell_where(const struct page *p, const char *reason)
{
	const struct snapshot_line *top[PAGE_WHERE] = { NULL }, *line = NULL;
	const char *between = "";
	size_t i;

	while ((line = snapshot_next(p->s, line, "refused")) != NULL) {
		if (snapshot_get(line, "name") == NULL ||
		    strcmp(snapshot_text(line, "reason"), reason) != 0)
			continue;
		for (i = PAGE_WHERE; i > 0; i--) {
			if (top[i - 1] != NULL &&
			    snapshot_number(top[i - 1], "n", 0) >=
				snapshot_number(line, "n", 0))
				break;
			if (i < PAGE_WHERE)
				top[i] = top[i - 1];
		}
		if (i < PAGE_WHERE)
			top[i] = line;
	}
	for (i = 0; i < PAGE_WHERE && top[i] != NULL; i++) {
		body_put(p->b, between);
		body_add_html(p->b, snapshot_text(top[i], "name"));
		body_put(p->b, "&nbsp;<span class=\"quiet\">");
		shown_count(p->b, snapshot_number(top[i], "n", 0));
		body_put(p->b, "</span>");
		between = ", ";
	}
}

/* A key of a line, or a sum that no line has.  Returns false if unknown. */
static bool
page_number(const struct page *p, const struct snapshot_line *line,
    const char *key, uint64_t *n)
{
	static const char *const handed[] = { "handed-exec", "handed-relay",
		"handed-socket", "handed-offer" };
	size_t i;

	if (strcmp(key, "all-handed") == 0) {
		*n = 0;
		for (i = 0; i < sizeof(handed) / sizeof(*handed); i++)
			*n += snapshot_number(line, handed[i], 0);
		return true;
	}
	if (strcmp(key, "all-refused") == 0) {
		*n = p->refused;
		return true;
	}
	if (strcmp(key, "in-out") == 0) {
		*n = snapshot_number(line, "in", 0) +
		    snapshot_number(line, "out", 0);
		return snapshot_get(line, "in") != NULL;
	}
	*n = snapshot_number(line, key, 0);
	return snapshot_get(line, key) != NULL;
}

static void
page_cell_age(const struct page *p, const struct snapshot_line *line,
    const char *key)
{
	const int64_t age = p->now - snapshot_time(line, key);

	if (snapshot_get(line, key) == NULL || age < 0)
		shown_nothing(p->b);
	else
		shown_micro(p->b, (uint64_t)(age / 1000) * 1000000);
}

/* A number in one of the formats of numbers. */
static void
page_cell_number(const struct page *p, const struct template_part *part,
    const struct snapshot_line *line)
{
	uint64_t n;

	if (!page_number(p, line, part->key, &n)) {
		if (part->format != TEMPLATE_RAW)
			shown_nothing(p->b);
		return;
	}
	switch (part->format) {
	case TEMPLATE_RAW:
		body_number(p->b, n);
		break;
	case TEMPLATE_BYTES:
		shown_bytes(p->b, n);
		break;
	case TEMPLATE_KIB:
		shown_bytes(p->b, n * 1024);
		break;
	case TEMPLATE_MICRO:
		shown_micro(p->b, n);
		break;
	case TEMPLATE_MILLI:
		shown_micro(p->b, n * 1000);
		break;
	case TEMPLATE_SHARE:
		body_number(p->b, n * 100 / (p->refused_most + 1) + 1);
		break;
	default:
		shown_count(p->b, n);
	}
}

/* How many wait, and how many may; not known of all that is served. */
static void
page_cell_queue(const struct page *p, const struct snapshot_line *line)
{
	if (snapshot_get(line, "queue-max") == NULL) {
		shown_nothing(p->b);
		return;
	}
	shown_count(p->b, snapshot_number(line, "queue", 0));
	body_put(p->b, "<span class=\"quiet\"> / ");
	shown_count(p->b, snapshot_number(line, "queue-max", 0));
	body_put(p->b, "</span>");
}

void
page_cell(const struct page *p, const struct template_part *part,
    const struct snapshot_line *line)
{
	const char *text = snapshot_text(line, part->key);

	switch (part->format) {
	case TEMPLATE_TEXT:
		body_add_html(p->b, text);
		break;
	case TEMPLATE_NOTE:
		if (strcmp(text, "yes") == 0)
			body_put(p->b, part->key);
		break;
	case TEMPLATE_STATE:
		page_cell_state(p, text);
		break;
	case TEMPLATE_QUEUE:
		page_cell_queue(p, line);
		break;
	case TEMPLATE_AGE:
		page_cell_age(p, line, part->key);
		break;
	case TEMPLATE_TIME:
		shown_time(p->b, snapshot_time(line, part->key));
		break;
	case TEMPLATE_HALF:
		page_cell_percentile(p, line, 50);
		break;
	case TEMPLATE_MOST:
		page_cell_percentile(p, line, 99);
		break;
	case TEMPLATE_MEANS:
		page_cell_means(p, text);
		break;
	case TEMPLATE_WHERE:
		page_cell_where(p, text);
		break;
	case TEMPLATE_LAYERS:
		page_cell_layers(p, text);
		break;
	default:
		page_cell_number(p, part, line);
	}
}
