#include "node/core/ident.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CREDENTIAL_ROOT "1.2.156.3005.2."

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 0-9 A-Z as 0..35; -1 for anything else. */
static int value36(char c)
{
	if (digit(c))
		return c - '0';
	return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : -1;
}

static size_t span_digits(const char *text)
{
	return strspn(text, "0123456789");
}

static size_t span36(const char *text)
{
	size_t size = 0;
	while (value36(text[size]) >= 0)
		size++;
	return size;
}

/* "YYYYMMDD" at |text|, of which at least 8 characters are there. */
static bool day_at(const char *text, tb_day *day)
{
	char date[9];
	memcpy(date, text, 8);
	date[8] = 0;
	return tb_day_parse(date, day);
}

/* ---- people and organisations */

bool ident_citizen_valid(const char *code, tb_day today)
{
	static const int weights[17] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
	static const char checks[] = "10X98765432";
	int sum = 0;
	for (int i = 0; i < 17; i++) {
		if (!digit(code[i]))
			return false;
		sum += weights[i] * (code[i] - '0');
	}
	tb_day born;
	return code[0] != '0' && code[17] == checks[sum % 11] && code[18] == 0 && day_at(code + 6, &born) &&
	       born <= today;
}

/* GB 11714: 8 characters and the check character. */
static bool organisation_valid(const char *code)
{
	static const int weights[8] = {3, 7, 9, 10, 5, 8, 4, 2};
	int sum = 0;
	for (int i = 0; i < 8; i++)
		sum += weights[i] * value36(code[i]);
	int check = (11 - sum % 11) % 11;
	return code[8] == (check == 10 ? 'X' : (char)('0' + check));
}

/* GB 32100, table 2: 0-9 A-Z without I O S V Z. */
static int uscc_value(char c)
{
	static const signed char letters[26] = {10, 11, 12, 13, 14, 15, 16, 17, -1, 18, 19, 20, 21,
	                                        22, -1, 23, 24, 25, -1, 26, 27, -1, 28, 29, 30, -1};
	if (digit(c))
		return c - '0';
	return c >= 'A' && c <= 'Z' ? letters[c - 'A'] : -1;
}

/* The first 18 characters of |code|. */
static bool uscc_leads(const char *code)
{
	static const int weights[17] = {1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28};
	int sum = 0;
	for (int i = 0; i < 17; i++) {
		int value = uscc_value(code[i]);
		if (value < 0 || (i >= 2 && i < 8 && value > 9)) /* 3 to 8: region code */
			return false;
		sum += weights[i] * value;
	}
	return uscc_value(code[17]) == (31 - sum % 31) % 31 && organisation_valid(code + 8);
}

bool ident_uscc_valid(const char *code)
{
	return uscc_leads(code) && code[IDENT_USCC_CHARS] == 0;
}

/* ---- folding */

/* The half-width character for the full-width digit or letter at |text| (3 bytes of UTF-8), or 0. */
static char half_width(const unsigned char *text)
{
	if (text[0] != 0xEF || (text[1] != 0xBC && text[1] != 0xBD))
		return 0;
	if (text[1] == 0xBC && text[2] >= 0x90 && text[2] <= 0x99) /* U+FF10 */
		return (char)('0' + (text[2] - 0x90));
	if (text[1] == 0xBC && text[2] >= 0xA1 && text[2] <= 0xBA) /* U+FF21 */
		return (char)('A' + (text[2] - 0xA1));
	if (text[1] == 0xBD && text[2] >= 0x81 && text[2] <= 0x9A) /* U+FF41, folded */
		return (char)('A' + (text[2] - 0x81));
	return 0;
}

/* Bytes of the space at |text|: 1, 3 (U+3000) or 0 if there is none. */
static size_t space_at(const char *text)
{
	if (*text == ' ' || *text == '\t')
		return 1;
	return memcmp(text, "\xE3\x80\x80", strnlen(text, 3)) == 0 && strnlen(text, 3) == 3 ? 3 : 0;
}

bool ident_fold(char *out, size_t room, const char *text)
{
	assert(room > 0);
	size_t size = 0;
	size_t trimmed = 0; /* bytes up to the last that is no space */
	for (size_t space = space_at(text); space > 0; space = space_at(text))
		text += space;
	while (*text) {
		size_t space = space_at(text);
		char half = half_width((const unsigned char *)text);
		size_t step = half ? 3 : space ? space : 1;
		for (size_t i = 0; i < (half ? 1 : step) && size < room; i++) {
			char c = half ? half : text[i];
			out[size++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
		}
		if (!space)
			trimmed = size;
		/* Only spaces may be behind the room. */
		if (trimmed >= room) {
			out[0] = 0;
			return false;
		}
		text += step;
	}
	out[trimmed] = 0;
	return true;
}

/* ---- certificates */

/* p is 1 to 36, as the standard takes 0 for 36; no division, since every stored certificate passes here. */
static int mod37_36_step(int p, int value)
{
	p += value;
	if (p > 36)
		p -= 36;
	p *= 2;
	return p > 37 ? p - 37 : p;
}

static char mod37_36_end(int p)
{
	return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(37 - p) % 36];
}

/* The check character over the first |size| bytes of |text|, which are 0-9 A-Z or dots. */
static char mod37_36_of(const char *text, size_t size)
{
	int p = 36;
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '.')
			p = mod37_36_step(p, value36(text[i]));
	}
	return mod37_36_end(p);
}

char ident_mod37_36(const char *text)
{
	size_t dots = 0;
	size_t size = 0;
	for (; text[size]; size++) {
		if (text[size] == '.')
			dots++;
		else if (value36(text[size]) < 0)
			return 0;
	}
	return size > dots ? mod37_36_of(text, size) : 0;
}

static bool type_leads(const char *type)
{
	return uscc_leads(type) && digit(type[18]) && digit(type[19]) && digit(type[20]);
}

bool ident_type_valid(const char *type)
{
	return type_leads(type) && type[IDENT_TYPE_CHARS] == 0;
}

bool ident_issuer_valid(const char *issuer)
{
	size_t size = span36(issuer);
	return size >= 1 && size <= IDENT_ISSUER_CHARS_MAX && issuer[size] == 0;
}

static enum tb_code credential_fail(struct tb_error *err, const char *what)
{
	return tb_fail(err, TB_EINVALID, "identifier: %s (GB/T 36904)", what);
}

enum tb_code ident_credential_check(const char *identifier, struct tb_error *err)
{
	size_t root = sizeof(CREDENTIAL_ROOT) - 1;
	if (strncmp(identifier, CREDENTIAL_ROOT, root) != 0)
		return credential_fail(err, "does not begin with " CREDENTIAL_ROOT);
	const char *type = identifier + root;
	if (span36(type) != IDENT_TYPE_CHARS || !type_leads(type) || type[IDENT_TYPE_CHARS] != '.')
		return credential_fail(err, "type is not a USCC and three digits");
	const char *issuer = type + IDENT_TYPE_CHARS + 1;
	size_t size = span36(issuer);
	if (size < 1 || size > IDENT_ISSUER_CHARS_MAX || issuer[size] != '.')
		return credential_fail(err, "issuer is not 1 to 32 digits and capitals");
	const char *serial = issuer + size + 1;
	size = span36(serial);
	if (size < 1 || size > IDENT_SERIAL_CHARS_MAX || serial[size] != '.')
		return credential_fail(err, "serial is not 1 to 32 digits and capitals");
	const char *version = serial + size + 1;
	if (span_digits(version) != 3 || version[3] != '.' || strncmp(version, "000", 3) == 0)
		return credential_fail(err, "version is not 001 to 999");
	const char *check = version + 4;
	if (value36(check[0]) < 0 || check[1] != 0)
		return credential_fail(err, "does not end in one check character");
	/* The root is left out. */
	if (check[0] != mod37_36_of(type, (size_t)(check - type)))
		return credential_fail(err, "check character is wrong");
	return TB_OK;
}

void ident_credential_make(char out[TB_ID_BYTES_MAX], const char *type, const char *issuer,
                           const char *serial, unsigned version)
{
	size_t serial_size = span36(serial);
	assert(ident_type_valid(type));
	assert(ident_issuer_valid(issuer));
	assert(serial_size >= 1 && serial_size <= IDENT_SERIAL_CHARS_MAX && serial[serial_size] == 0);
	assert(version >= 1 && version <= 999);
	size_t root = sizeof(CREDENTIAL_ROOT) - 1;
	/* By hand: an import makes hundreds of thousands of these. */
	char digits[4] = {(char)('0' + version / 100), (char)('0' + version / 10 % 10),
	                  (char)('0' + version % 10), 0};
	const char *const parts[] = {type, issuer, serial, digits};
	size_t size = root;
	memcpy(out, CREDENTIAL_ROOT, root);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t part = strlen(parts[i]);
		assert(size + part + 3 < TB_ID_BYTES_MAX);
		memcpy(out + size, parts[i], part);
		size += part;
		out[size++] = '.';
	}
	out[size] = mod37_36_of(out + root, size - root);
	out[size + 1] = 0;
}

/* ---- holders */

enum { HOLDER_CODE_BYTES_MAX = 64 };

/* data/holder_types.tsv, ascending. */
static const struct holder_type {
	char code[4];
	const char *name;
} holder_types[] = {
	{"001", "统一社会信用代码"},
	{"099", "其他法人或其他组织有效证件代码"},
	{"111", "公民身份号码"},
	{"114", "中国人民解放军军官证编号"},
	{"115", "中国人民武装警察部队警官证编号"},
	{"118", "中国人民解放军士兵证编号"},
	{"119", "中国人民武装警察部队士兵证编号"},
	{"120", "中国人民解放军文职人员证编号"},
	{"122", "中国人民武装警察部队文职人员证编号"},
	{"411", "外交护照护照号"},
	{"412", "公务护照护照号"},
	{"413", "公务普通护照护照号"},
	{"414", "普通护照护照号"},
	{"511", "台湾居民来往大陆通行证号码"},
	{"516", "港澳居民来往内地通行证号码"},
	{"999", "其他自然人有效证件代码"},
};

const char *ident_holder_type_name(const char *code_type)
{
	for (size_t i = 0; i < sizeof(holder_types) / sizeof(holder_types[0]); i++) {
		if (strcmp(holder_types[i].code, code_type) == 0)
			return holder_types[i].name;
	}
	return NULL;
}

enum tb_code ident_holder_check(const char *code_type, const char *code, tb_day today, struct tb_error *err)
{
	if (!ident_holder_type_name(code_type))
		return tb_fail(err, TB_EINVALID, "code_type: not a holder code type (GB/T 36903)");
	if (strcmp(code_type, "001") == 0) {
		if (!ident_uscc_valid(code))
			return tb_fail(err, TB_EINVALID, "code: not a unified social credit code (GB 32100)");
		return TB_OK;
	}
	if (strcmp(code_type, "111") == 0) {
		if (!ident_citizen_valid(code, today))
			return tb_fail(err, TB_EINVALID, "code: not a citizen number (GB 11643)");
		return TB_OK;
	}
	size_t size = strnlen(code, HOLDER_CODE_BYTES_MAX + 1);
	if (size == 0 || size > HOLDER_CODE_BYTES_MAX || !tb_text_printable(tb_bytes_of(code, size)))
		return tb_fail(err, TB_EINVALID, "code: not 1 to %d bytes of printable text",
		               HOLDER_CODE_BYTES_MAX);
	return TB_OK;
}

/* ---- cases and items */

void ident_case_number(char out[IDENT_CASE_ROOM], const char *region, tb_day day, uint32_t sequence)
{
	assert(span_digits(region) == 6 && region[6] == 0);
	assert(sequence <= IDENT_CASE_SEQUENCE_MAX);
	int year, month, day_of_month;
	tb_day_split(day, &year, &month, &day_of_month);
	snprintf(out, IDENT_CASE_ROOM, "%s%04u%02u%02u%07u", region, (unsigned)year % 10000U,
	         (unsigned)month % 100U, (unsigned)day_of_month % 100U, sequence % 10000000U);
	out[21] = mod37_36_of(out, 21);
	out[22] = 0;
}

enum tb_code ident_case_number_check(const char *number, struct tb_error *err)
{
	tb_day day;
	size_t digits = span_digits(number);
	/* The check character may be a digit too. */
	if (digits < 21 || digits > 22 || span36(number) != 22 || number[22] != 0)
		return tb_fail(err, TB_EINVALID, "case number: not 21 digits and a check character");
	if (!day_at(number + 6, &day))
		return tb_fail(err, TB_EINVALID, "case number: holds no real date");
	if (number[21] != mod37_36_of(number, 21))
		return tb_fail(err, TB_EINVALID, "case number: check character is wrong");
	return TB_OK;
}

enum tb_code ident_item_check(const char *code, struct tb_error *err)
{
	size_t size = strnlen(code, IDENT_ITEM_CHARS_MAX + 1);
	bool old = size == 10 || size == 12 || size == 24;
	if (!old && (size < 31 || size > IDENT_ITEM_CHARS_MAX))
		return tb_fail(err, TB_EINVALID, "item code: has neither 10, 12, 24 nor 31 to 50 characters");
	if (span36(code) != size)
		return tb_fail(err, TB_EINVALID, "item code: not digits and capitals only");
	if (old)
		return TB_OK;
	if (!uscc_leads(code))
		return tb_fail(err, TB_EINVALID, "item code: does not begin with a USCC (GB 32100)");
	if (code[18] < '1' || code[18] > '7')
		return tb_fail(err, TB_EINVALID, "item code: level is not 1 to 7 (GB/T 39046, A.2)");
	if (span_digits(code + 19) < 12)
		return tb_fail(err, TB_EINVALID, "item code: no 12 digits after the level");
	return TB_OK;
}
