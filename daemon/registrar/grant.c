/*
 * Granting: whether somebody may offer a name, what he is told, and the log.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/handover.h"
#include "daemon/registrar/grant.h"
#include "os/message.h"
#include "table/policy.h"

uint32_t
grant_max(const struct registry *r, uint32_t uid)
{
	const struct table *t = r->g->table;

	if (uid == 0 || uid == r->g->account.uid)
		return 0;
	/* Where descriptors are few, nobody has more than half of them. */
	if (r->g->max_offers < t->max_offers &&
	    t->max_offers_per_user > r->g->max_offers / 2)
		return r->g->max_offers / 2 + 1;
	return t->max_offers_per_user;
}

enum request_answer
grant_decide(const struct registry *r, const struct peer *peer,
    const struct request *q, struct grant *w)
{
	static const enum request_answer answers[] = {
		[POLICY_MAY] = REQUEST_GRANTED,
		[POLICY_NAME] = REQUEST_NAME,
		[POLICY_CONFIGURED] = REQUEST_CONFIGURED,
		[POLICY_DENIED] = REQUEST_DENIED,
	};
	const struct table *t = r->g->table;
	const struct policy_user user = {
		.uid = peer->uid,
		.gid = peer->gid,
		.groups = peer->groups,
		.ngroups = peer->ngroups,
		.is_own = peer->uid == r->g->account.uid,
	};
	enum request_answer answer;

	*w = (struct grant){ *q, peer->uid, SERVICE_NONE };
	answer = answers[policy_decide(t, &user, q->name, &w->service)];
	if (answer != REQUEST_GRANTED)
		return answer;
	if (w->service != SERVICE_NONE) {
		w->q.name.p = t->services[w->service].name;
		w->q.name.len = strlen(w->q.name.p);
	}
	if (w->q.name.len > TCPMUX_OFFER_NAME_MAX)
		return REQUEST_NAME;
	return book_ask(r->book, w->uid, w->q.name, w->q.flags,
	    grant_max(r, w->uid));
}

int
grant_say(int fd, struct tcpmux_span name)
{
	const struct tcpmux_reply reply = { '+', name };
	char line[TCPMUX_REPLY_MAX];
	const ssize_t n = tcpmux_format_reply(line, sizeof(line), reply);

	return n < 0 ? -1 : message_send(fd, line, (size_t)n, -1);
}

void
grant_refuse(int fd, enum request_answer why)
{
	const struct tcpmux_span line = request_refusal(why);
	const int room = 2 * HANDOVER_SNDBUF;

	/* This line has room even in a queue that is full; or it is lost. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	/* Whoever cannot be told sees his end all the same. */
	(void)message_send(fd, line.p, line.len, -1);
	/* Who still hands over to it is told so: nothing gets lost there. */
	(void)shutdown(fd, SHUT_RDWR);
}

void
grant_log(struct registry *r, enum log_level level, const char *by,
    struct tcpmux_span name, uint32_t uid, const char *verdict,
    const char *reason)
{
	struct record record = record_empty;
	char number[sizeof("4294967295")];

	if (!report_wants(&r->report, level, r->now))
		return;
	record.name = name;
	record.verdict = verdict;
	record.reason = reason;
	record.by = by;
	record.user = policy_login(r->g->table, uid);
	if (record.user == NULL) {
		/* It has room for any of them. */
		(void)snprintf(number, sizeof(number), "%u", (unsigned int)uid);
		record.user = number;
	}
	report_add(&r->report, &record);
}
