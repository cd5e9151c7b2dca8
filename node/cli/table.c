#include "node/cli/table.h"

#include <assert.h>
#include <stdlib.h>

struct table {
	struct tb_arena arena;
	const struct table_column *columns; /* NULL: pairs */
	size_t columns_count;
	char **cells; /* rows one after the other */
	size_t cells_count;
	size_t cells_room;
	size_t *widths; /* of the widest cell of each column */
};

struct range {
	uint32_t first;
	uint32_t last;
};

/* Sorted. EastAsianWidth W and F; combining marks and other characters that take no place. */
static const struct range wide[] = {
	{0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},   {0x25FD, 0x25FE},
	{0x2614, 0x2615},   {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x2705, 0x2705},   {0x274C, 0x274C},
	{0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},
	{0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
	{0xFFE0, 0xFFE6},   {0x16FE0, 0x18AFF}, {0x1B000, 0x1B2FB}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
	{0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};
static const struct range none[] = {
	{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},   {0x0610, 0x061A}, {0x064B, 0x065F},
	{0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0F71, 0x0F84},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
	{0x200B, 0x200F}, {0x20D0, 0x20FF}, {0x302A, 0x302D},   {0x3099, 0x309A}, {0xFE00, 0xFE0F},
	{0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF},
};

static bool within(const struct range *ranges, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count && ranges[i].first <= c; i++) {
		if (c <= ranges[i].last)
			return true;
	}
	return false;
}

/* The character at |p| and its size; a byte that starts none is a character of its own. */
static uint32_t next_char(const char *p, size_t *size)
{
	const uint8_t *s = (const uint8_t *)p;
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : s[0] >= 0xC0 ? 2 : 1;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xFFu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80) {
			*size = i;
			return 0xFFFD;
		}
		c = c << 6 | (s[i] & 0x3F);
	}
	*size = n;
	return c;
}

size_t table_width(const char *value)
{
	size_t width = 0;
	while (*value) {
		size_t size;
		uint32_t c = next_char(value, &size);
		if (within(wide, sizeof(wide) / sizeof(wide[0]), c))
			width += 2;
		else if (!within(none, sizeof(none) / sizeof(none[0]), c))
			width += 1;
		value += size;
	}
	return width;
}

void table_clean(struct tb_buf *out, const char *value)
{
	while (*value) {
		size_t size;
		next_char(value, &size);
		if (tb_text_printable(tb_bytes_of(value, size)))
			tb_buf_add(out, value, size);
		else
			tb_buf_str(out, "?");
		value += size;
	}
}

struct table *table_new(const struct table_column *columns, size_t columns_count)
{
	assert(columns_count > 0);
	struct table *table = tb_alloc(sizeof(*table));
	table->columns = columns;
	table->columns_count = columns_count;
	table->widths = tb_alloc(columns_count * sizeof(*table->widths));
	for (size_t i = 0; columns && i < columns_count; i++)
		table->widths[i] = table_width(text(columns[i].head));
	return table;
}

struct table *table_new_pairs(void)
{
	return table_new(NULL, 2);
}

void table_row(struct table *table, const char *const *cells, size_t count)
{
	assert(count == table->columns_count);
	if (table->cells_count + count > table->cells_room) {
		table->cells_room = 2 * table->cells_room + 16 * count;
		table->cells = tb_realloc(table->cells, table->cells_room * sizeof(*table->cells));
	}
	struct tb_buf clean = {0};
	for (size_t i = 0; i < count; i++) {
		clean.size = 0;
		table_clean(&clean, cells[i] ? cells[i] : "");
		char *cell = tb_arena_str(&table->arena, tb_buf_text(&clean));
		size_t width = table_width(cell);
		if (width > table->widths[i])
			table->widths[i] = width;
		table->cells[table->cells_count++] = cell;
	}
	tb_buf_clear(&clean);
}

void table_pair(struct table *table, enum text_id name, const char *value)
{
	assert(!table->columns);
	if (value && value[0])
		TABLE_ROW(table, text(name), value);
}

size_t table_rows(const struct table *table)
{
	return table->cells_count / table->columns_count;
}

static void print_line(const struct table *table, const char *const *cells, FILE *stream)
{
	size_t count = table->columns_count;
	while (count > 1 && !cells[count - 1][0])
		count--; /* No blanks at the end of a line. */
	for (size_t i = 0; i < count; i++) {
		int pad = (int)(table->widths[i] - table_width(cells[i]));
		bool right = table->columns && table->columns[i].right;
		bool last = i + 1 == count;
		fprintf(stream, "%*s%s%*s", right ? pad : 0, "", cells[i], right || last ? 0 : pad, "");
		fputs(last ? "\n" : "  ", stream);
	}
}

void table_print(const struct table *table, FILE *stream)
{
	bool head = false;
	const char **heads = tb_alloc(table->columns_count * sizeof(*heads));
	for (size_t i = 0; table->columns && i < table->columns_count; i++) {
		heads[i] = text(table->columns[i].head);
		head = head || heads[i][0];
	}
	if (head)
		print_line(table, heads, stream);
	free(heads);
	for (size_t i = 0; i < table->cells_count; i += table->columns_count)
		print_line(table, (const char *const *)&table->cells[i], stream);
}

void table_end(struct table *table, FILE *stream)
{
	table_print(table, stream);
	table_free(table);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	tb_arena_clear(&table->arena);
	free(table->cells);
	free(table->widths);
	free(table);
}
