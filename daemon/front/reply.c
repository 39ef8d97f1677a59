/*
 * What the front says to a client, as it goes out piece by piece.
 */

#include <sys/socket.h>

#include "daemon/front/help.h"
#include "daemon/front/reply.h"

ssize_t
reply_send(struct conn *c, const struct mux *m, bool *whole)
{
	const struct table *t = m->g->table;
	const bool is_last = c->reply != REPLY_OK && c->reply != REPLY_GREETING;
	struct tcpmux_span text;
	char list[HELP_PIECE];
	bool ends = true;
	ssize_t n;

	if (c->reply == REPLY_HELP) {
		text.p = list;
		text.len = help_write(c, m, list, &ends);
	} else {
		text = is_last ?
		    words_refuse(&t->words, (enum refusal)c->reply).text :
		    t->services[c->service].ok;
		text.p += c->done;
		text.len -= c->done;
	}
	*whole = true;
	if (text.len == 0)
		return 0;
	/* The last reply and the FIN behind it share one segment. */
	n = send(c->fd, text.p, text.len,
	    MSG_NOSIGNAL | MSG_DONTWAIT | (is_last ? MSG_MORE : 0));
	if (n == -1)
		return -1;
	*whole = ends && (size_t)n == text.len;
	if (c->reply == REPLY_HELP)
		help_move_on(c, m, list, (size_t)n);
	else
		c->done += (uint32_t)n;
	return n;
}
