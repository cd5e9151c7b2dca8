#include "proto/jsonlex_priv.h"

#include <assert.h>

#include "base/limits.h"

void proto_jsonlex_init(struct proto_jsonlex *lex, struct tb_bytes json, struct tb_error *err)
{
	const uint8_t *start = json.size ? json.data : (const uint8_t *)"";
	*lex = (struct proto_jsonlex){
		.start = start, .at = start, .end = start + json.size, .values = 1, .err = err};
}

void proto_jsonlex_clear(struct proto_jsonlex *lex)
{
	tb_buf_clear(&lex->text);
}

enum tb_code proto_jsonlex_refuse(const struct proto_jsonlex *lex, const char *why)
{
	return tb_fail(lex->err, TB_EMALFORMED, "byte %zu: %s", (size_t)(lex->at - lex->start), why);
}

enum tb_code proto_jsonlex_refuse_syntax(const struct proto_jsonlex *lex)
{
	return proto_jsonlex_refuse(lex, lex->at == lex->end ? "JSON ends too early" : "not JSON");
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool stands_here(const struct proto_jsonlex *lex, const char *literal)
{
	size_t size = strlen(literal);
	return (size_t)(lex->end - lex->at) >= size && memcmp(lex->at, literal, size) == 0;
}

bool proto_jsonlex_is_value(struct proto_jsonlex *lex)
{
	int next = proto_jsonlex_peek(lex);
	return next == '{' || next == '[' || next == '"' || next == '-' || is_digit(next) ||
	       stands_here(lex, "null") || stands_here(lex, "true") || stands_here(lex, "false");
}

bool proto_jsonlex_literal(struct proto_jsonlex *lex, const char *literal)
{
	if (proto_jsonlex_peek(lex) != *literal || !stands_here(lex, literal))
		return false;
	lex->at += strlen(literal);
	return true;
}

static enum tb_code count_value(struct proto_jsonlex *lex)
{
	if (++lex->values <= TB_JSON_VALUES_MAX)
		return TB_OK;
	return tb_fail(lex->err, TB_ETOOBIG, "over %d values", (int)TB_JSON_VALUES_MAX);
}

enum tb_code proto_jsonlex_open(struct proto_jsonlex *lex, char close, bool *more)
{
	assert(proto_jsonlex_peek(lex) == close - 2); /* In ASCII, '{' and '}', '[' and ']' are two apart. */
	lex->at++;
	*more = proto_jsonlex_peek(lex) != close;
	if (!*more)
		lex->at++;
	return count_value(lex);
}

enum tb_code proto_jsonlex_next(struct proto_jsonlex *lex, char close, bool *more)
{
	int next = proto_jsonlex_peek(lex);
	*more = next == ',';
	if (!*more && next != close)
		return proto_jsonlex_refuse_syntax(lex);
	lex->at++;
	return *more ? count_value(lex) : TB_OK;
}

/* ---------------------------------------------------------------- numbers */

static void pass_digits(struct proto_jsonlex *lex)
{
	while (lex->at < lex->end && is_digit(*lex->at))
		lex->at++;
}

/* RFC 8259, section 6. */
enum tb_code proto_jsonlex_number(struct proto_jsonlex *lex, struct tb_bytes *out)
{
	const uint8_t *from = lex->at;
	if (lex->at < lex->end && *lex->at == '-')
		lex->at++;
	const uint8_t *digits = lex->at;
	pass_digits(lex);
	if (lex->at == digits)
		return proto_jsonlex_refuse_syntax(lex);
	if (*digits == '0' && lex->at - digits > 1) {
		lex->at = digits + 1;
		return proto_jsonlex_refuse_syntax(lex);
	}
	if (lex->at < lex->end && *lex->at == '.') {
		digits = ++lex->at;
		pass_digits(lex);
		if (lex->at == digits)
			return proto_jsonlex_refuse_syntax(lex);
	}
	if (lex->at < lex->end && (*lex->at == 'e' || *lex->at == 'E')) {
		lex->at++;
		if (lex->at < lex->end && (*lex->at == '+' || *lex->at == '-'))
			lex->at++;
		digits = lex->at;
		pass_digits(lex);
		if (lex->at == digits)
			return proto_jsonlex_refuse_syntax(lex);
	}
	*out = tb_bytes_of(from, (size_t)(lex->at - from));
	return TB_OK;
}

/* ---------------------------------------------------------------- texts */

/* Four hex digits; -1 if they are not. */
static int32_t hex_unit(struct proto_jsonlex *lex)
{
	uint32_t unit = 0;
	for (int i = 0; i < 4; i++, lex->at++) {
		uint8_t c = lex->at < lex->end ? *lex->at : 0;
		uint8_t lower = c | 0x20;
		if (is_digit(c))
			unit = unit << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			unit = unit << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return -1;
	}
	return (int32_t)unit;
}

static uint8_t *put_utf8(uint8_t *to, uint32_t point)
{
	if (point < 0x80) {
		*to++ = (uint8_t)point;
		return to;
	}
	if (point < 0x800) {
		*to++ = (uint8_t)(0xC0 | point >> 6);
	} else {
		if (point < 0x10000) {
			*to++ = (uint8_t)(0xE0 | point >> 12);
		} else {
			*to++ = (uint8_t)(0xF0 | point >> 18);
			*to++ = (uint8_t)(0x80 | (point >> 12 & 0x3F));
		}
		*to++ = (uint8_t)(0x80 | (point >> 6 & 0x3F));
	}
	*to++ = (uint8_t)(0x80 | (point & 0x3F));
	return to;
}

/* What follows "\u". A character beyond U+FFFF is written as a pair of surrogates, which are none alone. */
static enum tb_code unescape_unit(struct proto_jsonlex *lex, uint8_t **to)
{
	int32_t point = hex_unit(lex);
	if (point == 0)
		return proto_jsonlex_refuse(lex, "a text holds NUL");
	if (point >= 0xD800 && point <= 0xDBFF && stands_here(lex, "\\u")) {
		lex->at += 2;
		int32_t low = hex_unit(lex);
		if (low < 0xDC00 || low > 0xDFFF)
			return proto_jsonlex_refuse_syntax(lex);
		point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
	}
	if (point < 0 || (point >= 0xD800 && point <= 0xDFFF))
		return proto_jsonlex_refuse_syntax(lex);
	*to = put_utf8(*to, (uint32_t)point);
	return TB_OK;
}

/* At a backslash. */
static inline enum tb_code unescape(struct proto_jsonlex *lex, uint8_t **to)
{
	static const uint8_t meanings[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	lex->at++;
	if (lex->at == lex->end)
		return proto_jsonlex_refuse_syntax(lex);
	uint8_t meaning = meanings[*lex->at];
	if (meaning) {
		lex->at++;
		*(*to)++ = meaning;
		return TB_OK;
	}
	if (*lex->at != 'u')
		return proto_jsonlex_refuse_syntax(lex);
	lex->at++;
	return unescape_unit(lex, to);
}

/* The text that began at |from| has a backslash at the next byte. */
static enum tb_code read_escaped(struct proto_jsonlex *lex, const uint8_t *from, struct tb_bytes *out)
{
	/* No escape stands for more bytes than it is written with. */
	lex->text.size = 0;
	tb_buf_reserve(&lex->text, (size_t)(lex->end - from) + PROTO_JSONLEX_SLACK);
	uint8_t *to = lex->text.data;
	size_t plain_size = (size_t)(lex->at - from);
	memcpy(to, from, plain_size);
	to += plain_size;
	while (lex->at < lex->end && *lex->at == '\\') {
		enum tb_code code = unescape(lex, &to);
		if (code != TB_OK)
			return code;
		lex->at = proto_jsonlex_copy(&to, lex->at, lex->end);
	}
	if (lex->at == lex->end || *lex->at != '"')
		return proto_jsonlex_refuse_syntax(lex);
	lex->at++;
	lex->text.size = (size_t)(to - lex->text.data);
	*out = tb_buf_bytes(&lex->text);
	return TB_OK;
}

enum tb_code proto_jsonlex_text(struct proto_jsonlex *lex, struct tb_bytes *out)
{
	assert(lex->at < lex->end && *lex->at == '"');
	const uint8_t *from = ++lex->at;
	lex->at = proto_jsonlex_plain(from, lex->end);
	if (lex->at == lex->end)
		return proto_jsonlex_refuse_syntax(lex);
	if (*lex->at == '\\')
		return read_escaped(lex, from, out);
	if (*lex->at != '"')
		return proto_jsonlex_refuse_syntax(lex);
	*out = tb_bytes_of(from, (size_t)(lex->at - from));
	lex->at++;
	return TB_OK;
}

enum tb_code proto_jsonlex_name(struct proto_jsonlex *lex, struct tb_bytes *out)
{
	if (proto_jsonlex_peek(lex) != '"')
		return proto_jsonlex_refuse_syntax(lex);
	enum tb_code code = proto_jsonlex_text(lex, out);
	if (code != TB_OK)
		return code;
	if (proto_jsonlex_peek(lex) != ':')
		return proto_jsonlex_refuse_syntax(lex);
	lex->at++;
	return TB_OK;
}
