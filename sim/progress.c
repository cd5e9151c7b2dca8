#include "sim/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_SECONDS = 1, EVERY_SECONDS_LOG = 30 };

static double wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void sim_progress_start(struct sim_progress *progress, bool quiet)
{
	*progress = (struct sim_progress){.quiet = quiet, .terminal = isatty(STDERR_FILENO) == 1};
	progress->since = progress->last = wall();
}

double sim_progress_took(const struct sim_progress *progress)
{
	return wall() - progress->since;
}

bool sim_progress_due(const struct sim_progress *progress)
{
	return !progress->quiet &&
	       wall() - progress->last >= (progress->terminal ? EVERY_SECONDS : EVERY_SECONDS_LOG);
}

void sim_progress_line(struct sim_progress *progress, const char *fmt, ...)
{
	va_list args;
	if (progress->quiet)
		return;
	progress->last = wall();
	progress->shown = progress->terminal;
	if (progress->terminal)
		fputs("\r\033[K", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (!progress->terminal)
		fputc('\n', stderr);
	fflush(stderr);
}

void sim_progress_end(struct sim_progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
