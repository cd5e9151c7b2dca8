/* tongban-sim: the command. */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/bench.h"
#include "sim/campaign.h"
#include "sim/faults.h"
#include "sim/job.h"
#include "sim/runfile.h"
#include "sim/tables.h"

static const char usage[] =
	"tongban-sim run [--seed N] [--nodes N] [--preset NAME] [--days N | --hours N | --minutes N]\n"
	"                [--cases N] [--verifications N] [--crypto stub|real] [--twice] [--no-healing]\n"
	"                [--report DIR] [--words FILE] [--events FILE] [--save FILE] [--dir DIR] [--quiet]\n"
	"tongban-sim campaign [--seeds FROM..TO] [--jobs N] [--budget 30m] [--preset NAME] [--once]\n"
	"                [--seconds N] [--out DIR] [--dir DIR] [--quiet] [--require-marks]\n"
	"tongban-sim replay FILE... [--report DIR] [--words FILE] [--events FILE]\n"
	"tongban-sim shrink FILE [--out FILE] [--budget 5m]\n"
	"tongban-sim scenario FILE.yaml... [--report DIR] [--words FILE]\n"
	"tongban-sim presets\n"
	"tongban-sim bench [--quick] [--dir DIR]\n"
	"Cases and verifications are a day's, of all nodes together. Status: 0 held, 127 crash, 128 not "
	"live,\n"
	"129 an invariant broke, 2 usage.\n";

enum {
	SEED_SECONDS = 120,  /* of CPU, for a seed of a campaign */
	STORY_SHORT = 1000,  /* entries, where nobody reads them */
	STORY_TOLD = 300000, /* for a report */
};

struct arguments {
	struct sim_task task;
	struct sim_campaign campaign;
	const char *out; /* NULL: not told */
	bool quiet;
	bool quick;
};

static _Noreturn void die(const char *text, const char *what)
{
	fprintf(stderr, "tongban-sim: %s%s\n", text, what);
	exit(SIM_STATUS_USAGE);
}

static const char *option; /* that is being read */

static uint64_t number_of(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (end != text && !*end && text[0] != '-' && value >= least && value <= most)
		return value;
	fprintf(stderr, "tongban-sim: --%s: a number from %" PRIu64 " to %" PRIu64 " expected, not %s\n",
	        option, least, most, text);
	exit(SIM_STATUS_USAGE);
}

/* What a run leaves must find its place: a long one is not to end with nothing. */
static const char *directory_of(const char *path)
{
	struct stat stat_of;
	(void)mkdir(path, 0700);
	if (stat(path, &stat_of) != 0 || !S_ISDIR(stat_of.st_mode) || access(path, W_OK) != 0)
		die("no directory that can be written to: ", path);
	return path;
}

static const char *file_of(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	if (access(access(path, F_OK) == 0 ? path : parent, W_OK) != 0)
		die("cannot be written: ", path);
	return path;
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
	ARG_QUICK,
	ARG_SECONDS,
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
	{"quick", 0, NULL, ARG_QUICK},
	{"seconds", 1, NULL, ARG_SECONDS},
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
		if (!run->real_crypto && strcmp(optarg, "stub") != 0)
			die("--crypto: stub or real expected, not ", optarg);
		break;
	case ARG_NO_HEALING:
		run->liveness = false;
		break;
	case ARG_TWICE:
		arguments->task.twice = true;
		break;
	case ARG_REPORT:
		arguments->task.report = directory_of(optarg);
		break;
	case ARG_EVENTS:
		arguments->task.events = file_of(optarg);
		break;
	case ARG_SAVE:
		arguments->task.save = file_of(optarg);
		break;
	case ARG_WORDS:
		arguments->task.words = file_of(optarg);
		break;
	default:
		die(usage, "");
	}
}

static void parse_arguments(struct arguments *arguments, int argc, char **argv)
{
	struct sim_campaign *campaign = &arguments->campaign;
	int place = 0;
	for (int which; (which = getopt_long(argc, argv, "", options, &place)) != -1;) {
		option = options[place].name;
		if (which == ARG_PRESET)
			preset_argument(arguments);
		else if (which == ARG_DIR)
			campaign->dir = optarg;
		else if (which == ARG_QUIET)
			arguments->quiet = true;
		else if (which == ARG_QUICK)
			arguments->quick = true;
		else if (which == ARG_SEEDS)
			parse_seeds(campaign, optarg);
		else if (which == ARG_JOBS)
			campaign->jobs = (unsigned)number_of(optarg, 1, SIM_JOBS_MAX);
		else if (which == ARG_BUDGET)
			campaign->budget_seconds = parse_budget(optarg);
		else if (which == ARG_ONCE)
			campaign->once = true;
		else if (which == ARG_OUT)
			campaign->out = arguments->out = optarg;
		else if (which == ARG_SECONDS)
			campaign->cpu_seconds = (unsigned)number_of(optarg, 1, 1000000);
		else if (which == ARG_MARKS)
			campaign->require_marks = true;
		else
			argument_of_run(arguments, which);
	}
}

/* |verb| for each file; the worst status. */
static int each_file(int (*verb)(const struct sim_runfile *order, const char *path),
                     const struct arguments *arguments, char **paths, int count)
{
	struct sim_runfile order = {.task = arguments->task,
	                            .dir = arguments->campaign.dir,
	                            .out = arguments->out,
	                            .seconds_most = arguments->campaign.budget_seconds,
	                            .quiet = arguments->quiet};
	int worst = 0;
	for (int i = 0; i < count; i++) {
		int status = verb(&order, paths[i]);
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
	const char *in_memory = memory_dir();
	struct arguments arguments = {
		.task = {.options = {.seed = 1,
	                             .nodes_count = 8,
	                             .preset = sim_preset_find("swarm"),
	                             .span = SIM_DAY,
	                             .liveness = true,
	                             .story_ordinary = STORY_SHORT,
	                             .story_kept = STORY_SHORT}},
		.campaign = {.first = 1,
	                     .last = 1000000000,
	                     .jobs = 1,
	                     .cpu_seconds = SEED_SECONDS,
	                     .dir = in_memory,
	                     .out = "."},
	};
	const char *verb = argc > 1 ? argv[1] : "";
	int status;
	prepare_process();
	sim_job_catch_signals();
	if (argc > 2)
		parse_arguments(&arguments, argc - 1, argv + 1);
	bool placed = arguments.campaign.dir != in_memory;
	char dir[PATH_MAX];
	if (!realpath(arguments.campaign.dir, dir))
		die("no such directory: ", arguments.campaign.dir);
	arguments.campaign.dir = dir;
	if (arguments.task.report || arguments.task.words)
		arguments.task.options.story_ordinary = arguments.task.options.story_kept = STORY_TOLD;
	argv += 1;
	int files = argc > 2 ? argc - 1 - optind : 0;
	bool takes_files =
		strcmp(verb, "replay") == 0 || strcmp(verb, "shrink") == 0 || strcmp(verb, "scenario") == 0;
	if (files > 0 && !takes_files)
		die("not expected: ", argv[optind]);
	if (strcmp(verb, "run") == 0) {
		status = sim_run_apart(&arguments.task, arguments.campaign.dir, arguments.quiet);
	} else if (strcmp(verb, "campaign") == 0) {
		arguments.campaign.quiet = arguments.quiet;
		arguments.campaign.out = directory_of(arguments.campaign.out);
		status = sim_campaign_run(&arguments.campaign);
	} else if (strcmp(verb, "replay") == 0 && files > 0) {
		status = each_file(sim_runfile_replay, &arguments, argv + optind, files);
	} else if (strcmp(verb, "shrink") == 0 && files == 1) {
		status = each_file(sim_runfile_shrink, &arguments, argv + optind, files);
	} else if (strcmp(verb, "scenario") == 0 && files > 0) {
		status = each_file(sim_runfile_scenario, &arguments, argv + optind, files);
	} else if (strcmp(verb, "bench") == 0) {
		/* A whole day leaves more than memory should hold. */
		status = sim_bench(placed ? arguments.campaign.dir : "/var/tmp", arguments.campaign.dir,
		                   arguments.quick);
	} else if (strcmp(verb, "presets") == 0) {
		const struct sim_preset *preset;
		for (size_t i = 0; (preset = sim_preset_at(i)); i++)
			printf("%s\n", sim_preset_name(preset));
		status = 0;
	} else {
		fputs(usage, stderr);
		status = SIM_STATUS_USAGE;
	}
	sim_tables_free();
	return status;
}
