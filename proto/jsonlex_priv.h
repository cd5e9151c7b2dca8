/* The words of JSON (RFC 8259): white space, brackets, texts, numbers, literals. Not for other rooms.
 *
 * json.c asks for the word that the contract expects next, so there is no tree and nothing that the contract
 * does not know is ever read. A number is handed out as it is written, and so is a text, but for its escapes.
 *
 * Bytes from 0x80 on are found in texts only, and are not judged here: whoever takes a text compares it with
 * names of ASCII, or checks its UTF-8 (proto_text_check()). */
#pragma once

#include <endian.h>
#include <string.h>

#include "base/bytes.h"

struct proto_jsonlex {
	const uint8_t *start; /* of the input */
	const uint8_t *at;    /* next byte */
	const uint8_t *end;
	size_t values;      /* begun so far; at most TB_JSON_VALUES_MAX */
	struct tb_buf text; /* of the text that was read last, if it held escapes */
	struct tb_error *err;
};

/* |json| must outlive |lex|. */
void proto_jsonlex_init(struct proto_jsonlex *lex, struct tb_bytes json, struct tb_error *err);
void proto_jsonlex_clear(struct proto_jsonlex *lex);

/* Every function below refuses with TB_EMALFORMED, naming the byte, unless another code is given. */

/* Refuses what stands at the next byte. */
enum tb_code proto_jsonlex_refuse(const struct proto_jsonlex *lex, const char *why);
/* The same for what is not JSON: says so, or that the input ends too early. */
enum tb_code proto_jsonlex_refuse_syntax(const struct proto_jsonlex *lex);

/* Skips white space. Returns the next byte, which is not passed; -1 at the end. */
static inline int proto_jsonlex_peek(struct proto_jsonlex *lex)
{
	const uint8_t *at = lex->at;
	while (at < lex->end && *at <= ' ' && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	lex->at = at;
	return at < lex->end ? *at : -1;
}

/* True if a value begins at the next byte. */
bool proto_jsonlex_is_value(struct proto_jsonlex *lex);

/* Passes |literal| if it comes next: "null", "true", "false". */
bool proto_jsonlex_literal(struct proto_jsonlex *lex, const char *literal);

/* Passes the opening bracket, which was peeked. *more tells whether a value follows before |close|, which is
 * passed if not. TB_ETOOBIG: over TB_JSON_VALUES_MAX. */
TB_MUST_CHECK enum tb_code proto_jsonlex_open(struct proto_jsonlex *lex, char close, bool *more);
/* The same after each value: passes a comma or |close|. */
TB_MUST_CHECK enum tb_code proto_jsonlex_next(struct proto_jsonlex *lex, char close, bool *more);

/* A text, whose quote was peeked. *out borrows from the input, or from |lex| until the next text is read. It
 * holds no NUL. */
TB_MUST_CHECK enum tb_code proto_jsonlex_text(struct proto_jsonlex *lex, struct tb_bytes *out);
/* A member's name and the colon behind it. */
TB_MUST_CHECK enum tb_code proto_jsonlex_name(struct proto_jsonlex *lex, struct tb_bytes *out);

/* A number, whose first byte was peeked. *out borrows from the input. */
TB_MUST_CHECK enum tb_code proto_jsonlex_number(struct proto_jsonlex *lex, struct tb_bytes *out);

/* Finds the first of eight bytes that a text cannot hold as it is: a quote, a backslash, a control character.
 * Its bit, 7 above the byte's lowest, is the lowest that is set; 0 if there is none. Above it, carries may
 * set others. */
static inline uint64_t proto_jsonlex_escapes(uint64_t eight)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t quote = eight ^ ('"' * ones);
	uint64_t backslash = eight ^ ('\\' * ones);
	return (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
	        ((eight - 0x20 * ones) & ~eight)) &
	       (0x80 * ones);
}

static inline bool proto_jsonlex_is_escape(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* The eight bytes at |at|, the first one lowest. */
static inline uint64_t proto_jsonlex_eight(const uint8_t *at)
{
	uint64_t eight;
	memcpy(&eight, at, 8);
	return le64toh(eight);
}

/* Passes what needs no escape. */
static inline const uint8_t *proto_jsonlex_plain(const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t found = proto_jsonlex_escapes(proto_jsonlex_eight(at));
		if (found)
			return at + (__builtin_ctzll(found) >> 3);
	}
	while (at < end && !proto_jsonlex_is_escape(*at))
		at++;
	return at;
}

enum { PROTO_JSONLEX_SLACK = 8 };

/* The same, copying it to *to, eight bytes at a time: behind what is copied, room for PROTO_JSONLEX_SLACK
 * bytes more is needed. Moves *to on. */
static inline const uint8_t *proto_jsonlex_copy(uint8_t **to, const uint8_t *at, const uint8_t *end)
{
	uint8_t *out = *to;
	for (; end - at >= 8; at += 8, out += 8) {
		uint64_t found = proto_jsonlex_escapes(proto_jsonlex_eight(at));
		memcpy(out, at, 8);
		if (found) {
			size_t size = (size_t)__builtin_ctzll(found) >> 3;
			*to = out + size;
			return at + size;
		}
	}
	while (at < end && !proto_jsonlex_is_escape(*at))
		*out++ = *at++;
	*to = out;
	return at;
}
