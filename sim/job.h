/* A run in a process of its own: what crashes there is an outcome, too. */
#pragma once

#include <sys/types.h>

#include "sim/outcome.h"

enum { SIM_JOB_PATH_ROOM = 300 };

struct sim_job {
	pid_t pid; /* 0: none */
	int fd;    /* the outcome comes here */
	struct sim_task task;
	unsigned cpu_seconds; /* that it may use; 0: as many as it likes */
	char dir[SIM_JOB_PATH_ROOM];
	char save[SIM_JOB_PATH_ROOM]; /* room for the task's save, where the caller wants it */
	struct sim_outcome outcome;
	size_t got; /* bytes of it */
};

/* Starts |job|'s task with its disks below |dir|; |number| tells those that run at once apart. */
void sim_job_start(struct sim_job *job, const char *dir, unsigned number);
/* Takes what has come. True when all of the outcome is here, or will never be: then end it. Waits if nothing
 * has come yet. */
bool sim_job_read(struct sim_job *job);
/* Waits for its end and removes its disks; the outcome of what died says how. */
void sim_job_end(struct sim_job *job);
/* Kills it: there is no outcome. */
void sim_job_kill(struct sim_job *job);

/* From here SIGINT and SIGTERM do not end the process: whoever waits for jobs ends them and their disks, and
 * then itself. For programs. */
void sim_job_catch_signals(void);
/* The signal that came; 0: none did. */
int sim_job_signal(void);
/* Starts |job|, waits and ends it; after a signal it ends the process, too. */
void sim_job_run(struct sim_job *job, const char *dir);
