#include "node/core/core.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement.h"
#include "node/core/kvcache.h"
#include "node/core/turn.h"

enum { NOTE_EVERY_LEAVES = 1000, PURGE_AT_ONCE = 1000 };

#define NOTE_EVERY (10 * TB_SECOND)
#define PURGE_EVERY TB_MINUTE

/* ---- effects */

struct core_effect *turn_effect(struct turn *turn, enum core_effect_kind kind)
{
	struct core_effect *effect = tb_arena_alloc(&turn->effects->arena, sizeof(*effect));
	effect->kind = kind;
	if (turn->effects->last)
		turn->effects->last->next = effect;
	else
		turn->effects->first = effect;
	turn->effects->last = effect;
	return effect;
}

void core_effects_clear(struct core_effects *effects)
{
	tb_arena_clear(&effects->arena);
	*effects = (struct core_effects){0};
}

void turn_reply(struct turn *turn, struct core_request *request, proto_message *reply)
{
	request->reply = reply;
	turn_effect(turn, CORE_REPLY)->request = request;
}

void turn_refuse(struct turn *turn, struct core_request *request, const struct tb_error *err)
{
	assert(err->code != TB_OK);
	request->error = *err;
	request->reply = NULL;
	turn_effect(turn, CORE_REPLY)->request = request;
}

void turn_log(struct turn *turn, int level, const char *event, const char *peer, const char *subject,
              const char *fmt, ...)
{
	char text[TB_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	struct core_effect *effect = turn_effect(turn, CORE_LOG);
	effect->log.level = level;
	effect->log.event = event;
	effect->log.peer = tb_arena_str(&turn->effects->arena, peer);
	effect->log.subject = tb_arena_str(&turn->effects->arena, subject);
	effect->log.text = tb_arena_str(&turn->effects->arena, text);
}

/* ---- status */

static void grants_in_words(PbPeerView *view, const struct peer *peer, struct tb_arena *arena)
{
	view->grants =
		tb_arena_alloc(arena, (peer->verify_count + peer->cases_count) * sizeof(*view->grants));
	for (size_t i = 0; i < peer->verify_count; i++) {
		struct tb_buf text = {0};
		tb_buf_printf(&text, "verify %s:",
		              proto_enum_name(&pb_disclosure__descriptor, (int)peer->verify[i].disclosure));
		for (const char *const *type = peer->verify[i].types; *type; type++)
			tb_buf_printf(&text, " %s", *type);
		view->grants[view->n_grants++] = tb_arena_str(arena, tb_buf_text(&text));
		tb_buf_clear(&text);
	}
	for (size_t i = 0; i < peer->cases_count; i++) {
		struct tb_buf text = {0};
		tb_buf_str(&text, "cases");
		for (const char *const *mode = peer->cases[i].modes; *mode; mode++)
			tb_buf_printf(&text, " %s", *mode);
		tb_buf_str(&text, ":");
		for (const char *const *item = peer->cases[i].items; *item; item++)
			tb_buf_printf(&text, " %s", *item);
		view->grants[view->n_grants++] = tb_arena_str(arena, tb_buf_text(&text));
		tb_buf_clear(&text);
	}
}

static PbPeerView **peer_views(struct turn *turn, struct tb_arena *arena, size_t *count)
{
	struct core *core = turn->core;
	PbPeerView **views = tb_arena_alloc(arena, core->states_count * sizeof(PbPeerView *));
	for (size_t i = 0; i < core->states_count; i++) {
		const struct peer_state *state = &core->states[i];
		const struct peer *peer = peer_set_at(core->peers, i);
		PbPeerView *view = PROTO_NEW(PbPeerView, peer_view, arena);
		PbCatalogueHead *head;
		view->region = tb_arena_str(arena, peer->region);
		view->name = tb_arena_str(arena, peer->name);
		view->endpoint = tb_arena_str(arena, peer->endpoint);
		view->link = tb_arena_str(arena, state->last_error[0] ? "down"
		                                 : state->contact_at  ? "up"
		                                                      : "idle");
		view->last_error = tb_arena_str(arena, state->last_error);
		view->last_contact_ms = state->contact_at;
		view->outbox = state->outgoing;
		view->retry_ms = delivery_retry_at(state);
		if (catalogue_head(&turn->kv, peer->region, &turn->arena, &head, NULL) == TB_OK)
			view->catalogue_version = head->version;
		view->protocol = state->protocol;
		view->capabilities = capability_of(state, arena);
		grants_in_words(view, peer, arena);
		views[i] = view;
	}
	*count = core->states_count;
	return views;
}

static void apply_status(struct turn *turn, struct core_request *request)
{
	struct core *core = turn->core;
	struct store_txn *txn = turn->kv.txn;
	PbStatusResponse *reply = PROTO_NEW(PbStatusResponse, status_response, &request->arena);
	reply->region = tb_arena_str(&request->arena, core->setup.region);
	reply->name = tb_arena_str(&request->arena, core->setup.name);
	reply->version = tb_arena_str(&request->arena, core->setup.version);
	reply->listen = tb_arena_str(&request->arena, core->setup.listen);
	reply->started_ms = core->started;
	reply->credentials = store_count(txn, KV_CREDENTIAL);
	reply->cases = store_count(txn, KV_CASE);
	reply->audit_size = core->audit.size;
	reply->outbox = store_count(txn, KV_OUTGOING);
	reply->dead_letters = store_count(txn, KV_DEAD);
	reply->materials_wanted = store_count(txn, KV_WANTED);
	reply->turns = core->turns;
	reply->events = core->events;
	webhook_count(&turn->kv, reply);
	reply->peers = peer_views(turn, &request->arena, &reply->n_peers);
	turn_reply(turn, request, &reply->base);
}

static void apply_peers(struct turn *turn, struct core_request *request)
{
	PbPeerListResponse *reply = PROTO_NEW(PbPeerListResponse, peer_list_response, &request->arena);
	reply->peers = peer_views(turn, &request->arena, &reply->n_peers);
	turn_reply(turn, request, &reply->base);
}

/* ---- the local API: a new method is a line in node.proto, a handler, and a line here */

/* Which tokens' roles may call it; without any: the socket's owner alone. A kiosk stands in a public place:
 * it looks up what it can name, and lists nothing. */
#define TOKENS_ALL (0xfeu)
#define TOKENS_STAFF (TOKENS_ALL & ~(1u << PB_TOKEN_ROLE__TOKEN_KIOSK))
#define TOKENS_ACT (TOKENS_ALL & ~(1u << PB_TOKEN_ROLE__TOKEN_READ_ONLY))
/* It finds certificates by their holder. */
#define TOKENS_PREPARE (TOKENS_ACT & TOKENS_STAFF)
#define TOKENS_HEAD (1u << PB_TOKEN_ROLE__TOKEN_HEAD)

static const struct core_method methods[] = {
	{&pb_node_service__descriptor, "Status", TOKENS_ALL, SCOPE_FREE, .apply = apply_status},
	{&pb_node_service__descriptor, "DeadLetters", TOKENS_STAFF, SCOPE_DENIED, .read = delivery_read_dead},
	{&pb_node_service__descriptor, "Requeue", .apply = delivery_apply_requeue},
	{&pb_node_service__descriptor, "Metrics", TOKENS_ALL, SCOPE_FREE, .apply = metrics_apply},
	{&pb_peer_service__descriptor, "List", TOKENS_ALL, SCOPE_FREE, .apply = apply_peers},
	{&pb_peer_service__descriptor, "Codes", TOKENS_STAFF, SCOPE_FREE, .read = codes_read_list},
	{&pb_credential_service__descriptor, "Import", TOKENS_HEAD, SCOPE_DENIED,
         .apply = credential_apply_import, .prepare = credential_prepare_import},
	{&pb_credential_service__descriptor, "ImportStatus", TOKENS_HEAD, SCOPE_DENIED,
         .read = credential_read_import},
	{&pb_credential_service__descriptor, "Get", TOKENS_STAFF, SCOPE_FREE, .read = credential_read_get},
	{&pb_credential_service__descriptor, "Find", TOKENS_STAFF, SCOPE_DENIED,
         .read = credential_read_find},
	{&pb_credential_service__descriptor, "SetState", TOKENS_HEAD, SCOPE_DENIED,
         .apply = credential_apply_state},
	{&pb_credential_service__descriptor, "Verify", TOKENS_ACT, SCOPE_FREE, .apply = verify_apply_ask},
	{&pb_catalogue_service__descriptor, "Load", .apply = catalogue_apply_load,
         .prepare = catalogue_prepare_load},
	{&pb_catalogue_service__descriptor, "List", TOKENS_ALL, SCOPE_FREE, .read = catalogue_read_list},
	{&pb_case_service__descriptor, "Submit", TOKENS_ACT, SCOPE_APPLICATION, .apply = case_apply_submit},
	{&pb_case_service__descriptor, "Act", TOKENS_ACT, SCOPE_CASE, .apply = case_apply_act,
         .prepare = case_prepare_act},
	{&pb_case_service__descriptor, "Get", TOKENS_ALL, SCOPE_CASE, .read = case_read_get},
	{&pb_case_service__descriptor, "Prepare", TOKENS_PREPARE, SCOPE_APPLICATION,
         .apply = case_apply_prepare},
	{&pb_case_service__descriptor, "JointNeeds", TOKENS_ALL, SCOPE_FREE, .read = joint_read_needs},
	{&pb_case_service__descriptor, "List", TOKENS_STAFF, SCOPE_ROWS, .read = case_read_list},
	{&pb_matter_service__descriptor, "Open", TOKENS_ACT, SCOPE_DENIED, .apply = matter_apply_open},
	{&pb_matter_service__descriptor, "Post", TOKENS_ACT, SCOPE_DENIED, .apply = matter_apply_post},
	{&pb_matter_service__descriptor, "Get", TOKENS_STAFF, SCOPE_DENIED, .read = matter_read_get},
	{&pb_matter_service__descriptor, "List", TOKENS_STAFF, SCOPE_DENIED, .read = matter_read_list},
	{&pb_agreement_service__descriptor, "Propose", .apply = agreement_apply_statement,
         .prepare = agreement_prepare_propose},
	{&pb_agreement_service__descriptor, "Sign", .apply = agreement_apply_statement,
         .prepare = agreement_prepare_sign},
	{&pb_agreement_service__descriptor, "End", .apply = agreement_apply_statement,
         .prepare = agreement_prepare_end},
	{&pb_agreement_service__descriptor, "Get", TOKENS_STAFF, SCOPE_FREE, .apply = agreement_apply_get},
	{&pb_agreement_service__descriptor, "List", TOKENS_STAFF, SCOPE_FREE, .apply = agreement_apply_list},
	{&pb_agreement_service__descriptor, "Diff", TOKENS_STAFF, SCOPE_FREE, .apply = agreement_apply_diff},
	{&pb_hall_service__descriptor, "Load", TOKENS_HEAD, SCOPE_DENIED, .apply = hall_apply_load},
	{&pb_hall_service__descriptor, "List", TOKENS_ALL, SCOPE_FREE, .read = hall_read_list},
	{&pb_hall_service__descriptor, "LoadDepartments", TOKENS_HEAD, SCOPE_DENIED,
         .apply = department_apply_load},
	{&pb_hall_service__descriptor, "ListDepartments", TOKENS_STAFF, SCOPE_FREE,
         .read = department_read_list},
	{&pb_commitment_service__descriptor, "List", TOKENS_ALL, SCOPE_ROWS, .read = commitment_read_list},
	{&pb_commitment_service__descriptor, "Notes", TOKENS_PREPARE, SCOPE_DENIED,
         .read = credit_read_notes},
	{&pb_commitment_service__descriptor, "Dispute", TOKENS_PREPARE, SCOPE_DENIED,
         .apply = credit_apply_dispute},
	{&pb_commitment_service__descriptor, "Settle", TOKENS_HEAD, SCOPE_DENIED,
         .apply = credit_apply_settle},
	{&pb_readiness_service__descriptor, "Note", TOKENS_HEAD, SCOPE_FREE, .apply = readiness_apply_note},
	{&pb_readiness_service__descriptor, "Notes", TOKENS_STAFF, SCOPE_FREE, .read = readiness_read_notes},
	{&pb_stats_service__descriptor, "Cases", TOKENS_STAFF, SCOPE_ROWS, .read = stats_read_cases},
	{&pb_material_service__descriptor, "Get", TOKENS_ALL, SCOPE_FREE, .read = material_read_get},
	{&pb_material_service__descriptor, "List", TOKENS_STAFF, SCOPE_DENIED, .read = material_read_list},
	{&pb_evidence_service__descriptor, "Export", TOKENS_STAFF, SCOPE_DENIED,
         .read = evidence_read_export},
	{&pb_audit_service__descriptor, "Checkpoint", TOKENS_STAFF, SCOPE_FREE,
         .read = audit_read_checkpoint},
	{&pb_audit_service__descriptor, "Prove", TOKENS_STAFF, SCOPE_FREE, .read = audit_read_prove},
	{&pb_audit_service__descriptor, "Consistency", TOKENS_STAFF, SCOPE_FREE,
         .read = audit_read_consistency},
	{&pb_audit_service__descriptor, "Verify", TOKENS_STAFF, SCOPE_FREE, .read = audit_read_verify},
	{&pb_audit_service__descriptor, "List", TOKENS_STAFF, SCOPE_DENIED, .read = audit_read_list},
	{&pb_token_service__descriptor, "Add", .apply = token_apply_add},
	{&pb_token_service__descriptor, "List", .read = token_read_list},
	{&pb_token_service__descriptor, "Revoke", .apply = token_apply_revoke},
	{&pb_export_service__descriptor, "Cases", TOKENS_STAFF, SCOPE_ROWS, .read = export_read_cases},
	{&pb_export_service__descriptor, "Credentials", TOKENS_STAFF, SCOPE_DENIED,
         .read = export_read_credentials},
	{&pb_retention_service__descriptor, "Hold", .apply = retention_apply_hold},
	{&pb_retention_service__descriptor, "Release", .apply = retention_apply_release},
	{&pb_retention_service__descriptor, "Holds", .read = retention_read_holds},
	{&pb_retention_service__descriptor, "Finished", .read = retention_read_finished},
	{&pb_retention_service__descriptor, "Archive", .read = retention_read_archive},
	{&pb_retention_service__descriptor, "Archived", .apply = retention_apply_archived},
	{&pb_retention_service__descriptor, "Prune", .apply = retention_apply_prune},
	{&pb_retention_service__descriptor, "Erase", .apply = retention_apply_erase},
	{&pb_webhook_service__descriptor, "Add", .apply = webhook_apply_add},
	{&pb_webhook_service__descriptor, "List", .read = webhook_read_list},
	{&pb_webhook_service__descriptor, "Remove", .apply = webhook_apply_remove},
	{&pb_webhook_service__descriptor, "Resume", .apply = webhook_apply_resume},
	{&pb_event_service__descriptor, "List", TOKENS_STAFF, SCOPE_ROWS, .read = event_read_list},
};

const struct core_method *core_method_find(const char *path)
{
	const char *slash = path[0] == '/' ? strchr(path + 1, '/') : NULL;
	if (!slash)
		return NULL;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const char *service = methods[i].service->name;
		if (strlen(service) == (size_t)(slash - path - 1) &&
		    memcmp(service, path + 1, strlen(service)) == 0 &&
		    strcmp(methods[i].name, slash + 1) == 0)
			return &methods[i];
	}
	return NULL;
}

const proto_type *core_method_input(const struct core_method *method)
{
	const ProtobufCMethodDescriptor *found =
		protobuf_c_service_descriptor_get_method_by_name(method->service, method->name);
	assert(found);
	return found->input;
}

uint32_t core_method_tokens(const struct core_method *method)
{
	return method->tokens;
}

bool core_method_reads(const struct core_method *method)
{
	return method->read != NULL;
}

enum tb_code core_request_new(struct core_request **out, const struct core_method *method,
                              struct tb_bytes json, struct tb_error *err)
{
	struct core_request *request = tb_alloc(sizeof(*request));
	request->method = method;
	enum tb_code code =
		proto_json_decode(&request->message, core_method_input(method), json, &request->arena, err);
	if (code) {
		core_request_free(request);
		request = NULL;
	}
	*out = request;
	return code;
}

void core_request_free(struct core_request *request)
{
	if (!request)
		return;
	for (size_t i = 0; i < request->seals_count; i++)
		pki_batch_free(request->seals[i]);
	tb_arena_clear(&request->arena);
	free(request);
}

void core_prepare(const struct core_setup *setup, struct core_request *request, tb_time now)
{
	struct tb_error err = {0};
	enum tb_code code = token_may_call(request, &err);
	if (code == TB_OK && request->method->prepare)
		code = request->method->prepare(setup, request, now, &err);
	if (code)
		request->error = err;
}

void core_query(const struct core_setup *setup, struct peer_set *peers, struct core_request *request,
                tb_time now)
{
	struct query query = {.setup = setup, .peers = peers, .now = now, .request = request};
	struct tb_error err = {0};
	enum tb_code code = store_read(&query.kv.txn, setup->store, &err);
	if (code == TB_OK) {
		query.kv.vault = pki_vault_new(setup->vault_key);
		code = token_check(&query.kv, request, &err);
		if (code == TB_OK)
			code = request->method->read(&query, &err);
		store_abort(query.kv.txn);
		pki_vault_free(query.kv.vault);
		tb_buf_clear(&query.kv.scratch);
	}
	if (code) {
		request->error = err;
		request->reply = NULL;
	}
}

/* ---- life */

struct peer_state *core_peer_state(struct core *core, const char *region)
{
	for (size_t i = 0; i < core->states_count; i++) {
		if (strcmp(core->states[i].region, region) == 0)
			return &core->states[i];
	}
	return NULL;
}

static void drop_state(struct turn *turn, struct peer_state *state)
{
	verify_drop(turn, state);
	agreements_there_free(state->there);
	tb_buf_clear(&state->codes);
	tb_buf_clear(&state->capabilities);
}

/* States for a new peer set; what is known of peers that stay is kept. */
static void adopt(struct turn *turn, struct peer_set *peers)
{
	struct core *core = turn->core;
	size_t count = peer_set_count(peers);
	struct peer_state *states = tb_alloc(count * sizeof(*states));
	for (size_t i = 0; i < count; i++) {
		const struct peer *peer = peer_set_at(peers, i);
		struct peer_state *old = core_peer_state(core, peer->region);
		if (old) {
			states[i] = *old;
			old->there = NULL;
			old->codes = (struct tb_buf){0};
			old->capabilities = (struct tb_buf){0};
			old->queue_first = old->queue_last = NULL;
		} else {
			snprintf(states[i].region, sizeof(states[i].region), "%.6s", peer->region);
			states[i].outgoing = delivery_outgoing(&turn->kv, peer->region);
			states[i].tokens = (int64_t)peer->queries_burst * 1000;
			states[i].tokens_at = turn->now;
		}
		states[i].retry_at = 0;
		states[i].waiting_at = 0;
		states[i].codes_swept = 0;
		states[i].describe_at = 0;
		/* What was not believed so far may be now. */
		states[i].shown.again_at = states[i].shown_back.again_at = 0;
		states[i].fetch_at = 0;
	}
	for (size_t i = 0; i < core->states_count; i++)
		drop_state(turn, &core->states[i]);
	free(core->states);
	core->states = states;
	core->states_count = count;
	peer_set_ref(peers);
	peer_set_unref(core->peers);
	core->peers = peers;
}

static struct turn begin(struct core *core, struct store_txn *txn, tb_time now, struct core_effects *effects)
{
	return (struct turn){
		.core = core,
		.kv = {.txn = txn, .vault = core->vault, .random = core->random, .cache = core->cache},
		.now = now,
		.effects = effects};
}

static void end(struct turn *turn)
{
	tb_buf_clear(&turn->kv.scratch);
	tb_arena_clear(&turn->arena);
}

static enum tb_code repair(struct turn *turn, struct tb_error *err)
{
	struct core *core = turn->core;
	enum tb_code code = kv_check_numbers(&turn->kv, err);
	if (code)
		return code;
	core->batches = core->batches_stored = kv_number(&turn->kv, "batches");
	core->credentials = core->credentials_stored = kv_number(&turn->kv, "credentials");
	core->audit_noted = kv_number(&turn->kv, "audit_noted");
	code = audit_open(core, &turn->kv, err);
	if (code == TB_OK)
		code = metrics_open(turn, err);
	return code ? code : agreements_open(&core->agreements, &turn->kv, err);
}

/* The store must be this node's: opened with its own key, made for its own region. */
static enum tb_code check_owner(struct turn *turn, struct tb_error *err)
{
	const char *region = turn->core->setup.region;
	struct kv_key key = kv_key_str("region");
	struct tb_bytes stored;
	enum tb_code code = kv_get(&turn->kv, KV_META, &key, &turn->arena, &stored, err);
	if (code == TB_ENOTFOUND) {
		kv_put(&turn->kv, KV_META, &key, tb_bytes_str(region));
		return TB_OK;
	}
	if (code)
		return tb_fail(err, TB_ECORRUPT, "the store cannot be opened with this vault key");
	if (!tb_bytes_equal(stored, tb_bytes_str(region)))
		return tb_fail(err, TB_EINVALID, "the store belongs to region %.*s", (int)stored.size,
		               (const char *)stored.data);
	return TB_OK;
}

static bool is_blob_wanted(void *ctx, const char *name)
{
	struct kv *kv = ctx;
	uint8_t root[PKI_HASH_BYTES];
	if (strlen(name) != 2 * sizeof(root) || !tb_unhex(root, sizeof(root), name))
		return false;
	return material_coming(kv, tb_bytes_of(root, sizeof(root)));
}

enum tb_code core_open(struct core **out, const struct core_setup *setup, struct peer_set *peers,
                       const uint8_t seed[32], tb_time now, struct tb_error *err)
{
	struct core *core = tb_alloc(sizeof(*core));
	struct core_effects effects = {0};
	struct store_txn *txn;
	core->setup = *setup;
	core->vault = pki_vault_new(setup->vault_key);
	core->random = pki_random_new(seed);
	core->cache = kv_cache_new();
	core->started = now;
	core->doomed = true; /* what a former run left */
	core->note_at = now + NOTE_EVERY;
	core->purge_at = now + PURGE_EVERY;
	*out = NULL;
	enum tb_code code = store_write(&txn, setup->store, err);
	if (code) {
		core_close(core);
		return code;
	}
	struct turn turn = begin(core, txn, now, &effects);
	code = check_owner(&turn, err);
	if (code == TB_OK)
		code = repair(&turn, err);
	if (code == TB_OK) {
		adopt(&turn, peers);
		blob_sweep(setup->blobs, is_blob_wanted, &turn.kv);
		kv_flush(&turn.kv);
	}
	end(&turn);
	core_effects_clear(&effects);
	if (code == TB_OK)
		code = store_commit(txn, err);
	else
		store_abort(txn);
	if (code) {
		core_close(core);
		return code;
	}
	*out = core;
	return TB_OK;
}

void core_close(struct core *core)
{
	if (!core)
		return;
	material_forget_all(core);
	credential_forget_held(core);
	for (size_t i = 0; i < core->states_count; i++) {
		agreements_there_free(core->states[i].there);
		tb_buf_clear(&core->states[i].codes);
		tb_buf_clear(&core->states[i].capabilities);
	}
	free(core->states);
	tb_buf_clear(&core->audit.leaves);
	peer_set_unref(core->peers);
	pki_vault_free(core->vault);
	pki_random_free(core->random);
	kv_cache_free(core->cache);
	agreements_free(core->agreements);
	free(core);
}

/* ---- a turn */

static void apply_request(struct turn *turn, struct core_request *request)
{
	if (request->error.code || token_check(&turn->kv, request, &request->error)) {
		turn_refuse(turn, request, &request->error);
		return;
	}
	token_mark_actors(request);
	request->method->apply(turn, request);
}

static void apply_inbound(struct turn *turn, struct core_inbound *inbound)
{
	switch (inbound->call) {
	case CORE_VERIFY:
		verify_inbound(turn, inbound);
		break;
	case CORE_DELIVER:
		delivery_inbound(turn, inbound);
		break;
	case CORE_DESCRIBE:
		describe_inbound(turn, inbound);
		break;
	}
}

static void apply_done(struct turn *turn, struct core_outbound *outbound)
{
	if (outbound->answer_refused)
		refusal_note(turn, outbound->peer, "answer", outbound->error.code,
		             tb_bytes_of(outbound->refused_digest, PKI_HASH_BYTES));
	switch (outbound->call) {
	case CORE_VERIFY:
		verify_answered(turn, outbound);
		break;
	case CORE_DELIVER:
		delivery_answered(turn, outbound);
		break;
	case CORE_DESCRIBE:
		describe_answered(turn, outbound);
		break;
	}
	core_outbound_free(outbound);
}

void core_apply(struct core *core, struct store_txn *txn, tb_time now, const struct core_event *event,
                struct core_effects *effects)
{
	struct turn turn = begin(core, txn, now, effects);
	core->events++;
	switch (event->kind) {
	case CORE_REQUEST:
		apply_request(&turn, event->request);
		break;
	case CORE_INBOUND:
		apply_inbound(&turn, event->inbound);
		break;
	case CORE_CALL_DONE:
		apply_done(&turn, event->outbound);
		break;
	case CORE_FETCHED:
		material_fetched(&turn, event->fetch);
		core_fetch_free(event->fetch);
		break;
	case CORE_REFUSED:
		refusal_apply(&turn, &event->refusal);
		break;
	case CORE_PEERS:
		adopt(&turn, event->peers);
		break;
	case CORE_WAKE: /* core_finish() looks at everything that is due. */
		break;
	}
	end(&turn);
}

static tb_time checkpoint(struct turn *turn)
{
	struct core *core = turn->core;
	if (core->audit.size == core->audit_noted)
		return INT64_MAX;
	if (core->note_at > turn->now + NOTE_EVERY) /* the clock was set back */
		core->note_at = turn->now + NOTE_EVERY;
	if (turn->now < core->note_at && core->audit.size - core->audit_noted < NOTE_EVERY_LEAVES)
		return core->note_at;
	struct tb_buf note = {0};
	struct tb_error err;
	core->note_at = turn->now + NOTE_EVERY;
	audit_settle(turn);
	if (audit_checkpoint(core, &note, &err)) {
		turn_log(turn, TB_LOG_ERROR, "audit.checkpoint_failed", "", "", "%s", err.text);
		return core->note_at;
	}
	struct kv_key key = kv_key_u64(core->audit.size);
	store_put(turn->kv.txn, KV_NOTE, kv_key_bytes(&key), tb_buf_bytes(&note));
	tb_buf_clear(&note);
	core->audit_noted = core->audit.size;
	kv_set_number(&turn->kv, "audit_noted", core->audit_noted);
	return INT64_MAX;
}

/* Nonces whose batches have expired by any clock are forgotten: all of them, some in each turn. */
static tb_time purge(struct turn *turn)
{
	if (turn->now < turn->core->purge_at && turn->core->purge_at <= turn->now + PURGE_EVERY)
		return INT64_MAX;
	for (unsigned i = 0; i < PURGE_AT_ONCE; i++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		struct kv_key when;
		store_cursor(&cursor, turn->kv.txn, KV_NONCE, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
		bool any = store_next(&cursor, &key, &value) && key.size > 8 &&
		           (tb_time)tb_get_u64(key.data) < turn->now;
		if (any)
			when = kv_key_of(key);
		store_cursor_end(&cursor);
		if (!any) {
			turn->core->purge_at = turn->now + PURGE_EVERY;
			return INT64_MAX;
		}
		kv_delete(&turn->kv, KV_NONCE, &when);
	}
	turn->core->purge_at = turn->now;
	return turn->now;
}

static tb_time sooner(tb_time a, tb_time b)
{
	return a < b ? a : b;
}

static void store_numbers(struct turn *turn)
{
	struct core *core = turn->core;
	if (core->batches != core->batches_stored)
		kv_set_number(&turn->kv, "batches", core->batches);
	if (core->credentials != core->credentials_stored)
		kv_set_number(&turn->kv, "credentials", core->credentials);
	core->batches_stored = core->batches;
	core->credentials_stored = core->credentials;
}

tb_time core_finish(struct core *core, struct store_txn *txn, tb_time now, struct core_effects *effects)
{
	struct turn turn = begin(core, txn, now, effects);
	tb_time wake = case_timers(&turn);
	core->turns++;
	wake = sooner(wake, purge(&turn));
	for (size_t i = 0; i < core->states_count; i++) {
		struct peer_state *state = &core->states[i];
		const struct peer *peer = peer_set_at(core->peers, i);
		wake = sooner(wake, verify_finish(&turn, state, peer));
		wake = sooner(wake, delivery_finish(&turn, state, peer));
		wake = sooner(wake, describe_finish(&turn, state, peer));
	}
	wake = sooner(wake, matter_finish(&turn));
	wake = sooner(wake, refusal_finish(&turn));
	wake = sooner(wake, credential_finish(&turn));
	wake = sooner(wake, material_finish(&turn));
	wake = sooner(wake, retention_finish(&turn));
	wake = sooner(wake, checkpoint(&turn));
	audit_finish(&turn);
	store_numbers(&turn);
	metrics_finish(&turn);
	kv_flush(&turn.kv);
	end(&turn);
	return wake;
}
