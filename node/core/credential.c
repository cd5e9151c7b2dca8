/* Certificates: prepared and sealed before the turn, stored and indexed in it, found again. */
#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "node/core/ident.h"
#include "node/core/record.h"
#include "node/core/turn.h"

enum { SEAL_GROUP = 256, FIND_HASH_BYTES = 10 };

#define HOLD_MOST (20 * TB_SECOND)

/* ---- identifiers and sealing, on any thread */

/* A serial of 20 digits and capitals that the same certificate always gets again: importing twice changes
 * nothing. */
static void make_identifier(const struct core_setup *setup, PbCredential *credential, struct tb_arena *arena)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint8_t hash[PKI_HASH_BYTES];
	char serial[21] = "", identifier[TB_ID_BYTES_MAX];
	struct tb_buf named = {0};
	tb_buf_printf(&named, "serial%c%s%c%s%c%s%c%s", 0, credential->type, 0, credential->issuer, 0,
	              credential->number, 0, credential->n_holders ? credential->holders[0]->code : "");
	pki_hmac(hash, tb_bytes_of(setup->vault_key, PKI_VAULT_KEY_BYTES), tb_buf_bytes(&named));
	tb_buf_clear(&named);
	for (size_t i = 0; i < 20; i++)
		serial[i] = digits[hash[i] % 36];
	ident_credential_make(identifier, credential->type, credential->issuer, serial, 1);
	credential->identifier = tb_arena_str(arena, identifier);
}

struct sealed_one {
	PbCredential *credential;
	struct tb_bytes encoded; /* Credential */
	struct pki_batch *seal;
	uint32_t index; /* in the seal */
	uint64_t line;  /* of the import */
};

/* A random stream for salts, from what only this node knows and what is being sealed. */
static struct pki_random *salts_for(const struct core_setup *setup, struct tb_bytes what, tb_time now)
{
	uint8_t seed[PKI_HASH_BYTES], mixed[PKI_HASH_BYTES + 8];
	pki_sha256(mixed, what);
	tb_put_u64(mixed + PKI_HASH_BYTES, (uint64_t)now);
	pki_hmac(seed, tb_bytes_of(setup->vault_key, PKI_VAULT_KEY_BYTES), tb_bytes_of(mixed, sizeof(mixed)));
	return pki_random_new(seed);
}

/* Seals |count| certificates: one signature for each group. */
static enum tb_code seal_all(const struct core_setup *setup, struct sealed_one *ones, size_t count,
                             tb_time now, struct pki_batch **seals, struct tb_error *err)
{
	if (count == 0)
		return TB_OK;
	struct pki_random *random = salts_for(setup, ones[0].encoded, now);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__SEAL,
	                              .sender = setup->region,
	                              .receiver = "",
	                              .issuer = setup->region,
	                              .sent_at = now,
	                              .expires_at = now};
	struct tb_bytes messages[SEAL_GROUP];
	enum tb_code code = TB_OK;
	for (size_t from = 0; from < count && code == TB_OK; from += SEAL_GROUP) {
		size_t size = count - from < SEAL_GROUP ? count - from : SEAL_GROUP;
		for (size_t i = 0; i < size; i++)
			messages[i] = ones[from + i].encoded;
		struct pki_batch *seal = pki_batch_build(&head, messages, size, random);
		seals[from / SEAL_GROUP] = seal;
		code = pki_batch_sign(seal, setup->seal.key, setup->seal.chain, setup->seal.chain_count, err);
		for (size_t i = 0; i < size; i++) {
			ones[from + i].seal = seal;
			ones[from + i].index = (uint32_t)i;
		}
	}
	pki_random_free(random);
	return code;
}

static enum tb_code check_one(const struct core_setup *setup, PbCredential *credential, tb_time now,
                              struct tb_arena *arena, struct sealed_one *one, struct tb_error *err)
{
	if (credential->region[0] == 0)
		credential->region = tb_arena_str(arena, setup->region);
	enum tb_code code = record_check(credential, setup->region, tb_day_at(now), err);
	if (code)
		return code;
	if (credential->identifier[0] == 0)
		make_identifier(setup, credential, arena);
	one->credential = credential;
	one->encoded = proto_encode_arena(arena, &credential->base);
	if (one->encoded.size > TB_CREDENTIAL_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "certificate over %d bytes", TB_CREDENTIAL_BYTES_MAX);
	return TB_OK;
}

struct prepared_import {
	struct sealed_one *ones;
	size_t count;
	struct pki_batch **seals;
	size_t seals_count;
	PbImportResponse *reply;
};

static void add_bad(struct tb_arena *arena, PbImportResponse *reply, uint64_t line, const char *reason)
{
	PbBadLine *bad = PROTO_NEW(PbBadLine, bad_line, arena);
	bad->line = line;
	bad->reason = tb_arena_str(arena, reason);
	reply->bad[reply->n_bad++] = bad;
}

static bool blank(struct tb_bytes line)
{
	for (size_t i = 0; i < line.size; i++) {
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	}
	return true;
}

static enum tb_code read_line(const PbImportRequest *import, const struct record_csv *csv,
                              struct tb_bytes line, struct tb_arena *arena, PbCredential **out,
                              struct tb_error *err)
{
	if (line.size > TB_IMPORT_LINE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "line over %d bytes", TB_IMPORT_LINE_BYTES_MAX);
	if (import->format == PB_IMPORT_FORMAT__CSV)
		return record_from_csv(out, csv, line, arena, err);
	return record_from_json(out, line, arena, err);
}

enum tb_code credential_prepare_import(const struct core_setup *setup, struct core_request *request,
                                       tb_time now, struct tb_error *err)
{
	const PbImportRequest *import = (const PbImportRequest *)(const void *)request->message;
	struct tb_arena *arena = &request->arena;
	struct prepared_import *prepared = tb_arena_alloc(arena, sizeof(*prepared));
	struct record_csv csv;
	enum tb_code code = TB_OK;
	if (import->format != PB_IMPORT_FORMAT__JSONL && import->format != PB_IMPORT_FORMAT__CSV)
		return tb_fail(err, TB_EINVALID, "format: JSONL or CSV expected");
	if (import->n_lines > TB_IMPORT_LINES_MAX)
		return tb_fail(err, TB_ETOOBIG, "lines: more than %d", TB_IMPORT_LINES_MAX);
	if (strlen(import->import_id) > TB_ID_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "import_id: over %d bytes", TB_ID_BYTES_MAX);
	if (import->format == PB_IMPORT_FORMAT__CSV)
		code = record_csv_header(&csv, tb_bytes_str(import->header), err);
	if (code)
		return code;
	prepared->reply = PROTO_NEW(PbImportResponse, import_response, arena);
	prepared->reply->bad = tb_arena_alloc(arena, import->n_lines * sizeof(*prepared->reply->bad));
	prepared->ones = tb_arena_alloc(arena, import->n_lines * sizeof(*prepared->ones));
	for (size_t i = 0; i < import->n_lines; i++) {
		struct tb_bytes line = tb_bytes_str(import->lines[i]);
		struct sealed_one *one = &prepared->ones[prepared->count];
		PbCredential *credential = NULL;
		struct tb_error why;
		if (blank(line))
			continue;
		one->line = import->first_line + i;
		if (read_line(import, &csv, line, arena, &credential, &why) == TB_OK &&
		    check_one(setup, credential, now, arena, one, &why) == TB_OK) {
			prepared->count++;
			continue;
		}
		if (import->stop_on_error)
			return tb_fail(err, why.code, "line %llu: %s", (unsigned long long)one->line,
			               why.text);
		add_bad(arena, prepared->reply, one->line, why.text);
	}
	prepared->seals_count = (prepared->count + SEAL_GROUP - 1) / SEAL_GROUP;
	prepared->seals = tb_arena_alloc(arena, prepared->seals_count * sizeof(struct pki_batch *));
	request->prepared = prepared;
	return seal_all(setup, prepared->ones, prepared->count, now, prepared->seals, err);
}

enum tb_code credential_prepare_one(const struct core_setup *setup, struct core_request *request,
                                    PbCredential *credential, tb_time now, struct sealed_one **out,
                                    struct tb_error *err)
{
	struct sealed_one *one = tb_arena_alloc(&request->arena, sizeof(*one));
	struct pki_batch *seal = NULL;
	enum tb_code code = check_one(setup, credential, now, &request->arena, one, err);
	if (code == TB_OK)
		code = seal_all(setup, one, 1, now, &seal, err);
	*out = code ? NULL : one;
	return code;
}

const PbCredential *credential_of_one(const struct sealed_one *one)
{
	return one->credential;
}

/* ---- index */

static struct kv_key find_prefix(struct kv *kv, char kind, struct tb_bytes value)
{
	uint8_t hash[PKI_HASH_BYTES];
	char label[2] = {kind, 0};
	pki_vault_index(kv->vault, hash, label, value);
	struct kv_key key = kv_key_of(tb_bytes_of(&kind, 1));
	kv_key_add(&key, tb_bytes_of(hash, FIND_HASH_BYTES));
	return key;
}

static struct tb_bytes joined(struct tb_buf *buf, const char *a, const char *b)
{
	buf->size = 0;
	tb_buf_str(buf, a);
	tb_buf_add(buf, "", 1);
	tb_buf_str(buf, b);
	return tb_buf_bytes(buf);
}

static void index_one(struct kv *kv, const PbCredential *credential, uint64_t serial)
{
	struct tb_buf text = {0};
	struct kv_key key = find_prefix(kv, 'i', tb_bytes_str(credential->identifier));
	kv_key_add_u64(&key, serial);
	kv_mark(kv, KV_FIND, &key);
	key = find_prefix(kv, 'n', joined(&text, credential->type, credential->number));
	kv_key_add_u64(&key, serial);
	kv_mark(kv, KV_FIND, &key);
	for (size_t i = 0; i < credential->n_holders; i++) {
		const PbHolder *holder = credential->holders[i];
		key = find_prefix(kv, 'h', joined(&text, holder->code_type, holder->code));
		kv_key_add_u64(&key, serial);
		kv_mark(kv, KV_FIND, &key);
	}
	tb_buf_clear(&text);
}

/* Codes are stored folded (record.h): what they are looked up by is folded the same way. */
static const char *folded(char out[TB_ID_BYTES_MAX + 1], const char *text)
{
	return ident_fold(out, TB_ID_BYTES_MAX + 1, text) ? out : text;
}

static enum tb_code load(struct kv *kv, uint64_t serial, struct tb_arena *arena, struct found *out,
                         struct tb_error *err)
{
	struct kv_key key = kv_key_u64(serial);
	out->serial = serial;
	enum tb_code code = KV_GET(kv, KV_CREDENTIAL, &key, credential_record, arena, &out->record, err);
	if (code)
		return tb_fail(err, TB_ECORRUPT, "certificate %llu is indexed but not readable",
		               (unsigned long long)serial);
	struct tb_bytes item = proto_bytes(out->record->item);
	if (item.size < TB_SALT_BYTES)
		return tb_fail(err, TB_ECORRUPT, "certificate %llu is damaged", (unsigned long long)serial);
	item.data += TB_SALT_BYTES;
	item.size -= TB_SALT_BYTES;
	return PROTO_DECODE_OWN(&out->credential, credential, item, arena, err);
}

static bool holds(const PbCredential *credential, const PbHolder *holder)
{
	for (size_t i = 0; i < credential->n_holders; i++) {
		if (strcmp(credential->holders[i]->code_type, holder->code_type) == 0 &&
		    strcmp(credential->holders[i]->code, holder->code) == 0)
			return true;
	}
	return false;
}

/* The index goes by a cut hash: what it gives is checked against the record. */
static bool is_it(const PbCredential *credential, const char *identifier, const char *type,
                  const char *number, const PbHolder *holder)
{
	if (identifier[0] && strcmp(credential->identifier, identifier) != 0)
		return false;
	if (type[0] && strcmp(credential->type, type) != 0)
		return false;
	if (number[0] && strcmp(credential->number, number) != 0)
		return false;
	return !holder || !holder->code[0] || holds(credential, holder);
}

enum tb_code credential_find(struct kv *kv, const char *identifier, const char *type, const char *number,
                             const PbHolder *holder, struct tb_arena *arena, struct found *out, size_t room,
                             size_t *count, struct tb_error *err)
{
	struct tb_buf text = {0};
	struct kv_key prefix;
	const char *by_number = identifier[0] ? "" : number;
	const PbHolder *by_holder = identifier[0] || number[0] ? NULL : holder;
	*count = 0;
	if (identifier[0])
		prefix = find_prefix(kv, 'i', tb_bytes_str(identifier));
	else if (number[0])
		prefix = find_prefix(kv, 'n', joined(&text, type, number));
	else if (holder && holder->code[0])
		prefix = find_prefix(kv, 'h', joined(&text, holder->code_type, holder->code));
	else
		return tb_fail(err, TB_EINVALID, "identifier, type and number, or holder expected");
	tb_buf_clear(&text);
	struct store_cursor cursor;
	struct tb_bytes key, value;
	enum tb_code code = TB_OK;
	store_cursor_last(&cursor, kv->txn, KV_FIND, kv_key_bytes(&prefix));
	while (code == TB_OK && *count < room && store_next(&cursor, &key, &value)) {
		code = load(kv, tb_get_u64(key.data + key.size - 8), arena, &out[*count], err);
		if (code == TB_OK && is_it(out[*count].credential, identifier, identifier[0] ? "" : type,
		                           by_number, by_holder))
			(*count)++;
	}
	store_cursor_end(&cursor);
	return code;
}

PbCredentialState credential_state(const struct found *found, tb_time now)
{
	tb_day day, today = tb_day_at(now);
	if (found->record->state != PB_CREDENTIAL_STATE__VALID)
		return found->record->state;
	if (found->credential->valid_until[0] && tb_day_parse(found->credential->valid_until, &day) &&
	    day < today)
		return PB_CREDENTIAL_STATE__EXPIRED;
	if (found->credential->valid_from[0] && tb_day_parse(found->credential->valid_from, &day) &&
	    day > today)
		return PB_CREDENTIAL_STATE__NOT_YET_VALID;
	return PB_CREDENTIAL_STATE__VALID;
}

enum tb_code credential_sealed(struct kv *kv, const struct found *found, struct tb_arena *arena,
                               PbSealedCredential **out, struct tb_error *err)
{
	struct pki_batch *seal;
	*out = NULL;
	enum tb_code code = batch_load(kv, found->record->seal, &seal, NULL, err);
	if (code)
		return code;
	if (found->record->index < seal->items_count) {
		seal->items[found->record->index] = proto_bytes(found->record->item);
		PbProof *proof = PROTO_NEW(PbProof, proof, arena);
		pki_proof_make(proof, seal, found->record->index, arena);
		struct tb_bytes copy = proto_encode_arena(arena, &proof->base);
		*out = PROTO_NEW(PbSealedCredential, sealed_credential, arena);
		code = PROTO_DECODE_OWN(&(*out)->proof, proof, copy, arena, err);
	} else {
		code = tb_fail(err, TB_ECORRUPT, "a certificate's seal is damaged");
	}
	pki_batch_free(seal);
	return code;
}

/* ---- storing */

/* TB_ENOTFOUND: new. TB_OK: the same is here already. TB_EEXISTS: something else is in its place. */
static enum tb_code compare(struct kv *kv, const struct sealed_one *one, struct tb_arena *arena,
                            struct tb_error *err)
{
	struct found found[4];
	size_t count;
	const PbCredential *c = one->credential;
	enum tb_code code = credential_find(kv, c->identifier, "", "", NULL, arena, found, 1, &count, err);
	if (code)
		return code;
	if (count > 0) {
		struct tb_bytes item = proto_bytes(found[0].record->item);
		struct tb_bytes stored = {item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES};
		if (tb_bytes_equal(stored, one->encoded))
			return TB_OK;
		return tb_fail(err, TB_EEXISTS, "identifier: exists with other content");
	}
	code = credential_find(kv, "", c->type, c->number, NULL, arena, found, 4, &count, err);
	if (code)
		return code;
	for (size_t i = 0; i < count; i++) {
		if (found[i].record->state == PB_CREDENTIAL_STATE__VALID &&
		    strcmp(found[i].credential->issuer, c->issuer) == 0)
			return tb_fail(
				err, TB_EEXISTS,
				"type and number: a valid certificate exists under another identifier");
	}
	return TB_ENOTFOUND;
}

static void store_one(struct turn *turn, const struct sealed_one *one, uint64_t seal)
{
	PbCredentialRecord record = PB_CREDENTIAL_RECORD__INIT;
	record.item = proto_data(one->seal->items[one->index]);
	record.seal = seal;
	record.index = one->index;
	record.state = PB_CREDENTIAL_STATE__VALID;
	record.state_since_ms = turn->now;
	record.serial = ++turn->core->credentials;
	struct kv_key key = kv_key_u64(record.serial);
	struct tb_buf plain = {0};
	proto_encode(&plain, &record.base);
	kv_append(&turn->kv, KV_CREDENTIAL, &key, tb_buf_bytes(&plain));
	tb_buf_clear(&plain);
	index_one(&turn->kv, one->credential, record.serial);
}

enum tb_code credential_can_store(struct kv *kv, const struct sealed_one *one, struct tb_arena *arena,
                                  struct tb_error *err)
{
	enum tb_code code = compare(kv, one, arena, err);
	return code == TB_ENOTFOUND ? TB_OK
	       : code               ? code
	                            : tb_fail(err, TB_EEXISTS, "this certificate exists already");
}

PbSealedCredential *credential_store_one(struct turn *turn, const struct sealed_one *one)
{
	uint64_t seal = ++turn->core->batches;
	batch_keep_seal(turn, one->seal, seal);
	store_one(turn, one, seal);
	PbSealedCredential *sealed = PROTO_NEW(PbSealedCredential, sealed_credential, &turn->arena);
	sealed->proof = PROTO_NEW(PbProof, proof, &turn->arena);
	pki_proof_make(sealed->proof, one->seal, one->index, &turn->arena);
	return sealed;
}

/* Checks the lines of an import against the store; what may be stored keeps its seal, the rest loses it. */
static enum tb_code sort_out(struct turn *turn, struct prepared_import *prepared, struct tb_arena *arena,
                             struct tb_error *err)
{
	uint64_t first_seal = turn->core->batches;
	turn->core->batches += prepared->seals_count;
	for (size_t i = 0; i < prepared->count; i++) {
		struct sealed_one *one = &prepared->ones[i];
		struct tb_arena scratch = {0};
		struct tb_error why;
		enum tb_code code = compare(&turn->kv, one, &scratch, &why);
		tb_arena_clear(&scratch);
		if (code == TB_OK) {
			prepared->reply->unchanged++;
		} else if (code == TB_ENOTFOUND) {
			/* Earlier lines are written already, so that a later one sees them; a refusal of the
			 * whole call is therefore decided before: see all_new(). */
			store_one(turn, one, first_seal + 1 + i / SEAL_GROUP);
			prepared->reply->added++;
		} else if (tb_code_fault(code) == TB_FAULT_LOCAL) {
			return tb_fail(err, code, "line %llu: %s", (unsigned long long)one->line, why.text);
		} else {
			add_bad(arena, prepared->reply, one->line, why.text);
		}
	}
	for (size_t i = 0; i < prepared->seals_count; i++)
		batch_keep_seal(turn, prepared->seals[i], first_seal + 1 + i);
	return TB_OK;
}

/* With stop_on_error nothing may be written if any line clashes with what is stored. */
static enum tb_code none_clashes(struct turn *turn, const struct prepared_import *prepared,
                                 struct tb_error *err)
{
	for (size_t i = 0; i < prepared->count; i++) {
		struct tb_arena scratch = {0};
		struct tb_error why;
		enum tb_code code = compare(&turn->kv, &prepared->ones[i], &scratch, &why);
		tb_arena_clear(&scratch);
		if (code != TB_OK && code != TB_ENOTFOUND)
			return tb_fail(err, code, "line %llu: %s", (unsigned long long)prepared->ones[i].line,
			               why.text);
	}
	return TB_OK;
}

/* How far the import has come; NULL if it has no name. */
static PbImportRecord *import_record(struct turn *turn, const PbImportRequest *import)
{
	struct kv_key key = kv_key_str(import->import_id);
	PbImportRecord *record;
	if (!import->import_id[0])
		return NULL;
	if (KV_GET(&turn->kv, KV_IMPORT, &key, import_record, &turn->arena, &record, NULL))
		record = PROTO_NEW(PbImportRecord, import_record, &turn->arena);
	return record;
}

static void note_import(struct turn *turn, const PbImportRequest *import, const PbImportResponse *reply)
{
	PbImportRecord *record = import_record(turn, import);
	if (!record)
		return;
	struct kv_key key = kv_key_str(import->import_id);
	record->offset = import->end_offset;
	record->lines += import->n_lines;
	record->added += reply->added;
	record->unchanged += reply->unchanged;
	record->refused += reply->n_bad;
	kv_put_message(&turn->kv, KV_IMPORT, &key, &record->base);
}

static void free_seals(struct prepared_import *prepared)
{
	for (size_t i = 0; i < prepared->seals_count; i++)
		pki_batch_free(prepared->seals[i]);
	prepared->seals_count = 0;
}

static void apply_import(struct turn *turn, struct core_request *request)
{
	const PbImportRequest *import = (const PbImportRequest *)(const void *)request->message;
	struct prepared_import *prepared = request->prepared;
	struct tb_error err = {0};
	enum tb_code code = import->stop_on_error ? none_clashes(turn, prepared, &err) : TB_OK;
	if (code == TB_OK)
		code = sort_out(turn, prepared, &request->arena, &err);
	if (code == TB_OK) {
		struct tb_bytes digest =
			prepared->seals_count ? pki_batch_root(prepared->seals[0]) : tb_bytes_of(NULL, 0);
		note_import(turn, import, prepared->reply);
		if (prepared->reply->added)
			audit_add(turn, PB_LEAF_KIND__LEAF_IMPORT, "import", "", digest,
			          prepared->reply->added);
		turn_reply(turn, request, &prepared->reply->base);
	} else {
		turn_refuse(turn, request, &err);
	}
	free_seals(prepared);
}

/* Two parts of a file may be on their way at once, and be prepared by two threads: the second waits for the
 * first, so that the mark of how far the file is done never jumps over what is not. */
static bool is_early(struct turn *turn, const PbImportRequest *import)
{
	PbImportRecord *record = import_record(turn, import);
	return record && import->start_offset > record->offset;
}

static bool hold(struct turn *turn, struct core_request *request)
{
	for (size_t i = 0; i < HELD_IMPORTS; i++) {
		struct held_import *held = &turn->core->held[i];
		if (held->request)
			continue;
		*held = (struct held_import){request, turn->now};
		return true;
	}
	return false;
}

/* Applies what was held and is due now. */
static void apply_held(struct turn *turn)
{
	for (size_t i = 0; i < HELD_IMPORTS; i++) {
		struct core_request *request = turn->core->held[i].request;
		if (!request || is_early(turn, (const PbImportRequest *)(const void *)request->message))
			continue;
		turn->core->held[i].request = NULL;
		apply_import(turn, request);
		i = SIZE_MAX; /* it may have made room for any other: from the first again */
	}
}

static void give_up(struct turn *turn, struct core_request *request)
{
	struct tb_error err = {0};
	tb_fail(&err, TB_EBUSY, "the part of the file before this one has not come");
	free_seals(request->prepared);
	turn_refuse(turn, request, &err);
}

void credential_apply_import(struct turn *turn, struct core_request *request)
{
	if (!is_early(turn, (const PbImportRequest *)(const void *)request->message)) {
		apply_import(turn, request);
		apply_held(turn);
	} else if (!hold(turn, request)) {
		give_up(turn, request);
	}
}

tb_time credential_finish(struct turn *turn)
{
	tb_time wake = INT64_MAX;
	for (size_t i = 0; i < HELD_IMPORTS; i++) {
		struct held_import *held = &turn->core->held[i];
		if (!held->request)
			continue;
		if (turn->now - held->since >= HOLD_MOST) {
			give_up(turn, held->request);
			held->request = NULL;
		} else if (held->since + HOLD_MOST < wake) {
			wake = held->since + HOLD_MOST;
		}
	}
	return wake;
}

void credential_forget_held(struct core *core)
{
	for (size_t i = 0; i < HELD_IMPORTS; i++) {
		if (core->held[i].request)
			free_seals(core->held[i].request->prepared);
		core_request_free(core->held[i].request);
		core->held[i].request = NULL;
	}
}

enum tb_code credential_read_import(struct query *query, struct tb_error *err)
{
	const PbImportStatusRequest *request =
		(const PbImportStatusRequest *)(const void *)query->request->message;
	PbImportStatusResponse *reply =
		PROTO_NEW(PbImportStatusResponse, import_status_response, &query->request->arena);
	struct kv_key key =
		kv_key_of(tb_bytes_of(request->import_id, strnlen(request->import_id, TB_ID_BYTES_MAX)));
	PbImportRecord *record;
	enum tb_code code =
		KV_GET(&query->kv, KV_IMPORT, &key, import_record, &query->request->arena, &record, err);
	if (code != TB_OK && code != TB_ENOTFOUND)
		return code;
	if (code == TB_OK) {
		reply->offset = record->offset;
		reply->lines = record->lines;
		reply->added = record->added;
		reply->unchanged = record->unchanged;
		reply->refused = record->refused;
	}
	query->request->reply = &reply->base;
	return TB_OK;
}

/* ---- showing and changing */

static PbCredentialView *view_of(struct kv *kv, const struct core_setup *setup, const struct found *found,
                                 tb_time now, struct tb_arena *arena)
{
	PbCredentialView *view = PROTO_NEW(PbCredentialView, credential_view, arena);
	PbSealedCredential *sealed;
	struct pki_proven proven;
	struct tb_error err;
	view->credential = found->credential;
	view->state = credential_state(found, now);
	view->state_since_ms = found->record->state_since_ms;
	view->reason = found->record->reason;
	view->superseded_by = found->record->superseded_by;
	view->seal_valid = credential_sealed(kv, found, arena, &sealed, &err) == TB_OK &&
	                   pki_proof_check(&proven, sealed->proof, setup->anchors, arena, &err) == TB_OK;
	return view;
}

enum tb_code credential_read_get(struct query *query, struct tb_error *err)
{
	const PbCredentialGetRequest *request =
		(const PbCredentialGetRequest *)(const void *)query->request->message;
	struct found found;
	size_t count;
	char id[TB_ID_BYTES_MAX + 1];
	enum tb_code code = credential_find(&query->kv, folded(id, request->identifier), "", "", NULL,
	                                    &query->request->arena, &found, 1, &count, err);
	if (code)
		return code;
	if (count == 0)
		return tb_fail(err, TB_ENOTFOUND, "no certificate with this identifier");
	query->request->reply =
		&view_of(&query->kv, query->setup, &found, query->now, &query->request->arena)->base;
	return TB_OK;
}

enum tb_code credential_read_find(struct query *query, struct tb_error *err)
{
	const PbCredentialFindRequest *request =
		(const PbCredentialFindRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	uint32_t limit = request->limit && request->limit < 100 ? request->limit : 100;
	struct found *found = tb_arena_alloc(arena, limit * sizeof(*found));
	PbCredentialFindResponse *reply =
		PROTO_NEW(PbCredentialFindResponse, credential_find_response, arena);
	size_t count;
	char holder[TB_ID_BYTES_MAX + 1];
	if (request->holder)
		request->holder->code = tb_arena_str(arena, folded(holder, request->holder->code));
	enum tb_code code = credential_find(&query->kv, "", request->type, request->number, request->holder,
	                                    arena, found, limit, &count, err);
	if (code)
		return code;
	reply->credentials = tb_arena_alloc(arena, count * sizeof(*reply->credentials));
	for (size_t i = 0; i < count; i++) {
		if (request->type[0] && strcmp(found[i].credential->type, request->type) != 0)
			continue;
		reply->credentials[reply->n_credentials++] =
			view_of(&query->kv, query->setup, &found[i], query->now, arena);
	}
	query->request->reply = &reply->base;
	return TB_OK;
}

/* Which states may follow which: suspended can be resumed, the ends are final. */
static bool may_become(PbCredentialState from, PbCredentialState to)
{
	switch (to) {
	case PB_CREDENTIAL_STATE__VALID:
		return from == PB_CREDENTIAL_STATE__SUSPENDED;
	case PB_CREDENTIAL_STATE__SUSPENDED:
		return from == PB_CREDENTIAL_STATE__VALID;
	case PB_CREDENTIAL_STATE__REVOKED:
	case PB_CREDENTIAL_STATE__CANCELLED:
	case PB_CREDENTIAL_STATE__SUPERSEDED:
		return from == PB_CREDENTIAL_STATE__VALID || from == PB_CREDENTIAL_STATE__SUSPENDED;
	case PB_CREDENTIAL_STATE__CREDENTIAL_STATE_UNSPECIFIED:
	case PB_CREDENTIAL_STATE__EXPIRED:
	case PB_CREDENTIAL_STATE__NOT_YET_VALID:
	case _PB_CREDENTIAL_STATE_IS_INT_SIZE:
		return false;
	}
	return false;
}

static enum tb_code change_state(struct turn *turn, const PbSetStateRequest *change, struct found *found,
                                 struct tb_error *err)
{
	size_t count;
	char id[TB_ID_BYTES_MAX + 1];
	enum tb_code code = credential_find(&turn->kv, folded(id, change->identifier), "", "", NULL,
	                                    &turn->arena, found, 1, &count, err);
	if (code)
		return code;
	if (count == 0)
		return tb_fail(err, TB_ENOTFOUND, "no certificate with this identifier");
	if (!may_become(found->record->state, change->state))
		return tb_fail(
			err, TB_ESTATE, "a certificate that is %s cannot become %s",
			proto_enum_name(&pb_credential_state__descriptor, (int)found->record->state),
			change->state == PB_CREDENTIAL_STATE__CREDENTIAL_STATE_UNSPECIFIED
				? "unspecified"
				: proto_enum_name(&pb_credential_state__descriptor, (int)change->state));
	if (!change->reason[0])
		return tb_fail(err, TB_EINVALID, "reason: missing");
	if (change->state == PB_CREDENTIAL_STATE__SUPERSEDED && !change->superseded_by[0])
		return tb_fail(err, TB_EINVALID, "superseded_by: missing");
	return TB_OK;
}

void credential_apply_state(struct turn *turn, struct core_request *request)
{
	const PbSetStateRequest *change = (const PbSetStateRequest *)(const void *)request->message;
	struct found found;
	struct tb_error err = {0};
	if (change_state(turn, change, &found, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	found.record->state = change->state;
	found.record->state_since_ms = turn->now;
	found.record->reason = change->reason;
	found.record->superseded_by = change->superseded_by;
	struct kv_key key = kv_key_u64(found.serial);
	kv_put_message(&turn->kv, KV_CREDENTIAL, &key, &found.record->base);
	struct pki_digest digest;
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &found.record->base);
	pki_sha256(digest.bytes, bytes);
	audit_add(turn, PB_LEAF_KIND__LEAF_CREDENTIAL_STATE,
	          proto_enum_name(&pb_credential_state__descriptor, (int)change->state), "",
	          tb_bytes_of(digest.bytes, PKI_HASH_BYTES), 1);
	PbCredentialView *view = view_of(&turn->kv, &turn->core->setup, &found, turn->now, &turn->arena);
	struct tb_bytes copy = proto_encode_arena(&request->arena, &view->base);
	proto_message *reply;
	if (proto_decode_own(&reply, &pb_credential_view__descriptor, copy, &request->arena, &err) == TB_OK)
		turn_reply(turn, request, reply);
	else
		turn_refuse(turn, request, &err);
}
