/* What cases have come to, counted from their records: by region, item, mode, window or month.
 *
 * A case's number begins with the region and the day of its receipt, so a period is found by seeking. A call
 * looks at a bounded number of cases and says where to go on. How savings are counted: docs/casework.md,
 * section 2. */
#include <stdio.h>
#include <string.h>

#include "node/core/agreement.h"
#include "node/core/calendar.h"
#include "node/core/casetable.h"
#include "node/core/region.h"
#include "node/core/turn.h"

enum { DATE_CHARS = 8, REASON_BYTES = 120, GRADES = 5 };

struct count {
	struct query *query;
	const PbStatsCasesRequest *request;
	PbStatsCasesResponse *reply;
	struct agreements *agreements;
	struct tb_arena scratch; /* of one case */
};

/* ---- working days */

static int32_t between(const struct count *count, tb_time from, tb_time to)
{
	int32_t days;
	if (calendar_between(count->query->setup->calendar, tb_day_at(from), tb_day_at(to), &days, NULL))
		return -1;
	return days;
}

/* From acceptance to decision without special procedures; -1: the calendar cannot say. */
static int32_t elapsed(const struct count *count, const PbCaseFacts *facts)
{
	int32_t days = between(count, facts->accepted_ms, facts->decided_ms);
	for (size_t i = 0; i + 1 < facts->n_suspended_ms && days >= 0; i += 2) {
		int32_t rest = between(count, facts->suspended_ms[i], facts->suspended_ms[i + 1]);
		days = rest < 0 ? -1 : rest < days ? days - rest : 0;
	}
	return days;
}

/* ---- one case into its row */

static void add_count(PbStatsCount ***list, size_t *size, const char *name, struct tb_arena *arena)
{
	char cut[REASON_BYTES + 1];
	size_t keep = strlen(name) < REASON_BYTES ? strlen(name) : REASON_BYTES;
	while (keep > 0 && ((unsigned char)name[keep] & 0xc0) == 0x80) /* not within a character */
		keep--;
	snprintf(cut, sizeof(cut), "%.*s", (int)keep, name);
	for (size_t i = 0; i < *size; i++) {
		if (strcmp((*list)[i]->name, cut) == 0) {
			(*list)[i]->count++;
			return;
		}
	}
	if (*size == 0)
		*list = tb_arena_alloc(arena, TB_STATS_REASONS_MAX * sizeof(**list));
	/* The last one is for all that no line is left for. */
	if (*size == TB_STATS_REASONS_MAX) {
		(*list)[*size - 1]->count++;
		return;
	}
	PbStatsCount *row = PROTO_NEW(PbStatsCount, stats_count, arena);
	row->name = tb_arena_str(arena, *size + 1 == TB_STATS_REASONS_MAX ? "…" : cut);
	row->count = 1;
	(*list)[(*size)++] = row;
}

static void add_decided(const struct count *count, PbStatsRow *row, const PbCaseRecord *record)
{
	const PbCaseFacts *facts = record->facts;
	int32_t days = facts->decided_ms && facts->accepted_ms ? elapsed(count, facts) : -1;
	if (days < 0)
		return;
	uint32_t promised = agreement_days(count->agreements, record->agreement, record->agreement_version,
	                                   PB_CLOCK__T5_DECIDE);
	promised = (promised ? promised : record->promised_days) + facts->extended_days;
	row->decided++;
	row->in_time += (uint32_t)days <= promised;
	row->elapsed_days += (uint32_t)days;
	row->promised_days += promised;
	row->legal_days += facts->legal_days;
	row->days_saved += facts->legal_days > (uint32_t)days ? facts->legal_days - (uint32_t)days : 0;
	row->papers_saved += facts->papers_saved;
	/* Who was at a window elsewhere would have had to travel once at least. */
	if (strcmp(record->window, record->home) != 0) {
		uint32_t runs = facts->onsite_runs ? facts->onsite_runs : 1;
		row->runs_saved += record->way == PB_DELIVERY_WAY__HOME_PICKUP ? runs - 1 : runs;
	}
}

static void add_late(struct count *count, PbStatsRow *row, const PbCaseFacts *facts)
{
	row->late_cases += facts->late != 0;
	for (int i = PB_CLOCK__T1_NOTIFY; i < CASE_CLOCKS; i++) {
		if (facts->late >> i & 1)
			add_count(&row->late, &row->n_late, case_clock_name((PbClock)i),
			          &count->query->request->arena);
	}
}

static void add_state(PbStatsRow *row, const PbCaseRecord *record)
{
	bool decided = record->facts->decided_ms != 0;
	row->granted += decided && record->facts->granted;
	row->denied += decided && !record->facts->granted;
	row->open += !case_state_final(record->state);
	row->closed += record->state == PB_CASE_STATE__CLOSED;
	row->not_accepted += record->state == PB_CASE_STATE__NOT_ACCEPTED;
	row->withdrawn +=
		record->state == PB_CASE_STATE__WITHDRAWN || record->state == PB_CASE_STATE__TERMINATED;
}

static void add_case(struct count *count, PbStatsRow *row, const PbCaseRecord *record)
{
	const PbCaseFacts *facts = record->facts;
	struct tb_arena *arena = &count->query->request->arena;
	row->cases++;
	row->disputes += record->dispute;
	add_state(row, record);
	add_late(count, row, facts);
	add_decided(count, row, record);
	row->returns += facts->returns;
	row->bounces += facts->bounces;
	for (size_t i = 0; i < facts->n_reasons; i++) {
		const char *listed = agreement_reason(count->agreements, record->agreement,
		                                      record->agreement_version, facts->reasons[i]);
		add_count(&row->reasons, &row->n_reasons, listed ? listed : facts->reasons[i], arena);
	}
	if (facts->grade >= 1 && facts->grade <= GRADES)
		row->grades[facts->grade - 1]++;
	row->bad_repaired += facts->repaired;
	row->switched += (facts->channels & (facts->channels - 1)) != 0;
	row->parcels += facts->parcels;
	row->postage_fen += facts->postage_fen;
}

/* ---- rows */

static const char *side_of(const struct count *count, const PbCaseRecord *record)
{
	const char *self = count->query->setup->region;
	if (strcmp(record->window, record->home) == 0)
		return "own";
	return strcmp(record->window, self) == 0 ? "window" : "home";
}

/* "" where it is not known. */
static const char *channel_key(PbChannel channel)
{
	const char *name = channel ? proto_enum_name(&pb_channel__descriptor, (int)channel) : NULL;
	return name ? name : "";
}

static const char *key_of(struct count *count, const PbCaseRecord *record)
{
	switch (count->request->by) {
	case PB_STATS_BY__STATS_BY_ITEM:
		return record->item;
	case PB_STATS_BY__STATS_BY_MODE:
		return record->mode;
	case PB_STATS_BY__STATS_BY_WINDOW:
		return record->facts->window;
	case PB_STATS_BY__STATS_BY_MONTH:
		return tb_arena_printf(&count->scratch, "%.4s-%.2s", record->number + REGION_CHARS,
		                       record->number + REGION_CHARS + 4);
	case PB_STATS_BY__STATS_BY_CHANNEL:
		return record->facts ? channel_key(record->facts->channel) : "";
	case PB_STATS_BY__STATS_BY_EVALUATION:
		return record->facts ? channel_key(record->facts->evaluated_in) : "";
	default:
		return case_other(record, count->query->setup->region);
	}
}

static bool by_peer(const PbStatsCasesRequest *request)
{
	return request->by == PB_STATS_BY__STATS_BY_UNSPECIFIED || request->by == PB_STATS_BY__STATS_BY_PEER;
}

static PbStatsRow *row_for(struct count *count, const PbCaseRecord *record)
{
	PbStatsCasesResponse *reply = count->reply;
	struct tb_arena *arena = &count->query->request->arena;
	const char *key = key_of(count, record);
	const char *side = by_peer(count->request) ? side_of(count, record) : "";
	for (size_t i = 0; i < reply->n_rows; i++) {
		if (strcmp(reply->rows[i]->key, key) == 0 && strcmp(reply->rows[i]->side, side) == 0)
			return reply->rows[i];
	}
	if (reply->n_rows == TB_STATS_ROWS_MAX)
		return NULL;
	PbStatsRow *row = PROTO_NEW(PbStatsRow, stats_row, arena);
	row->key = tb_arena_str(arena, key);
	row->side = tb_arena_str(arena, side);
	if (count->request->by == PB_STATS_BY__STATS_BY_ITEM)
		row->name = tb_arena_str(arena, record->item_name);
	row->grades = tb_arena_alloc(arena, GRADES * sizeof(*row->grades));
	row->n_grades = GRADES;
	reply->rows[reply->n_rows++] = row;
	return row;
}

static void take(struct count *count, struct tb_bytes key, struct tb_bytes sealed)
{
	struct query *query = count->query;
	PbCaseRecord *record;
	struct tb_bytes plain;
	tb_arena_clear(&count->scratch);
	if (kv_open(&query->kv, KV_CASE, key, sealed, &count->scratch, &plain, NULL) ||
	    PROTO_DECODE_OWN(&record, case_record, plain, &count->scratch, NULL)) {
		count->reply->left_out++;
		return;
	}
	if (!token_sees_case(query->request->as, record) ||
	    (count->request->peer[0] &&
	     strcmp(case_other(record, query->setup->region), count->request->peer) != 0))
		return;
	PbStatsRow *row = row_for(count, record);
	if (row)
		add_case(count, row, record);
	else
		count->reply->left_out++;
}

/* ---- the walk */

/* "20261122", or "" without one. TB_EINVALID. */
static enum tb_code day_digits(char out[DATE_CHARS + 1], const char *text, const char *what,
                               struct tb_error *err)
{
	tb_day day;
	int year, month, of_month;
	out[0] = 0;
	if (!text[0])
		return TB_OK;
	if (!tb_day_parse(text, &day))
		return tb_fail(err, TB_EINVALID, "%s: a date like 2026-01-31 is expected", what);
	tb_day_split(day, &year, &month, &of_month);
	snprintf(out, DATE_CHARS + 1, "%04u%02u%02u", (unsigned)year % 10000, (unsigned)month % 100,
	         (unsigned)of_month % 100);
	return TB_OK;
}

/* Where to go on when |key|'s day is not in the period: at the region's first day of it, or behind the
 * region. False: it is in the period. */
static bool skip(struct tb_bytes key, const char *from, const char *to, struct kv_key *next)
{
	const char *number = (const char *)key.data;
	if (key.size < REGION_CHARS + DATE_CHARS)
		return false;
	bool before = from[0] && memcmp(number + REGION_CHARS, from, DATE_CHARS) < 0;
	bool behind = to[0] && memcmp(number + REGION_CHARS, to, DATE_CHARS) > 0;
	*next = kv_key_of(tb_bytes_of(key.data, REGION_CHARS));
	kv_key_add_str(next, before ? from : "~");
	return before || behind;
}

static void walk(struct count *count, const char *from, const char *to)
{
	struct kv_key at = kv_key_of(
		tb_bytes_of(count->request->after, strnlen(count->request->after, TB_ID_BYTES_MAX)));
	bool more = true;
	for (unsigned seeks = 0; more && seeks < TB_STATS_CASES_MAX; seeks++) {
		struct store_cursor cursor;
		struct tb_bytes key, sealed;
		bool again = false;
		store_cursor(&cursor, count->query->kv.txn, KV_CASE, tb_bytes_of(NULL, 0), kv_key_bytes(&at));
		while ((more = store_next(&cursor, &key, &sealed)) &&
		       count->reply->looked_at < TB_STATS_CASES_MAX) {
			struct kv_key next;
			again = skip(key, from, to, &next);
			if (again) {
				at = next;
				break;
			}
			count->reply->looked_at++;
			take(count, key, sealed);
		}
		if (more && !again) /* the next call begins with this case */
			count->reply->next = tb_arena_printf(&count->query->request->arena, "%.*s",
			                                     (int)key.size, (const char *)key.data);
		else if (again)
			count->reply->next = tb_arena_printf(&count->query->request->arena, "%.*s",
			                                     (int)at.size, (const char *)at.bytes);
		store_cursor_end(&cursor);
		if (more && !again)
			return;
	}
	if (!more)
		count->reply->next = tb_arena_str(&count->query->request->arena, "");
}

enum tb_code stats_read_cases(struct query *query, struct tb_error *err)
{
	struct count count = {.query = query,
	                      .request = (const PbStatsCasesRequest *)(const void *)query->request->message};
	struct tb_arena *arena = &query->request->arena;
	char from[DATE_CHARS + 1], to[DATE_CHARS + 1];
	count.reply = PROTO_NEW(PbStatsCasesResponse, stats_cases_response, arena);
	count.reply->rows = tb_arena_alloc(arena, TB_STATS_ROWS_MAX * sizeof(*count.reply->rows));
	enum tb_code code = day_digits(from, count.request->from, "from", err);
	if (code == TB_OK)
		code = day_digits(to, count.request->to, "to", err);
	if (code == TB_OK && count.request->peer[0] &&
	    !regions_name(query->setup->regions, count.request->peer))
		code = tb_fail(err, TB_EINVALID, "peer: %.40s is no region code (GB/T 2260)",
		               count.request->peer);
	if (code == TB_OK)
		code = agreements_open(&count.agreements, &query->kv, err);
	if (code == TB_OK)
		walk(&count, from, to);
	agreements_free(count.agreements);
	tb_arena_clear(&count.scratch);
	query->request->reply = &count.reply->base;
	return code;
}
