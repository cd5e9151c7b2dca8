/* 库表对接: cases and certificates as lines, so that a nightly job can feed any database.
 *
 * The cursor of cases is the audit log's index. A row stands where the case's newest entry is: in one walk a
 * case comes once, as it is now, and again when something has happened to it. That of certificates is two
 * numbers, "serial-change": first what is new, then what has changed since. Columns are named in Chinese;
 * which of the names are those of GB/T 39046 and GB/T 36902 is said in docs/departments.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "node/core/casetable.h"
#include "node/core/turn.h"

enum { LEAVES_LOOKED_AT_MAX = 4096 };

struct lines {
	struct query *query;
	PbExportResponse *reply;
	uint32_t limit;
	bool csv;
	const char *const *columns;
	size_t columns_count;
	size_t column; /* of the row that is being written */
	struct tb_buf row;
	enum tb_code code; /* TB_ECORRUPT */
	struct tb_error *err;
};

/* ---- rows */

static void json_text(struct tb_buf *out, const char *text)
{
	tb_buf_str(out, "\"");
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			tb_buf_printf(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20)
			tb_buf_printf(out, "\\u%04x", (unsigned)*c);
		else
			tb_buf_add(out, c, 1);
	}
	tb_buf_str(out, "\"");
}

static void cell(struct lines *lines, const char *text)
{
	struct tb_buf *row = &lines->row;
	if (lines->csv) {
		tb_buf_str(row, lines->column ? "," : "");
		tb_buf_csv(row, text);
	} else if (text[0]) { /* what is empty is left out */
		tb_buf_str(row, row->size > 1 ? "," : "");
		json_text(row, lines->columns[lines->column]);
		tb_buf_str(row, ":");
		json_text(row, text);
	}
	lines->column++;
}

/* GB/T 39046: YYYYMMDDThhmmss, Beijing time. */
static void cell_time(struct lines *lines, tb_time at)
{
	char text[24] = "";
	int year, month, day;
	if (at) {
		tb_day today = tb_day_at(at);
		int second = (int)((at - tb_day_start(today)) / TB_SECOND);
		tb_day_split(today, &year, &month, &day);
		snprintf(text, sizeof(text), "%04d%02d%02dT%02d%02d%02d", year % 10000, month, day,
		         second / 3600, second / 60 % 60, second % 60);
	}
	cell(lines, text);
}

static void cell_number(struct lines *lines, uint64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	cell(lines, text);
}

static void cell_enum(struct lines *lines, const proto_enum *type, int value)
{
	const char *name = value ? proto_enum_name(type, value) : NULL;
	cell(lines, name ? name : "");
}

static void row_begin(struct lines *lines)
{
	lines->column = 0;
	lines->row.size = 0;
	tb_buf_str(&lines->row, lines->csv ? "" : "{");
}

static void row_end(struct lines *lines)
{
	struct tb_arena *arena = &lines->query->request->arena;
	tb_buf_str(&lines->row, lines->csv ? "" : "}");
	lines->reply->lines[lines->reply->n_lines++] = tb_arena_str(arena, tb_buf_text(&lines->row));
}

static enum tb_code begin(struct lines *lines, struct query *query, const char *const *columns, size_t count,
                          struct tb_error *err)
{
	const PbExportRequest *request = (const PbExportRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	if (request->format != PB_IMPORT_FORMAT__CSV && request->format != PB_IMPORT_FORMAT__JSONL)
		return tb_fail(err, TB_EINVALID, "format: JSONL or CSV expected");
	*lines = (struct lines){.query = query,
	                        .csv = request->format == PB_IMPORT_FORMAT__CSV,
	                        .columns = columns,
	                        .columns_count = count,
	                        .err = err};
	lines->reply = PROTO_NEW(PbExportResponse, export_response, arena);
	lines->limit =
		request->limit && request->limit < TB_PAGE_ROWS_MAX ? request->limit : TB_PAGE_ROWS_MAX;
	lines->reply->lines = tb_arena_alloc(arena, lines->limit * sizeof(*lines->reply->lines));
	for (size_t i = 0; lines->csv && i < count; i++)
		tb_buf_printf(&lines->row, "%s%s", i ? "," : "", columns[i]);
	lines->reply->header = tb_arena_str(arena, tb_buf_text(&lines->row));
	query->request->reply = &lines->reply->base;
	return TB_OK;
}

/* Digits, and where they end. */
static bool number_at(const char **at, uint64_t *out)
{
	size_t digits = strspn(*at, "0123456789");
	if (digits == 0 || digits > 19)
		return false;
	*out = strtoull(*at, NULL, 10);
	*at += digits;
	return true;
}

/* ---- cases */

static const char *const case_columns[] = {
	"办件编号",       "协同办件编号",   "基本编码", "实施编码", "事项名称", "办理模式", "申请者名称",
	"证件类型",       "申请者证件号码", "申报地",   "受理地",   "办结地",   "属地",     "当前所在地",
	"办件状态",       "最后环节",       "申报时间", "受理时间", "办结时间", "更新时间", "环节数",
	"个人信息已删除", "办理形式",       "申请渠道", "评价渠道",
};

/* What the log says of where and when. */
struct steps {
	const PbApplication *application;
	PbCaseEntry *accepted;
	PbCaseEntry *ended;
	PbCaseEntry *last;
	tb_time handed_in;
};

static enum tb_code read_steps(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena,
                               struct steps *steps, struct tb_error *err)
{
	for (uint32_t seq = 1; seq <= record->seq; seq++) {
		struct kv_key key = kv_key_str(record->number);
		PbCaseEntry *entry;
		kv_key_add_u32(&key, seq);
		if (KV_GET(kv, KV_ENTRY, &key, case_entry, arena, &entry, err))
			return tb_fail(err, TB_ECORRUPT, "case %.40s: entry %u cannot be read",
			               record->number, seq);
		if (entry->detail && entry->detail->application)
			steps->application = entry->detail->application;
		if (entry->detail && entry->detail->local_number[0] && !steps->accepted)
			steps->accepted = entry;
		if (case_state_final(entry->to))
			steps->ended = case_state_final(entry->from) ? steps->ended : entry;
		else
			steps->ended = NULL; /* reviewed again */
		if (seq == 1)
			steps->handed_in = entry->at_ms;
		steps->last = entry;
	}
	return TB_OK;
}

/* 办理形式, GB/T 39046 A.5: 1 window, 2 computer, 3 mobile, 9 other. */
static const char *form_of(PbChannel channel)
{
	switch (channel) {
	case PB_CHANNEL__CHANNEL_WINDOW:
		return "1";
	case PB_CHANNEL__CHANNEL_ONLINE:
		return "2";
	case PB_CHANNEL__CHANNEL_MOBILE:
		return "3";
	default:
		return channel ? "9" : "";
	}
}

static void case_row(struct lines *lines, const PbCaseRecord *record)
{
	struct tb_arena arena = {0};
	struct steps steps = {0};
	lines->code = read_steps(&lines->query->kv, record, &arena, &steps, lines->err);
	if (lines->code == TB_OK) {
		const PbParty *applicant = steps.application ? steps.application->applicant : NULL;
		row_begin(lines);
		cell(lines, record->local_number);
		cell(lines, record->number);
		cell(lines, record->base_code);
		cell(lines, record->item);
		cell(lines, record->item_name);
		cell(lines, record->mode);
		cell(lines, applicant ? applicant->name : "");
		cell(lines, applicant ? applicant->code_type : "");
		cell(lines, applicant ? applicant->code : "");
		cell(lines, record->window);
		cell(lines, steps.accepted ? steps.accepted->node : "");
		cell(lines, steps.ended ? steps.ended->node : "");
		cell(lines, record->home);
		cell(lines, record->owner);
		cell_enum(lines, &pb_case_state__descriptor, (int)record->state);
		cell_enum(lines, &pb_case_event__descriptor, steps.last ? (int)steps.last->event : 0);
		cell_time(lines, steps.handed_in);
		cell_time(lines, steps.accepted ? steps.accepted->at_ms : 0);
		cell_time(lines, steps.ended ? steps.ended->at_ms : 0);
		cell_time(lines, steps.last ? steps.last->at_ms : 0);
		cell_number(lines, record->seq);
		cell(lines, record->erased_ms ? "1" : "");
		cell(lines, form_of(record->facts ? record->facts->channel : 0));
		cell_enum(lines, &pb_channel__descriptor, record->facts ? (int)record->facts->channel : 0);
		cell_enum(lines, &pb_channel__descriptor,
		          record->facts ? (int)record->facts->evaluated_in : 0);
		row_end(lines);
	}
	tb_arena_clear(&arena);
}

static bool take_case(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	struct lines *lines = ctx;
	struct tb_arena arena = {0};
	PbCaseRecord *record;
	struct tb_error why;
	(void)index;
	if (leaf->kind != PB_LEAF_KIND__LEAF_CASE && leaf->kind != PB_LEAF_KIND__LEAF_ERASED)
		return true;
	enum tb_code code = case_load(&lines->query->kv, leaf->subject, &arena, &record, &why);
	if (code == TB_ECORRUPT)
		lines->code = tb_fail_like(lines->err, code, &why);
	/* An older entry's leaf: the row comes with the newest. */
	bool newest = code == TB_OK &&
	              (leaf->kind == PB_LEAF_KIND__LEAF_ERASED || leaf->count == record->seq) &&
	              token_sees_case(lines->query->request->as, record);
	if (newest)
		case_row(lines, record);
	tb_arena_clear(&arena);
	return lines->code == TB_OK && lines->reply->n_lines < lines->limit;
}

enum tb_code export_read_cases(struct query *query, struct tb_error *err)
{
	const PbExportRequest *request = (const PbExportRequest *)(const void *)query->request->message;
	struct lines lines;
	const char *at = request->after;
	uint64_t after = 0, next, size;
	if (*at && (!number_at(&at, &after) || *at))
		return tb_fail(err, TB_EINVALID, "after: not a cursor of cases");
	enum tb_code code =
		begin(&lines, query, case_columns, sizeof(case_columns) / sizeof(case_columns[0]), err);
	if (code)
		return code;
	code = audit_walk(&query->kv, after, LEAVES_LOOKED_AT_MAX, take_case, &lines, &next, &size, err);
	tb_buf_clear(&lines.row);
	if (code == TB_OK)
		code = lines.code;
	/* Another log, or one that was put back from a copy. */
	if (code == TB_OK && after > size)
		code = tb_fail(err, TB_ENOTFOUND, "after: the log has %llu leaves", (unsigned long long)size);
	lines.reply->next = tb_arena_printf(&query->request->arena, "%llu", (unsigned long long)next);
	lines.reply->more = next < size;
	return code;
}

/* ---- certificates */

static const char *const credential_columns[] = {
	"证照标识",         "证照类型代码",         "证照类型名称", "证照编号",
	"证照名称",         "持证主体代码类型",     "持证主体代码", "持证主体",
	"证照颁发机构代码", "证照颁发机构",         "证照颁发日期", "有效期起始",
	"有效期截止",       "证照所属管辖属地编码", "证照状态",     "状态变更时间",
	"扩展业务信息",     "个人信息已删除",
};

/* Several in one cell: joined by '|', as they are imported. */
static void cell_holders(struct lines *lines, const PbCredential *credential, unsigned which)
{
	struct tb_buf text = {0};
	for (size_t i = 0; i < credential->n_holders; i++) {
		const PbHolder *holder = credential->holders[i];
		tb_buf_printf(&text, "%s%s", i ? "|" : "",
		              which == 0   ? holder->code_type
		              : which == 1 ? holder->code
		                           : holder->name);
	}
	cell(lines, tb_buf_text(&text));
	tb_buf_clear(&text);
}

static void cell_attributes(struct lines *lines, const PbCredential *credential)
{
	struct tb_buf text = {0};
	for (size_t i = 0; i < credential->n_attributes; i++)
		tb_buf_printf(&text, "%s%s=%s", i ? "|" : "", credential->attributes[i]->name,
		              credential->attributes[i]->value);
	cell(lines, tb_buf_text(&text));
	tb_buf_clear(&text);
}

static enum tb_code credential_row(struct lines *lines, uint64_t serial, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct found found;
	enum tb_code code = credential_load(&lines->query->kv, serial, &arena, &found, err);
	if (code == TB_OK) {
		const PbCredential *c = found.credential;
		const char *const texts[] = {c->identifier, c->type, c->type_name, c->number, c->name};
		const char *const more[] = {c->issuer,     c->issuer_name, c->issued_on,
		                            c->valid_from, c->valid_until, c->region};
		row_begin(lines);
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			cell(lines, texts[i]);
		for (unsigned i = 0; i < 3; i++)
			cell_holders(lines, c, i);
		for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
			cell(lines, more[i]);
		cell_enum(lines, &pb_credential_state__descriptor,
		          (int)credential_state(&found, lines->query->now));
		cell_time(lines, found.record->state_since_ms);
		cell_attributes(lines, c);
		cell(lines, found.record->erased_ms ? "1" : "");
		row_end(lines);
	}
	tb_arena_clear(&arena);
	return code;
}

/* What came after |*serial|. */
static enum tb_code new_ones(struct lines *lines, uint64_t *serial, struct tb_error *err)
{
	struct kv_key from = kv_key_u64(*serial + 1);
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	enum tb_code code = TB_OK;
	store_cursor(&cursor, lines->query->kv.txn, KV_CREDENTIAL, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && lines->reply->n_lines < lines->limit && store_next(&cursor, &key, &sealed)) {
		*serial = tb_get_u64(key.data);
		code = credential_row(lines, *serial, err);
	}
	lines->reply->more = lines->reply->n_lines == lines->limit;
	store_cursor_end(&cursor);
	return code;
}

/* What changed after |*change|, and was here before. */
static enum tb_code changed_ones(struct lines *lines, uint64_t *change, struct tb_error *err)
{
	struct kv_key from = kv_key_u64(*change + 1);
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	store_cursor(&cursor, lines->query->kv.txn, KV_CHANGED, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && lines->reply->n_lines < lines->limit && store_next(&cursor, &key, &sealed)) {
		struct tb_arena arena = {0};
		*change = tb_get_u64(key.data);
		code = kv_open(&lines->query->kv, KV_CHANGED, key, sealed, &arena, &plain, err);
		if (code == TB_OK && plain.size == 8)
			code = credential_row(lines, tb_get_u64(plain.data), err);
		tb_arena_clear(&arena);
	}
	lines->reply->more = lines->reply->n_lines == lines->limit;
	store_cursor_end(&cursor);
	return code;
}

enum tb_code export_read_credentials(struct query *query, struct tb_error *err)
{
	const PbExportRequest *request = (const PbExportRequest *)(const void *)query->request->message;
	struct lines lines;
	const char *at = request->after;
	/* Who begins now reads every certificate as it is after the changes so far. */
	uint64_t serial = 0, change = kv_number(&query->kv, "credential_changes");
	if (*at && !(number_at(&at, &serial) && *at++ == '-' && number_at(&at, &change) && !*at))
		return tb_fail(err, TB_EINVALID, "after: not a cursor of certificates");
	if (serial > kv_number(&query->kv, "credentials") ||
	    change > kv_number(&query->kv, "credential_changes"))
		return tb_fail(err, TB_ENOTFOUND, "after: there are not so many certificates");
	enum tb_code code = begin(&lines, query, credential_columns,
	                          sizeof(credential_columns) / sizeof(credential_columns[0]), err);
	if (code)
		return code;
	code = new_ones(&lines, &serial, err);
	if (code == TB_OK && !lines.reply->more)
		code = changed_ones(&lines, &change, err);
	tb_buf_clear(&lines.row);
	lines.reply->next = tb_arena_printf(&query->request->arena, "%llu-%llu", (unsigned long long)serial,
	                                    (unsigned long long)change);
	return code;
}
