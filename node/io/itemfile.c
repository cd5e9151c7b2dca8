#include "node/io/itemfile_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/time.h"
#include "node/core/catalogue.h"
#include "node/io/yamlmsg.h"

bool itemfile_format_of(const char *name, enum itemfile_format *out)
{
	static const struct {
		const char *word;
		enum itemfile_format format;
	} words[] = {{"yaml", ITEMFILE_YAML},
	             {"yml", ITEMFILE_YAML},
	             {"jsonl", ITEMFILE_JSONL},
	             {"ndjson", ITEMFILE_JSONL},
	             {"csv", ITEMFILE_CSV}};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(words[i].word, dot ? dot + 1 : name) == 0) {
			*out = words[i].format;
			return true;
		}
	}
	return false;
}

/* ---- what readers find */

void itemreader_fault(struct itemreader *reader, size_t row, const char *column, const char *reason)
{
	struct itemfile *file = reader->file;
	if (file->faults_count == ITEMFILE_FAULTS_MAX)
		return;
	file->faults[file->faults_count++] = (struct itemfile_fault){row, tb_arena_str(reader->arena, column),
	                                                             tb_arena_str(reader->arena, reason)};
}

void itemreader_item(struct itemreader *reader, size_t row, PbItem *item)
{
	struct itemfile *file = reader->file;
	if (file->items_count == reader->room) {
		size_t room = reader->room ? 2 * reader->room : 64;
		PbItem **items = tb_arena_alloc(reader->arena, room * sizeof(PbItem *));
		size_t *rows = tb_arena_alloc(reader->arena, room * sizeof(size_t));
		if (file->items_count > 0) {
			memcpy(items, file->items, file->items_count * sizeof(PbItem *));
			memcpy(rows, file->rows, file->items_count * sizeof(size_t));
		}
		file->items = items;
		file->rows = rows;
		reader->room = room;
	}
	file->rows[file->items_count] = row;
	file->items[file->items_count++] = item;
}

bool itemreader_check(const struct itemreader *reader, const PbItem *item, const char **place,
                      const char **reason)
{
	struct tb_error why = {0};
	struct tb_arena *arena = reader->arena;
	if (reader->base) {
		tb_day day;
		bool named = item->name[0] != '\0';
		*place = named ? "due_on" : "name";
		*reason = named ? "is not a date" : "is missing";
		return named && (!item->due_on[0] || tb_day_parse(item->due_on, &day));
	}
	if (catalogue_check_item(item, &why) == TB_OK)
		return true;
	size_t size = strspn(why.text, "abcdefghijklmnopqrstuvwxyz_[]0123456789.");
	const char *rest = why.text + size + strspn(why.text + size, ": ");
	*place = tb_arena_printf(arena, "%.*s", (int)size, why.text);
	*reason = tb_arena_str(arena, rest);
	return false;
}

/* ---- YAML and JSON Lines: an element is an item */

static void take(void *ctx, size_t line, proto_message *message, const struct yaml_fault *fault)
{
	struct itemreader *reader = ctx;
	const char *place, *reason;
	if (fault) {
		reader->file->bad_count++;
		itemreader_fault(reader, fault->line, fault->place, fault->what);
		return;
	}
	PbItem *item = (PbItem *)(void *)message;
	if (itemreader_check(reader, item, &place, &reason)) {
		itemreader_item(reader, line, item);
		return;
	}
	reader->file->bad_count++;
	itemreader_fault(reader, line, place, reason);
}

static void read_line(struct itemreader *reader, size_t number, struct tb_bytes line)
{
	proto_message *message = NULL;
	struct tb_error why = {0};
	struct yaml_fault fault = {number, "", why.text};
	bool good = proto_json_decode(&message, &pb_item__descriptor, line, reader->arena, &why) == TB_OK;
	take(reader, number, message, good ? NULL : &fault);
}

static void read_lines(struct itemreader *reader, struct tb_bytes text)
{
	size_t number = 1;
	for (size_t at = 0; at < text.size; number++) {
		const uint8_t *end = memchr(text.data + at, '\n', text.size - at);
		size_t size = end ? (size_t)(end - text.data) - at : text.size - at;
		struct tb_bytes line = tb_bytes_of(text.data + at, size);
		if (line.size > 0 && line.data[line.size - 1] == '\r')
			line.size--;
		if (line.size > 0)
			read_line(reader, number, line);
		at += size + 1;
	}
}

/* ---- reading */

struct numbered {
	const PbItem *item;
	size_t index;
};

static int by_version(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int order = strcmp(x->item->code, y->item->code);
	if (order == 0)
		order = (x->item->version > y->item->version) - (x->item->version < y->item->version);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* What stands there twice is taken once: the first. */
static void drop_twins(struct itemreader *reader)
{
	struct itemfile *file = reader->file;
	struct numbered *sorted = tb_arena_alloc(reader->arena, (file->items_count + 1) * sizeof(*sorted));
	bool *twin = tb_arena_alloc(reader->arena, (file->items_count + 1) * sizeof(*twin));
	size_t kept = 0;
	for (size_t i = 0; i < file->items_count; i++)
		sorted[i] = (struct numbered){file->items[i], i};
	qsort(sorted, file->items_count, sizeof(*sorted), by_version);
	for (size_t i = 1; i < file->items_count; i++) {
		const PbItem *item = sorted[i].item, *before = sorted[i - 1].item;
		if (item->version != before->version || strcmp(item->code, before->code) != 0)
			continue;
		twin[sorted[i].index] = true;
		file->bad_count++;
		itemreader_fault(reader, file->rows[sorted[i].index], "code",
		                 tb_arena_printf(reader->arena, "with this version it stands in row %zu, too",
		                                 file->rows[sorted[i - 1].index]));
	}
	for (size_t i = 0; i < file->items_count; i++) {
		if (twin[i])
			continue;
		file->rows[kept] = file->rows[i];
		file->items[kept++] = file->items[i];
	}
	file->items_count = kept;
}

static int by_row(const void *a, const void *b)
{
	const struct itemfile_fault *x = a, *y = b;
	int order = (x->row > y->row) - (x->row < y->row);
	return order ? order : strcmp(x->column, y->column);
}

static enum tb_code read_file(struct itemfile *out, enum itemfile_format format, const char *path, bool base,
                              struct tb_bytes text, struct tb_arena *arena, struct tb_error *err)
{
	struct itemreader reader = {.file = out, .arena = arena, .base = base};
	enum tb_code code = TB_OK;
	*out = (struct itemfile){
		.faults = tb_arena_alloc(arena, ITEMFILE_FAULTS_MAX * sizeof(struct itemfile_fault))};
	if (text.size > TB_ITEM_FILE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "%s: over %d bytes", path, TB_ITEM_FILE_BYTES_MAX);
	if (!tb_utf8_valid(text))
		return tb_fail(err, TB_EMALFORMED, "%s: not UTF-8 (a spreadsheet saves it as \"CSV UTF-8\")",
		               path);
	if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
		text = tb_bytes_of(text.data + 3, text.size - 3);
	if (format == ITEMFILE_YAML)
		code = yaml_messages(&pb_item__descriptor, "items", path, text, arena, take, &reader, err);
	else if (format == ITEMFILE_JSONL)
		read_lines(&reader, text);
	else
		code = itemcsv_read(&reader, path, text, err);
	if (code == TB_OK && out->items_count > TB_ITEMS_MAX)
		code = tb_fail(err, TB_ETOOBIG, "%s: more than %d items", path, TB_ITEMS_MAX);
	if (code == TB_OK && !base)
		drop_twins(&reader);
	qsort(out->faults, out->faults_count, sizeof(*out->faults), by_row);
	return code;
}

enum tb_code itemfile_read(struct itemfile *out, enum itemfile_format format, const char *path,
                           struct tb_bytes text, struct tb_arena *arena, struct tb_error *err)
{
	return read_file(out, format, path, false, text, arena, err);
}

enum tb_code itemfile_read_base(struct itemfile *out, enum itemfile_format format, const char *path,
                                struct tb_bytes text, struct tb_arena *arena, struct tb_error *err)
{
	return read_file(out, format, path, true, text, arena, err);
}

/* ---- writing YAML */

static bool is_default(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		return (*(char *const *)member)[0] == '\0';
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(proto_message *const *)member == NULL;
	case PROTOBUF_C_TYPE_UINT64:
		return *(const uint64_t *)member == 0;
	default:
		return *(const uint32_t *)member == 0;
	}
}

/* As a double-quoted scalar (YAML 1.2, 7.3.1); the texts hold no control characters. */
static void write_text(struct tb_buf *out, const char *text)
{
	tb_buf_str(out, "\"");
	for (const char *at = text; *at; at++) {
		if (*at == '"' || *at == '\\')
			tb_buf_str(out, "\\");
		tb_buf_add(out, at, 1);
	}
	tb_buf_str(out, "\"");
}

static void write_value(struct tb_buf *out, const ProtobufCFieldDescriptor *field, const void *member)
{
	if (field->type == PROTOBUF_C_TYPE_STRING)
		write_text(out, *(char *const *)member);
	else if (field->type == PROTOBUF_C_TYPE_BOOL)
		tb_buf_str(out, *(const protobuf_c_boolean *)member ? "true" : "false");
	else if (field->type == PROTOBUF_C_TYPE_ENUM)
		tb_buf_str(out, proto_enum_name(field->descriptor, *(const int *)member));
	else
		tb_buf_printf(out, "%u", *(const uint32_t *)member);
}

static void write_message(struct tb_buf *out, const proto_message *message, unsigned indent);

static void write_list(struct tb_buf *out, const ProtobufCFieldDescriptor *field, const void *list,
                       size_t count, unsigned indent)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
		for (size_t i = 0; i < count; i++) {
			tb_buf_printf(out, "\n%*s- ", (int)indent + 2, "");
			write_message(out, ((proto_message *const *)list)[i], indent + 4);
		}
		return;
	}
	tb_buf_str(out, " [");
	for (size_t i = 0; i < count; i++) {
		tb_buf_str(out, i ? ", " : "");
		write_text(out, ((char *const *)list)[i]);
	}
	tb_buf_str(out, "]");
}

/* Its fields, the first one where the line stands, the others on lines with |indent|. */
static void write_message(struct tb_buf *out, const proto_message *message, unsigned indent)
{
	bool first = true;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
		const uint8_t *member = (const uint8_t *)message + field->offset;
		bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
		size_t count = list ? *(const size_t *)(const void *)((const uint8_t *)message +
		                                                      field->quantifier_offset)
		                    : 0;
		/* What its node sets is not the file's. */
		if (strcmp(field->name, "listed") == 0 || (list ? count == 0 : is_default(field, member)))
			continue;
		if (!first)
			tb_buf_printf(out, "\n%*s", (int)indent, "");
		first = false;
		tb_buf_printf(out, "%s:", field->name);
		if (list) {
			write_list(out, field, *(void *const *)(const void *)member, count, indent);
		} else {
			tb_buf_str(out, " ");
			write_value(out, field, member);
		}
	}
}

void itemfile_write(struct tb_buf *out, enum itemfile_format format, PbItem *const *items, size_t count,
                    bool zh)
{
	if (format == ITEMFILE_CSV) {
		itemcsv_write(out, items, count, zh);
		return;
	}
	if (format == ITEMFILE_YAML)
		tb_buf_str(out, count ? "items:\n" : "items: []\n");
	for (size_t i = 0; i < count; i++) {
		PbItem item = *items[i];
		item.listed = 0;
		if (format == ITEMFILE_YAML) {
			tb_buf_str(out, "  - ");
			write_message(out, &item.base, 4);
		} else {
			proto_json_encode(out, &item.base);
		}
		tb_buf_str(out, "\n");
	}
}

/* ---- the example of the templates */

static const char example[] =
	"{\"code\":\"1232040046600738673000115035000\",\"version\":1,\"name\":\"机动车驾驶证公证\","
	"\"handlingCode\":\"123204004660073867300011503500001\",\"baseCode\":\"000115035000\",\"itemType\":"
	"\"20\","
	"\"department\":\"123204004660073867\",\"departmentName\":\"常州市公证处（示例）\","
	"\"effectiveFrom\":\"2026-01-01\",\"cancelledOn\":\"2036-01-01\",\"modes\":[\"DS\",\"YS\"],"
	"\"modeRegions\":[{\"mode\":\"YS\",\"regions\":[\"310000\",\"330000\"],\"note\":\"长三角窗口受理\"}],"
	"\"promisedDays\":5,\"promisedDaysNote\":\"受理之日起\",\"legalDays\":15,\"legalDaysNote\":"
	"\"《公证法》第三十条\","
	"\"basis\":\"《中华人民共和国公证法》第十一条\",\"subjects\":[\"1\"],\"theme\":\"交通出行\","
	"\"conditions\":\"持有有效的机动车驾驶证\",\"eligible\":[\"registered\",\"resident\"],"
	"\"creditMonths\":12,\"dueOn\":\"2026-12-31\",\"acceptanceStandard\":\"证件信息清晰、在有效期内\","
	"\"level\":\"3\","
	"\"channels\":[\"1\",\"2\",\"3\"],\"form\":\"公证申请表\",\"procedure\":"
	"\"收件、受理、审查、决定、送达\","
	"\"flowChart\":\"https://example.cn/flow.png\",\"caseType\":\"2\",\"onsiteRuns\":1,"
	"\"onsiteReason\":\"《公证程序规则》第十一条\",\"onlineDepth\":\"互联网咨询、预约\","
	"\"applicationWays\":\"窗口、网上\","
	"\"reviewProcedure\":\"一审一核\",\"resultType\":\"11320400014109045T001\",\"resultDelivery\":"
	"\"窗口领取、邮寄\","
	"\"criteria\":\"2026-1\",\"scope\":\"SCOPE_NATIONAL\",\"nationalName\":\"机动车驾驶证公证\",\"year\":"
	"2026,"
	"\"windowClass\":\"综合窗口\",\"specialProcedure\":\"无\",\"jointDepartments\":\"无\","
	"\"address\":\"示例路 1 号\",\"phone\":\"0519-00000000\",\"serviceHours\":\"工作日 9:00-17:00\","
	"\"fees\":[{\"name\":\"公证费\",\"standard\":\"每件 80 "
	"元\",\"basis\":\"省公证服务收费标准\",\"reducible\":true}],"
	"\"materials\":[{\"code\":\"M1\",\"name\":\"公证申请表\",\"required\":true,\"basis\":"
	"\"《公证程序规则》第十七条\","
	"\"source\":\"申请人自备\",\"issuer\":\"无\",\"kind\":\"原件\",\"format\":\"纸质或电子\",\"copies\":"
	"1,"
	"\"blank\":\"https://example.cn/form.pdf\",\"example\":\"https://example.cn/sample.pdf\","
	"\"standard\":\"填写完整、签名\"},"
	"{\"code\":\"M2\",\"name\":\"居民身份证\",\"required\":true,\"basis\":\"《公证程序规则》第十七条\","
	"\"credentialTypes\":[\"11100000000013127D001\"],\"source\":\"政府部门核发\",\"issuer\":\"公安机关\","
	"\"kind\":\"原件和复印件\",\"format\":\"纸质或电子\"},"
	"{\"code\":\"M3\",\"name\":\"无犯罪承诺\",\"basis\":\"《公证程序规则》第十七条\",\"source\":"
	"\"申请人自备\",\"issuer\":\"无\",\"kind\":\"原件\",\"format\":\"纸质\",\"original\":true,"
	"\"commitment\":true}]}";

PbItem *itemfile_example(struct tb_arena *arena)
{
	PbItem *item = NULL;
	enum tb_code code = proto_json_decode((proto_message **)(void *)&item, &pb_item__descriptor,
	                                      tb_bytes_str(example), arena, NULL);
	assert(code == TB_OK);
	return item;
}
