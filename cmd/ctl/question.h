/*
 * A question to the daemon of this machine, and what is said if it has no good
 * answer.
 */

#ifndef CMD_CTL_QUESTION_H
#define CMD_CTL_QUESTION_H

#include "cmd/ctl/options.h"
#include "cmd/snapshot.h"
#include "tcpmux.h"

/* What there is to an answer; all zero is none. */
struct answer {
	char text[TCPMUX_REPLY_MAX]; /* behind the sign */
	char *more; /* NUL-terminated, or NULL; the caller's to free */
	size_t len; /* of more */
};

/*
 * Ask for request, for so long unless the command line says otherwise.
 * Returns an enum tcpmux_err, as of tcpmux_ask(), with errno; nothing is said.
 * With TCPMUX_ERR_REFUSED there is an answer, too.
 */
int question_ask(const struct ctl_options *x, const char *request,
    int timeout_ms, struct answer *answer);

/* The sentence for an error of question_ask(), in size bytes at text. */
void question_explain(const struct ctl_options *x, int err,
    const struct answer *answer, char *text, size_t size);

/* The exit status for it. */
int question_status(int err);

/*
 * Ask, or say what is wrong.  Returns an exit status; unless it is 0, there is
 * nothing to free.
 */
int question_put(const struct ctl_options *x, const char *request,
    int timeout_ms, struct answer *answer);

/* The same for what a snapshot answers: "snapshot" or "conns". */
int question_put_snapshot(const struct ctl_options *x, const char *request,
    struct snapshot *s);

/*
 * Write the request for a verb, an option or NULL and a name or NULL, or end
 * the program, as one of them cannot be in a request.
 */
void question_write(char request[static TCPMUX_REQUEST_MAX], const char *verb,
    const char *option, const char *name);

/* How long a question for reading may take, in milliseconds. */
#define QUESTION_MS 10000

#endif
