/* The running node: the loop of turns, and what feeds it.
 *
 * One thread (libuv) runs the turns; the link's and the local API's threads put events into its queue. While
 * a commit syncs, the next turn's events gather. */
#pragma once

#include "base/time.h"

enum node_exit {
	NODE_DRAINED = 0,       /* SIGTERM or SIGINT; everything that had begun is done or durable */
	NODE_START_FAILED = 1,  /* the reason is in the log */
	NODE_COMMIT_FAILED = 3, /* outcome unknown: nothing was released; starting again sorts it out */
};

/* Runs the node of |dir| in the foreground until it is told to stop; logs to stderr. |version| is told to
 * peers. Returns the exit status of the process. Call once in a process. */
int node_run(const char *dir, const char *version);
