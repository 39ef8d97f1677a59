/*
 * Fuzzes a call of libtcpmux against what a server says, in segments of some
 * length: it ends when the server does, and leaves in the socket exactly what
 * is behind the replies; aborts where a promise is broken.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcpmux.h"

/* Unlike assert(3), it is there in every build. */
#define MUST(promise) must((promise), #promise, __LINE__)

/* In front of what is said: flags and names, and the length of a segment. */
#define HEAD 2

/* More segments than that may be more than a socket has room for. */
#define SEGMENTS_MAX 64

#define NAMES_MAX 3

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int promise, const char *text, int line)
{
	if (promise)
		return;
	(void)fprintf(stderr, "fuzz_call.c:%d: broken: %s\n", line, text);
	abort();
}

/* Say it all, and go on with the call behind each segment, to its end. */
static int
play(struct tcpmux_call *call, int server, const char *said, size_t len,
    size_t step)
{
	size_t i, n;
	int result, before = TCPMUX_ERR_AGAIN;

	if (len / step >= SEGMENTS_MAX)
		step = len / SEGMENTS_MAX + 1;
	for (i = 0; i < len; i += n) {
		n = len - i < step ? len - i : step;
		MUST(send(server, said + i, n, MSG_NOSIGNAL) == (ssize_t)n);
		result = tcpmux_call_step(call);
		MUST(before == TCPMUX_ERR_AGAIN || result == before);
		before = result;
	}
	MUST(shutdown(server, SHUT_WR) == 0);
	result = tcpmux_call_step(call);
	MUST(before == TCPMUX_ERR_AGAIN || result == before);
	MUST(result <= 0 && result != TCPMUX_ERR_AGAIN);
	return result;
}

/* What strict replies of + to so many names take, or -1. */
static ssize_t
count_replies(const char *said, size_t len, size_t nnames)
{
	struct tcpmux_reply reply;
	size_t used = 0;
	ssize_t n;

	for (; nnames > 0; nnames--) {
		n = tcpmux_parse_reply(said + used, len - used, TCPMUX_STRICT,
		    &reply);
		if (n <= 0 || reply.sign != '+')
			return -1;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

static size_t
count_left(int fd)
{
	char buf[4096];
	size_t left = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		left += (size_t)n;
	return left;
}

static void
check(const char *said, size_t len, unsigned int flags, size_t nnames,
    size_t step)
{
	static const char *const names[NAMES_MAX] = { "a", "b", "c" };
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.names = names,
		.nnames = nnames,
		.flags = flags,
		.timeout_ms = -1,
	};
	struct tcpmux_call *call;
	const char *text;
	ssize_t used;
	int ends[2], result;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	call = tcpmux_call_new_fd(ends[0], &target);
	MUST(call != NULL);
	result = play(call, ends[1], said, len, step);
	for (text = tcpmux_call_text(call); *text != '\0'; text++)
		MUST(*text >= ' ' && *text <= '~');
	if (nnames > 0 && (flags & TCPMUX_CALL_LENIENT) == 0) {
		used = count_replies(said, len, nnames);
		MUST((result == 0) == (used != -1));
		MUST(result != 0 || count_left(ends[0]) == len - (size_t)used);
	}
	tcpmux_call_free(call);
	(void)close(ends[0]); /* all that was in them has been read, or not */
	(void)close(ends[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int flags[] = { 0, TCPMUX_CALL_LENIENT,
		TCPMUX_CALL_EAGER, TCPMUX_CALL_FOLLOW };

	if (size < HEAD)
		return 0;
	check((const char *)data + HEAD, size - HEAD, flags[data[0] / 4 % 4],
	    data[0] % (NAMES_MAX + 1), data[1] + 1U);
	return 0;
}
