#include "base/bytes.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tb_bytes tb_bytes_str(const char *text)
{
	return (struct tb_bytes){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool tb_bytes_equal(struct tb_bytes a, struct tb_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool tb_equal_ct(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;
	uint8_t differ = 0;
	for (size_t i = 0; i < size; i++)
		differ |= (uint8_t)(x[i] ^ y[i]);
	return differ == 0;
}

static void *must(void *data)
{
	if (!data) {
		static const char text[] = "tongban: out of memory\n";
		fwrite(text, 1, sizeof(text) - 1, stderr);
		abort();
	}
	return data;
}

void *tb_alloc(size_t size)
{
	return must(calloc(1, size ? size : 1));
}

void *tb_realloc(void *data, size_t size)
{
	return must(realloc(data, size ? size : 1));
}

char *tb_strndup(const char *text, size_t size)
{
	char *copy = tb_alloc(size + 1);
	memcpy(copy, text, size);
	return copy;
}

char *tb_strdup(const char *text)
{
	return tb_strndup(text, strlen(text));
}

void tb_buf_clear(struct tb_buf *buf)
{
	free(buf->data);
	*buf = (struct tb_buf){0};
}

void tb_buf_reserve(struct tb_buf *buf, size_t more)
{
	assert(more < SIZE_MAX / 4 && buf->size < SIZE_MAX / 4);
	if (buf->room - buf->size >= more)
		return;
	size_t room = buf->room ? buf->room : 64;
	while (room - buf->size < more)
		room *= 2;
	buf->data = tb_realloc(buf->data, room);
	buf->room = room;
}

void tb_buf_add(struct tb_buf *buf, const void *data, size_t size)
{
	tb_buf_reserve(buf, size);
	if (size > 0)
		memcpy(buf->data + buf->size, data, size);
	buf->size += size;
}

void tb_buf_str(struct tb_buf *buf, const char *text)
{
	tb_buf_add(buf, text, strlen(text));
}

void tb_buf_printf(struct tb_buf *buf, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int size = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(size >= 0);
	tb_buf_reserve(buf, (size_t)size + 1);
	va_start(args, fmt);
	vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, fmt, args);
	va_end(args);
	buf->size += (size_t)size;
}

const char *tb_buf_text(struct tb_buf *buf)
{
	tb_buf_reserve(buf, 1);
	buf->data[buf->size] = 0;
	return (const char *)buf->data;
}

struct tb_arena_block {
	struct tb_arena_block *next;
	size_t used; /* bytes of |data| */
	size_t room;
	_Alignas(16) uint8_t data[];
};

enum { ARENA_BLOCK_MIN = 1024, ARENA_BLOCK_MAX = 256 * 1024 };

static void *arena_take(struct tb_arena *arena, size_t size)
{
	assert(size < SIZE_MAX / 4);
	size_t need = (size + 15) & ~(size_t)15;
	struct tb_arena_block *block = arena->blocks;
	if (!block || block->room - block->used < need) {
		size_t room = block ? block->room * 2 : ARENA_BLOCK_MIN;
		if (room > ARENA_BLOCK_MAX)
			room = ARENA_BLOCK_MAX;
		if (room < need)
			room = need;
		block = must(malloc(sizeof(*block) + room));
		block->next = arena->blocks;
		block->used = 0;
		block->room = room;
		arena->blocks = block;
		arena->bytes += room;
	}
	void *out = block->data + block->used;
	block->used += need;
	return out;
}

void *tb_arena_alloc(struct tb_arena *arena, size_t size)
{
	return memset(arena_take(arena, size), 0, size);
}

void *tb_arena_copy(struct tb_arena *arena, const void *data, size_t size)
{
	uint8_t *out = arena_take(arena, size + 1);
	if (size > 0)
		memcpy(out, data, size);
	out[size] = 0;
	return out;
}

struct tb_bytes tb_arena_bytes(struct tb_arena *arena, struct tb_bytes bytes)
{
	return (struct tb_bytes){tb_arena_copy(arena, bytes.data, bytes.size), bytes.size};
}

char *tb_arena_str(struct tb_arena *arena, const char *text)
{
	return tb_arena_copy(arena, text, text ? strlen(text) : 0);
}

char *tb_arena_printf(struct tb_arena *arena, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int size = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	assert(size >= 0);
	char *out = tb_arena_alloc(arena, (size_t)size + 1);
	va_start(args, fmt);
	vsnprintf(out, (size_t)size + 1, fmt, args);
	va_end(args);
	return out;
}

void tb_arena_clear(struct tb_arena *arena)
{
	struct tb_arena_block *block = arena->blocks;
	while (block) {
		struct tb_arena_block *next = block->next;
		free(block);
		block = next;
	}
	*arena = (struct tb_arena){0};
}

void tb_hex(char *out, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = data;
	for (size_t i = 0; i < size; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * size] = 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool tb_unhex(void *out, size_t size, const char *text)
{
	uint8_t *to = out;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);
		if (low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return text[2 * size] == 0;
}

void tb_base64(struct tb_buf *out, struct tb_bytes bytes)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	tb_buf_reserve(out, (bytes.size + 2) / 3 * 4);
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t left = bytes.size - i;
		uint32_t three = (uint32_t)bytes.data[i] << 16;
		if (left > 1)
			three |= (uint32_t)bytes.data[i + 1] << 8;
		if (left > 2)
			three |= bytes.data[i + 2];
		char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
		                left > 1 ? digits[three >> 6 & 63] : '=',
		                left > 2 ? digits[three & 63] : '='};
		tb_buf_add(out, four, 4);
	}
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

bool tb_unbase64(struct tb_buf *out, const char *text, size_t size)
{
	/* Padding may be left out, but what there is of it fills the last group. */
	size_t padding = 0;
	while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
		padding++;
	if (padding > 0 && size % 4 != 0)
		return false;
	size -= padding;
	if (size % 4 == 1)
		return false;
	uint32_t bits = 0;
	unsigned have = 0;
	tb_buf_reserve(out, size / 4 * 3 + 3);
	for (size_t i = 0; i < size; i++) {
		int digit = base64_digit(text[i]);
		if (digit < 0)
			return false;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			uint8_t byte = (uint8_t)(bits >> have);
			tb_buf_add(out, &byte, 1);
		}
	}
	return (bits & ((1U << have) - 1)) == 0;
}

void tb_put_u32(uint8_t out[4], uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void tb_put_u64(uint8_t out[8], uint64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
}

uint32_t tb_get_u32(const uint8_t in[4])
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

uint64_t tb_get_u64(const uint8_t in[8])
{
	return (uint64_t)tb_get_u32(in) << 32 | tb_get_u32(in + 4);
}

/* Decodes one character at *at; returns its code point, or -1. */
static int32_t utf8_next(struct tb_bytes bytes, size_t *at)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	uint8_t first = bytes.data[*at];
	size_t more = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
	if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || bytes.size - *at < more)
		return -1;
	uint32_t point = more == 1 ? first : first & (0x7FU >> more);
	for (size_t i = 1; i < more; i++) {
		uint8_t next = bytes.data[*at + i];
		if ((next & 0xC0) != 0x80)
			return -1;
		point = point << 6 | (next & 0x3FU);
	}
	if (point < least[more] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
		return -1;
	*at += more;
	return (int32_t)point;
}

/* Finds the first of the eight bytes at |data| that is not printable ASCII: its bit, 7 above the byte's
 * lowest, is the lowest that is set; 0 if there is none. A high bit is set by a byte that has it already, by
 * DEL (the sum carries into it), or by one under 0x20 (the difference borrows). Above it, carries may set
 * others. */
static inline uint64_t not_ascii(const uint8_t *data)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t eight;
	memcpy(&eight, data, 8);
	eight = le64toh(eight);
	return ((eight + ones) | eight | (eight - 0x20 * ones)) & (0x80 * ones);
}

/* U+3000 to U+CFFF: Han characters and their punctuation. Nothing among them is forbidden. */
static inline bool is_han(const uint8_t *data)
{
	return data[0] >= 0xE3 && data[0] <= 0xEC && ((data[1] ^ 0x80) | (data[2] ^ 0x80)) < 0x40;
}

/* Passes what nearly all texts are made of: printable ASCII and Han. Returns where something else begins. */
static size_t pass_common(struct tb_bytes bytes, size_t at)
{
	for (;;) {
		for (; bytes.size - at >= 8; at += 8) {
			uint64_t found = not_ascii(bytes.data + at);
			if (found) {
				at += (size_t)__builtin_ctzll(found) >> 3;
				break;
			}
		}
		while (at < bytes.size && bytes.data[at] >= 0x20 && bytes.data[at] < 0x7F)
			at++;
		size_t han = at;
		while (bytes.size - at >= 3 && is_han(bytes.data + at))
			at += 3;
		if (at == han)
			return at;
	}
}

bool tb_utf8_valid(struct tb_bytes bytes)
{
	for (size_t at = 0; (at = pass_common(bytes, at)) < bytes.size;) {
		if (utf8_next(bytes, &at) <= 0)
			return false;
	}
	return true;
}

bool tb_text_printable(struct tb_bytes bytes)
{
	for (size_t at = 0; (at = pass_common(bytes, at)) < bytes.size;) {
		int32_t point = utf8_next(bytes, &at);
		if (point < 0x20 || (point >= 0x7F && point < 0xA0))
			return false;
		if ((point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069) ||
		    point == 0x2028 || point == 0x2029)
			return false;
	}
	return true;
}
