/* The store as the core sees it: tables, keys, sealed values.
 *
 * Every value is sealed with AES-256-GCM and bound to its table and key; what is not sealed is said beside
 * the table below. A kv is one transaction with what is needed to seal and open; one thread at a time. */
#pragma once

#include "node/core/core.h"

enum kv_table {
	KV_META,         /* name -> number or text */
	KV_CHAIN,        /* SHA-256 of the chain -> StoredChain */
	KV_BATCH,        /* u64 -> StoredBatch, by arrival */
	KV_CREDENTIAL,   /* u64 serial -> CredentialRecord */
	KV_FIND,         /* kind, keyed hash (10 bytes), u64 serial -> nothing */
	KV_CASE,         /* case number -> CaseRecord */
	KV_ENTRY,        /* case number, u32 seq -> CaseEntry, the very bytes */
	KV_REQUEST,      /* keyed hash of a request id -> that of the application, case number */
	KV_TIMER,        /* u64 due, case number, clock -> nothing */
	KV_OUTBOX,       /* peer, u64 seq -> OutboxRecord, for ever */
	KV_RECEIPT,      /* peer, u64 seq -> ReceiptRecord of that message, for ever */
	KV_OUTGOING,     /* peer, u64 seq -> nothing: not yet receipted */
	KV_DEAD,         /* peer, u64 seq -> nothing: dead letters */
	KV_INBOX,        /* peer, message id -> InboxRecord, for ever */
	KV_CASE_PROOF,   /* case number, u64 time, evidence reference -> sealed nothing: the key is shown */
	KV_MATERIAL,     /* root -> StoredMaterial */
	KV_MATERIAL_FOR, /* peer, root -> nothing: the peer may fetch it */
	KV_WANTED,       /* peer, u64 due, root -> nothing: to be fetched from it */
	KV_CATALOGUE,    /* region -> CatalogueHead */
	KV_IMPORT,       /* import id -> ImportRecord */
	KV_AUDIT_LEAF,   /* u64 index of its last leaf -> AuditBundle */
	KV_AUDIT_NODE,   /* u8 level, u64 row -> hashes, not sealed: hashes of salted records say nothing */
	KV_NOTE,         /* u64 size -> signed checkpoint, not sealed: it is public */
	KV_NONCE,        /* u64 expiry, peer, nonce -> nothing: in the order in which they are forgotten */
	KV_PROPOSED,     /* peer, message id -> case number, event: own proposals not yet ordered */
	KV_MATTER,       /* matter -> MatterRecord */
	KV_POST,         /* matter, NUL, u64 time, author, u32 number -> MatterPost, the very bytes */
	KV_MATTER_DUE,   /* u64 due, matter -> nothing */
	KV_AGREEMENT,    /* id, NUL, u32 version -> StoredAgreement */
	KV_TOKEN,        /* 'n', name -> StoredToken; 'h', keyed hash of the token -> name */
	KV_ITEM,         /* region, NUL, code, NUL, u32 version -> StoredItem */
	KV_ITEM_OLD,     /* the same and u64 listed -> StoredItem, for ever */
	KV_ITEM_BASE,    /* region, NUL, basic code, NUL, code -> nothing */
	KV_WEBHOOK,      /* name -> StoredWebhook */
	KV_HOLD,         /* case number -> HoldView */
	KV_DOOMED,       /* root of a material -> nothing: its file is to be removed */
	KV_CHANGED,      /* u64 number of a certificate's change, from 1 -> u64 serial */
	KV_HALL,         /* region -> HallList */
	KV_APPLICANT,    /* keyed hash of the applicant (11 bytes), u64 time, case number -> nothing */
	KV_CODES,        /* peer -> StoredCodes */
	KV_CREDIT,       /* keyed hash of a person (11 bytes), case number -> CreditNote */
	KV_READINESS,    /* peer, NUL, topic -> ReadinessNote */
	KV_TABLES
};

struct kv_cache; /* node/core/kvcache.h */

struct kv {
	struct store_txn *txn;
	struct pki_vault *vault;
	struct pki_random *random; /* NULL in a read transaction */
	struct kv_cache *cache;    /* NULL outside of turns */
	struct tb_buf scratch;
};

/* A key in the making; parts are appended. */
struct kv_key {
	uint8_t bytes[STORE_KEY_BYTES_MAX];
	size_t size;
};
struct kv_key kv_key_str(const char *text);
struct kv_key kv_key_u64(uint64_t number);
struct kv_key kv_key_of(struct tb_bytes bytes);
void kv_key_add(struct kv_key *key, struct tb_bytes bytes);
void kv_key_add_str(struct kv_key *key, const char *text); /* the caller knows that its length is fixed */
void kv_key_add_u32(struct kv_key *key, uint32_t number);
void kv_key_add_u64(struct kv_key *key, uint64_t number);
static inline struct tb_bytes kv_key_bytes(const struct kv_key *key)
{
	return (struct tb_bytes){key->bytes, key->size};
}

void kv_put(struct kv *kv, enum kv_table table, const struct kv_key *key, struct tb_bytes plain);
void kv_append(struct kv *kv, enum kv_table table, const struct kv_key *key, struct tb_bytes plain);
/* Writes a key without a value. */
void kv_mark(struct kv *kv, enum kv_table table, const struct kv_key *key);
void kv_delete(struct kv *kv, enum kv_table table, const struct kv_key *key);
bool kv_has(struct kv *kv, enum kv_table table, const struct kv_key *key);
/* TB_ENOTFOUND without filling |err|, TB_ECORRUPT. The value is in |arena|. */
TB_MUST_CHECK enum tb_code kv_get(struct kv *kv, enum kv_table table, const struct kv_key *key,
                                  struct tb_arena *arena, struct tb_bytes *plain, struct tb_error *err);
/* Opens a value that a cursor gave. */
TB_MUST_CHECK enum tb_code kv_open(struct kv *kv, enum kv_table table, struct tb_bytes key,
                                   struct tb_bytes sealed, struct tb_arena *arena, struct tb_bytes *plain,
                                   struct tb_error *err);

/* For an event that walks or deletes from tables that are cached: until its end nothing is. */
void kv_settle(struct kv *kv);
/* At the end of a turn: stores what was put into tables that are cached. */
void kv_flush(struct kv *kv);

/* Messages. kv_get_message() decodes into |arena|. */
void kv_put_message(struct kv *kv, enum kv_table table, const struct kv_key *key,
                    const proto_message *message);
TB_MUST_CHECK enum tb_code kv_get_message(struct kv *kv, enum kv_table table, const struct kv_key *key,
                                          const proto_type *type, struct tb_arena *arena, proto_message **out,
                                          struct tb_error *err);
#define KV_GET(kv, table, key, name, arena, out, err) \
	kv_get_message(kv, table, key, &pb_##name##__descriptor, arena, (proto_message **)(void *)(out), err)

/* Numbers in KV_META; 0 if there is none. */
uint64_t kv_number(struct kv *kv, const char *name);
void kv_set_number(struct kv *kv, const char *name, uint64_t number);
/* Can all of them be read? TB_ECORRUPT. */
TB_MUST_CHECK enum tb_code kv_check_numbers(struct kv *kv, struct tb_error *err);
