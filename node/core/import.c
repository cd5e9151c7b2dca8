/* Certificates as they come in: checked, named and sealed before the turn, compared and stored in it. */
#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "node/core/ident.h"
#include "node/core/record.h"
#include "node/core/turn.h"

enum { SEAL_GROUP = 256, NAMES_AT_ONCE = 64 };

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
	const char *const parts[] = {"serial", credential->type, credential->issuer, credential->number,
	                             credential->n_holders ? credential->holders[0]->code : ""};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		tb_buf_add(&named, parts[i], strlen(parts[i]) + 1);
	pki_hmac(hash, tb_bytes_of(setup->vault_key, PKI_VAULT_KEY_BYTES), tb_buf_bytes(&named));
	tb_buf_clear(&named);
	for (size_t i = 0; i < 20; i++)
		serial[i] = digits[hash[i] % 36];
	ident_credential_make(identifier, credential->type, credential->issuer, serial, 1);
	credential->identifier = tb_arena_str(arena, identifier);
}

struct sealed_one {
	PbCredential *credential;
	struct find_name *names; /* that it will be found by: identifier, type and number, holders */
	size_t names_count;
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

/* Seals |count| certificates: one signature for each group. The batches belong to |request|. */
static enum tb_code seal_all(const struct core_setup *setup, struct core_request *request,
                             struct sealed_one *ones, size_t count, tb_time now, struct tb_error *err)
{
	if (count == 0)
		return TB_OK;
	request->seals = tb_arena_alloc(&request->arena,
	                                (count + SEAL_GROUP - 1) / SEAL_GROUP * sizeof(struct pki_batch *));
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
		request->seals[request->seals_count++] = seal;
		code = pki_batch_sign(seal, setup->seal.key, setup->seal.chain, setup->seal.chain_count, err);
		for (size_t i = 0; i < size; i++) {
			ones[from + i].seal = seal;
			ones[from + i].index = (uint32_t)i;
		}
	}
	pki_random_free(random);
	return code;
}

/* Names of one kind, which are made together. */
struct naming {
	struct pki_vault *vault;
	struct tb_arena *arena;
	char kind;
	struct tb_buf scratch;
	size_t count;
	struct tb_bytes texts[NAMES_AT_ONCE];
	struct find_name *names[NAMES_AT_ONCE];
};

static void name_gathered(struct naming *naming)
{
	struct find_name made[NAMES_AT_ONCE] = {0};
	assert(naming->count <= NAMES_AT_ONCE);
	find_names_of(made, naming->vault, naming->kind, naming->texts, naming->count);
	for (size_t i = 0; i < naming->count; i++)
		*naming->names[i] = made[i];
	naming->count = 0;
}

static void gather_name(struct naming *naming, struct find_name *name, const char *a, const char *b)
{
	naming->scratch.size = 0;
	find_text(&naming->scratch, a, b);
	naming->texts[naming->count] = tb_arena_bytes(naming->arena, tb_buf_bytes(&naming->scratch));
	naming->names[naming->count++] = name;
	if (naming->count == NAMES_AT_ONCE)
		name_gathered(naming);
}

static void name_all(struct pki_vault *vault, struct sealed_one *ones, size_t count, struct tb_arena *arena)
{
	struct naming by_identifier = {.vault = vault, .arena = arena, .kind = 'i'};
	struct naming by_number = {.vault = vault, .arena = arena, .kind = 'n'};
	struct naming by_holder = {.vault = vault, .arena = arena, .kind = 'h'};
	for (struct sealed_one *one = ones; one < ones + count; one++) {
		const PbCredential *c = one->credential;
		one->names_count = 2 + c->n_holders;
		one->names = tb_arena_alloc(arena, one->names_count * sizeof(*one->names));
		gather_name(&by_identifier, &one->names[0], c->identifier, NULL);
		gather_name(&by_number, &one->names[1], c->type, c->number);
		for (size_t i = 0; i < c->n_holders; i++)
			gather_name(&by_holder, &one->names[2 + i], c->holders[i]->code_type,
			            c->holders[i]->code);
	}
	struct naming *all[] = {&by_identifier, &by_number, &by_holder};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		name_gathered(all[i]);
		tb_buf_clear(&all[i]->scratch);
	}
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

static enum tb_code check_lines(const struct core_setup *setup, const PbImportRequest *import,
                                const struct record_csv *csv, struct prepared_import *prepared, tb_time now,
                                struct tb_arena *arena, struct tb_error *err)
{
	for (size_t i = 0; i < import->n_lines; i++) {
		struct tb_bytes line = tb_bytes_str(import->lines[i]);
		struct sealed_one *one = &prepared->ones[prepared->count];
		PbCredential *credential = NULL;
		struct tb_error why;
		if (blank(line))
			continue;
		one->line = import->first_line + i;
		if (read_line(import, csv, line, arena, &credential, &why) == TB_OK &&
		    check_one(setup, credential, now, arena, one, &why) == TB_OK) {
			prepared->count++;
			continue;
		}
		if (import->stop_on_error)
			return tb_fail_at(err, why.code, &why, "line %llu", (unsigned long long)one->line);
		add_bad(arena, prepared->reply, one->line, why.text);
	}
	return TB_OK;
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
	code = check_lines(setup, import, &csv, prepared, now, arena, err);
	if (code)
		return code;
	struct pki_vault *vault = pki_vault_new(setup->vault_key);
	name_all(vault, prepared->ones, prepared->count, arena);
	pki_vault_free(vault);
	request->prepared = prepared;
	return seal_all(setup, request, prepared->ones, prepared->count, now, err);
}

enum tb_code credential_prepare_one(const struct core_setup *setup, struct core_request *request,
                                    PbCredential *credential, tb_time now, struct sealed_one **out,
                                    struct tb_error *err)
{
	struct sealed_one *one = tb_arena_alloc(&request->arena, sizeof(*one));
	enum tb_code code = check_one(setup, credential, now, &request->arena, one, err);
	if (code == TB_OK) {
		struct pki_vault *vault = pki_vault_new(setup->vault_key);
		name_all(vault, one, 1, &request->arena);
		pki_vault_free(vault);
		code = seal_all(setup, request, one, 1, now, err);
	}
	*out = code ? NULL : one;
	return code;
}

const PbCredential *credential_of_one(const struct sealed_one *one)
{
	return one->credential;
}

/* ---- storing */

static enum tb_code same_or_clash(const struct sealed_one *one, const struct found *found,
                                  struct tb_error *err)
{
	const PbCredential *ours = one->credential, *theirs = found->credential;
	struct tb_bytes item = proto_bytes(found->record->item);
	if (found->record->erased_ms)
		return tb_refuse(err, TB_REASON_CREDENTIAL_ERASED, NULL);
	if (strcmp(theirs->identifier, ours->identifier) == 0) {
		struct tb_bytes stored = {item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES};
		if (tb_bytes_equal(stored, one->encoded))
			return TB_OK;
		return tb_fail(err, TB_EEXISTS, "identifier: exists with other content");
	}
	if (strcmp(theirs->type, ours->type) == 0 && strcmp(theirs->number, ours->number) == 0 &&
	    found->record->state == PB_CREDENTIAL_STATE__VALID && strcmp(theirs->issuer, ours->issuer) == 0)
		return tb_fail(err, TB_EEXISTS,
		               "type and number: a valid certificate exists under another identifier");
	return TB_ENOTFOUND;
}

/* TB_ENOTFOUND: new. TB_OK: the same is here already. TB_EEXISTS: something else is in its place. */
static enum tb_code compare(struct kv *kv, const struct sealed_one *one, struct tb_arena *arena,
                            struct tb_error *err)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	struct found found;
	enum tb_code code = TB_ENOTFOUND;
	for (size_t name = 0; name < 2 && code == TB_ENOTFOUND; name++) {
		store_cursor(&cursor, kv->txn, KV_FIND,
		             tb_bytes_of(one->names[name].bytes, sizeof(one->names[name].bytes)),
		             tb_bytes_of(NULL, 0));
		while (code == TB_ENOTFOUND && store_next(&cursor, &key, &value)) {
			code = credential_load(kv, tb_get_u64(key.data + key.size - 8), arena, &found, err);
			if (code == TB_OK)
				code = same_or_clash(one, &found, err);
		}
		store_cursor_end(&cursor);
	}
	return code;
}

static void store_record(struct turn *turn, const struct sealed_one *one, uint64_t seal, struct tb_buf *plain)
{
	PbCredentialRecord record = PB_CREDENTIAL_RECORD__INIT;
	record.item = proto_data(one->seal->items[one->index]);
	record.seal = seal;
	record.index = one->index;
	record.state = PB_CREDENTIAL_STATE__VALID;
	record.state_since_ms = turn->now;
	record.serial = ++turn->core->credentials;
	struct kv_key key = kv_key_u64(record.serial);
	plain->size = 0;
	proto_encode(plain, &record.base);
	kv_append(&turn->kv, KV_CREDENTIAL, &key, tb_buf_bytes(plain));
}

/* A key of KV_FIND in the making. */
struct find_key {
	struct find_name name;
	uint8_t serial[8];
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct find_key));
}

/* Writes index keys in their order: neighbours share pages, and a page is touched once. */
static void store_keys(struct turn *turn, struct find_key *keys, size_t count)
{
	qsort(keys, count, sizeof(*keys), by_bytes);
	for (size_t i = 0; i < count; i++)
		store_put(turn->kv.txn, KV_FIND, tb_bytes_of(&keys[i], sizeof(keys[i])),
		          tb_bytes_of(NULL, 0));
}

static size_t add_keys(struct find_key *keys, size_t count, const struct sealed_one *one, uint64_t serial)
{
	for (size_t i = 0; i < one->names_count; i++) {
		keys[count].name = one->names[i];
		tb_put_u64(keys[count++].serial, serial);
	}
	return count;
}

enum tb_code credential_can_store(struct kv *kv, const struct sealed_one *one, struct tb_arena *arena,
                                  struct tb_error *err)
{
	enum tb_code code = compare(kv, one, arena, err);
	if (code == TB_ENOTFOUND)
		return TB_OK;
	return code ? code : tb_refuse(err, TB_REASON_CREDENTIAL_EXISTS, NULL);
}

PbSealedCredential *credential_store_one(struct turn *turn, const struct sealed_one *one)
{
	uint64_t seal = ++turn->core->batches;
	struct tb_buf plain = {0};
	struct find_key *keys = tb_arena_alloc(&turn->arena, one->names_count * sizeof(*keys));
	batch_keep_seal(turn, one->seal, seal);
	store_record(turn, one, seal, &plain);
	store_keys(turn, keys, add_keys(keys, 0, one, turn->core->credentials));
	tb_buf_clear(&plain);
	PbSealedCredential *sealed = PROTO_NEW(PbSealedCredential, sealed_credential, &turn->arena);
	sealed->proof = PROTO_NEW(PbProof, proof, &turn->arena);
	pki_proof_make(sealed->proof, one->seal, one->index, &turn->arena);
	return sealed;
}

/* ---- what of an import is new */

/* The lines of one call, by the first two names: so that a line sees the lines before it, which are not
 * stored yet. */
struct seen {
	const struct sealed_one **slots; /* open addressing */
	size_t mask;
};

static const struct sealed_one *see(struct seen *seen, const struct sealed_one *one, size_t name)
{
	const struct find_name *wanted = &one->names[name];
	size_t at = (size_t)tb_get_u64(wanted->bytes + 1) & seen->mask;
	for (; seen->slots[at]; at = (at + 1) & seen->mask) {
		if (memcmp(&seen->slots[at]->names[name], wanted, sizeof(*wanted)) == 0)
			return seen->slots[at];
	}
	seen->slots[at] = one;
	return NULL;
}

/* The same as compare(), with the earlier lines of the call. */
static enum tb_code compare_seen(struct seen *seen, const struct sealed_one *one, struct tb_error *err)
{
	const struct sealed_one *other = see(&seen[0], one, 0);
	if (other)
		return tb_bytes_equal(other->encoded, one->encoded)
		               ? TB_OK
		               : tb_fail(err, TB_EEXISTS,
		                         "identifier: on an earlier line with other content");
	other = see(&seen[1], one, 1);
	if (other && strcmp(other->credential->issuer, one->credential->issuer) == 0)
		return tb_fail(err, TB_EEXISTS,
		               "type and number: on an earlier line under another identifier");
	return TB_ENOTFOUND;
}

static struct seen *seen_new(struct tb_arena *arena, size_t count)
{
	struct seen *seen = tb_arena_alloc(arena, 2 * sizeof(*seen));
	size_t slots = 16;
	while (slots < 2 * count)
		slots *= 2;
	for (size_t i = 0; i < 2; i++)
		seen[i] =
			(struct seen){tb_arena_alloc(arena, slots * sizeof(struct sealed_one *)), slots - 1};
	return seen;
}

/* Decides about every line, and writes nothing: |is_new| says which are to be stored. */
static enum tb_code sort_out(struct turn *turn, const PbImportRequest *import,
                             struct prepared_import *prepared, struct tb_arena *arena, bool *is_new,
                             struct tb_error *err)
{
	struct seen *seen = seen_new(&turn->arena, prepared->count);
	for (size_t i = 0; i < prepared->count; i++) {
		struct sealed_one *one = &prepared->ones[i];
		struct tb_arena scratch = {0};
		struct tb_error why;
		enum tb_code code = compare(&turn->kv, one, &scratch, &why);
		tb_arena_clear(&scratch);
		if (code == TB_ENOTFOUND)
			code = compare_seen(seen, one, &why);
		is_new[i] = code == TB_ENOTFOUND;
		if (code == TB_OK)
			prepared->reply->unchanged++;
		else if (code != TB_ENOTFOUND &&
		         (import->stop_on_error || tb_code_fault(code) == TB_FAULT_LOCAL))
			return tb_fail_at(err, code, &why, "line %llu", (unsigned long long)one->line);
		else if (code != TB_ENOTFOUND)
			add_bad(arena, prepared->reply, one->line, why.text);
	}
	return TB_OK;
}

static void store_new(struct turn *turn, struct core_request *request, const bool *is_new)
{
	struct prepared_import *prepared = request->prepared;
	uint64_t first_seal = turn->core->batches + 1;
	size_t names = 0, keys_count = 0;
	struct tb_buf plain = {0};
	for (size_t i = 0; i < prepared->count; i++)
		names += is_new[i] ? prepared->ones[i].names_count : 0;
	if (names == 0)
		return;
	struct find_key *keys = tb_alloc(names * sizeof(*keys));
	for (size_t i = 0; i < prepared->count; i++) {
		if (!is_new[i])
			continue;
		store_record(turn, &prepared->ones[i], first_seal + i / SEAL_GROUP, &plain);
		keys_count = add_keys(keys, keys_count, &prepared->ones[i], turn->core->credentials);
		prepared->reply->added++;
	}
	store_keys(turn, keys, keys_count);
	for (size_t i = 0; i < request->seals_count; i++)
		batch_keep_seal(turn, request->seals[i], ++turn->core->batches);
	free(keys);
	tb_buf_clear(&plain);
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
	/* A file that is gone through again is done already: the mark stays. */
	if (import->end_offset > record->offset)
		record->offset = import->end_offset;
	record->lines += import->n_lines;
	record->added += reply->added;
	record->unchanged += reply->unchanged;
	record->refused += reply->n_bad;
	kv_put_message(&turn->kv, KV_IMPORT, &key, &record->base);
}

static void apply_import(struct turn *turn, struct core_request *request)
{
	const PbImportRequest *import = (const PbImportRequest *)(const void *)request->message;
	struct prepared_import *prepared = request->prepared;
	struct tb_error err = {0};
	bool *is_new = tb_arena_alloc(&turn->arena, prepared->count + 1);
	if (sort_out(turn, import, prepared, &request->arena, is_new, &err) == TB_OK) {
		store_new(turn, request, is_new);
		struct tb_bytes digest =
			request->seals_count ? pki_batch_root(request->seals[0]) : tb_bytes_of(NULL, 0);
		note_import(turn, import, prepared->reply);
		if (prepared->reply->added)
			audit_add(turn, PB_LEAF_KIND__LEAF_IMPORT, "import", "", digest,
			          prepared->reply->added);
		turn_reply(turn, request, &prepared->reply->base);
	} else {
		turn_refuse(turn, request, &err);
	}
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
