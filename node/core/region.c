#include "node/core/region.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define ROOT "100000"

struct row {
	char code[REGION_CHARS + 1];
	char parent[REGION_CHARS + 1];
	const char *name; /* in the arena */
	size_t line;
};

struct regions {
	struct tb_arena arena;
	struct row *rows; /* by ascending code */
	size_t count;
};

static struct tb_bytes cut(struct tb_bytes *rest, char at)
{
	const uint8_t *end = rest->size > 0 ? memchr(rest->data, at, rest->size) : NULL;
	struct tb_bytes head = {rest->data, end ? (size_t)(end - rest->data) : rest->size};
	size_t used = head.size + (end ? 1 : 0);
	*rest = tb_bytes_of(rest->data + used, rest->size - used);
	return head;
}

static bool code_read(char out[REGION_CHARS + 1], struct tb_bytes field)
{
	if (field.size != REGION_CHARS)
		return false;
	for (size_t i = 0; i < field.size; i++) {
		if (field.data[i] < '0' || field.data[i] > '9')
			return false;
		out[i] = (char)field.data[i];
	}
	return true;
}

static enum tb_code line_fail(struct tb_error *err, size_t line, const char *what)
{
	return tb_fail(err, TB_EMALFORMED, "regions: line %zu: %s", line, what);
}

static enum tb_code row_read(struct regions *regions, struct tb_bytes text, size_t line, struct tb_error *err)
{
	struct tb_bytes rest = text;
	struct tb_bytes code = cut(&rest, '\t');
	struct tb_bytes name = cut(&rest, '\t');
	struct row *row = &regions->rows[regions->count];
	if (!code_read(row->code, code))
		return line_fail(err, line, "code is not 6 digits");
	if (name.size == 0 || name.size > TB_NAME_BYTES_MAX || !tb_text_printable(name))
		return line_fail(err, line, "name is missing, too long or not printable UTF-8");
	if (!code_read(row->parent, rest))
		return line_fail(err, line, "parent is not 6 digits, or there are more columns");
	/* A part has a greater code than its whole; so the rows can make no circle. */
	if (strcmp(row->parent, row->code) >= 0)
		return line_fail(err, line, "parent is not less than code");
	row->name = (const char *)tb_arena_bytes(&regions->arena, name).data;
	row->line = line;
	regions->count++;
	return TB_OK;
}

static bool skipped(struct tb_bytes line)
{
	return line.size == 0 || line.data[0] == '#' ||
	       tb_bytes_equal(line, tb_bytes_str("code\tname\tparent"));
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->code, ((const struct row *)b)->code);
}

static const struct row *find(const struct regions *regions, const char *code)
{
	struct row key;
	if (strnlen(code, REGION_CHARS + 1) != REGION_CHARS || regions->count == 0)
		return NULL;
	memcpy(key.code, code, sizeof(key.code));
	return bsearch(&key, regions->rows, regions->count, sizeof(key), compare);
}

static enum tb_code rows_check(const struct regions *regions, struct tb_error *err)
{
	for (size_t i = 0; i < regions->count; i++) {
		const struct row *row = &regions->rows[i];
		if (i > 0 && strcmp(row->code, row[-1].code) == 0)
			return line_fail(err, row->line > row[-1].line ? row->line : row[-1].line,
			                 "code stands here for the second time");
		if (strcmp(row->parent, ROOT) != 0 && !find(regions, row->parent))
			return line_fail(err, row->line, "parent is unknown");
	}
	return TB_OK;
}

static enum tb_code rows_read(struct regions *regions, struct tb_bytes tsv, struct tb_error *err)
{
	enum tb_code code = TB_OK;
	for (size_t line = 1; tsv.size > 0 && code == TB_OK; line++) {
		struct tb_bytes text = cut(&tsv, '\n');
		if (text.size > 0 && text.data[text.size - 1] == '\r')
			text.size--;
		if (text.size >= 3 && memcmp(text.data, "\xEF\xBB\xBF", 3) == 0)
			text = tb_bytes_of(text.data + 3, text.size - 3);
		if (skipped(text))
			continue;
		if (regions->count == REGIONS_MAX)
			return tb_fail(err, TB_ETOOBIG, "regions: line %zu: more than %d rows", line,
			               REGIONS_MAX);
		code = row_read(regions, text, line, err);
	}
	return code;
}

enum tb_code regions_parse(struct regions **out, struct tb_bytes tsv, struct tb_error *err)
{
	*out = NULL;
	if (tsv.size > TB_FILE_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "regions: over %d bytes", TB_FILE_BYTES_MAX);
	struct regions *regions = tb_alloc(sizeof(*regions));
	regions->rows = tb_alloc(REGIONS_MAX * sizeof(*regions->rows));
	enum tb_code code = rows_read(regions, tsv, err);
	if (code == TB_OK) {
		regions->rows = tb_realloc(regions->rows, regions->count * sizeof(*regions->rows));
		qsort(regions->rows, regions->count, sizeof(*regions->rows), compare);
		code = rows_check(regions, err);
	}
	if (code == TB_OK) {
		*out = regions;
		regions = NULL; /* Handed over. */
	}
	regions_free(regions);
	return code;
}

void regions_free(struct regions *regions)
{
	if (!regions)
		return;
	tb_arena_clear(&regions->arena);
	free(regions->rows);
	free(regions);
}

const char *regions_name(const struct regions *regions, const char *code)
{
	const struct row *row = find(regions, code);
	return row ? row->name : NULL;
}

const char *regions_parent(const struct regions *regions, const char *code)
{
	const struct row *row = find(regions, code);
	return row ? row->parent : NULL;
}

size_t regions_count(const struct regions *regions)
{
	return regions->count;
}

void regions_at(const struct regions *regions, size_t index, const char **code, const char **name)
{
	assert(index < regions->count);
	*code = regions->rows[index].code;
	*name = regions->rows[index].name;
}
