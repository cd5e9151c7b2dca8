/* A YAML document as a message: mappings are messages, keys are field names as the .proto has them, enums are
 * their names in any case. An error names the file, the line and the field. */
#pragma once

#include "proto/codec.h"

/* TB_EMALFORMED. |path| is for the error only; |text| ends with a NUL behind its size. */
TB_MUST_CHECK enum tb_code yaml_message(proto_message **out, const proto_type *type, const char *path,
                                        struct tb_bytes text, struct tb_arena *arena, struct tb_error *err);
