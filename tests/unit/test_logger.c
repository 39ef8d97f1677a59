/*
 * The logger, alone with a queue and a file or a pipe to write to, and in its
 * sandbox: what becomes of lines, of programs' output, and of anything else.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/logger/logger.h"
#include "daemon/process.h"
#include "os/message.h"

/* No test passes by waiting so long. */
#define PATIENCE_MS 20000

#define NOBODY 65534

#define TEXT_MAX (1 << 22)

static struct generation g;
static struct pulse pulse;
static struct table *table;
static char folder[] = "/tmp/logger.XXXXXX";
static char path[sizeof(folder) + 8];
static int control;
static pid_t logger;

static int
make_generation(void **state)
{
	const struct service s = { .name = "date", .kind = SERVICE_DISCARD };
	const struct service *first, *second;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	table = table_new();
	assert_non_null(table);
	assert_non_null(table_add(table, &s));
	assert_int_equal(table_finish(table, &first, &second), 0);
	g.table = table;
	g.account.is_root = geteuid() == 0;
	g.account.uid = g.account.is_root ? NOBODY : getuid();
	g.account.gid = g.account.is_root ? NOBODY : getgid();
	if (g.account.is_root)
		assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
	return privilege_make_empty(&g.account);
}

static int
free_generation(void **state)
{
	(void)state;
	(void)close(g.account.empty);
	table_free(table);
	return rmdir(folder);
}

/* Start a logger; its standard error is error, or ours if that is -1. */
static void
start(enum log_to to, enum log_format as, int error)
{
	int ends[2], queue[2];

	table->log.to = to;
	table->log.path = path;
	table->log.format = as;
	assert_int_equal(message_pair(queue, 0), 0);
	g.log = (struct queue){ queue[0], queue[1] };
	assert_int_equal(socketpair(AF_UNIX,
			     SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
			     ends),
	    0);
	logger = fork();
	assert_int_not_equal(logger, -1);
	if (logger == 0) {
		if (error != -1)
			(void)dup2(error, STDERR_FILENO);
		(void)close(ends[0]);
		(void)close(g.log.send);
		logger_run(&g, ends[1], &pulse);
	}
	(void)close(ends[1]);
	(void)close(g.log.receive);
	control = ends[0];
}

/* Let the last sender go, and wait for the logger's end. */
static void
finish(void)
{
	int status;

	(void)close(g.log.send);
	assert_int_equal(waitpid(logger, &status, 0), logger);
	assert_int_equal(status, 0);
	(void)close(control);
}

/* All that has been written to the file, which is removed. */
static const char *
read_log(void)
{
	static char text[TEXT_MAX];
	struct stat st;
	size_t n;
	FILE *file;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_uid, g.account.uid);
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	assert_int_equal(unlink(path), 0);
	return text;
}

static void
send_bytes(const void *p, size_t len, int fd)
{
	struct pollfd room = { .fd = g.log.send, .events = POLLOUT };

	while (message_send(g.log.send, p, len, fd) == -1)
		assert_int_equal(poll(&room, 1, PATIENCE_MS), 1);
}

static void
send_text(const char *text)
{
	send_bytes(text, strlen(text), -1);
}

/* A pipe to the logger, as a program has it; the end to write to. */
static int
program(uint32_t process)
{
	struct logger_stderr m = { .kind = LOGGER_STDERR };
	int ends[2];

	m.service = 0;
	m.process = process;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	send_bytes(&m, sizeof(m), ends[0]);
	(void)close(ends[0]);
	return ends[1];
}

static void
write_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* Wait until everything that was written to a pipe has been read. */
static void
await_read(int fd)
{
	struct pollfd p = { .fd = fd, .events = 0 };

	/* The logger has closed it, as its end has come. */
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
}

/* Find text in the log behind *at, and move *at behind it. */
static void
assert_follows(const char **at, const char *text)
{
	const char *found = strstr(*at, text);

	if (found == NULL)
		fail_msg("%s is not in %s", text, *at);
	*at = found + strlen(text);
}

static void
records_are_written_as_they_are(void **state)
{
	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	send_text("Ttime=1 a=b\ntime=2 a=\"c d\"\n");
	send_text("Ttime=3\n");
	finish();
	assert_string_equal(read_log(),
	    "time=1 a=b\ntime=2 a=\"c d\"\ntime=3\n");
	start(LOG_FILE, LOG_JSON, -1);
	send_text("T{\"time\":\"1\",\"a\":\"\\\\x00\"}\n");
	finish();
	assert_string_equal(read_log(), "{\"time\":\"1\",\"a\":\"\\\\x00\"}\n");
}

static void
what_is_said_is_a_message_in_a_file(void **state)
{
	const char *at;

	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	send_text("Ttcpmuxd: hello\n");
	finish();
	at = read_log();
	assert_follows(&at, "Z message=\"tcpmuxd: hello\"\n");
	start(LOG_FILE, LOG_JSON, -1);
	send_text("Ttcpmuxd: \"hello\"\n");
	finish();
	at = read_log();
	assert_follows(&at,
	    "Z\",\"message\":\"tcpmuxd: \\\\x22hello\\\\x22\"}\n");
}

static void
t6_whatever_a_sender_says_is_printable(void **state)
{
	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	send_text("Ttime=1 \033[2Jx\rtime=\x80\n");
	finish();
	assert_string_equal(read_log(), "time=1 \\x1b[2Jx\\x0dtime=\\x80\n");
}

static void
lines_of_a_program_have_its_name(void **state)
{
	const char *at;
	int fd;

	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	fd = program(4711);
	write_text(fd, "one\r\n\"two\" \xff\nthr");
	write_text(fd, "ee");
	(void)close(fd);
	finish();
	at = read_log();
	assert_follows(&at, " message=\"tcpmuxd: date[4711]: one\"\n");
	assert_follows(&at,
	    " message=\"tcpmuxd: date[4711]: \\x22two\\x22 \\xff\"\n");
	assert_follows(&at, " message=\"tcpmuxd: date[4711]: three\"\n");
}

static void
a_line_of_a_program_is_cut(void **state)
{
	static char text[100001];
	const char *at;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text) - 2);
	text[sizeof(text) - 2] = '\n';
	start(LOG_FILE, LOG_TEXT, -1);
	fd = program(1);
	write_text(fd, text);
	write_text(fd, "next\n");
	(void)close(fd);
	finish();
	at = read_log();
	assert_follows(&at, "xxx...\"\n");
	assert_follows(&at, "]: next\"\n");
}

/* Lines that are there, and those that are told to be missing. */
static long
count_lines(const char *text)
{
	const char *line, *number;
	long n = 0;

	for (line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
		number = strstr(line, "suppressed=");
		if (number != NULL && number < strchr(line, '\n'))
			n += atol(number + strlen("suppressed="));
		else
			n++;
	}
	return n;
}

static void
t6_a_program_that_floods_is_read_and_counted(void **state)
{
	const char *text;
	int fd, i;

	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	fd = program(1);
	for (i = 0; i < 50000; i++)
		write_text(fd, "line\n");
	(void)close(fd);
	finish();
	text = read_log();
	assert_true(strlen(text) < 50000);
	assert_int_equal(count_lines(text), 50000);
}

static void
no_message_ends_it(void **state)
{
	char bytes[LOGGER_MESSAGE_MAX];
	size_t i, n;
	int round, ends[2];

	(void)state;
	srand(1);
	start(LOG_FILE, LOG_TEXT, -1);
	for (round = 0; round < 2000; round++) {
		n = (size_t)rand() % (round % 16 != 0 ? 16 : sizeof(bytes));
		for (i = 0; i < n; i++)
			bytes[i] = (char)rand();
		bytes[0] = rand() % 2 == 0 ? LOGGER_TEXT : LOGGER_STDERR;
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		send_bytes(bytes, n, rand() % 2 == 0 ? -1 : ends[rand() % 2]);
		(void)close(ends[0]);
		(void)close(ends[1]);
	}
	send_text("Ttime=last\n");
	finish();
	assert_non_null(strstr(read_log(), "\ntime=last\n"));
}

static void
nobody_waits_for_a_reader_who_does_not_read(void **state)
{
	static char text[TEXT_MAX];
	ssize_t n, len = 0;
	int ends[2], fd, i;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	start(LOG_STDERR, LOG_TEXT, ends[1]);
	(void)close(ends[1]);
	for (i = 0; i < 10000; i++)
		send_text("Ttime=0 filler=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
	fd = program(1);
	for (i = 0; i < 50000; i++) /* far more than its pipe holds */
		write_text(fd, "line\n");
	(void)close(fd);
	(void)close(g.log.send);
	while ((n = read(ends[0], text + len, TEXT_MAX - 1 - (size_t)len)) > 0)
		len += n;
	text[len] = '\0';
	assert_int_equal(waitpid(logger, NULL, 0), logger);
	(void)close(ends[0]);
	(void)close(control);
	assert_true(len > 0);
	assert_int_equal(text[len - 1], '\n');
}

static void
it_ends_at_once_when_it_is_told_to(void **state)
{
	int status, fd;

	(void)state;
	start(LOG_FILE, LOG_TEXT, -1);
	send_text("Ttime=1\n");
	fd = program(1);
	assert_int_equal(shutdown(control, SHUT_WR), 0);
	assert_int_equal(waitpid(logger, &status, 0), logger);
	assert_int_equal(status, 0);
	assert_string_equal(read_log(), "time=1\n");
	await_read(fd);
	(void)close(fd);
	(void)close(g.log.send);
	(void)close(control);
}

int
main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_written_as_they_are),
		cmocka_unit_test(what_is_said_is_a_message_in_a_file),
		cmocka_unit_test(t6_whatever_a_sender_says_is_printable),
		cmocka_unit_test(lines_of_a_program_have_its_name),
		cmocka_unit_test(a_line_of_a_program_is_cut),
		cmocka_unit_test(t6_a_program_that_floods_is_read_and_counted),
		cmocka_unit_test(no_message_ends_it),
		cmocka_unit_test(nobody_waits_for_a_reader_who_does_not_read),
		cmocka_unit_test(it_ends_at_once_when_it_is_told_to),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_generation, free_generation);
}
