/*
 * The sockets that strangers connect to, as the table wants them.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/monitor/listen.h"
#include "os/log.h"

/* Fronts have so long to take in who has connected to a socket that goes. */
#define CLOSE_MS 200

/* What the operator can do about a socket that cannot listen. */
static const char *
advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "stop the server that has it, or choose another port "
		       "with -l";
	case EACCES:
	case EPERM:
		return "ports below 1024 are root's: start as root, or choose "
		       "another with -l, as in -l '*:10001'";
	case EADDRNOTAVAIL:
		return "this machine has no such address: see ip address";
	case EAFNOSUPPORT:
		return "this kernel does not speak this family of addresses";
	case E2BIG:
		return "there may be 64 sockets in all, and * takes two";
	case EMFILE:
	case ENFILE:
		return "raise the limit of open files, ulimit -n";
	default:
		return "see tcpmuxd(8)";
	}
}

static bool
is_same(const struct address *a, const struct address *b)
{
	return a->len == b->len && memcmp(&a->u, &b->u, a->len) == 0;
}

/* The socket of l that was opened for the address asked, or NULL. */
static const struct listener *
find_asked(const struct listeners *l, const struct address *asked)
{
	size_t i;

	for (i = 0; l != NULL && i < l->n; i++)
		if (is_same(&l->v[i].asked, asked))
			return &l->v[i];
	return NULL;
}

bool
listeners_have(const struct listeners *l, int fd)
{
	size_t i;

	for (i = 0; l != NULL && i < l->n; i++)
		if (l->v[i].fd == fd)
			return true;
	return false;
}

/* The place in l for one more, of this rule; or NULL with E2BIG. */
static struct listener *
next_place(struct listeners *l, const struct listen *rule)
{
	struct listener *new;

	if (l->n == TABLE_LISTENERS_MAX) {
		errno = E2BIG;
		return NULL;
	}
	new = &l->v[l->n];
	*new = (struct listener){ .fd = -1, .rule = rule };
	return new;
}

/* Add the inherited socket s.  Returns 0, or -1 with errno. */
static int
add_inherited(struct listeners *l, const struct inherited_socket *s,
    const struct address *asked, const struct listen *rule)
{
	struct listener *new;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->v[i].fd != s->fd)
			continue;
		/* A socket that takes both families stands for two. */
		errno = EADDRINUSE;
		return l->v[i].rule == rule ? 0 : -1;
	}
	new = next_place(l, rule);
	if (new == NULL)
		return -1;
	new->fd = s->fd;
	new->asked = *asked;
	new->address = s->address;
	new->is_inherited = true;
	memcpy(new->text, s->text, sizeof(new->text));
	l->n++;
	return 0;
}

/* Add a socket for a.  Returns 0, or -1 with errno. */
static int
add(struct listeners *l, const struct address *a, const struct address *asked,
    const struct listen *rule, const struct listeners *old)
{
	struct listener *new = next_place(l, rule);
	const struct listener *has = find_asked(old, asked);

	if (new == NULL)
		return -1;
	if (has != NULL && !listeners_have(l, has->fd))
		*new = *has;
	else {
		new->address = *a;
		new->asked = *asked;
		new->fd = socket_listen(&new->address);
		if (new->fd == -1)
			return -1;
		address_format(&new->address, new->text);
	}
	new->rule = rule;
	l->n++;
	return 0;
}

/* Open what a rule means by a name.  Returns 0, or -1 after saying why. */
static int
open_named(struct listeners *l, const struct listen *rule,
    const struct inherited *in)
{
	const struct inherited_socket *s;
	size_t step = 0, n = 0;

	while ((s = inherited_named(in, rule->socket, &step)) != NULL) {
		n++;
		if (add_inherited(l, s, &s->address, rule) == 0)
			continue;
		log_say("cannot listen on %s: %s: %s", rule->address,
		    strerror(errno),
		    errno == EADDRINUSE ? "another listener has this socket" :
					  advice(errno));
		return -1;
	}
	if (n > 0)
		return 0;
	log_say("cannot listen on %s: the service manager has opened no "
		"listening TCP socket of this name: see FileDescriptorName= in "
		"the .socket unit",
	    rule->address);
	return -1;
}

/* Returns 0, or -1 after saying why. */
static int
open_rule(struct listeners *l, const struct listen *rule,
    const struct listeners *old, const struct inherited *in)
{
	const struct inherited_socket *s;
	char text[ADDRESS_TEXT_MAX + 8];
	struct address a[2], asked[2];
	int error, i, n;

	/* The configuration's addresses are shorter than any text of ours. */
	(void)snprintf(text, sizeof(text),
	    strchr(rule->address, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    rule->address, (unsigned int)rule->port);
	n = address_parse(text, a);
	if (n == -1) {
		log_say("cannot listen on %s: not an address", text);
		return -1;
	}
	memcpy(asked, a, sizeof(asked));
	for (i = 0; i < n; i++) {
		/* For *:0, both families have the port of the first. */
		if (i > 0)
			address_set_port(&a[i],
			    address_port(&l->v[l->n - 1].address));
		s = inherited_at(in, &a[i]);
		if ((s != NULL ? add_inherited(l, s, &asked[i], rule) :
				 add(l, &a[i], &asked[i], rule, old)) == 0)
			continue;
		error = errno;
		if (i > 0 && (error == EAFNOSUPPORT || error == EADDRNOTAVAIL))
			continue; /* a * on a machine without IPv6 */
		address_format(&a[i], text);
		log_say("cannot listen on %s: %s: %s", text, strerror(error),
		    advice(error));
		return -1;
	}
	return 0;
}

int
listeners_open(struct listeners *l, const struct table *t,
    const struct listeners *old, const struct inherited *in)
{
	const struct listen *rule;
	size_t i;

	l->n = 0;
	for (i = 0; i < t->nlistens; i++) {
		rule = &t->listens[i];
		if ((rule->socket != NULL ? open_named(l, rule, in) :
					    open_rule(l, rule, old, in)) == -1)
			goto fail;
	}
	return 0;
fail:
	listeners_close(l, old);
	return -1;
}

/*
 * End a listening socket for all who hold it, but let the fronts take in who
 * has connected, which they have just been told to do.
 */
static void
end_listener(int fd)
{
	const struct timespec pause = { 0, 1000000 };
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int i;

	for (i = 0; i < CLOSE_MS && poll(&p, 1, 0) == 1; i++)
		(void)nanosleep(&pause, NULL); /* a signal shortens it */
	(void)shutdown(fd, SHUT_RD); /* it listens, or is not wanted */
	(void)close(fd);             /* it has taken nothing itself */
}

void
listeners_close(struct listeners *l, const struct listeners *other)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!l->v[i].is_inherited && !listeners_have(other, l->v[i].fd))
			end_listener(l->v[i].fd);
	l->n = 0;
}

void
listeners_print(const struct listeners *l, const struct listeners *old)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (!listeners_have(old, l->v[i].fd))
			log_say("listening on %s", l->v[i].text);
}

void
listeners_warn(const struct listeners *l, const struct inherited *in)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		if (in->v[i].kind == INHERITED_LISTENER &&
		    !listeners_have(l, in->v[i].fd))
			log_say("warning: the service manager's socket %s, %s, "
				"is in no listener: clients wait there in vain",
			    in->v[i].name, in->v[i].text);
}
