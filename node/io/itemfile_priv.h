/* What the readers of item files share. */
#pragma once

#include "node/io/itemfile.h"

struct itemreader {
	struct itemfile *file;
	struct tb_arena *arena;
	size_t room; /* of items */
	bool base;   /* a base catalogue: only a name is needed */
};

/* |column| and |reason| are copied. */
void itemreader_fault(struct itemreader *reader, size_t row, const char *column, const char *reason);
void itemreader_item(struct itemreader *reader, size_t row, PbItem *item);
/* The rules of node/core/catalogue.h; true if they are kept. A fault's place is "materials[2].basis", its
 * reason the rest. */
bool itemreader_check(const struct itemreader *reader, const PbItem *item, const char **place,
                      const char **reason);

TB_MUST_CHECK enum tb_code itemcsv_read(struct itemreader *reader, const char *path, struct tb_bytes text,
                                        struct tb_error *err);
void itemcsv_write(struct tb_buf *out, PbItem *const *items, size_t count, bool zh);
