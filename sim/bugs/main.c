/* tongban-sim-bugs: a campaign for each deliberate bug. Each must be caught; how many seeds that took is
 * printed. Without a bug the same seeds must hold. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/campaign.h"
#include "sim/faults.h"
#include "sim/job.h"
#include "sim/runfile.h"
#include "sim/tables.h"
#include "sim_bugs.h"
#include "sim_bugs_map.h"

enum {
	SEEDS_MOST = 60,
	JOBS_MOST = 16,
	PATH_ROOM = 300,
	CPU_SECONDS_MOST = 6, /* of a seed: some bugs make much ado */
};

int sim_bug_chosen = SIM_BUGS;

static const struct {
	const char *name;
	const char *preset; /* "": each seed draws one */
	uint64_t first;     /* seed */
	const char *sentence;
} bugs[] = {
#define XX(constant, name, preset, first, sentence) [constant] = {name, preset, first, sentence},
	SIM_BUG_MAP(XX)
#undef XX
};

/* What a process found out about one bug. */
struct finding {
	uint64_t seeds; /* that were run */
	double seconds;
	int verdict;
	bool guilty; /* without the bug the same seed holds */
	char failure[256];
};

struct settings {
	const char *dir; /* for the disks */
	const char *out; /* replay files of what was caught; NULL: none */
	uint64_t seeds;  /* at most, for a bug */
	unsigned jobs;
	bool chosen[SIM_BUGS];
	int (*verb)(const struct sim_runfile *, const char *); /* with |file| instead; NULL: the hunt */
	const char *file;
	double shrink_seconds;
};

static double wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *verdict_word(int verdict)
{
	return verdict == SIM_DIED ? "crash" : verdict == SIM_NOT_LIVE ? "not live" : "broken";
}

/* The next seed may show in a second what this one hides in noise. */
static bool worth_waiting(void *ctx, const struct sim_world *world)
{
	(void)ctx;
	(void)world;
	return clock() < (clock_t)CPU_SECONDS_MOST * CLOCKS_PER_SEC;
}

/* |on|: the bug is switched on. */
static int run_seed(const struct settings *settings, int bug, bool on, uint64_t seed, const char *save,
                    char failure[256])
{
	struct sim_campaign campaign = {.preset = sim_preset_find(bugs[bug].preset)};
	struct sim_task task = {.save = save, .progress = on ? worth_waiting : NULL};
	struct sim_outcome outcome;
	sim_bug_chosen = on ? bug : SIM_BUGS;
	sim_campaign_options(&task.options, &campaign, seed);
	sim_run_in_child(&outcome, &task, settings->dir);
	snprintf(failure, 256, "%s", outcome.failure);
	return (int)outcome.verdict;
}

/* The seeds in order, until one fails. What fails without the bug, too, has not caught it. */
static void hunt(struct finding *finding, const struct settings *settings, int bug)
{
	char save[PATH_ROOM], other[256];
	double since = wall();
	snprintf(save, sizeof(save), "%.200s/%s.replay", settings->out ? settings->out : ".", bugs[bug].name);
	while (finding->seeds < settings->seeds && finding->verdict == SIM_HELD) {
		uint64_t seed = bugs[bug].first + finding->seeds++;
		finding->verdict =
			run_seed(settings, bug, true, seed, settings->out ? save : NULL, finding->failure);
		if (finding->verdict != SIM_HELD)
			finding->guilty = run_seed(settings, bug, false, seed, NULL, other) == SIM_HELD;
	}
	finding->seconds = wall() - since;
}

struct job {
	pid_t pid; /* 0: free */
	int fd;
	int bug;
};

static void job_start(struct job *job, const struct settings *settings, int bug)
{
	int ends[2];
	fflush(stdout);
	if (pipe(ends) != 0 || (job->pid = fork()) < 0) {
		perror("tongban-sim-bugs");
		exit(EXIT_FAILURE);
	}
	if (job->pid == 0) {
		struct finding finding = {0};
		close(ends[0]);
		hunt(&finding, settings, bug);
		_exit(write(ends[1], &finding, sizeof(finding)) == (ssize_t)sizeof(finding) ? 0 : 1);
	}
	close(ends[1]);
	job->fd = ends[0];
	job->bug = bug;
}

/* Waits for any job; false: the bug got away. */
static bool job_end(struct job *jobs, unsigned count, uint64_t *seeds)
{
	struct finding finding = {0};
	int status;
	pid_t pid = wait(&status);
	for (unsigned i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		if (job->pid != pid)
			continue;
		ssize_t got = read(job->fd, &finding, sizeof(finding));
		close(job->fd);
		job->pid = 0;
		*seeds += finding.seeds;
		if (got != (ssize_t)sizeof(finding) || !finding.guilty) {
			printf("NOT CAUGHT  %-24s %3" PRIu64 " seeds %6.1f s  %s: %s\n", bugs[job->bug].name,
			       finding.seeds, finding.seconds,
			       finding.verdict == SIM_HELD ? "all held" : "the seed fails without it, too",
			       finding.verdict == SIM_HELD ? bugs[job->bug].sentence : finding.failure);
			return false;
		}
		printf("caught      %-24s %3" PRIu64 " seeds %6.1f s  %s: %s\n", bugs[job->bug].name,
		       finding.seeds, finding.seconds, verdict_word(finding.verdict), finding.failure);
		return true;
	}
	return true;
}

static int run(const struct settings *settings)
{
	struct job jobs[JOBS_MOST] = {{0}};
	unsigned running = 0, caught = 0, away = 0;
	uint64_t seeds = 0;
	double since = wall();
	sim_make_identities();
	for (int bug = 0; bug < SIM_BUGS || running > 0;) {
		while (bug < SIM_BUGS && !settings->chosen[bug])
			bug++;
		for (unsigned i = 0; i < settings->jobs && bug < SIM_BUGS; i++) {
			if (jobs[i].pid != 0)
				continue;
			job_start(&jobs[i], settings, bug++);
			running++;
			while (bug < SIM_BUGS && !settings->chosen[bug])
				bug++;
		}
		if (running == 0)
			break;
		bool found = job_end(jobs, settings->jobs, &seeds);
		running--;
		caught += found;
		away += !found;
		fflush(stdout);
	}
	printf("%u bugs caught, %u not, %" PRIu64 " seeds in %.0f s\n", caught, away, seeds, wall() - since);
	return away == 0 ? 0 : EXIT_FAILURE;
}

/* ---- one bug at a file's run: to see what it does, and to make the run small */

static const struct {
	const char *option;
	int (*verb)(const struct sim_runfile *order, const char *path);
} file_verbs[] = {{"--replay", sim_runfile_replay},
                  {"--shrink", sim_runfile_shrink},
                  {"--scenario", sim_runfile_scenario}};

/* The verb of |option|; NULL: it is none. */
static int (*file_verb(const char *option))(const struct sim_runfile *, const char *)
{
	for (size_t i = 0; i < sizeof(file_verbs) / sizeof(file_verbs[0]); i++) {
		if (strcmp(option, file_verbs[i].option) == 0)
			return file_verbs[i].verb;
	}
	return NULL;
}

static int run_file(const struct settings *settings)
{
	struct sim_runfile order = {.task = {.options = {.liveness = true}},
	                            .dir = settings->dir,
	                            .out = settings->out,
	                            .seconds_most = settings->shrink_seconds,
	                            .quiet = true};
	sim_bug_chosen = SIM_BUGS;
	for (int bug = 0; bug < SIM_BUGS; bug++) {
		if (settings->chosen[bug])
			sim_bug_chosen = bug;
	}
	return settings->verb(&order, settings->file);
}

static const char usage[] =
	"tongban-sim-bugs [--jobs N] [--seeds N] [--dir DIR] [--out DIR] [NAME...]\n"
	"tongban-sim-bugs --list\n"
	"tongban-sim-bugs --replay FILE | --shrink FILE [--out FILE] [--seconds N] | "
	"--scenario FILE [NAME]\n"
	"Runs a campaign's seeds with each bug, until one is caught that holds without it. "
	"Status: 0 all\n"
	"caught, 1 not, 2 usage.\n";

static bool choose(struct settings *settings, const char *name)
{
	for (int bug = 0; bug < SIM_BUGS; bug++) {
		if (strcmp(bugs[bug].name, name) == 0)
			return settings->chosen[bug] = true;
	}
	return false;
}

static int list(void)
{
	for (int bug = 0; bug < SIM_BUGS; bug++)
		printf("%-24s %s\n", bugs[bug].name, bugs[bug].sentence);
	return 0;
}

int main(int argc, char **argv)
{
	struct settings settings = {.dir = "/dev/shm", .seeds = SEEDS_MOST, .jobs = 1};
	bool any = false, good = true;
	umask(077);
	sim_job_catch_signals();
	for (int i = 1; i < argc && good; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--list") == 0)
			return list();
		if (more && strcmp(argv[i], "--jobs") == 0)
			settings.jobs = (unsigned)strtoul(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--seeds") == 0)
			settings.seeds = strtoull(argv[++i], NULL, 10);
		else if (more && strcmp(argv[i], "--dir") == 0)
			settings.dir = argv[++i];
		else if (more && strcmp(argv[i], "--out") == 0)
			settings.out = argv[++i];
		else if (more && strcmp(argv[i], "--seconds") == 0)
			settings.shrink_seconds = (double)strtoul(argv[++i], NULL, 10);
		else if (more && (settings.verb = file_verb(argv[i])))
			settings.file = argv[++i];
		else
			good = any = choose(&settings, argv[i]);
	}
	if (!good || settings.jobs < 1 || settings.jobs > JOBS_MOST || settings.seeds < 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (settings.file) {
		int file_status = run_file(&settings);
		sim_tables_free();
		return file_status;
	}
	for (int bug = 0; bug < SIM_BUGS; bug++) {
		assert(!bugs[bug].preset[0] || sim_preset_find(bugs[bug].preset));
		settings.chosen[bug] = settings.chosen[bug] || !any;
	}
	if (settings.out)
		(void)mkdir(settings.out, 0700);
	int status = run(&settings);
	sim_tables_free();
	return status;
}
