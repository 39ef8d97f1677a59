/*
 * Shows what becomes of a request for a name, as the daemon explains it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ctl/question.h"
#include "cmd/ctl/reading.h"
#include "cmd/ctl/show.h"
#include "cmd/json.h"
#include "cmd/say.h"

/* The text as an array of its lines, which it cuts. */
static void
put_lines(struct json *j, char *text)
{
	char *line;

	json_key(j, "lines");
	json_begin(j, '[');
	while (text != NULL && (line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			json_string(j, line);
	json_end(j, ']');
}

static void
show_json(const struct ctl_options *options, struct answer *answer)
{
	struct json j = { .file = stdout };

	json_begin(&j, '{');
	json_key(&j, "name");
	json_string(&j, options->words[0]);
	json_key(&j, "address");
	if (options->nwords > 1)
		json_string(&j, options->words[1]);
	else
		json_null(&j);
	json_key(&j, "answer");
	json_string(&j, answer->text);
	put_lines(&j, answer->more);
	json_end(&j, '}');
	(void)putchar('\n'); /* show_end() asks for errors */
}

int
explain_run(const struct ctl_options *options)
{
	char request[TCPMUX_REQUEST_MAX];
	struct answer answer;
	int status;

	question_write(request, "explain", options->words[1],
	    options->words[0]);
	status = question_put(options, request, QUESTION_MS, &answer);
	if (status != SAY_OK)
		return status;
	if ((options->given & CTL_JSON) != 0)
		show_json(options, &answer);
	else {
		show_text(stdout, answer.text);
		show_text(stdout, answer.more != NULL ? answer.more : "");
	}
	free(answer.more);
	return show_end();
}
