/* Verification: in bulk, by many local programs, one at a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/api.h"
#include "tests/bench/disk.h"
#include "tests/bench/generate.h"
#include "tests/bench/process.h"
#include "tests/bench/rpc.h"

enum { CLIENTS = 64, ECHO_BYTES = 512, BULK = 200000, BULK_QUICK = 40000, ALONE = 1000, ALONE_QUICK = 200 };

static const char verify_path[] = "/tongban.v1.CredentialService/Verify";

/* ---- in bulk */

struct bulk {
	char in[BENCH_PATH_ROOM];
	char out[BENCH_PATH_ROOM];
	uint64_t queries;
	uint64_t known;
};

static void bulk_write(const struct bench *bench, struct bulk *bulk, uint64_t first)
{
	FILE *file = fopen(bulk->in, "we");
	struct tb_buf line = {0};
	if (!file)
		bench_die("%s: %s", bulk->in, strerror(errno));
	bulk->known = 0;
	for (uint64_t i = 0; i < bulk->queries; i++) {
		bool known;
		uint64_t index = generator_pick(bench->generator, first + i, bench->certificates, &known);
		line.size = 0;
		generator_query(bench->generator, index, &line);
		tb_buf_str(&line, "\n");
		fwrite(line.data, 1, line.size, file);
		bulk->known += known;
	}
	tb_buf_clear(&line);
	bench_close_file(file, bulk->in);
}

/* Every query has its answer, and those that are known were confirmed. */
static void bulk_check(const struct bulk *bulk)
{
	FILE *file = fopen(bulk->out, "re");
	char *line = NULL;
	size_t room = 0;
	uint64_t lines = 0;
	uint64_t confirmed = 0;
	if (!file)
		bench_die("%s: %s", bulk->out, strerror(errno));
	while (getline(&line, &room, file) > 0) {
		lines++;
		confirmed += strstr(line, "\"CONFIRMED\"") != NULL && strstr(line, "\"evidence\"") != NULL;
	}
	free(line);
	fclose(file);
	if (lines != bulk->queries || confirmed != bulk->known)
		bench_die("verify --batch: %llu of %llu answers, %llu of %llu confirmed",
		          (unsigned long long)lines, (unsigned long long)bulk->queries,
		          (unsigned long long)confirmed, (unsigned long long)bulk->known);
}

static double bulk_run(const struct bench *bench, struct bulk *bulk, uint64_t first)
{
	bulk_write(bench, bulk, first);
	const char *args[] = {"credential", "verify", "--dir", bench->window.dir, "--region", BENCH_HOME,
	                      "--batch",    bulk->in, "--out", bulk->out,         NULL};
	unlink(bulk->out);
	double took = process_command(bench, NULL, args);
	bulk_check(bulk);
	return (double)bulk->queries / took;
}

/* ---- by many programs */

struct asking {
	const struct bench *bench;
	uint64_t n;
	double until;
};

static void make_request(const struct bench *bench, uint64_t n, struct tb_buf *body)
{
	bool known;
	uint64_t index = generator_pick(bench->generator, n, bench->certificates, &known);
	tb_buf_str(body, "{\"region\":\"" BENCH_HOME "\",\"queries\":[");
	generator_query(bench->generator, index, body);
	tb_buf_str(body, "]}");
}

static bool ask_next(void *ctx, struct tb_buf *body)
{
	struct asking *asking = ctx;
	if (bench_now() >= asking->until)
		return false;
	make_request(asking->bench, asking->n++, body);
	return true;
}

static bool ask_check(void *ctx, unsigned status, struct tb_bytes body)
{
	(void)ctx;
	return status == 200 && memmem(body.data, body.size, "CONFIRMED", 9) != NULL;
}

/* |cpu_us|: of the two nodes, for a query. */
static double ask_run(const struct bench *bench, uint64_t first, double *cpu_us)
{
	struct asking asking = {.bench = bench, .n = first, .until = bench_now() + bench->seconds};
	const struct api_load load = {.node = &bench->window,
	                              .path = verify_path,
	                              .clients = CLIENTS,
	                              .next = ask_next,
	                              .check = ask_check,
	                              .ctx = &asking};
	uint64_t count;
	double before = node_cpu_us(&bench->window) + node_cpu_us(&bench->home);
	double took = api_load_run(&load, &count);
	*cpu_us = (node_cpu_us(&bench->window) + node_cpu_us(&bench->home) - before) / (double)count;
	return (double)count / took;
}

/* ---- one at a time */

static void alone(struct bench *bench)
{
	size_t count = bench->quick ? ALONE_QUICK : ALONE;
	double *times = tb_alloc(count * sizeof(*times));
	struct api *api = api_open(&bench->window);
	struct tb_buf body = {0};
	struct tb_bytes reply;
	double commit_us;
	bench_say("verify, one at a time");
	disk_lmdb(bench, 1, &commit_us);
	for (size_t i = 0; i < count; i++) {
		body.size = 0;
		make_request(bench, i, &body);
		double from = bench_now();
		unsigned status = api_post(api, verify_path, tb_buf_bytes(&body), &reply);
		times[i] = (bench_now() - from) * 1e6;
		if (!ask_check(NULL, status, reply))
			bench_die("verify: %u %.*s", status, (int)reply.size, (const char *)reply.data);
	}
	struct report_row *row = report_add(&bench->report, "verify_latency_p50", "us");
	row->base = "commit";
	row->less = true;
	row->goal = 2;
	report_run(row, bench_percentile(times, count, 0.5), commit_us);
	row = report_add(&bench->report, "verify_latency_p99", "us");
	row->base = "commit";
	row->less = true;
	report_run(row, bench_percentile(times, count, 0.99), commit_us);
	tb_buf_clear(&body);
	api_close(api);
	free(times);
}

void row_verify(struct bench *bench)
{
	struct bulk bulk = {.queries = bench->quick ? BULK_QUICK : BULK};
	bool in_bulk = bench_wants(bench, "verify_bulk");
	bool by_many = bench_wants(bench, "verify_api");
	struct report_row *bulk_row = NULL;
	struct report_row *many_row = NULL;
	struct report_row *cpu_row = NULL;
	snprintf(bulk.in, sizeof(bulk.in), "%s/queries.jsonl", bench->dir);
	snprintf(bulk.out, sizeof(bulk.out), "%s/outcomes.jsonl", bench->dir);
	if (in_bulk) {
		bulk_row = report_add(&bench->report, "verify_bulk", "queries/s");
		bulk_row->base = "echo";
		bulk_row->must = 2;
		bulk_row->goal = 5;
	}
	if (by_many) {
		many_row = report_add(&bench->report, "verify_api", "queries/s");
		many_row->base = "echo";
		many_row->must = 0.4;
		many_row->goal = 1;
		cpu_row = report_add(&bench->report, "verify_api_cpu", "us");
	}
	/* Once for nothing: pages that nobody has read since the import are read from the disk. */
	if (in_bulk || by_many)
		bulk_run(bench, &bulk, 0);
	for (unsigned run = 0; run < bench->runs && (in_bulk || by_many); run++) {
		bench_say("verify, run %u (home pid %d, window pid %d)", run + 1, (int)bench->home.pid,
		          (int)bench->window.pid);
		double echo = rpc_echo(bench, CLIENTS, ECHO_BYTES);
		if (in_bulk)
			report_run(bulk_row, bulk_run(bench, &bulk, (run + 1) * bulk.queries), echo);
		if (by_many) {
			double cpu_us;
			report_run(many_row, ask_run(bench, (run + 10) * bulk.queries, &cpu_us), echo);
			report_run(cpu_row, cpu_us, 0);
		}
	}
	if (bench_wants(bench, "verify_latency"))
		alone(bench);
}
