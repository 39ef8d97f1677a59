/*
 * Clients that come at a fixed rate, whatever becomes of those before them,
 * and a verdict on each answer.
 *
 *	pace PORT RATE KIND...
 *
 * A KIND is NAME=TEXT, a service on 127.0.0.1 that answers with TEXT and what
 * it is sent; or tcpmux, which asks for that twice; or nested=NAME=TEXT, which
 * asks for that first.  They come until standard input ends.  Then there is a
 * line for each kind and outcome, with its number, and the rate as it was.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KINDS_MAX   16
#define CLIENTS_MAX 8192 /* at a time; whoever is due then comes later */
#define TEXT_MAX    256
#define BATCH       256
#define OK          "+OK FINE\r\n"

/* If this program had no time for so long, nobody comes for that time. */
#define LAG_MS 50

/* Nobody is answered later than this. */
#define LATE_MS 20000

/* Source addresses in turn, as each has so many ports only. */
#define SOURCES 200

enum outcome {
	SERVED,
	DOWN,
	FULL,
	STOPPING,
	CUT,
	RESET,
	NO_CONNECTION,
	UNANSWERED,
	WRONG,
	OUTCOMES
};

static const char *const outcomes[OUTCOMES] = { "served", "down", "full",
	"stopping", "cut", "reset", "no-connection", "unanswered", "wrong" };

static const char *const refusals[OUTCOMES] = {
	[DOWN] = "-Service not running: try again later\r\n",
	[FULL] = "-busy: this service is full, try again in a moment\r\n",
	[STOPPING] = "-Going down: try again in a moment\r\n",
};

struct kind {
	const char *word; /* as it was given */
	char name[TEXT_MAX], text[TEXT_MAX];
	int welcomes; /* + of service tcpmux, which come first */
	bool is_mux;  /* and nothing else */
	unsigned long n[OUTCOMES];
};

struct client {
	int fd; /* -1: free */
	struct kind *kind;
	unsigned long number;
	long began;
	size_t len;
	char heard[TEXT_MAX];
};

static struct kind kinds[KINDS_MAX];
static struct client clients[CLIENTS_MAX];
static int nkinds, loop, nwrong;
static unsigned long started, active;

static long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail */
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
parse_kind(struct kind *k, const char *word)
{
	static const char nested[] = "nested=";
	const char *name = word, *text = strchr(word, '=');

	k->word = word;
	if (strcmp(word, "tcpmux") == 0) {
		k->welcomes = 2;
		k->is_mux = true;
		return;
	}
	if (text != NULL && strncmp(word, nested, strlen(nested)) == 0) {
		k->welcomes = 1;
		name = text + 1;
		text = strchr(name, '=');
	}
	if (text == NULL || strlen(word) >= TEXT_MAX / 2)
		die(word);
	(void)snprintf(k->name, sizeof(k->name), "%.*s", (int)(text - name),
	    name);
	(void)snprintf(k->text, sizeof(k->text), "%s", text + 1);
}

/* What a client of this kind sends. */
static int
request(const struct client *c, char to[static TEXT_MAX])
{
	if (c->kind->is_mux)
		return snprintf(to, TEXT_MAX, "tcpmux\r\nTCPMUX\r\n");
	return snprintf(to, TEXT_MAX, "%s%s\r\nw%lu\n",
	    c->kind->welcomes > 0 ? "tcpmux\r\n" : "", c->kind->name,
	    c->number);
}

/* What it is to hear behind what service tcpmux says. */
static int
answer(const struct client *c, char to[static TEXT_MAX])
{
	to[0] = '\0';
	if (c->kind->is_mux)
		return 0;
	return snprintf(to, TEXT_MAX, OK "%sw%lu\n", c->kind->text, c->number);
}

static bool
is_refusal(enum outcome o, const char *heard, size_t len)
{
	return refusals[o] != NULL && strlen(refusals[o]) == len &&
	    memcmp(refusals[o], heard, len) == 0;
}

/* The verdict on all that was heard; error is that of the socket. */
static enum outcome
judge(const struct client *c, int error)
{
	const char *heard = c->heard;
	char wanted[TEXT_MAX];
	size_t len = c->len, n = (size_t)answer(c, wanted);
	int i, o, left = c->kind->welcomes;

	for (i = 0; left > 0 && len >= strlen(OK) &&
	     memcmp(heard, OK, strlen(OK)) == 0;
	     i++, left--) {
		heard += strlen(OK);
		len -= strlen(OK);
	}
	for (o = DOWN; o <= STOPPING; o++)
		if (is_refusal((enum outcome)o, heard, len))
			return (enum outcome)o;
	if (error == ECONNREFUSED)
		return NO_CONNECTION;
	if (left == 0 && len == n && memcmp(heard, wanted, n) == 0)
		return error == 0 ? SERVED : RESET;
	if (len > 0 && (left > 0 || len > n || memcmp(heard, wanted, len) != 0))
		for (o = DOWN; o <= STOPPING + 1; o++) {
			if (o > STOPPING)
				return WRONG;
			if (len < strlen(refusals[o]) &&
			    memcmp(refusals[o], heard, len) == 0)
				break;
		}
	return error == 0 ? CUT : RESET;
}

static void
finish(struct client *c, enum outcome how)
{
	c->kind->n[how]++;
	if ((how == WRONG || how == UNANSWERED) && nwrong++ < 5)
		(void)fprintf(stderr, "%s: %s: %.*s\n", c->kind->word,
		    outcomes[how], (int)c->len, c->heard);
	(void)close(c->fd); /* all was heard */
	c->fd = -1;
	active--;
}

static void
start(struct client *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	const int on = 1;

	c->kind = &kinds[started % (unsigned long)nkinds];
	c->number = started++;
	c->began = now_ms();
	c->len = 0;
	from.sin_addr.s_addr =
	    htonl(0x7f010001U + (uint32_t)(c->number % SOURCES));
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on,
		sizeof(on)) == -1 ||
	    bind(c->fd, (struct sockaddr *)&from, sizeof(from)) == -1)
		die("socket");
	active++;
}

static void
dial(struct client *c, const struct sockaddr_in *to)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP };

	start(c);
	ev.data.ptr = c;
	if (connect(c->fd, (const struct sockaddr *)to, sizeof(*to)) == -1 &&
	    errno != EINPROGRESS)
		finish(c, errno == ECONNREFUSED ? NO_CONNECTION : RESET);
	else if (epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("epoll_ctl");
}

/* It is connected: ask. */
static void
ask(struct client *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	char text[TEXT_MAX];
	const int n = request(c, text);

	ev.data.ptr = c;
	/* An error is seen when it is read. */
	(void)send(c->fd, text, (size_t)n, MSG_NOSIGNAL);
	(void)shutdown(c->fd, SHUT_WR);
	if (epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		die("epoll_ctl");
}

static void
hear(struct client *c)
{
	ssize_t n;

	n = recv(c->fd, c->heard + c->len, sizeof(c->heard) - c->len, 0);
	if (n > 0)
		c->len += (size_t)n;
	if (n == 0 || c->len == sizeof(c->heard))
		finish(c, judge(c, 0));
	else if (n == -1 && errno != EAGAIN)
		finish(c, judge(c, errno));
}

static void
do_events(int timeout_ms)
{
	struct epoll_event ev[BATCH];
	struct client *c;
	int i, n;

	n = epoll_wait(loop, ev, BATCH, timeout_ms);
	for (i = 0; i < n; i++) {
		c = ev[i].data.ptr;
		if (c == NULL || c->fd == -1)
			continue;
		if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
			hear(c);
		else if (ev[i].events & EPOLLOUT)
			ask(c);
	}
}

/* Whoever has waited for too long is not answered any more. */
static void
expire(void)
{
	const long now = now_ms();
	size_t i;

	for (i = 0; i < CLIENTS_MAX; i++)
		if (clients[i].fd != -1 && now - clients[i].began > LATE_MS)
			finish(&clients[i], UNANSWERED);
}

/* Has standard input ended? */
static bool
is_over(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&p, 1, 0) == 1 && read(STDIN_FILENO, &byte, 1) == 0;
}

/* Let come who is due until now, since a moment when none was. */
static void
dial_due(const struct sockaddr_in *to, long rate, long *since, long now)
{
	static size_t next;
	long due;

	if (now - *since > LAG_MS)
		*since = now - LAG_MS;
	due = (now - *since) * rate / 1000;
	*since += due * 1000 / rate;
	for (; due > 0 && active < CLIENTS_MAX; next = (next + 1) % CLIENTS_MAX)
		if (clients[next].fd == -1) {
			dial(&clients[next], to);
			due--;
		}
}

static void
run(const struct sockaddr_in *to, long rate)
{
	const long began = now_ms();
	long since = began, looked = began, now;

	while (!is_over()) {
		now = now_ms();
		dial_due(to, rate, &since, now);
		do_events(1);
		if (now - looked > 1000) {
			looked = now;
			expire();
		}
	}
	now = now_ms();
	(void)printf("rate %ld\n",
	    (long)started * 1000 / (now > began ? now - began : 1));
	while (active > 0) {
		do_events(100);
		expire();
	}
}

static void
report(void)
{
	int i, o;

	for (i = 0; i < nkinds; i++)
		for (o = 0; o < OUTCOMES; o++)
			if (kinds[i].n[o] > 0)
				(void)printf("%s %s %lu\n", kinds[i].word,
				    outcomes[o], kinds[i].n[o]);
}

int
main(int argc, char *argv[])
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	size_t i;

	if (argc < 4 || argc - 3 > KINDS_MAX)
		die("pace PORT RATE KIND...");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	for (nkinds = 0; nkinds < argc - 3; nkinds++)
		parse_kind(&kinds[nkinds], argv[nkinds + 3]);
	for (i = 0; i < CLIENTS_MAX; i++)
		clients[i].fd = -1;
	loop = epoll_create1(EPOLL_CLOEXEC);
	if (loop == -1)
		die("epoll");
	run(&to, atol(argv[2]));
	report();
	return 0;
}
