#include "sim/lab/life.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/lab/rig_child.h"
#include "sim/lab/rig_files.h"

enum {
	TEXT_MOST = 64 * 1024,
	STOP_MS = 20000,
	RESTART_MS = 1000,
	FAILURES_MOST =
		60, /* starts that may fail one after the other without a full disk being the reason */
	TMPFS_BYTES = 1 << 30,
	FILL_STEP = 4096,
};

/* ---- directories */

static enum tb_code command(struct lab *lab, const char *out, const char *const *args, struct tb_error *err)
{
	char errors[LAB_PATH_ROOM + 32];
	snprintf(errors, sizeof(errors), "%s/command.err", lab->options.dir);
	int status = rig_child_run(lab->options.program, args, out ? out : "/dev/null", errors);
	if (status == 0)
		return TB_OK;
	struct tb_buf text = {0};
	bool read = rig_file_read(&text, errors, TEXT_MOST);
	tb_fail(err, TB_EIO, "tongban %s %s ended with %d: %.150s", args[0], args[1], WEXITSTATUS(status),
	        read ? tb_buf_text(&text) : "");
	tb_buf_clear(&text);
	return TB_EIO;
}

#define COMMAND(lab, out, err, ...) command(lab, out, (const char *const[]){__VA_ARGS__, NULL}, err)

/* So that no run depends on the day it is made. */
static enum tb_code write_calendar(const struct lab_node *node, struct tb_error *err)
{
	char path[LAB_PATH_ROOM + 32];
	struct tb_buf text = {0};
	time_t now = time(NULL);
	struct tm tm;
	gmtime_r(&now, &tm);
	for (int year = tm.tm_year + 1899; year < tm.tm_year + 1903; year++)
		tb_buf_printf(&text, "%d-01-01\tH\t元旦\n", year);
	snprintf(path, sizeof(path), "%s/data/workdays.tsv", node->dir);
	bool good = rig_file_write(path, tb_buf_bytes(&text));
	tb_buf_clear(&text);
	return good ? TB_OK : tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
}

enum tb_code lab_life_init(struct lab *lab, unsigned index, struct tb_error *err)
{
	struct lab_node *node = &lab->nodes[index];
	enum tb_code code = COMMAND(lab, NULL, err, "init", "--dir", node->dir, "--region", node->code,
	                            "--listen", "127.0.0.1:0");
	return code ? code : write_calendar(node, err);
}

enum tb_code lab_life_introduce(struct lab *lab, unsigned index, struct tb_error *err)
{
	struct lab_node *node = &lab->nodes[index];
	char file[LAB_PATH_ROOM + 32];
	snprintf(file, sizeof(file), "%s/%s.peer", lab->options.dir, node->code);
	enum tb_code code = COMMAND(lab, file, err, "peer", "export", "--dir", node->dir);
	for (unsigned i = 0; i < lab->options.nodes && code == TB_OK && !lab_over(lab); i++) {
		if (i != index)
			code = COMMAND(lab, NULL, err, "peer", "import", "--dir", lab->nodes[i].dir, file);
	}
	return code;
}

enum tb_code lab_life_grant(struct lab *lab, unsigned at, unsigned to, int port, struct tb_error *err)
{
	const struct lab_node *node = &lab->nodes[at], *peer = &lab->nodes[to];
	char path[LAB_PATH_ROOM + 32];
	struct tb_buf text = {0};
	tb_buf_printf(&text,
	              "region: \"%s\"\nname: \"%s\"\nendpoint: \"127.0.0.1:%d\"\ngrants:\n  verify:\n"
	              "    - types: [\"*\"]\n      disclosure: match\n"
	              "  cases:\n    - items: [\"*\"]\n      modes: [DS]\n"
	              "queries_per_second: 1000000\nqueries_burst: 1000000\n",
	              peer->code, peer->name, port);
	snprintf(path, sizeof(path), "%s/peers/%s.yaml", node->dir, peer->code);
	bool good = rig_file_write(path, tb_buf_bytes(&text));
	tb_buf_clear(&text);
	return good ? TB_OK : tb_fail(err, TB_EIO, "%s: %s", path, strerror(errno));
}

/* ---- disks */

void lab_life_mount(struct lab *lab)
{
	char data[64];
	snprintf(data, sizeof(data), "size=%d,mode=0700", TMPFS_BYTES);
	/* What is mounted in here goes with its last process, whatever ends the lab. */
	if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return;
	for (unsigned i = 1; i < lab->options.nodes; i += 2) {
		struct lab_node *node = &lab->nodes[i];
		node->small_disk =
			mkdir(node->dir, 0700) == 0 && mount("tmpfs", node->dir, "tmpfs", 0, data) == 0;
	}
}

static void resize(struct lab_process *process, uint64_t bytes)
{
	char data[64];
	snprintf(data, sizeof(data), "size=%llu,mode=0700", (unsigned long long)bytes);
	if (mount("tmpfs", process->node->dir, "tmpfs", MS_REMOUNT, data) != 0)
		lab_no_result(process->lab, "%s cannot be resized: %s", process->node->dir, strerror(errno));
}

static void set_file_most(struct lab_process *process)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	if (process->file_most >= 0)
		limit.rlim_cur = (rlim_t)process->file_most;
	if (process->pid)
		prlimit(process->pid, RLIMIT_FSIZE, &limit, NULL);
}

static void set_full(struct lab_process *process, bool full)
{
	process->full = full;
	pthread_mutex_lock(&process->lab->lock);
	process->node->full_until = full ? INT64_MAX : lab_now();
	pthread_mutex_unlock(&process->lab->lock);
}

void lab_life_fill(struct lab_process *process, uint64_t slack)
{
	struct lab_node *node = process->node;
	set_full(process, true);
	if (node->small_disk) {
		struct statfs fs;
		if (statfs(node->dir, &fs) != 0)
			return;
		uint64_t used = (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
		resize(process, (used + slack) / FILL_STEP * FILL_STEP + FILL_STEP);
		return;
	}
	char path[LAB_PATH_ROOM + 32];
	struct stat st;
	snprintf(path, sizeof(path), "%s/store/data.mdb", node->dir);
	process->file_most = stat(path, &st) == 0 ? st.st_size + (int64_t)slack : (int64_t)slack;
	set_file_most(process);
}

void lab_life_free(struct lab_process *process)
{
	if (!process->full)
		return;
	set_full(process, false);
	if (process->node->small_disk) {
		resize(process, TMPFS_BYTES);
		return;
	}
	process->file_most = -1;
	set_file_most(process);
}

/* ---- start and end */

static void start(struct lab_process *process)
{
	struct lab *lab = process->lab;
	struct lab_node *node = process->node;
	char listen[LAB_PATH_ROOM + 16];
	char *argv[] = {(char *)(uintptr_t)lab->options.program, (char[]){"run"}, (char[]){"--dir"},
	                node->dir, NULL};
	struct rig_child child = {.program = lab->options.program,
	                          .argv = argv,
	                          .out = "/dev/null",
	                          .err = node->log,
	                          .append = true,
	                          .death_signal = SIGKILL};
	snprintf(listen, sizeof(listen), "%s/listen", node->dir);
	unlink(listen);
	pthread_mutex_lock(&lab->lock);
	node->asked_to_stop = false;
	node->starts++;
	if (node->restored && node->restored_at == INT64_MAX)
		node->restored_at = lab_now();
	pthread_mutex_unlock(&lab->lock);
	process->pid = rig_child_start(&child);
	if (process->pid < 0) {
		process->pid = 0;
		lab_no_result(lab, "fork: %s", strerror(errno));
		return;
	}
	process->killed = process->paused = process->seen_paused = process->told_up = false;
	set_file_most(process);
}

static void crashed(struct lab_process *process, const char *what, int number)
{
	struct lab *lab = process->lab;
	pthread_mutex_lock(&lab->lock);
	if (lab->counts.crashes++ == 0)
		snprintf(lab->crash, sizeof(lab->crash), "%s %s %d, and nobody made it; its log: %.120s",
		         process->node->name, what, number, process->node->log);
	pthread_mutex_unlock(&lab->lock);
	fprintf(stderr, "CRASHED %s %s %d\n", process->node->name, what, number);
	lab_tell(lab, SIM_CRASHED, process->node->index, SIM_NOBODY, NULL, "%s %d by itself", what, number);
}

/* Status 3 is a commit that failed, 1 a start that failed (docs/operations.md, section 4): a full disk does
 * both. */
static void judge(struct lab_process *process, int status)
{
	struct lab *lab = process->lab;
	struct lab_node *node = process->node;
	pthread_mutex_lock(&lab->lock);
	bool asked = node->asked_to_stop;
	pthread_mutex_unlock(&lab->lock);
	bool full = lab_was_full(lab, node);
	if (WIFSIGNALED(status)) {
		int number = WTERMSIG(status);
		if (number == SIGKILL && !process->killed)
			lab_no_result(lab, "%s was killed by somebody else, perhaps for memory", node->name);
		else if (number != SIGKILL)
			crashed(process, "ended by signal", number);
		return;
	}
	int number = WEXITSTATUS(status);
	if ((number == 3 || number == 1) && full) {
		lab_tell(lab, number == 3 ? SIM_COMMIT_FAILED : SIM_CRASHED, node->index, SIM_NOBODY, NULL,
		         number == 3 ? "ended with 3: its disk is full"
		                     : "could not start: its disk is full");
		process->failures++;
	} else if (number != 0 || !asked) {
		crashed(process, "ended with", number);
		process->failures++;
	}
	if (process->failures > FAILURES_MOST)
		lab_no_result(lab, "%s does not start any more", node->name);
}

static void set_up(struct lab_process *process, int port)
{
	pthread_mutex_lock(&process->lab->lock);
	process->node->up = port > 0;
	process->node->port = port;
	pthread_mutex_unlock(&process->lab->lock);
}

static void reap(struct lab_process *process)
{
	int status;
	if (waitpid(process->pid, &status, WNOHANG | WUNTRACED) != process->pid)
		return;
	if (WIFSTOPPED(status)) {
		process->seen_paused = process->paused;
		return;
	}
	process->pid = 0;
	set_up(process, 0);
	judge(process, status);
	process->paused = process->seen_paused = false;
	process->stop_by = 0;
	if (process->start_at == 0)
		process->start_at = lab_now() + RESTART_MS;
}

static void find_port(struct lab_process *process)
{
	char path[LAB_PATH_ROOM + 16];
	struct tb_buf text = {0};
	snprintf(path, sizeof(path), "%s/listen", process->node->dir);
	if (rig_file_read(&text, path, 300)) {
		const char *colon = strrchr(tb_buf_text(&text), ':');
		int port = colon && strchr(colon, '\n') ? atoi(colon + 1) : 0;
		if (port > 0) {
			set_up(process, port);
			process->told_up = true;
			process->failures = 0;
			lab_tell(process->lab, SIM_STARTED, process->node->index, SIM_NOBODY, NULL,
			         "started");
		}
	}
	tb_buf_clear(&text);
}

void lab_life_tick(struct lab_process *process, struct sim_random *random)
{
	(void)random;
	if (process->pid)
		reap(process);
	if (process->pid && process->stop_by && lab_now() > process->stop_by) {
		lab_tell(process->lab, SIM_CRASHED, process->node->index, SIM_NOBODY, NULL,
		         "did not stop in time and was killed");
		process->stop_by = 0;
		process->killed = true;
		kill(process->pid, SIGKILL);
	}
	if (!process->pid && process->start_at && lab_now() >= process->start_at) {
		process->start_at = 0;
		start(process);
	}
	if (process->pid && !process->told_up && !process->paused)
		find_port(process);
}

void lab_life_kill(struct lab_process *process, lab_time start_at)
{
	process->start_at = start_at;
	process->killed = true;
	if (process->pid)
		kill(process->pid, SIGKILL);
}

void lab_life_pause(struct lab_process *process)
{
	process->paused = process->pid != 0;
	process->seen_paused = false;
	if (process->pid)
		kill(process->pid, SIGSTOP);
}

void lab_life_resume(struct lab_process *process)
{
	if (process->pid && process->paused)
		kill(process->pid, SIGCONT);
	process->paused = process->seen_paused = false;
}

void lab_life_stop(struct lab_process *process, lab_time start_at)
{
	process->start_at = start_at;
	pthread_mutex_lock(&process->lab->lock);
	process->node->asked_to_stop = true;
	pthread_mutex_unlock(&process->lab->lock);
	if (!process->pid)
		return;
	process->stop_by = lab_now() + STOP_MS;
	kill(process->pid, SIGTERM);
}
