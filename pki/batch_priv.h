/* What a batch and a proof have in common: the header and the signature over it. For pki's own files. */
#pragma once

#include "pki/batch.h"

/* Copies the slices of a decoded message's repeated bytes field. */
struct tb_bytes *pki_slices(const ProtobufCBinaryData *data, size_t count, struct tb_arena *arena);

/* Limits of header, signature and chain, before any of them is looked into. */
TB_MUST_CHECK enum tb_code pki_signed_sizes(struct tb_bytes header, struct tb_bytes signature,
                                            const ProtobufCBinaryData *chain, size_t chain_count,
                                            struct tb_error *err);

/* Decodes a header and checks all that can be said of it alone. */
TB_MUST_CHECK enum tb_code pki_header_decode(PbBatchHeader **out, struct tb_bytes bytes,
                                             struct tb_arena *arena, struct tb_error *err);

/* Checks the chain at |at|, that it is of the header's sender, and the signature. */
TB_MUST_CHECK enum tb_code pki_header_verify(const struct pki_identity **out, const PbBatchHeader *header,
                                             struct tb_bytes header_bytes, struct tb_bytes signature,
                                             const struct tb_bytes *chain, size_t chain_count,
                                             struct pki_trust *trust, tb_time at, struct tb_error *err);
