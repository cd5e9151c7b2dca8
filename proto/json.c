#include "proto/codec.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "proto/scan_priv.h"

enum { NAME_SIZE = 64, PATH_SIZE = 192 };

/* ---------------------------------------------------------------- names */

/* A field's JSON name, without building it: "case_number" is "caseNumber". Sets *at to the next character's
 * place and returns it; 0 at the end. */
static inline char camel_next(const char **at)
{
	if (**at != '_')
		return **at ? *(*at)++ : 0;
	(*at)++;
	char next = **at;
	if (next)
		(*at)++;
	return next >= 'a' && next <= 'z' ? (char)(next - 'a' + 'A') : next;
}

static bool is_camel(const char *name, const char *text)
{
	for (;; text++) {
		char next = camel_next(&name);
		if (next != *text)
			return false;
		if (!next)
			return true;
	}
}

static void camel_name(char out[NAME_SIZE], const char *name)
{
	size_t size = 0;
	for (char next; size < NAME_SIZE - 1 && (next = camel_next(&name)) != 0;)
		out[size++] = next;
	out[size] = 0;
}

const char *proto_enum_name(const proto_enum *type, int value)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);
	return found ? found->name : NULL;
}

bool proto_enum_value(const proto_enum *type, const char *name, int *out)
{
	const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value_by_name(type, name);
	if (found)
		*out = found->value;
	return found != NULL;
}

/* ---------------------------------------------------------------- reading */

struct reader {
	struct tb_arena *arena;
	struct tb_error *err;
};

/* Where the reader is: one field inside the other, outermost last. */
struct place {
	const struct place *up;
	const proto_type *type;                /* message that is read; NULL in the root's place */
	const ProtobufCFieldDescriptor *field; /* of |type| */
	size_t index;                          /* in a list; SIZE_MAX outside one */
	unsigned depth;                        /* messages around this one, itself counted */
};

static void add_path(char path[PATH_SIZE], const struct place *place)
{
	if (!place->field)
		return;
	add_path(path, place->up);
	char name[NAME_SIZE];
	camel_name(name, place->field->name);
	size_t used = strlen(path);
	snprintf(path + used, PATH_SIZE - used, "%s%s", used ? "." : "", name);
	used = strlen(path);
	if (place->index != SIZE_MAX)
		snprintf(path + used, PATH_SIZE - used, "[%zu]", place->index);
}

static enum tb_code refuse(const struct reader *reader, const struct place *place, enum tb_code code,
                           const char *why)
{
	char path[PATH_SIZE] = "";
	add_path(path, place);
	return tb_fail(reader->err, code, "%s%s%s", path, *path ? ": " : "", why);
}

/* Shows a name that is not in the contract only if it looks like one: a caller may have put a person's data
 * where a name belongs. */
static enum tb_code refuse_name(const struct reader *reader, const struct place *place, const char *name,
                                const char *why)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	char path[PATH_SIZE] = "";
	add_path(path, place);
	size_t size = strlen(name);
	bool plain = size > 0 && size < NAME_SIZE && strchr(letters, *name) && strspn(name, others) == size;
	return tb_fail(reader->err, TB_EMALFORMED, "%s%s%s: %s", path, *path ? "." : "", plain ? name : "?",
	               why);
}

static const ProtobufCFieldDescriptor *find_field(const proto_type *type, const char *name)
{
	for (unsigned i = 0; i < type->n_fields; i++) {
		const char *own = type->fields[i].name;
		if (*own == *name && (is_camel(own, name) || strcmp(own, name) == 0))
			return &type->fields[i];
	}
	return NULL;
}

/* A whole number from JSON: its sign apart, so that all of int64 and uint64 fit. */
struct whole {
	bool negative;
	uint64_t size;
};

static bool whole_of_text(const char *text, size_t size, struct whole *out)
{
	*out = (struct whole){0};
	out->negative = size > 0 && *text == '-';
	if (out->negative) {
		text++;
		size--;
	}
	if (size == 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(out->size, 10U, &out->size) ||
		    __builtin_add_overflow(out->size, (unsigned)(text[i] - '0'), &out->size))
			return false;
	}
	return true;
}

static bool whole_of(const json_t *json, struct whole *out)
{
	if (json_is_string(json))
		return whole_of_text(json_string_value(json), json_string_length(json), out);
	if (json_is_integer(json)) {
		int64_t value = json_integer_value(json);
		*out = (struct whole){value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value};
		return true;
	}
	/* "ProtoJSON Format" takes 1.0 and 1e3 too. Beyond 2^53 a double no longer tells neighbours apart. */
	static const double exact_max = 9007199254740992.0;
	double value = json_real_value(json);
	if (!json_is_real(json) || value > exact_max || value < -exact_max || value != (double)(int64_t)value)
		return false;
	*out = (struct whole){value < 0, (uint64_t)(value < 0 ? -value : value)};
	return true;
}

static bool whole_fits(struct whole whole, bool is_signed, uint64_t max)
{
	if (!whole.negative)
		return whole.size <= max;
	return is_signed ? whole.size <= max + 1 : whole.size == 0;
}

static enum tb_code read_number(const struct reader *reader, const struct place *place, const json_t *json,
                                void *member)
{
	struct whole whole;
	if (!json_is_number(json) && !json_is_string(json))
		return refuse(reader, place, TB_EMALFORMED, "a number is expected");
	if (!whole_of(json, &whole))
		return refuse(reader, place, TB_EMALFORMED, "not a whole number in range");
	ProtobufCType type = place->field->type;
	bool wide = type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64;
	bool is_signed = type == PROTOBUF_C_TYPE_INT32 || type == PROTOBUF_C_TYPE_INT64;
	uint64_t max = wide ? (is_signed ? INT64_MAX : UINT64_MAX) : (is_signed ? INT32_MAX : UINT32_MAX);
	if (!whole_fits(whole, is_signed, max))
		return refuse(reader, place, TB_EMALFORMED, "number out of range");
	uint64_t value = whole.negative ? 0 - whole.size : whole.size;
	if (wide)
		*(uint64_t *)member = value;
	else
		*(uint32_t *)member = (uint32_t)value;
	return TB_OK;
}

static enum tb_code read_enum(const struct reader *reader, const struct place *place, const json_t *json,
                              void *member)
{
	const proto_enum *type = place->field->descriptor;
	struct whole whole = {0};
	int value = 0;
	if (json_is_string(json)) {
		if (!proto_enum_value(type, json_string_value(json), &value))
			return refuse(reader, place, TB_EMALFORMED, "no such value");
	} else if (!json_is_number(json)) {
		return refuse(reader, place, TB_EMALFORMED, "a name is expected");
	} else {
		if (!whole_of(json, &whole) || !whole_fits(whole, true, INT32_MAX))
			return refuse(reader, place, TB_EMALFORMED, "no such value");
		value = (int)(whole.negative ? -(int64_t)whole.size : (int64_t)whole.size);
		if (!proto_enum_name(type, value))
			return refuse(reader, place, TB_EMALFORMED, "no such value");
	}
	*(int *)member = value;
	return TB_OK;
}

static enum tb_code read_text(const struct reader *reader, const struct place *place, const json_t *json,
                              void *member)
{
	if (!json_is_string(json))
		return refuse(reader, place, TB_EMALFORMED, "a text is expected");
	struct tb_bytes text = tb_bytes_of(json_string_value(json), json_string_length(json));
	const char *why = NULL;
	enum tb_code code = proto_text_check(place->type, place->field, text, &why);
	if (code != TB_OK)
		return refuse(reader, place, code, why);
	if (text.size > 0)
		*(char **)member = tb_arena_copy(reader->arena, text.data, text.size);
	else
		*(char **)member = (char *)(uintptr_t)protobuf_c_empty_string; /* as protobuf-c does */
	return TB_OK;
}

static enum tb_code read_bytes(const struct reader *reader, const struct place *place, const json_t *json,
                               void *member)
{
	if (!json_is_string(json))
		return refuse(reader, place, TB_EMALFORMED, "base64 is expected");
	struct tb_buf bytes = {0};
	enum tb_code code = TB_OK;
	if (!tb_unbase64(&bytes, json_string_value(json), json_string_length(json)))
		code = refuse(reader, place, TB_EMALFORMED, "not base64");
	else if (bytes.size > 0)
		*(ProtobufCBinaryData *)member =
			proto_data(tb_arena_bytes(reader->arena, tb_buf_bytes(&bytes)));
	tb_buf_clear(&bytes);
	return code;
}

static enum tb_code read_message(const struct reader *reader, const struct place *place,
                                 const proto_type *type, const json_t *json, proto_message **out);

static enum tb_code read_value(const struct reader *reader, const struct place *place, const json_t *json,
                               void *member)
{
	switch (place->field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return read_number(reader, place, json, member);
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(json))
			return refuse(reader, place, TB_EMALFORMED, "true or false is expected");
		*(protobuf_c_boolean *)member = json_is_true(json);
		return TB_OK;
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(reader, place, json, member);
	case PROTOBUF_C_TYPE_STRING:
		return read_text(reader, place, json, member);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(reader, place, json, member);
	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(reader, place, place->field->descriptor, json, member);
	default:
		assert(!"field type"); /* The contracts use these nine; see also scan.c. */
		return TB_EMALFORMED;
	}
}

static size_t element_size(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return sizeof(uint64_t);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return sizeof(uint32_t);
	}
}

static enum tb_code read_list(const struct reader *reader, struct place *place, const json_t *json,
                              char *message)
{
	if (!json_is_array(json))
		return refuse(reader, place, TB_EMALFORMED, "a list is expected");
	size_t count = json_array_size(json);
	if (count == 0)
		return TB_OK;
	size_t size = element_size(place->field);
	char *elements = tb_arena_alloc(reader->arena, count * size);
	for (place->index = 0; place->index < count; place->index++) {
		enum tb_code code = read_value(reader, place, json_array_get(json, place->index),
		                               elements + place->index * size);
		if (code != TB_OK)
			return code;
	}
	*(size_t *)(void *)(message + place->field->quantifier_offset) = count;
	*(void **)(void *)(message + place->field->offset) = elements;
	return TB_OK;
}

/* |place| is where the message stands; its own fields are read one deeper. */
static enum tb_code read_message(const struct reader *reader, const struct place *place,
                                 const proto_type *type, const json_t *json, proto_message **out)
{
	if (!json_is_object(json))
		return refuse(reader, place, TB_EMALFORMED, "an object is expected");
	if (place->depth >= TB_PROTO_DEPTH_MAX)
		return refuse(reader, place, TB_ETOOBIG, "nested too deep");
	char *message = (char *)proto_new(reader->arena, type);
	uint64_t seen = 0;
	assert(type->n_fields <= 64);
	/* jansson's iterators are not const, but change nothing. */
	json_t *object = (json_t *)(uintptr_t)json;
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		const char *name = json_object_iter_key(at);
		const json_t *value = json_object_iter_value(at);
		const ProtobufCFieldDescriptor *field = find_field(type, name);
		if (!field)
			return refuse_name(reader, place, name, "no such field");
		uint64_t bit = UINT64_C(1) << (field - type->fields);
		if (seen & bit)
			return refuse_name(reader, place, name, "given under both of its names");
		seen |= bit;
		if (json_is_null(value))
			continue;
		struct place inner = {place, type, field, SIZE_MAX, place->depth + 1};
		enum tb_code code = field->label == PROTOBUF_C_LABEL_REPEATED
		                            ? read_list(reader, &inner, value, message)
		                            : read_value(reader, &inner, value, message + field->offset);
		if (code != TB_OK)
			return code;
	}
	*out = (proto_message *)(void *)message;
	return TB_OK;
}

/* jansson goes as deep as 2048 and takes some 200 bytes for "{}": both are bounded before it sees the text.
 */
static enum tb_code check_shape(struct tb_bytes json, struct tb_error *err)
{
	size_t depth = 0;
	size_t values = 1;
	bool quoted = false;
	for (size_t i = 0; i < json.size; i++) {
		uint8_t c = json.data[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == ',') {
			values++;
		} else if (c == '{' || c == '[') {
			values++;
			if (++depth > TB_JSON_DEPTH_MAX)
				return tb_fail(err, TB_ETOOBIG, "byte %zu: nested too deep", i);
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	if (values > TB_JSON_VALUES_MAX)
		return tb_fail(err, TB_ETOOBIG, "over %d values", (int)TB_JSON_VALUES_MAX);
	return TB_OK;
}

/* jansson's own text quotes the input. */
static const char *syntax_fault(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input:
		return "JSON ends too early";
	case json_error_end_of_input_expected:
		return "something follows the JSON";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a text holds NUL";
	case json_error_duplicate_key:
		return "a name is given twice";
	case json_error_numeric_overflow:
		return "number out of range";
	default:
		return "not JSON";
	}
}

enum tb_code proto_json_decode(proto_message **out, const proto_type *type, struct tb_bytes json,
                               struct tb_arena *arena, struct tb_error *err)
{
	*out = NULL;
	if (json.size > TB_API_BODY_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "JSON is over %d bytes", (int)TB_API_BODY_BYTES_MAX);
	enum tb_code code = check_shape(json, err);
	if (code != TB_OK)
		return code;
	json_error_t error;
	json_t *root = json_loadb(json.size ? (const char *)json.data : "", json.size, JSON_REJECT_DUPLICATES,
	                          &error);
	if (!root) {
		/* As in base/error.h: bounded input, so memory that can't be had stops the process. */
		assert(json_error_code(&error) != json_error_out_of_memory);
		return tb_fail(err, TB_EMALFORMED, "byte %d: %s", error.position, syntax_fault(&error));
	}
	struct reader reader = {arena, err};
	struct place outermost = {.index = SIZE_MAX};
	code = read_message(&reader, &outermost, type, root, out);
	json_decref(root);
	return code;
}

/* ---------------------------------------------------------------- writing */

struct writer {
	struct tb_buf *out;
	bool pretty;
	unsigned depth; /* of open brackets */
};

static inline void put(struct writer *writer, char c)
{
	struct tb_buf *out = writer->out;
	if (out->size == out->room)
		tb_buf_reserve(out, 1);
	out->data[out->size++] = (uint8_t)c;
}

static void put_line(struct writer *writer)
{
	if (!writer->pretty)
		return;
	put(writer, '\n');
	for (unsigned i = 0; i < writer->depth; i++)
		tb_buf_add(writer->out, "  ", 2);
}

static void put_name(struct writer *writer, const char *name)
{
	put(writer, '"');
	for (char next; (next = camel_next(&name)) != 0;)
		put(writer, next);
	put(writer, '"');
	put(writer, ':');
	if (writer->pretty)
		put(writer, ' ');
}

static void put_number(struct writer *writer, bool negative, uint64_t size)
{
	char digits[21];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + size % 10);
		size /= 10;
	} while (size > 0);
	if (negative)
		digits[--at] = '-';
	tb_buf_add(writer->out, digits + at, sizeof(digits) - at);
}

static void put_signed(struct writer *writer, int64_t value)
{
	put_number(writer, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static inline bool needs_escape(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, '"');
	for (const char *from = text;; from = text) {
		while (!needs_escape((uint8_t)*text))
			text++;
		tb_buf_add(writer->out, from, (size_t)(text - from));
		uint8_t c = (uint8_t)*text;
		if (!c)
			break;
		text++;
		if (c == '"' || c == '\\') {
			put(writer, '\\');
			put(writer, (char)c);
		} else if (c == '\n') {
			tb_buf_add(writer->out, "\\n", 2);
		} else {
			tb_buf_printf(writer->out, "\\u%04x", c);
		}
	}
	put(writer, '"');
}

static void put_enum(struct writer *writer, const proto_enum *type, int value)
{
	const char *name = proto_enum_name(type, value);
	if (name)
		put_text(writer, name);
	else
		put_signed(writer, value); /* A newer peer's: "ProtoJSON Format" writes the number. */
}

static void put_message(struct writer *writer, const proto_message *message);

static void put_value(struct writer *writer, const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
		put_signed(writer, *(const int32_t *)member);
		return;
	case PROTOBUF_C_TYPE_UINT32:
		put_number(writer, false, *(const uint32_t *)member);
		return;
	case PROTOBUF_C_TYPE_INT64: /* As text: a JavaScript number holds 53 bits. */
		put(writer, '"');
		put_signed(writer, *(const int64_t *)member);
		put(writer, '"');
		return;
	case PROTOBUF_C_TYPE_UINT64:
		put(writer, '"');
		put_number(writer, false, *(const uint64_t *)member);
		put(writer, '"');
		return;
	case PROTOBUF_C_TYPE_BOOL:
		tb_buf_str(writer->out, *(const protobuf_c_boolean *)member ? "true" : "false");
		return;
	case PROTOBUF_C_TYPE_ENUM:
		put_enum(writer, field->descriptor, *(const int *)member);
		return;
	case PROTOBUF_C_TYPE_STRING:
		put_text(writer, *(char *const *)member);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		put(writer, '"');
		tb_base64(writer->out, proto_bytes(*(const ProtobufCBinaryData *)member));
		put(writer, '"');
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		put_message(writer, *(proto_message *const *)member);
		return;
	default:
		assert(!"field type"); /* The contracts use these nine; see also scan.c. */
	}
}

static bool is_default(const ProtobufCFieldDescriptor *field, const void *member)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return *(const uint64_t *)member == 0;
	case PROTOBUF_C_TYPE_STRING:
		return !*(char *const *)member || !**(char *const *)member;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)member)->len == 0;
	case PROTOBUF_C_TYPE_MESSAGE:
		return !*(proto_message *const *)member;
	default:
		return *(const uint32_t *)member == 0;
	}
}

static void put_list(struct writer *writer, const ProtobufCFieldDescriptor *field, const char *elements,
                     size_t count)
{
	size_t size = element_size(field);
	put(writer, '[');
	writer->depth++;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			put(writer, ',');
		put_line(writer);
		put_value(writer, field, elements + i * size);
	}
	writer->depth--;
	put_line(writer);
	put(writer, ']');
}

static void put_message(struct writer *writer, const proto_message *message)
{
	const proto_type *type = message->descriptor;
	const char *base = (const char *)message;
	bool empty = true;
	put(writer, '{');
	writer->depth++;
	for (unsigned i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		const void *member = base + field->offset;
		bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
		size_t count =
			repeated ? *(const size_t *)(const void *)(base + field->quantifier_offset) : 0;
		if (repeated ? count == 0 : is_default(field, member))
			continue;
		if (!empty)
			put(writer, ',');
		empty = false;
		put_line(writer);
		put_name(writer, field->name);
		if (repeated)
			put_list(writer, field, *(char *const *)member, count);
		else
			put_value(writer, field, member);
	}
	writer->depth--;
	if (!empty)
		put_line(writer);
	put(writer, '}');
}

void proto_json_encode(struct tb_buf *out, const proto_message *message)
{
	struct writer writer = {.out = out};
	put_message(&writer, message);
}

void proto_json_encode_pretty(struct tb_buf *out, const proto_message *message)
{
	struct writer writer = {.out = out, .pretty = true};
	put_message(&writer, message);
}
