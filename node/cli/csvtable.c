#include "node/cli/csvtable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "node/cli/userfile.h"
#include "node/io/yamlmsg.h"

enum { CELLS_MAX = 16 };

char **csvtable_list(struct cli *cli, const char *cell, size_t *count)
{
	char *text = tb_arena_str(&cli->arena, cell);
	char **list = tb_arena_alloc(&cli->arena, (strlen(cell) / 2 + 2) * sizeof(*list));
	*count = 0;
	for (char *next, *part = text; part && *part; part = next) {
		next = strchr(part, ';');
		if (next)
			*next++ = 0;
		if (*part)
			list[(*count)++] = part;
	}
	return list;
}

static bool flag_of(const char *cell, protobuf_c_boolean *out)
{
	static const char *const words[][2] = {{"0", "1"}, {"false", "true"}, {"否", "是"}};
	*out = false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !*out; i++) {
		if (strcmp(cell, words[i][0]) == 0)
			return true;
		*out = strcmp(cell, words[i][1]) == 0;
	}
	return *out || !*cell;
}

static bool number_of(const char *cell, uint32_t *out)
{
	errno = 0;
	unsigned long value = strtoul(cell, NULL, 10);
	*out = (uint32_t)value;
	return errno == 0 && value <= UINT32_MAX && !cell[strspn(cell, "0123456789")];
}

/* False: there is no such column, or the cell is no value of it. */
static bool set_cell(struct cli *cli, const struct csvtable *table, proto_message *row, const char *head,
                     const char *cell)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(row->descriptor, head);
	if (!field)
		return false;
	void *at = (char *)row + field->offset;
	size_t *count = (void *)((char *)row + field->quantifier_offset);
	bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
	if (list && field->type == PROTOBUF_C_TYPE_STRING)
		*(char ***)at = csvtable_list(cli, cell, count);
	else if (list)
		return table->set && table->set(cli, row, head, cell);
	else if (field->type == PROTOBUF_C_TYPE_STRING)
		*(char **)at = tb_arena_str(&cli->arena, cell);
	else if (field->type == PROTOBUF_C_TYPE_BOOL)
		return flag_of(cell, at);
	else
		return field->type == PROTOBUF_C_TYPE_UINT32 && number_of(cell, at);
	return true;
}

struct row {
	char *cells[CELLS_MAX];
	size_t count;
	size_t line; /* that it begins in */
};

/* Takes a row off *at, which is NULL behind the last. */
static enum tb_code next_row(struct row *row, char **at, size_t *line, struct tb_error *err)
{
	char where[24];
	enum tb_csv follows = TB_CSV_CELL;
	row->count = 0;
	row->line = *line;
	snprintf(where, sizeof(where), "%zu", *line);
	while (follows == TB_CSV_CELL) {
		char *cell;
		follows = tb_csv_cell(at, &cell);
		if (follows == TB_CSV_BAD)
			return text_fail(err, TB_EINVALID, TEXT_M_CSV_QUOTES, where, NULL);
		if (row->count == CELLS_MAX)
			return text_fail(err, TB_EINVALID, TEXT_M_CSV_CELLS, where, NULL);
		row->cells[row->count++] = cell;
		for (; *cell; cell++)
			*line += *cell == '\n';
	}
	++*line;
	if (follows == TB_CSV_END)
		*at = NULL;
	return TB_OK;
}

static enum tb_code read_row(struct cli *cli, const struct csvtable *table, proto_message *message,
                             const struct row *heads, const struct row *row)
{
	const char *where = cli_number(cli, row->line);
	if (row->count > heads->count)
		return text_fail(&cli->error, TB_EINVALID, TEXT_M_CSV_CELLS, where, NULL);
	for (size_t i = 0; i < row->count; i++) {
		if (!set_cell(cli, table, message, heads->cells[i], row->cells[i]))
			return text_fail(&cli->error, TB_EINVALID, TEXT_M_CSV_CELL, where, heads->cells[i],
			                 NULL);
	}
	return TB_OK;
}

static size_t *rows_count(proto_message *request, const struct csvtable *table)
{
	const ProtobufCFieldDescriptor *rows =
		protobuf_c_message_descriptor_get_field_by_name(table->request, table->rows);
	assert(rows && rows->label == PROTOBUF_C_LABEL_REPEATED);
	return (void *)((char *)request + rows->quantifier_offset);
}

static enum tb_code read_rows(proto_message **request, struct cli *cli, char *text,
                              const struct csvtable *table)
{
	const ProtobufCFieldDescriptor *rows =
		protobuf_c_message_descriptor_get_field_by_name(table->request, table->rows);
	*request = proto_new(&cli->arena, table->request);
	proto_message **list = tb_arena_alloc(&cli->arena, table->rows_max * sizeof(*list));
	size_t *count = rows_count(*request, table), line = 1;
	struct row heads, row;
	*(proto_message ***)(void *)((char *)*request + rows->offset) = list;
	enum tb_code code = next_row(&heads, &text, &line, &cli->error);
	while (!code && text) {
		code = next_row(&row, &text, &line, &cli->error);
		if (code || (row.count == 1 && !row.cells[0][0]))
			continue;
		if (*count == table->rows_max)
			return text_fail(&cli->error, TB_ETOOBIG, TEXT_M_CSV_ROWS,
			                 cli_number(cli, table->rows_max), NULL);
		list[*count] = proto_new(&cli->arena, rows->descriptor);
		code = read_row(cli, table, list[(*count)++], &heads, &row);
	}
	return code;
}

const struct option csvtable_options[] = {
	{"empty", OPTION_FLAG, NULL, TEXT_O_LIST_EMPTY},
	{NULL, OPTION_FLAG, NULL, TEXT_EMPTY},
};

enum tb_code csvtable_load(proto_message **request, struct cli *cli, const struct options *options,
                           const struct csvtable *table)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct tb_buf file = {0};
	const char *path = options->operands[0];
	size_t size = strlen(path);
	enum tb_code code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	char *text = tb_arena_str(&cli->arena, tb_buf_text(&file));
	if (!code && (strlen(text) != file.size || !tb_utf8_valid(tb_buf_bytes(&file))))
		code = text_fail(&cli->error, TB_EINVALID, TEXT_M_LINE_UTF8, NULL);
	tb_buf_clear(&file);
	if (code)
		return code;
	if (size < 4 || strcmp(path + size - 4, ".csv") != 0)
		code = yaml_message(request, table->request, path, tb_bytes_str(text), &cli->arena,
		                    &cli->error);
	else
		code = read_rows(request, cli, text + (strncmp(text, mark, 3) == 0 ? 3 : 0), table);
	if (!code && *rows_count(*request, table) == 0 && !options_flag(options, "empty"))
		code = text_fail(&cli->error, TB_EINVALID, TEXT_M_LIST_EMPTY, path, NULL);
	return code;
}
