#include "sim/runfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/campaign.h"
#include "sim/faults.h"
#include "sim/play.h"
#include "sim/scenario.h"
#include "sim/shrink.h"

enum { FILE_BYTES_MAX = 64 << 20, PATH_ROOM = 512 };

/* NULL after having said why; else to be freed, and ended by a NUL that |size| does not count. */
static char *read_file(const char *path, size_t *size)
{
	struct tb_buf text = {0};
	char block[4096];
	FILE *file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "tongban-sim: %s: cannot be read\n", path);
		return NULL;
	}
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0 && text.size < FILE_BYTES_MAX;)
		tb_buf_add(&text, block, got);
	bool bad = ferror(file) || text.size >= FILE_BYTES_MAX;
	fclose(file);
	if (bad) {
		fprintf(stderr, "tongban-sim: %s: cannot be read, or over %d bytes\n", path, FILE_BYTES_MAX);
		tb_buf_clear(&text);
		return NULL;
	}
	tb_buf_add(&text, "", 1);
	*size = text.size - 1;
	return (char *)text.data;
}

static bool read_replay(struct sim_replay *out, const char *path)
{
	struct tb_error err = {0};
	size_t size;
	char *text = read_file(path, &size);
	enum tb_code code = text ? sim_replay_parse(out, text, &err) : TB_EIO;
	if (text && code)
		fprintf(stderr, "tongban-sim: %s: %s\n", path, err.text);
	free(text);
	return code == TB_OK;
}

int sim_runfile_replay(const struct sim_runfile *order, const char *path)
{
	struct sim_replay file;
	struct sim_task task = order->task;
	if (!read_replay(&file, path))
		return SIM_STATUS_USAGE;
	task.options = file.options;
	task.file = path;
	task.options.story_ordinary = order->task.options.story_ordinary;
	task.options.story_kept = order->task.options.story_kept;
	int status = sim_run_apart(&task, order->dir, order->quiet);
	sim_replay_clear(&file);
	return status;
}

int sim_runfile_shrink(const struct sim_runfile *order, const char *path)
{
	struct sim_replay file;
	char out[PATH_ROOM];
	if (!read_replay(&file, path))
		return SIM_STATUS_USAGE;
	snprintf(out, sizeof(out), "%.480s%s", order->out ? order->out : path, order->out ? "" : ".small");
	struct sim_shrink shrink = {.options = file.options,
	                            .dir = order->dir,
	                            .out = out,
	                            .seconds_most = order->seconds_most,
	                            .quiet = order->quiet};
	int status = sim_shrink_print(&shrink);
	sim_replay_clear(&file);
	return status;
}

int sim_runfile_scenario(const struct sim_runfile *order, const char *path)
{
	struct sim_scenario *story;
	struct sim_task task = order->task;
	struct sim_outcome outcome;
	struct tb_error err;
	size_t size;
	char *text = read_file(path, &size);
	if (!text)
		return SIM_STATUS_USAGE;
	enum tb_code code = sim_scenario_read(&story, tb_bytes_of(text, size), path, &err);
	free(text);
	if (code) {
		fprintf(stderr, "tongban-sim: %s\n", err.text);
		return SIM_STATUS_USAGE;
	}
	sim_scenario_options(&task.options, story);
	task.file = path;
	sim_run_in_child(&outcome, &task, order->dir);
	printf("%-8s  %s: %s\n", outcome.verdict == SIM_HELD ? "held" : "NOT HELD", path, story->title);
	if (outcome.verdict != SIM_HELD)
		printf("          %s\n", outcome.failure);
	fflush(stdout);
	sim_scenario_free(story);
	return (int)outcome.verdict;
}
