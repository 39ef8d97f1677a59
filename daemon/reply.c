/*
 * What the front says to a client, as it goes out piece by piece.
 */

#include <sys/socket.h>

#include "daemon/reply.h"

/* A piece of the answer to HELP. */
#define HELP_PIECE 4096

ssize_t
reply_send(struct conn *c, const struct mux *m, bool *whole)
{
	const struct table *t = m->g->table;
	struct tcpmux_span text = t->words.refusals[REFUSE_BROKEN];
	char list[HELP_PIECE];
	uint32_t next = c->service;
	bool last = true;
	ssize_t n;

	if (c->reply == REPLY_HELP) {
		text.p = list;
		text.len = 0;
		if (access_allows(&conn_listen(c, m)->access, c->peer))
			text.len =
			    table_help(t, &next, list, sizeof(list), c->peer);
		last = text.len == 0 || next == t->nservices;
	} else if (c->reply == REPLY_OK)
		text = t->services[c->service].ok;
	else
		text = words_refuse(&t->words, (enum refusal)c->reply).text;
	*whole = true;
	if (c->done >= text.len)
		return 0;
	/* The last reply and the FIN behind it share one segment. */
	n = send(c->fd, text.p + c->done, text.len - c->done,
	    MSG_NOSIGNAL | MSG_DONTWAIT |
		(c->reply == REPLY_OK ? 0 : MSG_MORE));
	if (n == -1)
		return -1;
	c->done += (uint32_t)n;
	*whole = last && c->done == text.len;
	if (!last && c->done == text.len) {
		c->service = next;
		c->done = 0;
	}
	return n;
}
