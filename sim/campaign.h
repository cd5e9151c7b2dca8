/* Many seeds, each in a process of its own: what crashes there ends one seed only. */
#pragma once

#include "sim/outcome.h"

enum { SIM_JOBS_MAX = 64 };

struct sim_campaign {
	uint64_t first;
	uint64_t last;
	unsigned jobs;
	double budget_seconds;           /* 0: all seeds; seeds that run at its end have 3 s more */
	unsigned cpu_seconds;            /* of one seed, both runs together: more is a crash; 0: any */
	const struct sim_preset *preset; /* NULL: each seed draws one */
	const char *dir;                 /* for the disks */
	const char *out;                 /* failures, junit.xml */
	bool once;                       /* do not run each seed twice */
	bool require_marks;              /* a mark that 100 seeds or more never reached fails it */
	bool quiet;
};

/* Both give the exit status; after a signal that sim_job_catch_signals() took, 128 and its number. */
int sim_campaign_run(const struct sim_campaign *campaign);
/* One run, with its progress on stderr and its result on stdout. */
int sim_run_apart(struct sim_task *task, const char *dir, bool quiet);

/* What |seed| draws for a campaign: how many nodes, for how long, with what to do. */
void sim_campaign_options(struct sim_options *options, const struct sim_campaign *campaign, uint64_t seed);

/* One run in a process of its own, silently: what crashes there is an outcome, too. Its disks are in |dir|.
 */
void sim_run_in_child(struct sim_outcome *outcome, const struct sim_task *task, const char *dir);
/* Every region's keys once, for all the processes to come. */
void sim_make_identities(void);
