#include "sim/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sim/check.h"
#include "sim/faults.h"
#include "sim/net.h"
#include "sim/node.h"
#include "sim/play.h"
#include "sim/scenario.h"
#include "sim/stub.h"
#include "sim/trace.h"
#include "sim/work.h"

enum {
	PROGRESS_EVERY = 4096, /* events */
	DECISIONS_KEPT = 1 << 20,
	SPANS_KEPT = 100000,
};

/* From here the people and the faults begin; until then peers learn each other's lists. */
#define WARM_UP (2 * SIM_MINUTE)
/* What is stuck may be on its longest retry (5 min and a fifth), several times in a row. */
#define SETTLE_MOST (20 * SIM_MINUTE)
/* Every step to a case's end waits for the next look. */
#define END_MOST (60 * SIM_MINUTE)
#define LOOK_EVERY (2 * SIM_MINUTE)

/* ---- events: a binary heap */

struct event {
	sim_time at;
	uint32_t tie; /* drawn: what happens at the same time happens in any order */
	uint64_t age;
	const struct sim_event_kind *kind;
	void *subject;
	uint64_t argument;
};

struct sim_heap {
	struct event *at;
	size_t count;
	size_t room;
	uint64_t pushed;
};

static bool before(const struct event *a, const struct event *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	if (a->tie != b->tie)
		return a->tie < b->tie;
	return a->age < b->age;
}

void sim_at(struct sim_world *world, sim_time at, const struct sim_event_kind *kind, void *subject,
            uint64_t argument)
{
	struct sim_heap *heap = world->heap;
	struct event event = {.at = at < world->now ? world->now : at,
	                      .tie = (uint32_t)sim_random_u64(&world->tie),
	                      .age = heap->pushed++,
	                      .kind = kind,
	                      .subject = subject,
	                      .argument = argument};
	if (heap->count == heap->room) {
		heap->room = heap->room ? heap->room * 2 : 1024;
		heap->at = tb_realloc(heap->at, heap->room * sizeof(*heap->at));
	}
	size_t i = heap->count++;
	while (i > 0 && before(&event, &heap->at[(i - 1) / 2])) {
		heap->at[i] = heap->at[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap->at[i] = event;
}

void sim_after(struct sim_world *world, sim_time span, const struct sim_event_kind *kind, void *subject,
               uint64_t argument)
{
	sim_at(world, world->now + span, kind, subject, argument);
}

static struct event pop(struct sim_heap *heap)
{
	struct event first = heap->at[0];
	struct event last = heap->at[--heap->count];
	size_t i = 0;
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && before(&heap->at[child + 1], &heap->at[child]))
			child++;
		if (!before(&heap->at[child], &last))
			break;
		heap->at[i] = heap->at[child];
		i = child;
	}
	heap->at[i] = last;
	return first;
}

/* ---- the hash of the run */

void sim_note(struct sim_world *world, uint64_t value)
{
	world->hash = sim_mix(world->hash, value);
}

void sim_note_bytes(struct sim_world *world, const void *data, size_t size)
{
	world->hash = sim_mix_bytes(world->hash, data, size);
}

/* ---- decisions */

static const char *const decision_words[] = {
#define XX(name, word) word,
	SIM_DECISION_MAP(XX)
#undef XX
};

const char *sim_decision_word(enum sim_decision_kind kind)
{
	return decision_words[kind];
}

bool sim_decision_find(const char *word, enum sim_decision_kind *out)
{
	for (unsigned i = 0; i < SIM_DECISION_KINDS; i++) {
		if (strcmp(decision_words[i], word) == 0) {
			*out = (enum sim_decision_kind)i;
			return true;
		}
	}
	return false;
}

/* The decisions to leave out, by hash: open addressing, at most half full. */
struct sim_skips {
	size_t mask;
	uint64_t at[]; /* 0: empty */
};

static uint64_t decision_name(enum sim_decision_kind kind, uint32_t node, uint32_t peer, uint32_t number)
{
	return sim_mix(sim_mix((uint64_t)kind << 32 | node, peer), number) | 1;
}

static struct sim_skips *skips_new(const struct sim_decision *list, size_t count)
{
	size_t room = 16;
	assert(count <= SIM_SKIPS_MAX);
	while (room < 2 * count)
		room *= 2;
	struct sim_skips *skips = tb_alloc(sizeof(*skips) + room * sizeof(skips->at[0]));
	skips->mask = room - 1;
	for (size_t i = 0; i < count; i++) {
		uint64_t name = decision_name(list[i].kind, list[i].node, list[i].peer, list[i].number);
		size_t at = name & skips->mask;
		while (skips->at[at])
			at = (at + 1) & skips->mask;
		skips->at[at] = name;
	}
	return skips;
}

bool sim_decide(struct sim_world *world, enum sim_decision_kind kind, uint32_t node, uint32_t peer,
                uint32_t number)
{
	uint64_t name = decision_name(kind, node, peer, number);
	if (world->options.without >> kind & 1)
		return false;
	for (size_t at = name & world->skips->mask; world->skips->at[at];
	     at = (at + 1) & world->skips->mask) {
		if (world->skips->at[at] == name)
			return false;
	}
	if (world->decisions_count == world->decisions_room && world->decisions_count < DECISIONS_KEPT) {
		world->decisions_room = world->decisions_room ? world->decisions_room * 2 : 256;
		world->decisions =
			tb_realloc(world->decisions, world->decisions_room * sizeof(*world->decisions));
	}
	if (world->decisions_count < world->decisions_room)
		world->decisions[world->decisions_count++] = (struct sim_decision){
			.kind = kind, .node = node, .peer = peer, .number = number, .at = world->now};
	return true;
}

void sim_span(struct sim_world *world, uint32_t from, uint32_t to, sim_time since, sim_time until, bool cut)
{
	if (world->options.story_ordinary == 0 || world->spans_count == SPANS_KEPT || since >= until)
		return;
	if (world->spans_count == world->spans_room) {
		world->spans_room = world->spans_room ? 2 * world->spans_room : 256;
		world->spans = tb_realloc(world->spans, world->spans_room * sizeof(*world->spans));
	}
	world->spans[world->spans_count++] = (struct sim_report_span){
		.from = from, .to = to, .since = sim_ms(since), .until = sim_ms(until), .cut = cut};
}

void sim_fail(struct sim_world *world, enum sim_verdict verdict, const char *fmt, ...)
{
	va_list args;
	if (world->verdict != SIM_HELD)
		return;
	world->verdict = verdict;
	va_start(args, fmt);
	vsnprintf(world->failure, sizeof(world->failure), fmt, args);
	va_end(args);
}

/* ---- life */

static sim_time start_of(const struct sim_options *options)
{
	struct sim_random random;
	if (options->scenario)
		return options->scenario->starts * SIM_MS;
	sim_random_start(&random, options->seed, "start", 0);
	tb_day day = sim_preset_holiday(options->preset)
	                     ? (sim_random_chance(&random, 500000) ? tb_day_of(2026, 2, 12)
	                                                           : tb_day_of(2026, 9, 28))
	                     : tb_day_of(2026, 1, 5) + (tb_day)sim_random_below(&random, 220);
	return (tb_day_start(day) + 8 * TB_HOUR) * SIM_MS;
}

struct sim_world *sim_world_new(const struct sim_options *options)
{
	struct sim_world *world = tb_alloc(sizeof(*world));
	assert(options->nodes_count >= 2 && options->nodes_count <= SIM_NODES_MAX);
	world->options = *options;
	world->heap = tb_alloc(sizeof(*world->heap));
	world->skips = skips_new(options->skips, options->skips_count);
	world->started = start_of(options);
	world->now = world->started - WARM_UP;
	world->storm_until =
		world->started +
		(options->until && options->until < options->span ? options->until : options->span);
	world->story = sim_story_new(options->story_ordinary, options->story_kept);
	sim_random_start(&world->tie, options->seed, "tie", 0);
	world->nodes_count = options->nodes_count;
	world->faults = sim_faults_new(world);
	world->nodes = sim_nodes_new(world);
	sim_crypto_start(options->seed, !options->real_crypto);
	world->net = sim_net_new(world);
	world->check = sim_check_new(world);
	world->work = sim_work_new(world);
	world->play = options->scenario ? sim_play_new(world) : NULL;
	sim_nodes_start(world);
	return world;
}

void sim_world_free(struct sim_world *world)
{
	if (!world)
		return;
	sim_nodes_stop(world);
	while (world->heap->count > 0) {
		struct event event = pop(world->heap);
		if (event.kind->drop)
			event.kind->drop(event.subject, event.argument);
	}
	sim_play_free(world->play);
	sim_work_free(world->work);
	sim_check_free(world->check);
	sim_net_free(world->net);
	sim_nodes_free(world);
	sim_faults_free(world->faults);
	sim_story_free(world->story);
	sim_crypto_stop();
	free(world->heap->at);
	free(world->heap);
	free(world->skips);
	free(world->decisions);
	free(world->spans);
	free(world);
}

/* ---- running */

struct pace {
	bool (*progress)(void *ctx, const struct sim_world *world);
	void *ctx;
	bool stopped;
};

static void run_until(struct sim_world *world, sim_time until, struct pace *pace)
{
	struct sim_heap *heap = world->heap;
	while (world->verdict == SIM_HELD && !pace->stopped && heap->count > 0 && heap->at[0].at <= until) {
		struct event event = pop(heap);
		world->now = event.at;
		world->events++;
		sim_note(world, (uint64_t)event.at);
		event.kind->run(world, event.subject, event.argument);
		if (world->trace && !sim_trace_event(world->trace, world->hash, event.at, event.kind->name))
			sim_fail(world, SIM_BROKEN, "this run is not the first one");
		if (world->events % PROGRESS_EVERY != 0)
			continue;
		sim_memory_tidy(&world->memory, world->events);
		if (pace->progress)
			pace->stopped = !pace->progress(pace->ctx, world);
	}
	if (world->verdict == SIM_HELD && !pace->stopped)
		world->now = until;
}

void sim_world_run_until(struct sim_world *world, sim_time until)
{
	struct pace pace = {0};
	run_until(world, until, &pace);
}

/* All faults end; what does not come to rest now never will. */
static void settle(struct sim_world *world, struct pace *pace)
{
	char why[200] = "";
	world->healed = true;
	sim_tell(world, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "healing");
	sim_faults_heal(world);
	for (sim_time since = world->now; world->verdict == SIM_HELD && !pace->stopped;) {
		run_until(world, world->now + LOOK_EVERY, pace);
		if (sim_check_quiet(world, why, sizeof(why)))
			break;
		if (world->now - since >= SETTLE_MOST)
			sim_fail(world, SIM_NOT_LIVE, "20 minutes after healing: %s", why);
	}
	if (world->verdict != SIM_HELD || pace->stopped)
		return;
	sim_tell(world, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "every case is brought to an end");
	world->wound_up = true;
	for (sim_time since = world->now; world->verdict == SIM_HELD && !pace->stopped;) {
		sim_work_wind_up(world);
		run_until(world, world->now + LOOK_EVERY, pace);
		if (sim_check_quiet(world, why, sizeof(why)) && sim_check_ended(world, why, sizeof(why)))
			break;
		if (world->now - since >= END_MOST)
			sim_fail(world, SIM_NOT_LIVE, "an hour after all were asked to end: %s", why);
	}
}

enum sim_verdict sim_world_run(struct sim_world *world, bool (*progress)(void *ctx, const struct sim_world *),
                               void *ctx)
{
	struct pace pace = {.progress = progress, .ctx = ctx};
	run_until(world, world->started, &pace);
	sim_tell(world, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "people and troubles begin");
	if (world->play)
		sim_play_begin(world);
	else
		sim_work_begin(world);
	sim_faults_begin(world);
	run_until(world, world->storm_until, &pace);
	if (world->play && world->verdict == SIM_HELD)
		sim_play_end(world);
	if (world->verdict == SIM_HELD && !pace.stopped && world->options.liveness)
		settle(world, &pace);
	if (world->verdict == SIM_HELD && !pace.stopped)
		sim_check_end(world);
	return world->verdict;
}
