/* 告知承诺: what applicants committed to in writing instead of showing a paper is published, and checked when
 * the case is closed: KEPT, or REOPEN. */
#include <stdio.h>
#include <string.h>

#include "node/core/turn.h"

enum { LOOKED_AT_MAX = 20000 };

/* A person's name is published by its first character; an organisation's as it is. */
static char *published_name(const PbCaseRecord *record, const char *code_type, struct tb_arena *arena)
{
	const char *name = record->applicant_name;
	size_t first = name[0] != 0;
	if (strcmp(code_type, "001") == 0 || strcmp(code_type, "099") == 0)
		return tb_arena_str(arena, name);
	while (((unsigned char)name[first] & 0xc0) == 0x80)
		first++;
	return tb_arena_printf(arena, "%.*s**", (int)first, name);
}

static const char *code_type_of(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena)
{
	struct kv_key key = kv_key_of(tb_bytes_of(record->number, strnlen(record->number, TB_ID_BYTES_MAX)));
	PbCaseEntry *entry;
	kv_key_add_u32(&key, 1);
	if (KV_GET(kv, KV_ENTRY, &key, case_entry, arena, &entry, NULL) || !entry->detail ||
	    !entry->detail->application || !entry->detail->application->applicant)
		return "";
	return entry->detail->application->applicant->code_type;
}

static void add(struct query *query, PbCommitmentListResponse *reply, const PbCaseRecord *record)
{
	struct tb_arena *arena = &query->request->arena;
	const PbCaseFacts *facts = record->facts;
	const char *code_type = code_type_of(&query->kv, record, arena);
	for (size_t i = 0; i < facts->n_promises; i++) {
		PbCommitmentView *view = PROTO_NEW(PbCommitmentView, commitment_view, arena);
		char day[11];
		tb_day_format(day, tb_day_at(record->created_ms));
		view->case_number = tb_arena_str(arena, record->number);
		view->item = tb_arena_str(arena, record->item);
		view->item_name = tb_arena_str(arena, record->item_name);
		view->home = tb_arena_str(arena, record->home);
		view->applicant = published_name(record, code_type, arena);
		view->need = tb_arena_str(arena, facts->promises[i]->need);
		view->text = tb_arena_str(arena, facts->promises[i]->commitment);
		view->since = tb_arena_str(arena, day);
		view->decided = facts->decided_ms != 0;
		view->kept = facts->promises_kept;
		view->broken = facts->promises_broken;
		reply->commitments[reply->n_commitments++] = view;
	}
}

static bool published(const struct query *query, const PbCommitmentListRequest *ask,
                      const PbCaseRecord *record)
{
	const PbCaseFacts *facts = record->facts;
	return facts->n_promises > 0 && token_sees_case(query->request->as, record) &&
	       (!ask->unchecked || (!facts->promises_kept && !facts->promises_broken));
}

enum tb_code commitment_read_list(struct query *query, struct tb_error *err)
{
	const PbCommitmentListRequest *ask =
		(const PbCommitmentListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena, scratch = {0};
	PbCommitmentListResponse *reply =
		PROTO_NEW(PbCommitmentListResponse, commitment_list_response, arena);
	struct kv_key from = kv_key_of(tb_bytes_of(ask->after, strnlen(ask->after, TB_ID_BYTES_MAX)));
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->commitments =
		tb_arena_alloc(arena, (TB_PAGE_ROWS_MAX + TB_NEEDS_MAX) * sizeof(*reply->commitments));
	store_cursor(&cursor, query->kv.txn, KV_CASE, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	for (unsigned looked = 0; code == TB_OK && store_next(&cursor, &key, &sealed); looked++) {
		PbCaseRecord *record;
		if (looked == LOOKED_AT_MAX || reply->n_commitments >= TB_PAGE_ROWS_MAX) {
			reply->next = tb_arena_printf(arena, "%.*s", (int)key.size, (const char *)key.data);
			break;
		}
		tb_arena_clear(&scratch);
		code = kv_open(&query->kv, KV_CASE, key, sealed, &scratch, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&record, case_record, plain, &scratch, err);
		if (code == TB_OK && published(query, ask, record))
			add(query, reply, record);
	}
	store_cursor_end(&cursor);
	tb_arena_clear(&scratch);
	query->request->reply = &reply->base;
	return code;
}
