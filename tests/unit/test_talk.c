/*
 * What a call makes of every reply there is, on a socket that is lent to it:
 * lib/talk.c and lib/step.c.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tcpmux.h"

#define BYTES(s) (s), sizeof(s) - 1

/* Both ends of a connection, and the call on one of them. */
struct trial {
	int fd, peer;
	struct tcpmux_call *call;
};

static void
trial_open(struct trial *t)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	t->fd = ends[0];
	t->peer = ends[1];
	t->call = NULL;
}

static void
trial_close(struct trial *t)
{
	tcpmux_call_free(t->call);
	assert_int_equal(close(t->fd), 0);
	if (t->peer != -1)
		assert_int_equal(close(t->peer), 0);
}

static void
call_names(struct trial *t, const char *const *names, size_t n,
    unsigned int flags)
{
	const struct tcpmux_target target = {
		.size = sizeof(target),
		.names = names,
		.nnames = n,
		.flags = flags,
		.timeout_ms = -1,
	};

	t->call = tcpmux_call_new_fd(t->fd, &target);
	assert_non_null(t->call);
}

static void
call_one(struct trial *t, unsigned int flags)
{
	static const char *const name = "echo";

	call_names(t, &name, 1, flags);
	assert_int_equal(tcpmux_call_step(t->call), TCPMUX_ERR_AGAIN);
}

static void
assert_comes(int fd, const char *p, size_t len)
{
	char buf[256];

	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	assert_memory_equal(buf, p, len);
}

static void
assert_silent(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void
say(const struct trial *t, const char *p, size_t len)
{
	assert_int_equal(send(t->peer, p, len, MSG_NOSIGNAL), len);
}

static bool
is_due(const struct trial *t)
{
	struct pollfd watched = { tcpmux_call_fd(t->call), POLLIN, 0 };

	return poll(&watched, 1, 0) == 1;
}

/* A reply, what becomes of it, the text, and what is left of it. */
struct sample {
	const char *reply;
	size_t len;
	unsigned int flags;
	int result;
	const char *text;
	const char *rest;
};

static const struct sample samples[] = {
	{ BYTES("+Go\r\n"), 0, 0, "Go", "" },
	{ BYTES("+OK\r\n"), 0, 0, "OK", "" },
	{ BYTES("+\r\n"), 0, 0, "", "" },
	{ BYTES("+OK echo\r\n"), 0, 0, "OK echo", "" },
	{ BYTES("+\r\nSSH-2.0-x\r\n"), 0, 0, "", "SSH-2.0-x\r\n" },
	{ BYTES("+a\xff\x07\r\n\r\n"), 0, 0, "a\\xff\\x07", "\r\n" },
	{ BYTES("+ connected\n"), 0, TCPMUX_ERR_FOREIGN,
	    "the reply ends with LF alone, which TCPMUX_CALL_LENIENT takes",
	    NULL },
	{ BYTES("+ connected\nx"), TCPMUX_CALL_LENIENT, 0, " connected", "x" },
	{ BYTES("+Go\r\n"), TCPMUX_CALL_LENIENT, 0, "Go", "" },
	{ BYTES("+Go\n\nx"), TCPMUX_CALL_LENIENT, 0, "Go", "\nx" },
	{ BYTES("-Service not available\r\n"), 0, TCPMUX_ERR_REFUSED,
	    "Service not available", NULL },
	{ BYTES("-Service name not found\r\n\0"), 0, TCPMUX_ERR_REFUSED,
	    "Service name not found", NULL },
	{ BYTES("-unknown service\r\n"), 0, TCPMUX_ERR_REFUSED,
	    "unknown service", NULL },
	{ BYTES("-NO x\n"), 0, TCPMUX_ERR_REFUSED, "NO x", NULL },
	{ BYTES("-\r\n"), 0, TCPMUX_ERR_REFUSED, "", NULL },
	{ BYTES("\r\n"), 0, TCPMUX_ERR_FOREIGN, NULL, NULL },
	{ BYTES("H"), 0, TCPMUX_ERR_FOREIGN, "H", NULL },
	{ BYTES("+a\0b\r\n"), 0, TCPMUX_ERR_FOREIGN, NULL, NULL },
	{ BYTES("+a\rb\r\n"), 0, TCPMUX_ERR_FOREIGN, NULL, NULL },
	{ BYTES("@host.example:7\r\n"), 0, TCPMUX_ERR_MOVED, "host.example:7",
	    NULL },
	{ BYTES("@[::1]:7\r\n"), TCPMUX_CALL_FOLLOW, TCPMUX_ERR_MOVED,
	    "[::1]:7", NULL },
	{ BYTES("@unix:/run/x:7\r\n"), 0, TCPMUX_ERR_FOREIGN, "@unix:/run/x:7",
	    NULL },
	{ BYTES("@[unix:/run/x]:7\r\n"), TCPMUX_CALL_FOLLOW, TCPMUX_ERR_FOREIGN,
	    "@[unix:/run/x]:7", NULL },
	{ BYTES("@host.example\r\n"), 0, TCPMUX_ERR_FOREIGN, "@host.example",
	    NULL },
};

static void
assert_result(struct trial *t, const struct sample *s)
{
	int i;

	for (i = 0; i < 2; i++) /* it stays */
		assert_int_equal(tcpmux_call_step(t->call), s->result);
	if (s->text != NULL)
		assert_string_equal(tcpmux_call_text(t->call), s->text);
	assert_int_equal(tcpmux_call_take(t->call), -1);
	assert_string_equal(tcpmux_call_address(t->call), "");
	if (s->rest != NULL && s->rest[0] != '\0')
		assert_comes(t->fd, s->rest, strlen(s->rest));
	if (s->rest != NULL)
		assert_silent(t->fd);
}

static void
rules_5_to_8_and_35_every_reply_is_told_apart_in_one_piece(void **state)
{
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		trial_open(&t);
		call_one(&t, samples[i].flags);
		assert_comes(t.peer, BYTES("echo\r\n"));
		assert_false(is_due(&t));
		say(&t, samples[i].reply, samples[i].len);
		assert_true(is_due(&t));
		assert_result(&t, &samples[i]);
		trial_close(&t);
	}
}

static void
rule_35_every_reply_is_told_apart_a_byte_at_a_time(void **state)
{
	const struct sample *s;
	struct trial t;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		s = &samples[i];
		trial_open(&t);
		call_one(&t, s->flags);
		for (j = 0; j < s->len; j++) {
			say(&t, s->reply + j, 1);
			if (tcpmux_call_step(t.call) != TCPMUX_ERR_AGAIN)
				break;
			/* What is known already wakes nobody. */
			assert_false(is_due(&t));
		}
		if (j + 1 < s->len)
			say(&t, s->reply + j + 1, s->len - j - 1);
		assert_result(&t, s);
		trial_close(&t);
	}
}

static void
lenient_takes_a_nul_behind_the_line_only_if_it_is_there(void **state)
{
	struct trial t;

	(void)state;
	trial_open(&t);
	call_one(&t, TCPMUX_CALL_LENIENT);
	say(&t, BYTES("+Go\r\n\0\0x"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_comes(t.fd, BYTES("\0x"));
	trial_close(&t);

	trial_open(&t);
	call_one(&t, TCPMUX_CALL_LENIENT);
	say(&t, BYTES("+Go\r\n"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	say(&t, BYTES("\0x"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_comes(t.fd, BYTES("\0x"));
	trial_close(&t);

	trial_open(&t);
	call_one(&t, 0);
	say(&t, BYTES("+Go\r\n\0x"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_comes(t.fd, BYTES("\0x"));
	trial_close(&t);
}

static void
the_longest_reply_is_taken_and_no_longer_one(void **state)
{
	char reply[TCPMUX_REPLY_MAX + 1];
	struct trial t;

	(void)state;
	memset(reply, '\x01', sizeof(reply));
	reply[0] = '+';
	memcpy(reply + TCPMUX_REPLY_MAX - 2, "\r\nx", 3);
	trial_open(&t);
	call_one(&t, 0);
	say(&t, reply, sizeof(reply));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_int_equal(strlen(tcpmux_call_text(t.call)),
	    4 * (TCPMUX_REPLY_MAX - 3));
	assert_comes(t.fd, BYTES("x"));
	trial_close(&t);

	memcpy(reply + TCPMUX_REPLY_MAX - 2, "xxx", 3);
	trial_open(&t);
	call_one(&t, 0);
	say(&t, reply, sizeof(reply));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_FOREIGN);
	trial_close(&t);
}

static void
an_end_before_the_reply_is_told_with_what_came(void **state)
{
	static const char *const parts[] = { "", "+", "+Go", "+Go\r", "-NO" };
	struct trial t;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		trial_open(&t);
		call_one(&t, 0);
		say(&t, parts[i], strlen(parts[i]));
		assert_int_equal(shutdown(t.peer, SHUT_WR), 0);
		assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_CLOSED);
		assert_memory_equal(tcpmux_call_text(t.call), parts[i],
		    strcspn(parts[i], "\r"));
		trial_close(&t);
	}
}

static void
a_peer_that_is_gone_is_no_signal(void **state)
{
	static const char *const name = "echo";
	struct trial t;

	(void)state;
	trial_open(&t);
	say(&t, BYTES("-busy\r\n"));
	assert_int_equal(close(t.peer), 0);
	t.peer = -1;
	call_names(&t, &name, 1, 0);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_call_text(t.call), "busy");
	tcpmux_call_free(t.call);
	call_names(&t, &name, 1, 0);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_CLOSED);
	trial_close(&t);
}

static void
names_are_asked_for_one_behind_the_other(void **state)
{
	static const char *const names[] = { "tcpmux", "a", "b" };
	struct trial t;

	(void)state;
	trial_open(&t);
	call_names(&t, names, 3, TCPMUX_CALL_LENIENT);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("tcpmux\r\n"));
	say(&t, BYTES("+Go\r\n\0"));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("a\r\n"));
	say(&t, BYTES("+Go\r\n"));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("b\r\n"));
	/* The NUL of the reply before. */
	say(&t, BYTES("\0+b\r\nx"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_string_equal(tcpmux_call_text(t.call), "b");
	assert_comes(t.fd, BYTES("x"));
	assert_silent(t.peer);
	trial_close(&t);
}

static void
the_second_mux_can_refuse(void **state)
{
	static const char *const names[] = { "tcpmux", "a" };
	struct trial t;

	(void)state;
	trial_open(&t);
	call_names(&t, names, 2, TCPMUX_CALL_EAGER);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("tcpmux\r\na\r\n"));
	say(&t, BYTES("+\r\n-no\r\n"));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_call_text(t.call), "no");
	trial_close(&t);
}

static void
eager_sends_all_names_at_once(void **state)
{
	static const char *const names[] = { "tcpmux", "a", "b" };
	struct trial t;

	(void)state;
	trial_open(&t);
	call_names(&t, names, 3, TCPMUX_CALL_EAGER);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("tcpmux\r\na\r\nb\r\n"));
	say(&t, BYTES("+1\r\n+2\r\n+"));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	say(&t, BYTES("3\r\nx"));
	assert_int_equal(tcpmux_call_step(t.call), 0);
	assert_string_equal(tcpmux_call_text(t.call), "3");
	assert_comes(t.fd, BYTES("x"));
	assert_silent(t.peer);
	trial_close(&t);
}

static void
the_flags_of_a_lent_socket_stay(void **state)
{
	struct trial t;
	int flags, more;

	(void)state;
	for (more = 0; more <= O_NONBLOCK; more += O_NONBLOCK) {
		trial_open(&t);
		flags = fcntl(t.fd, F_GETFL) | more;
		assert_int_equal(fcntl(t.fd, F_SETFL, flags), 0);
		call_one(&t, 0);
		assert_int_equal(fcntl(t.fd, F_GETFL), flags);
		say(&t, BYTES("+\r\n"));
		assert_int_equal(tcpmux_call_step(t.call), 0);
		assert_int_equal(fcntl(t.fd, F_GETFL), flags);
		trial_close(&t);
	}
}

static void
a_list_comes_over_a_lent_socket(void **state)
{
	struct trial t;

	(void)state;
	trial_open(&t);
	call_names(&t, NULL, 0, 0);
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_comes(t.peer, BYTES("HELP\r\n"));
	say(&t, BYTES("tcpmux\r\ndate"));
	assert_int_equal(tcpmux_call_step(t.call), TCPMUX_ERR_AGAIN);
	assert_int_equal(tcpmux_call_names(t.call), 0);
	assert_int_equal(close(t.peer), 0);
	t.peer = -1;
	assert_int_equal(tcpmux_call_wait(t.call), 0);
	assert_int_equal(tcpmux_call_names(t.call), 2);
	assert_string_equal(tcpmux_call_name(t.call, 1), "date");
	assert_null(tcpmux_call_name(t.call, 2));
	trial_close(&t);
}

static void
a_list_can_be_refused(void **state)
{
	struct trial t;

	(void)state;
	trial_open(&t);
	call_names(&t, NULL, 0, 0);
	say(&t, BYTES("-busy\r\n"));
	assert_int_equal(tcpmux_call_wait(t.call), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_call_text(t.call), "busy");
	trial_close(&t);
}

/* What the first step says to a name. */
static int
result_of(const char *name)
{
	struct trial t;
	int result;

	trial_open(&t);
	call_names(&t, &name, 1, 0);
	assert_true(is_due(&t));
	result = tcpmux_call_step(t.call);
	if (result != TCPMUX_ERR_AGAIN)
		assert_silent(t.peer);
	trial_close(&t);
	return result;
}

static void
a_name_that_is_none_is_an_error_of_the_first_step(void **state)
{
	char name[TCPMUX_NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[TCPMUX_NAME_MAX + 1] = '\0';
	assert_int_equal(result_of(name), TCPMUX_ERR_LONG);
	name[TCPMUX_NAME_MAX] = '\0';
	assert_int_equal(result_of(name), TCPMUX_ERR_AGAIN);
	assert_int_equal(result_of(""), TCPMUX_ERR_EMPTY);
	assert_int_equal(result_of("a b"), TCPMUX_ERR_BYTE);
	assert_int_equal(result_of("a\r\nb"), TCPMUX_ERR_BYTE);
	assert_int_equal(result_of("Help"), TCPMUX_ERR_ARGUMENT);
}

static void
the_deadline_ends_it(void **state)
{
	struct trial t;

	(void)state;
	trial_open(&t);
	assert_int_equal(tcpmux_connect_fd(t.fd, "echo", 0),
	    TCPMUX_ERR_TIMEOUT);
	assert_int_equal(tcpmux_connect_fd(t.fd, "echo", 20),
	    TCPMUX_ERR_TIMEOUT);
	say(&t, BYTES("+\r\nx"));
	assert_int_equal(tcpmux_connect_fd(t.fd, "echo", -1), 0);
	assert_comes(t.fd, BYTES("x"));
	assert_int_equal(tcpmux_connect_fd(t.fd, NULL, 0), TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_connect_fd(t.fd, "echo", -2),
	    TCPMUX_ERR_ARGUMENT);
	trial_close(&t);
}

static void
only_a_stream_socket_will_do(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(tcpmux_connect_fd(ends[0], "echo", 0),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(tcpmux_connect_fd(-1, "echo", 0), TCPMUX_ERR_ARGUMENT);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	assert_int_equal(tcpmux_connect_fd(ends[0], "echo", 0),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
}

static void
every_error_has_its_sentence(void **state)
{
	int err;

	(void)state;
	for (err = TCPMUX_ERR_NO_DAEMON - 1; err <= 1; err++) {
		const char *text = tcpmux_strerror(err);

		assert_non_null(text);
		assert_true(strlen(text) > 5);
		assert_true(text[strlen(text) - 1] != '.');
		assert_int_equal(strcmp(text, tcpmux_strerror(999)) == 0,
		    err < TCPMUX_ERR_NO_DAEMON || err > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    rules_5_to_8_and_35_every_reply_is_told_apart_in_one_piece),
		cmocka_unit_test(
		    rule_35_every_reply_is_told_apart_a_byte_at_a_time),
		cmocka_unit_test(
		    lenient_takes_a_nul_behind_the_line_only_if_it_is_there),
		cmocka_unit_test(the_longest_reply_is_taken_and_no_longer_one),
		cmocka_unit_test(
		    an_end_before_the_reply_is_told_with_what_came),
		cmocka_unit_test(a_peer_that_is_gone_is_no_signal),
		cmocka_unit_test(names_are_asked_for_one_behind_the_other),
		cmocka_unit_test(the_second_mux_can_refuse),
		cmocka_unit_test(eager_sends_all_names_at_once),
		cmocka_unit_test(the_flags_of_a_lent_socket_stay),
		cmocka_unit_test(a_list_comes_over_a_lent_socket),
		cmocka_unit_test(a_list_can_be_refused),
		cmocka_unit_test(
		    a_name_that_is_none_is_an_error_of_the_first_step),
		cmocka_unit_test(the_deadline_ends_it),
		cmocka_unit_test(only_a_stream_socket_will_do),
		cmocka_unit_test(every_error_has_its_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
