#include "node/cli/jsontext.h"

#include <string.h>

struct scan {
	const char *at;
	const char *end;
};

static void skip_blanks(struct scan *s)
{
	while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
		s->at++;
}

static bool take(struct scan *s, char c)
{
	if (s->at < s->end && *s->at == c) {
		s->at++;
		return true;
	}
	return false;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t size = strlen(word);
	if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0)
		return false;
	s->at += size;
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_string(struct scan *s)
{
	if (!take(s, '"'))
		return false;
	while (s->at < s->end) {
		char c = *s->at++;
		if (c == '"')
			return true;
		if ((unsigned char)c < 0x20)
			return false;
		if (c != '\\')
			continue;
		if (s->at == s->end)
			return false;
		c = *s->at++;
		if (c == 'u') {
			for (int i = 0; i < 4; i++) {
				if (s->at == s->end || !is_hex(*s->at++))
					return false;
			}
		} else if (!strchr("\"\\/bfnrt", c) || c == 0) {
			return false;
		}
	}
	return false;
}

static size_t take_digits(struct scan *s)
{
	size_t count = 0;
	while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
		s->at++;
		count++;
	}
	return count;
}

static bool take_number(struct scan *s)
{
	take(s, '-');
	if (!take(s, '0') && take_digits(s) == 0)
		return false;
	if (take(s, '.') && take_digits(s) == 0)
		return false;
	if (take(s, 'e') || take(s, 'E')) {
		if (!take(s, '+'))
			take(s, '-');
		if (take_digits(s) == 0)
			return false;
	}
	return true;
}

static bool take_plain(struct scan *s)
{
	if (s->at == s->end)
		return false;
	if (*s->at == '"')
		return take_string(s);
	if (*s->at == '-' || (*s->at >= '0' && *s->at <= '9'))
		return take_number(s);
	return take_word(s, "true") || take_word(s, "false") || take_word(s, "null");
}

static bool take_name(struct scan *s)
{
	skip_blanks(s);
	if (!take_string(s))
		return false;
	skip_blanks(s);
	return take(s, ':');
}

/* No recursion: |stack| says for each open level whether it is an object. */
static bool take_value(struct scan *s)
{
	bool stack[JSONTEXT_DEPTH_MAX];
	size_t depth = 0;
	for (;;) {
		skip_blanks(s);
		bool object = take(s, '{');
		if (object || take(s, '[')) {
			skip_blanks(s);
			if (!take(s, object ? '}' : ']')) {
				if (depth == JSONTEXT_DEPTH_MAX)
					return false;
				stack[depth++] = object;
				if (object && !take_name(s))
					return false;
				continue;
			}
		} else if (!take_plain(s)) {
			return false;
		}
		/* A value has ended: close what it completes. */
		for (;;) {
			if (depth == 0)
				return true;
			skip_blanks(s);
			if (take(s, ',')) {
				if (stack[depth - 1] && !take_name(s))
					return false;
				break;
			}
			if (!take(s, stack[depth - 1] ? '}' : ']'))
				return false;
			depth--;
		}
	}
}

size_t jsontext_value(struct tb_bytes text)
{
	const char *start = (const char *)text.data;
	if (text.size == 0)
		return 0;
	struct scan s = {start, start + text.size};
	if (!take_value(&s))
		return 0;
	size_t size = (size_t)(s.at - start);
	return tb_utf8_valid(tb_bytes_of(start, size)) ? size : 0;
}

bool jsontext_is_object(struct tb_bytes text)
{
	if (text.size == 0)
		return false;
	struct scan s = {(const char *)text.data, (const char *)text.data + text.size};
	skip_blanks(&s);
	if (s.at == s.end || *s.at != '{' || !take_value(&s))
		return false;
	skip_blanks(&s);
	return s.at == s.end && tb_utf8_valid(text);
}

/* Stands before the value of member |name|. */
static bool find_member(struct scan *s, const char *name)
{
	size_t size = strlen(name);
	skip_blanks(s);
	if (!take(s, '{'))
		return false;
	do {
		skip_blanks(s);
		const char *start = s->at;
		if (!take_name(s))
			return false;
		bool found = (size_t)(s->at - start) > size + 2 && memcmp(start + 1, name, size) == 0 &&
		             start[size + 1] == '"';
		skip_blanks(s);
		if (found)
			return true;
		if (!take_value(s))
			return false;
		skip_blanks(s);
	} while (take(s, ','));
	return false;
}

bool jsontext_element(struct tb_bytes text, const char *name, size_t *at, struct tb_bytes *element)
{
	const char *start = (const char *)text.data;
	if (text.size == 0)
		return false;
	struct scan s = {start + *at, start + text.size};
	if (*at == 0) {
		if (!find_member(&s, name) || !take(&s, '['))
			return false;
	} else {
		skip_blanks(&s);
		if (!take(&s, ','))
			return false;
	}
	skip_blanks(&s);
	const char *from = s.at;
	if (!take_value(&s))
		return false;
	*element = tb_bytes_of(from, (size_t)(s.at - from));
	*at = (size_t)(s.at - start);
	return true;
}

static void add_utf8(struct tb_buf *out, uint32_t c)
{
	uint8_t bytes[4];
	size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = size; i-- > 1; c >>= 6)
		bytes[i] = (uint8_t)(0x80 | (c & 0x3F));
	bytes[0] = (uint8_t)(size == 1 ? c : c | (0xF00u >> size & 0xFF));
	tb_buf_add(out, bytes, size);
}

/* |at| stands on four digits that take_string() has seen. */
static uint32_t four_hex(const char *at)
{
	uint8_t bytes[2];
	bool good = tb_unhex(bytes, 2, (const char[]){at[0], at[1], at[2], at[3], 0});
	return good ? (uint32_t)bytes[0] << 8 | bytes[1] : 0;
}

/* Appends the character of the escape after the backslash; returns its size, 0 if it is no character. */
static size_t add_escape(struct tb_buf *out, const char *at)
{
	static const char names[] = "\"\\/bfnrt";
	static const char means[] = "\"\\/\b\f\n\r\t";
	if (*at != 'u') {
		tb_buf_add(out, &means[strchr(names, *at) - names], 1);
		return 1;
	}
	uint32_t c = four_hex(at + 1);
	if (c == 0 || (c >= 0xDC00 && c < 0xE000))
		return 0;
	if (c < 0xD800 || c >= 0xE000) {
		add_utf8(out, c);
		return 5;
	}
	uint32_t low = at[5] == '\\' && at[6] == 'u' ? four_hex(at + 7) : 0;
	if (low < 0xDC00 || low >= 0xE000)
		return 0;
	add_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
	return 11;
}

bool jsontext_string(struct tb_bytes text, const char *name, struct tb_buf *out)
{
	if (text.size == 0)
		return false;
	struct scan s = {(const char *)text.data, (const char *)text.data + text.size};
	if (!find_member(&s, name))
		return false;
	const char *p = s.at + 1;
	if (!take_string(&s))
		return false;
	const char *end = s.at - 1;
	while (p < end) {
		if (*p != '\\') {
			tb_buf_add(out, p++, 1);
			continue;
		}
		size_t size = add_escape(out, p + 1);
		if (size == 0)
			return false;
		p += 1 + size;
	}
	return tb_utf8_valid(tb_buf_bytes(out));
}
