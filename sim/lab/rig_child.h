/* Programs as child processes. Not for use beside libuv's own children: nothing here waits for SIGCHLD. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct rig_child {
	const char *program;
	char *const *argv; /* ended by NULL */
	const char *out;   /* files for stdout and stderr */
	const char *err;
	bool append;      /* to them, else they are emptied */
	int death_signal; /* sent to it when the thread that started it ends: nothing outlives its parent */
};

/* Starts it with an empty stdin. -1 and errno if there is no process; a program that cannot be run ends with
 * 127. */
pid_t rig_child_start(const struct rig_child *child);

enum { RIG_ARGS_MAX = 24 };

/* Runs |program| with |args| (ended by NULL) and waits. The status as waitpid() gives it, or -1 and errno. */
int rig_child_run(const char *program, const char *const *args, const char *out, const char *err);
