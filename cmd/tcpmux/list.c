/*
 * Writes a list of names: for people, or as JSON (RFC 8259).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/say.h"
#include "cmd/tcpmux/list.h"

/*
 * A string.  What comes here is printable ASCII, as the library says of names
 * and addresses.
 */
static void
list_put_string(const char *text)
{
	(void)putchar('"'); /* ferror() tells at the end, here and below */
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

static void
list_show_json(const struct tcpmux_call *call)
{
	size_t n = tcpmux_call_names(call);

	(void)fputs("{\"address\": ", stdout); /* as above */
	list_put_string(tcpmux_call_address(call));
	(void)fputs(", \"services\": [", stdout);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			(void)fputs(", ", stdout);
		list_put_string(tcpmux_call_name(call, i));
	}
	(void)puts("]}");
}

int
list_show(const struct tcpmux_call *call, bool json)
{
	size_t n = tcpmux_call_names(call);

	if (json)
		list_show_json(call);
	else
		for (size_t i = 0; i < n; i++)
			(void)puts(tcpmux_call_name(call, i)); /* as above */
	if (fflush(stdout) == EOF || ferror(stdout) != 0) {
		say("standard output cannot be written: %s", strerror(errno));
		return SAY_BROKEN;
	}
	return SAY_OK;
}
