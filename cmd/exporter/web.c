/*
 * HTTP, by libmicrohttpd: three addresses, to read and nothing else.  No
 * thread, and no file is opened by what a client says.
 */

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/clock.h"
#include "cmd/exporter/accept.h"
#include "cmd/exporter/host.h"
#include "cmd/exporter/visits.h"
#include "cmd/exporter/web.h"

/* A request's line and headers, and what MHD makes of them. */
#define WEB_MEMORY ((size_t)16 * 1024)

/* Who says nothing for so long is cut off, by MHD; in seconds. */
#define WEB_SILENT 10u

/* While somebody is here, deadlines are looked at so often. */
#define WEB_TICK_MS 1000

/* What is said where there is nothing to be read. */
enum web_refusal {
	WEB_NOT_FOUND,
	WEB_NOT_ALLOWED,
	WEB_MISDIRECTED,
	WEB_BROKEN,
	WEB_REFUSALS
};

static const struct {
	unsigned int status;
	const char *text;
} web_refusals[WEB_REFUSALS] = {
	[WEB_NOT_FOUND] = { MHD_HTTP_NOT_FOUND,
	    "Nothing is here. There are /, /metrics and /snapshot.json.\n" },
	[WEB_NOT_ALLOWED] = { MHD_HTTP_METHOD_NOT_ALLOWED,
	    "Only GET and HEAD.\n" },
	[WEB_MISDIRECTED] = { MHD_HTTP_MISDIRECTED_REQUEST,
	    "Call me localhost, or start me with --host.\n" },
	[WEB_BROKEN] = { MHD_HTTP_INTERNAL_SERVER_ERROR,
	    "There is no memory for that.\n" },
};

struct web {
	struct MHD_Daemon *mhd;
	int fd; /* of epoll, MHD's */
	struct answers *answers;
	const struct exporter_options *options;
	struct MHD_Response *refusals[WEB_REFUSALS];
	struct visits visits;
	bool again; /* somebody went: MHD may accept another at the next turn */
};

static enum MHD_Result
web_refuse(struct web *w, struct MHD_Connection *c, enum web_refusal why)
{
	return MHD_queue_response(c, web_refusals[why].status,
	    w->refusals[why]);
}

static const char *
web_header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* Which answer a path has; ANSWER_COUNT if none. */
static enum answer
web_find(struct MHD_Connection *c, const char *path)
{
	if (strcmp(path, "/") == 0)
		return ANSWER_PAGE;
	if (strcmp(path, "/snapshot.json") == 0)
		return ANSWER_JSON;
	if (strcmp(path, "/metrics") != 0)
		return ANSWER_COUNT;
	if (accept_prefers(web_header(c, MHD_HTTP_HEADER_ACCEPT),
		"application/openmetrics-text", "text/plain"))
		return ANSWER_OPENMETRICS;
	return ANSWER_PROMETHEUS;
}

/* MHD calls this when it has the headers; the parameters are its own. */
static enum MHD_Result
web_answer(void *arg, struct MHD_Connection *c, const char *path,
    const char *method, const char *version, const char *upload,
    size_t *upload_size, void **called)
{
	static char once;
	struct web *w = arg;
	struct MHD_Response *r;
	enum answer which;

	(void)version; /* MHD knows what to do with each, and with a body */
	(void)upload;
	if (*called == NULL) {
		*called = &once; /* whoever answers so early cannot go on */
		return MHD_YES;
	}
	if (*upload_size > 0) {
		*upload_size = 0;
		return MHD_YES;
	}
	if (!host_is_ours(web_header(c, MHD_HTTP_HEADER_HOST),
		w->options->hosts, w->options->nhosts))
		return web_refuse(w, c, WEB_MISDIRECTED);
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return web_refuse(w, c, WEB_NOT_ALLOWED);
	which = web_find(c, path);
	if (which == ANSWER_COUNT)
		return web_refuse(w, c, WEB_NOT_FOUND);
	r = answers_get(w->answers, which);
	if (r == NULL)
		return web_refuse(w, c, WEB_BROKEN);
	return MHD_queue_response(c, MHD_HTTP_OK, r);
}

/* MHD tells of connections that come and go. */
static void
web_visit(void *arg, struct MHD_Connection *c, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct web *w = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context != NULL)
			visits_end(&w->visits, *context);
		w->again = true;
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	*context = NULL;
	if (info != NULL)
		*context =
		    visits_begin(&w->visits, info->connect_fd, clock_now());
}

/* MHD tells that an answer was sent, or was not. */
static void
web_complete(void *arg, struct MHD_Connection *c, void **unused,
    enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info;

	(void)arg; /* the visit knows all */
	(void)unused;
	(void)how;
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	if (info != NULL && info->socket_context != NULL)
		visits_renew(info->socket_context, clock_now());
}

/* MHD would decode the path, but one that has to be is none of ours. */
static size_t
web_leave_path(void *arg, struct MHD_Connection *c, char *path)
{
	(void)arg; /* neither matters */
	(void)c;
	return strlen(path);
}

static bool
web_make_refusals(struct web *w)
{
	size_t i;

	for (i = 0; i < WEB_REFUSALS; i++) {
		w->refusals[i] = answers_make_text(web_refusals[i].text);
		if (w->refusals[i] == NULL)
			return false;
	}
	return MHD_add_response_header(w->refusals[WEB_NOT_ALLOWED], "Allow",
		   "GET, HEAD") == MHD_YES;
}

struct web *
web_open(int fd, struct answers *a, const struct exporter_options *o)
{
	const union MHD_DaemonInfo *info;
	struct web *w;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->answers = a;
	w->options = o;
	visits_init(&w->visits);
	if (!web_make_refusals(w))
		goto fail;
	w->mhd = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, web_answer, w,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
	    (unsigned int)VISITS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, WEB_SILENT,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, WEB_MEMORY,
	    MHD_OPTION_UNESCAPE_CALLBACK, web_leave_path, NULL,
	    MHD_OPTION_NOTIFY_CONNECTION, web_visit, w,
	    MHD_OPTION_NOTIFY_COMPLETED, web_complete, w, MHD_OPTION_END);
	if (w->mhd == NULL)
		goto fail;
	info = MHD_get_daemon_info(w->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		goto fail;
	w->fd = info->epoll_fd;
	return w;
fail:
	web_close(w);
	errno = ENOMEM; /* as MHD does not tell */
	return NULL;
}

void
web_close(struct web *w)
{
	size_t i;

	if (w->mhd != NULL)
		MHD_stop_daemon(w->mhd);
	for (i = 0; i < WEB_REFUSALS; i++)
		if (w->refusals[i] != NULL)
			MHD_destroy_response(w->refusals[i]);
	free(w);
}

int
web_fd(const struct web *w)
{
	return w->fd;
}

int
web_timeout(const struct web *w)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (w->again)
		return 0;
	if (MHD_get_timeout(w->mhd, &ms) == MHD_YES && ms < WEB_TICK_MS)
		return (int)ms;
	return w->visits.n > 0 ? WEB_TICK_MS : -1;
}

void
web_run(struct web *w)
{
	visits_expire(&w->visits, clock_now());
	w->again = false;
	/* What it cannot do it tries again at the next turn. */
	(void)MHD_run(w->mhd);
}
