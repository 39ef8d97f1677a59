/*
 * Commands that change what the daemon does, and show what it says of that.
 */

#include <stdlib.h>
#include <string.h>

#include "cmd/ctl/changing.h"
#include "cmd/ctl/question.h"
#include "cmd/ctl/show.h"
#include "cmd/say.h"

/* A new generation may have much to start; the daemon itself gives up. */
#define CHANGING_MS 60000

/* Ask for it, and show the answer. */
static int
put(const struct ctl_options *options, const char *request)
{
	struct answer answer;
	int status;

	status = question_put(options, request, CHANGING_MS, &answer);
	if (status != SAY_OK)
		return status;
	/* Warnings, as of a configuration; they are no output. */
	if (answer.more != NULL)
		show_text(stderr, answer.more);
	show_text(stdout, answer.text);
	free(answer.more);
	return show_end();
}

int
changing_run(const struct ctl_options *options)
{
	char request[TCPMUX_REQUEST_MAX];

	question_write(request, options->command->name, NULL,
	    options->words[0]);
	return put(options, request);
}

/* The word is the number of a connection, unless --name says otherwise. */
int
kick_run(const struct ctl_options *options)
{
	const char *word = options->words[0];
	char request[TCPMUX_REQUEST_MAX];

	if ((options->given & CTL_NAME) == 0 && *word != '\0' &&
	    word[strspn(word, "0123456789")] == '\0')
		question_write(request, "kick", word, NULL);
	else
		question_write(request, "kick", NULL, word);
	return put(options, request);
}
