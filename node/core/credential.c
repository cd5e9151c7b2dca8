/* Certificates in the store: found, shown, changed. How they come in: import.c. */
#include <assert.h>
#include <string.h>

#include "node/core/ident.h"
#include "node/core/turn.h"

/* ---- index */

enum { NAMES_AT_ONCE = 64 };

void find_text(struct tb_buf *text, const char *a, const char *b)
{
	tb_buf_add(text, a, strlen(a) + (b ? 1 : 0));
	if (b)
		tb_buf_str(text, b);
}

void find_names_of(struct find_name *names, struct pki_vault *vault, char kind, const struct tb_bytes *texts,
                   size_t count)
{
	const char label[2] = {kind, 0};
	for (size_t done = 0, some; done < count; done += some) {
		struct pki_digest hashes[NAMES_AT_ONCE];
		some = count - done < NAMES_AT_ONCE ? count - done : NAMES_AT_ONCE;
		pki_vault_index_many(vault, hashes, label, texts + done, some);
		for (size_t i = 0; i < some; i++) {
			names[done + i].bytes[0] = (uint8_t)kind;
			memcpy(names[done + i].bytes + 1, hashes[i].bytes, sizeof(names[0].bytes) - 1);
		}
	}
}

struct find_name find_name_of(struct pki_vault *vault, char kind, const char *a, const char *b)
{
	struct find_name name;
	struct tb_buf text = {0};
	struct tb_bytes bytes;
	find_text(&text, a, b);
	bytes = tb_buf_bytes(&text);
	find_names_of(&name, vault, kind, &bytes, 1);
	tb_buf_clear(&text);
	return name;
}

/* Codes are stored folded (record.h): what they are looked up by is folded the same way. */
static const char *folded(char out[TB_ID_BYTES_MAX + 1], const char *text)
{
	return ident_fold(out, TB_ID_BYTES_MAX + 1, text) ? out : text;
}

enum tb_code credential_load(struct kv *kv, uint64_t serial, struct tb_arena *arena, struct found *out,
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
	struct find_name name;
	const char *by_number = identifier[0] ? "" : number;
	const PbHolder *by_holder = identifier[0] || number[0] ? NULL : holder;
	*count = 0;
	if (identifier[0])
		name = find_name_of(kv->vault, 'i', identifier, NULL);
	else if (number[0])
		name = find_name_of(kv->vault, 'n', type, number);
	else if (holder && holder->code[0])
		name = find_name_of(kv->vault, 'h', holder->code_type, holder->code);
	else
		return tb_fail(err, TB_EINVALID, "identifier, type and number, or holder expected");
	struct store_cursor cursor;
	struct tb_bytes key, value;
	enum tb_code code = TB_OK;
	store_cursor_last(&cursor, kv->txn, KV_FIND, tb_bytes_of(name.bytes, sizeof(name.bytes)));
	while (code == TB_OK && *count < room && store_next(&cursor, &key, &value)) {
		code = credential_load(kv, tb_get_u64(key.data + key.size - 8), arena, &out[*count], err);
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
		return tb_refuse(err, TB_REASON_CREDENTIAL_UNKNOWN, NULL);
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
		return tb_refuse(err, TB_REASON_CREDENTIAL_UNKNOWN, NULL);
	if (!may_become(found->record->state, change->state))
		return tb_refuse(
			err, TB_REASON_CREDENTIAL_STATE,
			proto_enum_name(&pb_credential_state__descriptor, (int)found->record->state),
			change->state == PB_CREDENTIAL_STATE__CREDENTIAL_STATE_UNSPECIFIED
				? "unspecified"
				: proto_enum_name(&pb_credential_state__descriptor, (int)change->state),
			NULL);
	if (!change->reason[0])
		return tb_refuse(err, TB_REASON_REASON_MISSING, NULL);
	if (change->state == PB_CREDENTIAL_STATE__SUPERSEDED && !change->superseded_by[0])
		return tb_fail(err, TB_EINVALID, "superseded_by: missing");
	return TB_OK;
}

void credential_changed(struct turn *turn, uint64_t serial)
{
	uint64_t change = kv_number(&turn->kv, "credential_changes") + 1;
	struct kv_key key = kv_key_u64(change);
	uint8_t bytes[8];
	tb_put_u64(bytes, serial);
	kv_put(&turn->kv, KV_CHANGED, &key, tb_bytes_of(bytes, sizeof(bytes)));
	kv_set_number(&turn->kv, "credential_changes", change);
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
	credential_changed(turn, found.serial);
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
