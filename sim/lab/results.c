#include "sim/lab/results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/lab/rig_files.h"
#include "sim/report.h"

enum { LOG_MOST = 64 << 20, EVENTS_MOST = 64, COUNTS_MOST = 32 };

enum { NO_RESULT = 1, INTERRUPTED = 130 };

int lab_verdict(const struct lab *lab, char *sentence, size_t room)
{
	uint64_t broken = 0;
	const char *first = "";
	for (size_t i = 0; i < LAB_RULES; i++) {
		if (lab->rules[i].broken && !broken)
			first = lab->rules[i].first;
		broken += lab->rules[i].broken;
	}
	if (broken) {
		snprintf(sentence, room, "%s", first);
		return SIM_BROKEN;
	}
	if (lab->interrupted) {
		snprintf(sentence, room, "interrupted");
		return INTERRUPTED;
	}
	if (lab->counts.crashes) {
		snprintf(sentence, room, "%s", lab->crash);
		return SIM_DIED;
	}
	if (lab->dead) {
		snprintf(sentence, room, "no result: %s", lab->why);
		return NO_RESULT;
	}
	if (lab->lag[0]) {
		snprintf(sentence, room, "after all faults were over: %s", lab->lag);
		return SIM_NOT_LIVE;
	}
	snprintf(sentence, room, "%u nodes, %lld s of trouble, nothing was lost, doubled or stuck",
	         lab->options.nodes, (long long)(lab->options.span_ms / 1000));
	return SIM_HELD;
}

/* ---- the nodes' own logs */

struct event_count {
	char event[48];
	uint64_t count;
};

static void count_event(struct event_count *events, size_t *count, const char *name, size_t size)
{
	size_t at = 0;
	while (at < *count && (strncmp(events[at].event, name, size) != 0 || events[at].event[size]))
		at++;
	if (at == EVENTS_MOST || size >= sizeof(events[at].event))
		return;
	if (at == *count) {
		memcpy(events[at].event, name, size);
		++*count;
	}
	events[at].count++;
}

/* Which errors the nodes logged, and how often. Many are what they must say of the trouble they were in. */
static size_t log_errors(const struct lab *lab, struct event_count *events)
{
	static const char level[] = "\"level\":\"error\"", name[] = "\"event\":\"";
	size_t count = 0;
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		struct tb_buf text = {0};
		rig_file_read(&text, lab->nodes[i].log, LOG_MOST);
		const char *line = tb_buf_text(&text);
		while (*line) {
			const char *end = strchrnul(line, '\n');
			const char *found = memmem(line, (size_t)(end - line), level, sizeof(level) - 1);
			const char *event = memmem(line, (size_t)(end - line), name, sizeof(name) - 1);
			if (found && event)
				count_event(events, &count, event + sizeof(name) - 1,
				            strcspn(event + sizeof(name) - 1, "\""));
			line = end + (*end == '\n');
		}
		tb_buf_clear(&text);
	}
	return count;
}

/* ---- the report */

static size_t fill_counts(const struct lab *lab, struct sim_report_count *out)
{
	const struct lab_counts *c = &lab->counts;
	size_t count = 0;
	unsigned restored = 0;
	uint64_t starts = 0;
	static const char *const fault_names[LAB_FAULTS] = {
		"faults: kill -9",
		"faults: links cut or half open",
		"faults: links slow",
		"faults: disk full",
		"faults: SIGSTOP",
		"faults: links change bytes",
		"faults: old backup put back",
	};
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		restored += lab->nodes[i].restored;
		starts += lab->nodes[i].starts;
	}
	for (size_t i = 0; i < LAB_FAULTS; i++)
		out[count++] = (struct sim_report_count){fault_names[i], c->faults[i]};
#define COUNT(text, value) out[count++] = (struct sim_report_count){text, value}
	COUNT("nodes with an older store, of which what came after it was not expected", restored);
	COUNT("things found missing that an older store explains", c->excused);
	COUNT("starts of nodes", starts);
	COUNT("connections through the proxy", c->connections);
	COUNT("bytes changed", c->changed_bytes);
	COUNT("bytes swallowed by half-open links", c->swallowed_bytes);
	COUNT("cases acknowledged", c->cases);
	COUNT("cases brought to their end", c->closed);
	COUNT("acts acknowledged by the owner", c->acts);
	COUNT("acts proposed to the owner", c->proposals);
	COUNT("acts refused", c->acts_refused);
	COUNT("materials acknowledged", c->materials);
	COUNT("certificates acknowledged", c->certificates);
	COUNT("verifications answered", c->verifications);
	COUNT("verifications of what is not there", c->unknown_asked);
	COUNT("requests repeated on purpose", c->repeated);
	COUNT("checkpoints written down", c->checkpoints);
	COUNT("calls without an answer", c->silences);
#undef COUNT
	return count;
}

static void fill_checks(const struct lab *lab, struct sim_report_check *out)
{
	for (size_t i = 0; i < LAB_RULES; i++) {
		const struct lab_rule_count *rule = &lab->rules[i];
		out[i] = (struct sim_report_check){lab_rule_word((enum lab_rule)i),
		                                   lab_rule_sentence((enum lab_rule)i), rule->checked,
		                                   rule->broken, rule->broken ? rule->first : NULL};
	}
}

static void print_summary(const struct lab *lab, const struct sim_report *report)
{
	struct event_count events[EVENTS_MOST] = {0};
	size_t events_count = log_errors(lab, events);
	for (size_t i = 0; i < report->counts_count; i++)
		printf("%10llu  %s\n", (unsigned long long)report->counts[i].count, report->counts[i].name);
	for (size_t i = 0; i < events_count; i++)
		printf("%10llu  errors in the nodes' logs: %s\n", (unsigned long long)events[i].count,
		       events[i].event);
	for (size_t i = 0; i < report->checks_count; i++) {
		const struct sim_report_check *check = &report->checks[i];
		printf("%-7s %-24s %8llu looked at", check->broken ? "BROKEN" : "held", check->name,
		       (unsigned long long)check->checked);
		if (check->broken)
			printf(", %llu broken: %s", (unsigned long long)check->broken, check->first);
		printf("\n");
	}
	printf("%s\n", report->sentence);
	fflush(stdout);
}

static void replay_command(const struct lab *lab, struct tb_buf *out)
{
	const struct lab_options *o = &lab->options;
	tb_buf_printf(out, "tongban-lab run --nodes %u --for %llds --seed %llu --faults ", o->nodes,
	              (long long)(o->span_ms / 1000), (unsigned long long)o->seed);
	for (size_t i = 0; i < LAB_FAULTS; i++)
		tb_buf_printf(out, "%s%s=%g", i ? "," : "", lab_fault_word((enum lab_fault)i), o->rates[i]);
	tb_buf_str(out, " --tongban PROGRAM --dir DIR (the faults and the work are drawn again; their timing "
	                "is the machine's)");
}

enum tb_code lab_results_write(const struct lab *lab, const struct lab_work *work,
                               const struct lab_faults *faults, double seconds, struct tb_error *err)
{
	struct sim_report_node nodes[LAB_NODES_MAX];
	struct sim_report_check checks[LAB_RULES];
	struct sim_report_count counts[COUNTS_MOST];
	struct sim_report_latency latencies[] = {
		{"verification through the local API, asked to answered", &work->verify_ms, "ms"},
		{"case handed in, asked to acknowledged", &work->submit_ms, "ms"},
	};
	char sentence[512];
	struct tb_buf replay = {0};
	int verdict = lab_verdict(lab, sentence, sizeof(sentence));
	for (unsigned i = 0; i < lab->options.nodes; i++)
		nodes[i] = (struct sim_report_node){lab->nodes[i].code, lab->nodes[i].name, false};
	fill_checks(lab, checks);
	replay_command(lab, &replay);
	struct sim_report report = {
		/* Without a result it is at least not a run that held. */
		.verdict = verdict == NO_RESULT || verdict == INTERRUPTED ? SIM_NOT_LIVE
	                                                                  : (enum sim_verdict)verdict,
		.sentence = sentence,
		.seed = lab->options.seed,
		.preset = "lab",
		.crypto = "real",
		.version = "",
		.replay = tb_buf_text(&replay),
		.hash = "",
		.started = lab->began_wall,
		.ended = lab_wall(),
		.events = sim_story_told(lab->story),
		.wall_seconds = seconds,
		.nodes = nodes,
		.nodes_count = lab->options.nodes,
		.checks = checks,
		.checks_count = LAB_RULES,
		.counts = counts,
		.counts_count = fill_counts(lab, counts),
		.latencies = latencies,
		.latencies_count = sizeof(latencies) / sizeof(latencies[0]),
		.story = lab->story,
	};
	report.spans = lab_faults_spans(faults, &report.spans_count);
	enum tb_code code = sim_report_write(lab->options.report, &report, err);
	print_summary(lab, &report);
	tb_buf_clear(&replay);
	return code;
}

void lab_progress(struct lab *lab)
{
	static const char *const phases[] = {"preparing", "trouble", "healing", "stopping"};
	struct tb_buf line = {0};
	unsigned up = 0;
	pthread_mutex_lock(&lab->lock);
	for (unsigned i = 0; i < lab->options.nodes; i++)
		up += lab->nodes[i].up;
	lab_time since = lab_now() - lab->began;
	uint64_t deeds = lab->counts.acts + lab->counts.proposals;
	tb_buf_printf(&line,
	              "%3lld s %-9s nodes %u/%u  cases %llu (%llu ended)  acts %llu  verified %llu  faults",
	              (long long)(since / 1000), phases[lab->phase], up, lab->options.nodes,
	              (unsigned long long)lab->counts.cases, (unsigned long long)lab->counts.closed,
	              (unsigned long long)deeds, (unsigned long long)lab->counts.verifications);
	for (size_t i = 0; i < LAB_FAULTS; i++) {
		if (lab->counts.faults[i])
			tb_buf_printf(&line, " %s %llu", lab_fault_word((enum lab_fault)i),
			              (unsigned long long)lab->counts.faults[i]);
	}
	if (lab->phase == LAB_PHASE_HEAL && lab->lag[0])
		tb_buf_printf(&line, "  waits: %s", lab->lag);
	pthread_mutex_unlock(&lab->lock);
	fprintf(stderr, "%s\n", tb_buf_text(&line));
	tb_buf_clear(&line);
}
