/* What a node has counted, in Prometheus' text format 0.0.4: for machines that watch it.
 *
 * Counters that are not in the store begin at 0 with each start, as the format expects. Nothing of it is
 * personal: labels are regions, states, and words of the contract. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/core/calendar.h"
#include "node/core/casetable.h"
#include "node/core/turn.h"

/* ---- cases by state: counted as they are saved, since there may be a million of them */

/* A number of the store. */
static void name_of(char out[24], size_t state)
{
	snprintf(out, 24, "cases_%zu", state);
}

static void move(struct core *core, PbCaseState from, PbCaseState to)
{
	assert((unsigned)from < CORE_CASE_STATES && (unsigned)to < CORE_CASE_STATES);
	if (from == to)
		return;
	/* Nothing was counted as being in no state. */
	if (from != PB_CASE_STATE__CASE_STATE_UNSPECIFIED && core->case_states[from] > 0)
		core->case_states[from]--;
	core->case_states[to] += to != PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
}

void metrics_case_saved(struct turn *turn, PbCaseRecord *record)
{
	move(turn->core, record->counted, record->state);
	record->counted = record->state;
}

void metrics_case_gone(struct turn *turn, const PbCaseRecord *record)
{
	move(turn->core, record->counted, PB_CASE_STATE__CASE_STATE_UNSPECIFIED);
}

void metrics_finish(struct turn *turn)
{
	struct core *core = turn->core;
	for (size_t i = 0; i < CORE_CASE_STATES; i++) {
		char name[24];
		if (core->case_states[i] == core->case_states_stored[i])
			continue;
		name_of(name, i);
		kv_set_number(&turn->kv, name, core->case_states[i]);
		core->case_states_stored[i] = core->case_states[i];
	}
}

/* A store that has not counted yet. */
static enum tb_code count_all(struct turn *turn, struct tb_error *err)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	struct tb_buf numbers = {0};
	enum tb_code code = TB_OK;
	struct kv_cache *cache = turn->kv.cache;
	kv_settle(&turn->kv); /* All of them at one time need not be in memory. */
	store_cursor(&cursor, turn->kv.txn, KV_CASE, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		struct kv_key number = kv_key_of(key);
		tb_buf_add(&numbers, &number, sizeof(number));
	}
	store_cursor_end(&cursor);
	const struct kv_key *keys = (const struct kv_key *)(const void *)numbers.data;
	for (size_t i = 0; i < numbers.size / sizeof(*keys) && code == TB_OK; i++) {
		struct tb_arena arena = {0};
		PbCaseRecord *record;
		/* One that cannot be read is told of when somebody asks for it. */
		if (kv_get(&turn->kv, KV_CASE, &keys[i], &arena, &plain, NULL) == TB_OK &&
		    PROTO_DECODE_OWN(&record, case_record, plain, &arena, NULL) == TB_OK) {
			record->counted = PB_CASE_STATE__CASE_STATE_UNSPECIFIED;
			metrics_case_saved(turn, record);
			kv_put_message(&turn->kv, KV_CASE, &keys[i], &record->base);
		}
		code = store_failed(turn->kv.txn);
		tb_arena_clear(&arena);
	}
	tb_buf_clear(&numbers);
	turn->kv.cache = cache;
	return code ? tb_fail(err, code, "the cases cannot be counted") : TB_OK;
}

enum tb_code metrics_open(struct turn *turn, struct tb_error *err)
{
	struct core *core = turn->core;
	for (size_t i = 0; i < CORE_CASE_STATES; i++) {
		char name[24];
		name_of(name, i);
		core->case_states[i] = core->case_states_stored[i] = kv_number(&turn->kv, name);
	}
	if (kv_number(&turn->kv, "cases_counted"))
		return TB_OK;
	enum tb_code code = count_all(turn, err);
	metrics_finish(turn);
	kv_set_number(&turn->kv, "cases_counted", 1);
	return code;
}

/* ---- the text */

enum kind { GAUGE, COUNTER };

static void head(struct tb_buf *out, const char *name, enum kind kind, const char *help)
{
	tb_buf_printf(out, "# HELP tongban_%s %s\n# TYPE tongban_%s %s\n", name, help, name,
	              kind == COUNTER ? "counter" : "gauge");
}

static void one(struct tb_buf *out, const char *name, enum kind kind, const char *help, uint64_t value)
{
	head(out, name, kind, help);
	tb_buf_printf(out, "tongban_%s %" PRIu64 "\n", name, value);
}

static void labelled(struct tb_buf *out, const char *name, const char *label, const char *value,
                     uint64_t number)
{
	tb_buf_printf(out, "tongban_%s{%s=\"%s\"} %" PRIu64 "\n", name, label, value, number);
}

/* Milliseconds as seconds. */
static void seconds(struct tb_buf *out, const char *name, const char *peer, tb_time ms)
{
	tb_buf_printf(out, "tongban_%s{peer=\"%s\"} %s%lld.%03lld\n", name, peer, ms < 0 ? "-" : "",
	              (long long)((ms < 0 ? -ms : ms) / TB_SECOND),
	              (long long)((ms < 0 ? -ms : ms) % TB_SECOND));
}

static void write_node(struct turn *turn, struct tb_buf *out)
{
	const struct core *core = turn->core;
	const struct core_setup *setup = &core->setup;
	int first, last;
	calendar_years(setup->calendar, &first, &last);
	head(out, "build_info", GAUGE, "Version of the program, region of the node; always 1.");
	tb_buf_printf(out, "tongban_build_info{version=\"%s\",region=\"%s\"} 1\n", setup->version,
	              setup->region);
	one(out, "start_time_seconds", GAUGE, "When the node started, seconds since 1970.",
	    (uint64_t)core->started / TB_SECOND);
	one(out, "turns_total", COUNTER, "Turns since the start; each ends with one commit.", core->turns);
	one(out, "events_total", COUNTER, "Events that turns have handled since the start.", core->events);
	one(out, "calendar_last_year", GAUGE, "Last year whose working days are known.", (uint64_t)last);
	one(out, "store_used_bytes", GAUGE, "Bytes of the data file in use.", store_bytes(setup->store));
	one(out, "store_map_bytes", GAUGE, "What the data file may grow to (store_max_gib).",
	    store_map_bytes(setup->store));
	one(out, "audit_leaves_total", COUNTER, "Leaves of the audit log.", core->audit.size);
	one(out, "audit_noted_leaves", GAUGE, "Leaves that the newest checkpoint covers.", core->audit_noted);
	one(out, "batches_total", COUNTER, "Batches kept as evidence.", core->batches);
	one(out, "refused_total", COUNTER,
	    "What was refused as a whole, of peers and of codes at kiosks, since the start.", core->refused);
}

static void write_results(struct tb_buf *out, const char *name, const char *help, const uint64_t *counts)
{
	head(out, name, COUNTER, help);
	for (int i = 1; i < CORE_VERIFY_RESULTS; i++)
		labelled(out, name, "result", proto_enum_name(&pb_verify_result__descriptor, i), counts[i]);
}

static void write_work(struct turn *turn, struct tb_buf *out)
{
	const struct core *core = turn->core;
	struct store_txn *txn = turn->kv.txn;
	PbStatusResponse webhooks = PB_STATUS_RESPONSE__INIT;
	webhook_count(&turn->kv, &webhooks);
	one(out, "credentials", GAUGE, "Certificates in the store.", store_count(txn, KV_CREDENTIAL));
	write_results(out, "verifications_answered_total",
	              "Peers' queries answered since the start, by result.", core->answered);
	write_results(out, "verifications_asked_total",
	              "Own queries answered by peers since the start, by result.", core->asked);
	one(out, "verifications_failed_total", COUNTER, "Own queries that got no answer since the start.",
	    core->asked_failed);
	head(out, "cases", GAUGE, "Cases here, by state.");
	for (int i = 1; i < CORE_CASE_STATES; i++) {
		const char *state = proto_enum_name(&pb_case_state__descriptor, i);
		if (state)
			labelled(out, "cases", "state", state, core->case_states[i]);
	}
	one(out, "materials_wanted", GAUGE, "Materials still to be fetched.", store_count(txn, KV_WANTED));
	one(out, "outbox_messages", GAUGE, "Messages without a receipt yet, to all peers.",
	    store_count(txn, KV_OUTGOING));
	one(out, "dead_letters", GAUGE, "Messages that were given up.", store_count(txn, KV_DEAD));
	one(out, "webhooks", GAUGE, "Webhooks.", webhooks.webhooks);
	one(out, "webhooks_failing", GAUGE, "Webhooks whose last delivery failed.",
	    webhooks.webhooks_failing);
	one(out, "webhooks_given_up", GAUGE, "Webhooks that were given up.", webhooks.webhooks_given_up);
}

/* How long the oldest message to |peer| has waited. */
static tb_time oldest(struct turn *turn, const char *peer)
{
	struct store_cursor cursor;
	struct tb_arena arena = {0};
	struct tb_bytes key, nothing;
	PbOutboxRecord *record;
	tb_time age = 0;
	store_cursor(&cursor, turn->kv.txn, KV_OUTGOING, tb_bytes_str(peer), tb_bytes_of(NULL, 0));
	bool any = store_next(&cursor, &key, &nothing);
	struct kv_key first = any ? kv_key_of(key) : (struct kv_key){0};
	store_cursor_end(&cursor);
	if (any && KV_GET(&turn->kv, KV_OUTBOX, &first, outbox_record, &arena, &record, NULL) == TB_OK &&
	    record->queued_ms < turn->now)
		age = turn->now - record->queued_ms;
	tb_arena_clear(&arena);
	return age;
}

static void write_peers(struct turn *turn, struct tb_buf *out)
{
	const struct core *core = turn->core;
	const struct peer_state *end = core->states + core->states_count;
	head(out, "peer_up", GAUGE, "1: the last call to or from the peer went well.");
	for (const struct peer_state *state = core->states; state < end; state++)
		labelled(out, "peer_up", "peer", state->region, state->contact_at && !state->last_error[0]);
	head(out, "peer_last_contact_timestamp_seconds", GAUGE,
	     "When the peer was last heard of; 0: not since the start.");
	for (const struct peer_state *state = core->states; state < end; state++)
		seconds(out, "peer_last_contact_timestamp_seconds", state->region, state->contact_at);
	head(out, "peer_clock_offset_seconds", GAUGE,
	     "The peer's clock less ours, when it last described itself.");
	for (const struct peer_state *state = core->states; state < end; state++) {
		if (state->described_at)
			seconds(out, "peer_clock_offset_seconds", state->region, state->clock_offset);
	}
	head(out, "peer_outbox_messages", GAUGE, "Messages to the peer without a receipt yet.");
	for (const struct peer_state *state = core->states; state < end; state++)
		labelled(out, "peer_outbox_messages", "peer", state->region, state->outgoing);
	head(out, "peer_outbox_oldest_age_seconds", GAUGE, "How long the oldest of them has waited.");
	for (const struct peer_state *state = core->states; state < end; state++)
		seconds(out, "peer_outbox_oldest_age_seconds", state->region,
		        state->outgoing ? oldest(turn, state->region) : 0);
	head(out, "peer_verify_calls", GAUGE, "Calls with queries to the peer that are under way.");
	for (const struct peer_state *state = core->states; state < end; state++)
		labelled(out, "peer_verify_calls", "peer", state->region, state->verify_calls);
}

void metrics_apply(struct turn *turn, struct core_request *request)
{
	PbMetricsResponse *reply = PROTO_NEW(PbMetricsResponse, metrics_response, &request->arena);
	struct tb_buf out = {0};
	write_node(turn, &out);
	write_work(turn, &out);
	write_peers(turn, &out);
	reply->text = tb_arena_str(&request->arena, tb_buf_text(&out));
	tb_buf_clear(&out);
	turn_reply(turn, request, &reply->base);
}
