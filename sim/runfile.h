/* Runs that a file tells: a replay, a story; and the shrinking of a replay. For the programs: all print their
 * result and give the exit status; 2 is a file that cannot be used. */
#pragma once

#include "sim/outcome.h"

enum { SIM_STATUS_USAGE = 2 };

struct sim_runfile {
	struct sim_task task; /* its options are the file's, but for the story's size */
	const char *dir;      /* for the disks */
	const char *out;      /* shrink: the smaller file; NULL: FILE.small */
	double seconds_most;  /* shrink: see sim_shrink; 0: its own limit */
	bool quiet;
};

int sim_runfile_replay(const struct sim_runfile *order, const char *path);
int sim_runfile_shrink(const struct sim_runfile *order, const char *path);
/* One line, and what did not hold in the next. */
int sim_runfile_scenario(const struct sim_runfile *order, const char *path);
