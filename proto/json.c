#include "proto/codec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "proto/jsonlex_priv.h"
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

static bool is_camel(const char *name, struct tb_bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		if ((uint8_t)camel_next(&name) != text.data[i])
			return false;
	}
	return !*name;
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

/* The text is read straight into the message: at each name its field is known, and with it what must follow.
 * Nothing is skipped, so brackets nest no deeper than messages and their lists do. */
_Static_assert(2 * TB_PROTO_DEPTH_MAX <= TB_JSON_DEPTH_MAX, "a message adds its own bracket and a list's");

struct reader {
	struct proto_jsonlex lex;
	struct tb_buf elements; /* of the lists that are open, outermost first */
	struct tb_buf bytes;    /* decoded from base64 last */
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

/* What stands here is no value of the field's type, or no JSON. */
static enum tb_code refuse_kind(struct reader *reader, const struct place *place, const char *why)
{
	if (!proto_jsonlex_is_value(&reader->lex))
		return proto_jsonlex_refuse_syntax(&reader->lex);
	return refuse(reader, place, TB_EMALFORMED, why);
}

static bool is_letter(uint8_t c)
{
	uint8_t lower = c | 0x20;
	return lower >= 'a' && lower <= 'z';
}

/* Shows a name that is not in the contract only if it looks like one: a caller may have put a person's data
 * where a name belongs. */
static enum tb_code refuse_name(const struct reader *reader, const struct place *place, struct tb_bytes name,
                                const char *why)
{
	char path[PATH_SIZE] = "";
	add_path(path, place);
	bool plain = name.size > 0 && name.size < NAME_SIZE && is_letter(name.data[0]);
	for (size_t i = 0; plain && i < name.size; i++) {
		uint8_t c = name.data[i];
		plain = is_letter(c) || c == '_' || (c >= '0' && c <= '9');
	}
	return tb_fail(reader->err, TB_EMALFORMED, "%s%s%.*s: %s", path, *path ? "." : "",
	               plain ? (int)name.size : 1, plain ? (const char *)name.data : "?", why);
}

static bool is_named(const ProtobufCFieldDescriptor *field, struct tb_bytes name)
{
	if ((uint8_t)*field->name != name.data[0])
		return false;
	return is_camel(field->name, name) ||
	       (strlen(field->name) == name.size && memcmp(field->name, name.data, name.size) == 0);
}

/* Members mostly come in the contract's order: |next| is the field after the last that was found. */
static const ProtobufCFieldDescriptor *find_field(const proto_type *type, unsigned next, struct tb_bytes name)
{
	if (name.size == 0)
		return NULL;
	for (unsigned i = 0; i < type->n_fields; i++, next++) {
		if (next == type->n_fields)
			next = 0;
		if (is_named(&type->fields[next], name))
			return &type->fields[next];
	}
	return NULL;
}

/* A whole number from JSON: its sign apart, so that all of int64 and uint64 fit. */
struct whole {
	bool negative;
	uint64_t size;
};

static bool add_digit(uint64_t *size, unsigned digit)
{
	return !__builtin_mul_overflow(*size, 10U, size) && !__builtin_add_overflow(*size, digit, size);
}

static bool whole_of_text(struct tb_bytes text, struct whole *out)
{
	*out = (struct whole){0};
	out->negative = text.size > 0 && *text.data == '-';
	size_t i = out->negative;
	if (i == text.size)
		return false;
	for (; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' ||
		    !add_digit(&out->size, (unsigned)(text.data[i] - '0')))
			return false;
	}
	return true;
}

/* The number behind the "e" of |text|. Beyond what a text can hold, its size no longer matters. */
static int64_t exponent_of(struct tb_bytes text)
{
	static const int64_t most = 2 * (int64_t)TB_API_BODY_BYTES_MAX;
	bool negative = false;
	int64_t size = 0;
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '-')
			negative = true;
		else if (text.data[i] != '+' && size < most)
			size = 10 * size + (text.data[i] - '0');
	}
	return negative ? -size : size;
}

/* "ProtoJSON Format" takes 1.0 and 1e3 too. |text| is a number by JSON's rules. */
static bool whole_of_decimal(struct tb_bytes text, struct whole *out)
{
	size_t mark = 0; /* of the exponent */
	while (mark < text.size && (text.data[mark] | 0x20) != 'e')
		mark++;
	size_t sign = *text.data == '-';
	const uint8_t *point = memchr(text.data, '.', mark);
	int64_t whole_digits = (int64_t)((point ? (size_t)(point - text.data) : mark) - sign);
	if (mark < text.size)
		whole_digits += exponent_of(tb_bytes_of(text.data + mark + 1, text.size - mark - 1));
	*out = (struct whole){.negative = sign > 0};
	int64_t digits = 0;
	for (size_t i = sign; i < mark; i++) {
		if (text.data[i] == '.')
			continue;
		unsigned digit = (unsigned)(text.data[i] - '0');
		if (digits++ < whole_digits ? !add_digit(&out->size, digit) : digit != 0)
			return false;
	}
	for (; digits < whole_digits && out->size > 0; digits++) {
		if (!add_digit(&out->size, 0))
			return false;
	}
	return true;
}

static bool is_number(int next)
{
	return next == '-' || (next >= '0' && next <= '9');
}

static bool whole_fits(struct whole whole, bool is_signed, uint64_t max)
{
	if (!whole.negative)
		return whole.size <= max;
	return is_signed ? whole.size <= max + 1 : whole.size == 0;
}

static enum tb_code read_number(struct reader *reader, const struct place *place, void *member)
{
	struct tb_bytes text;
	struct whole whole;
	int next = proto_jsonlex_peek(&reader->lex);
	if (next != '"' && !is_number(next))
		return refuse_kind(reader, place, "a number is expected");
	enum tb_code code = next == '"' ? proto_jsonlex_text(&reader->lex, &text)
	                                : proto_jsonlex_number(&reader->lex, &text);
	if (code != TB_OK)
		return code;
	if (!whole_of_text(text, &whole) && (next == '"' || !whole_of_decimal(text, &whole)))
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

static bool enum_of_name(const proto_enum *type, struct tb_bytes text, int *out)
{
	char name[NAME_SIZE] = "";
	if (text.size >= sizeof(name))
		return false;
	memcpy(name, text.data, text.size);
	return proto_enum_value(type, name, out);
}

static bool enum_of_number(const proto_enum *type, struct tb_bytes text, int *out)
{
	struct whole whole;
	if (!(whole_of_text(text, &whole) || whole_of_decimal(text, &whole)) ||
	    !whole_fits(whole, true, INT32_MAX))
		return false;
	*out = (int)(whole.negative ? -(int64_t)whole.size : (int64_t)whole.size);
	return proto_enum_name(type, *out) != NULL;
}

static enum tb_code read_enum(struct reader *reader, const struct place *place, void *member)
{
	const proto_enum *type = place->field->descriptor;
	struct tb_bytes text;
	int value = 0;
	int next = proto_jsonlex_peek(&reader->lex);
	if (next != '"' && !is_number(next))
		return refuse_kind(reader, place, "a name is expected");
	enum tb_code code = next == '"' ? proto_jsonlex_text(&reader->lex, &text)
	                                : proto_jsonlex_number(&reader->lex, &text);
	if (code != TB_OK)
		return code;
	if (next == '"' ? !enum_of_name(type, text, &value) : !enum_of_number(type, text, &value))
		return refuse(reader, place, TB_EMALFORMED, "no such value");
	*(int *)member = value;
	return TB_OK;
}

static enum tb_code read_bool(struct reader *reader, const struct place *place, void *member)
{
	bool yes = proto_jsonlex_literal(&reader->lex, "true");
	if (!yes && !proto_jsonlex_literal(&reader->lex, "false"))
		return refuse_kind(reader, place, "true or false is expected");
	*(protobuf_c_boolean *)member = yes;
	return TB_OK;
}

static enum tb_code read_text(struct reader *reader, const struct place *place, void *member)
{
	struct tb_bytes text;
	if (proto_jsonlex_peek(&reader->lex) != '"')
		return refuse_kind(reader, place, "a text is expected");
	enum tb_code code = proto_jsonlex_text(&reader->lex, &text);
	if (code != TB_OK)
		return code;
	const char *why = NULL;
	code = proto_text_check(place->type, place->field, text, &why);
	if (code != TB_OK)
		return refuse(reader, place, code, why);
	if (text.size > 0)
		*(char **)member = tb_arena_copy(reader->arena, text.data, text.size);
	else
		*(char **)member = (char *)(uintptr_t)protobuf_c_empty_string; /* as protobuf-c does */
	return TB_OK;
}

static enum tb_code read_bytes(struct reader *reader, const struct place *place, void *member)
{
	struct tb_bytes text;
	if (proto_jsonlex_peek(&reader->lex) != '"')
		return refuse_kind(reader, place, "base64 is expected");
	enum tb_code code = proto_jsonlex_text(&reader->lex, &text);
	if (code != TB_OK)
		return code;
	reader->bytes.size = 0;
	if (!tb_unbase64(&reader->bytes, (const char *)text.data, text.size))
		return refuse(reader, place, TB_EMALFORMED, "not base64");
	if (reader->bytes.size > 0)
		*(ProtobufCBinaryData *)member =
			proto_data(tb_arena_bytes(reader->arena, tb_buf_bytes(&reader->bytes)));
	return TB_OK;
}

static enum tb_code read_message(struct reader *reader, const struct place *place, const proto_type *type,
                                 proto_message **out);

static enum tb_code read_value(struct reader *reader, const struct place *place, void *member)
{
	switch (place->field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return read_number(reader, place, member);
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(reader, place, member);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(reader, place, member);
	case PROTOBUF_C_TYPE_STRING:
		return read_text(reader, place, member);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(reader, place, member);
	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(reader, place, place->field->descriptor, member);
	default:
		assert(!"field type"); /* The contracts use these nine; see also scan.c. */
		return TB_EMALFORMED;
	}
}

/* One element, of whatever type. The largest comes first: that is the one which {0} clears. */
union element {
	ProtobufCBinaryData bytes;
	proto_message *message;
	char *text;
	uint64_t wide;
	uint32_t narrow;
};

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

static enum tb_code read_list(struct reader *reader, struct place *place, char *message)
{
	if (proto_jsonlex_peek(&reader->lex) != '[')
		return refuse_kind(reader, place, "a list is expected");
	size_t start = reader->elements.size;
	size_t size = element_size(place->field);
	bool more = false;
	enum tb_code code = proto_jsonlex_open(&reader->lex, ']', &more);
	for (place->index = 0; code == TB_OK && more; place->index++) {
		/* On the stack: an inner list may move |elements|. */
		union element element = {0};
		code = read_value(reader, place, &element);
		if (code != TB_OK)
			return code;
		tb_buf_add(&reader->elements, &element, size);
		code = proto_jsonlex_next(&reader->lex, ']', &more);
	}
	if (code != TB_OK || place->index == 0)
		return code;
	*(size_t *)(void *)(message + place->field->quantifier_offset) = place->index;
	*(void **)(void *)(message + place->field->offset) =
		tb_arena_copy(reader->arena, reader->elements.data + start, place->index * size);
	reader->elements.size = start;
	return TB_OK;
}

/* One member of the message at |place|. |seen| has a bit for each of its fields, |next| is the field that is
 * looked for first. */
static enum tb_code read_member(struct reader *reader, const struct place *place, proto_message *message,
                                uint64_t *seen, unsigned *next)
{
	const proto_type *type = message->descriptor;
	struct tb_bytes name;
	enum tb_code code = proto_jsonlex_name(&reader->lex, &name);
	if (code != TB_OK)
		return code;
	const ProtobufCFieldDescriptor *field = find_field(type, *next, name);
	if (!field)
		return refuse_name(reader, place, name, "no such field");
	unsigned number = (unsigned)(field - type->fields);
	if (*seen >> number & 1)
		return refuse_name(reader, place, name, "given twice");
	*seen |= UINT64_C(1) << number;
	*next = number + 1;
	if (proto_jsonlex_literal(&reader->lex, "null"))
		return TB_OK;
	struct place inner = {place, type, field, SIZE_MAX, place->depth + 1};
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(reader, &inner, (char *)message);
	return read_value(reader, &inner, (char *)message + field->offset);
}

/* |place| is where the message stands; its own fields are read one deeper. */
static enum tb_code read_message(struct reader *reader, const struct place *place, const proto_type *type,
                                 proto_message **out)
{
	if (proto_jsonlex_peek(&reader->lex) != '{')
		return refuse_kind(reader, place, "an object is expected");
	if (place->depth >= TB_PROTO_DEPTH_MAX)
		return refuse(reader, place, TB_ETOOBIG, "nested too deep");
	assert(type->n_fields <= 64);
	proto_message *message = proto_new(reader->arena, type);
	uint64_t seen = 0;
	unsigned next = 0;
	bool more = false;
	enum tb_code code = proto_jsonlex_open(&reader->lex, '}', &more);
	while (code == TB_OK && more) {
		code = read_member(reader, place, message, &seen, &next);
		if (code == TB_OK)
			code = proto_jsonlex_next(&reader->lex, '}', &more);
	}
	if (code == TB_OK)
		*out = message;
	return code;
}

enum tb_code proto_json_decode(proto_message **out, const proto_type *type, struct tb_bytes json,
                               struct tb_arena *arena, struct tb_error *err)
{
	*out = NULL;
	if (json.size > TB_API_BODY_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "JSON is over %d bytes", (int)TB_API_BODY_BYTES_MAX);
	struct reader reader = {.arena = arena, .err = err};
	struct place outermost = {.index = SIZE_MAX};
	proto_message *message = NULL;
	proto_jsonlex_init(&reader.lex, json, err);
	enum tb_code code = read_message(&reader, &outermost, type, &message);
	if (code == TB_OK && proto_jsonlex_peek(&reader.lex) != -1)
		code = proto_jsonlex_refuse(&reader.lex, "something follows the JSON");
	if (code == TB_OK)
		*out = message;
	proto_jsonlex_clear(&reader.lex);
	tb_buf_clear(&reader.elements);
	tb_buf_clear(&reader.bytes);
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
	struct tb_buf *out = writer->out;
	tb_buf_reserve(out, strlen(name) + 4);
	uint8_t *to = out->data + out->size;
	*to++ = '"';
	for (char next; (next = camel_next(&name)) != 0;)
		*to++ = (uint8_t)next;
	*to++ = '"';
	*to++ = ':';
	if (writer->pretty)
		*to++ = ' ';
	out->size = (size_t)(to - out->data);
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

enum { ESCAPE_SIZE = 6 }; /* "\u0007" */

static uint8_t *put_escape(uint8_t *to, uint8_t c)
{
	static const char digits[] = "0123456789abcdef";
	*to++ = '\\';
	if (c == '"' || c == '\\') {
		*to++ = c;
	} else if (c == '\n') {
		*to++ = 'n';
	} else {
		memcpy(to, "u00", 3);
		to[3] = (uint8_t)digits[c >> 4];
		to[4] = (uint8_t)digits[c & 15];
		to += 5;
	}
	return to;
}

static void put_text(struct writer *writer, const char *text)
{
	struct tb_buf *out = writer->out;
	const uint8_t *at = (const uint8_t *)text;
	const uint8_t *end = at + strlen(text);
	put(writer, '"');
	while (at < end) {
		size_t need = (size_t)(end - at) + ESCAPE_SIZE + PROTO_JSONLEX_SLACK;
		if (out->room - out->size < need)
			tb_buf_reserve(out, need);
		uint8_t *to = out->data + out->size;
		at = proto_jsonlex_copy(&to, at, end);
		if (at < end)
			to = put_escape(to, *at++);
		out->size = (size_t)(to - out->data);
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
