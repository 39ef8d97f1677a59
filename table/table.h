/*
 * What the mux knows: its listeners and services, and what becomes of a name.
 *
 * Pure: built once from the configuration, then only read.  Everything that a
 * table points to belongs to it and goes with it.  Times are in milliseconds,
 * sizes in bytes; 0 stands for no limit unless it is said otherwise.
 */

#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "table/access.h"
#include "table/words.h"

/* The most listeners, as configured; "*" counts as two. */
#define TABLE_LISTENERS_MAX 64

/* The most services, and the most back ends of one. */
#define TABLE_SERVICES_MAX 1000000
#define TABLE_BACKENDS_MAX 16

/* Offers at a time unless it is configured: in all, and by one user. */
#define TABLE_OFFERS_MAX          4096
#define TABLE_OFFERS_PER_USER_MAX 64

/* The most places in the meter: for those of two tables (see below). */
#define TABLE_METERS_MAX 2000000

/* No service. */
#define SERVICE_NONE UINT32_MAX

/* So many events in a period; a burst may use all of them at once. */
struct rate {
	uint32_t count; /* 0: no limit */
	uint32_t period_ms;
};

struct listen {
	const char *address; /* as configured: "*", "10.0.0.1", "::1" */
	const char *socket;  /* the name in "systemd:NAME", or NULL */
	uint16_t port;
	bool lenient;         /* a bare LF ends a name, too (rule 23) */
	bool proxied;         /* a PROXY header comes first */
	struct access access; /* who may ask here at all */
	struct access trust;  /* whose PROXY header is believed */
};

enum service_kind {
	SERVICE_TCPMUX,  /* the mux itself: the next name (rule 34) */
	SERVICE_ECHO,    /* RFC 862 */
	SERVICE_DISCARD, /* RFC 863 */
	SERVICE_DAYTIME, /* RFC 867 */
	SERVICE_EXEC,    /* a program is started on the connection */
	SERVICE_RELAY,   /* bytes go to and from a back end */
	SERVICE_SOCKET,  /* a program takes the connection itself */
	SERVICE_OFFERED  /* the same, once it has offered to */
};

/* A user or group that may offer names. */
struct offerer {
	const char *text; /* as configured: "USER", "%GROUP", "USER:GLOB" */
	const char *glob; /* of the names it may offer; NULL: all */
	bool is_group;
	uint32_t id;      /* looked up by whoever reads the configuration */
	const char *file; /* where it is configured */
	int line;
};

/* A user of this machine, for offers = prefix, or to be shown by name. */
struct login {
	uint32_t uid;
	const char *name;
};

enum program_stderr {
	STDERR_LOG,    /* lines of the daemon's log */
	STDERR_SOCKET, /* the connection */
	STDERR_NULL
};

struct program_rlimit {
	int resource; /* RLIMIT_... */
	struct rlimit limit;
};

/* How a program of SERVICE_EXEC is started. */
struct program {
	const char *const *argv; /* argv[0] is the path; ends with NULL */
	const char *const *environment; /* NAME=VALUE; ends with NULL */
	const char *arg0; /* what the program sees as argv[0], or NULL */
	const char *user; /* as configured; NULL: the daemon's own */
	const char *group;
	const char *const *group_names; /* ends with NULL; NULL: the user's */
	const char *directory;          /* NULL: "/" */
	/* Looked up by whoever reads the configuration: */
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t ngroups;
	mode_t umask;
	int nice;
	const struct program_rlimit *rlimits;
	size_t nrlimits;
	enum program_stderr stderr_to;
	bool new_privileges; /* false: no_new_privs is set */
	const char *name;    /* of the user in log lines; never NULL */
	/* Where it is configured, for messages: */
	int user_line;
	int group_line;
	int groups_line;
	int directory_line;
};

enum backend_kind {
	BACKEND_ADDRESS, /* numeric */
	BACKEND_NAME,    /* resolved in the background */
	BACKEND_UNIX
};

struct backend {
	enum backend_kind kind;
	const char *text; /* as configured */
	const char *host; /* or path */
	uint16_t port;
	/*
	 * BACKEND_ADDRESS: where.  BACKEND_NAME: its place among the names
	 * of all services, less than nnames.
	 */
	uint8_t address[ADDRESS_BYTES];
	uint32_t name;
};

enum proxy_version {
	PROXY_NONE,
	PROXY_V1,
	PROXY_V2
};

/* How SERVICE_RELAY finds its back end. */
struct relay_rule {
	const struct backend *backends; /* in order of preference */
	size_t nbackends;
	uint32_t connect_ms; /* for each back end */
	uint32_t idle_ms;    /* without a byte in either direction */
	uint32_t half_ms;    /* the same, once one side has ended */
	uint32_t keepalive_ms;
	enum proxy_version proxy; /* sent to the back end */
};

/* The bounds of SERVICE_ECHO, _DISCARD and _DAYTIME. */
struct builtin_rule {
	uint64_t bytes;
	uint32_t ms;
};

struct service {
	const char *name; /* as configured: the canonical spelling */
	const char *const *aliases;
	size_t naliases;
	const char *description; /* or NULL */
	struct tcpmux_span ok;   /* what its taker says, with CR LF */
	enum service_kind kind;
	bool hidden;              /* HELP does not list it */
	bool service_replies;     /* the program says + itself (rule 16) */
	struct offerer *offerers; /* SERVICE_OFFERED */
	size_t nofferers;
	bool has_access; /* else the table's own holds */
	struct access access;
	uint32_t max;            /* connections at a time */
	uint32_t max_per_source; /* of one source */
	struct rate rate;        /* connections, of all sources */
	uint32_t meter;          /* its place in the meter */
	struct program program;  /* SERVICE_EXEC */
	struct relay_rule relay; /* SERVICE_RELAY */
	struct builtin_rule builtin;
	const char *socket; /* SERVICE_SOCKET: the path */
	const char *file;   /* where it is configured */
	int line;
	int kind_line; /* the same of exec, relay, builtin, socket, offered-by */
};

enum sandbox_mode {
	SANDBOX_STRICT,
	SANDBOX_BEST,
	SANDBOX_OFF
};

enum log_to {
	LOG_STDERR,
	LOG_FILE,
	LOG_SYSLOG,
	LOG_JOURNAL
};
enum log_format {
	LOG_TEXT,
	LOG_JSON
};

/* What is logged: each level has those before it, too. */
enum log_level {
	LOG_NOTHING,    /* only what the operator must know */
	LOG_REFUSALS,   /* and connections that were refused */
	LOG_CONNECTIONS /* and all others */
};

struct log_rule {
	enum log_to to;
	const char *path; /* of LOG_FILE */
	enum log_format format;
	enum log_level level;
	struct rate lines; /* of each process */
	struct rate bytes;
};

struct table {
	struct listen *listens;
	size_t nlistens;
	struct service *services; /* sorted by folded name */
	uint32_t nservices;
	struct words words;
	struct access access;  /* of services that have none of their own */
	const char *user;      /* the daemon's own, or NULL */
	const char *user_file; /* where it is configured */
	int user_line;
	uint32_t fronts; /* processes; 0: one per processor */
	uint32_t relays;
	uint32_t request_ms; /* for one whole request (rule 27) */
	enum sandbox_mode sandbox;
	bool sandbox_chosen; /* by the configuration */
	struct log_rule log;
	uint32_t max;            /* connections that wait or are served */
	uint32_t max_per_source; /* the same, of one source */
	struct rate rate_per_source;
	struct rate wrong_names_per_source;
	const char *control;      /* the socket's path; NULL: the usual one */
	bool control_off;         /* there is none */
	const char *control_file; /* where it is configured */
	int control_line;
	struct offerer *offerers; /* of names that are no services */
	size_t nofferers;
	struct offerer *readers; /* of what the daemon knows; without globs */
	size_t nreaders;
	bool offers_by_prefix;      /* LOGIN.anything is LOGIN's to offer */
	const struct login *logins; /* then: sorted by uid */
	size_t nlogins;
	uint32_t max_offers;
	uint32_t max_offers_per_user; /* but for root and the daemon's own */
	uint32_t nnames;              /* different names of back ends */
	const char **names;
	/* Of table.c alone: */
	struct table_index *index;
	struct table_memory *memory;
};

/*
 * A table with no listener and no service but tcpmux, and every default.  It
 * has yet to be finished.  Returns NULL with errno ENOMEM.  table_free(NULL)
 * does nothing.
 */
struct table *table_new(void);
void table_free(struct table *t);

/*
 * Memory that lives as long as t: zeroed, or a copy.  NULL with ENOMEM.
 */
void *table_alloc(struct table *t, size_t size);
char *table_copy(struct table *t, const char *text);

/*
 * Take a copy of *s into t and return its place until table_finish(); what
 * *s points to must have been allocated from t.  The first SERVICE_TCPMUX by
 * the name of tcpmux takes the place of the one that table_new() has put
 * there, whose file is NULL.  Returns NULL with ENOMEM, or E2BIG if there are
 * TABLE_SERVICES_MAX already.
 */
struct service *table_add(struct table *t, const struct service *s);

/*
 * Sort and index the services by all their names.  A service without a text
 * of its own in ok gets words.ok; its place in the meter is its place in
 * services.  If two have one name, *first and *second are set to them, in the
 * order in which they were added, and the result is -1 with EEXIST; the first
 * keeps the name, and the next call goes on with the other names.  Returns -1
 * with ENOMEM; else 0.  Only then may the functions below be called.
 */
int table_finish(struct table *t, const struct service **first,
    const struct service **second);

/*
 * Give each service of t the place in the meter that the service of its name
 * has in old, and to the others places that old does not use, so that what
 * is counted is counted across a reload.  Returns 0, or -1 with ENOMEM.
 */
int table_keep_meters(struct table *t, const struct table *old);

/* What becomes of a request. */
enum verdict_what {
	VERDICT_HELP,      /* say the list, and close */
	VERDICT_NEXT,      /* say + and read the next request */
	VERDICT_HAND_OVER, /* to the taker of the service */
	VERDICT_REFUSE
};

struct verdict {
	enum verdict_what what;
	uint32_t service; /* or SERVICE_NONE; set even if access is denied */
	enum refusal why; /* of VERDICT_REFUSE: always REFUSE_UNKNOWN */
};

/*
 * The service that has this name or alias, in any case, or SERVICE_NONE.
 * Takes as long for a million services as for one.
 */
uint32_t table_find(const struct table *t, struct tcpmux_span name);

/* The verdict on a request for name, a good name, by the peer with address. */
struct verdict table_decide(const struct table *t, struct tcpmux_span name,
    const uint8_t address[static ADDRESS_BYTES]);

/*
 * The first service from this place on that HELP may list for the peer with
 * address (rule 33), or nservices.
 */
uint32_t table_listed(const struct table *t, uint32_t place,
    const uint8_t address[static ADDRESS_BYTES]);

/*
 * The place of the first service whose name is behind this one, in the order
 * of tcpmux_compare_names(), or nservices.
 */
uint32_t table_behind(const struct table *t, struct tcpmux_span name);

/* How many services there are of this kind. */
uint32_t table_count(const struct table *t, enum service_kind kind);

/* One word for a kind, as in the configuration: "exec", "relay", ... */
const char *service_kind_name(enum service_kind kind);

/* The same for a level of the log. */
const char *log_level_name(enum log_level level);

#endif
