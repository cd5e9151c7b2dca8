#include "sim/bench.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/campaign.h"
#include "sim/faults.h"
#include "storage/store.h"

enum {
	NODES = 367,
	CASES_A_DAY = 20000,
	VERIFICATIONS_A_DAY = 200000,
	CI_SECONDS = 300,
	CI_CORES = 2,
	CYCLE_RECORDS = 8,
	RECORD_BYTES = 200,
	STORE_MIB = 64,
};

/* How long each may take, in CPU seconds; a day that has not ended by then is counted as far as it came. */
static const double day_most[] = {240, 40}, seeds_most[] = {90, 25}, cycles_most[] = {5, 1};

struct figure {
	const char *name;
	const char *unit;
	double must;
	double goal;
	bool less; /* is better */
};

static const struct figure speed_stub = {"virtual / real time, 367 nodes, stub signatures", " x", 500, 5000,
                                         false};
static const struct figure speed_real = {"virtual / real time, 367 nodes, real signatures", " x", 50, 250,
                                         false};
static const struct figure crashes = {"crash and reopen cycles per second", "/s", 1000, 6000, false};
static const struct figure memory = {"memory, 367 nodes", " MiB", 1024, 300, true};
static const struct figure seeds = {"seeds in CI, in 5 minutes", "", 200, 2000, false};

static void print_figure(const struct figure *figure, double value, const char *method)
{
	bool must = figure->less ? value <= figure->must : value >= figure->must;
	bool goal = figure->less ? value <= figure->goal : value >= figure->goal;
	printf("| %s | %.0f%s | %.0f%s | %.0f%s | %s | %s |\n", figure->name, value, figure->unit,
	       figure->must, figure->unit, figure->goal, figure->unit,
	       goal   ? "goal"
	       : must ? "must"
	              : "below",
	       method);
	fflush(stdout);
}

/* Of this process, or of all that it waited for. */
static double cpu_seconds(int who)
{
	struct rusage usage;
	int rc = getrusage(who, &usage);
	assert(rc == 0);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- a working day of the whole country */

static bool until(void *ctx, const struct sim_world *world)
{
	const double *most = ctx;
	(void)world;
	return cpu_seconds(RUSAGE_SELF) < *most;
}

static bool day(const char *dir, bool real, double most, struct sim_outcome *outcome, double *took)
{
	struct sim_task task = {.options = {.seed = 1,
	                                    .nodes_count = NODES,
	                                    .preset = sim_preset_find("calm"),
	                                    .span = SIM_DAY,
	                                    .cases_a_day = CASES_A_DAY,
	                                    .verifications_a_day = VERIFICATIONS_A_DAY,
	                                    .real_crypto = real},
	                        .progress = until,
	                        .ctx = &most};
	double since = cpu_seconds(RUSAGE_CHILDREN);
	sim_run_in_child(outcome, &task, dir);
	*took = cpu_seconds(RUSAGE_CHILDREN) - since;
	if (outcome->verdict != SIM_HELD)
		printf("the day did not hold: %s\n", outcome->failure);
	return outcome->verdict == SIM_HELD;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_memory(const struct sim_outcome *outcome)
{
	char method[200];
	snprintf(
		method, sizeof(method),
		"the most in that run; at its end %.0f MiB of the process, %.0f MiB of the disks, which hold "
		"%.0f MiB",
		mib(outcome->own_bytes), mib(outcome->disk_memory_bytes), mib(outcome->disk_bytes));
	print_figure(&memory, mib(outcome->memory_most_bytes), method);
}

static bool bench_day(const char *dir, bool real, double most)
{
	struct sim_outcome outcome;
	char method[200];
	double took;
	if (!day(dir, real, most, &outcome, &took))
		return false;
	double seconds = (double)outcome.simulated / (double)SIM_SECOND;
	snprintf(method, sizeof(method),
	         "%.1f h of a day from 8:00, with setting up: %llu cases, %llu verifications, %.0f s of one "
	         "core",
	         seconds / 3600, (unsigned long long)outcome.work.cases,
	         (unsigned long long)outcome.work.verifications, took);
	print_figure(real ? &speed_real : &speed_stub, seconds / took, method);
	if (!real)
		print_memory(&outcome);
	return true;
}

/* ---- crashes */

/* A commit, a loss of power somewhere in the next, and opening again. False: the store did not open. */
static bool cycle(struct sim_disk *disk, const struct store_options *options, uint64_t number)
{
	uint8_t record[RECORD_BYTES] = {0};
	struct store *store;
	struct tb_error err;
	if (store_open(&store, options, &err)) {
		printf("the store did not open: %s\n", err.text);
		return false;
	}
	for (uint64_t commit = 0; commit < 2; commit++) {
		struct store_txn *txn;
		if (commit == 1)
			sim_disk_cut_after(disk, 1 + number % 4);
		if (store_write(&txn, store, &err))
			break;
		for (uint64_t i = 0; i < CYCLE_RECORDS; i++) {
			uint8_t key[8];
			tb_put_u64(key, (number * CYCLE_RECORDS + i) * 0x9E3779B97F4A7C15 % 4096);
			tb_put_u64(record, number);
			store_put(txn, 0, tb_bytes_of(key, sizeof(key)), tb_bytes_of(record, sizeof(record)));
		}
		if (store_commit(txn, &err))
			break;
	}
	store_close(store);
	sim_disk_power_loss(disk);
	return true;
}

static bool bench_crashes(const char *dir, double most)
{
	static const char *const tables[] = {"records", NULL};
	char disk_dir[200], store_dir[220];
	uint64_t cycles = 0;
	snprintf(disk_dir, sizeof(disk_dir), "%.150s/tongban-sim.%d.bench", dir, (int)getpid());
	snprintf(store_dir, sizeof(store_dir), "%s/store", disk_dir);
	struct sim_disk *disk = sim_disk_new(disk_dir, 1);
	struct store_options options = {
		.dir = store_dir, .map_bytes = (uint64_t)STORE_MIB << 20, .tables = tables};
	int rc = mkdir(store_dir, 0700);
	assert(rc == 0);
	sim_disk_settle(disk);
	double since = cpu_seconds(RUSAGE_SELF), took = 0;
	bool well = true;
	while (well && took < most) {
		well = cycle(disk, &options, cycles++);
		took = cpu_seconds(RUSAGE_SELF) - since;
	}
	sim_disk_free(disk);
	if (well)
		print_figure(&crashes, (double)cycles / took,
		             "a store is opened, commits, loses power in its next commit; one core");
	return well;
}

/* ---- seeds */

static bool bench_seeds(const char *dir, double most)
{
	struct sim_campaign campaign = {.jobs = 1, .dir = dir};
	double since = cpu_seconds(RUSAGE_CHILDREN), took = 0;
	uint64_t seed = 0, failed = 0;
	char method[200];
	sim_make_identities();
	while (took < most) {
		struct sim_task task = {.twice = true};
		struct sim_outcome outcome;
		sim_campaign_options(&task.options, &campaign, ++seed);
		sim_run_in_child(&outcome, &task, dir);
		failed += outcome.verdict != SIM_HELD;
		took = cpu_seconds(RUSAGE_CHILDREN) - since;
	}
	snprintf(method, sizeof(method),
	         "seeds 1 to %llu, each twice, took %.2f s of a core each; %d cores; %llu failed",
	         (unsigned long long)seed, took / (double)seed, CI_CORES, (unsigned long long)failed);
	print_figure(&seeds, (double)seed * CI_SECONDS * CI_CORES / took, method);
	return failed == 0;
}

int sim_bench(const char *days, const char *dir, bool quick)
{
	printf("| figure | now | must | goal | reached | how |\n|---|---|---|---|---|---|\n");
	bool well = bench_day(days, false, day_most[quick]);
	well = bench_day(days, true, day_most[quick]) && well;
	well = bench_crashes(dir, cycles_most[quick]) && well;
	well = bench_seeds(dir, seeds_most[quick]) && well;
	return well ? 0 : EXIT_FAILURE;
}
