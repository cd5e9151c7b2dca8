/* An item list as a table (RFC 4180), as spreadsheets have it: a row with an item's code begins an item; it
 * and the rows after it, whose cells of the item are empty, hold a material, a fee, a limit to regions and a
 * part of a bundle each. */
#include "node/io/itemfile_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/limits.h"
#include "node/core/casetable.h"

/* What people write for a code of GB/T 39046, appendix A. */
struct word {
	const char *zh;
	const char *code;
};
static const struct word types[] = {
	{"行政权力", "00"}, {"许可", "01"}, {"行政许可", "01"}, {"处罚", "02"},
	{"强制", "03"},     {"征收", "04"}, {"给付", "05"},     {"行政给付", "05"},
	{"检查", "06"},     {"确认", "07"}, {"行政确认", "07"}, {"奖励", "08"},
	{"裁决", "09"},     {"其他", "10"}, {"公共服务", "20"}, {0}};
static const struct word subjects[] = {{"自然人", "1"},
                                       {"企业法人", "2"},
                                       {"事业法人", "3"},
                                       {"社会组织法人", "4"},
                                       {"行政机关", "5"},
                                       {"其他组织", "6"},
                                       {0}};
static const struct word levels[] = {{"国家", "1"}, {"省", "2"}, {"市", "3"},       {"县", "4"},
                                     {"镇", "5"},   {"村", "6"}, {"分级管理", "7"}, {0}};
static const struct word channels[] = {{"窗口", "1"},     {"电脑端", "2"}, {"移动端", "3"},
                                       {"快递申请", "4"}, {"其他", "9"},   {0}};
static const struct word case_types[] = {{"即办件", "1"}, {"承诺件", "2"}, {"其他", "9"}, {0}};
static const struct word grounds[] = {
	{"不限", "anybody"},           {"户籍地", "registered"},      {"居住地", "resident"},
	{"居住证", "resident"},        {"就业地", "employed"},        {"参保地", "insured"},
	{"就读地", "enrolled"},        {"房产所在地", "property"},    {"近亲属户籍地", "family"},
	{"登记注册地", "established"}, {"不受户籍地限制", "anybody"}, {0}};
static const struct word scopes[] = {{"全国", "SCOPE_NATIONAL"},
                                     {"跨省", "SCOPE_PROVINCES"},
                                     {"跨市", "SCOPE_CITIES"},
                                     {"跨县", "SCOPE_COUNTIES"},
                                     {0}};

static const struct word dispositions[] = {{"存档", "ARCHIVED_ORIGINAL"}, {"退还", "RETURNED_ORIGINAL"}, {0}};

static const struct column {
	enum itemfile_part part;
	const char *field;
	const char *zh;
	const struct word *words;
} columns[] = {
	{ITEMFILE_ITEM, "code", "事项编码", NULL},
	{ITEMFILE_ITEM, "version", "事项版本", NULL},
	{ITEMFILE_ITEM, "name", "业务办理项名称", NULL},
	{ITEMFILE_ITEM, "handling_code", "业务办理项编码", NULL},
	{ITEMFILE_ITEM, "base_code", "基本编码", NULL},
	{ITEMFILE_ITEM, "item_type", "事项类型", types},
	{ITEMFILE_ITEM, "department", "实施主体编码", NULL},
	{ITEMFILE_ITEM, "department_name", "实施主体", NULL},
	{ITEMFILE_ITEM, "effective_from", "生效日期", NULL},
	{ITEMFILE_ITEM, "cancelled_on", "取消日期", NULL},
	{ITEMFILE_ITEM, "basis", "设定依据", NULL},
	{ITEMFILE_ITEM, "subjects", "服务对象", subjects},
	{ITEMFILE_ITEM, "theme", "服务主题", NULL},
	{ITEMFILE_ITEM, "conditions", "受理条件", NULL},
	{ITEMFILE_ITEM, "eligible", "地域条件", grounds},
	{ITEMFILE_ITEM, "acceptance_standard", "受理标准", NULL},
	{ITEMFILE_ITEM, "level", "受理层级", levels},
	{ITEMFILE_ITEM, "channels", "办理形式", channels},
	{ITEMFILE_ITEM, "modes", "受理模式", NULL},
	{ITEMFILE_ITEM, "form", "申请表格", NULL},
	{ITEMFILE_ITEM, "procedure", "办理流程", NULL},
	{ITEMFILE_ITEM, "flow_chart", "外部流程图", NULL},
	{ITEMFILE_ITEM, "legal_days", "法定办理时限", NULL},
	{ITEMFILE_ITEM, "legal_days_note", "法定办理时限说明", NULL},
	{ITEMFILE_ITEM, "promised_days", "承诺办理时限", NULL},
	{ITEMFILE_ITEM, "promised_days_note", "承诺办理时限说明", NULL},
	{ITEMFILE_ITEM, "case_type", "办件类型", case_types},
	{ITEMFILE_ITEM, "onsite_runs", "跑动次数", NULL},
	{ITEMFILE_ITEM, "onsite_reason", "到现场原因", NULL},
	{ITEMFILE_ITEM, "online_depth", "网上办理深度", NULL},
	{ITEMFILE_ITEM, "application_ways", "申报方式", NULL},
	{ITEMFILE_ITEM, "review_procedure", "审核程序", NULL},
	{ITEMFILE_ITEM, "result_type", "结果证照类型", NULL},
	{ITEMFILE_ITEM, "result_delivery", "发证方式", NULL},
	{ITEMFILE_ITEM, "criteria", "审查标准版本", NULL},
	{ITEMFILE_ITEM, "scope", "通办范围", scopes},
	{ITEMFILE_ITEM, "national_name", "全国事项名称", NULL},
	{ITEMFILE_ITEM, "year", "年度", NULL},
	{ITEMFILE_ITEM, "due_on", "完成期限", NULL},
	{ITEMFILE_ITEM, "credit_months", "失信限制月数", NULL},
	{ITEMFILE_ITEM, "window_class", "窗口类别", NULL},
	{ITEMFILE_ITEM, "special_procedure", "特别程序", NULL},
	{ITEMFILE_ITEM, "joint_departments", "联办机构", NULL},
	{ITEMFILE_ITEM, "external", "外部系统", NULL},
	{ITEMFILE_ITEM, "address", "办理地址", NULL},
	{ITEMFILE_ITEM, "phone", "咨询电话", NULL},
	{ITEMFILE_ITEM, "service_hours", "办公时间", NULL},
	{ITEMFILE_MATERIAL, "code", "材料编码", NULL},
	{ITEMFILE_MATERIAL, "name", "申请材料名称", NULL},
	{ITEMFILE_MATERIAL, "required", "是否必需", NULL},
	{ITEMFILE_MATERIAL, "basis", "要求提供材料依据", NULL},
	{ITEMFILE_MATERIAL, "source", "申请材料来源渠道", NULL},
	{ITEMFILE_MATERIAL, "issuer", "申请材料出具部门", NULL},
	{ITEMFILE_MATERIAL, "kind", "申请材料类型", NULL},
	{ITEMFILE_MATERIAL, "format", "申请材料形式", NULL},
	{ITEMFILE_MATERIAL, "credential_types", "可用电子证照", NULL},
	{ITEMFILE_MATERIAL, "original", "需要原件", NULL},
	{ITEMFILE_MATERIAL, "disposition", "原件处置", dispositions},
	{ITEMFILE_MATERIAL, "commitment", "可告知承诺", NULL},
	{ITEMFILE_MATERIAL, "copies", "份数", NULL},
	{ITEMFILE_MATERIAL, "blank", "空白表格", NULL},
	{ITEMFILE_MATERIAL, "example", "示例样表", NULL},
	{ITEMFILE_MATERIAL, "standard", "材料受理标准", NULL},
	{ITEMFILE_FEE, "name", "收费项目", NULL},
	{ITEMFILE_FEE, "standard", "收费标准", NULL},
	{ITEMFILE_FEE, "basis", "收费依据", NULL},
	{ITEMFILE_FEE, "reducible", "允许减免", NULL},
	{ITEMFILE_MODE, "mode", "限定模式", NULL},
	{ITEMFILE_MODE, "regions", "限定地区", NULL},
	{ITEMFILE_MODE, "note", "模式说明", NULL},
	{ITEMFILE_BUNDLE, "code", "联办序号", NULL},
	{ITEMFILE_BUNDLE, "item", "联办事项编码", NULL},
	{ITEMFILE_BUNDLE, "name", "联办事项名称", NULL},
	{ITEMFILE_BUNDLE, "region", "联办地区", NULL},
	{ITEMFILE_BUNDLE, "after", "前置联办", NULL},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), LIST_MAX = 512, ROWS_OF_ITEM_MAX = TB_NEEDS_MAX };

/* What the parts are: where an item has them, and what stands before their fields in English heads and in
 * places. */
static const struct {
	const char *list;
	const char *prefix;
	const proto_type *type;
} parts[ITEMFILE_PARTS] = {{NULL, "", &pb_item__descriptor},
                           {"materials", "material.", &pb_material_need__descriptor},
                           {"fees", "fee.", &pb_item_fee__descriptor},
                           {"mode_regions", "mode_region.", &pb_item_mode__descriptor},
                           {"bundle", "bundle.", &pb_bundle_part__descriptor}};

static const ProtobufCFieldDescriptor *field_of(const struct column *column)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(parts[column->part].type, column->field);
	assert(field);
	return field;
}

/* ---- one cell */

static const char *as_code(const struct column *column, const char *value)
{
	for (const struct word *word = column->words; word && word->zh; word++) {
		if (strcmp(word->zh, value) == 0)
			return word->code;
	}
	if (strcmp(column->field, "modes") == 0 || strcmp(column->field, "mode") == 0) {
		for (const struct case_mode *const *mode = case_modes; *mode; mode++) {
			if (strcmp((*mode)->name_zh, value) == 0)
				return (*mode)->code;
		}
	}
	return value;
}

static const char *read_truth(const char *value, protobuf_c_boolean *out)
{
	static const char *const yes[] = {"是", "true", "1", "√", NULL}, *const no[] = {"否", "false", "0",
	                                                                                NULL};
	for (const char *const *word = yes; *word; word++) {
		if (strcmp(*word, value) == 0) {
			*out = 1;
			return NULL;
		}
	}
	for (const char *const *word = no; *word; word++) {
		if (strcmp(*word, value) == 0)
			return NULL;
	}
	return "yes or no (是, 否) is expected";
}

static const char *read_list(const struct column *column, const char *value, struct tb_arena *arena,
                             void *member, size_t *count)
{
	static const char *const between[] = {"、", "；", ";", "|", "，", ","};
	size_t room = strlen(value) / 2 + 1;
	char **list = tb_arena_alloc(arena, (room < LIST_MAX ? room : LIST_MAX) * sizeof(*list));
	const char *begin = value;
	*count = 0;
	/* The names of some modes hold such a sign themselves: one alone is taken as it is. */
	if (as_code(column, value) != value) {
		list[(*count)++] = (char *)(uintptr_t)as_code(column, value);
		*(char ***)member = list;
		return NULL;
	}
	for (const char *at = value;; at++) {
		size_t size = 0;
		for (size_t i = 0; *at && i < sizeof(between) / sizeof(between[0]) && size == 0; i++)
			size = strncmp(at, between[i], strlen(between[i])) == 0 ? strlen(between[i]) : 0;
		if (*at && size == 0)
			continue;
		while (begin < at && *begin == ' ')
			begin++;
		if (begin < at && *count == LIST_MAX)
			return "too many";
		if (begin < at) {
			const char *one = tb_arena_printf(arena, "%.*s", (int)(at - begin), begin);
			list[(*count)++] = (char *)(uintptr_t)as_code(column, one);
		}
		if (!*at)
			break;
		at += size - 1;
		begin = at + 1;
	}
	*(char ***)member = list;
	return NULL;
}

/* NULL, or why |value| cannot stand in |column|. */
static const char *read_cell(const struct column *column, const char *value, proto_message *message,
                             struct tb_arena *arena)
{
	const ProtobufCFieldDescriptor *field = field_of(column);
	void *member = (uint8_t *)message + field->offset;
	int number = 0;
	char *end;
	if (!tb_text_printable(tb_bytes_str(value)))
		return "control characters, or a line break";
	if (strlen(value) > TB_TEXT_BYTES_MAX)
		return "too long";
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(column, value, arena, member,
		                 (size_t *)(void *)((uint8_t *)message + field->quantifier_offset));
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		*(char **)member = tb_arena_str(arena, as_code(column, value));
		return NULL;
	case PROTOBUF_C_TYPE_BOOL:
		return read_truth(value, member);
	case PROTOBUF_C_TYPE_ENUM:
		if (!proto_enum_value(field->descriptor, as_code(column, value), &number))
			return "no such word";
		*(int *)member = number;
		return NULL;
	default:
		number = (int)strtol(value, &end, 10);
		if (strlen(value) > 6 || strspn(value, "0123456789") != strlen(value))
			return "a whole number is expected";
		*(uint32_t *)member = (uint32_t)number;
		return NULL;
	}
}

/* ---- rows */

struct csv {
	struct itemreader *reader;
	char *at;        /* the rest of the file */
	size_t line;     /* of |at| */
	size_t row_line; /* that the row begins in */
	char *cells[COLUMNS];
	size_t cells_count;
	const struct column *heads[COLUMNS];
	size_t heads_count;
	/* the item under way */
	PbItem *item;
	size_t item_row;
	bool bad;
	bool unread; /* a cell of it could not be read: what is made of it says nothing */
	size_t counts[ITEMFILE_PARTS];
	size_t part_rows[ITEMFILE_PARTS][ROWS_OF_ITEM_MAX]; /* where each of its parts stands */
};

static size_t lines_in(const char *text)
{
	size_t lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* False at the end of the file. |*bad|: the row cannot be read, and was skipped. */
static bool next_row(struct csv *csv, const char **bad)
{
	enum tb_csv follows = TB_CSV_CELL;
	*bad = NULL;
	csv->cells_count = 0;
	csv->row_line = csv->line;
	if (!*csv->at)
		return false;
	while (follows == TB_CSV_CELL) {
		char *cell;
		follows = tb_csv_cell(&csv->at, &cell);
		if (follows == TB_CSV_BAD) {
			*bad = "badly quoted (RFC 4180)";
			csv->at += strcspn(csv->at, "\n");
			csv->at += *csv->at == '\n';
			break;
		}
		csv->line += lines_in(cell);
		if (csv->cells_count < COLUMNS)
			csv->cells[csv->cells_count++] = cell;
		else if (*cell)
			*bad = "more cells than columns";
	}
	csv->line++;
	return true;
}

static char *trimmed(char *cell)
{
	size_t size = strlen(cell);
	while (size > 0 && cell[size - 1] == ' ')
		cell[--size] = '\0';
	return cell + strspn(cell, " ");
}

static const struct column *column_of(const char *head)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const char *prefix = parts[columns[i].part].prefix;
		if (strcmp(columns[i].zh, head) == 0 ||
		    (strncmp(head, prefix, strlen(prefix)) == 0 &&
		     strcmp(head + strlen(prefix), columns[i].field) == 0))
			return &columns[i];
	}
	return NULL;
}

static enum tb_code read_heads(struct csv *csv, const char *path, struct tb_error *err)
{
	const char *bad;
	bool code = false;
	if (!next_row(csv, &bad) || bad)
		return tb_fail(err, TB_EMALFORMED, "%s:1: %s", path, bad ? bad : "there is nothing in it");
	for (size_t i = 0; i < csv->cells_count; i++) {
		const struct column *column = column_of(trimmed(csv->cells[i]));
		if (!column)
			return tb_fail(err, TB_EMALFORMED,
			               "%s:1: column %zu, \"%.60s\": there is no such column", path, i + 1,
			               trimmed(csv->cells[i]));
		for (size_t j = 0; j < i; j++) {
			if (csv->heads[j] == column)
				return tb_fail(err, TB_EMALFORMED, "%s:1: column %zu, %s: stands there twice",
				               path, i + 1, column->zh);
		}
		csv->heads[csv->heads_count++] = column;
		code = code || column == &columns[0];
	}
	return code ? TB_OK : tb_fail(err, TB_EMALFORMED, "%s:1: there is no column %s", path, columns[0].zh);
}

/* ---- items */

/* Where "materials[2].basis" stands: its row, and the head of its column. */
static void place_of(const struct csv *csv, const char *place, size_t *row, const char **head)
{
	enum itemfile_part part = ITEMFILE_ITEM;
	const char *field = place;
	*row = csv->item_row;
	for (int i = ITEMFILE_MATERIAL; i < ITEMFILE_PARTS; i++) {
		size_t size = strlen(parts[i].list);
		if (strncmp(place, parts[i].list, size) != 0 || place[size] != '[')
			continue;
		size_t index = strtoul(place + size + 1, NULL, 10);
		part = (enum itemfile_part)i;
		if (index < csv->counts[i])
			*row = csv->part_rows[i][index];
		field = strchr(place, '.') ? strchr(place, '.') + 1 : "";
	}
	*head = place;
	for (size_t i = 0; i < COLUMNS; i++) {
		size_t size = strlen(columns[i].field);
		if (columns[i].part == part && strncmp(field, columns[i].field, size) == 0 &&
		    (field[size] == '\0' || field[size] == '['))
			*head = columns[i].zh;
	}
}

static void end_item(struct csv *csv)
{
	const char *place, *reason, *head;
	size_t row;
	if (!csv->item)
		return;
	if (!csv->unread && !itemreader_check(csv->reader, csv->item, &place, &reason)) {
		csv->bad = true;
		place_of(csv, place, &row, &head);
		itemreader_fault(csv->reader, row, head, reason);
	}
	if (csv->bad)
		csv->reader->file->bad_count++;
	else
		itemreader_item(csv->reader, csv->item_row, csv->item);
	csv->item = NULL;
}

static void begin_item(struct csv *csv)
{
	struct tb_arena *arena = csv->reader->arena;
	end_item(csv);
	csv->item = PROTO_NEW(PbItem, item, arena);
	csv->item->materials = tb_arena_alloc(arena, ROWS_OF_ITEM_MAX * sizeof(PbMaterialNeed *));
	csv->item->fees = tb_arena_alloc(arena, ROWS_OF_ITEM_MAX * sizeof(PbItemFee *));
	csv->item->mode_regions = tb_arena_alloc(arena, ROWS_OF_ITEM_MAX * sizeof(PbItemMode *));
	csv->item->bundle = tb_arena_alloc(arena, ROWS_OF_ITEM_MAX * sizeof(PbBundlePart *));
	csv->item_row = csv->row_line;
	csv->bad = csv->unread = false;
	memset(csv->counts, 0, sizeof(csv->counts));
}

/* A new part of the item under way, which a row of the table is. NULL: there are too many. */
static proto_message *new_part(struct csv *csv, enum itemfile_part part)
{
	PbItem *item = csv->item;
	if (csv->counts[part] == ROWS_OF_ITEM_MAX)
		return NULL;
	proto_message *message = proto_new(csv->reader->arena, parts[part].type);
	csv->part_rows[part][csv->counts[part]++] = csv->row_line;
	if (part == ITEMFILE_MATERIAL)
		item->materials[item->n_materials++] = (PbMaterialNeed *)(void *)message;
	else if (part == ITEMFILE_FEE)
		item->fees[item->n_fees++] = (PbItemFee *)(void *)message;
	else if (part == ITEMFILE_MODE)
		item->mode_regions[item->n_mode_regions++] = (PbItemMode *)(void *)message;
	else
		item->bundle[item->n_bundle++] = (PbBundlePart *)(void *)message;
	return message;
}

static void fault(struct csv *csv, const char *column, const char *reason)
{
	csv->bad = true;
	itemreader_fault(csv->reader, csv->row_line, column, reason);
}

static void take_row(struct csv *csv)
{
	proto_message *messages[ITEMFILE_PARTS] = {NULL};
	bool begins = false, empty = true;
	for (size_t i = 0; i < csv->cells_count && i < csv->heads_count; i++) {
		csv->cells[i] = trimmed(csv->cells[i]);
		empty = empty && !csv->cells[i][0];
		begins = begins || (csv->heads[i] == &columns[0] && csv->cells[i][0]);
	}
	if (empty)
		return;
	if (begins)
		begin_item(csv);
	if (!csv->item) {
		fault(csv, columns[0].zh, "is missing: a row without it continues an item");
		csv->reader->file->bad_count++;
		return;
	}
	messages[ITEMFILE_ITEM] = &csv->item->base;
	for (size_t i = 0; i < csv->cells_count && i < csv->heads_count; i++) {
		const struct column *column = csv->heads[i];
		if (!csv->cells[i][0])
			continue;
		if (column->part == ITEMFILE_ITEM && !begins) {
			fault(csv, column->zh, "is of the item, but the row has no code of one");
			continue;
		}
		if (!messages[column->part])
			messages[column->part] = new_part(csv, column->part);
		const char *why =
			messages[column->part]
				? read_cell(column, csv->cells[i], messages[column->part], csv->reader->arena)
				: "too many rows of one item";
		if (why)
			fault(csv, column->zh, why);
		csv->unread = csv->unread || why;
	}
}

enum tb_code itemcsv_read(struct itemreader *reader, const char *path, struct tb_bytes text,
                          struct tb_error *err)
{
	struct csv *csv = tb_arena_alloc(reader->arena, sizeof(*csv));
	const char *bad;
	if (memchr(text.data, 0, text.size))
		return tb_fail(err, TB_EMALFORMED, "%s: there is a NUL in it", path);
	csv->reader = reader;
	csv->at = tb_arena_printf(reader->arena, "%.*s", (int)text.size, (const char *)text.data);
	csv->line = 1;
	enum tb_code code = read_heads(csv, path, err);
	if (code)
		return code;
	while (next_row(csv, &bad)) {
		if (bad) {
			fault(csv, "", bad);
			reader->file->bad_count += !csv->item;
			continue;
		}
		if (csv->cells_count > csv->heads_count) {
			for (size_t i = csv->heads_count; i < csv->cells_count; i++) {
				if (csv->cells[i][0])
					fault(csv, "", "more cells than columns");
			}
		}
		take_row(csv);
	}
	end_item(csv);
	return TB_OK;
}

/* ---- writing */

static void write_cell(struct tb_buf *out, const char *value)
{
	if (!strpbrk(value, "\",\r\n")) {
		tb_buf_str(out, value);
		return;
	}
	tb_buf_str(out, "\"");
	for (const char *at = value; *at; at++) {
		if (*at == '"')
			tb_buf_str(out, "\"");
		tb_buf_add(out, at, 1);
	}
	tb_buf_str(out, "\"");
}

static const char *as_word(const struct column *column, const char *code)
{
	for (const struct word *word = column->words; word && word->zh; word++) {
		if (strcmp(word->code, code) == 0)
			return word->zh;
	}
	return code;
}

static void write_member(struct tb_buf *out, const struct column *column, const proto_message *message,
                         bool zh)
{
	const ProtobufCFieldDescriptor *field = field_of(column);
	const void *member = (const uint8_t *)message + field->offset;
	if (field->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t count =
			*(const size_t *)(const void *)((const uint8_t *)message + field->quantifier_offset);
		for (size_t i = 0; i < count; i++)
			tb_buf_printf(out, "%s%s", i ? "、" : "",
			              zh ? as_word(column, (*(char *const *const *)member)[i])
			                 : (*(char *const *const *)member)[i]);
	} else if (field->type == PROTOBUF_C_TYPE_STRING) {
		tb_buf_str(out, zh ? as_word(column, *(char *const *)member) : *(char *const *)member);
	} else if (field->type == PROTOBUF_C_TYPE_BOOL) {
		bool yes = *(const protobuf_c_boolean *)member;
		tb_buf_str(out, zh ? (yes ? "是" : "否") : yes ? "true" : "false");
	} else if (field->type == PROTOBUF_C_TYPE_ENUM) {
		int value = *(const int *)member;
		const char *name = value ? proto_enum_name(field->descriptor, value) : "";
		tb_buf_str(out, zh ? as_word(column, name) : name);
	} else if (*(const uint32_t *)member) {
		tb_buf_printf(out, "%u", *(const uint32_t *)member);
	}
}

static const proto_message *part_at(const PbItem *item, enum itemfile_part part, size_t row)
{
	switch (part) {
	case ITEMFILE_MATERIAL:
		return row < item->n_materials ? &item->materials[row]->base : NULL;
	case ITEMFILE_FEE:
		return row < item->n_fees ? &item->fees[row]->base : NULL;
	case ITEMFILE_MODE:
		return row < item->n_mode_regions ? &item->mode_regions[row]->base : NULL;
	case ITEMFILE_BUNDLE:
		return row < item->n_bundle ? &item->bundle[row]->base : NULL;
	default:
		return row == 0 ? &item->base : NULL;
	}
}

/* The |index|-th column of |part|; they stand together. */
static const struct column *column_at(enum itemfile_part part, size_t index)
{
	size_t first = 0;
	while (columns[first].part != part)
		first++;
	assert(first + index < COLUMNS && columns[first + index].part == part);
	return &columns[first + index];
}

size_t itemfile_columns(enum itemfile_part part)
{
	size_t count = 0;
	for (size_t i = 0; i < COLUMNS; i++)
		count += columns[i].part == part;
	return count;
}

const char *itemfile_column_name(enum itemfile_part part, size_t index, bool zh)
{
	const struct column *column = column_at(part, index);
	return zh ? column->zh : column->field;
}

const char *itemfile_column_field(enum itemfile_part part, size_t index)
{
	return column_at(part, index)->field;
}

void itemfile_column_value(struct tb_buf *out, enum itemfile_part part, size_t index,
                           const proto_message *message, bool zh)
{
	write_member(out, column_at(part, index), message, zh);
}

void itemcsv_write(struct tb_buf *out, PbItem *const *items, size_t count, bool zh)
{
	struct tb_buf text = {0};
	tb_buf_str(out, "\xEF\xBB\xBF");
	for (size_t i = 0; i < COLUMNS; i++) {
		const struct column *column = &columns[i];
		tb_buf_printf(out, "%s%s%s", i ? "," : "", zh ? "" : parts[column->part].prefix,
		              zh ? column->zh : column->field);
	}
	tb_buf_str(out, "\r\n");
	for (size_t n = 0; n < count; n++) {
		bool any = true;
		for (size_t row = 0; any; row++) {
			any = row == 0;
			for (int part = ITEMFILE_MATERIAL; part < ITEMFILE_PARTS; part++)
				any = any || part_at(items[n], (enum itemfile_part)part, row);
			for (size_t i = 0; any && i < COLUMNS; i++) {
				const proto_message *message = part_at(items[n], columns[i].part, row);
				tb_buf_str(out, i ? "," : "");
				text.size = 0;
				if (message)
					write_member(&text, &columns[i], message, zh);
				write_cell(out, tb_buf_text(&text));
			}
			if (any)
				tb_buf_str(out, "\r\n");
		}
	}
	tb_buf_clear(&text);
}
