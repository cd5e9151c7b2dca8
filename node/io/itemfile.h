/* Item lists as files: YAML, JSON Lines, CSV.
 *
 * Whatever is wrong is told with its row, its column and why; the items that are in order are there beside.
 * All lives in the caller's arena. docs/catalogue.md says what the columns mean. Any thread. */
#pragma once

#include "proto/codec.h"

enum itemfile_format { ITEMFILE_YAML, ITEMFILE_JSONL, ITEMFILE_CSV };

enum { ITEMFILE_FAULTS_MAX = 1000 };

struct itemfile_fault {
	size_t row;         /* line of the file, from 1 */
	const char *column; /* its head in a CSV file, else a path as "materials[0].basis"; "" for the whole
	                       row */
	const char *reason;
};

struct itemfile {
	PbItem **items;
	size_t *rows; /* of each item: the line that it begins in */
	size_t items_count;
	size_t bad_count; /* items that are not among them */
	struct itemfile_fault *faults;
	size_t faults_count; /* at most ITEMFILE_FAULTS_MAX; the rest is not told */
};

/* By the end of a file's name, or by a word: "yaml", "jsonl", "csv". False: neither. */
bool itemfile_format_of(const char *name, enum itemfile_format *out);

/* What a table's columns are of. */
enum itemfile_part { ITEMFILE_ITEM, ITEMFILE_MATERIAL, ITEMFILE_FEE, ITEMFILE_MODE, ITEMFILE_BUNDLE };
enum { ITEMFILE_PARTS = 5 };

/* The columns of |part|, in the order of the template: the elements (要素) and their names. */
size_t itemfile_columns(enum itemfile_part part);
const char *itemfile_column_name(enum itemfile_part part, size_t index, bool zh);
const char *itemfile_column_field(enum itemfile_part part, size_t index); /* as in the .proto */
/* Appends what |message|, an item or a part of one, has there, as a cell would have it. */
void itemfile_column_value(struct tb_buf *out, enum itemfile_part part, size_t index,
                           const proto_message *message, bool zh);

/* TB_EMALFORMED, TB_ETOOBIG: not such a file at all; |path| is for the error only. |text| ends with a NUL
 * behind its size. */
TB_MUST_CHECK enum tb_code itemfile_read(struct itemfile *out, enum itemfile_format format, const char *path,
                                         struct tb_bytes text, struct tb_arena *arena, struct tb_error *err);
/* The same for a base catalogue (基本目录), which has of each item what is the same everywhere: it needs a
 * name. */
TB_MUST_CHECK enum tb_code itemfile_read_base(struct itemfile *out, enum itemfile_format format,
                                              const char *path, struct tb_bytes text, struct tb_arena *arena,
                                              struct tb_error *err);
/* Appends |items| as such a file; a CSV file has its heads in Chinese if |zh|, and begins with a byte order
 * mark, by which spreadsheets know UTF-8. */
void itemfile_write(struct tb_buf *out, enum itemfile_format format, PbItem *const *items, size_t count,
                    bool zh);
/* An item with something in every element, to be written over. */
PbItem *itemfile_example(struct tb_arena *arena);
