/* tongban-bench: what a pair of nodes does on this machine, beside what the bare libraries do.
 *
 * The process that is started only watches: it makes the directory, lets a child do the work, and takes both
 * away again, whatever becomes of the child. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/lab/rig_files.h"
#include "tests/bench/api.h"
#include "tests/bench/bench.h"
#include "tests/bench/generate.h"
#include "tests/bench/process.h"

enum { STATUS_PASSED = 0, STATUS_MISSED = 1, STATUS_FAILED = 2 };
enum { CERTIFICATES = 1000000, CERTIFICATES_QUICK = 100000, SEED = 20241121 };

/* ---- what all parts use */

void bench_die(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("bench: ", stderr);
	vfprintf(stderr, fmt, args);
	fputs("\n", stderr);
	va_end(args);
	_exit(STATUS_FAILED);
}

void bench_say(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	fputs("\n", stderr);
	va_end(args);
}

double bench_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void bench_sleep_us(unsigned us)
{
	struct timespec span = {us / 1000000, (long)(us % 1000000) * 1000};
	nanosleep(&span, NULL);
}

void bench_sleep_ms(unsigned ms)
{
	bench_sleep_us(ms * 1000);
}

static int compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;
	return *x < *y ? -1 : *x > *y;
}

double bench_percentile(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), compare);
	size_t at = (size_t)((double)count * share);
	return values[at < count ? at : count - 1];
}

void bench_read_file(struct tb_buf *out, const char *path)
{
	if (!rig_file_read(out, path, SIZE_MAX))
		bench_die("%s: %s", path, strerror(errno));
}

void bench_close_file(FILE *file, const char *path)
{
	if (fflush(file) != 0 || fdatasync(fileno(file)) != 0 || fclose(file) != 0)
		bench_die("%s: %s", path, strerror(errno));
}

bool bench_wants(const struct bench *bench, const char *row)
{
	size_t size = strlen(row);
	for (const char *at = bench->only; at && *at; at += *at == ',') {
		size_t word = strcspn(at, ",");
		if (word == size && strncmp(at, row, size) == 0)
			return true;
		at += word;
	}
	return !bench->only;
}

/* ---- the work */

static void load_catalogue(struct bench *bench)
{
	static const char catalogue[] =
		"{\"items\":[{\"code\":\"" BENCH_ITEM "\",\"name\":\"机动车驾驶证公证\","
		"\"department\":\"11320400014109045T\",\"departmentName\":\"常州市司法局\",\"modes\":[\"DS\"]"
		","
		"\"promisedDays\":5,\"legalDays\":15,\"materials\":[{\"code\":\"M1\",\"name\":\"申请材料\","
		"\"required\":false,\"basis\":\"公证程序规则\"}]}]}";
	struct tb_arena arena = {0};
	struct api *api = api_open(&bench->home);
	api_call(api, "/tongban.v1.CatalogueService/Load", catalogue, &pb_catalogue_load_response__descriptor,
	         &arena);
	api_close(api);
	tb_arena_clear(&arena);
}

static int work(struct bench *bench, const char *json)
{
	bench->generator = generator_new(BENCH_DATA "/cert_types.tsv", SEED);
	node_init(bench, &bench->home, BENCH_HOME);
	node_init(bench, &bench->window, BENCH_WINDOW);
	node_init(bench, &bench->caller, BENCH_CALLER);
	node_introduce(bench, &bench->caller, &bench->home);
	row_import(bench);
	row_start(bench);
	row_memory(bench);
	load_catalogue(bench);
	node_start(bench, &bench->window);
	node_introduce(bench, &bench->window, &bench->home);
	node_introduce(bench, &bench->home, &bench->window);
	row_verify(bench);
	row_deliver(bench);
	row_material(bench);
	node_stop(&bench->window);
	node_stop(&bench->home);
	row_catalogue(bench);
	generator_free(bench->generator);
	report_print(&bench->report, stdout);
	if (json) {
		FILE *file = fopen(json, "we");
		if (!file)
			bench_die("%s: %s", json, strerror(errno));
		report_json(&bench->report, bench->quick, file);
		if (fclose(file) != 0)
			bench_die("%s: %s", json, strerror(errno));
	}
	fflush(stdout);
	return report_passed(&bench->report) ? STATUS_PASSED : STATUS_MISSED;
}

/* ---- the watch */

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

/* Waits for the worker, then for every process that it has left behind. */
static int watch(pid_t worker)
{
	struct sigaction action = {.sa_handler = on_signal};
	int status = 0;
	int result = STATUS_FAILED;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (waitpid(worker, &status, 0) != worker) {
		if (errno != EINTR)
			return STATUS_FAILED;
		if (stopped)
			kill(worker, SIGKILL); /* What it started is told by the kernel. */
	}
	if (WIFEXITED(status))
		result = WEXITSTATUS(status);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
	return result;
}

static int usage(void)
{
	fputs("usage: tongban-bench --node PROGRAM [--quick] [--json FILE] [--only ROW,...]\n"
	      "                     [--certificates N] [--runs N]\n"
	      "rows: import_csv start memory verify_bulk verify_api verify_latency deliver deliver_latency "
	      "material catalogue\n",
	      stderr);
	return STATUS_FAILED;
}

static bool parse(struct bench *bench, const char **json, int argc, char **argv)
{
	static const struct option options[] = {
		{"node", required_argument, NULL, 'n'},
		{"quick", no_argument, NULL, 'q'},
		{"json", required_argument, NULL, 'j'},
		{"only", required_argument, NULL, 'o'},
		{"certificates", required_argument, NULL, 'c'},
		{"runs", required_argument, NULL, 'r'},
		{NULL, 0, NULL, 0},
	};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'n')
			bench->program = optarg;
		else if (option == 'q')
			bench->quick = true;
		else if (option == 'j')
			*json = optarg;
		else if (option == 'o')
			bench->only = optarg;
		else if (option == 'c')
			bench->certificates = strtoull(optarg, NULL, 10);
		else if (option == 'r')
			bench->runs = (unsigned)strtoul(optarg, NULL, 10);
		else
			return false;
	}
	if (bench->certificates == 0)
		bench->certificates = bench->quick ? CERTIFICATES_QUICK : CERTIFICATES;
	if (bench->runs == 0 || bench->runs > REPORT_RUNS_MAX)
		bench->runs = bench->quick ? 1 : 3;
	bench->seconds = bench->quick ? 1 : 4;
	return bench->program && optind == argc;
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	const char *json = NULL;
	const char *temporary = getenv("TMPDIR");
	char dir[BENCH_PATH_ROOM / 2];
	if (!parse(&bench, &json, argc, argv))
		return usage();
	int size = snprintf(dir, sizeof(dir), "%s/tongban-bench-XXXXXX", temporary ? temporary : "/tmp");
	if (size >= (int)sizeof(dir) || !mkdtemp(dir)) {
		fprintf(stderr, "bench: no temporary directory: %s\n", strerror(errno));
		return STATUS_FAILED;
	}
	bench.dir = dir;
	/* So that nodes whose parent is gone can be waited for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t worker = fork();
	if (worker == 0) {
		signal(SIGPIPE, SIG_IGN);
		_exit(work(&bench, json));
	}
	int result = worker < 0 ? STATUS_FAILED : watch(worker);
	rig_tree_remove(dir);
	return result;
}
