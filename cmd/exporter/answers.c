/*
 * What is answered, made once for each snapshot and kept as long as that.
 */

#include <string.h>

#include "cmd/clock.h"
#include "cmd/exporter/answers.h"
#include "cmd/exporter/metrics.h"
#include "cmd/exporter/page.h"
#include "cmd/exporter/template.h"

struct answers_header {
	const char *name, *value;
};

/* No answer is kept, guessed at, shown by others or led to by what it says. */
static const struct answers_header answers_headers[] = {
	{ "Cache-Control", "no-store" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Referrer-Policy", "no-referrer" },
	{ "X-Content-Type-Options", "nosniff" },
};

static const char answers_policy[] = "default-src 'none'";

/* Give the text to an answer; returns NULL if it has failed. */
static struct MHD_Response *
answers_finish(struct body *b, const char *type, const char *policy)
{
	struct MHD_Response *r = NULL;
	size_t i;

	if (!b->failed)
		r = MHD_create_response_from_buffer(b->len, b->text,
		    MHD_RESPMEM_MUST_FREE);
	if (r == NULL)
		goto fail;
	b->text = NULL;
	if (MHD_add_response_header(r, "Content-Type", type) == MHD_NO ||
	    MHD_add_response_header(r, "Content-Security-Policy", policy) ==
		MHD_NO)
		goto fail;
	for (i = 0; i < sizeof(answers_headers) / sizeof(*answers_headers); i++)
		if (MHD_add_response_header(r, answers_headers[i].name,
			answers_headers[i].value) == MHD_NO)
			goto fail;
	return r;
fail:
	if (r != NULL)
		MHD_destroy_response(r);
	body_clear(b);
	return NULL;
}

static struct MHD_Response *
answers_make(const struct answers *x, enum answer which)
{
	const struct source *source = &x->source;
	const struct snapshot *s = source->up ? &source->s : NULL;
	const enum metrics_format format =
	    which == ANSWER_OPENMETRICS ? METRICS_OPEN : METRICS_PROMETHEUS;
	struct body b;

	body_init(&b);
	switch (which) {
	case ANSWER_PAGE:
		page_write(&b, s, source->why, x->host);
		return answers_finish(&b, "text/html; charset=utf-8",
		    template_policy);
	case ANSWER_JSON:
		body_add_document(&b, s, source->why);
		return answers_finish(&b, "application/json", answers_policy);
	default:
		metrics_write(&b, format, s);
		return answers_finish(&b, metrics_type(format), answers_policy);
	}
}

static void
answers_forget(struct answers *x)
{
	size_t i;

	for (i = 0; i < ANSWER_COUNT; i++) {
		if (x->made[i] != NULL)
			MHD_destroy_response(x->made[i]);
		x->made[i] = NULL;
	}
}

void
answers_init(struct answers *x, const char *control, const char *host)
{
	*x = (struct answers){ .host = host };
	source_init(&x->source, control);
}

void
answers_clear(struct answers *x)
{
	answers_forget(x);
	source_clear(&x->source);
}

struct MHD_Response *
answers_get(struct answers *x, enum answer which)
{
	if (source_look(&x->source, clock_now()))
		answers_forget(x);
	if (x->made[which] == NULL)
		x->made[which] = answers_make(x, which);
	return x->made[which];
}

struct MHD_Response *
answers_make_text(const char *text)
{
	struct body b;

	body_init(&b);
	body_put(&b, text);
	return answers_finish(&b, "text/plain; charset=utf-8", answers_policy);
}
