/*
 * The types of values that say where connections go: to back ends, or to the
 * socket of a program.
 */

#include <arpa/inet.h>

#include <sys/un.h>

#include <string.h>
#include <strings.h>

#include "conf/units.h"
#include "conf/value.h"

/* The longest name of a host (RFC 1035). */
#define HOST_MAX 253

/* The most different names of hosts, as each is looked up again and again. */
#define NAMES_MAX 4096

#define HOW_TO_WRITE "write HOST:PORT, \"[ADDRESS]:PORT\" or \"unix:/path\""

static const char unix_prefix[] = "unix:";

/* Bytes of the path of a socket, its NUL included. */
#define SOCKET_PATH_SIZE sizeof(((struct sockaddr_un *)0)->sun_path)

bool
taking_is_long_path(struct taking *k, const struct option *o,
    const struct value *v, const char *path)
{
	if (strlen(path) < SOCKET_PATH_SIZE)
		return false;
	taking_say(k, v->line,
	    "%s = %s: too long for the path of a socket: write at most %zu "
	    "bytes",
	    o->name, v->text, SOCKET_PATH_SIZE - 1);
	return true;
}

/* Set b->port from text. */
static bool
parse_port(const char *text, struct backend *b)
{
	uint64_t n;

	if (units_parse_count(text, &n) != 0 || n == 0 || n > UINT16_MAX)
		return false;
	b->port = (uint16_t)n;
	return true;
}

/* Set b->address from a numeric address, IPv4 in its mapped form. */
static bool
parse_address(const char *text, bool is_bracketed, struct backend *b)
{
	uint8_t ipv4[IPV4_BYTES];

	if (is_bracketed)
		return inet_pton(AF_INET6, text, b->address) == 1;
	if (inet_pton(AF_INET, text, ipv4) != 1)
		return false;
	address_set_mapped(b->address, ipv4);
	return true;
}

/* Could this be the name of a host?  What ends in a number is an address. */
static bool
host_is_name(const char *text)
{
	static const char digits[] = "0123456789";
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t len = strlen(text), i;
	const char *last = strrchr(text, '.');

	last = last == NULL ? text : last + 1;
	if (len == 0 || len > HOST_MAX || text[0] == '.' || text[0] == '-' ||
	    strstr(text, "..") != NULL)
		return false;
	for (i = 0; i < len; i++)
		if (strchr(digits, text[i]) == NULL &&
		    strchr(letters, text[i]) == NULL &&
		    strchr(".-_", text[i]) == NULL)
			return false;
	return strspn(last, digits) != strlen(last) || last[0] == '\0';
}

/* Find b->host among the names of the table, or add it there. */
static void
place_name(struct taking *k, const struct value *v, struct backend *b)
{
	struct table *t = k->t;
	uint32_t i;

	if (t->names == NULL)
		t->names = taking_alloc(k, NAMES_MAX * sizeof(*t->names));
	if (t->names == NULL)
		return;
	for (i = 0; i < t->nnames; i++)
		if (strcasecmp(t->names[i], b->host) == 0)
			break;
	if (i == NAMES_MAX) {
		taking_say(k, v->line,
		    "relay = %s: more than %d different names of hosts: "
		    "write addresses",
		    v->text, NAMES_MAX);
		return;
	}
	if (i == t->nnames)
		t->names[t->nnames++] = b->host;
	b->name = i;
}

static void
take_path(struct taking *k, const struct option *o, const struct value *v,
    struct backend *b)
{
	const char *path = v->text + strlen(unix_prefix);

	b->kind = BACKEND_UNIX;
	b->host = "";
	if (path[0] != '/')
		taking_say(k, v->line,
		    "relay = %s: not an absolute path: begin it with unix:/",
		    v->text);
	else if (!taking_is_long_path(k, o, v, path))
		b->host = b->text + strlen(unix_prefix);
}

/* Take HOST:PORT, whose host is a copy that may be cut. */
static void
take_host(struct taking *k, const struct value *v, struct backend *b,
    char *host)
{
	char *colon = strrchr(host, ':');
	bool is_bracketed = host[0] == '[';
	size_t len;

	b->host = host;
	if (colon == NULL || (is_bracketed && colon[-1] != ']')) {
		taking_say(k, v->line, "relay = %s: no port: " HOW_TO_WRITE,
		    v->text);
		return;
	}
	*colon = '\0';
	if (!parse_port(colon + 1, b)) {
		taking_say(k, v->line,
		    "relay = %s: not a port: write a number from 1 to 65535",
		    v->text);
		return;
	}
	len = strlen(host);
	if (is_bracketed) {
		host[len - 1] = '\0';
		b->host = ++host;
	}
	b->kind = BACKEND_ADDRESS;
	if (parse_address(host, is_bracketed, b))
		return;
	b->kind = BACKEND_NAME;
	if (!is_bracketed && strchr(host, ':') != NULL)
		taking_say(k, v->line,
		    "relay = %s: an IPv6 address needs brackets: "
		    "write \"[%s]:%s\"",
		    v->text, host, colon + 1);
	else if (is_bracketed || !host_is_name(host))
		taking_say(k, v->line,
		    "relay = %s: neither an address nor a name of a host: " HOW_TO_WRITE,
		    v->text);
	else
		place_name(k, v, b);
}

static void
take_backends(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	struct relay_rule *relay = value_field(o, base);
	const struct value *v;
	struct backend *list;
	unsigned int i;
	char *copy;

	if (values->nvalues > TABLE_BACKENDS_MAX) {
		taking_say(k, value_at(values, TABLE_BACKENDS_MAX)->line,
		    "%s: too many back ends: write at most %d", o->name,
		    TABLE_BACKENDS_MAX);
		return;
	}
	list = taking_alloc(k, values->nvalues * sizeof(*list));
	for (i = 0; list != NULL && i < values->nvalues; i++) {
		v = value_at(values, i);
		list[i].text = taking_copy(k, v->text);
		copy = table_copy(k->t, v->text);
		if (list[i].text == NULL || copy == NULL) {
			k->is_out_of_memory = true;
			return;
		}
		if (strncmp(v->text, unix_prefix, strlen(unix_prefix)) == 0)
			take_path(k, o, v, &list[i]);
		else
			take_host(k, v, &list[i], copy);
	}
	relay->backends = list;
	relay->nbackends = values->nvalues;
}

static void
print_backends(FILE *f, const struct option *o, const void *base)
{
	const struct relay_rule *relay = value_field_const(o, base);
	size_t i;

	(void)fputc('{', f); /* as all of f: whoever closes it, asks it */
	for (i = 0; i < relay->nbackends; i++) {
		if (i > 0)
			(void)fputs(", ", f);
		value_quote(f, relay->backends[i].text,
		    strlen(relay->backends[i].text));
	}
	(void)fputc('}', f);
}

const struct option_type type_backends = { .is_list = true,
	.take = take_backends,
	.print = print_backends };

static void
take_socket(struct taking *k, const struct option *o, const cfg_opt_t *values,
    void *base)
{
	const struct value *v = value_at(values, 0);

	if (!taking_is_long_path(k, o, v, v->text))
		type_path.take(k, o, values, base);
}

static void
print_socket(FILE *f, const struct option *o, const void *base)
{
	type_path.print(f, o, base);
}

const struct option_type type_socket = { .take = take_socket,
	.print = print_socket };
