#include "node/cli/progress.h"

#include <time.h>
#include <unistd.h>

enum { PROGRESS_TERMINAL_MS = 200, PROGRESS_FILE_MS = 5000 };

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress)
{
	int64_t now = monotonic_ms();
	*progress = (struct progress){.terminal = isatty(STDERR_FILENO), .last_ms = now, .start_ms = now};
}

bool progress_due(struct progress *progress)
{
	int64_t now = monotonic_ms();
	if (now - progress->last_ms < (progress->terminal ? PROGRESS_TERMINAL_MS : PROGRESS_FILE_MS))
		return false;
	progress->last_ms = now;
	return true;
}

void progress_show(struct progress *progress, const char *line)
{
	if (progress->terminal)
		fprintf(stderr, "\r\033[K%s", line); /* ECMA-48 EL: erases what a longer line left */
	else
		fprintf(stderr, "%s\n", line);
	fflush(stderr);
	progress->shown = progress->terminal;
}

void progress_clear(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}

double progress_seconds(const struct progress *progress)
{
	return (double)(monotonic_ms() - progress->start_ms + 1) / 1000;
}
