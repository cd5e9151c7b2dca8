#include "sim/node.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sim/check.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/net.h"
#include "sim/newer.h"
#include "sim/scenario.h"
#include "sim/work.h"

enum {
	TURN_EVENTS_MAX = 4096, /* as in production */
	STARTS_FAILED_MAX = 40, /* in a row, while nothing is at fault */
};

#define TURN_DELAY (200)  /* µs from what came to the turn that takes it */
#define COMMIT_TIME (400) /* µs of a commit on a healthy disk */
#define START_AGAIN SIM_SECOND
#define CLOCK_LOOK SIM_MINUTE /* production looks at a clock that may have jumped that often */

/* ---- clocks */

tb_time sim_node_now(const struct sim_node *node)
{
	sim_time since = node->world->now - node->drift_since;
	return sim_ms(node->world->now) + node->offset + since / SIM_SECOND * node->drift / 1000;
}

static void arm(struct sim_node *node, sim_time at);

void sim_node_step_clock(struct sim_node *node, tb_time by)
{
	node->offset += by;
	if (node->state == SIM_NODE_UP)
		arm(node, node->world->now + (sim_time)sim_random_below(&node->random, CLOCK_LOOK));
}

void sim_node_upgrade(struct sim_node *node, bool newer)
{
	assert(node->state == SIM_NODE_DOWN);
	node->newer = newer;
	node->setup.version = newer ? "simulated, the next" : "simulated";
}

void sim_node_set_drift(struct sim_node *node, int64_t millionths)
{
	node->offset = sim_node_now(node) - sim_ms(node->world->now);
	node->drift = millionths;
	node->drift_since = node->world->now;
}

/* ---- requests of the local API */

/* The node goes down: nobody knows what became of them. */
static void requests_lost(struct sim_node *node)
{
	struct sim_request *request = node->requests;
	node->requests = NULL;
	while (request) {
		struct sim_request *older = request->older;
		core_request_free(request->request);
		if (request->done)
			request->done(node->world, node, NULL, request->ctx);
		free(request);
		request = older;
	}
}

static void request_replied(struct sim_node *node, struct core_request *reply)
{
	struct sim_request *request = reply->io;
	if (request->newer)
		request->newer->older = request->older;
	else
		node->requests = request->older;
	if (request->older)
		request->older->newer = request->newer;
	sim_note(node->world, reply->error.code);
	if (request->done)
		request->done(node->world, node, reply, request->ctx);
	core_request_free(reply);
	free(request);
}

void sim_node_submit(struct sim_node *node, struct core_request *core_request,
                     void (*done)(struct sim_world *, struct sim_node *, const struct core_request *, void *),
                     void *ctx)
{
	struct sim_request *request = tb_alloc(sizeof(*request));
	*request = (struct sim_request){
		.request = core_request, .done = done, .ctx = ctx, .older = node->requests};
	if (request->older)
		request->older->newer = request;
	node->requests = request;
	core_request->io = request;
	sim_node_post(node, (struct core_event){.kind = CORE_REQUEST, .request = core_request});
}

void sim_node_ask(struct sim_node *node, const char *path, struct tb_bytes json,
                  void (*done)(struct sim_world *, struct sim_node *, const struct core_request *, void *),
                  void *ctx)
{
	struct tb_error err = {0};
	struct core_request *request;
	const struct core_method *method = core_method_find(path);
	assert(method && !core_method_reads(method));
	enum tb_code code = core_request_new(&request, method, json, &err);
	assert(code == TB_OK);
	sim_newer_speaks(node->newer);
	core_prepare(&node->setup, request, sim_node_now(node));
	sim_node_submit(node, request, done, ctx);
}

/* ---- turns */

static void turn_run(struct sim_world *world, void *subject, uint64_t life);
static void release_run(struct sim_world *world, void *subject, uint64_t life);
static void wake_run(struct sim_world *world, void *subject, uint64_t life);
static void start_run(struct sim_world *world, void *subject, uint64_t life);
static void resume_run(struct sim_world *world, void *subject, uint64_t life);

static const struct sim_event_kind turn_event = {"turn", turn_run, NULL};
static const struct sim_event_kind release_event = {"release", release_run, NULL};
static const struct sim_event_kind wake_event = {"wake", wake_run, NULL};
static const struct sim_event_kind start_event = {"start", start_run, NULL};
static const struct sim_event_kind resume_event = {"resume", resume_run, NULL};

void sim_node_post(struct sim_node *node, struct core_event event)
{
	assert(node->state != SIM_NODE_DOWN);
	if (node->waiting_count == node->waiting_room) {
		node->waiting_room = node->waiting_room ? node->waiting_room * 2 : 16;
		node->waiting = tb_realloc(node->waiting, node->waiting_room * sizeof(*node->waiting));
	}
	node->waiting[node->waiting_count++] = event;
	if (node->turn_due || node->busy || node->state != SIM_NODE_UP)
		return;
	node->turn_due = true;
	sim_after(node->world, TURN_DELAY, &turn_event, node, node->life);
}

static void arm(struct sim_node *node, sim_time at)
{
	if (at >= node->wake_armed)
		return;
	node->wake_armed = at;
	sim_at(node->world, at, &wake_event, node, node->life);
}

static void arm_wake(struct sim_node *node)
{
	if (node->wake == INT64_MAX)
		return;
	tb_time left = node->wake - sim_node_now(node);
	if (left < 0)
		left = 0;
	arm(node, left > SIM_DAY / SIM_MS * 366 ? SIM_NEVER : node->world->now + left * SIM_MS);
}

static void wake_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	if (life != node->life || node->wake_armed != world->now)
		return; /* a former life's, or another was armed for an earlier moment */
	node->wake_armed = SIM_NEVER;
	if (node->state != SIM_NODE_UP || node->busy)
		return; /* the release looks at it */
	if (sim_node_now(node) >= node->wake)
		sim_node_post(node, (struct core_event){.kind = CORE_WAKE});
	else
		arm_wake(node);
}

/* What core_apply() does not take. */
static void forget_event(const struct core_event *event)
{
	if (event->kind == CORE_PEERS)
		peer_set_unref(event->peers);
}

/* The outcome of this turn is unknown: nothing of it is released, the process ends. */
static void commit_failed(struct sim_node *node, const struct tb_error *err)
{
	struct sim_world *world = node->world;
	bool cut = sim_disk_is_cut(node->disk);
	const char *what = strstr(err->text, ": "); /* where its disk is, is no part of the story */
	node->unsure = true;
	sim_mark(&world->marks, cut ? SIM_MARK_POWER_IN_COMMIT : SIM_MARK_COMMIT_FAILED);
	sim_tell(world, cut ? SIM_POWER_LOST : SIM_COMMIT_FAILED, node->index, SIM_NOBODY, NULL, "%s",
	         what ? what + 2 : err->text);
	sim_node_stop(node, cut ? SIM_STOP_POWER : SIM_STOP_CRASH);
	sim_node_start_after(node, sim_random_range(&node->random, SIM_SECOND, cut ? SIM_HOUR : SIM_MINUTE));
}

static void turn_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	struct store_txn *txn = NULL;
	struct tb_error err = {0};
	if (life != node->life || node->state != SIM_NODE_UP)
		return;
	node->turn_due = false;
	if (node->busy || node->waiting_count == 0)
		return;
	if (store_write(&txn, node->setup.store, &err)) {
		commit_failed(node, &err);
		return;
	}
	size_t count = node->waiting_count < TURN_EVENTS_MAX ? node->waiting_count : TURN_EVENTS_MAX;
	tb_time now = sim_node_now(node);
	sim_newer_speaks(node->newer);
	sim_note(world, (uint64_t)node->index << 32 | count);
	for (size_t i = 0; i < count; i++) {
		core_apply(node->core, txn, now, &node->waiting[i], &node->effects);
		forget_event(&node->waiting[i]);
	}
	node->waiting_count -= count;
	memmove(node->waiting, node->waiting + count, node->waiting_count * sizeof(*node->waiting));
	node->wake = core_finish(node->core, txn, now, &node->effects);
	node->turns++;
	if (store_commit(txn, &err)) {
		commit_failed(node, &err);
		return;
	}
	sim_check_turn(node);
	node->busy = true;
	if (node->dies_after_commit && !world->healed) {
		sim_tell(world, SIM_CRASHED, node->index, SIM_NOBODY, NULL, "killed after a commit");
		node->dies_after_commit = false;
		sim_node_stop(node, SIM_STOP_CRASH);
		sim_node_start_after(node, SIM_SECOND + sim_random_exponential(&node->random, SIM_MINUTE));
		return;
	}
	sim_time took = COMMIT_TIME + sim_disk_slow(node->disk);
	sim_after(world, took, &release_event, node, node->life);
}

static void log_line(struct sim_node *node, const struct core_effect *effect)
{
	struct sim_world *world = node->world;
	const char *event = effect->log.event;
	struct sim_node *peer = effect->log.peer[0] ? sim_node_find(world, effect->log.peer) : NULL;
	sim_note_bytes(world, event, strlen(event));
	if (strcmp(event, "delivery.dead_letter") == 0)
		sim_mark(&world->marks, SIM_MARK_DEAD_LETTER);
	if (strcmp(event, "delivery.forked") == 0)
		sim_mark(&world->marks, SIM_MARK_FORK_REFUSED);
	sim_tell(world, SIM_LOGGED, node->index, peer ? peer->index : SIM_NOBODY, effect->log.subject,
	         "%s %s", event, effect->log.text);
}

static void release_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	if (life != node->life)
		return;
	if (node->state == SIM_NODE_PAUSED)
		return; /* its resumption releases them */
	struct core_effects effects = node->effects;
	node->effects = (struct core_effects){0};
	node->busy = false;
	for (struct core_effect *effect = effects.first; effect; effect = effect->next) {
		sim_note(world, effect->kind);
		switch (effect->kind) {
		case CORE_REPLY:
			request_replied(node, effect->request);
			break;
		case CORE_ANSWER:
			sim_net_answer(node, effect->inbound);
			break;
		case CORE_SEND:
			sim_net_send(node, effect->outbound);
			break;
		case CORE_FETCH:
			sim_net_fetch(node, effect->fetch);
			break;
		case CORE_LOG:
			log_line(node, effect);
			break;
		}
	}
	core_effects_clear(&effects);
	if (node->waiting_count > 0 && !node->turn_due) {
		node->turn_due = true;
		sim_after(world, 0, &turn_event, node, node->life);
	}
	arm_wake(node);
}

/* ---- going down and coming up */

static void drop_outbound(struct core_outbound *outbound)
{
	free(outbound->core);
	core_outbound_free(outbound);
}

static void drop_waiting(struct sim_node *node)
{
	for (size_t i = 0; i < node->waiting_count; i++) {
		const struct core_event *event = &node->waiting[i];
		if (event->kind == CORE_INBOUND)
			sim_net_unanswered(node, event->inbound);
		else if (event->kind == CORE_CALL_DONE)
			drop_outbound(event->outbound);
		else if (event->kind == CORE_FETCHED)
			core_fetch_free(event->fetch);
		else
			forget_event(event); /* requests are in the list */
	}
	node->waiting_count = 0;
}

static void drop_effects(struct sim_node *node)
{
	bool any = false;
	for (struct core_effect *effect = node->effects.first; effect; effect = effect->next) {
		any = any || effect->kind != CORE_LOG;
		if (effect->kind == CORE_ANSWER)
			sim_net_unanswered(node, effect->inbound);
		else if (effect->kind == CORE_SEND)
			drop_outbound(effect->outbound);
		else if (effect->kind == CORE_FETCH)
			core_fetch_free(effect->fetch);
	}
	if (any && node->busy)
		sim_mark(&node->world->marks, SIM_MARK_EFFECTS_LOST);
	core_effects_clear(&node->effects);
}

static void close_store(struct sim_node *node)
{
	if (node->core)
		core_close(node->core);
	if (node->setup.store)
		store_close(node->setup.store);
	if (node->setup.blobs)
		blob_dir_close(node->setup.blobs);
	node->core = NULL;
	node->setup.store = NULL;
	node->setup.blobs = NULL;
}

void sim_node_stop(struct sim_node *node, enum sim_stop how)
{
	if (node->state == SIM_NODE_DOWN)
		return;
	sim_check_closing(node);
	node->state = SIM_NODE_DOWN;
	node->life++;
	drop_waiting(node);
	drop_effects(node);
	node->busy = node->turn_due = false;
	node->wake = INT64_MAX;
	node->wake_armed = SIM_NEVER;
	sim_net_down(node);
	requests_lost(node);
	close_store(node);
	if (how == SIM_STOP_POWER)
		sim_disk_power_loss(node->disk);
	else
		sim_disk_crash(node->disk);
}

static enum tb_code open_store(struct sim_node *node, struct tb_error *err)
{
	struct store_options options = {
		.dir = node->store_dir, .map_bytes = SIM_STORE_BYTES, .tables = core_tables};
	uint8_t seed[32];
	sim_random_bytes(&node->random, seed, sizeof(seed));
	enum tb_code code = store_open(&node->setup.store, &options, err);
	if (code == TB_OK)
		code = blob_dir_open(&node->setup.blobs, node->blobs_dir, TB_CHUNK_BYTES + PKI_VAULT_OVERHEAD,
		                     err);
	if (code == TB_OK)
		sim_check_opened(node);
	if (code == TB_OK)
		code = core_open(&node->core, &node->setup, node->peers, seed, sim_node_now(node), err);
	if (code)
		close_store(node);
	return code;
}

static void start_failed(struct sim_node *node, const struct tb_error *err)
{
	struct sim_world *world = node->world;
	bool cut = sim_disk_is_cut(node->disk);
	node->starts_failed++;
	sim_tell(world, SIM_DISK_FAULT, node->index, SIM_NOBODY, NULL, "does not open: %s", err->text);
	if (cut)
		sim_disk_power_loss(node->disk);
	else
		sim_disk_crash(node->disk);
	if (node->rotten && err->code == TB_ECORRUPT) {
		node->dead = true; /* seen, and not worked with: an operator puts a backup there */
		return;
	}
	/* No other fault of the disk that is simulated here may damage what is there. */
	if (err->code == TB_ECORRUPT || (world->healed && node->starts_failed > STARTS_FAILED_MAX))
		sim_check_broke(world, SIM_RULE_REOPEN, node->index, NULL, "the store does not open: %s",
		                err->text);
	sim_node_start_after(node, START_AGAIN * (1 + (sim_time)sim_random_below(&node->random, 20)));
}

static void start_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	struct tb_error err = {0};
	if (life != node->life || node->state != SIM_NODE_DOWN || node->dead)
		return;
	sim_note(world, node->index);
	if (open_store(node, &err)) {
		start_failed(node, &err);
		return;
	}
	node->state = SIM_NODE_UP;
	node->starts_failed = 0;
	node->unsure = false;
	sim_tell(world, SIM_STARTED, node->index, SIM_NOBODY, NULL, "up");
	/* As in production: the core sees what a former run left to be done. */
	sim_node_post(node, (struct core_event){.kind = CORE_WAKE});
}

void sim_node_start_after(struct sim_node *node, sim_time span)
{
	sim_after(node->world, span, &start_event, node, node->life);
}

void sim_node_pause(struct sim_node *node, sim_time span)
{
	if (node->state != SIM_NODE_UP)
		return;
	node->state = SIM_NODE_PAUSED;
	sim_after(node->world, span, &resume_event, node, node->life);
}

void sim_node_resume(struct sim_node *node)
{
	if (node->state != SIM_NODE_PAUSED)
		return;
	node->state = SIM_NODE_UP;
	sim_tell(node->world, SIM_RESUMED, node->index, SIM_NOBODY, NULL, "goes on");
	if (node->busy) {
		sim_after(node->world, 0, &release_event, node, node->life);
	} else {
		node->turn_due = true;
		sim_after(node->world, 0, &turn_event, node, node->life);
	}
	node->wake_armed = SIM_NEVER;
	arm_wake(node);
}

static void resume_run(struct sim_world *world, void *subject, uint64_t life)
{
	struct sim_node *node = subject;
	(void)world;
	if (life == node->life)
		sim_node_resume(node);
}

void sim_node_set_peers(struct sim_node *node, struct peer_set *peers)
{
	peer_set_unref(node->peers);
	node->peers = peers;
	if (node->state != SIM_NODE_DOWN)
		sim_node_post(node, (struct core_event){.kind = CORE_PEERS, .peers = peer_set_ref(peers)});
}

/* ---- all of them */

static void make_dirs(struct sim_node *node)
{
	char dir[160];
	struct sim_world *world = node->world;
	snprintf(dir, sizeof(dir), "%.120s/%04u", world->options.dir, node->index);
	node->disk = sim_disk_new(dir, sim_mix(world->options.seed, node->index));
	snprintf(node->store_dir, sizeof(node->store_dir), "%s/store", dir);
	snprintf(node->blobs_dir, sizeof(node->blobs_dir), "%s/blobs", dir);
	int rc = mkdir(node->store_dir, 0700) | mkdir(node->blobs_dir, 0700);
	assert(rc == 0);
}

static void node_init(struct sim_world *world, struct sim_node *node, uint32_t index)
{
	node->world = world;
	node->index = index;
	node->absent = node->dead = !sim_decide(world, SIM_DO_NODE, index, SIM_NOBODY, 0);
	node->wake = INT64_MAX;
	node->wake_armed = SIM_NEVER;
	node->drift_since = world->now;
	if (world->options.scenario)
		sim_region_named(world->options.scenario->nodes[index].region, node->code, node->name,
		                 sizeof(node->name));
	else
		sim_region_at(index, world->options.nodes_count, node->code, node->name, sizeof(node->name));
	sim_random_start(&node->random, world->options.seed, "node", index);
	sim_random_start(&node->fates, world->options.seed, "fates", index);
	sim_random_start(&node->malice, world->options.seed, "malice", index);
	node->identity = sim_identity(node->code);
	node->setup = (struct core_setup){
		.region = node->code,
		.name = node->name,
		.version = "simulated",
		.listen = "",
		.regions = sim_regions(),
		.calendar = sim_calendar(),
		.message = {node->identity->message.key, node->identity->message.chain,
	                    node->identity->message.chain_count},
		.seal = {node->identity->seal.key, node->identity->seal.chain,
	                 node->identity->seal.chain_count},
		.describe_every = sim_rates(world)->describe_every,
	};
}

struct sim_node *sim_nodes_new(struct sim_world *world)
{
	struct sim_node *nodes = tb_alloc(world->nodes_count * sizeof(*nodes));
	for (uint32_t i = 0; i < world->nodes_count; i++)
		node_init(world, &nodes[i], i);
	return nodes;
}

void sim_nodes_start(struct sim_world *world)
{
	(void)mkdir(world->options.dir, 0700); /* what is missing is seen at the first disk */
	for (uint32_t i = 0; i < world->nodes_count; i++) {
		struct sim_node *node = &world->nodes[i];
		struct tb_error err = {0};
		make_dirs(node);
		sim_random_bytes(&node->random, node->setup.vault_key, sizeof(node->setup.vault_key));
		node->vault = pki_vault_new(node->setup.vault_key);
		node->setup.anchors = pki_trust_new();
		enum tb_code code = pki_trust_add(node->setup.anchors, node->code,
		                                  tb_buf_bytes(&node->identity->ca_pem), &err);
		assert(code == TB_OK);
		node->peers = sim_net_peers(world, i);
		if (node->absent)
			continue;
		sim_at(world, world->now + (sim_time)sim_random_below(&node->random, SIM_SECOND),
		       &start_event, node, node->life);
		sim_work_furnish(node);
	}
}

void sim_nodes_stop(struct sim_world *world)
{
	for (size_t i = 0; i < world->nodes_count; i++)
		sim_node_stop(&world->nodes[i], SIM_STOP_TIDY);
}

void sim_nodes_free(struct sim_world *world)
{
	for (size_t i = 0; i < world->nodes_count; i++) {
		struct sim_node *node = &world->nodes[i];
		sim_hostile_clear(node);
		pki_vault_free(node->vault);
		peer_set_unref(node->peers);
		pki_trust_unref(node->setup.anchors);
		sim_disk_free(node->disk);
		free(node->waiting);
	}
	(void)rmdir(world->options.dir);
	free(world->nodes);
}

struct sim_node *sim_node_find(const struct sim_world *world, const char *code)
{
	size_t low = 0, high = world->nodes_count;
	if (high > regions_count(sim_regions()) || world->options.scenario) {
		for (size_t i = 0; i < high; i++) {
			if (strcmp(world->nodes[i].code, code) == 0)
				return &world->nodes[i];
		}
		return NULL;
	}
	while (low < high) { /* the table's order */
		size_t middle = low + (high - low) / 2;
		int order = strcmp(world->nodes[middle].code, code);
		if (order == 0)
			return &world->nodes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* ---- looking inside */

void sim_read_begin(struct sim_reader *reader, const struct sim_node *node)
{
	struct tb_error err;
	*reader = (struct sim_reader){.kv = {.vault = node->vault}};
	assert(node->setup.store);
	enum tb_code code = store_read(&reader->kv.txn, node->setup.store, &err);
	assert(code == TB_OK);
}

void sim_read_end(struct sim_reader *reader)
{
	store_abort(reader->kv.txn);
	tb_buf_clear(&reader->kv.scratch);
	tb_arena_clear(&reader->arena);
}

PbCaseRecord *sim_read_case(struct sim_reader *reader, const char *number)
{
	PbCaseRecord *record;
	struct kv_key key = kv_key_of(tb_bytes_str(number));
	return KV_GET(&reader->kv, KV_CASE, &key, case_record, &reader->arena, &record, NULL) == TB_OK
	               ? record
	               : NULL;
}

uint64_t sim_node_contents(const struct sim_node *node)
{
	struct sim_reader reader;
	uint64_t hash = 0;
	sim_read_begin(&reader, node);
	for (unsigned table = 0; table < KV_TABLES; table++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		store_cursor(&cursor, reader.kv.txn, table, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
		while (store_next(&cursor, &key, &value)) {
			hash = sim_mix_bytes(hash, key.data, key.size);
			hash = sim_mix_bytes(hash, value.data, value.size);
		}
		store_cursor_end(&cursor);
		hash = sim_mix(hash, table);
	}
	sim_read_end(&reader);
	return hash;
}
