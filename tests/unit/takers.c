/*
 * Says to a front what a registrar does, for tests.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "os/message.h"
#include "tests/unit/takers.h"

static int channel[2];

int
begin_channel(void **state)
{
	(void)state;
	return message_pair(channel, 0);
}

int
end_channel(void **state)
{
	(void)state;
	return close(channel[0]) == 0 && close(channel[1]) == 0 ? 0 : -1;
}

int
channel_end(void)
{
	return channel[1];
}

void
say_bytes(const void *bytes, size_t size, int fd)
{
	assert_int_equal(message_send(channel[0], bytes, size, fd), 0);
}

static struct taker_message
message(enum taker_what what, uint32_t taker, const char *name)
{
	struct taker_message m = {
		.what = what,
		.taker = taker,
		.service = SERVICE_NONE,
		.len = (uint8_t)strlen(name),
	};

	memcpy(m.name, name, m.len);
	return m;
}

void
say(enum taker_what what, uint32_t taker, const char *name)
{
	const struct taker_message m = message(what, taker, name);

	say_bytes(&m, sizeof(m), -1);
}

void
say_here(uint32_t taker, uint32_t service, const char *name, bool hidden,
    int queue)
{
	struct taker_message m = message(TAKER_HERE, taker, name);

	m.service = service;
	m.hidden = hidden;
	say_bytes(&m, sizeof(m), queue);
}
