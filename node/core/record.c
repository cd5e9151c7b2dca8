#include "node/core/record.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/csv.h"
#include "node/core/ident.h"

/* ---- columns */

enum {
	HOLDER_CODE_TYPE, /* the three that record_csv_header() and record_from_csv() know by index */
	HOLDER_CODE,
	HOLDER_NAME,
	COLUMNS_COUNT = 14,
	ATTRIBUTE = COLUMNS_COUNT,
	COLUMN_SHOWN_BYTES = 64, /* of a column's name in an error text */
};

static const struct column {
	const char *name;
	const char *chinese;
	size_t offset; /* of the text in PbCredential; holders: unused */
	bool required;
} columns[COLUMNS_COUNT] = {
	{"holder_code_type", "持证主体代码类型", 0, true},
	{"holder_code", "持证主体代码", 0, true},
	{"holder_name", "持证主体", 0, false},
	{"identifier", "证照标识", offsetof(PbCredential, identifier), false},
	{"type", "证照类型代码", offsetof(PbCredential, type), true},
	{"type_name", "证照类型名称", offsetof(PbCredential, type_name), false},
	{"number", "证照编号", offsetof(PbCredential, number), true},
	{"name", "证照名称", offsetof(PbCredential, name), true},
	{"issuer", "证照颁发机构代码", offsetof(PbCredential, issuer), true},
	{"issuer_name", "证照颁发机构", offsetof(PbCredential, issuer_name), false},
	{"issued_on", "证照颁发日期", offsetof(PbCredential, issued_on), true},
	{"valid_from", "有效期起始", offsetof(PbCredential, valid_from), false},
	{"valid_until", "有效期截止", offsetof(PbCredential, valid_until), false},
	{"region", "证照所属管辖属地编码", offsetof(PbCredential, region), false},
};

static unsigned column_find(const char *name)
{
	unsigned i = 0;
	while (i < COLUMNS_COUNT && strcmp(columns[i].name, name) != 0 &&
	       strcmp(columns[i].chinese, name) != 0)
		i++;
	return i;
}

/* Copies what may be shown of |name|, cut between characters. */
static const char *shown(char out[COLUMN_SHOWN_BYTES + 1], const char *name)
{
	size_t size = strnlen(name, COLUMN_SHOWN_BYTES + 1);
	if (size > COLUMN_SHOWN_BYTES) {
		size = COLUMN_SHOWN_BYTES;
		while (size > 0 && ((unsigned char)name[size] & 0xC0) == 0x80)
			size--;
	}
	memcpy(out, name, size);
	out[size] = 0;
	return out;
}

/* ---- CSV */

/* Copies |line| into |arena| to be taken apart there. NULL: not a line of text. */
static char *line_take(struct tb_bytes line, struct tb_arena *arena, struct tb_error *err)
{
	if (line.size > 0 && line.data[line.size - 1] == '\n')
		line.size--;
	if (line.size > 0 && line.data[line.size - 1] == '\r')
		line.size--;
	if (line.size > TB_IMPORT_LINE_BYTES_MAX) {
		tb_fail(err, TB_ETOOBIG, "line over %d bytes", TB_IMPORT_LINE_BYTES_MAX);
		return NULL;
	}
	if (!tb_text_printable(line)) {
		bool utf8 = tb_utf8_valid(line);
		tb_fail(err, TB_EMALFORMED, "line is %s", utf8 ? "not printable text" : "not UTF-8 (GBK?)");
		return NULL;
	}
	return tb_arena_copy(arena, line.data, line.size);
}

static enum tb_code header_attribute(struct record_csv *csv, const char *name, size_t *names_used,
                                     struct tb_error *err)
{
	size_t size = strlen(name);
	char show[COLUMN_SHOWN_BYTES + 1];
	if (size == 0 || size > TB_NAME_BYTES_MAX)
		return tb_fail(err, TB_EMALFORMED, "column %zu: attribute name of 1 to %d bytes expected",
		               csv->columns_count + 1, TB_NAME_BYTES_MAX);
	for (size_t i = 0; i < csv->columns_count; i++) {
		if (csv->columns[i] == ATTRIBUTE && strcmp(csv->names + csv->names_at[i], name) == 0)
			return tb_fail(err, TB_EMALFORMED, "column \"attr.%s\" is there twice",
			               shown(show, name));
	}
	if (csv->attributes_count == TB_ATTRIBUTES_MAX || size + 1 > sizeof(csv->names) - *names_used)
		return tb_fail(err, TB_ETOOBIG, "attributes: more than %d, or names over %d bytes",
		               TB_ATTRIBUTES_MAX, RECORD_NAMES_BYTES_MAX);
	csv->columns[csv->columns_count] = ATTRIBUTE;
	csv->names_at[csv->columns_count] = (uint16_t)*names_used;
	memcpy(csv->names + *names_used, name, size + 1);
	*names_used += size + 1;
	csv->attributes_count++;
	csv->columns_count++;
	return TB_OK;
}

static enum tb_code header_column(struct record_csv *csv, const char *name, bool seen[COLUMNS_COUNT],
                                  size_t *names_used, struct tb_error *err)
{
	char show[COLUMN_SHOWN_BYTES + 1];
	if (strncmp(name, "attr.", 5) == 0)
		return header_attribute(csv, name + 5, names_used, err);
	unsigned column = column_find(name);
	/* The first line of a file without a header holds people's data: before a known column, nothing is
	 * repeated. */
	if (column == COLUMNS_COUNT && csv->columns_count == 0)
		return tb_fail(err, TB_EMALFORMED, "column 1 is unknown: is this the header line?");
	if (column == COLUMNS_COUNT)
		return tb_fail(err, TB_EMALFORMED, "column \"%s\" is unknown", shown(show, name));
	if (seen[column])
		return tb_fail(err, TB_EMALFORMED, "column \"%s\" is there twice", shown(show, name));
	seen[column] = true;
	csv->columns[csv->columns_count++] = (uint8_t)column;
	return TB_OK;
}

static enum tb_code header_read(struct record_csv *csv, char *text, struct tb_error *err)
{
	bool seen[COLUMNS_COUNT] = {false};
	size_t names_used = 0;
	enum tb_code code = TB_OK;
	enum tb_csv follows = TB_CSV_CELL;
	while (follows == TB_CSV_CELL && code == TB_OK) {
		char *name;
		follows = tb_csv_cell(&text, &name);
		if (follows == TB_CSV_BAD)
			return tb_fail(err, TB_EMALFORMED, "column %zu is badly quoted (RFC 4180)",
			               csv->columns_count + 1);
		code = header_column(csv, name, seen, &names_used, err);
	}
	for (unsigned i = 0; i < COLUMNS_COUNT && code == TB_OK; i++) {
		if (columns[i].required && !seen[i])
			code = tb_fail(err, TB_EMALFORMED, "column \"%s\" is missing", columns[i].name);
	}
	return code;
}

enum tb_code record_csv_header(struct record_csv *csv, struct tb_bytes line, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct tb_error why = {0};
	csv->columns_count = 0;
	csv->attributes_count = 0;
	if (line.size >= 3 && memcmp(line.data, "\xEF\xBB\xBF", 3) == 0)
		line = tb_bytes_of(line.data + 3, line.size - 3);
	char *text = line_take(line, &arena, &why);
	enum tb_code code = text ? header_read(csv, text, &why) : why.code;
	if (code)
		tb_fail_at(err, code, &why, "header");
	tb_arena_clear(&arena);
	return code;
}

static size_t parts_count(const char *text)
{
	size_t count = *text ? 1 : 0;
	for (; *text; text++)
		count += *text == '|';
	return count;
}

static char *part_next(char **at)
{
	char *part = *at;
	char *end = strchrnul(part, '|');
	*at = *end ? end + 1 : end;
	*end = 0;
	return part;
}

static enum tb_code holders_split(PbCredential *credential, char *types, char *codes, char *names,
                                  struct tb_arena *arena, struct tb_error *err)
{
	size_t count = parts_count(codes);
	size_t types_count = parts_count(types);
	size_t names_count = parts_count(names);
	if (types_count != count || (names_count != 0 && names_count != count))
		return tb_fail(err, TB_EMALFORMED, "holders: %zu code types, %zu codes, %zu names",
		               types_count, count, names_count);
	if (count > TB_HOLDERS_MAX)
		return tb_fail(err, TB_ETOOBIG, "holders: more than %d", TB_HOLDERS_MAX);
	credential->holders = tb_arena_alloc(arena, count * sizeof(*credential->holders));
	credential->n_holders = count;
	for (size_t i = 0; i < count; i++) {
		PbHolder *holder = PROTO_NEW(PbHolder, holder, arena);
		holder->code_type = part_next(&types);
		holder->code = part_next(&codes);
		holder->name = part_next(&names);
		credential->holders[i] = holder;
	}
	return TB_OK;
}

static void attribute_add(PbCredential *credential, const char *name, char *value, struct tb_arena *arena)
{
	PbAttribute *attribute = PROTO_NEW(PbAttribute, attribute, arena);
	attribute->name = tb_arena_str(arena, name);
	attribute->value = value;
	credential->attributes[credential->n_attributes++] = attribute;
}

enum tb_code record_from_csv(PbCredential **out, const struct record_csv *csv, struct tb_bytes line,
                             struct tb_arena *arena, struct tb_error *err)
{
	*out = NULL;
	assert(csv->columns_count > 0);
	char *at = line_take(line, arena, err);
	if (!at)
		return line.size > TB_IMPORT_LINE_BYTES_MAX ? TB_ETOOBIG : TB_EMALFORMED;
	PbCredential *credential = PROTO_NEW(PbCredential, credential, arena);
	char *none = tb_arena_str(arena, ""); /* In the arena: a holder without a name keeps it. */
	char *holders[3] = {none, none, none};
	size_t count = 0;
	if (csv->attributes_count > 0)
		credential->attributes =
			tb_arena_alloc(arena, csv->attributes_count * sizeof(*credential->attributes));
	for (enum tb_csv follows = TB_CSV_CELL; follows == TB_CSV_CELL; count++) {
		char *value;
		follows = tb_csv_cell(&at, &value);
		if (follows == TB_CSV_BAD)
			return tb_fail(err, TB_EMALFORMED, "column %zu is badly quoted (RFC 4180)",
			               count + 1);
		if (count >= csv->columns_count)
			continue;
		unsigned column = csv->columns[count];
		if (column <= HOLDER_NAME)
			holders[column] = value;
		else if (column < COLUMNS_COUNT)
			*(char **)(void *)((char *)credential + columns[column].offset) = value;
		else if (*value)
			attribute_add(credential, csv->names + csv->names_at[count], value, arena);
	}
	if (count != csv->columns_count)
		return tb_fail(err, TB_EMALFORMED, "line has %zu columns, the header %zu", count,
		               csv->columns_count);
	enum tb_code code = holders_split(credential, holders[HOLDER_CODE_TYPE], holders[HOLDER_CODE],
	                                  holders[HOLDER_NAME], arena, err);
	if (code)
		return code;
	record_fold(credential, arena);
	*out = credential;
	return TB_OK;
}

enum tb_code record_from_json(PbCredential **out, struct tb_bytes line, struct tb_arena *arena,
                              struct tb_error *err)
{
	*out = NULL;
	if (line.size > TB_IMPORT_LINE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "line over %d bytes", TB_IMPORT_LINE_BYTES_MAX);
	proto_message *message = NULL;
	enum tb_code code = proto_json_decode(&message, &pb_credential__descriptor, line, arena, err);
	if (code)
		return code;
	*out = (PbCredential *)(void *)message;
	record_fold(*out, arena);
	return TB_OK;
}

/* ---- folding */

/* True if folding leaves |code| as it is; false if it may not. */
static bool folded_already(const char *code)
{
	while ((*code >= '0' && *code <= '9') || (*code >= 'A' && *code <= 'Z') || *code == '.')
		code++;
	return *code == 0;
}

static void fold_code(char **text, struct tb_arena *arena)
{
	char folded[TB_ID_BYTES_MAX + 1];
	if (folded_already(*text))
		return;
	/* What does not fit is too long as it stands, and record_check() will say so. */
	if (ident_fold(folded, sizeof(folded), *text) && strcmp(folded, *text) != 0)
		*text = tb_arena_str(arena, folded);
}

static void fold_date(char **text, struct tb_arena *arena)
{
	tb_day day;
	if (strnlen(*text, 9) != 8 || !tb_day_parse(*text, &day))
		return;
	*text = tb_arena_alloc(arena, 11);
	tb_day_format(*text, day);
}

void record_fold(PbCredential *credential, struct tb_arena *arena)
{
	fold_code(&credential->identifier, arena);
	fold_code(&credential->type, arena);
	fold_code(&credential->issuer, arena);
	fold_code(&credential->region, arena);
	for (size_t i = 0; i < credential->n_holders; i++) {
		fold_code(&credential->holders[i]->code_type, arena);
		fold_code(&credential->holders[i]->code, arena);
	}
	fold_date(&credential->issued_on, arena);
	fold_date(&credential->valid_from, arena);
	fold_date(&credential->valid_until, arena);
	if (strcmp(credential->valid_until, "长期") == 0)
		credential->valid_until = tb_arena_str(arena, "");
}

/* ---- checking */

static enum tb_code check_text(const char *text, size_t bytes_max, bool required, const char *field,
                               struct tb_error *err)
{
	if (required && text[0] == 0)
		return tb_fail(err, TB_EINVALID, "%s: missing", field);
	if (strnlen(text, bytes_max + 1) > bytes_max)
		return tb_refuse(err, TB_REASON_FILE_BIG, field, TB_NUMBER(bytes_max), NULL);
	return TB_OK;
}

static enum tb_code check_texts(const PbCredential *credential, struct tb_error *err)
{
	const struct {
		const char *text;
		size_t bytes_max;
		bool required;
		const char *field;
	} texts[] = {
		{credential->identifier, TB_ID_BYTES_MAX, false, "identifier"},
		{credential->type, TB_ID_BYTES_MAX, true, "type"},
		{credential->type_name, TB_NAME_BYTES_MAX, false, "type_name"},
		{credential->number, TB_ID_BYTES_MAX, true, "number"},
		{credential->name, TB_NAME_BYTES_MAX, true, "name"},
		{credential->issuer, TB_ID_BYTES_MAX, true, "issuer"},
		{credential->issuer_name, TB_NAME_BYTES_MAX, false, "issuer_name"},
	};
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && code == TB_OK; i++)
		code = check_text(texts[i].text, texts[i].bytes_max, texts[i].required, texts[i].field, err);
	return code;
}

static enum tb_code check_identifier(const PbCredential *credential, struct tb_error *err)
{
	if (!ident_type_valid(credential->type))
		return tb_fail(err, TB_EINVALID, "type: not a USCC and three digits (GB/T 36903)");
	if (!ident_issuer_valid(credential->issuer))
		return tb_fail(err, TB_EINVALID, "issuer: not 1 to %d digits and capitals",
		               IDENT_ISSUER_CHARS_MAX);
	if (credential->identifier[0] == 0)
		return TB_OK;
	enum tb_code code = ident_credential_check(credential->identifier, err);
	if (code)
		return code;
	static const char root[] = "1.2.156.3005.2.";
	if (strncmp(credential->identifier + sizeof(root) - 1, credential->type, IDENT_TYPE_CHARS) != 0)
		return tb_fail(err, TB_EINVALID, "identifier: of another type than the field type says");
	return TB_OK;
}

static enum tb_code check_holders(const PbCredential *credential, tb_day today, struct tb_error *err)
{
	struct tb_error why;
	if (credential->n_holders == 0)
		return tb_fail(err, TB_EINVALID, "holders: missing");
	if (credential->n_holders > TB_HOLDERS_MAX)
		return tb_fail(err, TB_ETOOBIG, "holders: more than %d", TB_HOLDERS_MAX);
	for (size_t i = 0; i < credential->n_holders; i++) {
		const PbHolder *holder = credential->holders[i];
		enum tb_code code = ident_holder_check(holder->code_type, holder->code, today, &why);
		if (!code)
			code = check_text(holder->name, TB_NAME_BYTES_MAX, false, "name", &why);
		if (code)
			return tb_fail(err, code, "holders[%zu].%s", i, why.text);
	}
	return TB_OK;
}

static enum tb_code check_attributes(const PbCredential *credential, struct tb_error *err)
{
	struct tb_error why;
	if (credential->n_attributes > TB_ATTRIBUTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "attributes: more than %d", TB_ATTRIBUTES_MAX);
	for (size_t i = 0; i < credential->n_attributes; i++) {
		const PbAttribute *attribute = credential->attributes[i];
		enum tb_code code = check_text(attribute->name, TB_NAME_BYTES_MAX, true, "name", &why);
		if (!code)
			code = check_text(attribute->value, TB_TEXT_BYTES_MAX, false, "value", &why);
		for (size_t k = 0; k < i && !code; k++) {
			if (strcmp(credential->attributes[k]->name, attribute->name) == 0)
				code = tb_fail(&why, TB_EINVALID, "name: there twice");
		}
		if (code)
			return tb_fail(err, code, "attributes[%zu].%s", i, why.text);
	}
	return TB_OK;
}

/* An empty date leaves *day as it is. */
static enum tb_code check_date(const char *text, const char *field, tb_day *day, struct tb_error *err)
{
	if (text[0] == 0)
		return TB_OK;
	if (strnlen(text, 11) != 10 || !tb_day_parse(text, day))
		return tb_fail(err, TB_EINVALID, "%s: not a date YYYY-MM-DD", field);
	return TB_OK;
}

static enum tb_code check_dates(const PbCredential *credential, tb_day today, struct tb_error *err)
{
	tb_day issued = 0, from = INT32_MIN, until = INT32_MAX;
	if (credential->issued_on[0] == 0)
		return tb_fail(err, TB_EINVALID, "issued_on: missing");
	enum tb_code code = check_date(credential->issued_on, "issued_on", &issued, err);
	if (!code)
		code = check_date(credential->valid_from, "valid_from", &from, err);
	if (!code)
		code = check_date(credential->valid_until, "valid_until", &until, err);
	if (code)
		return code;
	if (issued > today)
		return tb_fail(err, TB_EINVALID, "issued_on: in the future");
	if (until < from)
		return tb_fail(err, TB_EINVALID, "valid_until: before valid_from");
	if (until < issued)
		return tb_fail(err, TB_EINVALID, "valid_until: before issued_on");
	return TB_OK;
}

/* Codes below a province come and go (GB/T 2260), so only the province is compared. */
static enum tb_code check_region(const char *region, const char *home_region, struct tb_error *err)
{
	if (region[0] == 0)
		return TB_OK;
	if (strspn(region, "0123456789") != 6 || region[6] != 0)
		return tb_fail(err, TB_EINVALID, "region: not 6 digits (GB/T 2260)");
	if (strcmp(home_region, "100000") != 0 && strncmp(region, home_region, 2) != 0)
		return tb_fail(err, TB_EINVALID, "region: in another province than this node");
	return TB_OK;
}

enum tb_code record_check(const PbCredential *credential, const char *home_region, tb_day today,
                          struct tb_error *err)
{
	enum tb_code code = check_texts(credential, err);
	if (!code)
		code = check_identifier(credential, err);
	if (!code)
		code = check_holders(credential, today, err);
	if (!code)
		code = check_attributes(credential, err);
	if (!code)
		code = check_dates(credential, today, err);
	if (!code)
		code = check_region(credential->region, home_region, err);
	return code;
}
