/* Dead letters: messages that nobody receipted in their life. */
#include "node/core/turn.h"

enum tb_code delivery_read_dead(struct query *query, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	PbDeadLettersResponse *reply = PROTO_NEW(PbDeadLettersResponse, dead_letters_response, arena);
	struct store_cursor cursor;
	struct tb_bytes key, value;
	enum tb_code code = TB_OK;
	reply->letters = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*reply->letters));
	store_cursor(&cursor, query->kv.txn, KV_DEAD, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && reply->n_letters < TB_PAGE_ROWS_MAX && store_next(&cursor, &key, &value)) {
		PbOutboxRecord *record;
		struct kv_key out = kv_key_of(key);
		code = KV_GET(&query->kv, KV_OUTBOX, &out, outbox_record, arena, &record, err);
		if (code)
			break;
		PbDeadLetter *letter = PROTO_NEW(PbDeadLetter, dead_letter, arena);
		letter->peer = tb_arena_copy(arena, key.data, key.size - 8);
		letter->seq = tb_get_u64(key.data + key.size - 8);
		letter->case_number = record->case_number;
		letter->reason = record->dead;
		letter->queued_ms = record->queued_ms;
		reply->letters[reply->n_letters++] = letter;
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}

void delivery_apply_requeue(struct turn *turn, struct core_request *request)
{
	const PbRequeueRequest *requeue = (const PbRequeueRequest *)(const void *)request->message;
	struct peer_state *state = core_peer_state(turn->core, requeue->peer);
	struct tb_error err = {0};
	PbOutboxRecord *record;
	if (!state) {
		tb_refuse(&err, TB_REASON_NOT_A_PEER, requeue->peer, NULL);
		turn_refuse(turn, request, &err);
		return;
	}
	struct kv_key key = kv_key_str(requeue->peer);
	kv_key_add_u64(&key, requeue->seq);
	if (!kv_has(&turn->kv, KV_DEAD, &key) ||
	    KV_GET(&turn->kv, KV_OUTBOX, &key, outbox_record, &turn->arena, &record, &err)) {
		tb_fail(&err, TB_ENOTFOUND, "no dead letter %llu to %s", (unsigned long long)requeue->seq,
		        requeue->peer);
		turn_refuse(turn, request, &err);
		return;
	}
	record->dead = tb_arena_str(&turn->arena, "");
	record->expires_ms = turn->now + DELIVERY_LIFE;
	kv_put_message(&turn->kv, KV_OUTBOX, &key, &record->base);
	kv_delete(&turn->kv, KV_DEAD, &key);
	kv_mark(&turn->kv, KV_OUTGOING, &key);
	state->outgoing++;
	state->waiting_at = turn->now;
	turn_reply(turn, request, &PROTO_NEW(PbRequeueResponse, requeue_response, &request->arena)->base);
}
