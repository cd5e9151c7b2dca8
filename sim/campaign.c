#include "sim/campaign.h"

#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/faults.h"
#include "sim/tables.h"
#include "sim/text.h"

enum { REAL_ONE_IN = 20, FAILURES_PRINTED = 20, POLL_MS = 500, SWARM_PPM = 450000, PATH_ROOM = 300 };

static double wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void sim_campaign_options(struct sim_options *options, const struct sim_campaign *campaign, uint64_t seed)
{
	static const uint32_t nodes[] = {2, 2, 3, 3, 3, 4, 4, 5, 6, 7, 9, 14};
	static const sim_time spans[] = {3 * SIM_HOUR, SIM_DAY,      SIM_DAY,
	                                 3 * SIM_DAY,  10 * SIM_DAY, 36 * SIM_DAY};
	static const uint32_t cases[] = {6, 15, 30, 80};
	static const uint32_t verifications[] = {10, 40, 150};
	struct sim_random random;
	sim_random_start(&random, seed, "campaign", 0);
	size_t presets = 0;
	while (sim_preset_at(presets))
		presets++;
	uint32_t many = cases[sim_random_below(&random, 4)],
		 asked = verifications[sim_random_below(&random, 3)];
	*options = (struct sim_options){
		.seed = seed,
		.nodes_count = nodes[sim_random_below(&random, sizeof(nodes) / sizeof(nodes[0]))],
		.span = spans[sim_random_below(&random, sizeof(spans) / sizeof(spans[0]))],
		.liveness = true,
		.story_ordinary = 2000,
		.story_kept = 2000,
	};
	bool swarm = sim_random_chance(&random, SWARM_PPM);
	options->preset = sim_preset_at(sim_random_below(&random, presets));
	if (swarm)
		options->preset = sim_preset_find("swarm");
	if (campaign->preset)
		options->preset = campaign->preset;
	/* So many in all, however long it takes. */
	options->cases_a_day = 1 + (uint32_t)((sim_time)many * SIM_DAY / options->span);
	options->verifications_a_day = 1 + (uint32_t)((sim_time)asked * SIM_DAY / options->span);
	options->real_crypto = seed % REAL_ONE_IN == 0;
}

/* ---- a run in a process of its own */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

struct job {
	pid_t pid; /* 0: free */
	int fd;    /* the outcome comes here */
	struct sim_task task;
	char dir[PATH_ROOM];
	char save[PATH_ROOM];
	struct sim_outcome outcome;
	size_t got; /* bytes of it */
};

static void job_start(struct job *job, const char *dir, unsigned number)
{
	int ends[2];
	snprintf(job->dir, sizeof(job->dir), "%.200s/tongban-sim.%d.%u", dir, (int)getpid(), number);
	job->task.options.dir = job->dir;
	job->got = 0;
	if (pipe(ends) != 0 || (job->pid = fork()) < 0) {
		perror("tongban-sim");
		exit(EXIT_FAILURE);
	}
	if (job->pid == 0) {
		struct sim_outcome outcome;
		close(ends[0]);
		sim_outcome_run(&outcome, &job->task);
		for (size_t at = 0; at < sizeof(outcome);) {
			ssize_t wrote = write(ends[1], (const char *)&outcome + at, sizeof(outcome) - at);
			if (wrote <= 0)
				_exit(EXIT_FAILURE);
			at += (size_t)wrote;
		}
		_exit(0);
	}
	close(ends[1]);
	job->fd = ends[0];
}

static void save_crash(const struct job *job)
{
	struct tb_buf text = {0};
	FILE *file = job->task.save ? fopen(job->task.save, "w") : NULL;
	sim_replay_write(&text, &job->task.options, NULL, job->outcome.failure);
	if (file) {
		fwrite(text.data, 1, text.size, file);
		fclose(file);
	}
	tb_buf_clear(&text);
}

static void job_end(struct job *job)
{
	int status = 0;
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(job->fd);
	job->pid = 0;
	(void)nftw(job->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (job->got == sizeof(job->outcome) && WIFEXITED(status))
		return;
	job->outcome = (struct sim_outcome){.verdict = SIM_DIED};
	if (WIFSIGNALED(status))
		snprintf(job->outcome.failure, sizeof(job->outcome.failure), "signal %d: %s",
		         WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(job->outcome.failure, sizeof(job->outcome.failure), "the process ended by itself");
	save_crash(job);
}

/* True when all of the outcome is here, or will never be. */
static bool job_read(struct job *job)
{
	ssize_t got = read(job->fd, (char *)&job->outcome + job->got, sizeof(job->outcome) - job->got);
	if (got > 0)
		job->got += (size_t)got;
	return got <= 0 ? !(got < 0 && errno == EINTR) : job->got == sizeof(job->outcome);
}

/* ---- one run */

void sim_run_in_child(struct sim_outcome *outcome, const struct sim_task *task, const char *dir)
{
	struct job job = {.task = *task};
	job_start(&job, dir, 0);
	while (!job_read(&job))
		;
	job_end(&job);
	*outcome = job.outcome;
}

struct shown {
	double since;
	double last;
};

static bool show(void *ctx, const struct sim_world *world)
{
	struct shown *shown = ctx;
	double now = wall();
	if (now - shown->last < 1.0)
		return true;
	shown->last = now;
	double days = (double)(world->now - world->started) / (double)SIM_DAY;
	fprintf(stderr, "\rday %.2f of %.2f  %.0f x real time  %" PRIu64 " events  %.0f s%s   ", days,
	        (double)world->options.span / (double)SIM_DAY, days * 86400.0 / (now - shown->since),
	        world->events, now - shown->since, world->healed ? "  healed" : "");
	return true;
}

static void print_outcome(const struct sim_task *task, const struct sim_outcome *outcome)
{
	static const char *const words[] = {"held", "CRASHED", "NOT LIVE", "BROKEN"};
	char command[256];
	double days = (double)outcome->simulated / (double)SIM_DAY;
	sim_options_command(command, sizeof(command), &task->options);
	printf("%s\n%s%s%s\n", command,
	       words[outcome->verdict == SIM_HELD ? 0 : outcome->verdict - SIM_DIED + 1],
	       outcome->failure[0] ? ": " : "", outcome->failure);
	if (outcome->verdict == SIM_DIED)
		return;
	printf("hash %016" PRIx64 "  %" PRIu64 " events  %.2f days in %.2f s: %.0f x  %" PRIu64 " MiB\n",
	       outcome->hash, outcome->events, days, outcome->wall_seconds,
	       days * 86400.0 / outcome->wall_seconds, outcome->rss_bytes >> 20);
	printf("cases %" PRIu64 ", ended %" PRIu64 ", acts %" PRIu64 " (refused %" PRIu64
	       "), verifications %" PRIu64 " (unanswered %" PRIu64 "), power losses %" PRIu64
	       ", disk faults %" PRIu64 "\n",
	       outcome->work.cases, outcome->work.cases_closed, outcome->work.acts,
	       outcome->work.acts_refused, outcome->work.verifications, outcome->work.verifications_failed,
	       outcome->disk_losses, outcome->disk_faults);
	printf("marks:");
	for (unsigned i = 0; i < SIM_MARKS; i++) {
		if (outcome->marks.counts[i])
			printf(" %s %" PRIu64, sim_mark_word((enum sim_mark)i), outcome->marks.counts[i]);
	}
	printf("\n");
}

int sim_run_apart(struct sim_task *task, const char *dir, bool quiet)
{
	struct shown shown = {.since = wall(), .last = wall()};
	struct job job = {0};
	if (!quiet) {
		task->progress = show;
		task->ctx = &shown;
	}
	printf("seed=%" PRIu64 "\n", task->options.seed);
	fflush(stdout);
	job.task = *task;
	job_start(&job, dir, 0);
	while (!job_read(&job))
		;
	job_end(&job);
	if (!quiet)
		fprintf(stderr, "\n");
	print_outcome(task, &job.outcome);
	return (int)job.outcome.verdict;
}

/* ---- many */

struct tally {
	uint64_t seeds;
	uint64_t failed;
	int status; /* the worst verdict */
	struct sim_marks marks;
	uint64_t checked[SIM_RULES];
	uint64_t broken[SIM_RULES];
	char first[SIM_RULES][256];
	uint64_t died;
	uint64_t not_live;
	sim_time simulated;
	uint64_t events;
	uint64_t cases;
	uint64_t verifications;
	uint64_t losses;
};

static void count_outcome(struct tally *tally, const struct job *job)
{
	const struct sim_outcome *outcome = &job->outcome;
	tally->seeds++;
	tally->simulated += outcome->simulated;
	tally->events += outcome->events;
	tally->cases += outcome->work.cases;
	tally->verifications += outcome->work.verifications;
	tally->losses += outcome->disk_losses;
	for (unsigned i = 0; i < SIM_MARKS; i++)
		tally->marks.counts[i] += outcome->marks.counts[i];
	for (unsigned i = 0; i < SIM_RULES; i++) {
		tally->checked[i] += outcome->rules[i].checked;
		tally->broken[i] += outcome->rules[i].broken;
		if (outcome->rules[i].broken && !tally->first[i][0])
			snprintf(tally->first[i], sizeof(tally->first[i]), "seed %" PRIu64 ": %.200s",
			         job->task.options.seed, outcome->rules[i].first);
	}
	tally->died += outcome->verdict == SIM_DIED;
	tally->not_live += outcome->verdict == SIM_NOT_LIVE;
	if (outcome->verdict == SIM_HELD)
		return;
	if (tally->failed++ < FAILURES_PRINTED) {
		char command[256];
		sim_options_command(command, sizeof(command), &job->task.options);
		printf("%d  %s\n     %s\n     %s\n", (int)outcome->verdict, command, outcome->failure,
		       job->save);
		fflush(stdout);
	}
	if ((int)outcome->verdict > tally->status)
		tally->status = (int)outcome->verdict;
}

static void test_case(struct tb_buf *out, const char *class, const char *name, const char *failure)
{
	tb_buf_printf(out, "  <testcase classname=\"%s\" name=\"%s\"", class, name);
	if (failure) {
		tb_buf_str(out, "><failure message=\"");
		sim_text_xml(out, failure);
		tb_buf_str(out, "\"/></testcase>\n");
	} else {
		tb_buf_str(out, "/>\n");
	}
}

static void write_junit(const struct sim_campaign *campaign, const struct tally *tally)
{
	struct tb_buf out = {0};
	char path[PATH_ROOM], text[64];
	tb_buf_str(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"tongban-sim\">\n");
	for (unsigned i = 0; i < SIM_RULES; i++)
		test_case(&out, "invariant", sim_rule_word((enum sim_rule)i),
		          tally->broken[i] ? tally->first[i] : NULL);
	snprintf(text, sizeof(text), "%" PRIu64 " seeds", tally->died);
	test_case(&out, "run", "no-crash", tally->died ? text : NULL);
	snprintf(text, sizeof(text), "%" PRIu64 " seeds", tally->not_live);
	test_case(&out, "run", "liveness", tally->not_live ? text : NULL);
	for (unsigned i = 0; i < SIM_MARKS; i++) {
		if (sim_mark_required((enum sim_mark)i))
			test_case(&out, "mark", sim_mark_word((enum sim_mark)i),
			          campaign->require_marks && tally->marks.counts[i] == 0 ? "never reached"
			                                                                 : NULL);
	}
	tb_buf_str(&out, "</testsuite>\n");
	snprintf(path, sizeof(path), "%.250s/junit.xml", campaign->out);
	FILE *file = fopen(path, "w");
	if (!file || fwrite(out.data, 1, out.size, file) != out.size)
		fprintf(stderr, "%s: cannot be written\n", path);
	if (file)
		fclose(file);
	tb_buf_clear(&out);
}

static void print_tally(const struct sim_campaign *campaign, struct tally *tally, double took)
{
	double years = (double)tally->simulated / (double)SIM_DAY / 365.0;
	printf("%" PRIu64 " seeds in %.0f s%s, %" PRIu64 " failed; %.2f years, %" PRIu64 " events, %" PRIu64
	       " cases, %" PRIu64 " verifications, %" PRIu64 " losses of power\n",
	       tally->seeds, took, campaign->once ? "" : " (each run twice)", tally->failed, years,
	       tally->events, tally->cases, tally->verifications, tally->losses);
	printf("marks:");
	for (unsigned i = 0; i < SIM_MARKS; i++)
		printf(" %s %" PRIu64, sim_mark_word((enum sim_mark)i), tally->marks.counts[i]);
	printf("\n");
	for (unsigned i = 0; i < SIM_MARKS && campaign->require_marks; i++) {
		if (!sim_mark_required((enum sim_mark)i) || tally->marks.counts[i])
			continue;
		printf("never reached: %s (%s)\n", sim_mark_word((enum sim_mark)i),
		       sim_mark_sentence((enum sim_mark)i));
		if (tally->status == 0)
			tally->status = EXIT_FAILURE;
	}
}

static void progress(const struct sim_campaign *campaign, const struct tally *tally, double since)
{
	double took = wall() - since;
	uint64_t all = campaign->last - campaign->first + 1;
	if (campaign->quiet)
		return;
	fprintf(stderr, "\r%" PRIu64 " seeds done, %" PRIu64 " failed, %.1f seeds/s, ", tally->seeds,
	        tally->failed, (double)tally->seeds / took);
	if (campaign->budget_seconds > 0)
		fprintf(stderr, "%.0f s of %.0f s   ", took, campaign->budget_seconds);
	else
		fprintf(stderr, "%" PRIu64 " left, %.0f s   ", all - tally->seeds, took);
}

static void begin_seed(struct job *job, const struct sim_campaign *campaign, uint64_t seed, unsigned number)
{
	*job = (struct job){.task = {.twice = !campaign->once}};
	sim_campaign_options(&job->task.options, campaign, seed);
	snprintf(job->save, sizeof(job->save), "%.200s/seed-%" PRIu64 ".replay", campaign->out, seed);
	job->task.save = job->save;
	job_start(job, campaign->dir, number);
}

void sim_make_identities(void)
{
	char code[PKI_REGION_ROOM], name[64];
	for (size_t count = 2; count <= 20; count++) {
		for (size_t i = 0; i < count; i++) {
			sim_region_at(i, count, code, name, sizeof(name));
			(void)sim_identity(code);
		}
	}
}

int sim_campaign_run(const struct sim_campaign *campaign)
{
	struct job *jobs = tb_alloc(campaign->jobs * sizeof(*jobs));
	struct tally *tally = tb_alloc(sizeof(*tally));
	struct pollfd polls[SIM_JOBS_MAX];
	double since = wall(), shown = 0;
	uint64_t next = campaign->first;
	unsigned running = 0;
	(void)mkdir(campaign->out, 0700);
	sim_make_identities();
	for (;;) {
		bool more = next >= campaign->first && next <= campaign->last &&
		            (campaign->budget_seconds <= 0 || wall() - since < campaign->budget_seconds);
		for (unsigned i = 0; i < campaign->jobs && more; i++) {
			if (jobs[i].pid == 0) {
				begin_seed(&jobs[i], campaign, next++, i);
				running++;
				more = next <= campaign->last;
			}
		}
		if (running == 0)
			break;
		for (unsigned i = 0; i < campaign->jobs; i++)
			polls[i] = (struct pollfd){.fd = jobs[i].pid ? jobs[i].fd : -1, .events = POLLIN};
		(void)poll(polls, campaign->jobs, POLL_MS);
		for (unsigned i = 0; i < campaign->jobs; i++) {
			if (jobs[i].pid == 0 || !polls[i].revents || !job_read(&jobs[i]))
				continue;
			job_end(&jobs[i]);
			count_outcome(tally, &jobs[i]);
			running--;
		}
		if (wall() - shown > 1.0) {
			shown = wall();
			progress(campaign, tally, since);
		}
	}
	if (!campaign->quiet)
		fprintf(stderr, "\n");
	print_tally(campaign, tally, wall() - since);
	write_junit(campaign, tally);
	int status = tally->status;
	free(tally);
	free(jobs);
	return status;
}
