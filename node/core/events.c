/* What happened, for departments' systems: the audit log's leaves that a department cares about, with what
 * may be said of them without naming a person. The log's index is the cursor, so nothing is kept for a
 * reader. */
#include <stdio.h>
#include <string.h>

#include "node/core/turn.h"

enum { LEAVES_LOOKED_AT_MAX = 4096 }; /* by one call, whether or not they are shown */

#define STAFF (0xfeu & ~(1u << PB_TOKEN_ROLE__TOKEN_KIOSK))
/* Those that look after the exchange itself. */
#define EXCHANGE                                                                \
	(1u << PB_TOKEN_ROLE__TOKEN_HEAD | 1u << PB_TOKEN_ROLE__TOKEN_LIAISON | \
	 1u << PB_TOKEN_ROLE__TOKEN_SUPERVISOR | 1u << PB_TOKEN_ROLE__TOKEN_READ_ONLY)

/* What a leaf's subject is. */
enum subject { SUBJECT_NONE, SUBJECT_CASE, SUBJECT_TEXT };

/* A leaf of another kind is no event. */
static const struct shown {
	PbLeafKind leaf;
	PbEventKind kind;
	uint32_t tokens; /* roles that see it */
	enum subject subject;
	bool any_item; /* tokens that are for some items see it, too */
} all_shown[] = {
	{PB_LEAF_KIND__LEAF_CASE, PB_EVENT_KIND__EVENT_CASE, STAFF, SUBJECT_CASE, true},
	{PB_LEAF_KIND__LEAF_DUE_SOON, PB_EVENT_KIND__EVENT_DUE_SOON, STAFF, SUBJECT_CASE, true},
	{PB_LEAF_KIND__LEAF_DEAD_LETTER, PB_EVENT_KIND__EVENT_DEAD_LETTER, STAFF, SUBJECT_CASE, true},
	{PB_LEAF_KIND__LEAF_MATTER, PB_EVENT_KIND__EVENT_MATTER, STAFF, SUBJECT_TEXT, false},
	{PB_LEAF_KIND__LEAF_OVERDUE, PB_EVENT_KIND__EVENT_OVERDUE, STAFF, SUBJECT_TEXT, false},
	{PB_LEAF_KIND__LEAF_MATTER_DUE_SOON, PB_EVENT_KIND__EVENT_DUE_SOON, STAFF, SUBJECT_TEXT, false},
	{PB_LEAF_KIND__LEAF_CREDENTIAL_STATE, PB_EVENT_KIND__EVENT_CREDENTIAL, STAFF, SUBJECT_TEXT, false},
	{PB_LEAF_KIND__LEAF_CATALOGUE, PB_EVENT_KIND__EVENT_CATALOGUE, STAFF, SUBJECT_NONE, true},
	{PB_LEAF_KIND__LEAF_AGREEMENT, PB_EVENT_KIND__EVENT_AGREEMENT, STAFF, SUBJECT_TEXT, true},
	{PB_LEAF_KIND__LEAF_AGREEMENT_OVERTAKEN, PB_EVENT_KIND__EVENT_AGREEMENT, STAFF, SUBJECT_TEXT, true},
	{PB_LEAF_KIND__LEAF_MESSAGE_IN, PB_EVENT_KIND__EVENT_MESSAGE_IN, EXCHANGE, SUBJECT_NONE, false},
	{PB_LEAF_KIND__LEAF_MESSAGE_OUT, PB_EVENT_KIND__EVENT_MESSAGE_OUT, EXCHANGE, SUBJECT_NONE, false},
};

static const struct shown *shown_find(PbLeafKind leaf)
{
	for (size_t i = 0; i < sizeof(all_shown) / sizeof(all_shown[0]); i++) {
		if (all_shown[i].leaf == leaf)
			return &all_shown[i];
	}
	return NULL;
}

struct listing {
	struct query *query;
	PbEventListResponse *reply;
	uint32_t limit;
	enum tb_code code; /* TB_ECORRUPT: what a leaf speaks of cannot be read */
	struct tb_error *err;
};

/* What the entry |seq| of a case says. */
static enum tb_code add_entry(struct listing *listing, PbEvent *event, const char *number, uint32_t seq)
{
	struct tb_arena *arena = &listing->query->request->arena;
	struct kv_key key = kv_key_of(tb_bytes_of(number, strnlen(number, TB_ID_BYTES_MAX)));
	PbCaseEntry *entry;
	kv_key_add_u32(&key, seq);
	enum tb_code code =
		KV_GET(&listing->query->kv, KV_ENTRY, &key, case_entry, arena, &entry, listing->err);
	if (code)
		return tb_fail(listing->err, TB_ECORRUPT, "case %.40s: entry %u cannot be read", number, seq);
	event->seq = entry->seq;
	event->event = entry->event;
	event->state = entry->to;
	event->clocks = entry->clocks;
	event->n_clocks = entry->n_clocks;
	if (entry->detail)
		event->clock = entry->detail->clock;
	return TB_OK;
}

/* False: it is not for this reader. */
static bool add_case(struct listing *listing, PbEvent *event, const PbAuditLeaf *leaf)
{
	struct query *query = listing->query;
	struct tb_arena *arena = &query->request->arena;
	PbCaseRecord *record;
	event->case_number = tb_arena_str(arena, leaf->subject);
	enum tb_code code = case_load(&query->kv, leaf->subject, arena, &record, listing->err);
	if (code == TB_ENOTFOUND ||
	    code == TB_EINVALID) /* a matter's letter, or a case that never came to be */
		return query->request->as == NULL || query->request->as->items_count == 0;
	if (code == TB_OK && !token_sees_case(query->request->as, record))
		return false;
	if (code == TB_OK)
		event->item = record->item;
	if (code == TB_OK && leaf->kind == PB_LEAF_KIND__LEAF_CASE)
		code = add_entry(listing, event, record->number, leaf->count);
	if (code == TB_OK && leaf->kind == PB_LEAF_KIND__LEAF_DUE_SOON) {
		event->state = record->state;
		event->clock = (PbClock)leaf->count;
		event->clocks = record->clocks;
		event->n_clocks = record->n_clocks;
	}
	listing->code = code;
	return code == TB_OK;
}

static bool take(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	struct listing *listing = ctx;
	struct tb_arena *arena = &listing->query->request->arena;
	const struct core_principal *as = listing->query->request->as;
	const struct shown *shown = shown_find(leaf->kind);
	if (!shown || (as && (!(as->roles & shown->tokens) || (as->items_count > 0 && !shown->any_item))))
		return true;
	PbEvent *event = PROTO_NEW(PbEvent, event, arena);
	event->cursor = index + 1;
	event->at_ms = leaf->at_ms;
	event->kind = shown->kind;
	event->peer = tb_arena_str(arena, leaf->peer);
	if (shown->subject == SUBJECT_CASE) {
		if (!add_case(listing, event, leaf))
			return listing->code == TB_OK;
	} else {
		event->count = leaf->count;
		if (shown->subject == SUBJECT_TEXT)
			event->subject = tb_arena_str(arena, leaf->subject);
	}
	listing->reply->events[listing->reply->n_events++] = event;
	return listing->reply->n_events < listing->limit;
}

enum tb_code event_read_list(struct query *query, struct tb_error *err)
{
	const PbEventListRequest *request = (const PbEventListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	struct listing listing = {.query = query, .err = err};
	uint64_t size;
	listing.reply = PROTO_NEW(PbEventListResponse, event_list_response, arena);
	listing.limit =
		request->limit && request->limit < TB_PAGE_ROWS_MAX ? request->limit : TB_PAGE_ROWS_MAX;
	listing.reply->events = tb_arena_alloc(arena, listing.limit * sizeof(*listing.reply->events));
	enum tb_code code =
		audit_walk(&query->kv, request->after, request->from_now ? 0 : LEAVES_LOOKED_AT_MAX, take,
	                   &listing, &listing.reply->next, &size, err);
	if (code == TB_OK)
		code = listing.code;
	/* Another log, or one that was put back from a copy: whoever went on would miss what happens. */
	if (code == TB_OK && request->after > size)
		code = tb_fail(err, TB_ENOTFOUND, "after: the log has %llu leaves", (unsigned long long)size);
	if (request->from_now)
		listing.reply->next = size;
	listing.reply->more = listing.reply->next < size;
	query->request->reply = &listing.reply->base;
	return code;
}
