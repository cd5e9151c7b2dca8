/* Cells of CSV files (RFC 4180). */
#pragma once

#include "base/bytes.h"

enum tb_csv {
	TB_CSV_CELL, /* more cells follow in its row */
	TB_CSV_ROW,  /* the last of its row */
	TB_CSV_END,  /* the last of the text */
	TB_CSV_BAD,  /* badly quoted; the place is unchanged */
};

/* Takes the next cell off the text at |*at|, which is overwritten, and says what follows it. A quoted cell
 * may hold line breaks, an unquoted one no quotes (section 2, rules 5 to 7). */
enum tb_csv tb_csv_cell(char **at, char **cell);
/* Adds |text| as a cell that stays text in a spreadsheet, and in its line. */
void tb_buf_csv(struct tb_buf *buf, const char *text);
