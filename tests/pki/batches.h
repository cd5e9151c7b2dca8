/* Batches between two regions, built, signed and forged. */
#pragma once

#include "pki/batch.h"
#include "tests/pki/region.h"

/* Region A asks, region B answers; both trust both. */
static struct region a;
static struct region b;
static struct pki_trust *trust;
static struct pki_random *drawn;

static const char *const TEXTS[5] = {"one", "", "three", "four", "five"};

static inline int set_up(void **state, enum pki_suite suite)
{
	(void)state;
	static const uint8_t seed[32] = {7};
	region_init(&a, "320400", suite);
	region_init(&b, "330100", suite);
	trust = pki_trust_new();
	region_trust(trust, &a);
	region_trust(trust, &b);
	drawn = pki_random_new(seed);
	return 0;
}

static inline int set_up_p256(void **state)
{
	return set_up(state, PKI_P256);
}

static inline int set_up_ed25519(void **state)
{
	return set_up(state, PKI_ED25519);
}

static inline int tear_down(void **state)
{
	(void)state;
	pki_random_free(drawn);
	pki_trust_unref(trust);
	region_clear(&b);
	region_clear(&a);
	return 0;
}

static inline struct pki_batch_head queries_head(void)
{
	return (struct pki_batch_head){.kind = PB_BATCH_KIND__QUERIES,
	                               .sender = "320400",
	                               .receiver = "330100",
	                               .sent_at = NOW,
	                               .expires_at = NOW + TB_BATCH_LIFE_MS};
}

static inline struct pki_expect queries_expected(void)
{
	return (struct pki_expect){
		.kind = PB_BATCH_KIND__QUERIES, .sender = "320400", .receiver = "330100", .now = NOW + 1000};
}

static inline struct pki_batch *build(const struct pki_batch_head *head, size_t count)
{
	struct tb_bytes messages[64];
	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++)
		messages[i] = tb_bytes_str(TEXTS[i % 5]);
	return pki_batch_build(head, messages, count, drawn);
}

static inline struct pki_batch *build_signed(const struct pki_batch_head *head, size_t count,
                                             const struct credential *by)
{
	struct tb_error err = {0};
	struct pki_batch *batch = build(head, count);
	assert_int_equal(pki_batch_sign(batch, by->key, by->chain, by->chain_count, &err), TB_OK);
	return batch;
}

static inline struct tb_buf encoded(const struct pki_batch_head *head, size_t count,
                                    const struct credential *by)
{
	struct tb_buf out = {0};
	struct pki_batch *batch = build_signed(head, count, by);
	pki_batch_encode(&out, batch);
	pki_batch_free(batch);
	return out;
}

/* ---- forging: a batch is taken apart, changed, and signed again if need be. */

struct forgery {
	struct tb_arena arena;
	PbSignedBatch *wire;
	PbBatchHeader *header;
};

static inline void forgery_init(struct forgery *forgery, struct tb_bytes bytes)
{
	struct tb_error err = {0};
	*forgery = (struct forgery){0};
	assert_int_equal(PROTO_DECODE(&forgery->wire, signed_batch, bytes, &forgery->arena, &err), TB_OK);
	assert_int_equal(PROTO_DECODE(&forgery->header, batch_header, proto_bytes(forgery->wire->header),
	                              &forgery->arena, &err),
	                 TB_OK);
}

static inline void forgery_sign(struct forgery *forgery, const struct pki_key *key)
{
	struct tb_error err = {0};
	struct tb_buf pae = {0};
	struct tb_buf signature = {0};
	struct tb_bytes header = proto_encode_arena(&forgery->arena, &forgery->header->base);
	pki_dsse_pae(&pae, PKI_BATCH_TYPE, header);
	assert_int_equal(pki_sign(key, tb_buf_bytes(&pae), &signature, &err), TB_OK);
	forgery->wire->header = proto_data(header);
	forgery->wire->signature = proto_data(tb_arena_bytes(&forgery->arena, tb_buf_bytes(&signature)));
	tb_buf_clear(&signature);
	tb_buf_clear(&pae);
}

static inline struct tb_bytes forgery_bytes(struct forgery *forgery)
{
	return proto_encode_arena(&forgery->arena, &forgery->wire->base);
}

static uint8_t spare[64]; /* what a forger points fields to */

#define EACH_SUITE(test)                                                \
	{#test "/p256", test, set_up_p256, tear_down, NULL},            \
	{                                                               \
#test "/ed25519", test, set_up_ed25519, tear_down, NULL \
	}
