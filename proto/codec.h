/* Protobuf in and out: checked decoding, encoding, JSON.
 *
 * The message structs (PbQuery, PbCaseEntry ...) are those that protobuf-c generates from proto/tongban/v1,
 * with shorter names; the generated headers are included through this one only. A message that was decoded
 * lives in an arena together with everything that it points to; it is never freed by itself.
 *
 * Decoding first scans the bytes against the descriptor (no recursion beyond TB_PROTO_DEPTH_MAX, a bounded
 * number of fields, texts printable UTF-8 and at most TB_TEXT_BYTES_MAX, no overlong varints), because
 * protobuf-c itself checks none of this and recurses as deep as the input says. Sources: protobuf.dev
 * "Encoding", "ProtoJSON Format". */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

#include "tongban/v1/common.pb-c.h"
#include "tongban/v1/exchange.pb-c.h"
#include "tongban/v1/departments.pb-c.h"
#include "tongban/v1/node.pb-c.h"
#include "tongban/v1/store.pb-c.h"

/* Any message, its type, a service. */
typedef ProtobufCMessage proto_message;
typedef ProtobufCMessageDescriptor proto_type;
typedef ProtobufCServiceDescriptor proto_service;
typedef ProtobufCEnumDescriptor proto_enum;

/* Checks |bytes| against |type| without decoding: TB_EMALFORMED or TB_ETOOBIG names the field. */
TB_MUST_CHECK enum tb_code proto_scan(const proto_type *type, struct tb_bytes bytes, struct tb_error *err);

/* proto_scan() and decode into |arena|. *out is NULL on failure. Unknown fields are skipped and dropped. */
TB_MUST_CHECK enum tb_code proto_decode(proto_message **out, const proto_type *type, struct tb_bytes bytes,
                                        struct tb_arena *arena, struct tb_error *err);

/* The same for bytes that this node wrote itself and that a seal already vouches for: not scanned again. */
TB_MUST_CHECK enum tb_code proto_decode_own(proto_message **out, const proto_type *type,
                                            struct tb_bytes bytes, struct tb_arena *arena,
                                            struct tb_error *err);

/* Typed: PROTO_DECODE(&query, query, bytes, arena, err) with PbQuery *query. */
#define PROTO_DECODE(out, name, bytes, arena, err) \
	proto_decode((proto_message **)(void *)(out), &pb_##name##__descriptor, bytes, arena, err)
#define PROTO_DECODE_OWN(out, name, bytes, arena, err) \
	proto_decode_own((proto_message **)(void *)(out), &pb_##name##__descriptor, bytes, arena, err)

/* Appends the encoding of |message| to |out|; into the arena. Field order is by number, so equal messages of
 * one build give equal bytes; still, what was signed is kept and never encoded again. */
void proto_encode(struct tb_buf *out, const proto_message *message);
struct tb_bytes proto_encode_arena(struct tb_arena *arena, const proto_message *message);

/* A new, empty message of |type| in |arena|: proto3 defaults, no NULL texts. */
proto_message *proto_new(struct tb_arena *arena, const proto_type *type);
#define PROTO_NEW(Type, name, arena) ((Type *)(void *)proto_new(arena, &pb_##name##__descriptor))

/* Slices to and from the generated structs' bytes fields. */
static inline struct tb_bytes proto_bytes(ProtobufCBinaryData data)
{
	return (struct tb_bytes){data.data, data.len};
}
static inline ProtobufCBinaryData proto_data(struct tb_bytes bytes)
{
	/* The generated structs are not const; nothing writes through them. */
	return (ProtobufCBinaryData){bytes.size, (uint8_t *)(uintptr_t)bytes.data};
}

/* JSON by protobuf's canonical mapping: lowerCamelCase names (snake_case is taken too), 64-bit numbers as
 * strings (numbers are taken too), enums as names, bytes as base64; fields at their default are left out. An
 * unknown field, a wrong type or a value out of range is TB_EMALFORMED and |err| names the path, e.g.
 * "queries[3].holder.code". At most TB_PROTO_DEPTH_MAX deep. Texts obey the same rules as in proto_scan(). */
TB_MUST_CHECK enum tb_code proto_json_decode(proto_message **out, const proto_type *type,
                                             struct tb_bytes json, struct tb_arena *arena,
                                             struct tb_error *err);
void proto_json_encode(struct tb_buf *out, const proto_message *message);
/* The same with a newline and two spaces a level, for people. */
void proto_json_encode_pretty(struct tb_buf *out, const proto_message *message);

/* A field in which two messages of one type differ; values as JSON, "" where the field is at its default. */
struct proto_difference {
	char *field;
	char *before;
	char *after;
};
/* Returns how many there are; the list is in |arena|. */
size_t proto_differences(const proto_message *before, const proto_message *after, struct tb_arena *arena,
                         struct proto_difference **out);

/* Enum names: "ACCEPTED". NULL, or false, if there is none. */
const char *proto_enum_name(const proto_enum *type, int value);
bool proto_enum_value(const proto_enum *type, const char *name, int *out);
