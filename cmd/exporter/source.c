/*
 * What tcpmuxd says of itself, asked for when somebody wants to know.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/clock.h"
#include "cmd/exporter/source.h"
#include "tcpmux.h"

/* An answer is good for so long. */
#define SOURCE_FRESH_MS 500

/* We wait so long for one; if it does not come, so long until the next try. */
#define SOURCE_WAIT_MS  1000
#define SOURCE_PAUSE_MS 4000

void
source_init(struct source *x, const char *control)
{
	*x = (struct source){ .control = control, .until = INT64_MIN };
}

void
source_clear(struct source *x)
{
	snapshot_clear(&x->s);
	x->up = false;
}

/* Say why there is none.  Of a refusal the first word is for programs. */
static void
source_explain(struct source *x, int err, const char *answer)
{
	const char *what = tcpmux_strerror(err);
	const char *space = strchr(answer, ' ');
	const int saved = errno;
	int n;

	if (err == TCPMUX_ERR_SYSTEM)
		what = strerror(saved);
	if (err == TCPMUX_ERR_NO_DAEMON)
		n = snprintf(x->why, sizeof(x->why),
		    "No tcpmuxd is at the control socket.");
	else if (err == TCPMUX_ERR_REFUSED && space != NULL)
		n = snprintf(x->why, sizeof(x->why), "tcpmuxd says: %s",
		    space + 1);
	else
		n = snprintf(x->why, sizeof(x->why),
		    "tcpmuxd cannot be asked: %s.", what);
	if (n < 0)
		x->why[0] = '\0';
}

/* Returns 0, or an enum tcpmux_err, of which _SYSTEM leaves errno. */
static int
source_ask(struct source *x, char answer[TCPMUX_REPLY_MAX])
{
	char *text;
	size_t len;
	int fd, r, saved;

	r = tcpmux_ask(x->control, "snapshot", SOURCE_WAIT_MS, answer, &fd);
	if (r != 0)
		goto out;
	r = TCPMUX_ERR_FOREIGN; /* a promise without its text */
	if (fd == -1)
		goto out;
	r = TCPMUX_ERR_SYSTEM;
	text = snapshot_read(fd, &len);
	if (text != NULL && snapshot_take_text(&x->s, text, len) == 0)
		r = 0;
out:
	saved = errno;
	if (fd != -1)
		(void)close(fd); /* it was for reading */
	errno = saved;
	return r;
}

bool
source_look(struct source *x, int64_t now)
{
	char answer[TCPMUX_REPLY_MAX];
	int r;

	if (now < x->until)
		return false;
	source_clear(x);
	r = source_ask(x, answer);
	x->up = r == 0;
	x->until = clock_now() +
	    (r == TCPMUX_ERR_TIMEOUT ? SOURCE_PAUSE_MS : SOURCE_FRESH_MS);
	if (!x->up)
		source_explain(x, r, answer);
	return true;
}
