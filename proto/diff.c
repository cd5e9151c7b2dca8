#include "proto/codec.h"

#include <assert.h>
#include <string.h>

/* Bytes of the member that holds a field's value. */
static size_t member_bytes(const ProtobufCFieldDescriptor *field)
{
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return sizeof(void *);
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	default: /* the rest are of 32 bits, also bool and enum */
		return sizeof(uint32_t);
	}
}

/* The JSON of a message that has this one field only, without the braces and the name. */
static char *field_text(const proto_message *message, const ProtobufCFieldDescriptor *field,
                        struct tb_arena *arena)
{
	proto_message *alone = proto_new(arena, message->descriptor);
	struct tb_buf json = {0};
	memcpy((char *)alone + field->offset, (const char *)message + field->offset, member_bytes(field));
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		memcpy((char *)alone + field->quantifier_offset,
		       (const char *)message + field->quantifier_offset, sizeof(size_t));
	proto_json_encode(&json, alone);
	const char *text = tb_buf_text(&json);
	const char *colon = strchr(text, ':');
	char *out = tb_arena_str(arena, colon ? colon + 1 : "");
	size_t size = strlen(out);
	if (size > 0) /* the closing brace of the message */
		out[size - 1] = '\0';
	tb_buf_clear(&json);
	return out;
}

size_t proto_differences(const proto_message *before, const proto_message *after, struct tb_arena *arena,
                         struct proto_difference **out)
{
	const proto_type *type = before->descriptor;
	size_t count = 0;
	assert(type == after->descriptor);
	*out = tb_arena_alloc(arena, (type->n_fields + 1) * sizeof(**out));
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char *was = field_text(before, field, arena);
		char *is = field_text(after, field, arena);
		if (strcmp(was, is) != 0)
			(*out)[count++] = (struct proto_difference){
				.field = tb_arena_str(arena, field->name), .before = was, .after = is};
	}
	return count;
}
