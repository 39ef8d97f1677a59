/*
 * What the command line says, and the table that it leads to.
 */

#include <string.h>
#include <unistd.h>

#include "daemon/setup/config.h"
#include "daemon/setup/setup.h"
#include "os/log.h"
#include "os/socket.h"

/* Set *l from text, a good ADDRESS:PORT.  Returns 0, or -1 with ENOMEM. */
static int
parse_listen(struct table *t, struct listen *l, const char *text)
{
	struct address a[2];
	char *host, *end;

	host = table_copy(t, text[0] == '[' ? text + 1 : text);
	if (host == NULL || address_parse(text, a) == -1)
		return -1;
	end = strrchr(host, ':');
	*end = '\0';
	if (end > host && end[-1] == ']')
		end[-1] = '\0';
	l->address = host;
	l->port = address_port(&a[0]);
	return 0;
}

/*
 * The sockets of the command line, instead of those that are configured; or
 * the usual one, if there is none of either.  Returns 0, or -1 with ENOMEM.
 */
static int
overrule_listens(const struct setup *s, struct table *t)
{
	static const char *const usual[] = { "*:1" };
	const char *const *texts = s->listen;
	size_t i, n = s->nlisten;

	if (n == 0 && t->nlistens == 0) {
		texts = usual;
		n = 1;
	}
	if (n != 0) {
		t->listens = table_alloc(t, n * sizeof(*t->listens));
		t->nlistens = n;
	}
	for (i = 0; i < n; i++)
		if (t->listens == NULL ||
		    parse_listen(t, &t->listens[i], texts[i]) == -1)
			return -1;
	for (i = 0; i < t->nlistens && s->lenient; i++)
		t->listens[i].lenient = true;
	return 0;
}

const char *
setup_file(const struct setup *s)
{
	return s->file != NULL ? s->file : SETUP_FILE;
}

struct table *
setup_read(const struct setup *s)
{
	struct table *t;

	t = config_read(setup_file(s), s->file == NULL, geteuid() == 0);
	if (t == NULL)
		return NULL;
	if (overrule_listens(s, t) == -1) {
		log_say("no memory for %zu sockets", s->nlisten);
		table_free(t);
		return NULL;
	}
	if (s->wait_s != 0)
		t->request_ms = (uint32_t)s->wait_s * 1000;
	return t;
}
