/* Codes of the peers' systems: certificate types, holder types, materials, states.
 *
 * Each region reads the other's codes by the map in its own peer file. What is signed keeps the codes of who
 * signed it; what is asked of a peer is asked in the peer's codes. A code that no map names counts as it is,
 * and is listed for the operator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/ident.h"
#include "node/core/turn.h"

enum {
	SEEN_MAX = 256, /* strange codes that are kept of a peer's queries */
	SEEN_DAYS = 28, /* and those that came last before that make room, when there is none */
	DAY_DIGITS = 6,
	TYPES_MAX = 4096 /* types of certificates that a list names, as far as they are looked at */
};

/* ---- codes in queries */

/* Strange codes are few: they are kept one after the other, "0207791JHZ-01" with the day on which it was last
 * seen and the number of the kind in front. */
static void seen_add(struct tb_buf *codes, tb_day day, const char *named)
{
	tb_buf_printf(codes, "%0*d%s", DAY_DIGITS, (int)day, named);
	tb_buf_add(codes, "", 1);
}

static tb_day seen_day(const char *entry)
{
	int day = 0;
	for (int i = 0; i < DAY_DIGITS; i++)
		day = 10 * day + entry[i] - '0';
	return day;
}

static const char *seen_next(const struct tb_buf *codes, const char *entry)
{
	const char *next = entry ? entry + strlen(entry) + 1 : (const char *)codes->data;
	return codes->size > 0 && next < (const char *)codes->data + codes->size ? next : NULL;
}

static const char *seen_find(const struct tb_buf *codes, const char *named, size_t *count)
{
	*count = 0;
	for (const char *entry = seen_next(codes, NULL); entry; entry = seen_next(codes, entry)) {
		if (strcmp(entry + DAY_DIGITS, named) == 0)
			return entry;
		(*count)++;
	}
	return NULL;
}

static void load_seen(struct turn *turn, struct peer_state *state, tb_day today)
{
	struct kv_key key = kv_key_str(state->region);
	PbStoredCodes *stored;
	state->codes_loaded = true;
	if (KV_GET(&turn->kv, KV_CODES, &key, stored_codes, &turn->arena, &stored, NULL))
		return;
	for (size_t i = 0; i < stored->n_codes && i < SEEN_MAX; i++) {
		tb_day day = i < stored->n_days ? (tb_day)stored->days[i] : today;
		seen_add(&state->codes, day >= 0 && day < today ? day : today, stored->codes[i]);
	}
}

static void store_seen(struct turn *turn, const struct peer_state *state)
{
	struct kv_key key = kv_key_str(state->region);
	PbStoredCodes stored = PB_STORED_CODES__INIT;
	stored.codes = tb_arena_alloc(&turn->arena, SEEN_MAX * sizeof(*stored.codes));
	stored.days = tb_arena_alloc(&turn->arena, SEEN_MAX * sizeof(*stored.days));
	for (const char *entry = seen_next(&state->codes, NULL); entry;
	     entry = seen_next(&state->codes, entry)) {
		stored.days[stored.n_days++] = seen_day(entry);
		stored.codes[stored.n_codes++] = (char *)(uintptr_t)(entry + DAY_DIGITS);
	}
	kv_put_message(&turn->kv, KV_CODES, &key, &stored.base);
}

static bool explained(const struct peer *peer, PbCodeKind kind, const char *code)
{
	return peer_code_here(peer, kind, NULL, code) ||
	       (kind == PB_CODE_KIND__CODE_HOLDER_TYPE && ident_holder_type_name(code));
}

/* What the map explains by now, and what has not come for long, makes room. */
static void sweep(struct peer_state *state, const struct peer *peer, tb_day today)
{
	struct tb_buf kept = {0};
	for (const char *entry = seen_next(&state->codes, NULL); entry;
	     entry = seen_next(&state->codes, entry)) {
		const char *named = entry + DAY_DIGITS;
		if (named[0] && seen_day(entry) >= today - SEEN_DAYS &&
		    !explained(peer, (PbCodeKind)(named[0] - '0'), named + 1))
			seen_add(&kept, seen_day(entry), named);
	}
	tb_buf_clear(&state->codes);
	state->codes = kept;
	state->codes_swept = today;
}

static void note(struct turn *turn, struct peer_state *state, const struct peer *peer, PbCodeKind kind,
                 const char *code)
{
	char named[TB_ID_BYTES_MAX + 2];
	tb_day today = tb_day_at(turn->now);
	size_t count;
	if (!code[0] || strlen(code) > TB_ID_BYTES_MAX || explained(peer, kind, code))
		return;
	if (!state->codes_loaded)
		load_seen(turn, state, today);
	named[0] = (char)('0' + kind);
	memcpy(named + 1, code, strlen(code) + 1);
	const char *entry = seen_find(&state->codes, named, &count);
	if (entry && seen_day(entry) >= today)
		return;
	if (!entry && count == SEEN_MAX) {
		if (state->codes_swept == today)
			return;
		sweep(state, peer, today);
		(void)seen_find(&state->codes, named, &count);
		if (count == SEEN_MAX)
			return;
	}
	if (entry) {
		char day[16]; /* for any int, of which a day takes DAY_DIGITS */
		snprintf(day, sizeof(day), "%0*d", DAY_DIGITS, (int)today);
		memcpy(state->codes.data + ((const uint8_t *)entry - state->codes.data), day, DAY_DIGITS);
	} else {
		seen_add(&state->codes, today, named);
	}
	store_seen(turn, state);
}

/* |query| with its codes as |of| says them. Texts are borrowed from the peer's file. */
typedef const char *code_of(const struct peer *peer, PbCodeKind kind, const PbItem *item, const char *code);

static char *translated(code_of *of, const struct peer *peer, PbCodeKind kind, char *code)
{
	const char *other = of(peer, kind, NULL, code);
	return other ? (char *)(uintptr_t)other : code;
}

static void translate(code_of *of, const struct peer *peer, PbQuery *query)
{
	query->type = translated(of, peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, query->type);
	if (query->holder)
		query->holder->code_type =
			translated(of, peer, PB_CODE_KIND__CODE_HOLDER_TYPE, query->holder->code_type);
	for (size_t i = 0; i < query->n_match; i++) {
		if (strcmp(query->match[i]->name, "type") == 0)
			query->match[i]->value = translated(of, peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE,
			                                    query->match[i]->value);
	}
}

void codes_read_query(struct turn *turn, struct peer_state *state, const struct peer *peer, PbQuery *query)
{
	note(turn, state, peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, query->type);
	if (query->holder)
		note(turn, state, peer, PB_CODE_KIND__CODE_HOLDER_TYPE, query->holder->code_type);
	translate(peer_code_here, peer, query);
}

void codes_write_query(const struct peer *peer, PbQuery *query)
{
	translate(peer_code_there, peer, query);
}

void codes_show_outcome(const struct peer *peer, PbVerifyOutcome *outcome, struct tb_arena *arena)
{
	const char *state = proto_enum_name(&pb_credential_state__descriptor, (int)outcome->answer->state);
	const char *there =
		state ? peer_code_there(peer, PB_CODE_KIND__CODE_CREDENTIAL_STATE, NULL, state) : NULL;
	const char *type = outcome->document ? peer_code_here(peer, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL,
	                                                      outcome->document->type)
	                                     : NULL;
	if (there)
		outcome->state_there = tb_arena_str(arena, there);
	if (type)
		outcome->type_here = tb_arena_str(arena, type);
}

/* ---- codes of materials */

static bool has_need(const PbItem *item, const char *code)
{
	for (size_t i = 0; i < item->n_materials; i++) {
		if (strcmp(item->materials[i]->code, code) == 0)
			return true;
	}
	return false;
}

void codes_of_home(const struct peer *home, const PbItem *item, PbMaterial *const *materials, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *there =
			peer_code_there(home, PB_CODE_KIND__CODE_MATERIAL, item, materials[i]->need);
		if (there && !has_need(item, materials[i]->need))
			materials[i]->need = (char *)(uintptr_t)there;
	}
}

/* ---- what is known of a peer's codes */

/* Texts in order, each once; borrowed. */
struct names {
	const char **list;
	size_t count;
	size_t room;
};

/* False: it was there, or there is no room. */
static bool names_add(struct names *names, const char *name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(names->list[middle], name);
		if (order == 0)
			return false;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (names->count == names->room)
		return false;
	memmove(names->list + low + 1, names->list + low, (names->count - low) * sizeof(*names->list));
	names->list[low] = name;
	names->count++;
	return true;
}

static bool names_have(const struct names *names, const char *name)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(names->list[middle], name);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

struct report {
	struct query *query;
	const struct peer *peer;
	bool all;
	PbPeerCodesResponse *reply;
	struct names own;  /* types of the own list */
	struct names rows; /* types that have a row, or had none to show */
};

static void names_begin(struct names *names, struct tb_arena *arena)
{
	*names = (struct names){.list = tb_arena_alloc(arena, TYPES_MAX * sizeof(*names->list)),
	                        .room = TYPES_MAX};
}

static bool add_row(struct report *report, PbCodeKind kind, const PbItem *item, const char *code, bool known,
                    bool listed)
{
	struct tb_arena *arena = &report->query->request->arena;
	PbPeerCodesResponse *reply = report->reply;
	const char *here = peer_code_here(report->peer, kind, item, code);
	if ((here || known) && !report->all)
		return true;
	if (reply->n_codes == TB_PAGE_ROWS_MAX) {
		reply->more = true;
		return false;
	}
	PbPeerCode *row = PROTO_NEW(PbPeerCode, peer_code, arena);
	row->kind = kind;
	row->code = (char *)(uintptr_t)code;
	if (here)
		row->here = tb_arena_str(arena, here);
	row->known = here || known;
	row->listed = listed;
	row->asked = !listed;
	if (item)
		row->item = item->code;
	reply->codes[reply->n_codes++] = row;
	return true;
}

static bool type_row(struct report *report, const char *type)
{
	return !type[0] || !names_add(&report->rows, type) ||
	       add_row(report, PB_CODE_KIND__CODE_CREDENTIAL_TYPE, NULL, type, names_have(&report->own, type),
	               true);
}

static bool note_own(void *ctx, PbItem *item)
{
	struct report *report = ctx;
	if (item->result_type[0])
		names_add(&report->own, item->result_type);
	for (size_t i = 0; i < item->n_materials; i++) {
		for (size_t t = 0; t < item->materials[i]->n_credential_types; t++)
			names_add(&report->own, item->materials[i]->credential_types[t]);
	}
	return true;
}

/* Material codes mean something within an item only: those of items that both lists have are held against
 * each other, by the materials' names. */
static bool material_rows(struct report *report, const PbItem *item)
{
	struct query *query = report->query;
	struct tb_arena *arena = &query->request->arena;
	PbItem *own = NULL;
	bool go_on = true;
	if (!item->base_code[0] || catalogue_base_item(&query->kv, query->setup->region, item->base_code,
	                                               tb_day_at(query->now), arena, &own, NULL))
		return true;
	for (size_t i = 0; i < item->n_materials && go_on; i++) {
		bool known = false;
		for (size_t j = 0; j < own->n_materials && !known; j++)
			known = strcmp(own->materials[j]->name, item->materials[i]->name) == 0;
		go_on = add_row(report, PB_CODE_KIND__CODE_MATERIAL, item, item->materials[i]->code, known,
		                true);
	}
	return go_on;
}

static bool note_theirs(void *ctx, PbItem *item)
{
	struct report *report = ctx;
	bool go_on = type_row(report, item->result_type);
	for (size_t i = 0; i < item->n_materials && go_on; i++) {
		for (size_t t = 0; t < item->materials[i]->n_credential_types && go_on; t++)
			go_on = type_row(report, item->materials[i]->credential_types[t]);
	}
	return go_on && material_rows(report, item);
}

/* Of queries, what the map does not say yet. */
static enum tb_code asked_rows(struct report *report, struct tb_error *err)
{
	struct query *query = report->query;
	struct kv_key key = kv_key_str(report->peer->region);
	PbStoredCodes *stored;
	enum tb_code code =
		KV_GET(&query->kv, KV_CODES, &key, stored_codes, &query->request->arena, &stored, err);
	if (code)
		return code == TB_ENOTFOUND ? TB_OK : code;
	for (size_t i = 0; i < stored->n_codes; i++) {
		const char *text = stored->codes[i];
		bool type = text[0] == '0' + PB_CODE_KIND__CODE_CREDENTIAL_TYPE;
		if (text[0] && (!type || names_add(&report->rows, text + 1)))
			add_row(report, (PbCodeKind)(text[0] - '0'), NULL, text + 1,
			        type && names_have(&report->own, text + 1), false);
	}
	return TB_OK;
}

enum tb_code codes_read_list(struct query *query, struct tb_error *err)
{
	const PbPeerCodesRequest *request = (const PbPeerCodesRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	struct report report = {.query = query,
	                        .peer = peer_find(query->peers, request->peer),
	                        .all = request->all,
	                        .reply = PROTO_NEW(PbPeerCodesResponse, peer_codes_response, arena)};
	if (!report.peer)
		return tb_fail(err, TB_ENOTFOUND, "%.8s is not a peer of this node", request->peer);
	report.reply->codes = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(PbPeerCode *));
	names_begin(&report.own, arena);
	names_begin(&report.rows, arena);
	enum tb_code code = catalogue_walk(&query->kv, query->setup->region, arena, note_own, &report, err);
	if (code == TB_OK)
		code = asked_rows(&report, err);
	if (code == TB_OK)
		code = catalogue_walk(&query->kv, report.peer->region, arena, note_theirs, &report, err);
	query->request->reply = &report.reply->base;
	return code;
}
