/* Batches kept as evidence, and evidence made of them. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/turn.h"

static struct pki_digest chain_digest(const struct tb_bytes *chain, size_t count)
{
	struct pki_digest digest;
	struct tb_buf all = {0};
	for (size_t i = 0; i < count; i++)
		tb_buf_add(&all, chain[i].data, chain[i].size);
	pki_sha256(digest.bytes, tb_buf_bytes(&all));
	tb_buf_clear(&all);
	return digest;
}

/* Stores |chain| once; gives the name under which it is. */
static struct tb_bytes chain_keep(struct turn *turn, const struct tb_bytes *chain, size_t count)
{
	if (count == 0)
		return tb_bytes_of(NULL, 0);
	struct pki_digest digest = chain_digest(chain, count);
	struct kv_key key = kv_key_of(tb_bytes_of(digest.bytes, PKI_HASH_BYTES));
	if (!kv_has(&turn->kv, KV_CHAIN, &key)) {
		PbStoredChain stored = PB_STORED_CHAIN__INIT;
		ProtobufCBinaryData certs[TB_CHAIN_CERTS_MAX];
		assert(count <= TB_CHAIN_CERTS_MAX);
		for (size_t i = 0; i < count; i++)
			certs[i] = proto_data(chain[i]);
		stored.n_chain = count;
		stored.chain = certs;
		kv_put_message(&turn->kv, KV_CHAIN, &key, &stored.base);
	}
	return tb_arena_bytes(&turn->arena, tb_bytes_of(digest.bytes, PKI_HASH_BYTES));
}

static void keep(struct turn *turn, const struct pki_batch *batch, const char *peer, uint64_t pair,
                 uint64_t number, bool with_items)
{
	PbStoredBatch stored = PB_STORED_BATCH__INIT;
	stored.header = proto_data(batch->header_bytes);
	stored.signature = proto_data(batch->signature);
	stored.chain = proto_data(chain_keep(turn, batch->chain, batch->chain_count));
	stored.peer = (char *)(uintptr_t)peer;
	stored.pair = pair;
	if (with_items) {
		stored.n_items = batch->items_count;
		stored.items = tb_arena_alloc(&turn->arena, batch->items_count * sizeof(*stored.items));
		for (size_t i = 0; i < batch->items_count; i++)
			stored.items[i] = proto_data(batch->items[i]);
	} else {
		stored.leaves =
			proto_data(tb_bytes_of(batch->leaves, batch->items_count * sizeof(*batch->leaves)));
	}
	struct kv_key key = kv_key_u64(number);
	kv_put_message(&turn->kv, KV_BATCH, &key, &stored.base);
}

uint64_t batch_keep(struct turn *turn, const struct pki_batch *batch, const char *peer, uint64_t pair)
{
	uint64_t number = ++turn->core->batches;
	keep(turn, batch, peer, pair, number, true);
	return number;
}

void batch_forget(struct turn *turn, uint64_t number)
{
	struct kv_key key = kv_key_u64(number);
	kv_delete(&turn->kv, KV_BATCH, &key);
	if (turn->core->batches == number)
		turn->core->batches--;
}

void batch_keep_seal(struct turn *turn, const struct pki_batch *batch, uint64_t number)
{
	keep(turn, batch, "", 0, number, false);
}

static enum tb_code load_chain(struct kv *kv, struct tb_bytes name, struct pki_batch *batch,
                               struct tb_error *err)
{
	if (name.size == 0)
		return TB_OK;
	PbStoredChain *chain;
	struct kv_key key = kv_key_of(name);
	enum tb_code code = KV_GET(kv, KV_CHAIN, &key, stored_chain, &batch->arena, &chain, err);
	if (code)
		return tb_fail(err, TB_ECORRUPT, "a stored certificate chain is missing");
	batch->chain_count = chain->n_chain;
	batch->chain = tb_arena_alloc(&batch->arena, chain->n_chain * sizeof(*batch->chain));
	for (size_t i = 0; i < chain->n_chain; i++)
		batch->chain[i] = proto_bytes(chain->chain[i]);
	return TB_OK;
}

enum tb_code batch_load(struct kv *kv, uint64_t number, struct pki_batch **out, uint64_t *pair,
                        struct tb_error *err)
{
	struct pki_batch *batch = tb_alloc(sizeof(*batch));
	struct kv_key key = kv_key_u64(number);
	PbStoredBatch *stored;
	*out = NULL;
	enum tb_code code = KV_GET(kv, KV_BATCH, &key, stored_batch, &batch->arena, &stored, err);
	if (code == TB_ENOTFOUND)
		tb_fail(err, code, "no batch %llu is kept here", (unsigned long long)number);
	if (code == TB_OK)
		code = PROTO_DECODE_OWN(&batch->header, batch_header, proto_bytes(stored->header),
		                        &batch->arena, err);
	if (code == TB_OK)
		code = load_chain(kv, proto_bytes(stored->chain), batch, err);
	if (code) {
		pki_batch_free(batch);
		return code;
	}
	batch->header_bytes = proto_bytes(stored->header);
	batch->signature = proto_bytes(stored->signature);
	batch->items_count = batch->header->count;
	batch->items = tb_arena_alloc(&batch->arena, batch->items_count * sizeof(*batch->items));
	batch->leaves =
		tb_arena_alloc(&batch->arena, pki_merkle_room(batch->items_count) * sizeof(*batch->leaves));
	for (size_t i = 0; i < stored->n_items && i < batch->items_count; i++) {
		batch->items[i] = proto_bytes(stored->items[i]);
		batch->leaves[i] = pki_merkle_leaf(batch->items[i]);
	}
	if (stored->leaves.len == batch->items_count * sizeof(*batch->leaves))
		memcpy(batch->leaves, stored->leaves.data, stored->leaves.len);
	pki_merkle_fill(batch->leaves, batch->items_count);
	if (pair)
		*pair = stored->pair;
	*out = batch;
	return TB_OK;
}

/* ---- evidence: "answer:<batch>:<index>", "message:<peer>:<id hex>", "receipt:<peer>:<seq>" */

/* The proof of item |index| of a kept batch; own batches are signed now, with the same header. */
static enum tb_code proof_of(struct query *query, uint64_t number, uint32_t index, uint64_t *pair,
                             PbProof **out, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	struct pki_batch *batch;
	enum tb_code code = batch_load(&query->kv, number, &batch, pair, err);
	if (code)
		return code;
	if (index >= batch->items_count)
		code = tb_fail(err, TB_ENOTFOUND, "that batch has %zu items", batch->items_count);
	if (code == TB_OK && batch->items[index].size == 0)
		code = tb_fail(err, TB_ENOTFOUND, "what it said was erased or pruned");
	if (code == TB_OK && batch->signature.size == 0)
		code = pki_batch_sign(batch, query->setup->message.key, query->setup->message.chain,
		                      query->setup->message.chain_count, err);
	if (code == TB_OK) {
		*out = PROTO_NEW(PbProof, proof, arena);
		pki_proof_make(*out, batch, index, arena);
		/* The proof may point into the batch: a copy stands by itself. */
		struct tb_bytes bytes = proto_encode_arena(arena, &(*out)->base);
		code = PROTO_DECODE_OWN(out, proof, bytes, arena, err);
	}
	pki_batch_free(batch);
	return code;
}

static enum tb_code export_answer(struct query *query, const char *text, PbEvidence *reply,
                                  struct tb_error *err)
{
	unsigned long long number;
	unsigned index;
	uint64_t pair = 0;
	int end = 0;
	if (sscanf(text, "%llu:%u%n", &number, &index, &end) != 2 || text[end])
		return tb_fail(err, TB_EINVALID, "reference: answer:<batch>:<index> expected");
	enum tb_code code = proof_of(query, number, index, &pair, &reply->claim, err);
	if (code == TB_OK)
		code = proof_of(query, pair, index, NULL, &reply->question, err);
	return code;
}

static enum tb_code export_message(struct query *query, const char *peer, const char *text, PbEvidence *reply,
                                   struct tb_error *err)
{
	uint8_t id[16];
	if (!tb_unhex(id, sizeof(id), text))
		return tb_fail(err, TB_EINVALID, "reference: message:<region>:<32 hex digits> expected");
	struct kv_key key = kv_key_str(peer);
	kv_key_add(&key, tb_bytes_of(id, sizeof(id)));
	PbInboxRecord *record;
	enum tb_code code =
		KV_GET(&query->kv, KV_INBOX, &key, inbox_record, &query->request->arena, &record, err);
	if (code)
		return code == TB_ENOTFOUND ? tb_fail(err, code, "no such message from %s", peer) : code;
	return proof_of(query, record->batch, record->index, NULL, &reply->claim, err);
}

enum tb_code evidence_sign_one(const struct core_setup *setup, PbBatchKind kind, const char *receiver,
                               struct tb_bytes message, tb_time now, struct tb_arena *arena, PbProof **out,
                               struct tb_error *err)
{
	uint8_t seed[PKI_HASH_BYTES];
	pki_hmac(seed, tb_bytes_of(setup->vault_key, PKI_VAULT_KEY_BYTES), message);
	struct pki_random *random = pki_random_new(seed);
	struct pki_batch_head head = {.kind = kind,
	                              .sender = setup->region,
	                              .receiver = receiver,
	                              .sent_at = now,
	                              .expires_at = now + TB_BATCH_LIFE_MS};
	struct pki_batch *batch = pki_batch_build(&head, &message, 1, random);
	enum tb_code code = pki_batch_sign(batch, setup->message.key, setup->message.chain,
	                                   setup->message.chain_count, err);
	if (code == TB_OK) {
		PbProof *proof = PROTO_NEW(PbProof, proof, arena);
		pki_proof_make(proof, batch, 0, arena);
		code = PROTO_DECODE_OWN(out, proof, proto_encode_arena(arena, &proof->base), arena, err);
	}
	pki_batch_free(batch);
	pki_random_free(random);
	return code;
}

static enum tb_code export_receipt(struct query *query, const char *peer, const char *text, PbEvidence *reply,
                                   struct tb_error *err)
{
	char *end;
	unsigned long long seq = strtoull(text, &end, 10);
	if (end == text || *end)
		return tb_fail(err, TB_EINVALID, "reference: receipt:<region>:<number> expected");
	struct kv_key key = kv_key_str(peer);
	kv_key_add_u64(&key, seq);
	PbOutboxRecord *record;
	PbReceiptRecord *receipt;
	struct tb_arena *arena = &query->request->arena;
	enum tb_code code = KV_GET(&query->kv, KV_OUTBOX, &key, outbox_record, arena, &record, err);
	if (code)
		return code == TB_ENOTFOUND ? tb_fail(err, code, "no message %llu was sent to %s", seq, peer)
		                            : code;
	code = KV_GET(&query->kv, KV_RECEIPT, &key, receipt_record, arena, &receipt, err);
	if (code)
		return code == TB_ENOTFOUND ? tb_fail(err, TB_ESTATE, "message %llu has no receipt yet", seq)
		                            : code;
	code = proof_of(query, receipt->batch, receipt->index, NULL, &reply->claim, err);
	if (code == TB_OK && record->message.len == 0)
		code = tb_fail(err, TB_ENOTFOUND, "what it said was erased or pruned");
	if (code == TB_OK)
		/* The message itself beside its receipt: signed now. */
		code = evidence_sign_one(query->setup, PB_BATCH_KIND__MESSAGES, peer,
		                         proto_bytes(record->message), query->now, arena, &reply->question,
		                         err);
	return code;
}

enum tb_code evidence_read_export(struct query *query, struct tb_error *err)
{
	const PbEvidenceExportRequest *request =
		(const PbEvidenceExportRequest *)(const void *)query->request->message;
	PbEvidence *reply = PROTO_NEW(PbEvidence, evidence, &query->request->arena);
	const char *text = request->reference;
	char peer[PKI_REGION_ROOM];
	int at = 0;
	enum tb_code code;
	reply->version = 1;
	query->request->reply = &reply->base;
	if (strncmp(text, "answer:", 7) == 0) {
		reply->subject = tb_arena_str(&query->request->arena, "answer");
		code = export_answer(query, text + 7, reply, err);
	} else if (sscanf(text, "message:%6[0-9]:%n", peer, &at) == 1 && at > 0) {
		reply->subject = tb_arena_str(&query->request->arena, "package");
		code = export_message(query, peer, text + at, reply, err);
	} else if (sscanf(text, "receipt:%6[0-9]:%n", peer, &at) == 1 && at > 0) {
		reply->subject = tb_arena_str(&query->request->arena, "receipt");
		code = export_receipt(query, peer, text + at, reply, err);
	} else {
		code = tb_fail(err, TB_EINVALID, "reference: answer:, message: or receipt: expected");
	}
	if (code)
		query->request->reply = NULL;
	return code;
}
