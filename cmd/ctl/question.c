/*
 * A question to the daemon of this machine, and what is said if it has no good
 * answer.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/ctl/question.h"
#include "cmd/ctl/show.h"
#include "cmd/say.h"

int
question_ask(const struct ctl_options *x, const char *request, int timeout_ms,
    struct answer *answer)
{
	int err, fd;

	*answer = (struct answer){ .more = NULL };
	err = tcpmux_ask(x->control, request,
	    x->timeout_ms != -1 ? x->timeout_ms : timeout_ms, answer->text,
	    &fd);
	if (fd == -1)
		return err;
	answer->more = snapshot_read(fd, &answer->len);
	if (answer->more == NULL)
		err = TCPMUX_ERR_SYSTEM;
	(void)close(fd); /* it was read; errno is of use in any case */
	return err;
}

/* The place where the daemon was looked for last; see tcpmux_listen(3). */
static const char *
find_place(const struct ctl_options *x)
{
	const char *place = x->control;

	if (place == NULL)
		place = secure_getenv("TCPMUX_CONTROL");
	return place != NULL ? place : "/run/tcpmux/control";
}

void
question_explain(const struct ctl_options *x, int err,
    const struct answer *answer, char *text, size_t size)
{
	const char *at = find_place(x);
	const char *words = strchr(answer->text, ' ');

	/* What does not fit is cut, here and below. */
	switch (err) {
	case TCPMUX_ERR_REFUSED:
		/* The first word is for programs; the others say it all. */
		(void)snprintf(text, size, "refused: %s",
		    words != NULL ? words + 1 : answer->text);
		break;
	case TCPMUX_ERR_NO_DAEMON:
		(void)snprintf(text, size,
		    "%s %s: start it, or say by --control or $TCPMUX_CONTROL "
		    "where it is",
		    tcpmux_strerror(err), at);
		break;
	case TCPMUX_ERR_SYSTEM:
		if (errno == EACCES)
			(void)snprintf(text, size,
			    "the control socket %s may not be reached by this "
			    "user: its folder or its mode says so",
			    at);
		else
			(void)snprintf(text, size,
			    "the daemon cannot be asked: %s", strerror(errno));
		break;
	case TCPMUX_ERR_ARGUMENT:
		/* What is asked was looked at before. */
		(void)snprintf(text, size,
		    "the path of the control socket is empty or too long: %s",
		    at);
		break;
	case TCPMUX_ERR_TIMEOUT:
		(void)snprintf(text, size,
		    "the daemon does not answer in time: -w waits longer");
		break;
	case TCPMUX_ERR_CLOSED:
		(void)snprintf(text, size,
		    "the daemon has closed without an answer: it may have "
		    "ended; ask again");
		break;
	default:
		(void)snprintf(text, size, "%s: %s", at, tcpmux_strerror(err));
		break;
	}
}

int
question_status(int err)
{
	switch (err) {
	case 0:
		return SAY_OK;
	case TCPMUX_ERR_REFUSED:
		return SAY_REFUSED;
	case TCPMUX_ERR_NO_DAEMON:
		return SAY_UNREACHABLE;
	case TCPMUX_ERR_ARGUMENT:
		return SAY_USAGE;
	case TCPMUX_ERR_TIMEOUT:
		return SAY_TIMEOUT;
	case TCPMUX_ERR_CLOSED:
	case TCPMUX_ERR_FOREIGN:
		return SAY_PROTOCOL;
	default:
		return SAY_SYSTEM;
	}
}

int
question_put(const struct ctl_options *x, const char *request, int timeout_ms,
    struct answer *answer)
{
	char text[TCPMUX_REPLY_MAX + 256];
	int err;

	err = question_ask(x, request, timeout_ms, answer);
	if (err == 0)
		return SAY_OK;
	question_explain(x, err, answer, text, sizeof(text));
	if (answer->more != NULL)
		show_text(stderr, answer->more);
	say("%s", text);
	free(answer->more);
	answer->more = NULL;
	return question_status(err);
}

int
question_put_snapshot(const struct ctl_options *x, const char *request,
    struct snapshot *s)
{
	struct answer answer;
	int status;

	status = question_put(x, request, QUESTION_MS, &answer);
	if (status != SAY_OK)
		return status;
	if (answer.more == NULL) {
		say("the daemon has answered nothing of what was asked");
		return SAY_PROTOCOL;
	}
	if (snapshot_take_text(s, answer.more, answer.len) == 0)
		return SAY_OK;
	say("the daemon's answer cannot be understood: %s", strerror(errno));
	return errno == ENOMEM ? SAY_SYSTEM : SAY_PROTOCOL;
}

/* A word that cannot be in a request ends the program. */
static void
check_word(const char *word, const char *problem)
{
	const struct tcpmux_span span = { word, strlen(word) };
	const int err = tcpmux_check_name(span);

	if (err != 0)
		say_fatal(SAY_USAGE, "%s %s: %s", word, problem,
		    tcpmux_strerror(err));
}

void
question_write(char request[static TCPMUX_REQUEST_MAX], const char *verb,
    const char *option, const char *name)
{
	int n;

	if (name != NULL)
		check_word(name, "is no name");
	if (option != NULL) {
		check_word(option, "cannot be asked for");
		if (strpbrk(option, ",/") != NULL)
			say_fatal(SAY_USAGE, "%s cannot be asked for", option);
	}
	n = snprintf(request, TCPMUX_REQUEST_MAX, "%s%s%s%s%s", verb,
	    option != NULL ? "," : "", option != NULL ? option : "",
	    option != NULL || name != NULL ? "/" : "",
	    name != NULL ? name : "");
	if (n < 0 || n > TCPMUX_NAME_MAX)
		say_fatal(SAY_USAGE, "%s is too long to be asked for",
		    name != NULL ? name : option);
}
