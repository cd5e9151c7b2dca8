/* tongban-lab: real nodes on this machine, real links through a proxy, real faults. See lab.h and
 * docs/lab.md. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "sim/lab/check.h"
#include "sim/lab/faults.h"
#include "sim/lab/life.h"
#include "sim/lab/proxy.h"
#include "sim/lab/results.h"
#include "sim/lab/rig_files.h"

enum {
	STATUS_NO_RESULT = 1,
	STATUS_USAGE = 2,
	TICK_MS = 20,
	PROGRESS_MS = 5000,
	READY_MS = 180000,
	REST_STEP_MS = 500,
	ASK_AGAIN_MS = 3000,
	STOP_MS = 40000, /* until nodes that were told to stop are killed */
	STORY_ENTRIES = 60000,
	STORY_LINES = 2000000,
	FILES_WANTED = 16384,
};

static const struct {
	const char *code, *name;
} regions[LAB_NODES_MAX] = {
	{"620100", "兰州市"},     {"320400", "常州市"},     {"330100", "杭州市"}, {"510100", "成都市"},
	{"440100", "广州市"},     {"420100", "武汉市"},     {"610100", "西安市"}, {"230100", "哈尔滨市"},
	{"530100", "昆明市"},     {"370100", "济南市"},     {"430100", "长沙市"}, {"350100", "福州市"},
	{"450100", "南宁市"},     {"520100", "贵阳市"},     {"140100", "太原市"}, {"210100", "沈阳市"},
	{"220100", "长春市"},     {"150100", "呼和浩特市"}, {"640100", "银川市"}, {"630100", "西宁市"},
	{"650100", "乌鲁木齐市"}, {"460100", "海口市"},     {"360100", "南昌市"}, {"340100", "合肥市"},
};

struct run {
	struct lab lab;
	uv_loop_t loop;
	uv_timer_t timer;
	uv_signal_t interrupt, terminate;
	struct lab_process processes[LAB_NODES_MAX];
	struct lab_proxy *proxy;
	struct lab_faults *faults;
	struct lab_work *work;
	struct sim_random random;
	pthread_t script;
	lab_time shown_at;
	lab_time stop_by;
	bool closing, faults_over;
	bool healed; /* under lab.lock: every fault is over */
};

/* ---- the script */

static bool wait_up(struct lab *lab)
{
	lab_time until = lab_now() + READY_MS;
	for (unsigned i = 0; i < lab->options.nodes && !lab_over(lab);) {
		struct lab_reply reply;
		if (lab_call(lab, &lab->nodes[i], "NodeService/Status", "{}", &pb_status_response__descriptor,
		             LAB_PATIENCE_MS, &reply) == LAB_DONE_WELL)
			i++;
		else if (lab_now() > until)
			lab_no_result(lab, "%s does not start; its log: %s", lab->nodes[i].name,
			              lab->nodes[i].log);
		else
			lab_sleep(100);
		lab_reply_clear(&reply);
	}
	return !lab_over(lab);
}

static void load_catalogues(struct lab *lab)
{
	static const char catalogue[] =
		"{\"items\":[{\"code\":\"" LAB_ITEM
		"\",\"name\":\"机动车驾驶证公证\",\"department\":\"11320400014109045T\","
		"\"departmentName\":\"司法局\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":15,"
		"\"resultType\":\"" LAB_TYPE "\",\"materials\":[{\"code\":\"M1\",\"name\":\"申请表\","
		"\"required\":true,\"basis\":\"公证程序规则\"},"
		"{\"code\":\"M2\",\"name\":\"驾驶证\",\"basis\":\"公证程序规则\"}]}]}";
	for (unsigned i = 0; i < lab->options.nodes && !lab_over(lab); i++) {
		struct lab_reply reply;
		if (lab_call(lab, &lab->nodes[i], "CatalogueService/Load", catalogue,
		             &pb_catalogue_load_response__descriptor, LAB_PATIENCE_LONG_MS,
		             &reply) != LAB_DONE_WELL)
			lab_no_result(lab, "%s does not take its catalogue: %s", lab->nodes[i].name,
			              reply.text);
		lab_reply_clear(&reply);
	}
}

/* Who reads its peers again asks them at once what they offer. */
static void reload(struct lab *lab, const struct lab_node *node)
{
	struct lab_reply reply;
	if (lab_call(lab, node, "NodeService/Reload", "{}", &pb_reload_response__descriptor,
	             LAB_PATIENCE_LONG_MS, &reply) != LAB_DONE_WELL)
		lab_no_result(lab, "%s does not read its peers: %s", node->name, reply.text);
	lab_reply_clear(&reply);
}

static bool knows_list(struct lab *lab, const struct lab_node *node, const char *region)
{
	char json[48];
	struct lab_reply reply;
	snprintf(json, sizeof(json), "{\"region\":\"%s\"}", region);
	bool knows = false;
	if (lab_call(lab, node, "CatalogueService/List", json, &pb_catalogue_list_response__descriptor,
	             LAB_PATIENCE_MS, &reply) == LAB_DONE_WELL) {
		const PbCatalogueListResponse *list =
			(const PbCatalogueListResponse *)(const void *)reply.message;
		knows = list->catalogue && list->catalogue->n_items == 1;
	}
	lab_reply_clear(&reply);
	return knows;
}

/* Every node has every other node's list of items: from now on all can do everything. */
static void wait_catalogues(struct lab *lab)
{
	lab_time until = lab_now() + READY_MS;
	for (unsigned at = 0; at < lab->options.nodes; at++) {
		lab_time asked = 0;
		for (unsigned of = 0; of < lab->options.nodes && !lab_over(lab);) {
			if (of == at || knows_list(lab, &lab->nodes[at], lab->nodes[of].code)) {
				of++;
				continue;
			}
			if (lab_now() > until)
				lab_no_result(lab, "%s has not learned the items of %s", lab->nodes[at].name,
				              lab->nodes[of].name);
			if (lab_now() - asked > ASK_AGAIN_MS) {
				reload(lab, &lab->nodes[at]);
				asked = lab_now();
			}
			lab_sleep(100);
		}
	}
}

static void trouble(struct run *run)
{
	struct lab *lab = &run->lab;
	lab_time until = lab_now() + lab->options.span_ms;
	lab_set_phase(lab, LAB_PHASE_TROUBLE);
	lab_work_start(run->work);
	while (lab_now() < until && !lab_over(lab))
		lab_sleep(50);
	lab_set_phase(lab, LAB_PHASE_HEAL);
}

static bool healed(struct run *run)
{
	pthread_mutex_lock(&run->lab.lock);
	bool over = run->healed;
	pthread_mutex_unlock(&run->lab.lock);
	return over;
}

/* Liveness counts from the moment at which no fault is left. */
static void wait_rest(struct run *run)
{
	struct lab *lab = &run->lab;
	while (!healed(run) && !lab_over(lab))
		lab_sleep(50);
	lab_time until = lab_now() + lab->options.quiet_ms;
	for (;;) {
		char why[sizeof(lab->lag)] = "";
		bool rests = lab_check_quiet(lab, why, sizeof(why));
		pthread_mutex_lock(&lab->lock);
		snprintf(lab->lag, sizeof(lab->lag), "%s", why);
		pthread_mutex_unlock(&lab->lock);
		if (rests || lab_now() > until || lab_over(lab))
			return;
		lab_sleep(REST_STEP_MS);
	}
}

static void *script_run(void *argument)
{
	struct run *run = argument;
	struct lab *lab = &run->lab;
	if (wait_up(lab)) {
		load_catalogues(lab);
		wait_catalogues(lab);
	}
	if (!lab_over(lab)) {
		trouble(run);
		/* Clients bring to an answer what they have begun; some of them need nodes that come up now.
		 */
		lab_work_join(run->work);
		if (!lab->lag[0] && !lab_over(lab))
			wait_rest(run);
		if (!lab_over(lab)) {
			fprintf(stderr, "everything rests: checking\n");
			lab_check_end(lab, run->work);
		}
	}
	lab_set_phase(lab, LAB_PHASE_STOP);
	return NULL;
}

/* ---- the loop */

static void close_loop(struct run *run)
{
	if (run->closing)
		return;
	run->closing = true;
	lab_proxy_close(run->proxy);
	uv_close((uv_handle_t *)&run->timer, NULL);
	uv_close((uv_handle_t *)&run->interrupt, NULL);
	uv_close((uv_handle_t *)&run->terminate, NULL);
}

static void begin_stop(struct run *run)
{
	bool over = lab_over(&run->lab);
	if (run->stop_by)
		return;
	run->stop_by = lab_now() + STOP_MS;
	lab_faults_end(run->faults);
	for (unsigned i = 0; i < run->lab.options.nodes; i++) {
		struct lab_process *process = &run->processes[i];
		lab_life_resume(process);
		lab_life_free(process);
		if (over)
			lab_life_kill(process, INT64_MAX);
		else
			lab_life_stop(process, INT64_MAX);
		process->start_at = INT64_MAX;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct run *run = timer->data;
	struct lab *lab = &run->lab;
	enum lab_phase phase = lab_phase(lab);
	bool gone = true;
	/* A run that is over stops its nodes at once: calls that wait for them end with them. */
	if (phase == LAB_PHASE_STOP || lab_over(lab))
		begin_stop(run);
	lab_faults_tick(run->faults);
	if (phase == LAB_PHASE_HEAL && lab_faults_end(run->faults)) {
		pthread_mutex_lock(&lab->lock);
		run->healed = true;
		pthread_mutex_unlock(&lab->lock);
	}
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		lab_life_tick(&run->processes[i], &run->random);
		gone = gone && run->processes[i].pid == 0;
	}
	if (lab_now() - run->shown_at >= PROGRESS_MS) {
		run->shown_at = lab_now();
		lab_progress(lab);
	}
	if (run->stop_by && gone && phase == LAB_PHASE_STOP)
		close_loop(run);
}

static void on_signal(uv_signal_t *signal, int number)
{
	struct run *run = signal->data;
	(void)number;
	pthread_mutex_lock(&run->lab.lock);
	run->lab.interrupted = true;
	pthread_mutex_unlock(&run->lab.lock);
}

static void open_loop(struct run *run)
{
	run->timer.data = run->interrupt.data = run->terminate.data = run;
	uv_timer_init(&run->loop, &run->timer);
	uv_signal_init(&run->loop, &run->interrupt);
	uv_signal_init(&run->loop, &run->terminate);
	uv_signal_start(&run->interrupt, on_signal, SIGINT);
	uv_signal_start(&run->terminate, on_signal, SIGTERM);
	uv_timer_start(&run->timer, on_tick, TICK_MS, TICK_MS);
}

/* ---- preparation */

static enum tb_code make_dir(const char *dir, bool empty, struct tb_error *err)
{
	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return tb_fail(err, TB_EIO, "%s: %s", dir, strerror(errno));
	DIR *open = opendir(dir);
	if (!open)
		return tb_fail(err, TB_EIO, "%s: %s", dir, strerror(errno));
	size_t entries = 0;
	for (struct dirent *entry; (entry = readdir(open));)
		entries += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(open);
	return empty && entries ? tb_fail(err, TB_EEXISTS, "%s is not empty", dir) : TB_OK;
}

/* False if it does not fit. */
static bool set_path(char out[LAB_PATH_ROOM], const char *dir, const char *name, const char *code,
                     const char *rest)
{
	struct tb_buf text = {0};
	tb_buf_printf(&text, "%s%s%s%s", dir, name, code, rest);
	bool fits = text.size < LAB_PATH_ROOM;
	if (fits)
		memcpy(out, tb_buf_text(&text), text.size + 1);
	tb_buf_clear(&text);
	return fits;
}

static enum tb_code name_nodes(struct lab *lab, struct tb_error *err)
{
	enum { SOCKET_ROOM = 108 }; /* of sun_path */
	const char *dir = lab->options.dir;
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		struct lab_node *node = &lab->nodes[i];
		node->index = i;
		node->name = regions[i].name;
		memcpy(node->code, regions[i].code, strlen(regions[i].code) + 1);
		if (!set_path(node->dir, dir, "/node-", regions[i].code, "") ||
		    !set_path(node->socket, dir, "/node-", regions[i].code, "/api.sock") ||
		    !set_path(node->log, dir, "/node-", regions[i].code, ".log") ||
		    strlen(node->socket) >= SOCKET_ROOM)
			return tb_fail(err, TB_ETOOBIG, "--dir: too long for a socket in it");
	}
	return TB_OK;
}

static enum tb_code make_nodes(struct run *run, struct tb_error *err)
{
	struct lab *lab = &run->lab;
	unsigned nodes = lab->options.nodes;
	enum tb_code code = TB_OK;
	for (unsigned i = 0; i < nodes && code == TB_OK; i++)
		code = lab_life_init(lab, i, err);
	for (unsigned i = 0; i < nodes && code == TB_OK; i++)
		code = lab_life_introduce(lab, i, err);
	for (unsigned at = 0; at < nodes && code == TB_OK; at++) {
		for (unsigned to = 0; to < nodes && code == TB_OK; to++) {
			if (at != to)
				code = lab_life_grant(lab, at, to, lab_proxy_port(run->proxy, at, to), err);
		}
	}
	for (unsigned i = 0; i < nodes; i++)
		run->processes[i] = (struct lab_process){
			.lab = lab, .node = &lab->nodes[i], .start_at = 1, .file_most = -1};
	return code;
}

static void raise_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_WANTED ? limit.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* What is in memory is gone with the lab; a run that did not hold leaves its stores to be looked at. */
static void keep_small_disks(const struct lab *lab)
{
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		char kept[LAB_PATH_ROOM + 16];
		snprintf(kept, sizeof(kept), "%s/kept-%s", lab->options.dir, lab->nodes[i].code);
		if (lab->nodes[i].small_disk)
			rig_tree_copy(lab->nodes[i].dir, kept);
	}
}

static int carry_out(struct run *run)
{
	struct lab *lab = &run->lab;
	struct tb_error err = {0};
	char sentence[512];
	enum tb_code code = make_nodes(run, &err);
	if (code == TB_OK && !lab_over(lab)) {
		open_loop(run);
		int failed = pthread_create(&run->script, NULL, script_run, run);
		assert(failed == 0);
		uv_run(&run->loop, UV_RUN_DEFAULT);
		pthread_join(run->script, NULL);
	} else if (code) {
		lab_no_result(lab, "%s", err.text);
	}
	int status = lab_verdict(lab, sentence, sizeof(sentence));
	if (status != 0)
		keep_small_disks(lab);
	if (lab_results_write(lab, run->work, run->faults, (double)(lab_now() - lab->began) / 1000, &err) !=
	    TB_OK) {
		fprintf(stderr, "tongban-lab: %s\n", err.text);
		return status ? status : STATUS_NO_RESULT;
	}
	return status;
}

/* What nobody said: the program beside this one, a new directory, the report in it. */
static enum tb_code complete(struct lab_options *options, char program[LAB_PATH_ROOM],
                             char dir[LAB_PATH_ROOM], struct tb_error *err)
{
	if (!options->program) {
		ssize_t size = readlink("/proc/self/exe", program, LAB_PATH_ROOM - 1);
		program[size > 0 ? size : 0] = 0;
		char *slash = strrchr(program, '/');
		size_t before = slash ? (size_t)(slash - program) + 1 : 0;
		if ((size_t)snprintf(program + before, LAB_PATH_ROOM - before, "tongban") >=
		    LAB_PATH_ROOM - before)
			return tb_fail(err, TB_EINVALID, "--tongban is needed");
		options->program = program;
	}
	if (!options->dir) {
		snprintf(dir, LAB_PATH_ROOM, "/tmp/tongban-lab.XXXXXX"); /* short: sockets live in it */
		if (!mkdtemp(dir))
			return tb_fail(err, TB_EIO, "%s: %s", dir, strerror(errno));
		options->dir = dir;
	}
	if (!options->report)
		options->report = options->dir;
	return TB_OK;
}

static int run_lab(struct run *run)
{
	struct lab *lab = &run->lab;
	struct tb_error err = {0};
	char path[LAB_PATH_ROOM + 32];
	const char *codes[LAB_NODES_MAX];
	char program[LAB_PATH_ROOM], dir[LAB_PATH_ROOM];
	if (complete(&lab->options, program, dir, &err) != TB_OK ||
	    make_dir(lab->options.dir, true, &err) != TB_OK ||
	    make_dir(lab->options.report, false, &err) != TB_OK || name_nodes(lab, &err) != TB_OK) {
		fprintf(stderr, "tongban-lab: %s\n", err.text);
		return STATUS_USAGE;
	}
	snprintf(path, sizeof(path), "%s/events.jsonl", lab->options.report);
	FILE *events = fopen(path, "we");
	if (!events || access(lab->options.program, X_OK) != 0) {
		fprintf(stderr, "tongban-lab: %s: %s\n", events ? lab->options.program : path,
		        strerror(errno));
		return STATUS_USAGE;
	}
	for (unsigned i = 0; i < lab->options.nodes; i++)
		codes[i] = lab->nodes[i].code;
	if (lab->options.rates[LAB_FULL] > 0)
		lab_life_mount(lab);
	lab->began = lab_now();
	lab->began_wall = lab_wall();
	lab->story = sim_story_new(STORY_ENTRIES, STORY_ENTRIES);
	sim_story_stream(lab->story, events, STORY_LINES, codes);
	uv_loop_init(&run->loop);
	run->proxy = lab_proxy_new(lab, &run->loop);
	run->faults = lab_faults_new(lab, run->processes, run->proxy, &run->loop);
	run->work = lab_work_new(lab);
	sim_random_start(&run->random, lab->options.seed, "run", 0);
	int status = carry_out(run);
	sim_story_stream(lab->story, NULL, 0, NULL);
	fclose(events);
	/* Of a run that never got into its loop, too, everything is closed. */
	if (!run->closing)
		lab_proxy_close(run->proxy);
	uv_run(&run->loop, UV_RUN_DEFAULT);
	uv_loop_close(&run->loop);
	lab_work_free(run->work);
	lab_faults_free(run->faults);
	lab_proxy_free(run->proxy);
	sim_story_free(lab->story);
	printf("the nodes: %s\nthe report: %s/report.html\n", lab->options.dir, lab->options.report);
	return status;
}

int main(int argc, char **argv)
{
	struct tb_error err = {0};
	struct run *run = tb_alloc(sizeof(*run));
	umask(022); /* A node trusts no file that its group could write to. */
	if (argc < 2 || strcmp(argv[1], "run") != 0) {
		lab_options_usage(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
		return STATUS_USAGE;
	}
	if (lab_options_parse(&run->lab.options, argc - 2, argv + 2, &err) != TB_OK) {
		fprintf(stderr, "tongban-lab: %s\n", err.text);
		lab_options_usage(stderr);
		return STATUS_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	/* Inherited by the nodes: a file that may not grow is an error there, as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
	unsetenv("TONGBAN_DIR");
	umask(077);
	raise_files();
	pthread_mutex_init(&run->lab.lock, NULL);
	printf("seed=%llu\n", (unsigned long long)run->lab.options.seed);
	fflush(stdout);
	int status = run_lab(run);
	free(run);
	return status;
}
