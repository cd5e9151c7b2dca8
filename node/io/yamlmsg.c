#include "node/io/yamlmsg.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/limits.h"

enum { DEPTH_MAX = 12, LIST_MAX = 4096 };

struct reader {
	yaml_document_t document;
	const char *path;
	struct tb_arena *arena;
	struct tb_error *err;
	char place[256]; /* "terms[0].modes" */
	struct yaml_fault fault;
};

static enum tb_code fail(struct reader *reader, const yaml_node_t *node, const char *what)
{
	reader->fault = (struct yaml_fault){node->start_mark.line + 1, reader->place, what};
	return tb_fail(reader->err, TB_EMALFORMED, "%s:%zu: %s: %s", reader->path, node->start_mark.line + 1,
	               reader->place[0] ? reader->place : "document", what);
}

static const char *scalar(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static enum tb_code read_enum(struct reader *reader, const ProtobufCEnumDescriptor *type,
                              const yaml_node_t *node, int32_t *out)
{
	char name[64];
	size_t size = 0;
	int value;
	for (const char *p = scalar(node); *p && size < sizeof(name) - 1; p++)
		name[size++] = (char)(*p == '-' ? '_' : toupper((unsigned char)*p));
	name[size] = '\0';
	if (!proto_enum_value(type, name, &value))
		return fail(reader, node, "no such word");
	*out = value;
	return TB_OK;
}

static enum tb_code read_number(struct reader *reader, const yaml_node_t *node, int64_t least, uint64_t most,
                                uint64_t *out)
{
	const char *text = scalar(node);
	char *end;
	errno = 0;
	bool negative = text[0] == '-';
	unsigned long long value = strtoull(negative ? text + 1 : text, &end, 10);
	if (errno || end == text + negative || *end || !isdigit((unsigned char)text[negative]) ||
	    (negative ? least == 0 || value > (uint64_t) - (least + 1) + 1 : value > most))
		return fail(reader, node, "not a number, or out of range");
	*out = negative ? (uint64_t)0 - value : value;
	return TB_OK;
}

static enum tb_code read_message(struct reader *reader, const proto_type *type, const yaml_node_t *node,
                                 unsigned depth, proto_message **out);

/* One value into |member|, which has the field's size. */
static enum tb_code read_value(struct reader *reader, const ProtobufCFieldDescriptor *field,
                               yaml_node_t *node, unsigned depth, void *member)
{
	uint64_t number = 0;
	enum tb_code code = TB_OK;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_message(reader, field->descriptor, node, depth + 1, member);
	if (node->type != YAML_SCALAR_NODE)
		return fail(reader, node, "one value is expected");
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		if (node->data.scalar.length > TB_TEXT_BYTES_MAX ||
		    strlen(scalar(node)) != node->data.scalar.length)
			return fail(reader, node, "too long, or with a NUL");
		*(char **)member = tb_arena_str(reader->arena, scalar(node));
		return TB_OK;
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(reader, field->descriptor, node, member);
	case PROTOBUF_C_TYPE_BOOL:
		if (strcmp(scalar(node), "true") != 0 && strcmp(scalar(node), "false") != 0)
			return fail(reader, node, "true or false is expected");
		*(protobuf_c_boolean *)member = scalar(node)[0] == 't';
		return TB_OK;
	case PROTOBUF_C_TYPE_INT32:
		code = read_number(reader, node, INT32_MIN, INT32_MAX, &number);
		*(int32_t *)member = (int32_t)number;
		return code;
	case PROTOBUF_C_TYPE_UINT32:
		code = read_number(reader, node, 0, UINT32_MAX, &number);
		*(uint32_t *)member = (uint32_t)number;
		return code;
	case PROTOBUF_C_TYPE_INT64:
		code = read_number(reader, node, INT64_MIN, INT64_MAX, &number);
		*(int64_t *)member = (int64_t)number;
		return code;
	case PROTOBUF_C_TYPE_UINT64:
		code = read_number(reader, node, 0, UINT64_MAX, &number);
		*(uint64_t *)member = number;
		return code;
	default:
		return fail(reader, node, "cannot be written in YAML");
	}
}

static size_t value_bytes(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return sizeof(uint64_t);
	default:
		return sizeof(uint32_t);
	}
}

static enum tb_code read_list(struct reader *reader, const ProtobufCFieldDescriptor *field, yaml_node_t *node,
                              unsigned depth, char *base)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return fail(reader, node, "a list is expected");
	size_t count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	size_t bytes = value_bytes(field), before = strlen(reader->place);
	if (count > LIST_MAX)
		return fail(reader, node, "the list is too long");
	char *list = tb_arena_alloc(reader->arena, (count + 1) * bytes);
	for (size_t i = 0; i < count; i++) {
		snprintf(reader->place + before, sizeof(reader->place) - before, "[%zu]", i);
		yaml_node_t *item =
			yaml_document_get_node(&reader->document, node->data.sequence.items.start[i]);
		enum tb_code code = read_value(reader, field, item, depth, list + i * bytes);
		if (code)
			return code;
	}
	reader->place[before] = '\0';
	*(void **)(void *)(base + field->offset) = list;
	*(size_t *)(void *)(base + field->quantifier_offset) = count;
	return TB_OK;
}

static enum tb_code read_pair(struct reader *reader, proto_message *message, const yaml_node_pair_t *pair,
                              unsigned depth, uint64_t seen[4])
{
	yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
	yaml_node_t *value = yaml_document_get_node(&reader->document, pair->value);
	size_t before = strlen(reader->place);
	if (key->type != YAML_SCALAR_NODE)
		return fail(reader, key, "a name is expected");
	snprintf(reader->place + before, sizeof(reader->place) - before, "%s%s", before ? "." : "",
	         scalar(key));
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, scalar(key));
	if (!field)
		return fail(reader, key, "there is no such field");
	size_t index = (size_t)(field - message->descriptor->fields);
	if (index >= 256 || seen[index / 64] >> (index % 64) & 1)
		return fail(reader, key, "stands here twice");
	seen[index / 64] |= UINT64_C(1) << (index % 64);
	char *base = (char *)message;
	enum tb_code code = field->label == PROTOBUF_C_LABEL_REPEATED
	                            ? read_list(reader, field, value, depth, base)
	                            : read_value(reader, field, value, depth, base + field->offset);
	if (code == TB_OK)
		reader->place[before] = '\0';
	return code;
}

static enum tb_code read_message(struct reader *reader, const proto_type *type, const yaml_node_t *node,
                                 unsigned depth, proto_message **out)
{
	uint64_t seen[4] = {0};
	if (depth > DEPTH_MAX)
		return fail(reader, node, "nested too deeply");
	if (node->type != YAML_MAPPING_NODE)
		return fail(reader, node, "names and values are expected");
	*out = proto_new(reader->arena, type);
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		enum tb_code code = read_pair(reader, *out, pair, depth, seen);
		if (code)
			return code;
	}
	return TB_OK;
}

static enum tb_code load_document(struct reader *reader, struct tb_bytes text)
{
	yaml_parser_t parser;
	enum tb_code code = TB_OK;
	if (!yaml_parser_initialize(&parser))
		abort(); /* like memory that cannot be had */
	yaml_parser_set_input_string(&parser, text.data, text.size);
	if (!yaml_parser_load(&parser, &reader->document))
		code = tb_fail(reader->err, TB_EMALFORMED, "%s:%zu: %s", reader->path,
		               parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
	yaml_parser_delete(&parser);
	return code;
}

enum tb_code yaml_message(proto_message **out, const proto_type *type, const char *path, struct tb_bytes text,
                          struct tb_arena *arena, struct tb_error *err)
{
	struct reader reader = {.path = path, .arena = arena, .err = err};
	*out = NULL;
	enum tb_code code = load_document(&reader, text);
	if (code)
		return code;
	const yaml_node_t *root = yaml_document_get_root_node(&reader.document);
	code = root ? read_message(&reader, type, root, 0, out)
	            : tb_fail(err, TB_EMALFORMED, "%s: there is nothing in it", path);
	yaml_document_delete(&reader.document);
	if (code)
		*out = NULL;
	return code;
}

/* The list that the document's only name stands for. */
static enum tb_code find_list(struct reader *reader, const char *key, const yaml_node_t **out)
{
	const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
	if (!root)
		return tb_fail(reader->err, TB_EMALFORMED, "%s: there is nothing in it", reader->path);
	if (root->type != YAML_MAPPING_NODE ||
	    root->data.mapping.pairs.top - root->data.mapping.pairs.start != 1)
		return fail(reader, root, "one name with a list is expected");
	const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
	const yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
	*out = yaml_document_get_node(&reader->document, pair->value);
	if (name->type != YAML_SCALAR_NODE || strcmp(scalar(name), key) != 0)
		return fail(reader, name, "there is no such field");
	if ((*out)->type != YAML_SEQUENCE_NODE)
		return fail(reader, *out, "a list is expected");
	return (*out)->data.sequence.items.top - (*out)->data.sequence.items.start > LIST_MAX
	               ? fail(reader, *out, "the list is too long")
	               : TB_OK;
}

enum tb_code yaml_messages(const proto_type *type, const char *key, const char *path, struct tb_bytes text,
                           struct tb_arena *arena, yaml_take *take, void *ctx, struct tb_error *err)
{
	struct reader reader = {.path = path, .arena = arena, .err = err};
	const yaml_node_t *list = NULL;
	enum tb_code code = load_document(&reader, text);
	if (code)
		return code;
	code = find_list(&reader, key, &list);
	const yaml_node_item_t *at = code ? NULL : list->data.sequence.items.start;
	for (; code == TB_OK && at < list->data.sequence.items.top; at++) {
		const yaml_node_t *node = yaml_document_get_node(&reader.document, *at);
		proto_message *message = NULL;
		reader.place[0] = '\0';
		bool good = read_message(&reader, type, node, 1, &message) == TB_OK;
		take(ctx, node->start_mark.line + 1, good ? message : NULL, good ? NULL : &reader.fault);
	}
	yaml_document_delete(&reader.document);
	return code;
}
