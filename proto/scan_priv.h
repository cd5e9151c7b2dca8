/* What scan.c lends to the other sources of this room. Not for other rooms. */
#pragma once

#include "proto/codec.h"

/* proto_scan(), which besides counts in *unknown the fields that |type| does not have. */
TB_MUST_CHECK enum tb_code proto_scan_count(size_t *unknown, const proto_type *type, struct tb_bytes bytes,
                                            struct tb_error *err);

/* Checks |text| for the field |field| of |type|. On failure *why names the rule that it breaks.
 *
 * TB_EMALFORMED   characters that the field may not hold
 * TB_ETOOBIG      too long */
TB_MUST_CHECK enum tb_code proto_text_check(const proto_type *type, const ProtobufCFieldDescriptor *field,
                                            struct tb_bytes text, const char **why);
