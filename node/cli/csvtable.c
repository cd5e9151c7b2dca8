#include "node/cli/csvtable.h"

#include <string.h>

#include "node/cli/userfile.h"

enum { CELLS_MAX = 16 };

/* Cuts |line| into cells, in place. A quoted cell may hold commas and "" for a quote. */
static size_t cells_of(char *line, char *cells[CELLS_MAX])
{
	size_t count = 0;
	for (char *at = line; count < CELLS_MAX;) {
		char *out = at;
		bool quoted = *at == '"';
		cells[count++] = out;
		for (at += quoted; *at && (quoted || *at != ','); at++) {
			if (quoted && *at == '"' && *++at != '"')
				break;
			*out++ = *at;
		}
		bool more = *at == ',';
		*out = 0;
		if (!more)
			break;
		at++;
	}
	return count;
}

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

static char *next_line(char **at)
{
	char *line = *at, *end;
	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	*at = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	line[strcspn(line, "\r")] = 0;
	return line;
}

enum tb_code csvtable_read(struct cli *cli, char *text, const proto_type *type, size_t rows_max, csv_set *set,
                           proto_message ***rows, size_t *count)
{
	char *heads[CELLS_MAX], *cells[CELLS_MAX], *at = text;
	if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
		at += 3;
	char *line = next_line(&at);
	size_t heads_count = line ? cells_of(line, heads) : 0;
	*rows = tb_arena_alloc(&cli->arena, rows_max * sizeof(**rows));
	*count = 0;
	for (size_t number = 2; (line = next_line(&at)) != NULL; number++) {
		if (!line[0])
			continue;
		proto_message *row = proto_new(&cli->arena, type);
		size_t cells_count = cells_of(line, cells);
		const char *where = cli_number(cli, number);
		if (*count == rows_max || cells_count > heads_count)
			return text_fail(&cli->error, TB_EINVALID, TEXT_M_HALL_LINE, where, "", NULL);
		for (size_t i = 0; i < cells_count; i++) {
			if (!set(cli, row, heads[i], cells[i]))
				return text_fail(&cli->error, TB_EINVALID, TEXT_M_HALL_LINE, where, heads[i],
				                 NULL);
		}
		(*rows)[(*count)++] = row;
	}
	return TB_OK;
}

enum tb_code csvtable_file(struct cli *cli, const char *path, char **text, bool *csv)
{
	struct tb_buf file = {0};
	size_t size = strlen(path);
	enum tb_code code = userfile_read(&file, path, TB_FILE_BYTES_MAX, &cli->error);
	*text = code ? NULL : tb_arena_str(&cli->arena, tb_buf_text(&file));
	*csv = size > 4 && strcmp(path + size - 4, ".csv") == 0;
	tb_buf_clear(&file);
	return code;
}
