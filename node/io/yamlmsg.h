/* A YAML document as a message: mappings are messages, keys are field names as the .proto has them, enums are
 * their names in any case. An error names the file, the line and the field. */
#pragma once

#include "proto/codec.h"

/* TB_EMALFORMED. |path| is for the error only; |text| ends with a NUL behind its size. */
TB_MUST_CHECK enum tb_code yaml_message(proto_message **out, const proto_type *type, const char *path,
                                        struct tb_bytes text, struct tb_arena *arena, struct tb_error *err);

struct yaml_fault {
	size_t line;
	const char *place; /* "materials[0].basis"; until the next call */
	const char *what;
};
/* An element that begins in |line|: its message, or NULL and what is wrong with it. */
typedef void yaml_take(void *ctx, size_t line, proto_message *message, const struct yaml_fault *fault);

/* A document that is one list, |key|: gives its elements to |take|, the bad ones as well. TB_EMALFORMED: it
 * is no such document; nothing, or a part of it, was given then. */
TB_MUST_CHECK enum tb_code yaml_messages(const proto_type *type, const char *key, const char *path,
                                         struct tb_bytes text, struct tb_arena *arena, yaml_take *take,
                                         void *ctx, struct tb_error *err);
