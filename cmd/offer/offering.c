/*
 * A name on offer: made, asked for connections, and told of.
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd/offer/offering.h"
#include "cmd/say.h"

void
offering_say(const struct offer_options *options, int level, const char *format,
    ...)
{
	char text[1024];
	va_list arguments;

	if (level > options->verbosity)
		return;
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments); /* or cut */
	va_end(arguments);
	say("%s: %s", options->name, text);
}

/* What the daemon said, for people: behind the word that is for programs. */
static const char *
offering_sentence(const struct tcpmux_offer *offer)
{
	const char *text = tcpmux_offer_text(offer);
	const char *space = strchr(text, ' ');

	return space != NULL ? space + 1 : text;
}

/* Why the offer did not come about, and the exit status for it. */
static int
say_failure(const struct offering *o, int err)
{
	const struct offer_options *x = o->options;

	switch (err) {
	case TCPMUX_ERR_REFUSED:
		offering_say(x, -1, "refused: %s", offering_sentence(o->offer));
		return SAY_REFUSED;
	case TCPMUX_ERR_SYSTEM:
		offering_say(x, -1, "%s", strerror(errno));
		return SAY_SYSTEM;
	case TCPMUX_ERR_ARGUMENT:
	case TCPMUX_ERR_EMPTY:
	case TCPMUX_ERR_LONG:
	case TCPMUX_ERR_BYTE:
		offering_say(x, -1, "%s", tcpmux_strerror(err));
		return SAY_USAGE;
	case TCPMUX_ERR_NO_DAEMON:
		offering_say(x, -1,
		    "%s%s%s: start it, or say by --control or "
		    "$TCPMUX_CONTROL where it is",
		    tcpmux_strerror(err), x->control != NULL ? " " : "",
		    x->control != NULL ? x->control : "");
		return SAY_UNREACHABLE;
	default:
		offering_say(x, -1, "%s", tcpmux_strerror(err));
		return SAY_UNREACHABLE;
	}
}

int
offering_begin(struct offering *o, const struct offer_options *options)
{
	int err;

	*o = (struct offering){ .options = options };
	err = tcpmux_listen(options->control, options->name, options->flags,
	    &o->offer);
	if (err != 0)
		return say_failure(o, err);
	o->is_up = tcpmux_offer_is_up(o->offer) != 0;
	offering_say(options, 0, "%s",
	    o->is_up ? "offered" : "no daemon is there yet; waiting for it");
	return 0;
}

void
offering_end(struct offering *o)
{
	tcpmux_close(o->offer);
	o->offer = NULL;
}

int
offering_descriptor(const struct offering *o)
{
	return o->offer == NULL || o->is_paused ? -1 :
						  tcpmux_offer_fd(o->offer);
}

/* Say it if the daemon has come or gone. */
static void
say_change(struct offering *o)
{
	const bool is_up = tcpmux_offer_is_up(o->offer) != 0;

	if (is_up == o->is_up)
		return;
	o->is_up = is_up;
	offering_say(o->options, 0, "%s",
	    is_up ? "offered again" : "the daemon is gone; offering again");
}

int
offering_take(struct offering *o, struct tcpmux_caller *caller)
{
	const bool was_paused = o->is_paused;
	int conn;

	caller->size = sizeof(*caller);
	conn = tcpmux_accept_silent(o->offer, caller, 0);
	o->is_paused = false;
	if (conn >= 0)
		return conn;
	if (conn == TCPMUX_ERR_AGAIN) {
		say_change(o);
		return OFFERING_NONE;
	}
	if (conn == TCPMUX_ERR_SYSTEM) {
		if (!was_paused)
			offering_say(o->options, -1,
			    "cannot take a connection: %s", strerror(errno));
		o->is_paused = true;
		return OFFERING_NONE;
	}
	offering_say(o->options, -1, "the daemon has ended the offer: %s",
	    offering_sentence(o->offer));
	return OFFERING_OVER;
}
