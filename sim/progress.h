/* What is shown while something runs, on stderr: one line that is written again and again on a terminal; in a
 * log a line now and then. */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct sim_progress {
	bool quiet;    /* nothing at all */
	bool terminal; /* stderr is one */
	bool shown;    /* a line stands there and was not ended */
	double since;  /* seconds of the monotonic clock: when it began */
	double last;   /* when a line was shown; at first when it began */
};

void sim_progress_start(struct sim_progress *progress, bool quiet);
/* Seconds since the start. */
double sim_progress_took(const struct sim_progress *progress);
/* Is it time for another line? A second after the last one on a terminal, else 30. */
bool sim_progress_due(const struct sim_progress *progress);
void sim_progress_line(struct sim_progress *progress, const char *fmt, ...) TB_PRINTF(2, 3);
/* Ends the line that stands there. Before anything else is printed. */
void sim_progress_end(struct sim_progress *progress);
