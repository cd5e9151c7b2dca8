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
	FETCHES_LOOKED_AT = 16, /* of a peer in a turn */
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 5 * 60 * 1000,
	BUSY_MS = 10 * 1000, /* while another peer brings the same */
	/* As in delivery.c: a clock that was set back may let nobody wait longer than the longest retry. */
	PUT_OFF_MOST_MS = 2 * RETRY_MOST_MS,
};

struct active_fetch {
	struct active_fetch *next;
	char peer[PKI_REGION_ROOM];
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

bool material_coming(struct kv *kv, struct tb_bytes root)
{
	struct tb_arena arena = {0};
	PbStoredMaterial *record;
	bool coming = load(kv, root, &arena, &record, NULL) == TB_OK && !record->complete;
	tb_arena_clear(&arena);
	return coming;
}

/* ---- what was said of a content, and what it is */

static bool says(const PbMaterial *material, uint64_t size, ProtobufCBinaryData sha256)
{
	return material->size == size && tb_bytes_equal(proto_bytes(material->sha256), proto_bytes(sha256));
}

static PbStoredClaim *claim_of(const PbStoredMaterial *record, const char *peer)
{
	for (size_t i = 0; i < record->n_claims; i++) {
		if (strcmp(record->claims[i]->peer, peer) == 0)
			return record->claims[i];
	}
	return NULL;
}

/* Two materials of one list that name the same content say the same of it. */
static bool said_otherwise(PbMaterial *const *materials, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (tb_bytes_equal(proto_bytes(materials[i]->root), proto_bytes(materials[at]->root)) &&
		    !says(materials[i], materials[at]->size, materials[at]->sha256))
			return true;
	}
	return false;
}

enum tb_code material_check_here(struct turn *turn, PbMaterial *const *materials, size_t count,
                                 struct tb_error *err)
{
	for (size_t i = 0; i < count; i++) {
		PbStoredMaterial *record;
		if (materials[i]->root.len != PKI_HASH_BYTES)
			continue;
		enum tb_code code =
			load(&turn->kv, proto_bytes(materials[i]->root), &turn->arena, &record, err);
		if (code == TB_ENOTFOUND || (code == TB_OK && !record->complete))
			return tb_refuse(err, TB_REASON_MATERIAL_NOT_UPLOADED, TB_NUMBER(i), NULL);
		if (code)
			return code;
		if (!says(materials[i], record->size, record->sha256))
			return tb_refuse(err, TB_REASON_MATERIAL_DIFFERS, TB_NUMBER(i), NULL);
	}
	return TB_OK;
}

enum tb_code material_check_named(struct turn *turn, const char *peer, PbMaterial *const *materials,
                                  size_t count, struct tb_error *err)
{
	for (size_t i = 0; i < count; i++) {
		PbStoredMaterial *record;
		if (materials[i]->root.len != PKI_HASH_BYTES)
			continue;
		if (said_otherwise(materials, i))
			return tb_refuse(err, TB_REASON_MATERIAL_DIFFERS, TB_NUMBER(i), NULL);
		enum tb_code code =
			load(&turn->kv, proto_bytes(materials[i]->root), &turn->arena, &record, err);
		if (code == TB_ENOTFOUND)
			continue;
		if (code)
			return code;
		const PbStoredClaim *claim = record->complete ? NULL : claim_of(record, peer);
		if ((record->complete && !says(materials[i], record->size, record->sha256)) ||
		    (claim && !says(materials[i], claim->size, claim->sha256)))
			return tb_refuse(err, TB_REASON_MATERIAL_DIFFERS, TB_NUMBER(i), NULL);
	}
	return TB_OK;
}

/* ---- wanting */

static struct kv_key wanted_key(const PbStoredClaim *claim, struct tb_bytes root)
{
	struct kv_key key = kv_key_str(claim->peer);
	kv_key_add_u64(&key, (uint64_t)claim->retry_ms);
	kv_key_add(&key, root);
	return key;
}

static void unmark(struct turn *turn, const PbStoredClaim *claim, struct tb_bytes root)
{
	struct kv_key key = wanted_key(claim, root);
	kv_delete(&turn->kv, KV_WANTED, &key);
}

/* The peer of |claim| is to be asked at |when|. */
static void ask_at(struct turn *turn, PbStoredClaim *claim, struct tb_bytes root, tb_time when)
{
	struct peer_state *state = core_peer_state(turn->core, claim->peer);
	claim->retry_ms = when;
	struct kv_key key = wanted_key(claim, root);
	kv_mark(&turn->kv, KV_WANTED, &key);
	if (state)
		state->fetch_at = 0;
}

static void add_case(struct tb_arena *arena, char ***cases, size_t *count, const char *number)
{
	char **more = tb_arena_alloc(arena, (*count + 1) * sizeof(*more));
	if (*count > 0)
		memcpy(more, *cases, *count * sizeof(*more));
	more[(*count)++] = tb_arena_str(arena, number);
	*cases = more;
}

static bool is_of(const PbStoredMaterial *record, const char *number)
{
	for (size_t i = 0; i < record->n_cases; i++) {
		if (strcmp(record->cases[i], number) == 0)
			return true;
	}
	return false;
}

/* ---- bytes of matters' files that are to come from a peer */

static const char *matter_bytes_name(struct turn *turn, const char *peer)
{
	return tb_arena_printf(&turn->arena, "matter_bytes:%.6s", peer);
}

enum tb_code material_check_room(struct turn *turn, const char *peer, PbMaterial *const *files, size_t count,
                                 bool *defer, struct tb_error *err)
{
	const uint64_t most = (uint64_t)TB_MATTER_FILES_MIB_MAX << 20;
	uint64_t bytes = 0;
	for (size_t i = 0; i < count; i++) {
		PbStoredMaterial *record;
		struct tb_bytes root = proto_bytes(files[i]->root);
		if (root.size == PKI_HASH_BYTES && (load(&turn->kv, root, &turn->arena, &record, NULL) ||
		                                    (!record->complete && !claim_of(record, peer))))
			bytes += files[i]->size;
	}
	if (bytes > most)
		return tb_fail(err, TB_ETOOBIG, "post.files: more than %d MiB", TB_MATTER_FILES_MIB_MAX);
	*defer = bytes > 0 && kv_number(&turn->kv, matter_bytes_name(turn, peer)) + bytes > most;
	return TB_OK;
}

static void count_file(struct turn *turn, PbStoredClaim *claim)
{
	const char *name = matter_bytes_name(turn, claim->peer);
	claim->matter = true;
	kv_set_number(&turn->kv, name, kv_number(&turn->kv, name) + claim->size);
}

/* |claim| is no longer: its file is here, or nobody needs it. */
static void end_claim(struct turn *turn, const PbStoredClaim *claim, struct tb_bytes root)
{
	unmark(turn, claim, root);
	if (!claim->matter)
		return;
	const char *name = matter_bytes_name(turn, claim->peer);
	uint64_t bytes = kv_number(&turn->kv, name);
	kv_set_number(&turn->kv, name, bytes > claim->size ? bytes - claim->size : 0);
}

static PbStoredClaim *add_claim(struct turn *turn, const char *peer, const PbMaterial *material,
                                PbStoredMaterial *record)
{
	PbStoredClaim **claims = tb_arena_alloc(&turn->arena, (record->n_claims + 1) * sizeof(*claims));
	PbStoredClaim *claim = PROTO_NEW(PbStoredClaim, stored_claim, &turn->arena);
	if (record->n_claims > 0)
		memcpy(claims, record->claims, record->n_claims * sizeof(*claims));
	claims[record->n_claims++] = claim;
	record->claims = claims;
	claim->peer = tb_arena_str(&turn->arena, peer);
	claim->size = material->size;
	claim->sha256 = material->sha256;
	ask_at(turn, claim, proto_bytes(material->root), turn->now);
	return claim;
}

static void want(struct turn *turn, const char *peer, const char *number, const PbMaterial *material,
                 bool matter)
{
	struct tb_bytes root = proto_bytes(material->root);
	PbStoredMaterial *record;
	assert(root.size == PKI_HASH_BYTES);
	assert(material->sha256.len == PKI_HASH_BYTES);
	if (load(&turn->kv, root, &turn->arena, &record, NULL)) {
		record = PROTO_NEW(PbStoredMaterial, stored_material, &turn->arena);
		record->size = material->size;
		record->sha256 = material->sha256;
	}
	assert(!record->complete);
	/* Two peers may name the same content, and one of them wrongly: what each says is kept apart. */
	PbStoredClaim *claim = claim_of(record, peer);
	if (!claim) {
		claim = add_claim(turn, peer, material, record);
		if (matter)
			count_file(turn, claim);
	}
	if (says(material, claim->size, claim->sha256)) /* once for each time that it is named */
		add_case(&turn->arena, &claim->cases, &claim->n_cases, number);
	if (!is_of(record, number))
		add_case(&turn->arena, &record->cases, &record->n_cases, number);
	put(turn, root, record);
}

void material_want(struct turn *turn, const char *peer, const char *number, const PbMaterial *material)
{
	want(turn, peer, number, material, false);
}

void material_want_file(struct turn *turn, const char *peer, const char *number, const PbMaterial *file)
{
	want(turn, peer, number, file, true);
}

void material_belongs(struct turn *turn, const char *number, struct tb_bytes root)
{
	PbStoredMaterial *record;
	if (root.size != PKI_HASH_BYTES || load(&turn->kv, root, &turn->arena, &record, NULL))
		return;
	if (is_of(record, number))
		return;
	add_case(&turn->arena, &record->cases, &record->n_cases, number);
	put(turn, root, record);
}

/* The cases of |list| but |number|; returns how many. */
static size_t without(char **list, size_t count, const char *number)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], number) != 0)
			list[left++] = list[i];
	}
	return left;
}

bool material_release(struct turn *turn, const char *number, const char *other, struct tb_bytes root)
{
	PbStoredMaterial *record;
	size_t kept = 0;
	if (root.size != PKI_HASH_BYTES || load(&turn->kv, root, &turn->arena, &record, NULL))
		return false;
	record->n_cases = without(record->cases, record->n_cases, number);
	for (size_t i = 0; i < record->n_claims; i++) {
		PbStoredClaim *claim = record->claims[i];
		claim->n_cases = without(claim->cases, claim->n_cases, number);
		if (claim->n_cases > 0 && record->n_cases > 0)
			record->claims[kept++] = claim;
		else
			end_claim(turn, claim, root);
	}
	record->n_claims = kept;
	if (record->n_cases > 0) {
		put(turn, root, record);
		return false;
	}
	struct kv_key key = kv_key_of(root), allowed = for_key(other, root);
	kv_delete(&turn->kv, KV_MATERIAL_FOR, &allowed);
	kv_delete(&turn->kv, KV_MATERIAL, &key);
	retention_doom(turn, root);
	return true;
}

/* ---- fetching */

/* What a peer says of a material that it has not, or not yet, is no offence; false parts are. */
static bool is_false(const struct core_fetch *fetch)
{
	return fetch->error.code == TB_EUNTRUSTED || fetch->error.code == TB_EMALFORMED ||
	       fetch->error.code == TB_ETOOBIG;
}

static const struct active_fetch *active(const struct core *core, struct tb_bytes root)
{
	const struct active_fetch *fetch = core->fetching;
	while (fetch && memcmp(fetch->root, root.data, PKI_HASH_BYTES) != 0)
		fetch = fetch->next;
	return fetch;
}

bool material_fetching(const struct core *core, struct tb_bytes root)
{
	return active(core, root) != NULL;
}

static uint32_t chunks_of(uint64_t size)
{
	return (uint32_t)((size + TB_CHUNK_BYTES - 1) / TB_CHUNK_BYTES);
}

static void start(struct turn *turn, const struct peer *peer, struct peer_state *state, struct tb_bytes root,
                  PbStoredMaterial *record, const PbStoredClaim *claim)
{
	struct core_fetch *fetch = tb_alloc(sizeof(*fetch));
	struct active_fetch *note = tb_alloc(sizeof(*note));
	memcpy(note->root, root.data, PKI_HASH_BYTES);
	snprintf(note->peer, sizeof(note->peer), "%.6s", peer->region);
	note->next = turn->core->fetching;
	turn->core->fetching = note;
	state->fetches++;
	if (record->size != claim->size || record->chunks > chunks_of(claim->size)) {
		/* What is here of another size may be another number of chunks. */
		record->size = claim->size;
		record->chunks = 0;
		record->leaves = (ProtobufCBinaryData){0, NULL};
		put(turn, root, record);
	}
	snprintf(fetch->peer, sizeof(fetch->peer), "%.6s", peer->region);
	snprintf(fetch->endpoint, sizeof(fetch->endpoint), "%.255s", peer->endpoint);
	memcpy(fetch->root, root.data, PKI_HASH_BYTES);
	memcpy(fetch->sha256, claim->sha256.data, PKI_HASH_BYTES);
	fetch->size = claim->size;
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

/* Rows of KV_WANTED that are looked at together: a cursor may not stay open while rows change. */
struct look {
	struct kv_key rows[FETCHES_LOOKED_AT];
	size_t count;
	tb_time again; /* when the first row that is not due will be */
};

static struct tb_bytes row_root(const struct kv_key *row)
{
	return tb_bytes_of(row->bytes + row->size - PKI_HASH_BYTES, PKI_HASH_BYTES);
}

static tb_time row_due(struct tb_bytes key)
{
	return (tb_time)tb_get_u64(key.data + key.size - PKI_HASH_BYTES - sizeof(uint64_t));
}

/* Gathers rows of |peer| from |from| on that are due by |until|. */
static void gather(struct turn *turn, struct look *look, const char *peer, tb_time from, tb_time until)
{
	struct kv_key prefix = kv_key_str(peer), first = prefix;
	struct store_cursor cursor;
	struct tb_bytes key, value;
	kv_key_add_u64(&first, (uint64_t)from);
	store_cursor(&cursor, turn->kv.txn, KV_WANTED, kv_key_bytes(&prefix), kv_key_bytes(&first));
	while (look->count < FETCHES_LOOKED_AT && store_next(&cursor, &key, &value) &&
	       key.size == prefix.size + sizeof(uint64_t) + PKI_HASH_BYTES) {
		if (row_due(key) > until) {
			look->again = row_due(key);
			break;
		}
		look->rows[look->count++] = kv_key_of(key);
	}
	store_cursor_end(&cursor);
}

/* Begins the fetch that |row| stands for, or puts the row where it holds up nothing: true then. */
static bool look_at(struct turn *turn, const struct peer *peer, struct peer_state *state,
                    const struct kv_key *row)
{
	struct tb_bytes root = row_root(row);
	const struct active_fetch *busy = active(turn->core, root);
	PbStoredMaterial *record;
	if (busy && strcmp(busy->peer, peer->region) == 0)
		return false;
	enum tb_code code = load(&turn->kv, root, &turn->arena, &record, NULL);
	PbStoredClaim *claim = code == TB_OK ? claim_of(record, peer->region) : NULL;
	if (claim && claim->retry_ms != row_due(kv_key_bytes(row)))
		claim = NULL;
	if (claim && !busy) {
		start(turn, peer, state, root, record, claim);
		return false;
	}
	kv_delete(&turn->kv, KV_WANTED, row);
	if (claim) {
		ask_at(turn, claim, root, turn->now + BUSY_MS); /* another peer brings it */
		put(turn, root, record);
	} else if (code != TB_OK && code != TB_ENOTFOUND) {
		PbStoredClaim damaged = {.peer = (char *)(uintptr_t)peer->region};
		ask_at(turn, &damaged, root, turn->now + RETRY_MOST_MS);
	}
	return true;
}

/* What is wanted of one peer, in the order in which it is due: a fetch that failed goes behind those that
 * were not tried. */
static void peer_finish(struct turn *turn, const struct peer *peer, struct peer_state *state)
{
	struct look look = {.again = INT64_MAX};
	bool moved = false;
	gather(turn, &look, peer->region, 0, turn->now);
	gather(turn, &look, peer->region, turn->now + PUT_OFF_MOST_MS + 1, INT64_MAX);
	for (size_t i = 0; i < look.count && state->fetches < FETCHES_PER_PEER; i++)
		moved |= look_at(turn, peer, state, &look.rows[i]);
	if (state->fetches >= FETCHES_PER_PEER)
		state->fetch_at = INT64_MAX; /* the end of either looks again */
	else
		state->fetch_at = moved || look.count == FETCHES_LOOKED_AT ? turn->now : look.again;
}

tb_time material_finish(struct turn *turn)
{
	struct core *core = turn->core;
	tb_time most = turn->now + PUT_OFF_MOST_MS;
	tb_time again = INT64_MAX;
	for (size_t i = 0; i < core->states_count; i++) {
		struct peer_state *state = &core->states[i];
		const struct peer *peer = peer_set_at(core->peers, i);
		if (!peer->endpoint[0])
			continue;
		if (state->fetch_at <= turn->now || (state->fetch_at > most && state->fetch_at != INT64_MAX))
			peer_finish(turn, peer, state);
		again = state->fetch_at < again ? state->fetch_at : again;
	}
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

/* What |claim| says is not so: the content is here, and is another. Its cases go on waiting for what it
 * promised. */
static void contradict(struct turn *turn, const PbStoredClaim *claim, struct tb_bytes root)
{
	refusal_note(turn, claim->peer, "part", TB_EUNTRUSTED, root);
	turn_log(turn, TB_LOG_WARN, "material.contradicted", claim->peer,
	         claim->n_cases ? claim->cases[0] : "",
	         "size or SHA-256 that it names is not that of the content, which is here");
}

/* The content is here. |hashed|: what it is, as this node has hashed it. */
static void complete(struct turn *turn, struct tb_bytes root, const char *peer,
                     const PbStoredMaterial *hashed, PbStoredMaterial *record)
{
	PbStoredClaim **claims = record->claims;
	size_t count = record->n_claims;
	record->size = hashed->size;
	record->sha256 = hashed->sha256;
	record->leaves = hashed->leaves;
	record->chunks = hashed->chunks;
	record->complete = true;
	record->claims = NULL;
	record->n_claims = 0;
	put(turn, root, record);
	audit_add(turn, PB_LEAF_KIND__LEAF_MATERIAL, record->n_cases ? record->cases[0] : "material", peer,
	          root, 1);
	for (size_t i = 0; i < count; i++) {
		end_claim(turn, claims[i], root);
		if (claims[i]->size != record->size ||
		    !tb_bytes_equal(proto_bytes(claims[i]->sha256), proto_bytes(record->sha256))) {
			contradict(turn, claims[i], root);
			continue;
		}
		for (size_t j = 0; j < claims[i]->n_cases; j++)
			case_material_arrived(turn, claims[i]->cases[j]);
	}
}

/* Puts off what the peer of |fetch| was asked for: longer each time, and longest if what it says contradicts
 * itself and somebody else can be asked. */
static void put_off(struct turn *turn, struct tb_bytes root, const struct core_fetch *fetch,
                    const PbStoredMaterial *record, PbStoredClaim *claim)
{
	tb_time wait = RETRY_FIRST_MS;
	for (uint32_t i = 0; i < claim->attempts && wait < RETRY_MOST_MS; i++)
		wait = wait * 8 / 5;
	if (wait > RETRY_MOST_MS || (is_false(fetch) && record->n_claims > 1))
		wait = RETRY_MOST_MS;
	unmark(turn, claim, root);
	claim->attempts++;
	ask_at(turn, claim, root, turn->now + wait);
	turn_log(turn, TB_LOG_WARN, "material.fetch_failed", fetch->peer,
	         claim->n_cases ? claim->cases[0] : "", "attempt %u, %u chunks are here: %s", claim->attempts,
	         fetch->chunks, fetch->error.text);
}

/* Is |fetch| what |claim| asks for? The claim may be gone, and made anew, since it began. */
static bool is_for(const struct core_fetch *fetch, const PbStoredClaim *claim)
{
	return claim && claim->size == fetch->size &&
	       tb_bytes_equal(proto_bytes(claim->sha256), tb_bytes_of(fetch->sha256, PKI_HASH_BYTES));
}

void material_fetched(struct turn *turn, struct core_fetch *fetch)
{
	struct peer_state *state = core_peer_state(turn->core, fetch->peer);
	struct tb_bytes root = tb_bytes_of(fetch->root, PKI_HASH_BYTES);
	bool progress = fetch->error.code == TB_EBUSY;
	PbStoredMaterial *record;
	struct tb_error err = {0};
	if (!progress) {
		forget(turn->core, fetch->root);
		if (state && state->fetches > 0) /* 0: the peer was removed and is back */
			state->fetches--;
		if (state)
			state->fetch_at = 0;
	}
	if (is_false(fetch))
		refusal_note(turn, fetch->peer, "part", fetch->error.code, root);
	enum tb_code code = load(&turn->kv, root, &turn->arena, &record, &err);
	if (code == TB_ENOTFOUND) {
		/* Its cases were erased or pruned meanwhile: what it has written goes too. */
		if (!progress)
			retention_doom(turn, root);
		turn_log(turn, TB_LOG_INFO, "material.not_wanted", fetch->peer, "",
		         "nobody needs it any more, and what came of it is removed");
		return;
	}
	if (code) {
		turn_log(turn, TB_LOG_ERROR, "material.unreadable", fetch->peer, "", "%s", err.text);
		return;
	}
	if (record->complete)
		return;
	if (fetch->error.code == TB_OK) {
		PbStoredMaterial hashed = {
			.size = fetch->size,
			.sha256 = proto_data(tb_bytes_of(fetch->sha256, PKI_HASH_BYTES)),
			.leaves = proto_data(fetch->leaves),
			.chunks = fetch->chunks,
		};
		complete(turn, root, fetch->peer, &hashed, record);
		return;
	}
	PbStoredClaim *claim = claim_of(record, fetch->peer);
	if (!is_for(fetch, claim) || record->size != fetch->size)
		return;
	record->chunks = fetch->chunks;
	record->leaves = proto_data(fetch->leaves);
	if (!progress)
		put_off(turn, root, fetch, record, claim);
	put(turn, root, record);
}

/* ---- uploads */

static PbMaterialView *view_of(struct tb_bytes root, const PbStoredMaterial *record, struct tb_arena *arena)
{
	PbMaterialView *view = PROTO_NEW(PbMaterialView, material_view, arena);
	view->root = proto_data(tb_arena_bytes(arena, root));
	view->size = record->size;
	view->sha256 = record->sha256;
	view->chunks = chunks_of(record->size);
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
		complete(turn, root, "", added, record); /* wanted from a peer, and it came from here */
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
