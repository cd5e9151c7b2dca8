/* Messages for the tests of this room: all types there are, all their fields filled, and a type that contains
 * itself, which the contracts never have. */
#pragma once

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "proto/codec.h"

/* ---------------------------------------------------------------- a recursive type */

struct sample_nest {
	proto_message base;
	struct sample_nest *inner;
	size_t n_more;
	struct sample_nest **more;
};

static inline void sample_nest_init(proto_message *message);

static inline const proto_type *sample_nest(void)
{
	static const ProtobufCIntRange ranges[] = {{1, 0}, {0, 2}};
	static const unsigned by_name[] = {0, 1};
	static ProtobufCFieldDescriptor fields[2];
	static proto_type type;
	fields[0] = (ProtobufCFieldDescriptor){.name = "inner",
	                                       .id = 1,
	                                       .label = PROTOBUF_C_LABEL_NONE,
	                                       .type = PROTOBUF_C_TYPE_MESSAGE,
	                                       .offset = offsetof(struct sample_nest, inner),
	                                       .descriptor = &type};
	fields[1] = (ProtobufCFieldDescriptor){.name = "more",
	                                       .id = 2,
	                                       .label = PROTOBUF_C_LABEL_REPEATED,
	                                       .type = PROTOBUF_C_TYPE_MESSAGE,
	                                       .quantifier_offset = offsetof(struct sample_nest, n_more),
	                                       .offset = offsetof(struct sample_nest, more),
	                                       .descriptor = &type};
	type = (proto_type){.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
	                    .name = "test.Nest",
	                    .short_name = "Nest",
	                    .sizeof_message = sizeof(struct sample_nest),
	                    .n_fields = 2,
	                    .fields = fields,
	                    .fields_sorted_by_name = by_name,
	                    .n_field_ranges = 1,
	                    .field_ranges = ranges,
	                    .message_init = sample_nest_init};
	return &type;
}

static inline void sample_nest_init(proto_message *message)
{
	*(struct sample_nest *)(void *)message = (struct sample_nest){.base = {.descriptor = sample_nest()}};
}

/* ---------------------------------------------------------------- all types */

enum { SAMPLE_TYPES_MAX = 256 };

struct sample_types {
	const proto_type *list[SAMPLE_TYPES_MAX];
	size_t count;
};

static inline void sample_add_type(struct sample_types *types, const proto_type *type)
{
	for (size_t i = 0; i < types->count; i++) {
		if (types->list[i] == type)
			return;
	}
	assert(types->count < SAMPLE_TYPES_MAX);
	types->list[types->count++] = type;
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			sample_add_type(types, type->fields[i].descriptor);
	}
}

/* What services carry, what a batch holds, what the store keeps, and all that these are made of. */
static inline struct sample_types sample_types(void)
{
	static const proto_service *const services[] = {
		&pb_exchange__descriptor,          &pb_node_service__descriptor,
		&pb_peer_service__descriptor,      &pb_credential_service__descriptor,
		&pb_catalogue_service__descriptor, &pb_case_service__descriptor,
		&pb_material_service__descriptor,  &pb_evidence_service__descriptor,
		&pb_audit_service__descriptor,
	};
	static const proto_type *const roots[] = {
		&pb_batch_header__descriptor,
		&pb_query__descriptor,
		&pb_answer__descriptor,
		&pb_case_message__descriptor,
		&pb_receipt__descriptor,
		&pb_describe_request__descriptor,
		&pb_description__descriptor,
		&pb_case_entry__descriptor,
		&pb_credential_record__descriptor,
		&pb_stored_batch__descriptor,
		&pb_stored_chain__descriptor,
		&pb_case_record__descriptor,
		&pb_outbox_record__descriptor,
		&pb_inbox_record__descriptor,
		&pb_stored_material__descriptor,
		&pb_import_record__descriptor,
		&pb_audit_leaf__descriptor,
	};
	struct sample_types types = {.count = 0};
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		for (unsigned j = 0; j < services[i]->n_methods; j++) {
			sample_add_type(&types, services[i]->methods[j].input);
			sample_add_type(&types, services[i]->methods[j].output);
		}
	}
	for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
		sample_add_type(&types, roots[i]);
	return types;
}

static inline size_t sample_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return 8;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

static inline proto_message *sample_new(struct tb_arena *arena, const proto_type *type, size_t count,
                                        unsigned *serial);

/* Gives one value that is not the default, another at every call. */
static inline void sample_value(struct tb_arena *arena, const ProtobufCFieldDescriptor *field, void *member,
                                size_t count, unsigned *serial)
{
	static const int64_t numbers[] = {INT64_MAX, 1, INT64_MIN, -1, INT64_C(1) << 53, 127, 128, INT32_MIN};
	unsigned turn = (*serial)++;
	int64_t number = numbers[turn % 8];
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		*(int64_t *)member = number;
		return;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
		*(int32_t *)member = (int32_t)(number >> (turn % 8 == 4 ? 30 : 0) | 1);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		*(protobuf_c_boolean *)member = 1;
		return;
	case PROTOBUF_C_TYPE_ENUM: {
		const proto_enum *type = field->descriptor;
		*(int *)member = type->values[1 + turn % (type->n_values - 1)].value;
		return;
	}
	case PROTOBUF_C_TYPE_STRING:
		*(char **)member =
			tb_arena_printf(arena, "%s \"%u\" \\ 南京 𠮷%.*s", field->name, turn,
		                        (int)(turn % 40), "0123456789012345678901234567890123456789");
		return;
	case PROTOBUF_C_TYPE_BYTES: {
		uint8_t *data = tb_arena_alloc(arena, 1 + turn % 50);
		for (unsigned i = 0; i < 1 + turn % 50; i++)
			data[i] = (uint8_t)(turn * 7 + i);
		*(ProtobufCBinaryData *)member = (ProtobufCBinaryData){1 + turn % 50, data};
		return;
	}
	case PROTOBUF_C_TYPE_MESSAGE:
		*(proto_message **)member = sample_new(arena, field->descriptor, count, serial);
		return;
	default:
		assert(!"field type");
	}
}

/* A message of |type| with every field filled, nested ones too; repeated fields have |count| elements. */
static inline proto_message *sample_new(struct tb_arena *arena, const proto_type *type, size_t count,
                                        unsigned *serial)
{
	proto_message *message = proto_new(arena, type);
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		char *member = (char *)message + field->offset;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			sample_value(arena, field, member, count, serial);
			continue;
		}
		size_t size = sample_size(field);
		char *elements = tb_arena_alloc(arena, count * size);
		for (size_t j = 0; j < count; j++)
			sample_value(arena, field, elements + j * size, count, serial);
		*(void **)(void *)member = elements;
		*(size_t *)(void *)((char *)message + field->quantifier_offset) = count;
	}
	return message;
}

/* ---------------------------------------------------------------- wire bytes by hand */

static inline void sample_varint(struct tb_buf *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (uint8_t)(value | 0x80);
	bytes[size++] = (uint8_t)value;
	tb_buf_add(out, bytes, size);
}

static inline void sample_key(struct tb_buf *out, uint32_t number, unsigned wire)
{
	sample_varint(out, (uint64_t)number << 3 | wire);
}

static inline void sample_piece(struct tb_buf *out, uint32_t number, struct tb_bytes bytes)
{
	sample_key(out, number, 2);
	sample_varint(out, bytes.size);
	tb_buf_add(out, bytes.data, bytes.size);
}

/* |levels| messages, each the field |number| of the one around it; the innermost is empty. */
static inline void sample_deep(struct tb_buf *out, uint32_t number, size_t levels)
{
	struct tb_buf inner = {0};
	for (size_t i = 0; i < levels; i++) {
		struct tb_buf outer = {0};
		sample_piece(&outer, number, tb_buf_bytes(&inner));
		tb_buf_clear(&inner);
		inner = outer;
	}
	tb_buf_add(out, inner.data, inner.size);
	tb_buf_clear(&inner);
}
