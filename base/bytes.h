/* Bytes: slices, growing buffers, arenas, text encodings.
 *
 * A tb_bytes borrows. A tb_buf owns. A tb_arena owns everything taken from it until it is cleared; nothing
 * taken from an arena is freed by itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A borrowed run of bytes; |data| may be NULL when |size| is 0. */
struct tb_bytes {
	const uint8_t *data;
	size_t size; /* bytes */
};

struct tb_bytes tb_bytes_str(const char *text); /* without the NUL; NULL is empty */
static inline struct tb_bytes tb_bytes_of(const void *data, size_t size)
{
	return (struct tb_bytes){(const uint8_t *)data, size};
}
bool tb_bytes_equal(struct tb_bytes a, struct tb_bytes b);
/* Compares in a time that depends on |size| only. */
bool tb_equal_ct(const void *a, const void *b, size_t size);

/* Memory that cannot be had stops the process (see base/error.h). Results are zeroed. */
void *tb_alloc(size_t size);
void *tb_realloc(void *data, size_t size);
char *tb_strdup(const char *text);
char *tb_strndup(const char *text, size_t size);

/* A growing buffer. {0} is empty. Free with tb_buf_clear(). */
struct tb_buf {
	uint8_t *data;
	size_t size; /* bytes used */
	size_t room; /* bytes allocated */
};

void tb_buf_clear(struct tb_buf *buf);
void tb_buf_reserve(struct tb_buf *buf, size_t more);
void tb_buf_add(struct tb_buf *buf, const void *data, size_t size);
void tb_buf_str(struct tb_buf *buf, const char *text);
void tb_buf_printf(struct tb_buf *buf, const char *fmt, ...) TB_PRINTF(2, 3);
static inline struct tb_bytes tb_buf_bytes(const struct tb_buf *buf)
{
	return (struct tb_bytes){buf->data, buf->size};
}
/* The text so far, NUL-terminated (the NUL is not counted in size). Lives until the next change. */
const char *tb_buf_text(struct tb_buf *buf);

/* An arena. {0} is empty. Blocks come zeroed and aligned to 16 bytes. */
struct tb_arena {
	struct tb_arena_block *blocks; /* newest first */
	size_t bytes;                  /* of all of them */
};

void *tb_arena_alloc(struct tb_arena *arena, size_t size);
void *tb_arena_copy(struct tb_arena *arena, const void *data, size_t size);
struct tb_bytes tb_arena_bytes(struct tb_arena *arena, struct tb_bytes bytes);
char *tb_arena_str(struct tb_arena *arena, const char *text); /* NULL gives "" */
char *tb_arena_printf(struct tb_arena *arena, const char *fmt, ...) TB_PRINTF(2, 3);
void tb_arena_clear(struct tb_arena *arena);

/* Lower-case hex. |out| has room for 2 * size + 1. */
void tb_hex(char *out, const void *data, size_t size);
/* Decodes exactly |size| bytes from 2 * size hex digits. */
bool tb_unhex(void *out, size_t size, const char *text);

/* Standard base64 with padding (RFC 4648, section 4); decoding also takes the URL alphabet and no padding. */
void tb_base64(struct tb_buf *out, struct tb_bytes bytes);
bool tb_unbase64(struct tb_buf *out, const char *text, size_t size);

/* Big-endian numbers, so that keys sort as numbers do. */
void tb_put_u32(uint8_t out[4], uint32_t value);
void tb_put_u64(uint8_t out[8], uint64_t value);
uint32_t tb_get_u32(const uint8_t in[4]);
uint64_t tb_get_u64(const uint8_t in[8]);

/* True if |bytes| is UTF-8 (RFC 3629) without NUL. */
bool tb_utf8_valid(struct tb_bytes bytes);
/* True if, besides, it holds no control characters (C0, DEL, C1) and no bidirectional overrides. */
bool tb_text_printable(struct tb_bytes bytes);
