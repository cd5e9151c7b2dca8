/* Materials (scans, licences): content-addressed, sealed at rest, in chunks of 256 KiB.
 *
 * The address is the RFC 6962 root over the chunks; every chunk is checked against its leaf hash before it is
 * written and again when it is read. On disk a chunk is sealed with its leaf hash as associated data.
 * Constant memory at any size. These functions touch files through storage/blob.h only; any thread, one at a
 * time for each object. */
#pragma once

#include "node/core/core.h"

/* ---- in: a local upload */
struct material_intake;
TB_MUST_CHECK enum tb_code material_intake_new(struct material_intake **out, const struct core_setup *setup,
                                               const uint8_t seed[32], struct tb_error *err);
/* TB_ETOOBIG over TB_MATERIAL_CHUNKS_MAX chunks; TB_EFULL. */
TB_MUST_CHECK enum tb_code material_intake_add(struct material_intake *intake, struct tb_bytes bytes,
                                               struct tb_error *err);
struct material_added {
	uint64_t size;
	uint8_t root[PKI_HASH_BYTES];
	uint8_t sha256[PKI_HASH_BYTES];
	struct tb_buf leaves; /* 32 bytes a chunk */
};
/* Makes it durable under its root; the record is written by a later turn (core_request for it is made here,
 * so that the driver only queues it). Frees |intake| in every case. TB_EINVALID: empty. */
TB_MUST_CHECK enum tb_code material_intake_finish(struct material_intake *intake,
                                                  struct core_request **request, struct tb_error *err);
void material_intake_free(struct material_intake *intake); /* drops the upload */

/* ---- in: a fetch from a peer */
struct material_sink;
/* Continues |fetch| at its first_chunk (borrowed until the sink is freed). */
TB_MUST_CHECK enum tb_code material_sink_new(struct material_sink **out, const struct core_setup *setup,
                                             struct core_fetch *fetch, const uint8_t seed[32],
                                             struct tb_error *err);
/* Takes one encoded MaterialPart: checks leaves against the root, then each chunk, then writes.
 * TB_EMALFORMED, TB_EUNTRUSTED (wrong digest), TB_ETOOBIG (more than was announced), TB_EFULL. |*progress| is
 * set when the number of durable chunks (fetch->chunks) grew and is worth noting. */
TB_MUST_CHECK enum tb_code material_sink_part(struct material_sink *sink, struct tb_bytes part,
                                              bool *progress, struct tb_error *err);
/* Adds the same part to the digest of the whole: once for each part, in order. It may run beside
 * material_sink_part() on another thread. A part that the other refuses ends the fetch, whatever this makes
 * of it. */
void material_sink_digest(struct material_sink *sink, struct tb_bytes part);
/* The stream ended: TB_OK only if everything is here, both digests hold and it is durable. Otherwise what is
 * good stays for the next attempt. Frees |sink|. */
TB_MUST_CHECK enum tb_code material_sink_end(struct material_sink *sink, struct tb_error *err);

/* ---- out: to a peer, or to a local program */
struct material_source;
TB_MUST_CHECK enum tb_code material_source_new(struct material_source **out, const struct core_setup *setup,
                                               const PbStoredMaterial *record,
                                               const uint8_t root[PKI_HASH_BYTES], uint32_t first_chunk,
                                               struct tb_error *err);
/* Appends the next encoded MaterialPart; *more is false when none is left (and nothing was appended). */
TB_MUST_CHECK enum tb_code material_source_part(struct material_source *source, struct tb_buf *part,
                                                bool *more, struct tb_error *err);
/* Appends the next chunk in clear. */
TB_MUST_CHECK enum tb_code material_source_chunk(struct material_source *source, struct tb_buf *chunk,
                                                 bool *more, struct tb_error *err);
void material_source_free(struct material_source *source);
