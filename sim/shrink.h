/* Shrinking: of a run that fails, a smaller one that fails in the same way. A smaller world of the same seed
 * if one fails, a shorter time, whole kinds of decisions left out, then single ones, nodes among them, by
 * delta debugging (Zeller's ddmin); at the end its story. */
#pragma once

#include "sim/campaign.h"

struct sim_shrink {
	struct sim_options options; /* of the run that fails */
	const char *dir;            /* for the disks */
	const char *out;            /* the smaller run's file; the story is beside it, as OUT.txt */
	unsigned runs_most;         /* 0: 400 */
	double seconds_most;        /* 0: 300; checked between two runs */
	bool quiet;
};

/* What came of it. */
struct sim_shrunk {
	int verdict;            /* SIM_HELD: the run did not fail, nothing was done */
	char failure[256];      /* of the smaller run */
	size_t decisions_first; /* that the run took */
	size_t decisions_last;
	uint32_t nodes_last;
	sim_time span_last;
	unsigned runs;
};

void sim_shrink_run(struct sim_shrunk *out, const struct sim_shrink *shrink);
/* The same, with a report on stdout and the exit status: that of the run's failure. */
int sim_shrink_print(const struct sim_shrink *shrink);
