/* Tables for a terminal: columns aligned by what they take on the screen, where a Chinese character takes two
 * places (Unicode Standard Annex #11, "East Asian Width"). What is not printable is shown as '?', so that a
 * name from another region can't move the cursor. */
#pragma once

#include <stdio.h>

#include "node/cli/text.h"

struct table_column {
	enum text_id head; /* TEXT_EMPTY: none; a table without any prints no head line */
	bool right;        /* numbers */
};

struct table;

struct table *table_new(const struct table_column *columns, size_t columns_count);
#define TABLE_NEW(columns) table_new(columns, sizeof(columns) / sizeof((columns)[0]))
/* Two columns without a head: names and values. */
struct table *table_new_pairs(void);
/* |cells| is copied and must be |count| = columns; NULL is "". */
void table_row(struct table *table, const char *const *cells, size_t count);
#define TABLE_ROW(table, ...)                                  \
	table_row((table), (const char *const[]){__VA_ARGS__}, \
	          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))
/* A pair; left out if |value| is NULL or "". */
void table_pair(struct table *table, enum text_id name, const char *value);
size_t table_rows(const struct table *table);
void table_print(const struct table *table, FILE *stream);
/* Prints and frees. */
void table_end(struct table *table, FILE *stream);
void table_free(struct table *table);

/* Places that the UTF-8 |value| takes on a terminal. */
size_t table_width(const char *value);
/* Appends |value| with what is not printable as '?'. */
void table_clean(struct tb_buf *out, const char *value);
