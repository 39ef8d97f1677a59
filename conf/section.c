/*
 * The sections of the configuration: takes one into the table, and says what
 * is wrong with its options together.
 */

#include <arpa/inet.h>

#include <errno.h>
#include <string.h>

#include "conf/section.h"

/* Defaults; tcpmuxd.conf(5) has them, too. */
#define CONNECT_MS    5000
#define HALF_MS       3600000
#define KEEPALIVE_MS  300000
#define BUILTIN_BYTES (64 << 20)
#define BUILTIN_MS    3600000
#define UMASK         022

/* The longest text of a numeric address, its interface included. */
#define ADDRESS_MAX 64

/* A listener's title that is the name of a socket, and how long that may be. */
#define SOCKET_PREFIX   "systemd:"
#define SOCKET_NAME_MAX 255

const struct listen listen_default = { .port = TCPMUX_PORT };

const struct service service_default = {
	.program = { .umask = UMASK, .name = "" },
	.relay = { .connect_ms = CONNECT_MS,
	    .half_ms = HALF_MS,
	    .keepalive_ms = KEEPALIVE_MS },
	.builtin = { .bytes = BUILTIN_BYTES, .ms = BUILTIN_MS },
};

/* The library's option of this name; every option of the section is there. */
static const cfg_opt_t *
find(const cfg_t *cfg, const char *name)
{
	const cfg_opt_t *c = cfg->opts;

	while (strcmp(c->name, name) != 0)
		c++;
	return c;
}

static bool
is_given(const cfg_t *cfg, const char *name)
{
	return (find(cfg, name)->flags & CFGF_MODIFIED) != 0;
}

/* The line of an option that is given: of its first value, if it has one. */
static int
line_of(const struct taking *k, const cfg_t *cfg, const char *name)
{
	const cfg_opt_t *c = find(cfg, name);

	return c->nvalues > 0 ? value_at(c, 0)->line :
				taking_mark(k)->empty_line;
}

/* Or has it been said that there is no value, or one too many? */
static bool
is_usable(const struct option *o, const cfg_opt_t *values)
{
	return o->type->is_list ? values->nvalues > 0 || o->type->may_be_empty :
				  values->nvalues == 1;
}

void
section_take(struct taking *k, const cfg_t *cfg, enum section s, void *base)
{
	const struct option *o;

	for (o = option_list(s); o->name != NULL; o++)
		if (is_given(cfg, o->name) && is_usable(o, find(cfg, o->name)))
			o->type->take(k, o, find(cfg, o->name), base);
}

/* Listeners */

/* Is this * or a numeric address? */
static bool
address_is_good(const char *text)
{
	char copy[ADDRESS_MAX], *percent;
	size_t len = strlen(text);
	struct in6_addr a;

	if (strcmp(text, "*") == 0)
		return true;
	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len + 1);
	percent = strchr(copy, '%');
	if (percent != NULL && percent[1] != '\0')
		*percent = '\0';
	return inet_pton(AF_INET6, copy, &a) == 1 ||
	    (percent == NULL && inet_pton(AF_INET, copy, &a) == 1);
}

/*
 * The name in title, if it is that of a socket which the service manager
 * opens; or NULL.
 */
static const char *
socket_name(const char *title)
{
	const size_t len = strlen(SOCKET_PREFIX);

	return strncmp(title, SOCKET_PREFIX, len) == 0 ? title + len : NULL;
}

/* Can a socket have this name?  See sd_listen_fds_with_names(3). */
static bool
socket_name_is_good(const char *name)
{
	const size_t len = strlen(name);
	size_t i;

	for (i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == ':')
			return false;
	return len > 0 && len <= SOCKET_NAME_MAX;
}

/* Say what is wrong with the title of a listener, and its port. */
static void
check_place(struct taking *k, const cfg_t *cfg, const struct listen *l)
{
	if (l->socket == NULL && !address_is_good(cfg->title))
		taking_say(k, taking_mark(k)->line,
		    "listen \"%s\": not an address: write a numeric one, as in "
		    "127.0.0.1 or ::1, or * for all",
		    cfg->title);
	if (l->socket != NULL && !socket_name_is_good(l->socket))
		taking_say(k, taking_mark(k)->line,
		    "listen \"%s\": no socket has such a name: write what its "
		    "unit has as FileDescriptorName=",
		    cfg->title);
	if (l->socket != NULL && is_given(cfg, "port"))
		taking_say(k, line_of(k, cfg, "port"),
		    "port: the socket of the service manager has one: leave "
		    "it out");
}

/* Is another listener in the same place? */
static bool
is_same_place(const struct listen *a, const struct listen *b)
{
	return strcmp(a->address, b->address) == 0 &&
	    (a->socket != NULL || (a->port != 0 && a->port == b->port));
}

/* Say what is wrong with a listener as a whole. */
static void
check_listen(struct taking *k, const cfg_t *cfg, const struct listen *l)
{
	size_t i;

	check_place(k, cfg, l);
	if (l->proxied && l->trust.nfrom == 0)
		taking_say(k, line_of(k, cfg, "proxy"),
		    "proxy = require: nobody is trusted: add trust = "
		    "{\"ADDRESS\"} for those who send the header");
	if (!l->proxied && is_given(cfg, "trust"))
		taking_say(k, line_of(k, cfg, "trust"),
		    "trust: only with proxy = require: add that, or leave it "
		    "out");
	for (i = 0; i < k->t->nlistens; i++) {
		if (!is_same_place(l, &k->t->listens[i]))
			continue;
		if (l->socket != NULL)
			taking_say(k, taking_mark(k)->line,
			    "listen \"%s\": this socket is given before: leave "
			    "one out",
			    l->address);
		else
			taking_say(k, taking_mark(k)->line,
			    "listen \"%s\": this address and port %u are given "
			    "before: leave one out",
			    l->address, l->port);
	}
}

void
section_take_listen(struct taking *k, const cfg_t *cfg)
{
	struct listen l = listen_default;
	struct table *t = k->t;

	if (t->listens == NULL)
		t->listens =
		    taking_alloc(k, TABLE_LISTENERS_MAX * sizeof(*t->listens));
	l.address = taking_copy(k, cfg->title);
	if (t->listens == NULL || l.address == NULL)
		return;
	l.socket = socket_name(l.address);
	section_take(k, cfg, SECTION_LISTEN, &l);
	check_listen(k, cfg, &l);
	if (t->nlistens == TABLE_LISTENERS_MAX)
		taking_say(k, taking_mark(k)->line,
		    "listen \"%s\": more than %d listeners: leave some out",
		    l.address, TABLE_LISTENERS_MAX);
	else
		t->listens[t->nlistens++] = l;
}

/* Services */

/* The options of which a service has exactly one, and what that makes it. */
static const struct {
	const char *name;
	enum service_kind kind;
} kinds[] = {
	{ "builtin", SERVICE_TCPMUX }, /* or another, as it says */
	{ "exec", SERVICE_EXEC },
	{ "relay", SERVICE_RELAY },
	{ "socket", SERVICE_SOCKET },
	{ "offered-by", SERVICE_OFFERED },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Set the kind of s.  Returns whether it is one. */
static bool
take_kind(struct taking *k, const cfg_t *cfg, struct service *s)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		if (!is_given(cfg, kinds[i].name))
			continue;
		if (found != NULL) {
			taking_say(k, line_of(k, cfg, kinds[i].name),
			    "%s: besides %s: a service has only one of exec, "
			    "relay, builtin, socket and offered-by",
			    kinds[i].name, found);
			return false;
		}
		found = kinds[i].name;
		if (kinds[i].kind != SERVICE_TCPMUX)
			s->kind = kinds[i].kind;
	}
	if (found == NULL && !taking_mark(k)->is_doubtful)
		taking_say(k, taking_mark(k)->line,
		    "service \"%s\": nobody serves it: add exec, relay, "
		    "builtin, socket or offered-by",
		    cfg->title);
	return found != NULL;
}

/* Say which options do not belong to this kind of service. */
static void
check_options(struct taking *k, const cfg_t *cfg, const struct service *s)
{
	const struct option *o;

	for (o = option_list(SECTION_SERVICE); o->name != NULL; o++)
		if (is_given(cfg, o->name) && (o->kinds & 1U << s->kind) == 0)
			taking_say(k, line_of(k, cfg, o->name),
			    "%s: means nothing to a service by %s: "
			    "leave it out",
			    o->name, service_kind_name(s->kind));
}

bool
section_program_replies(enum service_kind kind)
{
	return kind == SERVICE_SOCKET || kind == SERVICE_OFFERED;
}

/* Only one of both can say +.  With offered-by it has been said before. */
static void
check_reply(struct taking *k, const cfg_t *cfg, const struct service *s)
{
	if (s->service_replies && s->kind != SERVICE_OFFERED &&
	    is_given(cfg, "ok"))
		taking_say(k, line_of(k, cfg, "ok"),
		    "ok: the program says it itself: leave it out, or write "
		    "reply = mux");
}

/* A message to whoever offers a name has no room for a longer one. */
static void
check_length(struct taking *k, const struct service *s)
{
	if (s->kind == SERVICE_OFFERED &&
	    strlen(s->name) > TCPMUX_OFFER_NAME_MAX)
		taking_say(k, s->line,
		    "\"%s\": too long to be offered: with offered-by a name "
		    "may have %d bytes",
		    s->name, TCPMUX_OFFER_NAME_MAX);
}

/* TCP counts this in seconds. */
static void
check_keep_alive(struct taking *k, const cfg_t *cfg, const struct service *s)
{
	if (s->relay.keepalive_ms > 0 && s->relay.keepalive_ms < 1000)
		taking_say(k, line_of(k, cfg, "keep-alive"),
		    "keep-alive: less than a second: write 1s to 9h, or 0 for "
		    "never");
}

/* Is this the name of the mux itself, for something else?  It is said. */
static bool
is_taken(struct taking *k, const struct service *s)
{
	static const struct tcpmux_span tcpmux = { "tcpmux", 6 };
	struct tcpmux_span name = { s->name, strlen(s->name) };

	if (s->kind == SERVICE_TCPMUX ||
	    tcpmux_compare_names(name, tcpmux) != 0)
		return false;
	taking_say(k, s->line,
	    "service \"%s\": this name is the mux's own: write builtin = "
	    "tcpmux, or choose another name",
	    s->name);
	return true;
}

static void
add_service(struct taking *k, const struct service *s)
{
	if (table_add(k->t, s) != NULL)
		return;
	if (errno == E2BIG)
		taking_say(k, s->line, "more than %d services: leave some out",
		    TABLE_SERVICES_MAX);
	else
		k->is_out_of_memory = true;
}

/* Where the options are that only this machine can tell to be right. */
static void
take_lines(const struct taking *k, const cfg_t *cfg, struct service *s)
{
	size_t i;

	s->file = k->file;
	s->line = taking_mark(k)->line;
	for (i = 0; i < KINDS; i++)
		if (is_given(cfg, kinds[i].name))
			s->kind_line = line_of(k, cfg, kinds[i].name);
	s->program.user_line = line_of(k, cfg, "user");
	s->program.group_line = line_of(k, cfg, "group");
	s->program.groups_line = line_of(k, cfg, "groups");
	s->program.directory_line = line_of(k, cfg, "directory");
}

void
section_take_service(struct taking *k, const cfg_t *cfg)
{
	struct service s = service_default;
	bool is_known;

	s.name = taking_copy(k, cfg->title);
	if (s.name == NULL)
		return;
	take_lines(k, cfg, &s);
	taking_check_name(k, s.line, s.name);
	s.kind = SERVICE_SOCKET; /* which no builtin is */
	section_take(k, cfg, SECTION_SERVICE, &s);
	is_known = s.kind != SERVICE_SOCKET || !is_given(cfg, "builtin");
	s.has_access = is_given(cfg, "from") || is_given(cfg, "not-from");
	if (take_kind(k, cfg, &s) && is_known) {
		if (!is_given(cfg, "reply"))
			s.service_replies = section_program_replies(s.kind);
		check_length(k, &s);
		check_options(k, cfg, &s);
		check_reply(k, cfg, &s);
		check_keep_alive(k, cfg, &s);
	}
	if (!k->is_out_of_memory && !is_taken(k, &s))
		add_service(k, &s);
}
