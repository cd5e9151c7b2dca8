/* Lines of a file of any size, in constant memory. */
#pragma once

#include <stdio.h>

#include "base/bytes.h"

struct lines;

/* Begins at |offset| of |stream|, whose first line there is number |number|; |line_max| bytes at most are
 * kept of a line. Borrows |stream|. NULL: the stream can't be positioned there. */
struct lines *lines_new(FILE *stream, uint64_t offset, uint64_t number, size_t line_max);
void lines_free(struct lines *lines);

struct line {
	struct tb_bytes bytes; /* without LF or CR LF, NUL-terminated; lives until the next call */
	uint64_t number;       /* from 1 */
	uint64_t end;          /* offset after the line and its end */
	bool too_long;         /* bytes holds nothing */
};
/* False at the end of the file, or when reading fails (ferror()). A byte order mark before line 1 is left
 * out. */
bool lines_next(struct lines *lines, struct line *line);
