#include "proto/codec.h"

#include <assert.h>

#include "proto/scan_priv.h"

/* Memory. What protobuf_c_message_unpack() takes grows with the number of fields, which the scan bounds by
 * TB_PROTO_FIELDS_MAX, and with the struct that a field stands for: an empty nested message is two bytes on
 * the wire. Measured at the limit, 65536 fields in 128 KiB: lists of the largest struct of the local API
 * (CaseListResponse.cases) take 21 MB or 160 times their bytes, of the largest that a peer may send
 * (Catalogue.items, CaseDetail.materials) 12.6 MB or 96 times, unknown fields 54 times, texts 42 times. Who
 * decodes the items of a batch one after the other bounds what they take together. */

static void *unpack_alloc(void *arena, size_t size)
{
	return tb_arena_alloc(arena, size);
}

/* The arena frees all at once. */
static void unpack_free(void *arena, void *data)
{
	(void)arena;
	(void)data;
}

/* protobuf-c keeps what it does not know and would encode it again: a peer could make this node sign or store
 * what it never looked at. The types are not recursive, so neither is this, beyond their nesting. */
static void drop_unknown(proto_message *message)
{
	const proto_type *type = message->descriptor;
	message->n_unknown_fields = 0;
	message->unknown_fields = NULL;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		if (field->type != PROTOBUF_C_TYPE_MESSAGE)
			continue;
		char *base = (char *)message;
		void *member = base + field->offset;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			proto_message *inner = *(proto_message **)member;
			if (inner)
				drop_unknown(inner);
			continue;
		}
		size_t count = *(size_t *)(void *)(base + field->quantifier_offset);
		for (size_t j = 0; j < count; j++)
			drop_unknown((*(proto_message ***)member)[j]);
	}
}

static proto_message *unpack(const proto_type *type, struct tb_bytes bytes, struct tb_arena *arena)
{
	ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
	return protobuf_c_message_unpack(type, &allocator, bytes.size, bytes.data);
}

enum tb_code proto_decode(proto_message **out, const proto_type *type, struct tb_bytes bytes,
                          struct tb_arena *arena, struct tb_error *err)
{
	*out = NULL;
	size_t unknown = 0;
	enum tb_code code = proto_scan_count(&unknown, type, bytes, err);
	if (code != TB_OK)
		return code;
	*out = unpack(type, bytes, arena);
	if (!*out)
		return tb_fail(err, TB_EMALFORMED, "%s: cannot be decoded", type->short_name);
	if (unknown > 0)
		drop_unknown(*out);
	return TB_OK;
}

enum tb_code proto_decode_own(proto_message **out, const proto_type *type, struct tb_bytes bytes,
                              struct tb_arena *arena, struct tb_error *err)
{
	*out = unpack(type, bytes, arena);
	if (!*out)
		return tb_fail(err, TB_ECORRUPT, "%s: cannot be decoded", type->short_name);
	/* Unknown fields here were written by a newer build, before a downgrade. */
	drop_unknown(*out);
	return TB_OK;
}

void proto_encode(struct tb_buf *out, const proto_message *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	tb_buf_reserve(out, size);
	if (size == 0)
		return;
	size_t packed = protobuf_c_message_pack(message, out->data + out->size);
	assert(packed == size);
	out->size += packed;
}

struct tb_bytes proto_encode_arena(struct tb_arena *arena, const proto_message *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = tb_arena_alloc(arena, size);
	size_t packed = protobuf_c_message_pack(message, data);
	assert(packed == size);
	return (struct tb_bytes){data, size};
}

proto_message *proto_new(struct tb_arena *arena, const proto_type *type)
{
	/* The generated initialisers set every text to the empty one. */
	proto_message *message = tb_arena_alloc(arena, type->sizeof_message);
	protobuf_c_message_init(type, message);
	return message;
}
