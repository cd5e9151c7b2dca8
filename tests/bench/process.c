#include "tests/bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/lab/rig_child.h"
#include "sim/lab/rig_files.h"

enum { READY_SECONDS = 60, STOP_SECONDS = 60 };

/* ---- processes */

double process_command(const struct bench *bench, const char *out, const char *const *args)
{
	char err[BENCH_PATH_ROOM];
	snprintf(err, sizeof(err), "%s/command.err", bench->dir);
	double from = bench_now();
	int status = rig_child_run(bench->program, args, out ? out : "/dev/null", err);
	if (status < 0)
		bench_die("tongban: %s", strerror(errno));
	double took = bench_now() - from;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		struct tb_buf text = {0};
		bench_read_file(&text, err);
		bench_die("tongban %s %s failed (%d): %.2000s", args[0], args[1] ? args[1] : "", status,
		          tb_buf_text(&text));
	}
	return took;
}

#define COMMAND(bench, out, ...) process_command(bench, out, (const char *const[]){__VA_ARGS__, NULL})

/* ---- nodes */

void node_init(const struct bench *bench, struct bench_node *node, const char *region)
{
	snprintf(node->region, sizeof(node->region), "%s", region);
	snprintf(node->dir, sizeof(node->dir), "%s/node-%s", bench->dir, region);
	snprintf(node->log, sizeof(node->log), "%s/node-%s.log", bench->dir, region);
	node->pid = 0;
	COMMAND(bench, NULL, "init", "--dir", node->dir, "--region", region, "--listen", "127.0.0.1:0");
}

static bool log_has(const struct bench_node *node, const char *what)
{
	struct tb_buf text = {0};
	bench_read_file(&text, node->log);
	bool has = strstr(tb_buf_text(&text), what) != NULL;
	tb_buf_clear(&text);
	return has;
}

static void node_failed(const struct bench_node *node, const char *what)
{
	struct tb_buf text = {0};
	bench_read_file(&text, node->log);
	bench_die("node %s %s: %.2000s", node->region, what, tb_buf_text(&text));
}

double node_start(const struct bench *bench, struct bench_node *node)
{
	char *argv[] = {(char *)(uintptr_t)bench->program, (char[]){"run"}, (char[]){"--dir"}, node->dir,
	                NULL};
	int file = open(node->log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int watch = inotify_init1(IN_CLOEXEC);
	if (file < 0 || watch < 0 || inotify_add_watch(watch, node->log, IN_MODIFY) < 0)
		bench_die("%s: %s", node->log, strerror(errno));
	close(file);
	double from = bench_now();
	/* A node must not outlive a benchmark that was stopped. */
	struct rig_child child = {.program = bench->program,
	                          .argv = argv,
	                          .out = "/dev/null",
	                          .err = node->log,
	                          .death_signal = SIGTERM};
	node->pid = rig_child_start(&child);
	if (node->pid < 0)
		bench_die("fork: %s", strerror(errno));
	for (;;) {
		char events[4096];
		struct pollfd ready = {.fd = watch, .events = POLLIN};
		if (poll(&ready, 1, 100) > 0 && read(watch, events, sizeof(events)) < 0)
			bench_die("inotify: %s", strerror(errno));
		double took = bench_now() - from;
		if (log_has(node, "\"node.ready\"")) {
			close(watch);
			return took * 1000;
		}
		if (waitpid(node->pid, NULL, WNOHANG) == node->pid || took > READY_SECONDS)
			node_failed(node, "does not start");
	}
}

void node_stop(struct bench_node *node)
{
	if (node->pid == 0)
		return;
	kill(node->pid, SIGTERM);
	double until = bench_now() + STOP_SECONDS;
	while (waitpid(node->pid, NULL, WNOHANG) != node->pid) {
		if (bench_now() > until)
			node_failed(node, "does not stop");
		bench_sleep_ms(2);
	}
	node->pid = 0;
}

void node_address(const struct bench_node *node, char out[64])
{
	char path[BENCH_PATH_ROOM + 16];
	struct tb_buf text = {0};
	snprintf(path, sizeof(path), "%s/listen", node->dir);
	bench_read_file(&text, path);
	snprintf(out, 64, "%s", tb_buf_text(&text));
	out[strcspn(out, "\n")] = 0;
	tb_buf_clear(&text);
}

double node_anonymous_kb(const struct bench_node *node)
{
	char path[64];
	struct tb_buf text = {0};
	snprintf(path, sizeof(path), "/proc/%d/status", (int)node->pid);
	bench_read_file(&text, path);
	const char *at = strstr(tb_buf_text(&text), "RssAnon:");
	if (!at)
		bench_die("%s: no RssAnon", path);
	double kb = strtod(at + strlen("RssAnon:"), NULL);
	tb_buf_clear(&text);
	return kb;
}

double node_cpu_us(const struct bench_node *node)
{
	clockid_t clock;
	struct timespec used;
	if (clock_getcpuclockid(node->pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		bench_die("%s: its CPU time cannot be read", node->region);
	return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

/* ---- peers */

static void write_file(const char *path, const struct tb_buf *text)
{
	if (!rig_file_write(path, tb_buf_bytes(text)))
		bench_die("%s: %s", path, strerror(errno));
}

/* Replaces the line that begins with |key|. */
static void set_line(const char *path, const char *key, const char *line)
{
	struct tb_buf old = {0};
	struct tb_buf text = {0};
	bench_read_file(&old, path);
	for (char *at = (char *)(uintptr_t)tb_buf_text(&old); *at;) {
		size_t size = strcspn(at, "\n");
		bool found = strncmp(at, key, strlen(key)) == 0;
		tb_buf_add(&text, found ? line : at, found ? strlen(line) : size);
		tb_buf_str(&text, "\n");
		at += size + (at[size] == '\n');
	}
	write_file(path, &text);
	tb_buf_clear(&text);
	tb_buf_clear(&old);
}

static void write_grants(const char *path)
{
	static const char grants[] = "\ngrants:\n  verify:\n    - types: [\"*\"]\n      disclosure: match\n"
				     "  cases:\n    - items: [\"*\"]\n      modes: [DS]\n"
				     "queries_per_second: 1000000\nqueries_burst: 1000000\n";
	struct tb_buf text = {0};
	bench_read_file(&text, path);
	const char *begin = tb_buf_text(&text);
	const char *end = strstr(begin, "\ngrants:");
	if (end)
		text.size = (size_t)(end - begin);
	tb_buf_str(&text, grants);
	write_file(path, &text);
	tb_buf_clear(&text);
}

void node_introduce(const struct bench *bench, const struct bench_node *from, const struct bench_node *to)
{
	char path[BENCH_PATH_ROOM + 32];
	char file[BENCH_PATH_ROOM + 32];
	if (from->pid) {
		char address[64];
		char line[96];
		node_address(from, address);
		snprintf(line, sizeof(line), "endpoint: \"%s\"", address);
		snprintf(path, sizeof(path), "%s/node.yaml", from->dir);
		set_line(path, "endpoint:", line);
	}
	snprintf(file, sizeof(file), "%s/%s.peer", bench->dir, from->region);
	COMMAND(bench, file, "peer", "export", "--dir", from->dir);
	COMMAND(bench, NULL, "peer", "import", "--dir", to->dir, file);
	snprintf(path, sizeof(path), "%s/peers/%s.yaml", to->dir, from->region);
	write_grants(path);
	if (to->pid)
		COMMAND(bench, NULL, "peer", "reload", "--dir", to->dir);
}
