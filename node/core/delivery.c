/* Sending of case messages, at least once on the wire; inbox.c receives them, exactly once in effect.
 *
 * A message is in KV_OUTBOX for ever and in KV_OUTGOING until it has a receipt. One Deliver call at a
 * time travels to a peer; what queued up meanwhile goes in the next.
 *
 *     KV_OUTGOING of a peer, by seq   1 .. waiting_next .. offered | offered + 1 .. newest
 *                                     \__ waiting: was deferred __/ \__ new: goes at once __/
 *
 * What the peer defers waits for something of its own case, and stays behind |offered|: nothing else waits
 * for it. The waiting ones are offered again in rounds, a bounded slice of them in a call beside what is new.
 * Behind a message that waits nothing of its case goes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/turn.h"

enum {
	DELIVER_ITEMS_MAX = 512,
	WAITING_ITEMS_MAX = 256,                    /* of them, that were offered before */
	WAITING_BYTES_AIM = TB_BATCH_BYTES_AIM / 2, /* and what they take */
	LOOK_MAX = 1024,                            /* messages that one turn looks at for a peer */
	LOOK_BYTES_AIM = 8 << 20,                   /* and their bytes */
	CALL_TIMEOUT_MS = 20000,
	RETRY_FIRST_MS = 1000,
	RETRY_MOST_MS = 5 * 60 * 1000,
	LOOK_BACK_MAX = 4096, /* messages to a peer that one answer of it makes us look at again */
};

#define NOTHING_WAITS INT64_MAX

static struct kv_key out_key(const char *peer, uint64_t seq)
{
	struct kv_key key = kv_key_str(peer);
	kv_key_add_u64(&key, seq);
	return key;
}

void case_proof_add(struct turn *turn, const char *number, const char *reference)
{
	struct kv_key key = kv_key_str(number);
	kv_key_add_u64(&key, (uint64_t)turn->now);
	kv_key_add_str(&key, reference);
	kv_put(&turn->kv, KV_CASE_PROOF, &key, tb_bytes_of(NULL, 0));
}

uint64_t delivery_outgoing(struct kv *kv, const char *peer)
{
	struct kv_key prefix = kv_key_str(peer);
	struct store_cursor cursor;
	struct tb_bytes key, value;
	uint64_t count = 0;
	store_cursor(&cursor, kv->txn, KV_OUTGOING, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &value))
		count++;
	store_cursor_end(&cursor);
	return count;
}

static void put_out(struct turn *turn, const char *peer, uint64_t seq, const PbOutboxRecord *record)
{
	struct kv_key key = out_key(peer, seq);
	kv_put_message(&turn->kv, KV_OUTBOX, &key, &record->base);
}

/* Time first, as in RFC 9562, 5.7: the receiver remembers messages by their ids, and new ones fall together.
 */
static void message_id(struct turn *turn, uint8_t id[16])
{
	uint8_t time[8];
	tb_put_u64(time, (uint64_t)turn->now);
	memcpy(id, time + 2, 6);
	pki_random_bytes(turn->core->random, id + 6, 10);
}

/* The name of the last seq to |peer|. */
static void number_name(char out[32], const char *peer)
{
	snprintf(out, 32, "out/%.8s", peer);
}

/* |after|: the seq of the case's message before it, or 0. */
static void enqueue(struct turn *turn, const char *peer, PbCaseMessage *message, bool hand_over,
                    uint64_t after, uint8_t digest[PKI_HASH_BYTES])
{
	char name[32];
	uint8_t id[16];
	number_name(name, peer);
	message_id(turn, id);
	message->seq = kv_number(&turn->kv, name) + 1;
	kv_set_number(&turn->kv, name, message->seq);
	message->id = proto_data(tb_arena_bytes(&turn->arena, tb_bytes_of(id, sizeof(id))));
	message->issued_at_ms = turn->now;
	message->expires_at_ms = turn->now + DELIVERY_LIFE;
	struct tb_bytes encoded = proto_encode_arena(&turn->arena, &message->base);
	pki_sha256(digest, encoded);
	PbOutboxRecord record = PB_OUTBOX_RECORD__INIT;
	record.message = proto_data(encoded);
	record.digest = proto_data(tb_bytes_of(digest, PKI_HASH_BYTES));
	record.case_number = message->case_number;
	record.queued_ms = turn->now;
	/* A notice is never given up: until its receipt, what was given up before it stays undecided. */
	record.expires_ms = message->expired ? INT64_MAX : message->expires_at_ms;
	record.case_seq = message->case_seq;
	record.hand_over = hand_over;
	record.after = after;
	put_out(turn, peer, message->seq, &record);
	struct kv_key key = out_key(peer, message->seq);
	kv_mark(&turn->kv, KV_OUTGOING, &key);
	struct peer_state *state = core_peer_state(turn->core, peer);
	if (!state)
		return;
	state->outgoing++;
	state->newest = message->seq;
}

void delivery_queue(struct turn *turn, const char *peer, PbCaseRecord *record, PbCaseMessage *message,
                    bool hand_over)
{
	uint8_t digest[PKI_HASH_BYTES];
	message->case_number = record->number;
	message->agreement = record->agreement;
	message->agreement_version = record->agreement_version;
	/* What follows a hand-over on its way belongs to the epoch that the hand-over begins. */
	message->epoch = record->epoch + (record->handing_over && !hand_over);
	message->case_seq = ++record->out_seq;
	message->previous = record->out_previous;
	enqueue(turn, peer, message, hand_over, record->out_previous_at, digest);
	record->out_previous_at = message->seq;
	record->out_previous = proto_data(tb_arena_bytes(&turn->arena, tb_bytes_of(digest, sizeof(digest))));
}

void delivery_queue_post(struct turn *turn, const char *peer, PbCaseMessage *message)
{
	uint8_t digest[PKI_HASH_BYTES];
	enqueue(turn, peer, message, false, 0, digest);
}

/* ---- sending */

struct deliver_call {
	uint64_t offered;      /* behind this message nothing is new once the call is answered */
	uint64_t waiting_from; /* where its slice of waiting ones began */
	size_t waiting_count;  /* of |count|, the first ones */
	size_t count;
	uint64_t seqs[];
};

/* A message that nobody receipted in its life: the operator and the counterpart are told. */
static void bury(struct turn *turn, const char *peer, uint64_t seq, PbOutboxRecord *record)
{
	PbCaseMessage *message;
	struct tb_error err;
	uint8_t digest[PKI_HASH_BYTES];
	struct kv_key key = out_key(peer, seq);
	record->dead = tb_arena_str(&turn->arena, "expired: no receipt within its life");
	put_out(turn, peer, seq, record);
	kv_delete(&turn->kv, KV_OUTGOING, &key);
	kv_mark(&turn->kv, KV_DEAD, &key);
	core_peer_state(turn->core, peer)->outgoing--;
	turn_log(turn, TB_LOG_ERROR, "delivery.dead_letter", peer, record->case_number,
	         "message %llu expired", (unsigned long long)seq);
	audit_add(turn, PB_LEAF_KIND__LEAF_DEAD_LETTER, record->case_number, peer,
	          proto_bytes(record->digest), 1);
	if (PROTO_DECODE_OWN(&message, case_message, proto_bytes(record->message), &turn->arena, &err) !=
	            TB_OK ||
	    message->expired)
		return;
	PbCaseMessage notice = PB_CASE_MESSAGE__INIT;
	PbExpiredNotice expired = PB_EXPIRED_NOTICE__INIT;
	expired.id = message->id;
	expired.case_seq = message->case_seq;
	expired.seq = seq;
	expired.digest = record->digest;
	notice.case_number = record->case_number;
	notice.agreement = message->agreement; /* a notice is one of the case, too */
	notice.agreement_version = message->agreement_version;
	notice.expired = &expired;
	enqueue(turn, peer, &notice, false, 0, digest);
}

/* What the next call carries, in the making. */
struct load {
	struct turn *turn;
	struct peer_state *state;
	size_t count;
	size_t bytes;
	uint64_t seqs[DELIVER_ITEMS_MAX]; /* ascending */
	struct tb_bytes messages[DELIVER_ITEMS_MAX];
	size_t looked; /* bytes */
	bool found;    /* there were some, whether they go or not */
	bool kept;     /* some do not go: they wait behind others, or cannot be read */
	bool buried;
	bool whole; /* all of the range was looked at */
};

static bool goes_along(const struct load *load, uint64_t seq)
{
	size_t low = 0, high = load->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (load->seqs[middle] == seq)
			return true;
		if (load->seqs[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Nothing of its case waits before it. Behind one that was deferred a message goes along only while the peer
 * settles what it had deferred. */
static bool is_next(const struct load *load, const PbOutboxRecord *record)
{
	const struct peer_state *state = load->state;
	if (record->after == 0)
		return true;
	if (goes_along(load, record->after))
		return record->after > state->offered || state->waiting_flows;
	if (record->after <= state->offered && state->waiting_at == NOTHING_WAITS)
		return true;
	struct kv_key key = out_key(state->region, record->after);
	return !kv_has(&load->turn->kv, KV_OUTGOING, &key);
}

/* One message. False: there is no more room. */
static bool take(struct load *load, uint64_t seq, size_t bytes_aim)
{
	struct turn *turn = load->turn;
	const char *peer = load->state->region;
	PbOutboxRecord *record;
	struct tb_error err;
	struct kv_key key = out_key(peer, seq);
	load->found = true;
	if (KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &record, &err)) {
		turn_log(turn, TB_LOG_ERROR, "delivery.unreadable", peer, "", "message %llu: %s",
		         (unsigned long long)seq, err.text);
		load->kept = true;
		return true;
	}
	load->looked += record->message.len;
	if (turn->now > record->expires_ms) {
		bury(turn, peer, seq, record);
		load->buried = true;
		return true;
	}
	if (!is_next(load, record)) {
		load->kept = true;
		return true;
	}
	size_t size = record->message.len + TB_SALT_BYTES + 8;
	if (load->count > 0 && load->bytes + size > bytes_aim)
		return false;
	load->bytes += size;
	load->messages[load->count] = proto_bytes(record->message);
	load->seqs[load->count++] = seq;
	return true;
}

/* Gathers what goes of the messages |from| to |to|. Expired ones are buried on the way. Gives the last one
 * that was looked at. */
static uint64_t gather(struct load *load, uint64_t from, uint64_t to, size_t count_max, size_t bytes_aim)
{
	struct kv_key prefix = kv_key_str(load->state->region), first = out_key(load->state->region, from);
	uint64_t *listed = tb_arena_alloc(&load->turn->arena, LOOK_MAX * sizeof(*listed));
	struct store_cursor cursor;
	struct tb_bytes key, value;
	size_t count = 0, i = 0;
	load->whole = true;
	load->found = false;
	store_cursor(&cursor, load->turn->kv.txn, KV_OUTGOING, kv_key_bytes(&prefix), kv_key_bytes(&first));
	while (store_next(&cursor, &key, &value)) {
		uint64_t seq = tb_get_u64(key.data + key.size - 8);
		if (seq > to)
			break;
		if (count == LOOK_MAX) {
			load->whole = false;
			break;
		}
		listed[count++] = seq;
	}
	store_cursor_end(&cursor);
	while (i < count && load->count < count_max && load->looked < LOOK_BYTES_AIM &&
	       take(load, listed[i], bytes_aim))
		i++;
	load->whole = load->whole && i == count;
	return i > 0 ? listed[i - 1] : from - 1;
}

/* 1 s x 1.6 up to 5 min, jitter 20 %. */
static tb_time retry_at(struct turn *turn, unsigned failures)
{
	double wait = RETRY_FIRST_MS;
	for (unsigned i = 1; i < failures && wait < RETRY_MOST_MS; i++)
		wait *= 1.6;
	if (wait > RETRY_MOST_MS)
		wait = RETRY_MOST_MS;
	uint8_t byte;
	pki_random_bytes(turn->core->random, &byte, 1);
	return turn->now + (tb_time)(wait * (0.8 + 0.4 * byte / 255.0));
}

/* Something waits from now on: its first try need not wait until those that waited before are tried again. */
static void begin_to_wait(struct turn *turn, struct peer_state *state)
{
	tb_time soon = retry_at(turn, 1);
	if (state->waiting_at > soon)
		state->waiting_at = soon;
	if (state->waiting_rounds == 0)
		state->waiting_rounds = 1;
}

/* A slice of the waiting ones was offered, or held none that goes. |at_once|: the next need not wait. Between
 * the slices of a round is a second, between rounds that settle nothing ever longer. */
static void end_slice(struct turn *turn, struct peer_state *state, bool at_once)
{
	state->waiting_at = at_once ? turn->now : retry_at(turn, 1);
	if (state->waiting_next <= state->offered)
		return;
	state->waiting_next = 1;
	if (state->waiting_settled || at_once)
		state->waiting_rounds = 0;
	else
		state->waiting_at = retry_at(turn, ++state->waiting_rounds);
	state->waiting_settled = false;
}

/* The next slice of the waiting ones, if it is time. */
static void gather_waiting(struct load *load)
{
	struct peer_state *state = load->state;
	if (load->turn->now < state->waiting_at)
		return;
	uint64_t from = state->waiting_next;
	uint64_t last = gather(load, from, state->offered, WAITING_ITEMS_MAX, WAITING_BYTES_AIM);
	state->waiting_next = (load->whole ? state->offered : last) + 1;
	if (from == 1 && load->whole && !load->found) {
		state->waiting_next = 1;
		state->waiting_at = NOTHING_WAITS;
		state->waiting_rounds = 0;
	} else if (load->count == 0) {
		end_slice(load->turn, state, !load->whole);
	}
}

static void send_load(struct load *load, const struct peer *peer, const struct deliver_call *plan)
{
	struct turn *turn = load->turn;
	struct core_outbound *outbound = tb_alloc(sizeof(*outbound));
	struct deliver_call *call = tb_alloc(sizeof(*call) + load->count * sizeof(call->seqs[0]));
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__MESSAGES,
	                              .sender = turn->core->setup.region,
	                              .receiver = peer->region,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2};
	outbound->batch = pki_batch_build(&head, load->messages, load->count, turn->core->random);
	outbound->call = CORE_DELIVER;
	outbound->timeout_ms = CALL_TIMEOUT_MS;
	outbound->core = call;
	core_outbound_to(outbound, peer);
	*call = *plan;
	call->count = load->count;
	memcpy(call->seqs, load->seqs, load->count * sizeof(load->seqs[0]));
	load->state->deliver_busy = true;
	audit_add(turn, PB_LEAF_KIND__LEAF_MESSAGE_OUT, "deliver", peer->region,
	          pki_batch_root(outbound->batch), (uint32_t)load->count);
	turn_effect(turn, CORE_SEND)->outbound = outbound;
}

tb_time delivery_finish(struct turn *turn, struct peer_state *state, const struct peer *peer)
{
	if (state->outgoing == 0 || state->deliver_busy || !peer->endpoint[0])
		return INT64_MAX;
	/* A clock that was set back may let nobody wait longer than the longest retry. */
	if (state->retry_at > turn->now + 2 * RETRY_MOST_MS)
		state->retry_at = turn->now + RETRY_MOST_MS;
	if (state->waiting_at != NOTHING_WAITS && state->waiting_at > turn->now + 2 * RETRY_MOST_MS)
		state->waiting_at = turn->now + RETRY_MOST_MS;
	if (turn->now < state->retry_at)
		return state->retry_at;
	if (state->waiting_next == 0) { /* the first time with this peer */
		char name[32];
		number_name(name, peer->region);
		state->newest = kv_number(&turn->kv, name);
		state->waiting_next = 1;
	}
	if (state->newest <= state->offered && turn->now < state->waiting_at)
		return state->waiting_at;
	struct load *load = tb_arena_alloc(&turn->arena, sizeof(*load));
	load->turn = turn;
	load->state = state;
	struct deliver_call plan = {.waiting_from = state->waiting_next};
	gather_waiting(load);
	plan.waiting_count = load->count;
	load->looked = 0;
	load->kept = false;
	plan.offered = gather(load, state->offered + 1, UINT64_MAX, DELIVER_ITEMS_MAX, TB_BATCH_BYTES_AIM);
	/* What stays behind is looked at again, be it that it cannot be read. */
	if (load->kept && state->waiting_at == NOTHING_WAITS)
		state->waiting_at = retry_at(turn, ++state->waiting_rounds);
	if (load->count > 0) {
		send_load(load, peer, &plan);
		return INT64_MAX;
	}
	state->offered = plan.offered;
	return load->whole && !load->buried ? state->waiting_at : turn->now;
}

/* One answer of a peer as it is taken. */
struct answers {
	struct turn *turn;
	struct peer_state *state;
	uint64_t batch;  /* where it is kept */
	unsigned looked; /* messages looked at to find those that it wants again */
	bool deferred;   /* some wait that did not before */
};

/* Did |peer| say that it has taken this message? What it refused it will refuse again. */
static bool was_taken(struct turn *turn, const struct kv_key *key)
{
	PbReceiptRecord *kept;
	PbReceipt *receipt;
	return KV_GET(&turn->kv, KV_RECEIPT, key, receipt_record, &turn->arena, &kept, NULL) == TB_OK &&
	       PROTO_DECODE_OWN(&receipt, receipt, proto_bytes(kept->receipt), &turn->arena, NULL) == TB_OK &&
	       receipt->kind == PB_RECEIPT_KIND__DURABLE;
}

/* The peer lacks messages that it had receipted: an older backup, as a rule. What it wants is sent once more,
 * as it was. */
static void send_again(struct answers *answers, uint64_t seq, const char *number, uint64_t want)
{
	struct turn *turn = answers->turn;
	struct peer_state *state = answers->state;
	for (uint64_t after = 0; answers->looked < LOOK_BACK_MAX; answers->looked++) {
		PbOutboxRecord *record;
		seq = after ? after : seq - 1;
		struct kv_key key = out_key(state->region, seq);
		if (seq == 0 ||
		    KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &record, NULL))
			return;
		bool same = strcmp(record->case_number, number) == 0;
		after = same ? record->after : 0;
		if (!same || record->case_seq < want)
			continue;
		if (!kv_has(&turn->kv, KV_OUTGOING, &key) && !record->dead[0] && was_taken(turn, &key)) {
			record->expires_ms = turn->now + DELIVERY_LIFE;
			put_out(turn, state->region, seq, record);
			kv_mark(&turn->kv, KV_OUTGOING, &key);
			state->outgoing++;
			answers->deferred = true;
			turn_log(turn, TB_LOG_WARN, "delivery.sent_again", state->region, number,
			         "message %llu, which it had receipted", (unsigned long long)seq);
		}
		if (record->case_seq == want)
			return;
	}
}

/* |receipt| may be NULL: bytes that are none. */
static bool is_receipt(const PbReceipt *receipt)
{
	return receipt &&
	       (receipt->kind == PB_RECEIPT_KIND__DURABLE || receipt->kind == PB_RECEIPT_KIND__REJECTED ||
	        receipt->kind == PB_RECEIPT_KIND__DEFERRED);
}

/* The receipt of one message. False: send it again later. */
static bool receipted(struct answers *answers, uint64_t seq, const PbReceipt *receipt, uint32_t index)
{
	struct turn *turn = answers->turn;
	const char *peer = answers->state->region;
	struct kv_key key = out_key(peer, seq);
	PbOutboxRecord *record;
	PbCaseMessage *message;
	struct tb_error err;
	char reference[64];
	bool waits = kv_has(&turn->kv, KV_OUTGOING, &key);
	if (KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &record, &err) ||
	    PROTO_DECODE_OWN(&message, case_message, proto_bytes(record->message), &turn->arena, &err))
		return !waits;
	if (!tb_bytes_equal(proto_bytes(receipt->id), proto_bytes(message->id)) ||
	    !tb_bytes_equal(proto_bytes(receipt->digest), proto_bytes(record->digest))) {
		turn_log(turn, TB_LOG_ERROR, "delivery.wrong_receipt", peer, record->case_number,
		         "receipt is not of message %llu", (unsigned long long)seq);
		refusal_note(turn, peer, "receipt", TB_EUNTRUSTED, proto_bytes(receipt->digest));
		return !waits;
	}
	if (!waits)
		return true;
	if (receipt->kind == PB_RECEIPT_KIND__DEFERRED && receipt->want > 0 &&
	    receipt->want < message->case_seq)
		send_again(answers, seq, record->case_number, receipt->want);
	if (receipt->kind == PB_RECEIPT_KIND__DEFERRED)
		return false;
	PbReceiptRecord kept = PB_RECEIPT_RECORD__INIT;
	kept.receipt = proto_data(proto_encode_arena(&turn->arena, &receipt->base));
	kept.batch = answers->batch;
	kept.index = index;
	kv_put_message(&turn->kv, KV_RECEIPT, &key, &kept.base);
	kv_delete(&turn->kv, KV_OUTGOING, &key);
	core_peer_state(turn->core, peer)->outgoing--;
	snprintf(reference, sizeof(reference), "receipt:%.6s:%llu", peer, (unsigned long long)seq);
	case_proof_add(turn, record->case_number, reference);
	if (receipt->kind == PB_RECEIPT_KIND__REJECTED)
		turn_log(turn, TB_LOG_WARN, "delivery.rejected", peer, record->case_number, "%s: %s",
		         receipt->code, receipt->reason);
	case_receipted(turn, peer, message, receipt);
	return true;
}

/* The peer has answered |call|: what it deferred waits, behind what was offered. */
static void answered(struct turn *turn, struct peer_state *state, const struct deliver_call *call,
                     const struct core_outbound *outbound)
{
	struct answers answers = {
		.turn = turn, .state = state, .batch = batch_keep(turn, outbound->answer, state->region, 0)};
	size_t settled = 0; /* of those that waited */
	audit_add(turn, PB_LEAF_KIND__LEAF_RECEIPT, "deliver", state->region,
	          pki_batch_root(outbound->answer), (uint32_t)call->count);
	for (size_t i = 0; i < call->count; i++) {
		const PbReceipt *receipt = (const PbReceipt *)(const void *)outbound->messages[i];
		bool done = is_receipt(receipt) && receipted(&answers, call->seqs[i], receipt, (uint32_t)i);
		if (!is_receipt(receipt))
			refusal_note(turn, state->region, "receipt", TB_EMALFORMED,
			             pki_batch_root(outbound->answer));
		if (i < call->waiting_count)
			settled += done;
		else
			answers.deferred = answers.deferred || !done;
	}
	if (call->waiting_count > 0) {
		state->waiting_flows = settled > 0;
		state->waiting_settled = state->waiting_settled || settled > 0;
		end_slice(turn, state, settled == call->waiting_count);
	}
	if (state->offered < call->offered)
		state->offered = call->offered;
	if (answers.deferred)
		begin_to_wait(turn, state);
	state->failures = 0;
	state->retry_at = 0;
	state->contact_at = turn->now;
	state->last_error[0] = 0;
}

void delivery_answered(struct turn *turn, struct core_outbound *outbound)
{
	struct deliver_call *call = outbound->core;
	struct peer_state *state = core_peer_state(turn->core, outbound->peer);
	if (state)
		state->deliver_busy = false;
	if (state && outbound->answer) {
		answered(turn, state, call, outbound);
	} else if (state) {
		if (state->waiting_next > 0) /* else the peer was here anew meanwhile */
			state->waiting_next = call->waiting_from;
		state->failures++;
		state->retry_at = retry_at(turn, state->failures);
		snprintf(state->last_error, sizeof(state->last_error), "%.159s", outbound->error.text);
		turn_log(turn, TB_LOG_WARN, "delivery.failed", outbound->peer, "", "attempt %u: %s",
		         state->failures, outbound->error.text);
	}
	free(call);
}

tb_time delivery_retry_at(const struct peer_state *state)
{
	if (state->failures > 0)
		return state->retry_at;
	return state->waiting_at == NOTHING_WAITS ? 0 : state->waiting_at;
}
