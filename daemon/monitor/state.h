/*
 * What the monitor knows, for the files of its folder; and what the desk may
 * have it do.
 */

#ifndef DAEMON_MONITOR_STATE_H
#define DAEMON_MONITOR_STATE_H

#include <limits.h>

#include "daemon/monitor/cohort.h"
#include "daemon/monitor/sheet.h"
#include "daemon/monitor/supervisor.h"
#include "daemon/setup/setup.h"
#include "os/log.h"

enum monitor_state {
	MONITOR_SERVING,
	MONITOR_CHANGING, /* a generation or a new program is about to start */
	MONITOR_RETIRED,  /* another is in charge, our last clients go on */
	MONITOR_ENDING
};

/* Events of the monitor's loop; any other slot is the id of a process. */
#define SLOT_SIGNALS 0
#define SLOT_HEIR    (UINT32_MAX - 5) /* the monitor before says something */
#define SLOT_KEEPER  (UINT32_MAX - 4) /* something comes by way of the keeper */
#define SLOT_LINK    (UINT32_MAX - 3) /* the new program says something, */
#define SLOT_SAID    (UINT32_MAX - 2) /* something on its standard error, */
#define SLOT_PROCESS (UINT32_MAX - 1) /* or has ended */

struct monitor {
	enum monitor_state state;
	int loop;
	const struct setup *setup;
	struct supervisor *supervisor;
	int64_t tick;
	int signals; /* as signals_open() made it */
	struct account account;
	char user[LOGIN_NAME_MAX]; /* its name, or its number */
	int control;               /* the control socket, or -1 */
	bool control_off;
	bool confined;      /* no programs can be started any more */
	bool wants_reload;  /* SIGHUP has come */
	bool wants_upgrade; /* SIGUSR2 has come */
	char *control_path; /* as it was configured, or NULL */
	struct meter *meter;
	struct stats stats;
	struct board *board;
	struct pulse pulse;      /* the monitor's own */
	struct cohort *current;  /* and, behind it, the older ones */
	struct cohort *coming;   /* one that starts, or NULL */
	struct upgrade *upgrade; /* that is under way, or NULL */
	uint32_t generations;    /* so far, as are these: */
	uint32_t reloads;
	uint32_t upgrades;
	uint32_t replaced;            /* processes that ended, or were stuck */
	int64_t replaced_at;          /* clock_wall() of the last; 0: none */
	int64_t started;              /* the time of day, by clock_wall() */
	struct sheet snapshot, conns; /* that were asked for */
	/* Of an heir, until it is in charge: */
	const struct listeners *left; /* by the monitor before; or NULL */
	int link;                     /* to that; or -1 */
	int error; /* the daemon's standard error; -1: it is ours */
	/* Of an heir: what was counted before, and who goes on with it. */
	char *carried; /* the text; or NULL */
	size_t carried_len;
	int before; /* who sends the next one; or -1 */
	/* Of all but a monitor that is the only one: */
	int keeper;     /* where the keeper, or as that the heir, is; or -1 */
	bool has_heir;  /* another is in charge */
	bool is_keeper; /* of: */
	pid_t heir;     /* the monitor in charge, or 0 */
	int after;      /* the monitor that has followed this one, or -1 */
	uint32_t ticks; /* since it was sent what is counted */
	int64_t end;    /* as a keeper: the heir has to end by then; or 0 */
	int status;     /* as a keeper, of whoever was in charge at last */
};

/* What has become of a reload or an upgrade. */
enum monitor_outcome {
	MONITOR_DONE = 0,
	MONITOR_FAILED = -1, /* nothing has changed; the reason was said */
	MONITOR_BUSY = -2    /* another one is under way */
};

/*
 * Read the configuration again and serve it.  What is said meanwhile is put
 * into said, too, unless it is NULL.  Returns an enum monitor_outcome.  While
 * it takes its time the monitor does everything else: the desk is asked again.
 */
int monitor_reload(struct monitor *mon, struct log_copy *said);

/* Let the program as it is on disk now take the place of this one; likewise. */
int monitor_upgrade(struct monitor *mon, struct log_copy *said);

#endif
