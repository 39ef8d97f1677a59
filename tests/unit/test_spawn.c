/*
 * Spawn, alone with a queue: what it does with a connection that is handed
 * over, and with anything else that comes.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/handover.h"
#include "daemon/logger/logger.h"
#include "daemon/process.h"
#include "daemon/spawn/children.h"
#include "daemon/spawn/slow.h"
#include "daemon/spawn/spawn.h"
#include "os/clock.h"
#include "os/message.h"

/* No test passes by waiting so long. */
#define PATIENCE_MS 20000

#define OK "+OK FINE\r\n"

static struct generation g;
static struct pulse pulse;
static void *memory;
static int control; /* our end */
static pid_t spawn;

static const struct words *const words = &words_default;

static void *
map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static struct queue
queue_new(void)
{
	int ends[2];

	assert_int_equal(message_pair(ends, 0), 0);
	return (struct queue){ ends[0], ends[1] };
}

/* A service that runs argv as whoever we are. */
static void
add_service(struct table *t, const char *name, const char *const argv[],
    uint32_t max)
{
	const struct service s = {
		.name = name,
		.kind = SERVICE_EXEC,
		.ok = { OK, strlen(OK) },
		.max = max,
		.program = {
			.argv = argv,
			.name = "me",
			.uid = getuid(),
			.gid = getgid(),
			.stderr_to = STDERR_NULL,
		},
	};

	assert_non_null(table_add(t, &s));
}

static int
make_generation(void **state)
{
	static const char *const echo[] = { "/bin/echo", "hello", NULL };
	static const char *const cat[] = { "/bin/cat", NULL };
	static const char *const nothing[] = { "/nonexistent", NULL };
	static const char *const folder[] = { "/bin", NULL };
	static const char *const text[] = { "/etc/passwd", NULL };
	static const char *const sh[] = { "/bin/sh", "-c", "kill -9 $$", NULL };
	const struct service *first, *second;
	struct table *t = table_new();

	(void)state;
	assert_non_null(t);
	add_service(t, "cat", cat, 0);
	add_service(t, "echo", echo, 0);
	add_service(t, "folder", folder, 0);
	add_service(t, "killed", sh, 0);
	add_service(t, "nothing", nothing, 0);
	add_service(t, "one", cat, 1);
	add_service(t, "text", text, 0);
	assert_int_equal(table_finish(t, &first, &second), 0);
	t->log.level = LOG_CONNECTIONS;
	g.table = t;
	g.meter = meter_init(map(meter_size()), 1);
	g.part = map(stats_part_size());
	return 0;
}

static int
start(void **state)
{
	int ends[2];

	(void)state;
	g.spawn = queue_new();
	g.log = queue_new();
	memory = map(spawn_memory_size(&g));
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
	spawn = fork();
	assert_int_not_equal(spawn, -1);
	if (spawn == 0) {
		(void)close(ends[0]);
		(void)close(g.spawn.send);
		spawn_run(&g, ends[1], memory, &pulse);
	}
	(void)close(ends[1]);
	control = ends[0];
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	(void)close(control);
	if (spawn != 0) {
		(void)kill(spawn, SIGKILL);
		(void)waitpid(spawn, NULL, 0);
	}
	(void)close(g.spawn.send);
	(void)close(g.spawn.receive);
	(void)close(g.log.send);
	(void)close(g.log.receive);
	return munmap(memory, spawn_memory_size(&g));
}

/* Wait until fd is readable. */
static void
await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

/* Wait for the end of spawn, and return its status. */
static int
await_end(void)
{
	char byte;
	int status;

	for (;;) {
		await(control);
		if (recv(control, &byte, 1, 0) == 0)
			break;
	}
	assert_int_equal(waitpid(spawn, &status, 0), spawn);
	spawn = 0;
	return status;
}

/* A TCP connection: ends[0] is the client's. */
static void
connection(int ends[static 2])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int listener;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sin, &len),
	    0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&sin, len), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_int_not_equal(ends[1], -1);
	(void)close(listener);
}

static struct tcpmux_handover
handover_for(const char *name)
{
	struct tcpmux_handover h = { .version = TCPMUX_HANDOVER_VERSION };

	h.service =
	    table_find(g.table, (struct tcpmux_span){ name, strlen(name) });
	assert_int_not_equal(h.service, SERVICE_NONE);
	h.accepted = clock_now();
	h.peer.known = 1;
	h.peer.address[10] = h.peer.address[11] = 0xff;
	h.peer.address[12] = 127;
	h.peer.address[15] = 1;
	h.peer.port = 4711;
	return h;
}

/* Count a connection and hand it over, as a front does; the client's end. */
static int
hand_over(const char *name)
{
	const struct rate none = { 0, 0 };
	static const struct tcpmux_span no_name;
	struct tcpmux_handover h = handover_for(name);
	int ends[2];

	connection(ends);
	assert_true(meter_enter(g.meter, 0));
	assert_int_equal(meter_enter_source(g.meter, h.peer.address, 0, none,
			     h.accepted, &h.source),
	    0);
	/* What stands before it in the queue may take a while. */
	while (handover_send(g.spawn.send, &h, no_name, ends[1]) == -1) {
		struct pollfd p = { .fd = g.spawn.send, .events = POLLOUT };

		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	}
	(void)close(ends[1]);
	return ends[0];
}

/* Read to the end of fd, and close it. */
static const char *
read_all(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	do {
		await(fd);
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		assert_int_not_equal(n, -1);
		len += (size_t)n;
	} while (n > 0);
	text[len] = '\0';
	(void)close(fd);
	return text;
}

static void
assert_refused(const char *said, enum refusal why)
{
	const struct tcpmux_span text = words_refuse(words, why).text;

	assert_int_equal(strlen(said), text.len);
	assert_memory_equal(said, text.p, text.len);
}

/* The next line of the log has this in it. */
static void
assert_logged(const char *text)
{
	char line[LOGGER_MESSAGE_MAX + 1];
	ssize_t n;

	await(g.log.receive);
	n = message_receive(g.log.receive, line, sizeof(line) - 1, NULL);
	assert_true(n > 0);
	line[n] = '\0';
	if (strstr(line, text) == NULL)
		fail_msg("%s is not in %s", text, line);
}

/* Is nothing counted: can there be one connection, and no second? */
static void
assert_nothing_is_counted(void)
{
	const uint32_t one = handover_for("one").service;

	assert_true(meter_enter(g.meter, 1));
	meter_leave(g.meter);
	assert_int_equal(meter_service_count(g.meter,
			     g.table->services[one].meter),
	    0);
}

static void
rule_28_the_child_says_plus_and_is_the_program(void **state)
{
	(void)state;
	assert_string_equal(read_all(hand_over("echo")), OK "hello\n");
	assert_logged("peer=127.0.0.1:4711 name=echo verdict=served by=exec "
		      "user=me ms=");
	assert_nothing_is_counted();
}

static void
the_end_of_a_program_is_in_the_log(void **state)
{
	(void)state;
	assert_string_equal(read_all(hand_over("killed")), OK);
	assert_logged(" signal=9");
	assert_string_equal(read_all(hand_over("echo")), OK "hello\n");
	assert_logged(" status=0");
}

static void
rule_28_no_plus_for_a_program_that_cannot_start(void **state)
{
	(void)state;
	assert_refused(read_all(hand_over("nothing")), REFUSE_BROKEN);
	assert_logged("verdict=failed "
		      "reason=\"program: No such file or directory\"");
	assert_refused(read_all(hand_over("folder")), REFUSE_BROKEN);
	assert_logged("reason=\"program: Permission denied\"");
	assert_refused(read_all(hand_over("text")), REFUSE_BROKEN);
	assert_logged("reason=\"program: Permission denied\"");
	assert_nothing_is_counted();
}

static void
t4_a_full_service_is_busy_and_heals(void **state)
{
	int first;
	char c;

	(void)state;
	first = hand_over("one");
	await(first);
	assert_int_equal(recv(first, &c, 1, 0), 1);
	assert_refused(read_all(hand_over("one")), REFUSE_FULL);
	assert_logged("name=one verdict=refused reason=full by=exec");
	assert_int_equal(shutdown(first, SHUT_WR), 0);
	(void)read_all(first);
	assert_logged("verdict=served");
	first = hand_over("one");
	assert_int_equal(shutdown(first, SHUT_WR), 0);
	assert_string_equal(read_all(first), OK);
	assert_logged("verdict=served");
	assert_nothing_is_counted();
}

static void
told_to_drain_it_waits_for_its_programs(void **state)
{
	const char drain = CONTROL_DRAIN;
	int last, long_one;

	(void)state;
	long_one = hand_over("cat");
	await(long_one);
	assert_int_equal(message_send(control, &drain, 1, -1), 0);
	last = hand_over("echo"); /* a front may be a little late */
	assert_string_equal(read_all(last), OK "hello\n");
	assert_int_equal(waitpid(spawn, NULL, WNOHANG), 0);
	assert_int_equal(send(long_one, "x", 1, 0), 1);
	assert_int_equal(shutdown(long_one, SHUT_WR), 0);
	assert_string_equal(read_all(long_one), OK "x");
	assert_int_equal(await_end(), 0);
}

static void
told_to_end_it_leaves_its_programs_alone(void **state)
{
	int client;

	(void)state;
	client = hand_over("cat");
	await(client);
	assert_int_equal(shutdown(control, SHUT_WR), 0);
	assert_int_equal(await_end(), 0);
	assert_int_equal(send(client, "x", 1, 0), 1);
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	assert_string_equal(read_all(client), OK "x");
	children_release(memory, spawn_memory_size(&g), &g);
	assert_nothing_is_counted();
}

static void
t10_what_a_killed_one_had_counted_is_given_back(void **state)
{
	int clients[3], i;

	(void)state;
	for (i = 0; i < 3; i++) {
		clients[i] = hand_over(i == 0 ? "one" : "cat");
		await(clients[i]);
	}
	assert_int_equal(kill(spawn, SIGKILL), 0);
	assert_int_equal(await_end(), SIGKILL);
	children_release(memory, spawn_memory_size(&g), &g);
	assert_nothing_is_counted();
	for (i = 0; i < 3; i++) {
		assert_int_equal(shutdown(clients[i], SHUT_WR), 0);
		assert_string_equal(read_all(clients[i]), OK);
	}
}

/* A message of a front that has gone bad: fields of any value. */
static void
send_garbage(void)
{
	struct tcpmux_handover h = handover_for("echo");
	unsigned char *const bytes = (unsigned char *)&h;
	const int what = rand() % 4;
	size_t size = sizeof(h), i;
	int ends[2], fd = -1;

	connection(ends);
	if (what == 0) /* all of it */
		for (i = 0; i < sizeof(h); i++)
			bytes[i] = (unsigned char)rand();
	if (what == 1) /* all behind the service */
		for (i = offsetof(struct tcpmux_handover, source);
		     i < sizeof(h); i++)
			bytes[i] = (unsigned char)rand();
	if (what == 2) /* any service */
		h.service = (uint32_t)rand() % (g.table->nservices + 2);
	if (what == 3)
		size = (size_t)rand() % sizeof(h);
	if (rand() % 4 != 0)
		fd = rand() % 4 != 0 ? ends[1] : g.log.receive;
	while (message_send(g.spawn.send, &h, size, fd) == -1) {
		struct pollfd p = { .fd = g.spawn.send, .events = POLLOUT };

		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* How many descriptors spawn has, as far as we may see that; else 0. */
static int
count_descriptors(void)
{
	char path[64];
	DIR *dir;
	int n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)spawn);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

static void
t9_no_message_ends_it_or_leaves_a_descriptor(void **state)
{
	const int64_t end = clock_now() + PATIENCE_MS;
	int i, before;

	(void)state;
	assert_string_equal(read_all(hand_over("echo")), OK "hello\n");
	assert_logged("verdict=served");
	before = count_descriptors();
	srand(1);
	for (i = 0; i < 2000; i++)
		send_garbage();
	/* The log is full by now; that is nothing to wait for. */
	assert_string_equal(read_all(hand_over("echo")), OK "hello\n");
	assert_int_equal(waitpid(spawn, NULL, WNOHANG), 0);
	while (count_descriptors() != before)
		assert_true(clock_now() < end);
}

static void
t15_a_slow_user_has_a_pause_and_no_other_has(void **state)
{
	struct slow s = { .next = 0 };
	uid_t uid;

	(void)state;
	assert_false(slow_has(&s, 0, 0));
	slow_add(&s, 7, 1000);
	assert_true(slow_has(&s, 7, 1000));
	assert_true(slow_has(&s, 7, 1000 + SLOW_MS - 1));
	assert_false(slow_has(&s, 7, 1000 + SLOW_MS));
	assert_false(slow_has(&s, 8, 1000));
	for (uid = 10; uid < 10 + SLOW_MAX; uid++)
		slow_add(&s, uid, 1000);
	assert_true(slow_has(&s, 10, 1000));
	assert_false(slow_has(&s, 7, 1000));
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t15_a_slow_user_has_a_pause_and_no_other_has),
		cmocka_unit_test_setup_teardown(
		    rule_28_the_child_says_plus_and_is_the_program, start,
		    stop),
		cmocka_unit_test_setup_teardown(
		    the_end_of_a_program_is_in_the_log, start, stop),
		cmocka_unit_test_setup_teardown(
		    rule_28_no_plus_for_a_program_that_cannot_start, start,
		    stop),
		cmocka_unit_test_setup_teardown(
		    t4_a_full_service_is_busy_and_heals, start, stop),
		cmocka_unit_test_setup_teardown(
		    told_to_drain_it_waits_for_its_programs, start, stop),
		cmocka_unit_test_setup_teardown(
		    told_to_end_it_leaves_its_programs_alone, start, stop),
		cmocka_unit_test_setup_teardown(
		    t10_what_a_killed_one_had_counted_is_given_back, start,
		    stop),
		cmocka_unit_test_setup_teardown(
		    t9_no_message_ends_it_or_leaves_a_descriptor, start, stop),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, make_generation, NULL);
}
