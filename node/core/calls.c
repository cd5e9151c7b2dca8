/* Calls of the link before and after the turn: checking, decoding, signing. Any thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/turn.h"

struct call_kind {
	const char *word;
	PbBatchKind asks;
	PbBatchKind answers;
	const proto_type *asked;
	const proto_type *answered;
	size_t items_max;
};

/* By enum core_call. */
static const struct call_kind kinds[] = {
	[CORE_VERIFY] = {"verify", PB_BATCH_KIND__QUERIES, PB_BATCH_KIND__ANSWERS, &pb_query__descriptor,
                         &pb_answer__descriptor, TB_BATCH_ITEMS_MAX},
	[CORE_DELIVER] = {"deliver", PB_BATCH_KIND__MESSAGES, PB_BATCH_KIND__RECEIPTS,
                          &pb_case_message__descriptor, &pb_receipt__descriptor, TB_BATCH_ITEMS_MAX},
	[CORE_DESCRIBE] = {"describe", PB_BATCH_KIND__DESCRIBE, PB_BATCH_KIND__DESCRIPTION,
                           &pb_describe_request__descriptor, &pb_description__descriptor, 1},
};

const char *core_call_word(enum core_call call)
{
	return kinds[call].word;
}

/* Decodes the items; one that is malformed is NULL: its neighbours are not to suffer for it. A hundred times
 * its bytes is what an item can take in memory (proto/codec.c): there is no room for a batch of such. */
static proto_message **decode_items(struct pki_batch *batch, const proto_type *type)
{
	proto_message **messages =
		tb_arena_alloc(&batch->arena, (batch->items_count + 1) * sizeof(proto_message *));
	for (size_t i = 0; i < batch->items_count; i++) {
		if (batch->arena.bytes > TB_BATCH_MEMORY_AIM ||
		    proto_decode(&messages[i], type, pki_batch_message(batch, i), &batch->arena, NULL))
			messages[i] = NULL;
	}
	return messages;
}

static struct pki_digest *message_digests(struct pki_batch *batch)
{
	struct tb_bytes *all = tb_arena_alloc(&batch->arena, batch->items_count * sizeof(*all));
	struct pki_digest *digests = tb_arena_alloc(&batch->arena, batch->items_count * sizeof(*digests));
	for (size_t i = 0; i < batch->items_count; i++)
		all[i] = pki_batch_message(batch, i);
	pki_sha256_each(digests, all, batch->items_count);
	return digests;
}

struct core_inbound *core_inbound_new(const struct core_setup *setup, const struct peer_set *peers,
                                      enum core_call call, const char *peer, struct tb_bytes bytes,
                                      tb_time now, struct tb_error *err)
{
	const struct call_kind *kind = &kinds[call];
	struct pki_expect expect = {
		.kind = kind->asks, .sender = peer, .receiver = setup->region, .now = now};
	struct pki_batch *batch;
	if (!peer_find(peers, peer)) {
		tb_refuse_as(err, TB_EDENIED, TB_REASON_NOT_A_PEER, peer, NULL);
		return NULL;
	}
	if (pki_batch_check(&batch, bytes, peer_trust(peers), &expect, err))
		return NULL;
	if (batch->items_count == 0 || batch->items_count > kind->items_max) {
		tb_fail(err, TB_ETOOBIG, "items: 1 to %zu expected", kind->items_max);
		pki_batch_free(batch);
		return NULL;
	}
	struct core_inbound *inbound = tb_alloc(sizeof(*inbound));
	inbound->call = call;
	inbound->batch = batch;
	snprintf(inbound->peer, sizeof(inbound->peer), "%.6s", peer);
	inbound->messages = decode_items(batch, kind->asked);
	if (call == CORE_DELIVER)
		inbound->digests = message_digests(batch);
	return inbound;
}

void core_inbound_free(struct core_inbound *inbound)
{
	if (!inbound)
		return;
	pki_batch_free(inbound->batch);
	pki_batch_free(inbound->answer);
	free(inbound);
}

static enum tb_code sign_and_encode(const struct core_setup *setup, struct pki_batch *batch,
                                    struct tb_buf *bytes, struct tb_error *err)
{
	enum tb_code code = pki_batch_sign(batch, setup->message.key, setup->message.chain,
	                                   setup->message.chain_count, err);
	if (code == TB_OK)
		pki_batch_encode(bytes, batch);
	return code;
}

enum tb_code core_inbound_answer(const struct core_setup *setup, struct core_inbound *inbound,
                                 struct tb_buf *bytes, struct tb_error *err)
{
	if (!inbound->answer)
		return tb_fail_like(err, inbound->error.code, &inbound->error);
	return sign_and_encode(setup, inbound->answer, bytes, err);
}

void core_outbound_to(struct core_outbound *outbound, const struct peer *peer)
{
	snprintf(outbound->peer, sizeof(outbound->peer), "%.6s", peer->region);
	snprintf(outbound->endpoint, sizeof(outbound->endpoint), "%.255s", peer->endpoint);
}

enum tb_code core_outbound_encode(const struct core_setup *setup, struct core_outbound *outbound,
                                  struct tb_buf *bytes, struct tb_error *err)
{
	return sign_and_encode(setup, outbound->batch, bytes, err);
}

void core_outbound_answered(const struct core_setup *setup, const struct peer_set *peers,
                            struct core_outbound *outbound, struct tb_bytes bytes, tb_time now)
{
	const struct call_kind *kind = &kinds[outbound->call];
	struct pki_expect expect = {.kind = kind->answers,
	                            .sender = outbound->peer,
	                            .receiver = setup->region,
	                            .in_reply_to = pki_batch_root(outbound->batch),
	                            .items_count = outbound->batch->items_count,
	                            .now = now};
	if (pki_batch_check(&outbound->answer, bytes, peer_trust(peers), &expect, &outbound->error) ==
	    TB_OK) {
		outbound->messages = decode_items(outbound->answer, kind->answered);
		return;
	}
	outbound->answer_refused = true;
	pki_sha256(outbound->refused_digest, bytes);
}

void core_outbound_free(struct core_outbound *outbound)
{
	if (!outbound)
		return;
	pki_batch_free(outbound->batch);
	pki_batch_free(outbound->answer);
	free(outbound);
}
