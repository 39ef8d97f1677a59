/*
 * Keeping: has the service manager keep the sockets of offers, by way of the
 * monitor, so that they outlive the daemon.
 */

#include <errno.h>
#include <string.h>

#include "daemon/registrar/keep.h"
#include "os/message.h"

int
keep_tell(const struct registry *r, enum keepsake_what what, uint32_t offer,
    int fd)
{
	const struct tcpmux_span name =
	    book_text(r->book, book_name_of(r->book, offer));
	struct keepsake k = {
		.mark = KEEPSAKE_MARK,
		.what = (uint8_t)what,
		.flags = (uint8_t)book_flags_of(r->book, offer),
		.len = (uint8_t)name.len,
		.uid = book_user_of(r->book, offer),
	};

	if (!r->g->keeps)
		return 0;
	memcpy(k.name, name.p, name.len);
	if (message_send(r->control, &k, sizeof(k), fd) == 0)
		return 0;
	return errno == EAGAIN || errno == ETOOMANYREFS ? -1 : 0;
}
