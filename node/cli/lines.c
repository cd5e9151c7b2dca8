#include "node/cli/lines.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_BLOCK_BYTES = 256 * 1024 };

struct lines {
	FILE *stream;
	size_t line_max;
	uint64_t number; /* of the next line */
	uint64_t end;    /* offset of the next line */
	struct tb_buf line;
	size_t at; /* first unread byte of the block */
	size_t size;
	uint8_t block[LINES_BLOCK_BYTES];
};

struct lines *lines_new(FILE *stream, uint64_t offset, uint64_t number, size_t line_max)
{
	if (fseeko(stream, (off_t)offset, SEEK_SET) != 0 && offset > 0)
		return NULL;
	struct lines *lines = tb_alloc(sizeof(*lines));
	lines->stream = stream;
	lines->line_max = line_max;
	lines->number = number;
	lines->end = offset;
	return lines;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	tb_buf_clear(&lines->line);
	free(lines);
}

static void strip(struct lines *lines, struct line *line)
{
	struct tb_buf *kept = &lines->line;
	if (kept->size > 0 && kept->data[kept->size - 1] == '\r')
		kept->size--;
	line->bytes = tb_bytes_of(tb_buf_text(kept), kept->size);
	if (line->number == 1 && kept->size >= 3 && memcmp(kept->data, "\xEF\xBB\xBF", 3) == 0)
		line->bytes = tb_bytes_of(kept->data + 3, kept->size - 3);
}

bool lines_next(struct lines *lines, struct line *line)
{
	bool any = false;
	bool ended = false;
	*line = (struct line){.number = lines->number};
	lines->line.size = 0;
	while (!ended) {
		if (lines->at == lines->size) {
			lines->at = 0;
			lines->size = fread(lines->block, 1, sizeof(lines->block), lines->stream);
			if (lines->size == 0)
				break;
		}
		const uint8_t *from = lines->block + lines->at;
		const uint8_t *lf = memchr(from, '\n', lines->size - lines->at);
		size_t part = lf ? (size_t)(lf - from) : lines->size - lines->at;
		/* One byte more than the maximum may be a CR that is stripped. */
		if (part > lines->line_max + 1 - lines->line.size)
			line->too_long = true;
		else if (!line->too_long)
			tb_buf_add(&lines->line, from, part);
		ended = lf != NULL;
		lines->at += part + (lf ? 1 : 0);
		lines->end += part + (lf ? 1 : 0);
		any = true;
	}
	if (!any || ferror(lines->stream))
		return false;
	lines->number++;
	line->end = lines->end;
	if (line->too_long)
		lines->line.size = 0;
	strip(lines, line);
	if (line->bytes.size > lines->line_max) {
		line->too_long = true;
		line->bytes.size = 0;
	}
	return true;
}
