/*
 * What tcpmux-offer --wrap and the library that it preloads into a server say
 * to each other.
 *
 * Both hold one end of a socket pair of SOCK_SEQPACKET, the channel.  Its end
 * in the server takes the place of each listening socket that is chosen.  Down
 * the channel come connections, each as the message of tcpmux-offer(7); up the
 * channel go notices.
 */

#ifndef CMD_WRAP_H
#define CMD_WRAP_H

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/*
 * The environment variable that tells the library of the channel: its
 * descriptor, its cookie (SO_COOKIE), and the port to take or 0, as three
 * numbers with colons between.
 */
#define WRAP_VARIABLE "TCPMUX_WRAP"

/* An address that a server listens at. */
union wrap_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* The server listens on the port that was chosen, for the first time. */
struct wrap_notice {
	uint32_t process;
	uint32_t port; /* in host byte order */
};

#endif
