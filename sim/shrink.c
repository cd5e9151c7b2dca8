#include "sim/shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/faults.h"
#include "sim/progress.h"

enum {
	RUNS_MOST = 400,
	SECONDS_MOST = 300,
	PATH_ROOM = 300,
	STORY_ENTRIES = 100000,
	STORY_FIRST = 20, /* lines that are printed */
	STORY_LAST = 40,
	NODES_TRIED = 5,
	BISECTIONS = 12,
};

#define SPAN_LEAST (10 * SIM_MINUTE)

struct work {
	const struct sim_shrink *shrink;
	struct sim_options options; /* of the smallest run so far; its skips are |skips| */
	struct sim_decision *skips;
	size_t skips_count;
	struct sim_decision *taken; /* by that run */
	size_t taken_count;
	int verdict;
	char failure[256];
	sim_time failed_at; /* after the start */
	char kind[64];      /* what the failure is called: up to its first colon */
	unsigned runs;
	struct sim_progress progress;
	char taken_path[PATH_ROOM];
};

static void kind_of(char out[64], const char *failure)
{
	snprintf(out, 64, "%.*s", (int)(strcspn(failure, ":") < 63 ? strcspn(failure, ":") : 63), failure);
}

static struct sim_decision *read_taken(const char *path, size_t *count)
{
	struct sim_decision one, *list = NULL;
	FILE *file = fopen(path, "rb");
	size_t room = 0;
	*count = 0;
	while (file && fread(&one, sizeof(one), 1, file) == 1) {
		if (*count == room) {
			room = room ? room * 2 : 256;
			list = tb_realloc(list, room * sizeof(*list));
		}
		list[(*count)++] = one;
	}
	if (file)
		fclose(file);
	(void)unlink(path);
	return list;
}

static bool may_go_on(const struct work *work)
{
	unsigned runs = work->shrink->runs_most ? work->shrink->runs_most : RUNS_MOST;
	double seconds = work->shrink->seconds_most > 0 ? work->shrink->seconds_most : SECONDS_MOST;
	return work->runs < runs && sim_progress_took(&work->progress) < seconds;
}

/* That there are in the smallest run so far. */
static uint32_t nodes_of(const struct work *work)
{
	uint32_t nodes = 0;
	for (size_t i = 0; i < work->taken_count; i++)
		nodes += work->taken[i].kind == SIM_DO_NODE;
	return nodes;
}

/* Runs |options|: does it fail in the same way? Then it is the smallest so far. */
static bool still_fails(struct work *work, const struct sim_options *options)
{
	struct sim_task task = {.options = *options, .taken = work->taken_path};
	struct sim_outcome outcome;
	char kind[64];
	if (!may_go_on(work))
		return false;
	work->runs++;
	task.options.story_ordinary = task.options.story_kept = 0;
	sim_run_in_child(&outcome, &task, work->shrink->dir);
	kind_of(kind, outcome.failure);
	size_t count;
	struct sim_decision *taken = read_taken(work->taken_path, &count);
	if (work->kind[0] == 0 && outcome.verdict != SIM_HELD) { /* the first run says what is looked for */
		work->verdict = (int)outcome.verdict;
		memcpy(work->kind, kind, sizeof(kind));
	}
	if (outcome.verdict == SIM_HELD || (int)outcome.verdict != work->verdict ||
	    strcmp(kind, work->kind) != 0) {
		free(taken);
		return false;
	}
	free(work->taken);
	work->taken = taken;
	work->taken_count = count;
	work->options = *options;
	work->failed_at = outcome.simulated;
	snprintf(work->failure, sizeof(work->failure), "%s", outcome.failure);
	if (sim_progress_due(&work->progress))
		sim_progress_line(&work->progress, "run %u: %u nodes, %.2f days, %zu decisions", work->runs,
		                  nodes_of(work),
		                  (double)(options->until ? options->until : options->span) / (double)SIM_DAY,
		                  count);
	return true;
}

/* ---- what is large: nodes, time, kinds */

/* Another world of the same seed, with fewer nodes: often it fails in the same way. */
static void fewer_nodes(struct work *work)
{
	uint32_t most = work->options.nodes_count;
	for (uint32_t nodes = 2; nodes < most && nodes < 2 + NODES_TRIED; nodes++) {
		struct sim_options options = work->options;
		options.nodes_count = nodes;
		if (still_fails(work, &options))
			return;
	}
}

static bool fails_until(struct work *work, sim_time until)
{
	struct sim_options options = work->options;
	options.until = until / SIM_MINUTE * SIM_MINUTE; /* as replay files say it */
	return options.until > 0 && still_fails(work, &options);
}

/* The same run, healed earlier: the shortest by bisection, since what is missing at the end of a day was as a
 * rule missing before. */
static void shorter_time(struct work *work)
{
	sim_time least = 0;
	sim_time most = work->options.until ? work->options.until : work->options.span;
	if (work->failed_at < most && fails_until(work, work->failed_at + SIM_MINUTE))
		most = work->failed_at + SIM_MINUTE;
	for (unsigned i = 0; i < BISECTIONS && most - least > SPAN_LEAST && may_go_on(work); i++) {
		sim_time middle = least + (most - least) / 2;
		if (fails_until(work, middle))
			most = middle;
		else
			least = middle;
	}
}

static void without_kinds(struct work *work)
{
	for (unsigned kind = 0; kind < SIM_DECISION_KINDS; kind++) {
		struct sim_options options = work->options;
		options.without |= 1U << kind;
		if (kind != SIM_DO_CASE && kind != SIM_DO_NODE)
			(void)still_fails(work, &options);
	}
}

/* ---- single decisions */

/* Leaves out |list|, of those that were taken. */
static bool leave_out(struct work *work, const struct sim_decision *list, size_t count)
{
	struct sim_options options = work->options;
	size_t all = work->skips_count + count;
	struct sim_decision *skips = tb_alloc(all * sizeof(*skips));
	if (work->skips_count > 0)
		memcpy(skips, work->skips, work->skips_count * sizeof(*skips));
	memcpy(skips + work->skips_count, list, count * sizeof(*skips));
	options.skips = skips;
	options.skips_count = all;
	if (all > SIM_SKIPS_MAX || !still_fails(work, &options)) {
		free(skips);
		return false;
	}
	free(work->skips);
	work->skips = skips;
	work->skips_count = all;
	return true;
}

/* Those of |kind| that the smallest run so far has taken; SIM_DECISION_KINDS: all. To be freed. */
static struct sim_decision *taken_of(const struct work *work, unsigned kind, size_t *count)
{
	struct sim_decision *list = tb_alloc((work->taken_count + 1) * sizeof(*list));
	*count = 0;
	for (size_t i = 0; i < work->taken_count; i++) {
		if (kind == SIM_DECISION_KINDS || work->taken[i].kind == kind)
			list[(*count)++] = work->taken[i];
	}
	return list;
}

/* Leaves out |size| of |kind| at a time, from the first on. Did any go? */
static bool thin(struct work *work, unsigned kind, size_t size)
{
	bool any = false;
	for (size_t at = 0, count = at + 1; at < count && may_go_on(work);) {
		struct sim_decision *list = taken_of(work, kind, &count);
		size_t left = at < count ? count - at : 0;
		/* What is left out is replaced by what follows it: the place stays. */
		if (left > 0 && leave_out(work, list + at, left < size ? left : size))
			any = true;
		else
			at += size;
		free(list);
	}
	return any;
}

static void fewer_of(struct work *work, unsigned kind)
{
	size_t count;
	free(taken_of(work, kind, &count));
	for (size_t size = (count + 1) / 2; size > 0 && may_go_on(work);) {
		bool any = thin(work, kind, size);
		if (size == 1 && !any)
			break;
		size = size > 1 ? size / 2 : 1;
	}
}

/* ---- what is left */

static void keep(struct work *work)
{
	char words[PATH_ROOM];
	struct sim_task task = {.options = work->options, .save = work->shrink->out, .words = words};
	struct sim_outcome outcome;
	snprintf(words, sizeof(words), "%.280s.txt", work->shrink->out);
	task.options.story_ordinary = task.options.story_kept = STORY_ENTRIES;
	sim_run_in_child(&outcome, &task, work->shrink->dir);
}

void sim_shrink_run(struct sim_shrunk *out, const struct sim_shrink *shrink)
{
	struct work work = {.shrink = shrink};
	sim_progress_start(&work.progress, shrink->quiet);
	*out = (struct sim_shrunk){0};
	snprintf(work.taken_path, sizeof(work.taken_path), "%.200s/tongban-shrink.%d", shrink->dir,
	         (int)getpid());
	if (shrink->options.skips_count > 0) {
		work.skips_count = shrink->options.skips_count;
		work.skips = tb_alloc(work.skips_count * sizeof(*work.skips));
		memcpy(work.skips, shrink->options.skips, work.skips_count * sizeof(*work.skips));
	}
	struct sim_options first = shrink->options;
	first.skips = work.skips;
	sim_make_identities();
	if (still_fails(&work, &first)) {
		out->decisions_first = work.taken_count;
		fewer_nodes(&work);
		shorter_time(&work);
		without_kinds(&work);
		/* Whole nodes turn honest, then single acts go: they explain a failure best. */
		fewer_of(&work, SIM_DO_TURN_HOSTILE);
		fewer_of(&work, SIM_DO_HOSTILE);
		fewer_of(&work, SIM_DECISION_KINDS);
		shorter_time(&work);
		keep(&work);
		out->verdict = work.verdict;
		out->decisions_last = work.taken_count;
		out->nodes_last = nodes_of(&work);
		out->span_last = work.options.until ? work.options.until : work.options.span;
		memcpy(out->failure, work.failure, sizeof(out->failure));
	}
	sim_progress_end(&work.progress);
	out->runs = work.runs;
	free(work.taken);
	free(work.skips);
}

/* How it began, and how it came to the failure. */
static void print_story(const char *path)
{
	static char lines[STORY_LAST][512];
	char line[512];
	size_t count = 0;
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		if (count < STORY_FIRST)
			fputs(line, stdout);
		else
			memcpy(lines[count % STORY_LAST], line, sizeof(line));
		count++;
	}
	if (file)
		fclose(file);
	if (count > STORY_FIRST + STORY_LAST)
		printf("... %zu lines more, in %s\n", count - STORY_FIRST - STORY_LAST, path);
	size_t from = count > STORY_FIRST + STORY_LAST ? count - STORY_LAST : STORY_FIRST;
	for (size_t i = from; i < count; i++)
		fputs(lines[i % STORY_LAST], stdout);
}

int sim_shrink_print(const struct sim_shrink *shrink)
{
	struct sim_shrunk shrunk;
	char path[PATH_ROOM];
	sim_shrink_run(&shrunk, shrink);
	if (shrunk.verdict == SIM_HELD) {
		printf("the run does not fail: nothing to shrink\n");
		return SIM_HELD;
	}
	printf("%u runs: from %u nodes, %.2f days, %zu decisions\n"
	       "     to %u nodes, %.2f days, %zu decisions: %s\n%s\n",
	       shrunk.runs, shrink->options.nodes_count, (double)shrink->options.span / (double)SIM_DAY,
	       shrunk.decisions_first, shrunk.nodes_last, (double)shrunk.span_last / (double)SIM_DAY,
	       shrunk.decisions_last, shrink->out, shrunk.failure);
	snprintf(path, sizeof(path), "%.280s.txt", shrink->out);
	print_story(path);
	return shrunk.verdict;
}
