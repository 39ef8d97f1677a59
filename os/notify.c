/*
 * Telling the service manager what becomes of us: the datagrams of
 * sd_notify(3), without its library.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/message.h"
#include "os/notify.h"
#include "os/number.h"

/*
 * Set *sun to the address in text: an absolute path, or @ and an abstract
 * name.  Returns its length, or 0 if the text is neither.
 */
static socklen_t
parse_address(const char *text, struct sockaddr_un *sun)
{
	const size_t len = strlen(text);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if ((text[0] != '/' && text[0] != '@') || text[1] == '\0' ||
	    len >= sizeof(sun->sun_path))
		return 0;
	memcpy(sun->sun_path, text, len);
	if (text[0] == '/')
		return sizeof(*sun);
	/* Every byte of an abstract name counts: it has no NUL behind it. */
	sun->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int
connect_to(const char *text)
{
	struct sockaddr_un sun;
	const socklen_t len = parse_address(text, &sun);
	int fd, saved;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&sun, len) == 0)
		return fd;
	saved = errno;
	(void)close(fd); /* it has carried nothing */
	errno = saved;
	return -1;
}

int
notify_open(void)
{
	const char *text = getenv("NOTIFY_SOCKET");
	int fd, saved;

	errno = ENODATA;
	fd = text == NULL ? -1 : connect_to(text);
	saved = errno;
	(void)unsetenv("NOTIFY_SOCKET"); /* cannot fail: it is a name */
	errno = saved;
	return fd;
}

/* Digits, and nothing else: microseconds, or 0 if it is no such thing. */
static int64_t
parse_usec(const char *text)
{
	int64_t usec = 0;

	for (; *text >= '0' && *text <= '9' && usec < INT64_MAX / 100; text++)
		usec = usec * 10 + (*text - '0');
	return *text == '\0' ? usec : 0;
}

int64_t
notify_watchdog(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t ms = 0;
	int number;

	if (usec != NULL &&
	    (pid == NULL ||
		(number_parse(pid, INT32_MAX, &number) == 0 &&
		    number == (int)getpid())))
		ms = parse_usec(usec) / 1000;
	(void)unsetenv("WATCHDOG_USEC"); /* cannot fail: these are names */
	(void)unsetenv("WATCHDOG_PID");
	return ms;
}

int
notify_send(int socket, const char *text, int passed)
{
	if (socket == -1)
		return 0;
	return message_send(socket, text, strlen(text), passed);
}
