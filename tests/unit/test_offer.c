/*
 * Offering a name to a daemon that this test plays.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tcpmux.h"

#define PATIENCE_MS 20000

/* The place of the control socket, and who listens there and by TCP. */
static char folder[64];
static char path[96];
static int control;
static int tcp;

/* What the daemon is to say to the next that asks, and what it has heard. */
struct answer {
	const char *text;
	char request[TCPMUX_REQUEST_MAX + 1];
	int channel;
};

static int
listen_at_path(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	(void)strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_return_code(fd, errno);
	(void)unlink(path);
	assert_return_code(bind(fd, (struct sockaddr *)&un, sizeof(un)), errno);
	assert_return_code(chmod(path, 0666), errno);
	assert_return_code(listen(fd, 8), errno);
	return fd;
}

static int
begin(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	(void)state;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)strcpy(folder, "/tmp/tcpmux-offer-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_return_code(chmod(folder, 0755), errno);
	(void)snprintf(path, sizeof(path), "%s/tcpmux", folder);
	assert_return_code(mkdir(path, 0755), errno);
	(void)strcat(path, "/control");
	control = listen_at_path();
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(tcp, (struct sockaddr *)&in, sizeof(in)),
	    errno);
	assert_return_code(listen(tcp, 8), errno);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	if (control != -1)
		(void)close(control);
	(void)close(tcp);
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	(void)rmdir(folder);
	return 0;
}

/* The daemon: take one request, and answer it unless there is no answer. */
static void *
answer(void *arg)
{
	struct answer *a = arg;
	ssize_t n;

	a->channel = accept(control, NULL, NULL);
	n = recv(a->channel, a->request, sizeof(a->request) - 1, 0);
	a->request[n > 0 ? n : 0] = '\0';
	if (a->text != NULL)
		(void)send(a->channel, a->text, strlen(a->text), MSG_NOSIGNAL);
	return NULL;
}

/* Offer "web" while the daemon says text; returns what tcpmux_listen() does. */
static int
offer(struct answer *a, const char *text, unsigned int flags,
    struct tcpmux_offer **o)
{
	pthread_t thread;
	int r;

	memset(a, 0, sizeof(*a));
	a->text = text;
	assert_int_equal(pthread_create(&thread, NULL, answer, a), 0);
	r = tcpmux_listen(path, "web", flags, o);
	assert_int_equal(pthread_join(thread, NULL), 0);
	return r;
}

static struct tcpmux_offer *
offer_well(struct answer *a)
{
	struct tcpmux_offer *o;

	assert_int_equal(offer(a, "+web\r\n", 0, &o), 0);
	return o;
}

/* A connection: its server's end, and *client. */
static int
connection(int *client)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	int fd;

	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(getsockname(tcp, (struct sockaddr *)&at, &len),
	    errno);
	assert_return_code(connect(*client, (struct sockaddr *)&at, len),
	    errno);
	fd = accept4(tcp, NULL, NULL, SOCK_CLOEXEC);
	assert_return_code(fd, errno);
	return fd;
}

/* Send a message with n copies of fd, at most two. */
static void
send_with(int channel, const void *message, size_t size, int fd, size_t n)
{
	const union {
		const void *in;
		void *out;
	} base = { message };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} room = { .bytes = { 0 } };
	struct iovec iov = { base.out, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	const int both[2] = { fd, fd };

	if (n > 0) {
		room.head.cmsg_level = SOL_SOCKET;
		room.head.cmsg_type = SCM_RIGHTS;
		room.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&room.head), both, n * sizeof(int));
		msg.msg_control = room.bytes;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	assert_int_equal(sendmsg(channel, &msg, MSG_NOSIGNAL), size);
}

/* A whole message of a hand-over. */
struct handover {
	struct tcpmux_handover head;
	char name[256];
};

static struct handover
handover_of(const char *name)
{
	struct handover h = { .head = { .version = TCPMUX_HANDOVER_VERSION,
				  .accepted = 4711,
				  .listener = 3 } };

	(void)strcpy(h.name, name);
	return h;
}

static void
send_handover(int channel, const struct handover *h, int fd)
{
	send_with(channel, h, sizeof(h->head) + strlen(h->name), fd, 1);
}

/* Hand a connection over, and return the client's end. */
static int
hand_over(int channel)
{
	const struct handover h = handover_of("web");
	int client, fd = connection(&client);

	send_handover(channel, &h, fd);
	(void)close(fd);
	return client;
}

static void
assert_says(int fd, const char *text)
{
	char buf[64];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, 0);

	assert_return_code(n, errno);
	buf[n] = '\0';
	assert_string_equal(buf, text);
}

static int
is_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* The lowest descriptor that is free: it grows by one for each that leaks. */
static int
lowest_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

static void
finish(struct tcpmux_offer *o, const struct answer *a)
{
	tcpmux_close(o);
	(void)close(a->channel);
}

static void
a_name_is_offered(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);

	(void)state;
	assert_string_equal(a.request, "offer/web\r\n");
	assert_true(tcpmux_offer_is_up(o));
	assert_string_equal(tcpmux_offer_text(o), "web");
	assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	tcpmux_close(o);
	assert_int_equal(recv(a.channel, a.request, 1, 0), 0);
	(void)close(a.channel);
}

static void
options_stand_in_the_request(void **state)
{
	struct answer a;
	struct tcpmux_offer *o;

	(void)state;
	assert_int_equal(offer(&a, "+Web\r\n",
			     TCPMUX_OFFER_SHARE | TCPMUX_OFFER_REPLACE |
				 TCPMUX_OFFER_HIDDEN | TCPMUX_OFFER_WAIT,
			     &o),
	    0);
	assert_string_equal(a.request, "offer,share,replace,hidden/web\r\n");
	finish(o, &a);
}

static void
a_refusal_has_its_reason(void **state)
{
	struct answer a;
	struct tcpmux_offer *o;

	(void)state;
	assert_int_equal(offer(&a, "-taken By \xe9.\r\n", 0, &o),
	    TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_offer_text(o), "taken By \\xe9.");
	assert_false(tcpmux_offer_is_up(o));
	assert_int_equal(tcpmux_accept(o, NULL, -1), TCPMUX_ERR_REFUSED);
	finish(o, &a);
}

static void
what_cannot_be_offered_is_not(void **state)
{
	char name[TCPMUX_OFFER_NAME_MAX + 2] = { 0 };
	char far_away[200] = { 0 };
	struct tcpmux_offer *o;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	memset(far_away, '/', sizeof(far_away) - 1);
	assert_int_equal(tcpmux_listen(path, "", 0, &o), TCPMUX_ERR_EMPTY);
	assert_int_equal(tcpmux_listen(path, "a b", 0, &o), TCPMUX_ERR_BYTE);
	assert_int_equal(tcpmux_listen(path, name, 0, &o), TCPMUX_ERR_LONG);
	assert_int_equal(tcpmux_listen(path, "web", 16, &o),
	    TCPMUX_ERR_ARGUMENT);
	assert_int_equal(tcpmux_listen(far_away, "web", 0, &o),
	    TCPMUX_ERR_ARGUMENT);
	assert_null(o);
}

static void
no_daemon_is_an_error_unless_it_is_waited_for(void **state)
{
	struct answer a = { .text = "+web\r\n" };
	struct tcpmux_offer *o;

	(void)state;
	(void)close(control);
	assert_int_equal(tcpmux_listen(path, "web", 0, &o),
	    TCPMUX_ERR_NO_DAEMON);
	(void)unlink(path);
	assert_int_equal(tcpmux_listen(path, "web", 0, &o),
	    TCPMUX_ERR_NO_DAEMON);
	assert_null(o);
	assert_int_equal(tcpmux_listen(path, "web", TCPMUX_OFFER_WAIT, &o), 0);
	assert_false(tcpmux_offer_is_up(o));
	assert_non_null(strstr(tcpmux_offer_text(o), path));

	control = listen_at_path();
	while (!is_readable(control, 0)) {
		assert_true(is_readable(tcpmux_offer_fd(o), PATIENCE_MS));
		assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	}
	(void)answer(&a);
	assert_true(is_readable(tcpmux_offer_fd(o), PATIENCE_MS));
	assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	assert_true(tcpmux_offer_is_up(o));
	finish(o, &a);
}

static void
a_place_without_a_daemon_is_shown_as_ascii(void **state)
{
	struct tcpmux_offer *o;

	(void)state;
	assert_int_equal(tcpmux_listen("/nix/\xe9", "web", TCPMUX_OFFER_WAIT,
			     &o),
	    0);
	assert_string_equal(tcpmux_offer_text(o),
	    "/nix/\\xe9: No such file or directory");
	tcpmux_close(o);
}

static void
the_environment_says_where_the_daemon_is(void **state)
{
	struct answer a = { .text = "+web\r\n" };
	struct tcpmux_offer *o;
	pthread_t thread;

	(void)state;
	assert_int_equal(setenv("TCPMUX_CONTROL", path, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, answer, &a), 0);
	assert_int_equal(tcpmux_listen(NULL, "web", 0, &o), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(unsetenv("TCPMUX_CONTROL"), 0);
	finish(o, &a);
}

static void
a_user_has_a_daemon_of_his_own(void **state)
{
	struct answer a = { .text = "+web\r\n" };
	struct tcpmux_offer *o;
	pthread_t thread;
	const uid_t user = geteuid();

	(void)state;
	assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
	if (user == 0) /* who would ask the daemon of the machine */
		assert_return_code(seteuid(1), errno);
	assert_int_equal(pthread_create(&thread, NULL, answer, &a), 0);
	assert_int_equal(tcpmux_listen(NULL, "web", 0, &o), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (user == 0)
		assert_return_code(seteuid(0), errno);
	assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
	finish(o, &a);
}

static void
a_connection_is_taken_and_told_so(void **state)
{
	struct tcpmux_caller caller = { .size = sizeof(caller) };
	struct sockaddr_in *local = (struct sockaddr_in *)&caller.local;
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client = hand_over(a.channel), fd;

	(void)state;
	assert_true(is_readable(tcpmux_offer_fd(o), 0));
	fd = tcpmux_accept(o, &caller, 0);
	assert_true(fd >= 0);
	assert_says(client, "+OK FINE\r\n");
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_string_equal(caller.name, "web");
	assert_int_equal(caller.since, 4711);
	assert_int_equal(caller.listener, 3);
	assert_int_equal(local->sin_family, AF_INET);
	assert_int_equal(local->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(caller.peer.ss_family, AF_INET);
	assert_false(is_readable(tcpmux_offer_fd(o), 0));
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

static void
the_message_says_who_has_connected(void **state)
{
	struct tcpmux_caller caller = { .size = sizeof(caller) };
	struct sockaddr_in *peer = (struct sockaddr_in *)&caller.peer;
	struct sockaddr_in6 *local = (struct sockaddr_in6 *)&caller.local;
	struct handover h = handover_of("web");
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client, fd = connection(&client);

	(void)state;
	h.head.proxied = 1;
	h.head.early = 1;
	h.head.peer.known = 1;
	h.head.peer.port = 77;
	inet_pton(AF_INET6, "::ffff:192.0.2.9", h.head.peer.address);
	h.head.local.known = 1;
	h.head.local.port = 78;
	h.head.local.scope = 2;
	inet_pton(AF_INET6, "fe80::1", h.head.local.address);
	send_handover(a.channel, &h, fd);
	(void)close(fd);
	fd = tcpmux_accept(o, &caller, 0);
	assert_true(fd >= 0);
	assert_int_equal(caller.proxied, 1);
	assert_int_equal(caller.early, 1);
	assert_int_equal(peer->sin_family, AF_INET);
	assert_int_equal(peer->sin_port, htons(77));
	assert_int_equal(peer->sin_addr.s_addr, inet_addr("192.0.2.9"));
	assert_int_equal(local->sin6_family, AF_INET6);
	assert_int_equal(local->sin6_port, htons(78));
	assert_int_equal(local->sin6_scope_id, 2);
	assert_memory_equal(&local->sin6_addr, h.head.local.address, 16);
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

static void
a_program_may_reply_itself(void **state)
{
	char text[TCPMUX_REPLY_MAX] = { 0 };
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client = hand_over(a.channel), fd;

	(void)state;
	fd = tcpmux_accept_silent(o, NULL, 0);
	assert_true(fd >= 0);
	assert_false(is_readable(client, 0));
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(tcpmux_reply(fd, '!', ""), TCPMUX_ERR_SIGN);
	assert_int_equal(tcpmux_reply(fd, '-', "a\nb"), TCPMUX_ERR_BYTE);
	assert_int_equal(tcpmux_reply(fd, '-', text), TCPMUX_ERR_LONG);
	assert_int_equal(tcpmux_reply(fd, '-', "not today"), 0);
	assert_says(client, "-not today\r\n");
	(void)close(client);
	(void)close(fd);
	assert_int_equal(tcpmux_reply(fd, '+', ""), TCPMUX_ERR_SYSTEM);
	assert_int_equal(errno, EBADF);
	finish(o, &a);
}

/* Messages that are none, each with what it says it has. */
static void
what_is_no_hand_over_is_dropped(void **state)
{
	struct handover good = handover_of("web"), other = handover_of("web");
	const char *const names[] = { "", "a b", "\xff" };
	char large[1024] = { 0 };
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	const int before = lowest_free();
	int client, fd, pair[2];
	size_t i;

	(void)state;
	fd = connection(&client);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		other = handover_of(names[i]);
		send_handover(a.channel, &other, fd);
	}
	other = handover_of("web");
	other.head.version++;
	send_handover(a.channel, &other, fd);
	send_with(a.channel, &good, 127, fd, 1);
	send_with(a.channel, &good, 131, fd, 0);
	send_with(a.channel, &good, 131, fd, 2);
	send_with(a.channel, large, sizeof(large), fd, 1);
	send_with(a.channel, "-ended\r\n", 8, fd, 1);
	send_with(a.channel, "-ended", 6, -1, 0);
	send_with(a.channel, "+news\r\n", 7, -1, 0);
	send_handover(a.channel, &good, tcp);
	send_handover(a.channel, &good, control);
	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), errno);
	send_handover(a.channel, &good, pair[0]);
	(void)close(pair[0]);
	(void)close(pair[1]);
	(void)close(fd);
	(void)close(client);
	assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	assert_int_equal(lowest_free(), before);
	client = hand_over(a.channel);
	fd = tcpmux_accept(o, NULL, 0);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

static void
a_connection_that_has_gone_is_dropped(void **state)
{
	const struct linger reset = { .l_onoff = 1 };
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	const int before = lowest_free();
	int gone = hand_over(a.channel), client = hand_over(a.channel), fd;

	(void)state;
	assert_return_code(setsockopt(gone, SOL_SOCKET, SO_LINGER, &reset,
			       sizeof(reset)),
	    errno);
	(void)close(gone);
	fd = tcpmux_accept(o, NULL, 0);
	assert_true(fd >= 0);
	assert_says(client, "+OK FINE\r\n");
	(void)close(fd);
	(void)close(client);
	assert_int_equal(lowest_free(), before);
	finish(o, &a);
}

static void
none_is_lost_for_want_of_a_descriptor(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	struct rlimit old, none;
	int client = hand_over(a.channel), fd;

	(void)state;
	assert_return_code(getrlimit(RLIMIT_NOFILE, &old), errno);
	none = old;
	none.rlim_cur = (rlim_t)lowest_free();
	assert_return_code(setrlimit(RLIMIT_NOFILE, &none), errno);
	assert_int_equal(tcpmux_accept(o, NULL, -1), TCPMUX_ERR_SYSTEM);
	assert_int_equal(errno, EMFILE);
	assert_return_code(setrlimit(RLIMIT_NOFILE, &old), errno);
	assert_true(is_readable(tcpmux_offer_fd(o), 0));
	fd = tcpmux_accept(o, NULL, 0);
	assert_true(fd >= 0);
	assert_says(client, "+OK FINE\r\n");
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

/* Wait until the program has asked again, and answer with text. */
static void
answer_again(struct answer *a, const char *text, struct tcpmux_offer *o)
{
	a->text = text;
	while (!is_readable(control, 0)) {
		assert_true(is_readable(tcpmux_offer_fd(o), PATIENCE_MS));
		assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	}
	(void)answer(a);
}

static void
it_is_offered_again_when_the_daemon_has_gone(void **state)
{
	struct answer a;
	struct tcpmux_offer *o;
	int watched, client, fd;

	(void)state;
	assert_int_equal(offer(&a, "+web\r\n",
			     TCPMUX_OFFER_REPLACE | TCPMUX_OFFER_HIDDEN, &o),
	    0);
	watched = tcpmux_offer_fd(o);
	(void)close(a.channel);
	assert_true(is_readable(watched, 0));
	assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	assert_false(tcpmux_offer_is_up(o));
	answer_again(&a, "+web\r\n", o);
	assert_string_equal(a.request, "offer,hidden/web\r\n");
	client = hand_over(a.channel);
	assert_int_equal(tcpmux_offer_fd(o), watched);
	assert_true(is_readable(watched, 0));
	fd = tcpmux_accept(o, NULL, PATIENCE_MS);
	assert_true(fd >= 0);
	assert_true(tcpmux_offer_is_up(o));
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

static void
connections_before_the_end_are_not_lost(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client = hand_over(a.channel), fd;

	(void)state;
	(void)close(a.channel);
	fd = tcpmux_accept(o, NULL, 0);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)close(client);
	tcpmux_close(o);
}

static void
a_refusal_that_may_pass_is_waited_out(void **state)
{
	const char *const passing[] = { "-busy Try later.\r\n", "-stopping\r\n",
		"-taken By another.\r\n", "-late\r\n" };
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		(void)close(a.channel);
		answer_again(&a, passing[i], o);
		assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
		assert_false(is_readable(tcpmux_offer_fd(o), 0));
	}
	assert_string_equal(tcpmux_offer_text(o), "late");
	(void)close(a.channel);
	answer_again(&a, "-denied You may not.\r\n", o);
	assert_int_equal(tcpmux_accept(o, NULL, -1), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_offer_text(o), "denied You may not.");
	finish(o, &a);
}

static void
a_notice_ends_it(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client = hand_over(a.channel), fd;

	(void)state;
	send_with(a.channel, "-replaced Another has it.\r\n", 27, -1, 0);
	(void)close(a.channel);
	fd = tcpmux_accept(o, NULL, 0);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)close(client);
	assert_int_equal(tcpmux_accept(o, NULL, -1), TCPMUX_ERR_REFUSED);
	assert_string_equal(tcpmux_offer_text(o), "replaced Another has it.");
	assert_int_equal(tcpmux_accept(o, NULL, -1), TCPMUX_ERR_REFUSED);
	tcpmux_close(o);
}

static void
a_daemon_that_is_gone_before_it_answers_is_asked_again(void **state)
{
	struct tcpmux_offer *o;
	struct answer a;

	(void)state;
	assert_int_equal(offer(&a, "+web\r\n", TCPMUX_OFFER_WAIT, &o), 0);
	(void)close(a.channel);
	answer_again(&a, NULL, o);
	(void)close(a.channel);
	answer_again(&a, "+web\r\n", o);
	assert_int_equal(tcpmux_accept(o, NULL, 0), TCPMUX_ERR_AGAIN);
	assert_true(tcpmux_offer_is_up(o));
	finish(o, &a);
}

static void
a_child_that_closes_it_withdraws_nothing(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client, fd, status;
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		tcpmux_close(o);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	client = hand_over(a.channel);
	fd = tcpmux_accept(o, NULL, PATIENCE_MS);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
}

static void
whoever_waits_is_woken(void **state)
{
	struct answer a;
	struct tcpmux_offer *o = offer_well(&a);
	int client, fd;

	(void)state;
	assert_int_equal(tcpmux_accept(o, NULL, 1), TCPMUX_ERR_AGAIN);
	client = hand_over(a.channel);
	fd = tcpmux_accept(o, NULL, -1);
	assert_true(fd >= 0);
	(void)close(fd);
	(void)close(client);
	finish(o, &a);
	tcpmux_close(NULL);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(a_name_is_offered),
		TEST(options_stand_in_the_request),
		TEST(a_refusal_has_its_reason),
		TEST(what_cannot_be_offered_is_not),
		TEST(no_daemon_is_an_error_unless_it_is_waited_for),
		TEST(a_place_without_a_daemon_is_shown_as_ascii),
		TEST(the_environment_says_where_the_daemon_is),
		TEST(a_user_has_a_daemon_of_his_own),
		TEST(a_connection_is_taken_and_told_so),
		TEST(the_message_says_who_has_connected),
		TEST(a_program_may_reply_itself),
		TEST(what_is_no_hand_over_is_dropped),
		TEST(a_connection_that_has_gone_is_dropped),
		TEST(none_is_lost_for_want_of_a_descriptor),
		TEST(it_is_offered_again_when_the_daemon_has_gone),
		TEST(connections_before_the_end_are_not_lost),
		TEST(a_refusal_that_may_pass_is_waited_out),
		TEST(a_notice_ends_it),
		TEST(a_daemon_that_is_gone_before_it_answers_is_asked_again),
		TEST(a_child_that_closes_it_withdraws_nothing),
		TEST(whoever_waits_is_woken),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
