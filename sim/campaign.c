#include "sim/campaign.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/faults.h"
#include "sim/job.h"
#include "sim/progress.h"
#include "sim/tables.h"
#include "sim/text.h"

enum {
	REAL_ONE_IN = 20,
	FAILURES_PRINTED = 20,
	POLL_MS = 500,
	GRACE_SECONDS = 3,
	MARKS_SEEDS = 100,
	STATUS_NOTHING = 1,
	SIGNAL_STATUS = 128,
	SWARM_PPM = 450000,
	PATH_ROOM = 300
};

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

/* ---- one run */

void sim_run_in_child(struct sim_outcome *outcome, const struct sim_task *task, const char *dir)
{
	struct sim_job job = {.task = *task};
	sim_job_run(&job, dir);
	*outcome = job.outcome;
}

static bool show(void *ctx, const struct sim_world *world)
{
	struct sim_progress *progress = ctx;
	if (!sim_progress_due(progress))
		return true;
	double days = (double)(world->now - world->started) / (double)SIM_DAY;
	double took = sim_progress_took(progress);
	sim_progress_line(progress, "day %.2f of %.2f, %.0f x real time, %" PRIu64 " events, %.0f s%s", days,
	                  (double)world->options.span / (double)SIM_DAY, days * 86400.0 / took, world->events,
	                  took, world->healed ? ", healed" : "");
	return true;
}

static void print_outcome(const struct sim_task *task, const struct sim_outcome *outcome)
{
	static const char *const words[] = {"held", "CRASHED", "NOT LIVE", "BROKEN"};
	char command[256];
	double days = (double)outcome->simulated / (double)SIM_DAY;
	sim_task_command(command, sizeof(command), task);
	printf("%s\n%s%s%s\n", command,
	       words[outcome->verdict == SIM_HELD ? 0 : outcome->verdict - SIM_DIED + 1],
	       outcome->failure[0] ? ": " : "", outcome->failure);
	if (outcome->verdict == SIM_DIED)
		return;
	printf("hash %016" PRIx64 "  %" PRIu64 " events  %.2f days in %.2f s: %.0f x\n", outcome->hash,
	       outcome->events, days, outcome->wall_seconds, days * 86400.0 / outcome->wall_seconds);
	printf("memory: at most %" PRIu64 " MiB; at the end %" PRIu64 " of the process, %" PRIu64
	       " of the disks, which hold %" PRIu64 "\n",
	       outcome->memory_most_bytes >> 20, outcome->own_bytes >> 20, outcome->disk_memory_bytes >> 20,
	       outcome->disk_bytes >> 20);
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
	struct sim_progress progress;
	struct sim_job job = {0};
	sim_progress_start(&progress, quiet);
	task->progress = show;
	task->ctx = &progress;
	printf("seed=%" PRIu64 "\n", task->options.seed);
	fflush(stdout);
	job.task = *task;
	sim_job_run(&job, dir);
	progress.shown = progress.terminal && !quiet; /* the child's copy knows */
	sim_progress_end(&progress);
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
	uint64_t unfinished; /* seeds that were stopped by the end of the budget, or by a signal */
};

static void count_outcome(struct tally *tally, const struct sim_job *job)
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
		sim_task_command(command, sizeof(command), &job->task);
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

/* A few seeds cannot reach every rare branch. */
static bool marks_required(const struct sim_campaign *campaign, const struct tally *tally)
{
	return campaign->require_marks && tally->seeds >= MARKS_SEEDS;
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
			          marks_required(campaign, tally) && tally->marks.counts[i] == 0
			                  ? "never reached"
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
	if (sim_job_signal())
		return; /* what was not reached may still have come */
	for (unsigned i = 0; i < SIM_MARKS && marks_required(campaign, tally); i++) {
		if (!sim_mark_required((enum sim_mark)i) || tally->marks.counts[i])
			continue;
		printf("never reached: %s (%s)\n", sim_mark_word((enum sim_mark)i),
		       sim_mark_sentence((enum sim_mark)i));
		if (tally->status == 0)
			tally->status = EXIT_FAILURE;
	}
}

static void show_tally(const struct sim_campaign *campaign, const struct tally *tally,
                       struct sim_progress *progress)
{
	char left[64];
	double took = sim_progress_took(progress);
	double days = (double)tally->simulated / (double)SIM_DAY;
	if (campaign->budget_seconds > 0)
		snprintf(left, sizeof(left), "%.0f s of %.0f s", took, campaign->budget_seconds);
	else
		snprintf(left, sizeof(left), "%" PRIu64 " left, %.0f s",
		         campaign->last - campaign->first + 1 - tally->seeds, took);
	sim_progress_line(progress,
	                  "%" PRIu64 " seeds done, %" PRIu64
	                  " failed, %.1f a second; %.2f years, %.0f x real "
	                  "time; %s",
	                  tally->seeds, tally->failed, (double)tally->seeds / took, days / 365.0,
	                  days * 86400.0 / took, left);
}

static void begin_seed(struct sim_job *job, const struct sim_campaign *campaign, uint64_t seed,
                       unsigned number)
{
	*job = (struct sim_job){.task = {.twice = !campaign->once}, .cpu_seconds = campaign->cpu_seconds};
	sim_campaign_options(&job->task.options, campaign, seed);
	snprintf(job->save, sizeof(job->save), "%.200s/seed-%" PRIu64 ".replay", campaign->out, seed);
	job->task.save = job->save;
	sim_job_start(job, campaign->dir, number);
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

/* Those that run now, and what came of the others. */
struct run {
	const struct sim_campaign *campaign;
	struct tally tally;
	struct sim_progress progress;
	struct sim_job jobs[SIM_JOBS_MAX];
	unsigned running;
	uint64_t next; /* seed */
};

/* Is there time to begin another seed? */
static bool may_begin(const struct run *run)
{
	const struct sim_campaign *campaign = run->campaign;
	return run->next >= campaign->first && run->next <= campaign->last && !sim_job_signal() &&
	       (campaign->budget_seconds <= 0 ||
	        sim_progress_took(&run->progress) < campaign->budget_seconds);
}

static void fill_jobs(struct run *run)
{
	for (unsigned i = 0; i < run->campaign->jobs && may_begin(run); i++) {
		if (run->jobs[i].pid == 0) {
			begin_seed(&run->jobs[i], run->campaign, run->next++, i);
			run->running++;
		}
	}
}

static void wait_for_jobs(struct run *run)
{
	struct pollfd polls[SIM_JOBS_MAX];
	for (unsigned i = 0; i < run->campaign->jobs; i++)
		polls[i] = (struct pollfd){.fd = run->jobs[i].pid ? run->jobs[i].fd : -1, .events = POLLIN};
	if (poll(polls, run->campaign->jobs, POLL_MS) <= 0)
		return;
	for (unsigned i = 0; i < run->campaign->jobs; i++) {
		struct sim_job *job = &run->jobs[i];
		if (job->pid == 0 || !polls[i].revents || !sim_job_read(job))
			continue;
		sim_job_end(job);
		sim_progress_end(&run->progress);
		count_outcome(&run->tally, job);
		run->running--;
	}
}

/* After the budget's end a seed has some seconds to come to its own; after a signal none. */
static void stop_late(struct run *run)
{
	const struct sim_campaign *campaign = run->campaign;
	bool late = campaign->budget_seconds > 0 &&
	            sim_progress_took(&run->progress) > campaign->budget_seconds + GRACE_SECONDS;
	if (!late && !sim_job_signal())
		return;
	sim_progress_end(&run->progress);
	for (unsigned i = 0; i < campaign->jobs; i++) {
		struct sim_job *job = &run->jobs[i];
		if (job->pid == 0)
			continue;
		sim_job_kill(job);
		printf("not finished: seed %" PRIu64 "\n", job->task.options.seed);
		run->tally.unfinished++;
		run->running--;
	}
}

int sim_campaign_run(const struct sim_campaign *campaign)
{
	struct run *run = tb_alloc(sizeof(*run));
	run->campaign = campaign;
	run->next = campaign->first;
	sim_progress_start(&run->progress, campaign->quiet);
	sim_make_identities();
	for (fill_jobs(run); run->running > 0; fill_jobs(run)) {
		wait_for_jobs(run);
		stop_late(run);
		if (sim_progress_due(&run->progress))
			show_tally(campaign, &run->tally, &run->progress);
	}
	sim_progress_end(&run->progress);
	print_tally(campaign, &run->tally, sim_progress_took(&run->progress));
	write_junit(campaign, &run->tally);
	int status = run->tally.status;
	if (campaign->require_marks && run->tally.seeds < MARKS_SEEDS)
		printf("marks are required of %d seeds and more\n", MARKS_SEEDS);
	if (run->tally.seeds == 0 && status == 0 && !sim_job_signal()) {
		printf("no seed was finished: nothing is known\n");
		status = STATUS_NOTHING;
	}
	if (sim_job_signal()) {
		printf("stopped by signal %d\n", sim_job_signal());
		status = status ? status : SIGNAL_STATUS + sim_job_signal();
	}
	free(run);
	return status;
}
