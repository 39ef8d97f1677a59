/*
 * A table as sentences: what would be served, and what would become of one
 * request, and why.
 */

#include <stdarg.h>
#include <string.h>

#include "conf/units.h"
#include "daemon/setup/show.h"
#include "table/policy.h"

/* The widest column that others are aligned behind. */
#define WIDTH_MAX 40

/* Text of access lists is cut behind this. */
#define WHO_MAX 256

/* The names of the columns. */
static const char name_title[] = "service";
static const char who_title[] = "who may";
static const char kind_title[] = "kind";
static const char user_title[] = "runs as";

static struct tcpmux_span
span(const char *text)
{
	return (struct tcpmux_span){ text, strlen(text) };
}

/* Every f here is the caller's, who asks it for errors in the end. */

static void
show_networks(FILE *f, const struct network *v, size_t n)
{
	char text[NETWORK_TEXT_MAX];
	size_t i;

	for (i = 0; i < n; i++) {
		network_format(&v[i], text);
		(void)fprintf(f, "%s%s", i > 0 ? ", " : "", text);
	}
}

static void
show_access(FILE *f, const struct access *a)
{
	if (a->nfrom == 0)
		(void)fputs("everybody", f);
	else
		show_networks(f, a->from, a->nfrom);
	if (a->nnot_from > 0) {
		(void)fputs(" but not ", f);
		show_networks(f, a->not_from, a->nnot_from);
	}
}

static const struct access *
access_of(const struct table *t, const struct service *s)
{
	return s->has_access ? &s->access : &t->access;
}

/* The same as text; what is too long is cut. */
static void
write_access(const struct access *a, char who[static WHO_MAX])
{
	FILE *f = fmemopen(who, WHO_MAX, "w");

	who[0] = '\0';
	if (f == NULL)
		return;
	show_access(f, a);
	(void)fclose(f); /* a stream of memory that may well be full */
	who[WHO_MAX - 1] = '\0';
}

static void
show_listen(FILE *f, const struct listen *l)
{
	bool has_colon = strchr(l->address, ':') != NULL;

	if (l->socket != NULL)
		(void)fprintf(f, "listen %s", l->address);
	else
		(void)fprintf(f, "listen %s%s%s:%u", has_colon ? "[" : "",
		    l->address, has_colon ? "]" : "", l->port);
	if (l->lenient)
		(void)fputs(", lenient", f);
	if (l->proxied) {
		(void)fputs(", PROXY header of ", f);
		show_networks(f, l->trust.from, l->trust.nfrom);
	}
	if (l->access.nfrom > 0 || l->access.nnot_from > 0) {
		(void)fputs(", for ", f);
		show_access(f, &l->access);
	}
	(void)fputc('\n', f);
}

/* Those of a list that may have this name, or all if it is NULL. */
static void
show_offerers(FILE *f, unsigned int *n, const struct offerer *v, size_t count,
    const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (name == NULL || policy_covers(&v[i], span(name)))
			(void)fprintf(f, "%s%s", (*n)++ > 0 ? ", " : "",
			    v[i].text);
}

/* What is configured of the control socket, if anything is. */
static void
show_offers(const struct table *t, FILE *f)
{
	unsigned int n = 0;

	if (t->control_off)
		(void)fputs("control none\n", f);
	else if (t->control != NULL)
		(void)fprintf(f, "control %s\n", t->control);
	if (t->nreaders > 0) {
		(void)fputs("readers ", f);
		show_offerers(f, &n, t->readers, t->nreaders, NULL);
		(void)fputc('\n', f);
		n = 0;
	}
	if (t->nofferers == 0 && !t->offers_by_prefix)
		return;
	(void)fputs("offers of ", f);
	show_offerers(f, &n, t->offerers, t->nofferers, NULL);
	(void)fprintf(f, "%s%s\n", n > 0 && t->offers_by_prefix ? ", " : "",
	    t->offers_by_prefix ? "each user, as LOGIN.NAME" : "");
}

/* What serves it: a command, back ends, a path, somebody's offer. */
static void
show_taker(FILE *f, const struct service *s)
{
	unsigned int n = 0;
	size_t i;

	switch (s->kind) {
	case SERVICE_EXEC:
		for (i = 0; s->program.argv[i] != NULL; i++)
			(void)fprintf(f, "%s%s", i > 0 ? " " : "",
			    s->program.argv[i]);
		break;
	case SERVICE_RELAY:
		for (i = 0; i < s->relay.nbackends; i++)
			(void)fprintf(f, "%s%s", i > 0 ? ", else " : "",
			    s->relay.backends[i].text);
		break;
	case SERVICE_SOCKET:
		(void)fputs(s->socket, f);
		break;
	case SERVICE_OFFERED:
		show_offerers(f, &n, s->offerers, s->nofferers, NULL);
		break;
	default:
		(void)fputs("built in", f);
		break;
	}
}

/* Whom the program runs as, or nothing. */
static const char *
user_of(const struct service *s)
{
	return s->kind == SERVICE_EXEC ? s->program.name : "-";
}

/* One of several things in brackets, of which n are written already. */
__attribute__((format(printf, 3, 4))) static void
show_item(FILE *f, unsigned int *n, const char *fmt, ...)
{
	va_list ap;

	(void)fputs((*n)++ == 0 ? " (" : ", ", f);
	va_start(ap, fmt);
	(void)vfprintf(f, fmt, ap);
	va_end(ap);
}

static void
show_limits(FILE *f, unsigned int *n, uint32_t max, uint32_t max_per_source,
    struct rate rate)
{
	char text[UNITS_TEXT_MAX];

	if (max > 0)
		show_item(f, n, "at most %u", max);
	if (max_per_source > 0)
		show_item(f, n, "at most %u of a source", max_per_source);
	if (rate.count == 0)
		return;
	units_format_rate(rate, text);
	show_item(f, n, "%s", text);
}

/* What there is to say besides. */
static void
show_rest(FILE *f, const struct service *s)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < s->naliases; i++)
		show_item(f, &n, "also %s", s->aliases[i]);
	if (s->hidden)
		show_item(f, &n, "hidden");
	show_limits(f, &n, s->max, s->max_per_source, s->rate);
	if (n > 0)
		(void)fputc(')', f);
}

/* The width of a column with this text in it, if it has had width so far. */
static int
widen(int width, const char *text)
{
	int len = (int)strnlen(text, WIDTH_MAX);

	return len > width ? len : width;
}

static void
show_services(const struct table *t, FILE *f)
{
	int name = widen(0, name_title), who = widen(0, who_title);
	int user = widen(0, user_title), kind = widen(0, kind_title);
	char text[WHO_MAX];
	const struct service *s;

	for (s = t->services; s < t->services + t->nservices; s++) {
		write_access(access_of(t, s), text);
		name = widen(name, s->name);
		who = widen(who, text);
		user = widen(user, user_of(s));
		kind = widen(kind, service_kind_name(s->kind));
	}
	(void)fprintf(f, "%-*s  %-*s  %-*s  %-*s  %s\n", name, name_title, kind,
	    kind_title, who, who_title, user, user_title, "what");
	for (s = t->services; s < t->services + t->nservices; s++) {
		write_access(access_of(t, s), text);
		(void)fprintf(f, "%-*s  %-*s  %-*s  %-*s  ", name, s->name,
		    kind, service_kind_name(s->kind), who, text, user,
		    user_of(s));
		show_taker(f, s);
		show_rest(f, s);
		(void)fputc('\n', f);
	}
}

void
show_table(const struct table *t, FILE *f)
{
	static const struct listen any = { .address = "*",
		.port = TCPMUX_PORT };
	size_t i;

	for (i = 0; i < t->nlistens; i++)
		show_listen(f, &t->listens[i]);
	if (t->nlistens == 0)
		show_listen(f, &any);
	show_offers(t, f);
	show_services(t, f);
}

/* Say that the request is refused, and in which words.  Returns false. */
static bool
explain_refusal(const struct table *t, FILE *f, enum refusal why)
{
	struct tcpmux_span text = words_refuse(&t->words, why).text;

	(void)fprintf(f, "refused: %.*s\n", (int)strcspn(text.p, "\r"), text.p);
	return false;
}

/* By which of its names was s found? */
static void
explain_name(FILE *f, const struct service *s, const char *name)
{
	size_t i;

	(void)fprintf(f, "found: service %s", s->name);
	for (i = 0; i < s->naliases; i++)
		if (tcpmux_compare_names(span(s->aliases[i]), span(name)) == 0)
			(void)fprintf(f, " by its alias %s", s->aliases[i]);
	if (s->file != NULL)
		(void)fprintf(f, ", %s:%d\n", s->file, s->line);
	else
		(void)fputs(", always there\n", f);
}

/* May the peer?  And which list says so? */
static bool
explain_access(FILE *f, const struct access *a, const char *whose,
    const char *address, const uint8_t bytes[static ADDRESS_BYTES])
{
	char text[NETWORK_TEXT_MAX];
	const struct network *n;
	bool allowed;

	n = access_decider(a, bytes, &allowed);
	(void)fprintf(f, "%s: %s ", allowed ? "let in" : "not let in", address);
	if (n != NULL) {
		network_format(n, text);
		(void)fprintf(f, "is in %s, %s of %s\n", text,
		    allowed ? "from" : "not-from", whose);
	} else if (allowed) {
		(void)fprintf(f, "is let in by %s, as everybody is\n", whose);
	} else {
		(void)fprintf(f, "is nowhere in from of %s\n", whose);
	}
	return allowed;
}

/*
 * Which of the listeners that are not for everybody let the peer in?  Returns
 * whether any listener does.
 */
static bool
explain_listeners(const struct table *t, FILE *f, const char *address,
    const uint8_t bytes[static ADDRESS_BYTES])
{
	bool any = t->nlistens == 0;
	const struct access *a;
	size_t i;

	for (i = 0; i < t->nlistens; i++) {
		a = &t->listens[i].access;
		if (a->nfrom == 0 && a->nnot_from == 0) {
			any = true;
			continue;
		}
		show_listen(f, &t->listens[i]);
		any |= explain_access(f, a, "this listener", address, bytes);
	}
	return any;
}

static void
explain_limits(FILE *f, const char *whose, uint32_t max,
    uint32_t max_per_source, struct rate rate)
{
	unsigned int n = 0;

	(void)fprintf(f, "limits of %s", whose);
	show_limits(f, &n, max, max_per_source, rate);
	(void)fputs(n > 0 ? ")\n" : ": none\n", f);
}

/* Who takes the connection, and who answers. */
static void
explain_taker(FILE *f, const struct service *s)
{
	(void)fprintf(f, "%s: ", service_kind_name(s->kind));
	show_taker(f, s);
	if (s->kind == SERVICE_EXEC)
		(void)fprintf(f, ", as %s (uid %u, gid %u) in %s",
		    s->program.name, s->program.uid, s->program.gid,
		    s->program.directory != NULL ? s->program.directory : "/");
	(void)fputc('\n', f);
	if (s->service_replies)
		(void)fputs("answered: as the program likes\n", f);
	else
		(void)fprintf(f, "answered: %.*s\n",
		    (int)strcspn(s->ok.p, "\r"), s->ok.p);
}

/* Who may offer this name, which s has if it is not NULL? */
static void
explain_offers(const struct table *t, const char *name, const struct service *s,
    FILE *f)
{
	const struct login *owner = NULL;
	unsigned int n = 2;

	(void)fputs("may be offered by: ", f);
	if (s != NULL && s->kind != SERVICE_OFFERED) {
		(void)fputs("nobody, as it is served already\n", f);
		return;
	}
	if (t->control_off || !policy_is_name(span(name))) {
		(void)fprintf(f, "nobody, as %s\n",
		    t->control_off ? "control = none" :
				     "such a name cannot be offered");
		return;
	}
	(void)fputs("root, the daemon's own user", f);
	if (s != NULL) {
		show_offerers(f, &n, s->offerers, s->nofferers, NULL);
	} else {
		show_offerers(f, &n, t->offerers, t->nofferers, name);
		if (t->offers_by_prefix)
			owner = policy_prefix_owner(t, span(name));
	}
	if (owner != NULL)
		(void)fprintf(f, ", %s by offers = prefix", owner->name);
	(void)fputc('\n', f);
}

/* Is it in service, and is somebody there if it needs programs of others? */
static bool
explain_now(const struct table *t, bool needs_takers,
    const struct show_now *now, FILE *f)
{
	if (now != NULL && now->is_drained) {
		(void)fputs("drained: by the administrator\n", f);
		return explain_refusal(t, f, REFUSE_DRAINED);
	}
	if (now == NULL || !needs_takers)
		return true;
	(void)fprintf(f, "programs that take connections: %u\n", now->takers);
	return now->takers > 0 || explain_refusal(t, f, REFUSE_DOWN);
}

/* What becomes of a request for s by a peer, or by anybody. */
static bool
explain_service(const struct table *t, const struct service *s,
    const char *name, const char *address, const struct network *peer,
    const struct show_now *now, FILE *f)
{
	const struct access *a = access_of(t, s);
	const char *whose = s->has_access ? "the service" : "the top level";

	explain_name(f, s, name);
	if (address == NULL) {
		(void)fputs("who may: ", f);
		show_access(f, a);
		(void)fprintf(f, ", by %s\n", whose);
	} else if (!explain_access(f, a, whose, address, peer->address)) {
		return explain_refusal(t, f, REFUSE_UNKNOWN);
	}
	explain_limits(f, "the service", s->max, s->max_per_source, s->rate);
	explain_limits(f, "all services together", t->max, t->max_per_source,
	    t->rate_per_source);
	explain_taker(f, s);
	explain_offers(t, name, s, f);
	return s->kind == SERVICE_TCPMUX ||
	    explain_now(t,
		s->kind == SERVICE_SOCKET || s->kind == SERVICE_OFFERED, now,
		f);
}

/* The same for a name that no service has. */
static bool
explain_other(const struct table *t, const char *name, const char *address,
    const struct network *peer, const struct show_now *now, FILE *f)
{
	const bool offered = now != NULL && now->takers > 0;

	(void)fputs(offered ? "found: it is offered\n" :
			      "not found: no service has this name\n",
	    f);
	explain_offers(t, name, NULL, f);
	if (!offered)
		return explain_refusal(t, f, REFUSE_UNKNOWN);
	if (address != NULL &&
	    !explain_access(f, &t->access, "the top level", address,
		peer->address))
		return explain_refusal(t, f, REFUSE_UNKNOWN);
	return explain_now(t, true, now, f);
}

bool
show_explain(const struct table *t, const char *name, const char *address,
    const struct show_now *now, FILE *f)
{
	struct network peer = { .bits = 0 };
	uint32_t found;
	int e = tcpmux_check_name(span(name));

	if (address != NULL &&
	    (network_parse(address, &peer) != 0 ||
		peer.bits != ADDRESS_BYTES * 8)) {
		(void)fprintf(f,
		    "%s: not a numeric address: write one, as in "
		    "192.0.2.1 or 2001:db8::1\n",
		    address);
		return false;
	}
	if (address != NULL &&
	    !explain_listeners(t, f, address, peer.address)) {
		(void)fputs("closed: no listener lets it in\n", f);
		return false;
	}
	if (e != 0)
		return explain_refusal(t, f, (enum refusal)(-e));
	if (words_is_help(&t->words, span(name))) {
		(void)fputs("answered: the list of services\n", f);
		return true;
	}
	found = table_find(t, span(name));
	if (found != SERVICE_NONE)
		return explain_service(t, &t->services[found], name, address,
		    &peer, now, f);
	return explain_other(t, name, address, &peer, now, f);
}
