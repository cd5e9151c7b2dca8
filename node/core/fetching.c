/* Materials in the store: which are here, which are wanted and from whom, who may fetch them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/material.h"
#include "node/core/turn.h"

enum {
	FETCHES_PER_PEER = 2,
	FETCHES_LOOKED_AT = 256,
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 5 * 60 * 1000,
};

struct active_fetch {
	struct active_fetch *next;
	uint8_t root[PKI_HASH_BYTES];
};

static enum tb_code load(struct kv *kv, struct tb_bytes root, struct tb_arena *arena, PbStoredMaterial **out,
                         struct tb_error *err)
{
	struct kv_key key = kv_key_of(root);
	return KV_GET(kv, KV_MATERIAL, &key, stored_material, arena, out, err);
}

bool material_here(struct kv *kv, struct tb_bytes root)
{
	struct tb_arena arena = {0};
	PbStoredMaterial *record;
	bool here = load(kv, root, &arena, &record, NULL) == TB_OK && record->complete;
	tb_arena_clear(&arena);
	return here;
}

static struct kv_key for_key(const char *peer, struct tb_bytes root)
{
	struct kv_key key = kv_key_str(peer);
	kv_key_add(&key, root);
	return key;
}

void material_allow(struct turn *turn, const char *peer, struct tb_bytes root)
{
	struct kv_key key = for_key(peer, root);
	kv_mark(&turn->kv, KV_MATERIAL_FOR, &key);
}

static void put(struct turn *turn, struct tb_bytes root, const PbStoredMaterial *record)
{
	struct kv_key key = kv_key_of(root);
	kv_put_message(&turn->kv, KV_MATERIAL, &key, &record->base);
}

void material_want(struct turn *turn, const char *peer, const char *number, const PbMaterial *material)
{
	struct tb_bytes root = proto_bytes(material->root);
	PbStoredMaterial *record;
	assert(root.size == PKI_HASH_BYTES);
	assert(material->sha256.len == PKI_HASH_BYTES);
	if (load(&turn->kv, root, &turn->arena, &record, NULL)) {
		record = PROTO_NEW(PbStoredMaterial, stored_material, &turn->arena);
		record->size = material->size;
		record->sha256 = material->sha256;
		record->peer = tb_arena_str(&turn->arena, peer);
	}
	/* Two peers may name the same content, and one of them wrongly: whoever names it last is asked next.
	 */
	if (!record->complete &&
	    (strcmp(record->peer, peer) != 0 || record->size != material->size ||
	     !tb_bytes_equal(proto_bytes(record->sha256), proto_bytes(material->sha256)))) {
		if (record->size != material->size) {
			record->chunks = 0;
			record->leaves = (ProtobufCBinaryData){0, NULL};
		}
		record->size = material->size;
		record->sha256 = material->sha256;
		record->peer = tb_arena_str(&turn->arena, peer);
		record->attempts = 0;
		record->retry_ms = 0;
	}
	char **cases = tb_arena_alloc(&turn->arena, (record->n_cases + 1) * sizeof(*cases));
	if (record->n_cases > 0)
		memcpy(cases, record->cases, record->n_cases * sizeof(*cases));
	cases[record->n_cases++] = tb_arena_str(&turn->arena, number);
	record->cases = cases;
	struct kv_key key = kv_key_of(root);
	put(turn, root, record);
	kv_mark(&turn->kv, KV_WANTED, &key);
	turn->core->fetch_due = true;
}

void material_belongs(struct turn *turn, const char *number, struct tb_bytes root)
{
	PbStoredMaterial *record;
	if (root.size != PKI_HASH_BYTES || load(&turn->kv, root, &turn->arena, &record, NULL))
		return;
	for (size_t i = 0; i < record->n_cases; i++) {
		if (strcmp(record->cases[i], number) == 0)
			return;
	}
	char **cases = tb_arena_alloc(&turn->arena, (record->n_cases + 1) * sizeof(*cases));
	if (record->n_cases > 0)
		memcpy(cases, record->cases, record->n_cases * sizeof(*cases));
	cases[record->n_cases++] = tb_arena_str(&turn->arena, number);
	record->cases = cases;
	put(turn, root, record);
}

static bool active(const struct core *core, struct tb_bytes root)
{
	for (const struct active_fetch *fetch = core->fetching; fetch; fetch = fetch->next) {
		if (memcmp(fetch->root, root.data, PKI_HASH_BYTES) == 0)
			return true;
	}
	return false;
}

static void start(struct turn *turn, const struct peer *peer, struct peer_state *state, struct tb_bytes root,
                  const PbStoredMaterial *record)
{
	struct core_fetch *fetch = tb_alloc(sizeof(*fetch));
	struct active_fetch *note = tb_alloc(sizeof(*note));
	memcpy(note->root, root.data, PKI_HASH_BYTES);
	note->next = turn->core->fetching;
	turn->core->fetching = note;
	state->fetches++;
	snprintf(fetch->peer, sizeof(fetch->peer), "%.6s", peer->region);
	snprintf(fetch->endpoint, sizeof(fetch->endpoint), "%.255s", peer->endpoint);
	memcpy(fetch->root, root.data, PKI_HASH_BYTES);
	memcpy(fetch->sha256, record->sha256.data, PKI_HASH_BYTES);
	fetch->size = record->size;
	fetch->first_chunk = record->chunks;
	fetch->chunks = record->chunks;
	if (record->leaves.len > 0) {
		uint8_t *leaves = tb_alloc(record->leaves.len);
		memcpy(leaves, record->leaves.data, record->leaves.len);
		fetch->leaves = tb_bytes_of(leaves, record->leaves.len);
	}
	turn_effect(turn, CORE_FETCH)->fetch = fetch;
}

void core_fetch_free(struct core_fetch *fetch)
{
	if (!fetch)
		return;
	free((void *)(uintptr_t)fetch->leaves.data);
	free(fetch);
}

struct core_fetch *core_fetch_copy(const struct core_fetch *fetch)
{
	struct core_fetch *copy = tb_alloc(sizeof(*copy));
	*copy = *fetch;
	copy->leaves = tb_bytes_of(NULL, 0);
	if (fetch->leaves.size > 0) {
		uint8_t *leaves = tb_alloc(fetch->leaves.size);
		memcpy(leaves, fetch->leaves.data, fetch->leaves.size);
		copy->leaves = tb_bytes_of(leaves, fetch->leaves.size);
	}
	return copy;
}

tb_time material_finish(struct turn *turn)
{
	struct core *core = turn->core;
	/* As in delivery.c: a clock that was set back may let nobody wait longer than the longest retry. */
	tb_time most = turn->now + 2 * RETRY_MOST_MS;
	if (!core->fetch_due && turn->now < core->fetch_at &&
	    (core->fetch_at <= most || core->fetch_at == INT64_MAX))
		return core->fetch_at;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	tb_time again = INT64_MAX;
	core->fetch_due = false;
	store_cursor(&cursor, turn->kv.txn, KV_WANTED, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	for (unsigned i = 0; i < FETCHES_LOOKED_AT && store_next(&cursor, &key, &value); i++) {
		PbStoredMaterial *record;
		if (active(core, key) || load(&turn->kv, key, &turn->arena, &record, NULL))
			continue;
		const struct peer *peer = peer_find(core->peers, record->peer);
		struct peer_state *state = core_peer_state(core, record->peer);
		if (!peer || !state || !peer->endpoint[0] || state->fetches >= FETCHES_PER_PEER)
			continue;
		if (record->retry_ms > turn->now && record->retry_ms <= most) {
			again = record->retry_ms < again ? record->retry_ms : again;
			continue;
		}
		start(turn, peer, state, tb_arena_bytes(&turn->arena, key), record);
	}
	store_cursor_end(&cursor);
	core->fetch_at = again;
	return again;
}

static void forget(struct core *core, const uint8_t root[PKI_HASH_BYTES])
{
	for (struct active_fetch **at = &core->fetching; *at; at = &(*at)->next) {
		if (memcmp((*at)->root, root, PKI_HASH_BYTES) == 0) {
			struct active_fetch *gone = *at;
			*at = gone->next;
			free(gone);
			return;
		}
	}
}

static void complete(struct turn *turn, struct tb_bytes root, const struct core_fetch *fetch,
                     PbStoredMaterial *record)
{
	struct kv_key key = kv_key_of(root);
	record->complete = true;
	record->attempts = 0;
	record->retry_ms = 0;
	put(turn, root, record);
	kv_delete(&turn->kv, KV_WANTED, &key);
	audit_add(turn, PB_LEAF_KIND__LEAF_MATERIAL, record->n_cases ? record->cases[0] : "material",
	          fetch->peer, root, 1);
	for (size_t i = 0; i < record->n_cases; i++)
		case_material_arrived(turn, record->cases[i]);
}

void material_fetched(struct turn *turn, struct core_fetch *fetch)
{
	struct peer_state *state = core_peer_state(turn->core, fetch->peer);
	struct tb_bytes root = tb_bytes_of(fetch->root, PKI_HASH_BYTES);
	bool progress = fetch->error.code == TB_EBUSY;
	PbStoredMaterial *record;
	struct tb_error err;
	if (!progress) {
		forget(turn->core, fetch->root);
		if (state && state->fetches > 0) /* 0: the peer was removed and is back */
			state->fetches--;
		turn->core->fetch_due = true;
	}
	/* What a peer says of a material that it has not, or not yet, is no offence; false parts are. */
	if (fetch->error.code == TB_EUNTRUSTED || fetch->error.code == TB_EMALFORMED ||
	    fetch->error.code == TB_ETOOBIG)
		refusal_note(turn, fetch->peer, "part", fetch->error.code, root);
	if (load(&turn->kv, root, &turn->arena, &record, &err)) {
		turn_log(turn, TB_LOG_ERROR, "material.unreadable", fetch->peer, "", "%s", err.text);
		return;
	}
	if (record->complete)
		return;
	record->chunks = fetch->chunks;
	record->leaves = proto_data(fetch->leaves);
	if (fetch->error.code == TB_OK) {
		complete(turn, root, fetch, record);
		return;
	}
	if (!progress) {
		tb_time wait = RETRY_FIRST_MS;
		for (uint32_t i = 0; i < record->attempts && wait < RETRY_MOST_MS; i++)
			wait = wait * 8 / 5;
		record->attempts++;
		record->retry_ms = turn->now + (wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
		turn_log(turn, TB_LOG_WARN, "material.fetch_failed", fetch->peer,
		         record->n_cases ? record->cases[0] : "", "attempt %u, %u chunks are here: %s",
		         record->attempts, fetch->chunks, fetch->error.text);
	}
	put(turn, root, record);
}

/* ---- uploads */

static PbMaterialView *view_of(struct tb_bytes root, const PbStoredMaterial *record, struct tb_arena *arena)
{
	PbMaterialView *view = PROTO_NEW(PbMaterialView, material_view, arena);
	view->root = proto_data(tb_arena_bytes(arena, root));
	view->size = record->size;
	view->sha256 = record->sha256;
	view->chunks = (uint32_t)((record->size + TB_CHUNK_BYTES - 1) / TB_CHUNK_BYTES);
	view->chunks_present = record->complete ? view->chunks : record->chunks;
	view->complete = record->complete;
	view->n_cases = record->n_cases;
	view->cases = record->cases;
	return view;
}

void material_apply_added(struct turn *turn, struct core_request *request)
{
	PbStoredMaterial *added = (PbStoredMaterial *)(void *)request->message;
	struct tb_bytes root = tb_bytes_of(request->prepared, PKI_HASH_BYTES);
	PbStoredMaterial *record;
	struct tb_error err = {0};
	char name[2 * PKI_HASH_BYTES + 1];
	tb_hex(name, root.data, PKI_HASH_BYTES);
	enum tb_code code = load(&turn->kv, root, &turn->arena, &record, &err);
	/* The same was pruned at this very time: its file went after it had been brought anew. */
	if (code == TB_ENOTFOUND && turn->core->removed && !blob_exists(turn->core->setup.blobs, name))
		code = tb_fail(&err, TB_EBUSY, "the same material was just removed: bring it again");
	if (code != TB_OK && code != TB_ENOTFOUND) {
		turn_refuse(turn, request, &err);
		return;
	}
	if (code == TB_OK && !record->complete) {
		/* It was wanted from a peer, and came from here. */
		struct core_fetch fetch = {.error = {.code = TB_OK}};
		record->chunks = added->chunks;
		record->leaves = added->leaves;
		complete(turn, root, &fetch, record);
	} else if (code == TB_ENOTFOUND) {
		put(turn, root, added);
		audit_add(turn, PB_LEAF_KIND__LEAF_MATERIAL, "material", "", root, 1);
	}
	turn_reply(turn, request, &view_of(root, added, &request->arena)->base);
}

const struct core_method material_added_method = {.name = "added", .apply = material_apply_added};

enum tb_code material_read_get(struct query *query, struct tb_error *err)
{
	const PbMaterialGetRequest *request =
		(const PbMaterialGetRequest *)(const void *)query->request->message;
	PbStoredMaterial *record;
	if (request->root.len != PKI_HASH_BYTES)
		return tb_fail(err, TB_EINVALID, "root: 32 bytes expected");
	enum tb_code code =
		load(&query->kv, proto_bytes(request->root), &query->request->arena, &record, err);
	if (code)
		return code == TB_ENOTFOUND ? tb_refuse_as(err, code, TB_REASON_MATERIAL_UNKNOWN, NULL)
		                            : code;
	code = token_check_material(&query->kv, query->request->as, record, err);
	if (code)
		return code;
	query->request->reply = &view_of(proto_bytes(request->root), record, &query->request->arena)->base;
	return TB_OK;
}

enum tb_code material_read_list(struct query *query, struct tb_error *err)
{
	const PbMaterialListRequest *request =
		(const PbMaterialListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	uint32_t limit =
		request->limit && request->limit < TB_PAGE_ROWS_MAX ? request->limit : TB_PAGE_ROWS_MAX;
	PbMaterialListResponse *reply = PROTO_NEW(PbMaterialListResponse, material_list_response, arena);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->materials = tb_arena_alloc(arena, limit * sizeof(*reply->materials));
	store_cursor(&cursor, query->kv.txn, KV_MATERIAL, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && reply->n_materials < limit && store_next(&cursor, &key, &sealed)) {
		PbStoredMaterial *record;
		code = kv_open(&query->kv, KV_MATERIAL, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, stored_material, plain, arena, err);
		if (code == TB_OK)
			reply->materials[reply->n_materials++] = view_of(key, record, arena);
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}

/* ---- for the driver's streams */

enum tb_code core_material_for(const struct core_setup *setup, const char *peer,
                               const uint8_t root[PKI_HASH_BYTES], struct tb_arena *arena,
                               PbStoredMaterial **out, struct tb_error *err)
{
	struct kv kv = {0};
	struct tb_bytes name = tb_bytes_of(root, PKI_HASH_BYTES);
	*out = NULL;
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	struct kv_key key = for_key(peer, name);
	if (peer[0] && !kv_has(&kv, KV_MATERIAL_FOR, &key))
		code = tb_fail(err, TB_ENOTFOUND, "no such material for %s", peer);
	if (code == TB_OK)
		code = load(&kv, name, arena, out, err);
	if (code == TB_ENOTFOUND)
		tb_refuse_as(err, code, TB_REASON_MATERIAL_UNKNOWN, NULL);
	if (code == TB_OK && !(*out)->complete)
		code = tb_refuse(err, TB_REASON_MATERIAL_COMING, NULL);
	store_abort(kv.txn);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	return code;
}

void material_forget_all(struct core *core)
{
	while (core->fetching)
		forget(core, core->fetching->root);
}
