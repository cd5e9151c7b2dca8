/* What one node does by itself: import, start, memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/generate.h"
#include "tests/bench/process.h"
#include "tests/bench/rpc.h"

enum {
	STARTS = 7,
	IDLE_WARM = 5, /* connections before those that are counted: the first bring what all share */
	IDLE_COUNTED = 50,
	SETTLE_MS = 3000,
};

static void write_certificates(const struct bench *bench, const char *path, bool csv)
{
	FILE *file = fopen(path, "we");
	struct tb_buf line = {0};
	if (!file)
		bench_die("%s: %s", path, strerror(errno));
	if (csv)
		fputs(generator_csv_header(), file);
	for (uint64_t i = 0; i < bench->certificates; i++) {
		line.size = 0;
		if (csv)
			generator_csv(bench->generator, i, &line);
		else
			generator_json(bench->generator, i, &line);
		fwrite(line.data, 1, line.size, file);
	}
	tb_buf_clear(&line);
	bench_close_file(file, path);
}

static void import_into(struct bench *bench, const struct bench_node *node, bool csv, struct report_row *row)
{
	char path[BENCH_PATH_ROOM];
	snprintf(path, sizeof(path), "%s/certificates.%s", bench->dir, csv ? "csv" : "jsonl");
	bench_say("writing %llu certificates as %s", (unsigned long long)bench->certificates,
	          csv ? "CSV" : "JSON Lines");
	write_certificates(bench, path, csv);
	bench_say("importing them into %s (pid %d)", node->region, (int)node->pid);
	const char *args[] = {"credential", "import", "--dir", node->dir, path, NULL};
	double took = process_command(bench, NULL, args);
	report_run(row, (double)bench->certificates / took, 0);
	unlink(path);
}

void row_import(struct bench *bench)
{
	node_start(bench, &bench->home);
	struct report_row *row = report_add(&bench->report, "import_jsonl", "records/s");
	row->must = 50000;
	row->goal = 200000;
	import_into(bench, &bench->home, false, row);
	if (bench_wants(bench, "import_csv")) {
		/* Into another node, as fresh as the first. The same province, so that the regions fit. */
		struct bench_node other;
		node_init(bench, &other, "320500");
		node_start(bench, &other);
		import_into(bench, &other, true, report_add(&bench->report, "import_csv", "records/s"));
		node_stop(&other);
	}
	node_stop(&bench->home);
}

void row_start(struct bench *bench)
{
	double times[STARTS];
	if (bench_wants(bench, "start")) {
		bench_say("starting the home node %d times", STARTS);
		for (int i = 0; i < STARTS; i++) {
			times[i] = node_start(bench, &bench->home);
			node_stop(&bench->home);
		}
		struct report_row *row = report_add(&bench->report, "start", "ms");
		row->less = true;
		row->must = 100;
		row->goal = 50;
		for (int i = 0; i < STARTS; i++)
			report_run(row, times[i], 0);
	}
	node_start(bench, &bench->home);
}

void row_memory(struct bench *bench)
{
	struct rpc_idle idle;
	if (!bench_wants(bench, "memory"))
		return;
	bench_say("memory of the idle home node (pid %d)", (int)bench->home.pid);
	bench_sleep_ms(SETTLE_MS);
	struct report_row *row = report_add(&bench->report, "memory_idle", "MB");
	row->less = true;
	row->must = 40;
	row->goal = 20;
	report_run(row, node_anonymous_kb(&bench->home) / 1000, 0);

	rpc_idle_open(&idle, &bench->caller, &bench->home);
	rpc_idle_more(&idle, IDLE_WARM);
	bench_sleep_ms(SETTLE_MS);
	double before = node_anonymous_kb(&bench->home);
	rpc_idle_more(&idle, IDLE_COUNTED);
	bench_sleep_ms(SETTLE_MS);
	double after = node_anonymous_kb(&bench->home);
	rpc_idle_close(&idle);
	row = report_add(&bench->report, "memory_per_peer", "kB");
	row->less = true;
	row->must = 130;
	row->goal = 105;
	report_run(row, (after - before) / IDLE_COUNTED, 0);
}
