/*
 * The table of metrics.
 */

#include "cmd/exporter/families.h"

/* A label: its value is that of a key, often one of the same name, or fixed. */
#define SERVICE                         \
	{                               \
		"service", "name", NULL \
	}
#define KEY(k)                 \
	{                      \
		(k), (k), NULL \
	}
#define FIXED(n, v)            \
	{                      \
		(n), NULL, (v) \
	}
#define IN  FIXED("direction", "in")
#define OUT FIXED("direction", "out")

/* A sample of each line with that word and key; with labels, or without. */
#define EACH(w, k, f)                                       \
	{                                                   \
		.word = (w), .key = (k), .form = SERIES_##f \
	}
#define WITH(w, k, f, ...)                                               \
	{                                                                \
		.word = (w), .key = (k), .form = SERIES_##f, .labels = { \
			__VA_ARGS__                                      \
		}                                                        \
	}
#define IS(w, k, e)                                                           \
	{                                                                     \
		.word = (w), .key = (k), .equals = (e), .form = SERIES_EQUALS \
	}
#define WITH_IS(w, k, e, ...)                                                  \
	{                                                                      \
		.word = (w), .key = (k), .equals = (e), .form = SERIES_EQUALS, \
		.labels = {                                                    \
			__VA_ARGS__                                            \
		}                                                              \
	}
/* Lines of all services together, which name none. */
#define IN_ALL(w, k, ...)                                               \
	{                                                               \
		.word = (w), .key = (k), .without = "name", .labels = { \
			__VA_ARGS__                                     \
		}                                                       \
	}

const struct family families[] = {
	{ "tcpmux_build", FAMILY_INFO, NULL, "Which tcpmuxd it is.",
	    { WITH("tcpmuxd", "version", ONE, KEY("version")) } },
	{ "tcpmux_start_time_seconds", FAMILY_GAUGE, "seconds",
	    "When tcpmuxd was started, since 1970.",
	    { EACH("tcpmuxd", "started", TIME) } },
	{ "tcpmux_generation", FAMILY_GAUGE, NULL,
	    "The generation that serves; a reload makes a new one.",
	    { EACH("tcpmuxd", "generation", PLAIN) } },
	{ "tcpmux_draining", FAMILY_GAUGE, NULL,
	    "Whether every service refuses new connections.",
	    { IS("tcpmuxd", "state", "draining") } },
	{ "tcpmux_reloads", FAMILY_COUNTER, NULL,
	    "Configurations that were taken after the first.",
	    { EACH("tcpmuxd", "reloads", PLAIN) } },
	{ "tcpmux_upgrades", FAMILY_COUNTER, NULL,
	    "Programs that took over from the one before.",
	    { EACH("tcpmuxd", "upgrades", PLAIN) } },
	{ "tcpmux_processes_replaced", FAMILY_COUNTER, NULL,
	    "Processes that ended or were stuck, and were replaced.",
	    { EACH("tcpmuxd", "replaced", PLAIN) } },
	{ "tcpmux_connections_accepted", FAMILY_COUNTER, NULL,
	    "Connections accepted.", { EACH("total", "accepted", PLAIN) } },
	{ "tcpmux_connections_current", FAMILY_GAUGE, NULL,
	    "Connections that the fronts hold.",
	    { WITH("total", "waiting", PLAIN, FIXED("state", "waiting")),
		WITH("total", "lingering", PLAIN,
		    FIXED("state", "lingering")) } },
	{ "tcpmux_connections_handed_over", FAMILY_COUNTER, NULL,
	    "Connections handed over, by what serves the name.",
	    { WITH("total", "handed-exec", PLAIN, FIXED("kind", "exec")),
		WITH("total", "handed-relay", PLAIN, FIXED("kind", "relay")),
		WITH("total", "handed-socket", PLAIN, FIXED("kind", "socket")),
		WITH("total", "handed-offer", PLAIN,
		    FIXED("kind", "offer")) } },
	{ "tcpmux_connections_refused", FAMILY_COUNTER, NULL,
	    "Connections refused, whether or not a service was named.",
	    { IN_ALL("refused", "n", KEY("reason")) } },
	{ "tcpmux_names_asked", FAMILY_COUNTER, NULL,
	    "Names that were asked for, known or not.",
	    { EACH("total", "requests", PLAIN) } },
	{ "tcpmux_builtin_requests", FAMILY_COUNTER, NULL,
	    "Requests that the fronts answer themselves.",
	    { WITH("total", "help", PLAIN, FIXED("name", "help")),
		WITH("total", "tcpmux", PLAIN, FIXED("name", "tcpmux")) } },
	{ "tcpmux_bytes", FAMILY_COUNTER, "bytes",
	    "Bytes that relays moved; in is from clients.",
	    { WITH("total", "in", PLAIN, IN),
		WITH("total", "out", PLAIN, OUT) } },
	{ "tcpmux_requests", FAMILY_COUNTER, NULL, "Requests for a service.",
	    { WITH("service", "requests", PLAIN, SERVICE, KEY("kind")) } },
	{ "tcpmux_handed_over", FAMILY_COUNTER, NULL,
	    "Connections handed over to a service.",
	    { WITH("service", "handed", PLAIN, SERVICE, KEY("kind")) } },
	{ "tcpmux_refused", FAMILY_COUNTER, NULL,
	    "Requests for a service that were refused.",
	    { WITH("refused", "n", PLAIN, SERVICE, KEY("reason")) } },
	{ "tcpmux_service_up", FAMILY_GAUGE, NULL,
	    "Whether somebody serves the name, and it is not drained.",
	    { WITH_IS("service", "state", "up", SERVICE, KEY("kind")) } },
	{ "tcpmux_service_drained", FAMILY_GAUGE, NULL,
	    "Whether a service was told to refuse new connections.",
	    { WITH_IS("service", "state", "drained", SERVICE) } },
	{ "tcpmux_service_connections_current", FAMILY_GAUGE, NULL,
	    "Connections that a service has now, where that is known.",
	    { WITH("service", "current", PLAIN, SERVICE) } },
	{ "tcpmux_service_bytes", FAMILY_COUNTER, "bytes",
	    "Bytes that relays moved for a service; in is from clients.",
	    { WITH("service", "in", PLAIN, SERVICE, IN),
		WITH("service", "out", PLAIN, SERVICE, OUT) } },
	{ "tcpmux_queue_length", FAMILY_GAUGE, NULL,
	    "Connections that wait for a service to take them.",
	    { WITH("service", "queue", PLAIN, SERVICE) } },
	{ "tcpmux_queue_limit", FAMILY_GAUGE, NULL,
	    "So many may wait; the next one is refused.",
	    { WITH("service", "queue-max", PLAIN, SERVICE) } },
	{ "tcpmux_handover_seconds", FAMILY_HISTOGRAM, "seconds",
	    "Time from accepting a connection to handing it over.",
	    { WITH("service", "times", PLAIN, SERVICE) } },
	{ "tcpmux_process", FAMILY_INFO, NULL,
	    "A process of tcpmuxd, and what confines it.",
	    { WITH("process", "pid", ONE, KEY("role"), KEY("number"),
		KEY("pid"), KEY("generation"), KEY("state"), KEY("layers")) } },
	{ "tcpmux_process_cpu_seconds", FAMILY_COUNTER, "seconds",
	    "Time on the processor, user and system.",
	    { WITH("process", "cpu-us", MICRO, KEY("role"), KEY("number"),
		KEY("pid")) } },
	{ "tcpmux_process_resident_max_bytes", FAMILY_GAUGE, "bytes",
	    "The most memory that it has had.",
	    { WITH("process", "rss-kb", KIB, KEY("role"), KEY("number"),
		KEY("pid")) } },
	{ "tcpmux_process_beat_age_seconds", FAMILY_GAUGE, "seconds",
	    "How long ago it was last seen to work.",
	    { WITH("process", "beat-ms", MILLI, KEY("role"), KEY("number"),
		KEY("pid")) } },
};

const size_t families_count = sizeof(families) / sizeof(*families);
