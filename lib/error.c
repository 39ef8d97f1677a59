/*
 * What the errors of libtcpmux mean, in words.
 */

#include "tcpmux.h"

const char *
tcpmux_strerror(int err)
{
	switch (err) {
	case 0:
		return "no error";
	case TCPMUX_ERR_EMPTY:
		return "the line has no name in it";
	case TCPMUX_ERR_LONG:
		return "the line is too long";
	case TCPMUX_ERR_BYTE:
		return "a byte that cannot stand there";
	case TCPMUX_ERR_CR:
		return "a CR without its LF";
	case TCPMUX_ERR_LF:
		return "a LF without its CR";
	case TCPMUX_ERR_SIGN:
		return "+ or - is missing, or is where a name was due";
	case TCPMUX_ERR_ROOM:
		return "the line does not fit into the buffer";
	case TCPMUX_ERR_AGAIN:
		return "nothing yet";
	case TCPMUX_ERR_SYSTEM:
		return "the system said no";
	case TCPMUX_ERR_ARGUMENT:
		return "that cannot be asked for";
	case TCPMUX_ERR_HOST:
		return "the host cannot be looked up";
	case TCPMUX_ERR_UNREACHABLE:
		return "no address of the host takes connections";
	case TCPMUX_ERR_TIMEOUT:
		return "it took too long";
	case TCPMUX_ERR_REFUSED:
		return "the other side refused";
	case TCPMUX_ERR_CLOSED:
		return "the other side closed without a reply";
	case TCPMUX_ERR_FOREIGN:
		return "what the other side said is not TCPMUX";
	case TCPMUX_ERR_MOVED:
		return "the service has moved";
	case TCPMUX_ERR_NO_DAEMON:
		return "no tcpmuxd is at the control socket";
	default:
		return "an unknown error";
	}
}
