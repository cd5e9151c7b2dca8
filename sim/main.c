/* tongban-sim: the command. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/campaign.h"
#include "sim/faults.h"
#include "sim/scenario.h"
#include "sim/shrink.h"
#include "sim/tables.h"

static const char usage[] =
	"tongban-sim run [--seed N] [--nodes N] [--preset NAME] [--days N | --hours N | --minutes N]\n"
	"                [--cases N] [--verifications N] [--crypto stub|real] [--twice] [--no-healing]\n"
	"                [--report DIR] [--events FILE] [--save FILE] [--dir DIR] [--quiet]\n"
	"tongban-sim campaign [--seeds FROM..TO] [--jobs N] [--budget 30m] [--preset NAME] [--once]\n"
	"                [--out DIR] [--dir DIR] [--quiet] [--require-marks]\n"
	"tongban-sim replay FILE [--report DIR] [--events FILE]\n"
	"tongban-sim shrink FILE [--out FILE]\n"
	"tongban-sim scenario FILE.yaml... [--report DIR] [--words FILE]\n"
	"tongban-sim presets\n"
	"Cases and verifications are a day's, of all nodes together. Status: 0 held, 127 crash, 128 not "
	"live,\n"
	"129 an invariant broke, 2 usage.\n";

enum { STATUS_USAGE = 2, REPLAY_BYTES_MAX = 64 << 20 };

struct arguments {
	struct sim_task task;
	struct sim_campaign campaign;
	bool quiet;
};

static _Noreturn void die(const char *text, const char *what)
{
	fprintf(stderr, "tongban-sim: %s%s\n", text, what);
	exit(STATUS_USAGE);
}

static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || *end || text[0] == '-' || value < least || value > most)
		die("not a number, or out of range: ", text);
	return value;
}

static void parse_seeds(struct sim_campaign *campaign, const char *text)
{
	unsigned long long from, to;
	if (sscanf(text, "%llu..%llu", &from, &to) != 2 || from > to)
		die("seeds: FROM..TO expected, not ", text);
	campaign->first = from;
	campaign->last = to;
}

static double parse_budget(const char *text)
{
	char *end;
	double value = strtod(text, &end);
	double unit = *end == 'h' ? 3600 : *end == 'm' ? 60 : 1;
	if (end == text || value <= 0 || (*end && end[1]))
		die("budget: 30s, 5m or 2h expected, not ", text);
	return value * unit;
}

enum {
	ARG_SEED = 256,
	ARG_NODES,
	ARG_PRESET,
	ARG_DAYS,
	ARG_HOURS,
	ARG_MINUTES,
	ARG_CASES,
	ARG_VERIFICATIONS,
	ARG_CRYPTO,
	ARG_TWICE,
	ARG_NO_HEALING,
	ARG_REPORT,
	ARG_EVENTS,
	ARG_SAVE,
	ARG_DIR,
	ARG_QUIET,
	ARG_SEEDS,
	ARG_JOBS,
	ARG_BUDGET,
	ARG_ONCE,
	ARG_OUT,
	ARG_MARKS,
	ARG_WORDS,
};

static const struct option options[] = {
	{"seed", 1, NULL, ARG_SEED},
	{"nodes", 1, NULL, ARG_NODES},
	{"preset", 1, NULL, ARG_PRESET},
	{"days", 1, NULL, ARG_DAYS},
	{"hours", 1, NULL, ARG_HOURS},
	{"minutes", 1, NULL, ARG_MINUTES},
	{"cases", 1, NULL, ARG_CASES},
	{"verifications", 1, NULL, ARG_VERIFICATIONS},
	{"crypto", 1, NULL, ARG_CRYPTO},
	{"twice", 0, NULL, ARG_TWICE},
	{"no-healing", 0, NULL, ARG_NO_HEALING},
	{"report", 1, NULL, ARG_REPORT},
	{"events", 1, NULL, ARG_EVENTS},
	{"save", 1, NULL, ARG_SAVE},
	{"dir", 1, NULL, ARG_DIR},
	{"quiet", 0, NULL, ARG_QUIET},
	{"seeds", 1, NULL, ARG_SEEDS},
	{"jobs", 1, NULL, ARG_JOBS},
	{"budget", 1, NULL, ARG_BUDGET},
	{"once", 0, NULL, ARG_ONCE},
	{"out", 1, NULL, ARG_OUT},
	{"require-marks", 0, NULL, ARG_MARKS},
	{"words", 1, NULL, ARG_WORDS},
	{NULL, 0, NULL, 0},
};

static void preset_argument(struct arguments *arguments)
{
	arguments->task.options.preset = arguments->campaign.preset = sim_preset_find(optarg);
	if (!arguments->campaign.preset)
		die("no such preset: ", optarg);
}

static void argument_of_run(struct arguments *arguments, int which)
{
	struct sim_options *run = &arguments->task.options;
	switch (which) {
	case ARG_SEED:
		run->seed = number_of(optarg, 0, UINT64_MAX);
		break;
	case ARG_NODES:
		run->nodes_count = (uint32_t)number_of(optarg, 2, SIM_NODES_MAX);
		break;
	case ARG_DAYS:
		run->span = (sim_time)number_of(optarg, 1, 600) * SIM_DAY;
		break;
	case ARG_HOURS:
		run->span = (sim_time)number_of(optarg, 1, 14400) * SIM_HOUR;
		break;
	case ARG_MINUTES:
		run->span = (sim_time)number_of(optarg, 1, 864000) * SIM_MINUTE;
		break;
	case ARG_CASES:
		run->cases_a_day = (uint32_t)number_of(optarg, 0, 100000000);
		break;
	case ARG_VERIFICATIONS:
		run->verifications_a_day = (uint32_t)number_of(optarg, 0, 1000000000);
		break;
	case ARG_CRYPTO:
		run->real_crypto = strcmp(optarg, "real") == 0;
		break;
	case ARG_NO_HEALING:
		run->liveness = false;
		break;
	case ARG_TWICE:
		arguments->task.twice = true;
		break;
	case ARG_REPORT:
		arguments->task.report = optarg;
		break;
	case ARG_EVENTS:
		arguments->task.events = optarg;
		break;
	case ARG_SAVE:
		arguments->task.save = optarg;
		break;
	case ARG_WORDS:
		arguments->task.words = optarg;
		break;
	default:
		die(usage, "");
	}
}

static void parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	struct sim_campaign *campaign = &arguments->campaign;
	for (int which; (which = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (which == ARG_PRESET)
			preset_argument(arguments);
		else if (which == ARG_DIR)
			campaign->dir = optarg;
		else if (which == ARG_QUIET)
			arguments->quiet = true;
		else if (which == ARG_SEEDS)
			parse_seeds(campaign, optarg);
		else if (which == ARG_JOBS)
			campaign->jobs = (unsigned)number_of(optarg, 1, SIM_JOBS_MAX);
		else if (which == ARG_BUDGET)
			campaign->budget_seconds = parse_budget(optarg);
		else if (which == ARG_ONCE)
			campaign->once = true;
		else if (which == ARG_OUT)
			campaign->out = optarg;
		else if (which == ARG_MARKS)
			campaign->require_marks = true;
		else
			argument_of_run(arguments, which);
	}
}

static char *read_file(const char *path, size_t *size)
{
	struct tb_buf text = {0};
	char block[4096];
	FILE *file = fopen(path, "rb");
	if (!file)
		die("cannot be read: ", path);
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0 && text.size < REPLAY_BYTES_MAX;)
		tb_buf_add(&text, block, got);
	fclose(file);
	tb_buf_add(&text, "", 1);
	*size = text.size - 1;
	return (char *)text.data;
}

static int replay(struct arguments *arguments, const char *path)
{
	struct sim_replay file;
	struct tb_error err;
	size_t size;
	char *text = read_file(path, &size);
	if (sim_replay_parse(&file, text, &err))
		die(err.text, "");
	struct sim_options kept = arguments->task.options;
	arguments->task.options = file.options;
	arguments->task.options.story_ordinary = kept.story_ordinary;
	arguments->task.options.story_kept = kept.story_kept;
	int status = sim_run_apart(&arguments->task, arguments->campaign.dir, arguments->quiet);
	sim_replay_clear(&file);
	free(text);
	return status;
}

static int shrink(const struct arguments *arguments, const char *path)
{
	struct sim_replay file;
	struct tb_error err;
	char out[512];
	size_t size;
	char *text = read_file(path, &size);
	if (sim_replay_parse(&file, text, &err))
		die(err.text, "");
	bool told = strcmp(arguments->campaign.out, ".") != 0;
	snprintf(out, sizeof(out), "%.480s%s", told ? arguments->campaign.out : path, told ? "" : ".small");
	struct sim_shrink order = {.options = file.options,
	                           .dir = arguments->campaign.dir,
	                           .out = out,
	                           .seconds_most = arguments->campaign.budget_seconds,
	                           .quiet = arguments->quiet};
	int status = sim_shrink_print(&order);
	sim_replay_clear(&file);
	free(text);
	return status;
}

/* One story: its outcome in a line. */
static int scenario(const struct arguments *arguments, const char *path)
{
	struct sim_scenario *story;
	struct sim_task task = arguments->task;
	struct sim_outcome outcome;
	struct tb_error err;
	size_t size;
	char *text = read_file(path, &size);
	if (sim_scenario_read(&story, tb_bytes_of(text, size), path, &err)) {
		fprintf(stderr, "tongban-sim: %s\n", err.text);
		free(text);
		return STATUS_USAGE;
	}
	task.options.scenario = story;
	task.options.seed = story->seed;
	task.options.nodes_count = (uint32_t)story->nodes_count;
	task.options.span = story->lasts * SIM_MS;
	task.options.preset = sim_preset_find(story->preset);
	int status = STATUS_USAGE;
	if (!task.options.preset || story->nodes_count < 2) {
		fprintf(stderr, "tongban-sim: %s: %s\n", path,
		        task.options.preset ? "two nodes at least" : "no such preset");
	} else {
		sim_run_in_child(&outcome, &task, arguments->campaign.dir);
		status = (int)outcome.verdict;
		printf("%-10s %s: %s%s%s\n", status == SIM_HELD ? "held" : "NOT HELD", path, story->title,
		       outcome.failure[0] ? ": " : "", outcome.failure);
	}
	sim_scenario_free(story);
	free(text);
	return status;
}

static int scenarios(const struct arguments *arguments, char **paths, int count)
{
	int worst = 0;
	for (int i = 0; i < count; i++) {
		int status = scenario(arguments, paths[i]);
		worst = status > worst ? status : worst;
	}
	return worst;
}

static void prepare_process(void)
{
	struct rlimit files;
	umask(077);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* Disks of simulated nodes are best kept in memory; a container may have little of it there. */
static const char *memory_dir(void)
{
	struct statvfs shm;
	bool roomy = statvfs("/dev/shm", &shm) == 0 && (uint64_t)shm.f_bavail * shm.f_frsize > (1U << 30);
	return roomy ? "/dev/shm" : "/tmp";
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.task = {.options = {.seed = 1,
	                             .nodes_count = 8,
	                             .preset = sim_preset_find("swarm"),
	                             .span = SIM_DAY,
	                             .liveness = true,
	                             .story_ordinary = 20000,
	                             .story_kept = 20000}},
		.campaign = {.first = 1, .last = 1000000000, .jobs = 1, .dir = memory_dir(), .out = "."},
	};
	const char *verb = argc > 1 ? argv[1] : "";
	int status;
	prepare_process();
	if (argc > 2)
		parse_arguments(&arguments, argc - 1, argv + 1);
	argv += 1;
	if (strcmp(verb, "run") == 0) {
		status = sim_run_apart(&arguments.task, arguments.campaign.dir, arguments.quiet);
	} else if (strcmp(verb, "campaign") == 0) {
		arguments.campaign.quiet = arguments.quiet;
		status = sim_campaign_run(&arguments.campaign);
	} else if (strcmp(verb, "replay") == 0 && optind < argc - 1) {
		status = replay(&arguments, argv[optind]);
	} else if (strcmp(verb, "shrink") == 0 && optind < argc - 1) {
		status = shrink(&arguments, argv[optind]);
	} else if (strcmp(verb, "scenario") == 0 && optind < argc - 1) {
		status = scenarios(&arguments, argv + optind, argc - 1 - optind);
	} else if (strcmp(verb, "presets") == 0) {
		const struct sim_preset *preset;
		for (size_t i = 0; (preset = sim_preset_at(i)); i++)
			printf("%s\n", sim_preset_name(preset));
		status = 0;
	} else {
		fputs(usage, stderr);
		status = STATUS_USAGE;
	}
	sim_tables_free();
	return status;
}
