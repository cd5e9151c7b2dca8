/* A fault is drawn (its kind's rate says when), lands somewhere, and ends by itself. Faults of links overlap:
 * a link's condition is what all of them together make it. At one node there is one fault at a time. */
#include "sim/lab/faults.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "sim/lab/rig_files.h"

enum {
	ACTIVE_MOST = 256,
	SPANS_MOST = 4000,
	SLACK_MOST = 256 * 1024,
	LEAST_MS = 200,
	DOWN_MOST_MS = 4000,
};

/* How long a fault lasts on average, and at most. */
static const struct {
	int64_t mean_ms, most_ms;
} lasting[LAB_FAULTS] = {
	[LAB_KILL] = {1000, DOWN_MOST_MS}, [LAB_CUT] = {5000, 25000},  [LAB_SLOW] = {12000, 45000},
	[LAB_FULL] = {6000, 15000},        [LAB_STOP] = {3000, 12000}, [LAB_CORRUPT] = {5000, 20000},
	[LAB_BACKUP] = {12000, 30000},
};

enum backup_stage {
	BACKUP_NONE,
	BACKUP_FREEZE,
	BACKUP_COPY,
	BACKUP_HELD,
	BACKUP_DOWN,
	BACKUP_PUT,
	BACKUP_DONE
};

/* A fault of links: from |from| to |to|, SIM_NOBODY being everybody. */
struct active {
	enum lab_fault fault;
	uint32_t from, to;
	lab_time until;
	struct lab_condition condition;
	size_t span_first, spans_count;
};

struct at_node {
	struct lab_faults *faults;
	struct lab_process *process;
	enum lab_fault fault; /* LAB_FAULTS: none */
	lab_time until;
	enum backup_stage stage;
	char store[LAB_PATH_ROOM + 32]; /* where its backup is */
	uv_work_t work;
	bool work_good;
};

struct lab_faults {
	struct lab *lab;
	struct lab_process *processes;
	struct lab_proxy *proxy;
	uv_loop_t *loop;
	struct sim_random random;
	lab_time next[LAB_FAULTS];
	struct active active[ACTIVE_MOST];
	size_t active_count;
	struct at_node at_nodes[LAB_NODES_MAX];
	struct sim_report_span spans[SPANS_MOST];
	size_t spans_count;
	bool drawn;
	bool ending;
};

/* ---- links */

static void merge(struct lab_condition *into, const struct lab_condition *from)
{
	if (from->delay_ms > into->delay_ms)
		into->delay_ms = from->delay_ms;
	if (from->bytes_per_second &&
	    (!into->bytes_per_second || from->bytes_per_second < into->bytes_per_second))
		into->bytes_per_second = from->bytes_per_second;
	if (from->change_ppm > into->change_ppm)
		into->change_ppm = from->change_ppm;
	into->cut = into->cut || from->cut;
	into->silent_to = into->silent_to || from->silent_to;
	into->silent_back = into->silent_back || from->silent_back;
}

static bool concerns(const struct active *active, uint32_t from, uint32_t to)
{
	return (active->from == SIM_NOBODY || active->from == from) &&
	       (active->to == SIM_NOBODY || active->to == to);
}

static void set_links(struct lab_faults *faults)
{
	unsigned nodes = faults->lab->options.nodes;
	for (unsigned from = 0; from < nodes; from++) {
		for (unsigned to = 0; to < nodes; to++) {
			struct lab_condition condition = {0};
			for (size_t i = 0; i < faults->active_count; i++) {
				if (concerns(&faults->active[i], from, to))
					merge(&condition, &faults->active[i].condition);
			}
			if (from != to)
				lab_proxy_set(faults->proxy, from, to, &condition);
		}
	}
}

static void add_spans(struct lab_faults *faults, struct active *active)
{
	unsigned nodes = faults->lab->options.nodes;
	active->span_first = faults->spans_count;
	for (unsigned from = 0; from < nodes; from++) {
		for (unsigned to = 0; to < nodes && faults->spans_count < SPANS_MOST; to++) {
			if (from == to || !concerns(active, from, to))
				continue;
			bool cut = active->fault == LAB_CUT;
			faults->spans[faults->spans_count++] =
				(struct sim_report_span){from, to, lab_wall(), lab_wall(), cut};
		}
	}
	active->spans_count = faults->spans_count - active->span_first;
}

static void draw_condition(struct sim_random *random, enum lab_fault fault, struct lab_condition *condition)
{
	if (fault == LAB_CUT && sim_random_chance(random, 500000)) {
		condition->cut = true;
	} else if (fault == LAB_CUT) {
		uint64_t way = 1 + sim_random_below(random, 3);
		condition->silent_to = way & 1;
		condition->silent_back = way >> 1;
	} else if (fault == LAB_SLOW) {
		condition->delay_ms = (unsigned)sim_random_range(random, 20, 1200);
		condition->bytes_per_second = (unsigned)sim_random_range(random, 4, 512) * 1024;
	} else {
		condition->change_ppm = (uint32_t)sim_random_range(random, 20000, 300000);
	}
}

static void begin_link(struct lab_faults *faults, enum lab_fault fault, lab_time until)
{
	struct lab *lab = faults->lab;
	struct sim_random *random = &faults->random;
	struct active *active = &faults->active[faults->active_count];
	if (faults->active_count == ACTIVE_MOST)
		return;
	*active = (struct active){.fault = fault, .until = until};
	active->from = (uint32_t)sim_random_below(random, lab->options.nodes);
	active->to = (uint32_t)sim_random_below(random, lab->options.nodes - 1);
	active->to += active->to >= active->from;
	/* One link in half of the cases, else all that go out of a node, or all that come in. */
	uint64_t shape = sim_random_below(random, 4);
	if (shape == 0)
		active->to = SIM_NOBODY;
	else if (shape == 1)
		active->from = SIM_NOBODY;
	draw_condition(random, fault, &active->condition);
	faults->active_count++;
	add_spans(faults, active);
	const struct lab_condition *c = &active->condition;
	uint32_t node = active->from == SIM_NOBODY ? active->to : active->from;
	uint32_t peer = active->from == SIM_NOBODY ? SIM_NOBODY : active->to;
	const char *which = active->from == SIM_NOBODY ? "all that call it: "
	                    : active->to == SIM_NOBODY ? "all its calls: "
	                                               : "";
	if (c->cut)
		lab_tell(lab, SIM_LINK_CUT, node, peer, NULL, "%sreset", which);
	else if (fault == LAB_CUT)
		lab_tell(lab, SIM_LINK_CUT, node, peer, NULL, "%shalf open: nothing goes%s%s", which,
		         c->silent_to ? " there" : "", c->silent_back ? " back" : "");
	else if (fault == LAB_SLOW)
		lab_tell(lab, SIM_LINK_SLOW, node, peer, NULL, "%s%u ms, %u KiB/s", which, c->delay_ms,
		         c->bytes_per_second / 1024);
	else
		lab_tell(lab, SIM_LINK_SLOW, node, peer, NULL,
		         "%s%u pieces in a thousand have a byte changed", which, c->change_ppm / 1000);
	set_links(faults);
}

static void end_links(struct lab_faults *faults)
{
	bool changed = false;
	for (size_t i = 0; i < faults->active_count;) {
		struct active *active = &faults->active[i];
		if (!faults->ending && lab_now() < active->until) {
			i++;
			continue;
		}
		for (size_t s = 0; s < active->spans_count; s++)
			faults->spans[active->span_first + s].until = lab_wall();
		uint32_t node = active->from == SIM_NOBODY ? active->to : active->from;
		uint32_t peer = active->from == SIM_NOBODY ? SIM_NOBODY : active->to;
		lab_tell(faults->lab, SIM_LINK_HEALED, node, peer, NULL, "%s is over",
		         lab_fault_word(active->fault));
		*active = faults->active[--faults->active_count];
		changed = true;
	}
	if (changed)
		set_links(faults);
}

/* ---- old backups
 *
 * The process is frozen and its store is copied as it stands, as a snapshot of the file system would have it.
 * Some time later it is stopped, the copy takes the store's place, it is started (docs/operations.md, section
 * 11). */

static const char *const parts[] = {"store", "blobs"};
enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static void copy_out(uv_work_t *work)
{
	struct at_node *at = work->data;
	at->work_good = true;
	for (size_t i = 0; i < PARTS && at->work_good; i++) {
		char from[LAB_PATH_ROOM + 16], to[LAB_PATH_ROOM + 64];
		snprintf(from, sizeof(from), "%s/%s", at->process->node->dir, parts[i]);
		snprintf(to, sizeof(to), "%s-%s", at->store, parts[i]);
		at->work_good = rig_tree_copy(from, to);
	}
}

static void copy_back(uv_work_t *work)
{
	struct at_node *at = work->data;
	at->work_good = true;
	for (size_t i = 0; i < PARTS && at->work_good; i++) {
		char from[LAB_PATH_ROOM + 64], to[LAB_PATH_ROOM + 16];
		snprintf(from, sizeof(from), "%s-%s", at->store, parts[i]);
		snprintf(to, sizeof(to), "%s/%s", at->process->node->dir, parts[i]);
		at->work_good = rig_tree_remove(to) && rig_tree_copy(from, to) && rig_tree_remove(from);
	}
}

static void after_work(uv_work_t *work, int status)
{
	struct at_node *at = work->data;
	struct lab *lab = at->faults->lab;
	if (status != 0 || !at->work_good) {
		lab_no_result(lab, "the store of %s cannot be copied", at->process->node->name);
		return;
	}
	if (at->stage == BACKUP_COPY) {
		lab_life_resume(at->process);
		at->stage = BACKUP_HELD;
		return;
	}
	at->stage = BACKUP_DONE;
	at->fault = LAB_FAULTS;
	at->process->start_at = lab_now();
	lab_tell(lab, SIM_RESTORED, at->process->node->index, SIM_NOBODY, NULL,
	         "its store of %.1f s before is in place: what came after is gone here",
	         (double)(lab_now() - at->process->node->backup_at) / 1000);
}

static void begin_backup(struct at_node *at)
{
	struct lab_node *node = at->process->node;
	pthread_mutex_lock(&at->faults->lab->lock);
	node->backup_at = lab_now();
	pthread_mutex_unlock(&at->faults->lab->lock);
	snprintf(at->store, sizeof(at->store), "%s/backup-%s", at->faults->lab->options.dir, node->code);
	at->stage = BACKUP_FREEZE;
	lab_life_pause(at->process);
}

static void step_backup(struct at_node *at)
{
	struct lab_faults *faults = at->faults;
	struct lab_process *process = at->process;
	switch (at->stage) {
	case BACKUP_FREEZE:
		if (process->seen_paused) {
			at->stage = BACKUP_COPY;
			uv_queue_work(faults->loop, &at->work, copy_out, after_work);
		} else if (!process->pid) { /* it ended before it could be frozen */
			at->stage = BACKUP_NONE;
			at->fault = LAB_FAULTS;
		}
		break;
	case BACKUP_HELD:
		if (!faults->ending && lab_now() < at->until)
			break;
		pthread_mutex_lock(&faults->lab->lock);
		process->node->restored = true;
		process->node->restored_at = INT64_MAX;
		pthread_mutex_unlock(&faults->lab->lock);
		at->stage = BACKUP_DOWN;
		lab_life_stop(process, INT64_MAX);
		break;
	case BACKUP_DOWN:
		if (process->pid)
			break;
		at->stage = BACKUP_PUT;
		uv_queue_work(faults->loop, &at->work, copy_back, after_work);
		break;
	case BACKUP_NONE:
	case BACKUP_COPY:
	case BACKUP_PUT:
	case BACKUP_DONE:
		break;
	}
}

/* ---- nodes */

/* A node that is well and has no fault; NULL if none was found. */
static struct at_node *draw_node(struct lab_faults *faults, enum lab_fault fault)
{
	for (unsigned tries = 0; tries < 2 * faults->lab->options.nodes; tries++) {
		struct at_node *at =
			&faults->at_nodes[sim_random_below(&faults->random, faults->lab->options.nodes)];
		bool once = fault == LAB_BACKUP && at->stage == BACKUP_DONE;
		if (at->fault == LAB_FAULTS && at->process->pid && at->process->told_up && !once)
			return at;
	}
	return NULL;
}

static bool begin_node(struct lab_faults *faults, enum lab_fault fault, lab_time until)
{
	struct at_node *at = draw_node(faults, fault);
	if (!at)
		return false;
	uint32_t index = at->process->node->index;
	at->fault = fault;
	at->until = until;
	if (fault == LAB_KILL) {
		lab_tell(faults->lab, SIM_CRASHED, index, SIM_NOBODY, NULL, "kill -9");
		lab_life_kill(at->process, until);
	} else if (fault == LAB_STOP) {
		lab_tell(faults->lab, SIM_PAUSED, index, SIM_NOBODY, NULL, "SIGSTOP");
		lab_life_pause(at->process);
	} else if (fault == LAB_FULL) {
		uint64_t slack = sim_random_below(&faults->random, SLACK_MOST);
		lab_tell(faults->lab, SIM_DISK_FULL, index, SIM_NOBODY, NULL, "%llu KiB are left (%s)",
		         (unsigned long long)(slack / 1024),
		         at->process->node->small_disk ? "of its file system" : "for its files");
		lab_life_fill(at->process, slack);
	} else {
		begin_backup(at);
	}
	return true;
}

static void end_node(struct at_node *at)
{
	struct lab_faults *faults = at->faults;
	if (at->fault == LAB_FAULTS)
		return;
	if (at->fault == LAB_BACKUP) {
		step_backup(at);
		return;
	}
	if (!faults->ending && lab_now() < at->until)
		return;
	uint32_t index = at->process->node->index;
	if (at->fault == LAB_STOP) {
		lab_life_resume(at->process);
		lab_tell(faults->lab, SIM_RESUMED, index, SIM_NOBODY, NULL, "SIGCONT");
	} else if (at->fault == LAB_FULL) {
		lab_life_free(at->process);
		lab_tell(faults->lab, SIM_PHASE, index, SIM_NOBODY, NULL, "its disk has room again");
	}
	at->fault = LAB_FAULTS;
}

/* ---- when */

static lab_time next_after(struct lab_faults *faults, enum lab_fault fault)
{
	double rate = faults->lab->options.rates[fault];
	if (rate <= 0)
		return INT64_MAX;
	return lab_now() + sim_random_exponential(&faults->random, (int64_t)(60000 / rate));
}

static void begin_due(struct lab_faults *faults)
{
	for (enum lab_fault fault = 0; fault < LAB_FAULTS; fault++) {
		if (!faults->drawn)
			faults->next[fault] = next_after(faults, fault);
		if (lab_now() < faults->next[fault])
			continue;
		faults->next[fault] = next_after(faults, fault);
		int64_t span = sim_random_exponential(&faults->random, lasting[fault].mean_ms);
		span = span > lasting[fault].most_ms ? lasting[fault].most_ms : span;
		lab_time until = lab_now() + LEAST_MS + span;
		bool link = fault == LAB_CUT || fault == LAB_SLOW || fault == LAB_CORRUPT;
		bool begun = true;
		if (link)
			begin_link(faults, fault, until);
		else
			begun = begin_node(faults, fault, until);
		if (begun)
			LAB_COUNT(faults->lab, faults[fault], 1);
	}
	faults->drawn = true;
}

struct lab_faults *lab_faults_new(struct lab *lab, struct lab_process *processes, struct lab_proxy *proxy,
                                  void *loop)
{
	struct lab_faults *faults = tb_alloc(sizeof(*faults));
	faults->lab = lab;
	faults->processes = processes;
	faults->proxy = proxy;
	faults->loop = loop;
	sim_random_start(&faults->random, lab->options.seed, "faults", 0);
	for (unsigned i = 0; i < lab->options.nodes; i++) {
		struct at_node *at = &faults->at_nodes[i];
		*at = (struct at_node){.faults = faults, .process = &processes[i], .fault = LAB_FAULTS};
		at->work.data = at;
	}
	return faults;
}

void lab_faults_free(struct lab_faults *faults)
{
	free(faults);
}

void lab_faults_tick(struct lab_faults *faults)
{
	if (!faults->ending && lab_phase(faults->lab) == LAB_PHASE_TROUBLE)
		begin_due(faults);
	end_links(faults);
	for (unsigned i = 0; i < faults->lab->options.nodes; i++)
		end_node(&faults->at_nodes[i]);
}

bool lab_faults_end(struct lab_faults *faults)
{
	bool over = true;
	faults->ending = true;
	for (unsigned i = 0; i < faults->lab->options.nodes; i++)
		over = over && faults->at_nodes[i].fault == LAB_FAULTS;
	return over && faults->active_count == 0;
}

const struct sim_report_span *lab_faults_spans(const struct lab_faults *faults, size_t *count)
{
	*count = faults->spans_count;
	return faults->spans;
}
