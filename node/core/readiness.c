/* 通办准备: what people have done before cases are taken with a partner, noted with its day, since the node
 * cannot know it by itself. */
#include <string.h>

#include "node/core/turn.h"

static struct kv_key note_key(const char *peer, const char *topic)
{
	static const uint8_t nul = 0;
	struct kv_key key = kv_key_str(peer);
	kv_key_add(&key, tb_bytes_of(&nul, 1));
	kv_key_add_str(&key, topic);
	return key;
}

static enum tb_code check(struct turn *turn, const PbReadinessNote *note, struct tb_error *err)
{
	static const char *const topics[] = {"training", "trial", "backup", "publicity", NULL};
	const char *const *topic = topics;
	tb_day day;
	while (*topic && strcmp(*topic, note->topic) != 0)
		topic++;
	if (!*topic)
		return tb_fail(err, TB_EINVALID, "topic: training, trial, backup or publicity");
	if (note->peer[0] && !peer_find(turn->core->peers, note->peer))
		return tb_fail(err, TB_ENOTFOUND, "peer: %.8s is not a peer of this node", note->peer);
	if (!note->actor || !note->actor->id[0])
		return tb_fail(err, TB_EINVALID, "actor.id: missing");
	if (strlen(note->text) > TB_TEXT_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "text: longer than %d bytes", TB_TEXT_BYTES_MAX);
	if (note->done_on[0] && (!tb_day_parse(note->done_on, &day) || day > tb_day_at(turn->now)))
		return tb_fail(err, TB_EINVALID,
		               "done_on: a date like 2026-01-31 is expected, today at the latest");
	return TB_OK;
}

void readiness_apply_note(struct turn *turn, struct core_request *request)
{
	PbReadinessNote *note = (PbReadinessNote *)(void *)request->message;
	struct tb_error err = {0};
	uint8_t digest[PKI_HASH_BYTES];
	char today[11];
	if (check(turn, note, &err)) {
		turn_refuse(turn, request, &err);
		return;
	}
	struct kv_key key = note_key(note->peer, note->topic);
	tb_day_format(today, tb_day_at(turn->now));
	if (!note->done_on[0])
		note->done_on = tb_arena_str(&request->arena, today);
	note->at_ms = turn->now;
	if (note->text[0])
		kv_put_message(&turn->kv, KV_READINESS, &key, &note->base);
	else
		kv_delete(&turn->kv, KV_READINESS, &key);
	pki_sha256(digest, proto_encode_arena(&turn->arena, &note->base));
	audit_add(turn, PB_LEAF_KIND__LEAF_READINESS, note->topic, note->peer,
	          tb_bytes_of(digest, sizeof(digest)), note->text[0] != 0);
	turn_reply(turn, request, &note->base);
}

enum tb_code readiness_read_notes(struct query *query, struct tb_error *err)
{
	const PbReadinessNotesRequest *ask =
		(const PbReadinessNotesRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbReadinessNotesResponse *reply =
		PROTO_NEW(PbReadinessNotesResponse, readiness_notes_response, arena);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->notes = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*reply->notes));
	store_cursor(&cursor, query->kv.txn, KV_READINESS, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && reply->n_notes < TB_PAGE_ROWS_MAX && store_next(&cursor, &key, &sealed)) {
		PbReadinessNote *note;
		code = kv_open(&query->kv, KV_READINESS, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&note, readiness_note, plain, arena, err);
		if (code == TB_OK && (!ask->peer[0] || !note->peer[0] || strcmp(note->peer, ask->peer) == 0))
			reply->notes[reply->n_notes++] = note;
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}
