#include "sim/faults.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check.h"
#include "sim/hostile.h"
#include "sim/net.h"
#include "sim/rot.h"

enum {
	HOSTILE_MOST = 100000,
	DEAD_FROM = 6,
	GONE_FOR_LONG = 100000, /* of the crashes in a long run */
	LARGE_WORLD = 64,
	CRASH_IN_TURN = 30,
	CRASH_IN_HAND_OVER = 30 /* of 100 */
};

/* Up to this span the rates are what they say; beyond it, as many faults in all. */
#define FULL_SPAN (2.0 * (double)SIM_DAY)
#define LONG_RUN (15 * SIM_DAY)

/* A factor for each class of faults: 0 is never, 100 is what the swarm draws around. */
struct sim_preset {
	const char *name;
	unsigned net;
	unsigned crash;
	unsigned power;
	unsigned pause;
	unsigned clock;
	unsigned disk;
	unsigned cuts;
	unsigned hostile;
	unsigned restore;
	unsigned upgrade;
	unsigned load;
	bool swarm; /* each class is left out by half of the seeds */
	bool north_south;
	bool flapping;
	bool holiday;
};

static const struct sim_preset presets[] = {
	{.name = "calm", .load = 100},
	{.name = "swarm",
         .net = 100,
         .crash = 100,
         .power = 100,
         .pause = 100,
         .clock = 100,
         .disk = 100,
         .cuts = 100,
         .hostile = 100,
         .restore = 100,
         .upgrade = 100,
         .load = 100,
         .swarm = true},
	{.name = "lossy", .net = 500, .pause = 50, .load = 100},
	{.name = "rolling-power", .net = 30, .crash = 200, .power = 800, .upgrade = 50, .load = 100},
	{.name = "split-north-south", .net = 50, .crash = 30, .cuts = 300, .load = 100, .north_south = true},
	{.name = "flapping-city", .net = 50, .crash = 50, .cuts = 100, .load = 100, .flapping = true},
	{.name = "byzantine", .net = 50, .crash = 50, .hostile = 1000, .load = 100},
	{.name = "storage-hell", .crash = 100, .power = 300, .disk = 1000, .restore = 50, .load = 60},
	{.name = "clock-chaos", .net = 50, .crash = 50, .clock = 1000, .load = 100},
	{.name = "holiday-rush",
         .net = 50,
         .crash = 30,
         .cuts = 50,
         .upgrade = 100,
         .load = 400,
         .holiday = true},
};

enum { PRESETS = sizeof(presets) / sizeof(presets[0]) };

const struct sim_preset *sim_preset_find(const char *name)
{
	for (size_t i = 0; i < PRESETS; i++) {
		if (strcmp(presets[i].name, name) == 0)
			return &presets[i];
	}
	return NULL;
}

const struct sim_preset *sim_preset_at(size_t index)
{
	return index < PRESETS ? &presets[index] : NULL;
}

const char *sim_preset_name(const struct sim_preset *preset)
{
	return preset->name;
}

bool sim_preset_holiday(const struct sim_preset *preset)
{
	return preset->holiday;
}

/* ---- drawing */

struct sim_faults {
	struct sim_rates rates;
	struct sim_random random;
	uint32_t *targets; /* scratch, by node */
	uint32_t world_numbers[SIM_DECISION_KINDS];
	uint32_t flapping;
};

/* Of |most| at a weight of 100; spread over two orders of magnitude, so that some seeds see many of one kind
 * and few of another. */
static double draw(struct sim_random *random, unsigned weight, double most)
{
	static const double spread[] = {0, 0.02, 0.1, 0.3, 0.6, 1.0, 1.0, 2.0};
	double share = spread[sim_random_below(random, 8)];
	return weight == 0 ? 0 : most * share * weight / 100.0;
}

static uint32_t draw_ppm(struct sim_random *random, unsigned weight, double most)
{
	double value = draw(random, weight, most);
	return value > 400000.0 ? 400000 : (uint32_t)value;
}

static unsigned weigh(struct sim_random *random, const struct sim_preset *preset, unsigned weight)
{
	bool out = preset->swarm && sim_random_chance(random, 500000);
	return out ? 0 : weight;
}

static void draw_net(struct sim_rates *rates, struct sim_random *random, const struct sim_preset *preset)
{
	static const uint64_t speeds[] = {2000000, 10000000, 50000000, 250000000};
	static const sim_time tails[] = {SIM_MS, 5 * SIM_MS, 20 * SIM_MS, 100 * SIM_MS};
	unsigned weight = weigh(random, preset, preset->net);
	rates->lose_request = draw_ppm(random, weight, 20000);
	rates->lose_answer = draw_ppm(random, weight, 20000);
	rates->duplicate = draw_ppm(random, weight, 20000);
	rates->cut_stream = draw_ppm(random, weight, 100000);
	rates->tail = tails[sim_random_below(random, 4)];
	rates->bytes_a_second = speeds[sim_random_below(random, 4)];
	rates->clogs = draw(random, weight, 24);
	rates->cuts = draw(random, weigh(random, preset, preset->cuts), 12);
	rates->north_south = preset->north_south;
	rates->flapping = preset->flapping;
}

static void draw_nodes(struct sim_rates *rates, struct sim_random *random, const struct sim_preset *preset)
{
	unsigned disk = weigh(random, preset, preset->disk), clock = weigh(random, preset, preset->clock);
	rates->crashes = draw(random, weigh(random, preset, preset->crash), 6);
	rates->power_losses = draw(random, weigh(random, preset, preset->power), 6);
	rates->cut_in_commit = 700000;
	rates->pauses = draw(random, weigh(random, preset, preset->pause), 4);
	rates->restores = draw(random, weigh(random, preset, preset->restore), 0.6);
	rates->regrants = draw(random, preset->swarm ? 100 : 0, 1);
	rates->upgrades = draw(random, weigh(random, preset, preset->upgrade), 1);
	rates->rots = draw(random, disk, 0.1);
	rates->disk_faults = draw(random, disk, 4);
	rates->disk_fulls = draw(random, disk, 1);
	rates->disk = (struct sim_disk_faults){.write_fails = draw_ppm(random, disk, 3000),
	                                       .write_fails_late = draw_ppm(random, disk, 3000),
	                                       .write_short = draw_ppm(random, disk, 3000),
	                                       .sync_fails = draw_ppm(random, disk, 3000),
	                                       .sync_slow = draw_ppm(random, disk, 100000)};
	rates->clock_steps = draw(random, clock, 1);
	rates->clock_drift = (int64_t)draw(random, clock, 50);
	rates->clock_offset = (tb_time)draw(random, clock, (double)TB_MINUTE);
}

/* Long runs and large worlds would spend themselves on asking for descriptions, and on more of the same
 * faults. */
static void scale(struct sim_rates *rates, struct sim_random *random, const struct sim_options *options)
{
	static const tb_time describe[] = {TB_MINUTE,   5 * TB_MINUTE, 30 * TB_MINUTE,
	                                   2 * TB_HOUR, 6 * TB_HOUR,   12 * TB_HOUR};
	size_t least = options->span > 5 * SIM_DAY ? 3 : options->span > SIM_DAY ? 2 : 0;
	double *const all[] = {&rates->crashes,     &rates->power_losses, &rates->pauses,
	                       &rates->clock_steps, &rates->restores,     &rates->disk_faults,
	                       &rates->disk_fulls,  &rates->regrants,     &rates->cuts,
	                       &rates->clogs,       &rates->hostile_acts, &rates->upgrades,
	                       &rates->rots};
	double share = FULL_SPAN / (double)options->span;
	if (options->nodes_count > LARGE_WORLD)
		least = 2;
	rates->describe_every = describe[least + sim_random_below(random, 3)];
	for (size_t i = 0; share < 1 && i < sizeof(all) / sizeof(all[0]); i++)
		*all[i] *= share;
}

static void draw_hostile(struct sim_rates *rates, struct sim_random *random, const struct sim_preset *preset)
{
	unsigned weight = weigh(random, preset, preset->hostile);
	rates->hostile = weight ? HOSTILE_MOST : 0;
	rates->hostile_acts = weight ? 20 + draw(random, weight, 100) : 0;
	rates->load = preset->load / 100.0;
}

struct sim_faults *sim_faults_new(struct sim_world *world)
{
	struct sim_faults *faults = tb_alloc(sizeof(*faults));
	const struct sim_preset *preset = world->options.preset;
	sim_random_start(&faults->random, world->options.seed, "faults", 0);
	faults->targets = tb_alloc(world->options.nodes_count * sizeof(*faults->targets));
	draw_net(&faults->rates, &faults->random, preset);
	draw_nodes(&faults->rates, &faults->random, preset);
	draw_hostile(&faults->rates, &faults->random, preset);
	scale(&faults->rates, &faults->random, &world->options);
	return faults;
}

void sim_faults_free(struct sim_faults *faults)
{
	free(faults->targets);
	free(faults);
}

const struct sim_rates *sim_rates(const struct sim_world *world)
{
	return &world->faults->rates;
}

/* ---- what happens to a node */

static void crash(struct sim_node *node, struct sim_random *random)
{
	sim_time down =
		sim_random_exponential(random, sim_random_chance(random, 900000) ? SIM_MINUTE : SIM_HOUR);
	uint64_t moment = sim_random_below(random, 100);
	bool gone = node->world->options.span > LONG_RUN && sim_random_chance(random, GONE_FOR_LONG);
	if (gone) /* longer than a message lives */
		down = sim_random_range(random, 8 * SIM_DAY, 12 * SIM_DAY);
	else if (moment < CRASH_IN_TURN) {
		node->dies_after_commit = true;
		return;
	}
	if (!gone && moment < CRASH_IN_TURN + CRASH_IN_HAND_OVER) {
		node->dies_in_hand_over = true;
		return;
	}
	sim_tell(node->world, SIM_CRASHED, node->index, SIM_NOBODY, NULL, "killed");
	sim_node_stop(node, SIM_STOP_CRASH);
	sim_node_start_after(node, SIM_SECOND + down);
}

static void lose_power(struct sim_node *node, struct sim_random *random)
{
	sim_time down = SIM_MINUTE + sim_random_exponential(random, 10 * SIM_MINUTE);
	uint64_t calls = 1 + sim_random_below(random, 12);
	if (sim_random_chance(random, node->world->faults->rates.cut_in_commit)) {
		sim_disk_cut_after(node->disk, calls); /* in the next turn that writes */
		return;
	}
	sim_tell(node->world, SIM_POWER_LOST, node->index, SIM_NOBODY, NULL, "between two turns");
	sim_node_stop(node, SIM_STOP_POWER);
	sim_node_start_after(node, down);
}

static void pause_node(struct sim_node *node, struct sim_random *random)
{
	sim_tell(node->world, SIM_PAUSED, node->index, SIM_NOBODY, NULL, "stands still");
	sim_node_pause(node, SIM_SECOND + sim_random_exponential(random, 20 * SIM_SECOND));
}

static void clock_right_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_node *node = subject;
	(void)argument;
	if (!world->healed)
		sim_node_step_clock(node, sim_ms(world->now) - sim_node_now(node));
}

static const struct sim_event_kind clock_right_event = {"clock-right", clock_right_run, NULL};

/* Most are seen by somebody and set right some hours later. */
static void step_clock(struct sim_node *node, struct sim_random *random)
{
	static const tb_time sizes[] = {TB_SECOND, TB_MINUTE, 10 * TB_MINUTE, TB_HOUR, TB_DAY};
	tb_time by = sizes[sim_random_below(random, 5)];
	if (sim_random_chance(random, 300000)) /* somebody sets it right */
		by = sim_ms(node->world->now) - sim_node_now(node);
	else if (sim_random_chance(random, 500000))
		by = -by;
	sim_tell(node->world, SIM_CLOCK_STEPPED, node->index, SIM_NOBODY, NULL, "by %lld ms", (long long)by);
	sim_node_step_clock(node, by);
	if (sim_random_chance(random, 900000))
		sim_after(node->world, sim_random_exponential(random, 3 * SIM_HOUR), &clock_right_event, node,
		          0);
}

/* A backup is taken now and then; one day an operator puts it back. */
static void restore(struct sim_node *node, struct sim_random *random)
{
	struct sim_world *world = node->world;
	if (node->backup_at == 0 || sim_random_chance(random, 500000)) {
		sim_disk_backup(node->disk);
		node->backup_at = world->now;
		return;
	}
	sim_tell(world, SIM_RESTORED, node->index, SIM_NOBODY, NULL, "a backup %lld s old",
	         (long long)((world->now - node->backup_at) / SIM_SECOND));
	sim_mark(&world->marks, SIM_MARK_RESTORED);
	sim_node_stop(node, SIM_STOP_CRASH);
	bool there = sim_disk_restore(node->disk);
	assert(there);
	sim_check_restored(node);
	sim_node_start_after(node, SIM_MINUTE);
}

static void disk_well_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_node *node = subject;
	static const struct sim_disk_faults none = {0};
	(void)world;
	(void)argument;
	sim_disk_set_faults(node->disk, &none);
}

static const struct sim_event_kind disk_well_event = {"disk-well", disk_well_run, NULL};

static void disk_faults(struct sim_node *node, struct sim_random *random)
{
	sim_time span = SIM_MINUTE + sim_random_exponential(random, 10 * SIM_MINUTE);
	sim_tell(node->world, SIM_DISK_FAULT, node->index, SIM_NOBODY, NULL, "for %lld s",
	         (long long)(span / SIM_SECOND));
	sim_disk_set_faults(node->disk, &node->world->faults->rates.disk);
	sim_after(node->world, span, &disk_well_event, node, 0);
}

/* In order: the node ends what it does, and starts as another release. Some are taken back. */
static void upgrade(struct sim_node *node, struct sim_random *random)
{
	bool newer = !node->newer || sim_random_chance(random, 700000);
	sim_tell(node->world, SIM_UPGRADED, node->index, SIM_NOBODY, NULL, "%s",
	         newer ? "stopped in order, to the next release" : "stopped in order, back to this release");
	sim_mark(&node->world->marks, SIM_MARK_UPGRADED);
	sim_node_stop(node, SIM_STOP_TIDY);
	sim_node_upgrade(node, newer);
	sim_node_start_after(node, 10 * SIM_SECOND + sim_random_exponential(random, SIM_MINUTE));
}

/* From here on the node may refuse what it acknowledged, but it may not say what is not so. */
static void rot(struct sim_node *node, struct sim_random *random)
{
	sim_node_stop(node, SIM_STOP_TIDY);
	const char *table = sim_rot_value(node, random);
	if (table) {
		sim_tell(node->world, SIM_DISK_ROT, node->index, SIM_NOBODY, NULL,
		         "a bit of a value in table %s turned over", table);
		node->rotten = true;
		node->rotten_table = table;
		sim_check_restored(node);
	}
	sim_node_start_after(node, SIM_SECOND);
}

static void disk_full(struct sim_node *node, struct sim_random *random)
{
	struct sim_disk_faults full = {.room_bytes = 1};
	sim_tell(node->world, SIM_DISK_FULL, node->index, SIM_NOBODY, NULL, "no room left");
	sim_disk_set_faults(node->disk, &full);
	sim_after(node->world, SIM_MINUTE + sim_random_exponential(random, 5 * SIM_MINUTE), &disk_well_event,
	          node, 0);
}

static void regrant(struct sim_node *node, struct sim_random *random)
{
	(void)random;
	sim_node_set_peers(node, sim_net_peers(node->world, node->index));
}

static void hostile(struct sim_node *node, struct sim_random *random)
{
	sim_hostile_act(node, random);
}

/* ---- what happens to the net */

static void cut_end_run(struct sim_world *world, void *subject, uint64_t cut)
{
	(void)subject;
	if (world->healed)
		return; /* the number may be another cut's by now */
	sim_net_cut_end(world->net, (int)cut);
	sim_tell(world, SIM_LINK_HEALED, SIM_NOBODY, SIM_NOBODY, NULL, "cut %d is mended", (int)cut);
}

static const struct sim_event_kind cut_end_event = {"cut-end", cut_end_run, NULL};

static size_t choose_inside(struct sim_world *world, struct sim_random *random, uint32_t *inside)
{
	const struct sim_rates *rates = &world->faults->rates;
	size_t count = 0;
	uint32_t share = (uint32_t)sim_random_range(random, 100000, 600000);
	uint32_t one = (uint32_t)sim_random_below(random, world->nodes_count);
	if (rates->flapping)
		one = world->faults->flapping;
	bool alone = rates->flapping || sim_random_chance(random, 300000);
	for (uint32_t i = 0; i < world->nodes_count; i++) {
		bool in = sim_random_chance(random, share);
		if (rates->north_south)
			in = i < world->nodes_count / 2; /* the codes go from north to south, roughly */
		else if (alone)
			in = i == one;
		if (in)
			inside[count++] = i;
	}
	return count;
}

static void cut(struct sim_world *world, struct sim_random *random)
{
	uint32_t *inside = world->faults->targets;
	bool one_way = sim_random_chance(random, 300000);
	sim_time span =
		SIM_SECOND +
		sim_random_exponential(random, world->faults->rates.flapping ? SIM_MINUTE : 20 * SIM_MINUTE);
	size_t count = choose_inside(world, random, inside);
	int number = sim_net_cut_begin(world->net, one_way);
	if (number < 0)
		return;
	for (size_t i = 0; i < count; i++)
		sim_net_cut_add(world->net, number, inside[i]);
	sim_tell(world, SIM_LINK_CUT, count == 1 ? inside[0] : SIM_NOBODY, SIM_NOBODY, NULL,
	         "cut %d: %zu nodes%s", number, count, one_way ? ", outward only" : "");
	sim_after(world, span, &cut_end_event, NULL, (uint64_t)number);
}

static void clog_links(struct sim_world *world, struct sim_random *random)
{
	size_t count;
	uint32_t node = (uint32_t)sim_random_below(random, world->nodes_count);
	struct sim_link *links = sim_links(world->net, node, &count);
	uint64_t chosen = sim_random_u64(random);
	sim_time span = sim_random_exponential(random, 30 * SIM_SECOND);
	for (size_t i = 0; i < count; i++) {
		if (chosen >> (i % 64) & 1) {
			links[i].clogged_until = world->now + span;
			sim_span(world, node, links[i].to, world->now, world->now + span, false);
			sim_tell(world, SIM_LINK_SLOW, node, links[i].to, NULL, "clogged for %lld ms",
			         (long long)(span / SIM_MS));
		}
	}
}

/* ---- when */

/* One kind of fault: of nodes, or of the whole world. */
struct source {
	enum sim_decision_kind kind;
	size_t rate; /* offset in struct sim_rates: a double */
	void (*node)(struct sim_node *node, struct sim_random *random);
	void (*world)(struct sim_world *world, struct sim_random *random);
};

#define RATE(name) offsetof(struct sim_rates, name)
static const struct source sources[] = {
	{SIM_DO_CRASH, RATE(crashes), crash, NULL},
	{SIM_DO_POWER, RATE(power_losses), lose_power, NULL},
	{SIM_DO_PAUSE, RATE(pauses), pause_node, NULL},
	{SIM_DO_CLOCK, RATE(clock_steps), step_clock, NULL},
	{SIM_DO_RESTORE, RATE(restores), restore, NULL},
	{SIM_DO_DISK, RATE(disk_faults), disk_faults, NULL},
	{SIM_DO_FULL, RATE(disk_fulls), disk_full, NULL},
	{SIM_DO_REGRANT, RATE(regrants), regrant, NULL},
	{SIM_DO_UPGRADE, RATE(upgrades), upgrade, NULL},
	{SIM_DO_ROT, RATE(rots), rot, NULL},
	{SIM_DO_HOSTILE, RATE(hostile_acts), hostile, NULL},
	{SIM_DO_CUT, RATE(cuts), NULL, cut},
	{SIM_DO_CLOG, RATE(clogs), NULL, clog_links},
};

enum { SOURCES = sizeof(sources) / sizeof(sources[0]) };

static void fault_run(struct sim_world *world, void *subject, uint64_t which);
static const struct sim_event_kind fault_event = {"fault", fault_run, NULL};

static void next_fault(struct sim_world *world, struct sim_node *node, uint64_t which)
{
	double rate;
	struct sim_random *random = node ? &node->fates : &world->faults->random;
	memcpy(&rate, (const char *)&world->faults->rates + sources[which].rate, sizeof(rate));
	if (rate <= 0)
		return;
	sim_after(world, 1 + sim_random_exponential(random, (int64_t)((double)SIM_DAY / rate)), &fault_event,
	          node, which);
}

static void fault_run(struct sim_world *world, void *subject, uint64_t which)
{
	const struct source *source = &sources[which];
	struct sim_node *node = subject;
	struct sim_random own;
	if (world->healed)
		return;
	uint32_t number = node ? node->numbers[source->kind]++ : world->faults->world_numbers[source->kind]++;
	uint32_t index = node ? node->index : SIM_NOBODY;
	/* What the fault draws is its own: leaving one out changes no other. */
	sim_random_start(&own, world->options.seed, sim_decision_word(source->kind),
	                 (uint64_t)index << 32 | number);
	sim_note(world, which);
	bool may = !node || node->state == SIM_NODE_UP || (source->kind == SIM_DO_CLOCK && !node->absent);
	if (may && sim_decide(world, source->kind, index, SIM_NOBODY, number)) {
		if (node)
			source->node(node, &own);
		else
			source->world(world, &own);
	}
	next_fault(world, node, which);
}

static void choose_hostile(struct sim_world *world)
{
	struct sim_random random;
	const struct sim_rates *rates = &world->faults->rates;
	sim_random_start(&random, world->options.seed, "hostile", 0);
	size_t most = world->nodes_count / 10;
	if (rates->hostile && most == 0 && world->nodes_count >= 3)
		most = 1;
	for (size_t i = 0; rates->hostile && i < most; i++) {
		struct sim_node *node = &world->nodes[sim_random_below(&random, world->nodes_count)];
		if (!node->hostile)
			node->hostile = sim_decide(world, SIM_DO_TURN_HOSTILE, node->index, SIM_NOBODY, 0);
	}
}

static void set_clocks(struct sim_world *world)
{
	const struct sim_rates *rates = &world->faults->rates;
	for (size_t i = 0; i < world->nodes_count; i++) {
		struct sim_node *node = &world->nodes[i];
		if (rates->clock_offset)
			sim_node_step_clock(node, sim_random_range(&node->random, -rates->clock_offset,
			                                           rates->clock_offset));
		if (rates->clock_drift)
			sim_node_set_drift(node, sim_random_range(&node->random, -rates->clock_drift,
			                                          rates->clock_drift));
	}
}

void sim_faults_begin(struct sim_world *world)
{
	world->faults->flapping = (uint32_t)sim_random_below(&world->faults->random, world->nodes_count);
	choose_hostile(world);
	set_clocks(world);
	for (size_t which = 0; which < SOURCES; which++) {
		if (sources[which].world)
			next_fault(world, NULL, which);
		for (size_t i = 0; i < world->nodes_count && sources[which].node; i++) {
			struct sim_node *node = &world->nodes[i];
			if (sources[which].kind != SIM_DO_HOSTILE || node->hostile)
				next_fault(world, node, which);
		}
	}
}

void sim_faults_heal(struct sim_world *world)
{
	static const struct sim_disk_faults none = {0};
	struct sim_random random;
	sim_random_start(&random, world->options.seed, "core", 0);
	sim_net_heal(world->net);
	for (size_t i = 0; i < world->nodes_count; i++) {
		struct sim_node *node = &world->nodes[i];
		sim_disk_set_faults(node->disk, &none);
		sim_disk_cut_after(node->disk, 0);
		sim_node_set_drift(node, 0);
		node->offset = 0;
		sim_node_step_clock(node, 0);
		/* Some seeds lose a few nodes for good: the others must do without. */
		if (world->nodes_count >= DEAD_FROM && world->options.seed % 4 == 3 &&
		    sim_random_chance(&random, 150000) && !node->absent) {
			sim_node_stop(node, SIM_STOP_CRASH);
			node->dead = true;
		}
		if (node->dead)
			continue;
		sim_node_resume(node);
		if (node->state == SIM_NODE_DOWN)
			sim_node_start_after(node, SIM_SECOND);
	}
}
