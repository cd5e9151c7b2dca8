#include "sim/outcome.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/faults.h"
#include "sim/net.h"
#include "sim/trace.h"

enum { DID_KEPT = 2000, LINE_MAX_BYTES = 256, EVENT_LINES = 1000000 };

/* How long it took is for people; nothing in a world sees it. */
static double wall(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void sim_task_command(char *out, size_t room, const struct sim_task *task)
{
	const struct sim_options *options = &task->options;
	if (task->file) {
		snprintf(out, room, "tongban-sim %s %s", options->scenario ? "scenario" : "replay",
		         task->file);
		return;
	}
	int size = snprintf(out, room,
	                    "tongban-sim run --seed %" PRIu64 " --nodes %u --preset %s --minutes %lld",
	                    options->seed, options->nodes_count, sim_preset_name(options->preset),
	                    (long long)(options->span / SIM_MINUTE));
	if (options->cases_a_day && size > 0 && (size_t)size < room)
		size += snprintf(out + size, room - (size_t)size, " --cases %u", options->cases_a_day);
	if (options->verifications_a_day && size > 0 && (size_t)size < room)
		size += snprintf(out + size, room - (size_t)size, " --verifications %u",
		                 options->verifications_a_day);
	if (options->real_crypto && size > 0 && (size_t)size < room)
		size += snprintf(out + size, room - (size_t)size, " --crypto real");
	if (!options->liveness && size > 0 && (size_t)size < room)
		snprintf(out + size, room - (size_t)size, " --no-healing");
}

/* ---- replay files */

void sim_replay_write(struct tb_buf *out, const struct sim_options *options, const struct sim_world *world,
                      const char *failure)
{
	tb_buf_printf(out, "tongban-sim replay 1\nseed %" PRIu64 "\nnodes %u\npreset %s\nminutes %lld\n",
	              options->seed, options->nodes_count, sim_preset_name(options->preset),
	              (long long)(options->span / SIM_MINUTE));
	tb_buf_printf(out, "cases %u\nverifications %u\ncrypto %s\nhealing %s\n", options->cases_a_day,
	              options->verifications_a_day, options->real_crypto ? "real" : "stub",
	              options->liveness ? "yes" : "no");
	if (options->until)
		tb_buf_printf(out, "until %lld\n", (long long)(options->until / SIM_MINUTE));
	for (unsigned i = 0; i < SIM_DECISION_KINDS; i++) {
		if (options->without >> i & 1)
			tb_buf_printf(out, "without %s\n", sim_decision_word((enum sim_decision_kind)i));
	}
	for (size_t i = 0; i < options->skips_count; i++)
		tb_buf_printf(out, "skip %s %u %u %u\n", sim_decision_word(options->skips[i].kind),
		              options->skips[i].node, options->skips[i].peer, options->skips[i].number);
	tb_buf_printf(out, "# %s\n", failure);
	if (!world)
		return;
	size_t first = world->decisions_count > DID_KEPT ? world->decisions_count - DID_KEPT : 0;
	tb_buf_printf(out, "# the last %zu of %zu decisions: kind node peer number, ms after the start\n",
	              world->decisions_count - first, world->decisions_count);
	for (size_t i = first; i < world->decisions_count; i++) {
		const struct sim_decision *did = &world->decisions[i];
		tb_buf_printf(out, "did %s %u %u %u %lld\n", sim_decision_word(did->kind), did->node,
		              did->peer, did->number, (long long)((did->at - world->started) / SIM_MS));
	}
}

static bool parse_skip(struct sim_replay *replay, const char *text)
{
	char word[32];
	struct sim_decision skip = {0};
	if (replay->options.skips_count == SIM_SKIPS_MAX ||
	    sscanf(text, "%31s %u %u %u", word, &skip.node, &skip.peer, &skip.number) != 4 ||
	    !sim_decision_find(word, &skip.kind))
		return false;
	size_t count = replay->options.skips_count++;
	if ((count & (count - 1)) == 0) /* room is always a power of two */
		replay->skips = tb_realloc(replay->skips, (count ? 2 * count : 1) * sizeof(*replay->skips));
	replay->skips[count] = skip;
	return true;
}

static bool parse_line(struct sim_replay *replay, const char *line)
{
	struct sim_options *options = &replay->options;
	char word[64] = "";
	enum sim_decision_kind kind;
	unsigned long long number;
	long long minutes;
	if (line[0] == '#' || line[0] == '\0' || strncmp(line, "did ", 4) == 0)
		return true;
	if (strncmp(line, "skip ", 5) == 0)
		return parse_skip(replay, line + 5);
	if (sscanf(line, "seed %llu", &number) == 1)
		options->seed = number;
	else if (sscanf(line, "nodes %llu", &number) == 1 && number >= 2 && number <= SIM_NODES_MAX)
		options->nodes_count = (uint32_t)number;
	else if (sscanf(line, "preset %63s", word) == 1 && sim_preset_find(word))
		options->preset = sim_preset_find(word);
	else if (sscanf(line, "minutes %lld", &minutes) == 1 && minutes > 0 && minutes < 1000000)
		options->span = minutes * SIM_MINUTE;
	else if (sscanf(line, "until %lld", &minutes) == 1 && minutes > 0 && minutes < 1000000)
		options->until = minutes * SIM_MINUTE;
	else if (sscanf(line, "cases %llu", &number) == 1 && number <= UINT32_MAX)
		options->cases_a_day = (uint32_t)number;
	else if (sscanf(line, "verifications %llu", &number) == 1 && number <= UINT32_MAX)
		options->verifications_a_day = (uint32_t)number;
	else if (sscanf(line, "crypto %63s", word) == 1)
		options->real_crypto = strcmp(word, "real") == 0;
	else if (sscanf(line, "without %63s", word) == 1 && sim_decision_find(word, &kind))
		options->without |= 1U << kind;
	else if (sscanf(line, "healing %63s", word) == 1)
		options->liveness = strcmp(word, "yes") == 0;
	else
		return false;
	return true;
}

enum tb_code sim_replay_parse(struct sim_replay *out, const char *text, struct tb_error *err)
{
	static const char head[] = "tongban-sim replay 1\n";
	unsigned number = 1;
	*out = (struct sim_replay){0};
	if (strncmp(text, head, sizeof(head) - 1) != 0)
		return tb_fail(err, TB_EMALFORMED, "not a replay file of version 1");
	for (text += sizeof(head) - 1; *text; number++) {
		char line[LINE_MAX_BYTES];
		size_t size = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(size < sizeof(line) ? size : sizeof(line) - 1),
		         text);
		if (size >= sizeof(line) || !parse_line(out, line)) {
			sim_replay_clear(out);
			return tb_fail(err, TB_EMALFORMED, "line %u is not understood", number + 1);
		}
		text += size + (text[size] == '\n');
	}
	out->options.skips = out->skips;
	if (out->options.nodes_count == 0 || !out->options.preset || out->options.span == 0) {
		sim_replay_clear(out);
		return tb_fail(err, TB_EMALFORMED, "nodes, preset or minutes are missing");
	}
	return TB_OK;
}

void sim_replay_clear(struct sim_replay *replay)
{
	free(replay->skips);
	*replay = (struct sim_replay){0};
}

/* |world| NULL: it is gone. */
static void save(const struct sim_task *task, const struct sim_world *world, const char *failure)
{
	struct tb_buf text = {0};
	FILE *file = fopen(task->save, "w");
	sim_replay_write(&text, &task->options, world, failure);
	if (!file || fwrite(text.data, 1, text.size, file) != text.size)
		fprintf(stderr, "%s: cannot be written\n", task->save);
	if (file)
		fclose(file);
	tb_buf_clear(&text);
}

/* ---- reports */

static int by_since(const void *a, const void *b)
{
	const struct sim_report_span *x = a, *y = b;
	return (x->since > y->since) - (x->since < y->since);
}

static void fill_checks(struct sim_report_check checks[SIM_RULES], struct sim_report_mark marks[SIM_MARKS],
                        const struct sim_outcome *outcome)
{
	for (unsigned i = 0; i < SIM_RULES; i++)
		checks[i] = (struct sim_report_check){
			.name = sim_rule_word((enum sim_rule)i),
			.sentence = sim_rule_sentence((enum sim_rule)i),
			.checked = outcome->rules[i].checked,
			.broken = outcome->rules[i].broken,
			.first = outcome->rules[i].broken ? outcome->rules[i].first : NULL};
	for (unsigned i = 0; i < SIM_MARKS; i++)
		marks[i] = (struct sim_report_mark){
			sim_mark_word((enum sim_mark)i), sim_mark_sentence((enum sim_mark)i),
			outcome->marks.counts[i], false}; /* one run need not reach them all */
}

static void report(const struct sim_task *task, const struct sim_world *world,
                   const struct sim_outcome *outcome)
{
	struct sim_report_node *nodes = tb_alloc(world->nodes_count * sizeof(*nodes));
	struct sim_report_check checks[SIM_RULES];
	struct sim_report_mark marks[SIM_MARKS];
	char command[256], hash[20];
	struct tb_error err;
	const struct sim_report_count counts[] = {
		{"cases handed in", outcome->work.cases},
		{"cases at their end", outcome->work.cases_closed},
		{"acts", outcome->work.acts},
		{"acts refused", outcome->work.acts_refused},
		{"verifications", outcome->work.verifications},
		{"verifications without an answer", outcome->work.verifications_failed},
		{"losses of power", outcome->disk_losses},
		{"calls of the system that failed", outcome->disk_faults},
	};
	const struct sim_report_latency latencies[] = {
		{"verification, asked to answered", sim_work_verify_ms(world->work), "ms"},
		{"case, handed in to its end", sim_work_case_s(world->work), "s"},
	};
	for (size_t i = 0; i < world->nodes_count; i++)
		nodes[i] = (struct sim_report_node){world->nodes[i].code, world->nodes[i].name,
		                                    world->nodes[i].hostile};
	fill_checks(checks, marks, outcome);
	sim_task_command(command, sizeof(command), task);
	snprintf(hash, sizeof(hash), "%016" PRIx64, outcome->hash);
	struct sim_report text = {
		.verdict = outcome->verdict,
		.sentence = outcome->verdict == SIM_HELD ? "every rule held, and everything came to rest"
	                                                 : outcome->failure,
		.seed = task->options.seed,
		.preset = sim_preset_name(task->options.preset),
		.crypto = task->options.real_crypto ? "real" : "stub",
		.version = "0.1.0",
		.replay = command,
		.hash = hash,
		.started = sim_ms(world->started),
		.ended = sim_ms(world->now),
		.events = outcome->events,
		.wall_seconds = outcome->wall_seconds,
		.nodes = nodes,
		.nodes_count = world->nodes_count,
		.checks = checks,
		.checks_count = SIM_RULES,
		.marks = marks,
		.marks_count = SIM_MARKS,
		.counts = counts,
		.counts_count = sizeof(counts) / sizeof(counts[0]),
		.latencies = latencies,
		.latencies_count = sizeof(latencies) / sizeof(latencies[0]),
		.spans = world->spans,
		.spans_count = world->spans_count,
		.story = world->story,
	};
	if (world->spans_count > 0)
		qsort(world->spans, world->spans_count, sizeof(*world->spans), by_since);
	(void)mkdir(task->report, 0700); /* or it is there */
	if (sim_report_write(task->report, &text, &err))
		fprintf(stderr, "%s\n", err.text);
	free(nodes);
}

/* ---- running */

static void fill(struct sim_outcome *outcome, const struct sim_world *world, double since)
{
	*outcome = (struct sim_outcome){.verdict = world->verdict,
	                                .hash = world->hash,
	                                .events = world->events,
	                                .simulated = world->now - world->started,
	                                .wall_seconds = wall() - since,
	                                .nodes_count = world->nodes_count,
	                                .marks = world->marks,
	                                .work = *sim_work_counts(world->work),
	                                .own_bytes = sim_memory_own()};
	memcpy(outcome->failure, world->failure, sizeof(outcome->failure));
	memcpy(outcome->rules, sim_check_counts(world->check), sizeof(outcome->rules));
	for (size_t i = 0; i < world->nodes_count; i++) {
		const struct sim_disk_counts *counts = sim_disk_counts(world->nodes[i].disk);
		outcome->disk_losses += counts->losses;
		outcome->disk_faults += counts->faults;
		struct sim_disk_size size = sim_disk_size(world->nodes[i].disk);
		outcome->disk_bytes += size.bytes;
		outcome->disk_memory_bytes += size.memory_bytes;
	}
	uint64_t memory = outcome->own_bytes + outcome->disk_memory_bytes;
	outcome->memory_most_bytes = memory > world->memory.most_bytes ? memory : world->memory.most_bytes;
}

/* Runs the same again: it must be the same. */
static void compare(struct sim_outcome *outcome, const struct sim_task *task, struct sim_trace *trace)
{
	char where[160];
	sim_trace_again(trace);
	struct sim_world *world = sim_world_new(&task->options);
	world->trace = trace;
	sim_world_run(world, task->progress, task->ctx);
	if (trace->differs || world->hash != outcome->hash) {
		sim_trace_words(where, sizeof(where), trace);
		outcome->verdict = SIM_BROKEN;
		snprintf(outcome->failure, sizeof(outcome->failure),
		         "the second run was another one, from %s", where);
		if (task->save)
			save(task, NULL, outcome->failure);
	}
	sim_world_free(world);
}

/* ---- what is left of a run besides its outcome */

static void write_out(const char *path, const void *data, size_t size)
{
	FILE *file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size)
		fprintf(stderr, "%s: cannot be written\n", path);
	if (file)
		fclose(file);
}

/* Does the failure say which case it is about? */
static bool names_case(const struct sim_world *world)
{
	struct sim_story_walk walk = {0};
	const struct sim_story_entry *entry;
	while (world->verdict != SIM_HELD && (entry = sim_story_next(world->story, &walk))) {
		if (entry->case_number[0] && strstr(world->failure, entry->case_number))
			return true;
	}
	return false;
}

static void write_words(const char *path, const struct sim_world *world)
{
	struct tb_buf out = {0};
	struct sim_story_walk walk = {0};
	const struct sim_story_entry *entry;
	const char **names = tb_alloc(world->nodes_count * sizeof(*names));
	bool one = names_case(world); /* then what happened in others is left out */
	for (size_t i = 0; i < world->nodes_count; i++)
		names[i] = world->nodes[i].name;
	while ((entry = sim_story_next(world->story, &walk))) {
		if (!one || !entry->case_number[0] || strstr(world->failure, entry->case_number))
			sim_story_words(&out, entry, names);
	}
	write_out(path, out.data, out.size);
	tb_buf_clear(&out);
	free(names);
}

static void write_all(const struct sim_task *task, const struct sim_world *world,
                      const struct sim_outcome *outcome)
{
	if (task->report) {
		sim_net_heal(world->net); /* what was still cut is told, too */
		report(task, world, outcome);
	}
	if (task->words)
		write_words(task->words, world);
	if (task->taken)
		write_out(task->taken, world->decisions, world->decisions_count * sizeof(*world->decisions));
}

void sim_outcome_run(struct sim_outcome *outcome, const struct sim_task *task)
{
	double since = wall();
	struct sim_trace trace = {0};
	FILE *events = task->events ? fopen(task->events, "w") : NULL;
	struct sim_world *world = sim_world_new(&task->options);
	const char **codes = tb_alloc(world->nodes_count * sizeof(*codes));
	for (size_t i = 0; i < world->nodes_count; i++)
		codes[i] = world->nodes[i].code;
	if (events)
		sim_story_stream(world->story, events, EVENT_LINES, codes);
	world->trace = task->twice ? &trace : NULL;
	sim_world_run(world, task->progress, task->ctx);
	fill(outcome, world, since);
	if (events)
		fclose(events);
	sim_story_stream(world->story, NULL, 0, codes);
	write_all(task, world, outcome);
	if (outcome->verdict != SIM_HELD && task->save)
		save(task, world, world->failure);
	sim_world_free(world); /* it must let go of its disks before the second takes them */
	if (task->twice && outcome->verdict == SIM_HELD)
		compare(outcome, task, &trace);
	sim_trace_clear(&trace);
	free(codes);
}
