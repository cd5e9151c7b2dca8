/* Certificates that look like real ones: the same seed and index always give the same certificate, so that
 * none has to be kept. Codes have right check characters (GB 11643, GB 32100, GB 11714). */
#pragma once

#include "base/bytes.h"

struct generator;

/* Reads the types from |types_file| (data/cert_types.tsv). Ends the benchmark if that cannot be. */
struct generator *generator_new(const char *types_file, uint64_t seed);
void generator_free(struct generator *generator);

/* Appends the certificate |index| as a JSON line, or as a CSV line under generator_csv_header(). */
void generator_json(const struct generator *generator, uint64_t index, struct tb_buf *out);
void generator_csv(const struct generator *generator, uint64_t index, struct tb_buf *out);
const char *generator_csv_header(void);

/* Appends a query for the certificate |index|, by type and number, with one field to match; no newline. */
void generator_query(const struct generator *generator, uint64_t index, struct tb_buf *out);
/* The |n|-th random index below |count|, from the same seed; |*known| is false for one in twenty, and the
 * index is then above all certificates. */
uint64_t generator_pick(const struct generator *generator, uint64_t n, uint64_t count, bool *known);
