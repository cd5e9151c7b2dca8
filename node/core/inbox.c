/* Receiving of case messages: KV_INBOX remembers every message with its receipt; a duplicate gets the
 * original receipt. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/turn.h"

/* Who waits to call a peer that calls us waits no longer than this. */
enum { RETRY_SOON_MS = 1000 };

static struct kv_key in_key(const char *peer, struct tb_bytes id)
{
	struct kv_key key = kv_key_str(peer);
	kv_key_add(&key, id);
	return key;
}

static struct tb_bytes stored_receipt(struct turn *turn, PbInboxRecord *record)
{
	return tb_arena_bytes(&turn->arena, proto_bytes(record->receipt));
}

/* What may refuse a message before the case is looked at. */
static enum tb_code check_message(const PbCaseMessage *message, struct tb_error *err)
{
	int bodies = (message->package != NULL) + (message->entries != NULL) + (message->proposal != NULL) +
	             (message->expired != NULL) + (message->post != NULL);
	if (message->id.len != 16)
		return tb_fail(err, TB_EMALFORMED, "id: 16 bytes expected");
	if (bodies != 1)
		return tb_fail(err, TB_EMALFORMED,
		               "one of package, entries, proposal, expired, post expected");
	if (strlen(message->case_number) == 0 || strlen(message->case_number) > 32)
		return tb_fail(err, TB_EMALFORMED, "case_number: 1 to 32 characters expected");
	return TB_OK;
}

/* What became of a message that its sender gives up: |code| is "applied" if it took effect here. One that was
 * refused, or was given up before, did not. */
static enum tb_code expire(struct turn *turn, const char *peer, const PbCaseMessage *message,
                           PbReceipt *receipt, struct tb_error *err)
{
	const PbExpiredNotice *expired = message->expired;
	PbInboxRecord *known;
	PbReceipt *before;
	PbCaseRecord *kase;
	receipt->code = tb_arena_str(&turn->arena, "unseen");
	if (expired->id.len != 16 || expired->digest.len != PKI_HASH_BYTES)
		return TB_OK;
	struct kv_key key = in_key(peer, proto_bytes(expired->id));
	enum tb_code code = KV_GET(&turn->kv, KV_INBOX, &key, inbox_record, &turn->arena, &known, err);
	if (code == TB_OK)
		code = PROTO_DECODE_OWN(&before, receipt, proto_bytes(known->receipt), &turn->arena, err);
	if (code == TB_OK && before->kind == PB_RECEIPT_KIND__DURABLE)
		receipt->code = tb_arena_str(&turn->arena, "applied");
	if (code != TB_ENOTFOUND)
		return code;
	code = case_load(&turn->kv, message->case_number, &turn->arena, &kase, err);
	if (code != TB_OK && code != TB_ENOTFOUND)
		return code;
	/* Its receipt, should it come after all. */
	PbReceipt late = PB_RECEIPT__INIT;
	late.id = expired->id;
	late.digest = expired->digest;
	late.kind = PB_RECEIPT_KIND__REJECTED;
	late.code = tb_arena_str(&turn->arena, "expired");
	late.reason = tb_arena_str(&turn->arena, "its sender gave it up before it came");
	late.at_ms = turn->now;
	late.case_number = message->case_number;
	PbInboxRecord record = PB_INBOX_RECORD__INIT;
	record.digest = expired->digest;
	record.receipt = proto_data(proto_encode_arena(&turn->arena, &late.base));
	record.refused_unseen = true;
	kv_put_message(&turn->kv, KV_INBOX, &key, &record.base);
	if (code == TB_OK && kase->in_seq + 1 == expired->case_seq) {
		kase->in_seq = expired->case_seq;
		kase->in_previous = expired->digest;
		case_save(turn, kase);
	}
	return TB_OK;
}

static const char *reason_word(enum tb_code code)
{
	return code == TB_EDENIED     ? "not_granted"
	       : code == TB_ESTATE    ? "state"
	       : code == TB_ENOTFOUND ? "unknown_case"
	                              : "invalid";
}

/* A message that is known: the original receipt, or, if its content is another now, a refusal that is not
 * kept. */
static struct tb_bytes again(struct turn *turn, const char *peer, PbInboxRecord *known, PbReceipt *receipt)
{
	if (tb_bytes_equal(proto_bytes(known->digest), proto_bytes(receipt->digest)))
		return stored_receipt(turn, known);
	receipt->code = tb_arena_str(&turn->arena, "same_id_other_content");
	receipt->reason =
		tb_arena_str(&turn->arena, "a message with this id and another content was received");
	turn_log(turn, TB_LOG_ERROR, "delivery.forked", peer, receipt->case_number, "%s", receipt->reason);
	audit_add(turn, PB_LEAF_KIND__LEAF_REFUSED, receipt->case_number, peer, proto_bytes(receipt->digest),
	          1);
	return proto_encode_arena(&turn->arena, &receipt->base);
}

/* The message is answered for: its receipt is kept for ever, and |batch| as the evidence of an accepted one.
 */
static void remember(struct turn *turn, const struct core_inbound *inbound, size_t i, uint64_t batch,
                     struct tb_bytes encoded, const PbReceipt *receipt)
{
	PbInboxRecord record = PB_INBOX_RECORD__INIT;
	char reference[64], hex[33];
	struct kv_key key = in_key(inbound->peer, proto_bytes(receipt->id));
	record.digest = receipt->digest;
	record.receipt = proto_data(encoded);
	record.batch = batch;
	record.index = (uint32_t)i;
	kv_put_message(&turn->kv, KV_INBOX, &key, &record.base);
	tb_hex(hex, receipt->id.data, 16);
	snprintf(reference, sizeof(reference), "message:%.6s:%s", inbound->peer, hex);
	if (receipt->kind == PB_RECEIPT_KIND__DURABLE)
		case_proof_add(turn, receipt->case_number, reference);
}

/* The reason stands in the other region's log of the case: in both languages, where there are two. */
static const char *in_both(struct turn *turn, const struct tb_error *err)
{
	char zh[TB_ERROR_TEXT_MAX];
	if (err->reason == TB_REASON_NONE)
		return err->text;
	tb_error_text(zh, err, true);
	return tb_arena_printf(&turn->arena, "%s / %s", zh, err->text);
}

static void refuse(struct turn *turn, const char *peer, enum tb_code code, const char *why,
                   PbReceipt *receipt)
{
	receipt->kind = PB_RECEIPT_KIND__REJECTED;
	receipt->code = tb_arena_str(&turn->arena, reason_word(code));
	receipt->reason = tb_arena_str(&turn->arena, why);
	turn_log(turn, TB_LOG_WARN, "delivery.refused", peer, receipt->case_number, "%s", why);
}

/* A refusal is kept for ever, as what was refused is: a partner that sends little else does not fill the
 * disk. */
static bool refusals_fit(struct turn *turn, struct peer_state *state)
{
	if (turn->now < state->refusing_since || turn->now >= state->refusing_since + TB_HOUR) {
		state->refusing_since = turn->now;
		state->refused_bytes = 0;
	}
	return state->refused_bytes < TB_REFUSED_BYTES_HOUR;
}

/* One message: gives the encoded receipt. *remembered: its batch is to be kept. */
static struct tb_bytes receive(struct turn *turn, const struct core_inbound *inbound, size_t i,
                               uint64_t batch, bool *remembered)
{
	const PbCaseMessage *message = (const PbCaseMessage *)(const void *)inbound->messages[i];
	const uint8_t *digest = inbound->digests[i].bytes;
	PbReceipt receipt = PB_RECEIPT__INIT;
	PbInboxRecord *known = NULL;
	struct tb_error err = {0};
	bool defer = false;
	receipt.digest = proto_data(tb_bytes_of(digest, PKI_HASH_BYTES));
	receipt.at_ms = turn->now;
	receipt.kind = PB_RECEIPT_KIND__REJECTED;
	receipt.code = tb_arena_str(&turn->arena, "malformed");
	if (!message || check_message(message, &err)) {
		receipt.id = message ? message->id : (ProtobufCBinaryData){0, NULL};
		receipt.reason = tb_arena_str(&turn->arena, message ? err.text : "not a CaseMessage");
		return proto_encode_arena(&turn->arena, &receipt.base);
	}
	receipt.id = message->id;
	receipt.case_number = message->case_number;
	struct kv_key key = in_key(inbound->peer, proto_bytes(message->id));
	enum tb_code code = KV_GET(&turn->kv, KV_INBOX, &key, inbox_record, &turn->arena, &known, &err);
	if (code == TB_OK)
		return again(turn, inbound->peer, known, &receipt);
	struct peer_state *state = core_peer_state(turn->core, inbound->peer);
	if (!refusals_fit(turn, state)) {
		receipt.kind = PB_RECEIPT_KIND__DEFERRED;
		receipt.code = tb_arena_str(&turn->arena, "throttled");
		return proto_encode_arena(&turn->arena, &receipt.base);
	}
	receipt.code = tb_arena_str(&turn->arena, "");
	if (code == TB_ENOTFOUND && message->expired)
		code = expire(turn, inbound->peer, message, &receipt, &err);
	else if (code == TB_ENOTFOUND && message->post)
		code = matter_take(turn, inbound->peer, message->post, &defer, &err);
	else if (code == TB_ENOTFOUND)
		code = case_message(turn, inbound->peer, message, digest, &defer, &receipt.want,
		                    &receipt.head, &err);
	/* What is broken here is no reason to refuse for good: it is mended, and the sender tries again. */
	if (code && tb_code_fault(code) == TB_FAULT_LOCAL) {
		turn_log(turn, TB_LOG_ERROR, "delivery.deferred", inbound->peer, message->case_number, "%s",
		         err.text);
		receipt.code = tb_arena_str(&turn->arena, "node");
		defer = true;
	}
	if (defer) {
		receipt.kind = PB_RECEIPT_KIND__DEFERRED;
		return proto_encode_arena(&turn->arena, &receipt.base);
	}
	receipt.kind = PB_RECEIPT_KIND__DURABLE;
	*remembered = true;
	state->refused_bytes += code ? pki_batch_message(inbound->batch, i).size : 0;
	if (code)
		refuse(turn, inbound->peer, code, in_both(turn, &err), &receipt);
	struct tb_bytes encoded = proto_encode_arena(&turn->arena, &receipt.base);
	remember(turn, inbound, i, batch, encoded, &receipt);
	return encoded;
}

void delivery_inbound(struct turn *turn, struct core_inbound *inbound)
{
	const struct peer *peer = peer_find(turn->core->peers, inbound->peer);
	struct peer_state *state = core_peer_state(turn->core, inbound->peer);
	if (!peer || !state) {
		tb_refuse(&inbound->error, TB_REASON_NOT_A_PEER_ANY_MORE, NULL);
		turn_effect(turn, CORE_ANSWER)->inbound = inbound;
		return;
	}
	state->contact_at = turn->now;
	/* Who calls us can be called: don't wait out a long retry. What it deferred waits for something else:
	 * two who have each other's messages wait would never rest. */
	if (state->failures > 0 && state->retry_at > turn->now + RETRY_SOON_MS)
		state->retry_at = turn->now + RETRY_SOON_MS;
	uint64_t batch = batch_keep(turn, inbound->batch, peer->region, 0);
	size_t count = inbound->batch->items_count;
	struct tb_bytes *receipts = tb_arena_alloc(&turn->arena, count * sizeof(*receipts));
	bool remembered = false;
	for (size_t i = 0; i < count; i++)
		receipts[i] = receive(turn, inbound, i, batch, &remembered);
	if (!remembered)
		batch_forget(turn, batch);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__RECEIPTS,
	                              .sender = turn->core->setup.region,
	                              .receiver = peer->region,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2,
	                              .in_reply_to = pki_batch_root(inbound->batch)};
	inbound->answer = pki_batch_build(&head, receipts, count, turn->core->random);
	audit_add(turn, PB_LEAF_KIND__LEAF_MESSAGE_IN, "deliver", peer->region,
	          pki_batch_root(inbound->batch), (uint32_t)count);
	turn_effect(turn, CORE_ANSWER)->inbound = inbound;
}
