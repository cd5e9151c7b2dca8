/* Regions: codes of administrative divisions (GB/T 2260), their names and the regions that they belong to.
 *
 * Read from text, immutable from then on, any thread. The country itself (100000) is no row. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum { REGIONS_MAX = 8000, REGION_CHARS = 6 };

struct regions;

/* Reads lines "code TAB name TAB parent"; lines "code TAB name TAB parent" in just these words (headers),
 * empty ones and those that begin with # are skipped, so files may be concatenated. A parent is 100000 or a
 * row of its own, anywhere in |tsv|. Copies what it keeps. On failure *out is NULL.
 *
 * TB_EMALFORMED   names the line       TB_ETOOBIG   over REGIONS_MAX rows or TB_FILE_BYTES_MAX bytes */
TB_MUST_CHECK enum tb_code regions_parse(struct regions **out, struct tb_bytes tsv, struct tb_error *err);
void regions_free(struct regions *regions);

/* Name and parent's code of the region |code|; NULL if it is unknown. They live as long as |regions|. */
const char *regions_name(const struct regions *regions, const char *code);
const char *regions_parent(const struct regions *regions, const char *code);

/* Rows, by ascending code. */
size_t regions_count(const struct regions *regions);
void regions_at(const struct regions *regions, size_t index, const char **code, const char **name);
