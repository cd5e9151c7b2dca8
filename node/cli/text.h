/* What the command says to people, in Chinese and English.
 *
 * Texts hold places {1} .. {9} that are filled with texts, so that the order of words can differ between the
 * languages and no text is ever a printf format. The language is set once, before anything is said. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/error.h"
#include "node/cli/text_map.h"

enum text_id {
#define XX(id, zh, en) id,
	TEXT_MAP(XX)
#undef XX
		TEXT_COUNT
};

/* True for Chinese: |option| ("zh", "en") if given; else the first of |lc_all|, |lc_messages| and |lang| that
 * is set and not empty starts with "zh" (POSIX, "Internationalization Variables"). */
bool text_language(const char *option, const char *lc_all, const char *lc_messages, const char *lang);
void text_use(bool zh);
bool text_zh(void);

const char *text_in(enum text_id id, bool zh);
const char *text(enum text_id id);
/* The text of an error code. */
const char *text_code(enum tb_code code);

/* The variable part is const char *, ended by NULL. */
void text_fill(struct tb_buf *out, enum text_id id, ...) __attribute__((sentinel));
/* Fills and writes a line. */
void text_say(FILE *stream, enum text_id id, ...) __attribute__((sentinel));
/* tb_fail() with a filled text. */
enum tb_code text_fail(struct tb_error *err, enum tb_code code, enum text_id id, ...)
	__attribute__((sentinel));
