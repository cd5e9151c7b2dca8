#include "base/csv.h"

#include <string.h>

enum tb_csv tb_csv_cell(char **at, char **cell)
{
	char *from = *at, *to = *at, *end;
	bool quoted = *from == '"';
	if (quoted) {
		/* Nothing is written before it is known that the cell is whole. */
		for (end = ++from; *end && (*end != '"' || end[1] == '"'); end++)
			end += *end == '"';
	} else {
		end = from + strcspn(from, ",\"\r\n");
	}
	char *behind = end + (quoted && *end);
	size_t size = behind[0] == '\r' && behind[1] == '\n' ? 2 : *behind != 0;
	if ((quoted && !*end) || (*behind && !strchr(",\r\n", *behind)))
		return TB_CSV_BAD;
	enum tb_csv follows = *behind == ',' ? TB_CSV_CELL : behind[size] ? TB_CSV_ROW : TB_CSV_END;
	*cell = to;
	*at = behind + size;
	while (from < end) {
		from += quoted && *from == '"';
		*to++ = *from++;
	}
	*to = 0;
	return follows;
}

/* A spreadsheet takes what begins with one of these for a formula: an apostrophe makes it text (OWASP, CSV
 * Injection). Line ends, which only free text has, become blanks: a row is a line. */
void tb_buf_csv(struct tb_buf *buf, const char *text)
{
	bool formula = text[0] && strchr("=+-@\t\r", text[0]);
	bool quoted = formula || strpbrk(text, ",\"\r\n") != NULL;
	tb_buf_str(buf, quoted ? "\"" : "");
	tb_buf_str(buf, formula ? "'" : "");
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			tb_buf_str(buf, "\"\"");
		else
			tb_buf_add(buf, *c == '\n' || *c == '\r' ? " " : c, 1);
	}
	tb_buf_str(buf, quoted ? "\"" : "");
}
