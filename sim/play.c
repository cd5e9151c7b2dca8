#include "sim/play_priv.h"

#include <assert.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "node/core/casetable.h"
#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	MATERIAL_BYTES = 64 * 1024, /* of a case that names no size */
	HOSTILE_EVERY_MINUTES = 10, /* acts of a node that is hostile from the start */
	EVENT_ROOM = 24,
};

#define FOR_EVER (20 * 365 * SIM_DAY)

static void step_run(struct sim_world *world, void *subject, uint64_t argument);
static void expect_run(struct sim_world *world, void *subject, uint64_t argument);
static void mend_run(struct sim_world *world, void *subject, uint64_t argument);
static void hostile_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind step_event = {"step", step_run, NULL};
static const struct sim_event_kind expect_event = {"expect", expect_run, NULL};
static const struct sim_event_kind mend_event = {"mend", mend_run, NULL};
static const struct sim_event_kind hostile_event = {"hostile", hostile_run, NULL};

#define SPAN(step) ((step)->span * SIM_MS)

void play_impossible(struct sim_world *world, const struct sim_step *step, const char *why)
{
	play_unmet(world, step, "%s", why);
}

/* The run ends as what it is: an expectation that everything came to rest is about liveness. */
void play_unmet(struct sim_world *world, const struct sim_step *step, const char *fmt, ...)
{
	char text[200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sim_tell(world, SIM_RULE_BROKEN, step->node == SIM_NOWHERE ? SIM_NOBODY : step->node, SIM_NOBODY,
	         step->case_label == SIM_NOWHERE ? NULL : play_case_number(world, step), "line %u: %s",
	         step->line, text);
	sim_fail(world, step->verb == SIM_EXPECT_QUIET ? SIM_NOT_LIVE : SIM_BROKEN, "%s, line %u: %s: %s",
	         world->play->scenario->file, step->line, sim_verb_word(step->verb), text);
}

void play_again(struct sim_world *world, const struct sim_step *step)
{
	sim_after(world, PLAY_LATER, &step_event, (void *)(uintptr_t)step, 0);
}

const char *play_case_number(struct sim_world *world, const struct sim_step *step)
{
	const struct play_case *labelled = &world->play->cases[step->case_label];
	return labelled->kase ? sim_case_number(labelled->kase, labelled->part) : "";
}

/* ---- people */

static void do_submit(struct sim_world *world, const struct sim_step *step)
{
	struct sim_script script = {.mode = step->word ? step->word : "DS",
	                            .window = step->node,
	                            .home = step->peer,
	                            .size = step->number ? (uint64_t)step->number : MATERIAL_BYTES,
	                            .by_hand = step->flag,
	                            .originals = step->originals};
	if (!sim_link_find(world->net, step->node, step->peer))
		play_impossible(world, step, "the two know nothing of each other");
	else
		world->play->cases[step->case_label].kase = sim_case_script(world->work, &script);
}

static void do_joint(struct sim_world *world, const struct sim_step *step)
{
	struct sim_script script = {.mode = "LB",
	                            .window = step->node,
	                            .home = step->node,
	                            .parts = step->group,
	                            .parts_count = step->group_count,
	                            .in_order = step->flag,
	                            .size = MATERIAL_BYTES};
	struct sim_case *kase = sim_case_script(world->work, &script);
	for (size_t i = 0; i <= step->group_count; i++)
		world->play->cases[step->case_label + i] = (struct play_case){kase, i};
}

static void event_name(char out[EVENT_ROOM], const char *word)
{
	size_t i = 0;
	for (; word[i] && i + 1 < EVENT_ROOM; i++)
		out[i] = (char)toupper((unsigned char)word[i]);
	out[i] = 0;
}

static PbCaseState state_at(struct sim_node *node, const char *number)
{
	struct sim_reader reader;
	PbCaseState state = PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
	if (!node->core || !number[0])
		return state;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, number);
	if (record)
		state = record->state;
	sim_read_end(&reader);
	return state;
}

/* What the event's row asks for. */
static void add_detail(struct tb_buf *out, const char *event, const char *mode, const struct sim_step *step)
{
	const char *way = strcmp(mode, "QC") == 0 ? ",\"way\":\"NETWORK\"" : ",\"way\":\"WINDOW_PICKUP\"";
	static const char *const lists[] = {"ASK", "NOTIFY"};
	const char *reason = step->text ? step->text : "核实";
	long long number = (long long)step->number;
	tb_buf_printf(out, ",\"detail\":{\"reason\":\"%s\"", reason);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (strcmp(event, lists[i]) == 0)
			tb_buf_str(out, ",\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\",\"required\":true,"
			                "\"basis\":\"公证程序规则\"}]");
	}
	if (strcmp(event, "SUSPEND") == 0 || strcmp(event, "EXTEND") == 0)
		tb_buf_printf(out, ",\"days\":%lld", number ? number : 3);
	if (strcmp(event, "POST") == 0)
		tb_buf_str(out, ",\"waybill\":{\"carrier\":\"EMS\",\"number\":\"1\"}");
	if (strcmp(event, "DISPATCH") == 0)
		tb_buf_str(out, way);
	if (strcmp(event, "EVALUATE") == 0)
		tb_buf_printf(out, ",\"grade\":%lld", number ? number : 2);
	if (strcmp(event, "CONSULT") == 0 || strcmp(event, "REPAIR") == 0 || strcmp(event, "LOST") == 0)
		tb_buf_printf(out, ",\"note\":\"%s\"", reason);
	tb_buf_str(out, "}");
}

static void do_act(struct sim_world *world, const struct sim_step *step)
{
	const struct play_case *labelled = &world->play->cases[step->case_label];
	bool at_home = strcmp(step->side, "home") == 0;
	char event[EVENT_ROOM];
	struct tb_buf more = {0};
	if (!labelled->kase) { /* its submit step was of another time */
		play_impossible(world, step, "the case was never handed in");
		return;
	}
	struct sim_script script = sim_case_scripted(labelled->kase);
	uint32_t home = labelled->part ? script.parts[labelled->part - 1] : script.home;
	struct sim_node *node = &world->nodes[at_home ? home : script.window];
	const char *number = play_case_number(world, step);
	if (node->state != SIM_NODE_UP || !number[0]) {
		play_again(world, step);
		return;
	}
	event_name(event, step->word);
	add_detail(&more, event, script.mode, step);
	/* Somebody at a desk if nobody may: it will be refused. */
	const char *role = sim_case_role(node, number, event, at_home);
	if (!role)
		role = at_home ? "H_WIN" : "R_WIN";
	sim_case_act(labelled->kase, number, node, event, role, tb_buf_text(&more));
	tb_buf_clear(&more);
}

static void do_verify(struct sim_world *world, const struct sim_step *step)
{
	if (!sim_link_find(world->net, step->node, step->peer)) {
		play_impossible(world, step, "the two know nothing of each other");
		return;
	}
	for (int64_t i = 0; i < (step->number ? step->number : 1); i++)
		sim_work_verify(world, step->node, step->peer);
}

/* ---- nodes */

static void do_stop(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	bool power = step->verb == SIM_STEP_POWER_LOSS;
	sim_tell(world, power ? SIM_POWER_LOST : SIM_CRASHED, node->index, SIM_NOBODY, NULL, "%s",
	         power ? "lost power" : "killed");
	sim_node_stop(node, power ? SIM_STOP_POWER : SIM_STOP_CRASH);
	if (step->span)
		sim_node_start_after(node, SPAN(step));
}

static void do_pause(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_tell(world, SIM_PAUSED, node->index, SIM_NOBODY, NULL, "stands still");
	sim_node_pause(node, step->span ? SPAN(step) : FOR_EVER);
}

static void do_start(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_node_resume(node);
	if (node->state == SIM_NODE_DOWN)
		sim_node_start_after(node, 0);
}

static void do_backup(struct sim_world *world, const struct sim_step *step)
{
	sim_disk_backup(world->nodes[step->node].disk);
	world->nodes[step->node].backup_at = world->now;
}

static void do_restore(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_node_stop(node, SIM_STOP_CRASH);
	if (node->backup_at == 0 || !sim_disk_restore(node->disk)) {
		play_impossible(world, step, "there is no backup");
		return;
	}
	sim_tell(world, SIM_RESTORED, node->index, SIM_NOBODY, NULL, "an operator put an older backup there");
	sim_mark(&world->marks, SIM_MARK_RESTORED);
	sim_check_restored(node);
	node->rotten = node->dead = false;
	sim_node_start_after(node, SIM_MINUTE);
}

static void do_upgrade(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_tell(world, SIM_UPGRADED, node->index, SIM_NOBODY, NULL, "stopped in order, upgraded");
	sim_node_stop(node, SIM_STOP_TIDY);
	sim_node_upgrade(node, true);
	sim_node_start_after(node, 10 * SIM_SECOND);
}

static void do_clock(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_tell(world, SIM_CLOCK_STEPPED, node->index, SIM_NOBODY, NULL, "by %lld ms, %lld ppm from now on",
	         (long long)step->span, (long long)step->number);
	sim_node_set_drift(node, step->number);
	sim_node_step_clock(node, step->span);
}

static void do_disk(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	struct sim_disk_faults faults = {0};
	if (strcmp(step->word, "full") == 0)
		faults.room_bytes = 1;
	else if (strcmp(step->word, "failing") == 0)
		faults = (struct sim_disk_faults){.write_fails = 20000,
		                                  .write_fails_late = 20000,
		                                  .write_short = 20000,
		                                  .sync_fails = 20000};
	else if (strcmp(step->word, "slow") == 0)
		faults.sync_slow = 1000000;
	sim_tell(world, faults.room_bytes ? SIM_DISK_FULL : SIM_DISK_FAULT, node->index, SIM_NOBODY, NULL,
	         "the disk is %s", step->word);
	sim_disk_set_faults(node->disk, &faults);
	if (step->span)
		sim_after(world, SPAN(step), &mend_event, (void *)(uintptr_t)step, 0);
}

static void do_rot(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	sim_tell(world, SIM_DISK_ROT, node->index, SIM_NOBODY, NULL, "bits of %s turned over", step->text);
	sim_node_stop(node, SIM_STOP_TIDY);
	if (!sim_disk_rot(node->disk, step->text)) {
		play_impossible(world, step, "there is no such file, or nothing in it");
		return;
	}
	node->rotten = true;
	sim_check_restored(node);
	sim_node_start_after(node, SIM_SECOND);
}

/* ---- links */

static void set_link(struct sim_world *world, const struct sim_step *step, uint32_t from, uint32_t to,
                     bool on)
{
	struct sim_link *link = sim_link_find(world->net, from, to);
	if (!link)
		return;
	if (on)
		link->since = world->now;
	else if (link->cut || link->lose || link->slower)
		sim_span(world, from, to, link->since, world->now, step->verb == SIM_STEP_CUT);
	if (step->verb == SIM_STEP_CUT)
		link->cut = on;
	else if (step->verb == SIM_STEP_SLOW)
		link->slower = on ? step->delay * SIM_MS : 0;
	else
		link->lose = on ? (uint32_t)step->number * 10000 : 0;
}

static void set_links(struct sim_world *world, const struct sim_step *step, bool on)
{
	set_link(world, step, step->node, step->peer, on);
	if (!step->flag)
		set_link(world, step, step->peer, step->node, on);
	sim_tell(world,
	         !on                           ? SIM_LINK_HEALED
	         : step->verb == SIM_STEP_SLOW ? SIM_LINK_SLOW
	                                       : SIM_LINK_CUT,
	         step->node, step->peer, NULL, "%s%s", on ? sim_verb_word(step->verb) : "well again",
	         step->flag ? ", one way" : "");
}

static void do_link(struct sim_world *world, const struct sim_step *step)
{
	if (!sim_link_find(world->net, step->node, step->peer)) {
		play_impossible(world, step, "the two know nothing of each other");
		return;
	}
	set_links(world, step, true);
	if (step->span)
		sim_after(world, SPAN(step), &mend_event, (void *)(uintptr_t)step, 0);
}

static void do_split(struct sim_world *world, const struct sim_step *step)
{
	int cut = sim_net_cut_begin(world->net, false);
	if (cut < 0) {
		play_impossible(world, step, "too many at once");
		return;
	}
	for (size_t i = 0; i < step->group_count; i++)
		sim_net_cut_add(world->net, cut, step->group[i]);
	sim_tell(world, SIM_LINK_CUT, step->group[0], SIM_NOBODY, NULL,
	         "%zu nodes are cut off from the others", step->group_count);
	if (step->span)
		sim_after(world, SPAN(step), &mend_event, (void *)(uintptr_t)step, (uint64_t)cut);
}

static void do_heal(struct sim_world *world, const struct sim_step *step)
{
	static const struct sim_disk_faults none = {0};
	(void)step;
	sim_tell(world, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "everything is well again");
	sim_net_heal(world->net);
	for (size_t i = 0; i < world->nodes_count; i++) {
		sim_disk_set_faults(world->nodes[i].disk, &none);
		sim_node_resume(&world->nodes[i]);
		if (world->nodes[i].state == SIM_NODE_DOWN)
			sim_node_start_after(&world->nodes[i], SIM_SECOND);
	}
}

static void mend_run(struct sim_world *world, void *subject, uint64_t cut)
{
	static const struct sim_disk_faults none = {0};
	const struct sim_step *step = subject;
	if (world->healed)
		return;
	if (step->verb == SIM_STEP_DISK) {
		sim_disk_set_faults(world->nodes[step->node].disk, &none);
	} else if (step->verb == SIM_STEP_SPLIT) {
		sim_net_cut_end(world->net, (int)cut);
		sim_tell(world, SIM_LINK_HEALED, SIM_NOBODY, SIM_NOBODY, NULL, "the split is mended");
	} else {
		set_links(world, step, false);
	}
}

/* ---- hostile nodes */

static void do_hostile(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	enum sim_act act;
	size_t count;
	const struct sim_link *links = sim_links(world->net, node->index, &count);
	bool known = sim_act_find(step->word, &act);
	assert(known);
	if (count > 0)
		sim_hostile_do(node, &world->nodes[step->peer == SIM_NOWHERE ? links[0].to : step->peer],
		               act);
}

static void hostile_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_node *node = subject;
	enum sim_act act;
	size_t count;
	const struct sim_link *links = sim_links(world->net, node->index, &count);
	(void)argument;
	if (world->healed || count == 0 || !sim_act_find(node->does, &act))
		return;
	if (node->state == SIM_NODE_UP)
		sim_hostile_do(node, &world->nodes[links[sim_random_below(&node->random, count)].to], act);
	sim_after(world, HOSTILE_EVERY_MINUTES * SIM_MINUTE, &hostile_event, node, 0);
}

/* ---- expectations */

static void expect_case(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	PbCaseState state = state_at(node, play_case_number(world, step));
	const char *is = state ? case_state_name(state) : "unknown";
	if (!node->core)
		play_unmet(world, step, "%s is down: nobody can see the case", node->name);
	else if (strcasecmp(is, step->word) != 0)
		play_unmet(world, step, "case %s in %s is %s, not %s",
		           world->play->scenario->cases.names[step->case_label], node->name, is, step->word);
}

static void expect_disputed(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	struct sim_reader reader;
	bool known = false, disputed = false;
	const char *number = play_case_number(world, step);
	if (node->core && number[0]) {
		sim_read_begin(&reader, node);
		const PbCaseRecord *record = sim_read_case(&reader, number);
		known = record != NULL;
		disputed = record && record->dispute;
		sim_read_end(&reader);
	}
	if (!known)
		play_unmet(world, step, "case %s is not to be seen in %s",
		           world->play->scenario->cases.names[step->case_label], node->name);
	else if (disputed != step->flag)
		play_unmet(world, step, "case %s in %s is %sdisputed",
		           world->play->scenario->cases.names[step->case_label], node->name,
		           disputed ? "" : "not ");
}

/* The last day of the clock that is called |word|, or "none". */
static void last_day(char out[16], struct sim_node *node, const char *number, const char *word)
{
	struct sim_reader reader;
	snprintf(out, 16, "none");
	if (!node->core || !number[0])
		return;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, number);
	for (size_t i = 0; record && i < record->n_clocks; i++) {
		const PbClockState *clock = record->clocks[i];
		const char *name = strchr(case_clock_name(clock->clock), '_'); /* "T5_DECIDE" */
		if (clock->running && name && strcasecmp(name + 1, word) == 0)
			tb_day_format(out, tb_day_at(clock->due_ms - 1)); /* it ends at 24:00 */
	}
	sim_read_end(&reader);
}

static void expect_limit(struct sim_world *world, const struct sim_step *step)
{
	struct sim_node *node = &world->nodes[step->node];
	char ends[16];
	last_day(ends, node, play_case_number(world, step), step->word);
	if (strcmp(ends, step->text) != 0)
		play_unmet(world, step, "%s of case %s in %s ends %s, not %s", step->word,
		           world->play->scenario->cases.names[step->case_label], node->name, ends,
		           step->text);
}

static void expect_refused(struct sim_world *world, const struct sim_step *step)
{
	struct sim_case *kase = world->play->cases[step->case_label].kase;
	const char *refusal = kase ? sim_case_refusal(kase) : "";
	if (!strstr(refusal, step->text))
		play_unmet(world, step, "case %s was %s%s%s",
		           world->play->scenario->cases.names[step->case_label],
		           refusal[0] ? "refused with \"" : "not refused", refusal, refusal[0] ? "\"" : "");
}

static void expect_mark(struct sim_world *world, const struct sim_step *step)
{
	uint64_t least = step->number ? (uint64_t)step->number : 1;
	unsigned i = 0;
	while (i < SIM_MARKS && strcmp(sim_mark_word((enum sim_mark)i), step->word) != 0)
		i++;
	assert(i < SIM_MARKS);
	if (world->marks.counts[i] < least)
		play_unmet(world, step, "%s was reached %llu times, not %llu", step->word,
		           (unsigned long long)world->marks.counts[i], (unsigned long long)least);
}

static void expect_quiet(struct sim_world *world, const struct sim_step *step)
{
	char why[160] = "";
	if (!sim_check_quiet(world, why, sizeof(why)))
		play_unmet(world, step, "%s", why);
}

/* ---- all of them */

static void (*const verbs[SIM_VERBS])(struct sim_world *, const struct sim_step *) = {
	[SIM_STEP_SUBMIT] = do_submit,
	[SIM_STEP_JOINT] = do_joint,
	[SIM_STEP_ACT] = do_act,
	[SIM_STEP_VERIFY] = do_verify,
	[SIM_STEP_PROPOSE] = play_propose,
	[SIM_STEP_SIGN] = play_sign,
	[SIM_STEP_END] = play_end,
	[SIM_STEP_OPEN] = play_open,
	[SIM_STEP_POST] = play_post,
	[SIM_STEP_CRASH] = do_stop,
	[SIM_STEP_POWER_LOSS] = do_stop,
	[SIM_STEP_PAUSE] = do_pause,
	[SIM_STEP_START] = do_start,
	[SIM_STEP_BACKUP] = do_backup,
	[SIM_STEP_RESTORE] = do_restore,
	[SIM_STEP_UPGRADE] = do_upgrade,
	[SIM_STEP_CLOCK] = do_clock,
	[SIM_STEP_DISK] = do_disk,
	[SIM_STEP_ROT] = do_rot,
	[SIM_STEP_CUT] = do_link,
	[SIM_STEP_SLOW] = do_link,
	[SIM_STEP_LOSE] = do_link,
	[SIM_STEP_SPLIT] = do_split,
	[SIM_STEP_HEAL] = do_heal,
	[SIM_STEP_HOSTILE] = do_hostile,
	[SIM_EXPECT_CASE] = expect_case,
	[SIM_EXPECT_DISPUTED] = expect_disputed,
	[SIM_EXPECT_LIMIT] = expect_limit,
	[SIM_EXPECT_REFUSED] = expect_refused,
	[SIM_EXPECT_AGREEMENT] = play_expect_agreement,
	[SIM_EXPECT_MATTER] = play_expect_matter,
	[SIM_EXPECT_MARK] = expect_mark,
	[SIM_EXPECT_QUIET] = expect_quiet,
};

static void step_run(struct sim_world *world, void *subject, uint64_t argument)
{
	const struct sim_step *step = subject;
	(void)argument;
	if (!world->healed)
		verbs[step->verb](world, step);
}

static void expect_run(struct sim_world *world, void *subject, uint64_t argument)
{
	const struct sim_step *step = subject;
	(void)argument;
	verbs[step->verb](world, step);
}

void sim_scenario_options(struct sim_options *options, const struct sim_scenario *scenario)
{
	options->scenario = scenario;
	options->seed = scenario->seed;
	options->nodes_count = (uint32_t)scenario->nodes_count;
	options->span = scenario->lasts * SIM_MS;
	options->preset = sim_preset_find(scenario->preset);
}

struct sim_play *sim_play_new(struct sim_world *world)
{
	const struct sim_scenario *scenario = world->options.scenario;
	struct sim_play *play = tb_alloc(sizeof(*play));
	play->scenario = scenario;
	play->cases = tb_alloc((scenario->cases.count + 1) * sizeof(*play->cases));
	play->agreements = tb_alloc((scenario->agreements.count + 1) * sizeof(*play->agreements));
	play->matters = tb_alloc((scenario->matters.count + 1) * sizeof(*play->matters));
	for (size_t i = 0; i < scenario->nodes_count; i++) {
		if (scenario->nodes[i].hostile) {
			world->nodes[i].hostile = true;
			world->nodes[i].does = scenario->nodes[i].hostile;
		}
	}
	for (size_t i = 0; i < scenario->steps_count; i++) {
		if (scenario->steps[i].verb == SIM_STEP_HOSTILE) {
			struct sim_node *node = &world->nodes[scenario->steps[i].node];
			node->hostile = true;
			node->does = node->does ? node->does : scenario->steps[i].word;
		}
	}
	return play;
}

void sim_play_free(struct sim_play *play)
{
	if (!play)
		return;
	free(play->cases); /* the cases are the work's */
	free(play->agreements);
	free(play->matters);
	free(play);
}

void sim_play_begin(struct sim_world *world)
{
	const struct sim_scenario *scenario = world->play->scenario;
	for (size_t i = 0; i < scenario->steps_count; i++)
		sim_at(world, scenario->steps[i].at * SIM_MS, &step_event, &scenario->steps[i], 0);
	for (size_t i = 0; i < scenario->expects_count; i++) {
		if (scenario->expects[i].at * SIM_MS < world->storm_until)
			sim_at(world, scenario->expects[i].at * SIM_MS, &expect_event, &scenario->expects[i],
			       0);
	}
	for (size_t i = 0; i < scenario->nodes_count; i++) {
		if (scenario->nodes[i].hostile)
			sim_after(world, SIM_MINUTE, &hostile_event, &world->nodes[i], 0);
	}
}

void sim_play_end(struct sim_world *world)
{
	const struct sim_scenario *scenario = world->play->scenario;
	for (size_t i = 0; i < scenario->expects_count; i++) {
		if (scenario->expects[i].at * SIM_MS >= world->storm_until)
			expect_run(world, &scenario->expects[i], 0);
	}
	/* Some nodes answer by a turn. */
	if (world->verdict == SIM_HELD)
		sim_world_run_until(world, world->now + SIM_SECOND);
}
