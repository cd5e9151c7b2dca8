/* How far a long command is: one line on stderr, rewritten on a terminal, otherwise every few seconds. */
#pragma once

#include "node/cli/text.h"

struct progress {
	bool terminal;
	bool shown;      /* a line that is to be rewritten stands on the terminal */
	int64_t last_ms; /* monotonic */
	int64_t start_ms;
};

void progress_begin(struct progress *progress);
/* True if it is time for a line: the caller makes it only then. */
bool progress_due(struct progress *progress);
void progress_show(struct progress *progress, const char *line);
/* Takes the line away; before anything else is written to stderr, and at the end. */
void progress_clear(struct progress *progress);
/* Seconds since the beginning, never 0. */
double progress_seconds(const struct progress *progress);
