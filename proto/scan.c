#include "proto/codec.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "proto/scan_priv.h"

/* protobuf.dev, "Encoding": wire types. 3 and 4 are the groups of proto2. */
enum wire { WIRE_VARINT = 0, WIRE_64BIT = 1, WIRE_LENGTH = 2, WIRE_32BIT = 5 };

enum { VARINT_BYTES_MAX = 10, PATH_SIZE = 192 };

/* ---------------------------------------------------------------- texts */

enum text_kind {
	TEXT_LINES, /* printable, and line feeds */
	TEXT_RAW,   /* any UTF-8 without NUL, up to TB_IMPORT_LINE_BYTES_MAX */
};

/* Every other text is printable UTF-8 of at most TB_TEXT_BYTES_MAX. Free text is written by people, in
 * paragraphs; a checkpoint is a C2SP signed note, which is made of lines. That of CheckpointResponse is
 * called "note". Import lines come from a file, which the importer judges line by line. */
static const struct {
	const proto_type *type; /* NULL: of every type */
	const char *field;
	enum text_kind kind;
} text_exceptions[] = {
	{NULL, "note", TEXT_LINES},
	{NULL, "text", TEXT_LINES},
	{NULL, "reason", TEXT_LINES},
	{&pb_description__descriptor, "checkpoint", TEXT_LINES},
	{&pb_import_request__descriptor, "header", TEXT_RAW},
	{&pb_import_request__descriptor, "lines", TEXT_RAW},
	{&pb_export_response__descriptor, "lines", TEXT_RAW},
};

static bool printable_lines(struct tb_bytes text)
{
	while (text.size > 0) {
		const uint8_t *feed = memchr(text.data, '\n', text.size);
		size_t size = feed ? (size_t)(feed - text.data) : text.size;
		if (!tb_text_printable(tb_bytes_of(text.data, size)))
			return false;
		if (feed)
			size++;
		text.data += size;
		text.size -= size;
	}
	return true;
}

static enum tb_code text_fault(enum text_kind kind, struct tb_bytes text, const char **why)
{
	size_t max = kind == TEXT_RAW ? TB_IMPORT_LINE_BYTES_MAX : TB_TEXT_BYTES_MAX;
	if (text.size > max) {
		*why = "text is too long";
		return TB_ETOOBIG;
	}
	if (kind == TEXT_RAW ? tb_utf8_valid(text) : printable_lines(text))
		return TB_OK;
	*why = tb_utf8_valid(text) ? "text holds control characters" : "text is not UTF-8";
	return TB_EMALFORMED;
}

enum tb_code proto_text_check(const proto_type *type, const ProtobufCFieldDescriptor *field,
                              struct tb_bytes text, const char **why)
{
	/* The common case first: exceptions only ever allow more. */
	if (text.size <= TB_TEXT_BYTES_MAX && tb_text_printable(text))
		return TB_OK;
	for (size_t i = 0; i < sizeof(text_exceptions) / sizeof(text_exceptions[0]); i++) {
		if ((!text_exceptions[i].type || text_exceptions[i].type == type) &&
		    strcmp(text_exceptions[i].field, field->name) == 0)
			return text_fault(text_exceptions[i].kind, text, why);
	}
	if (text.size > TB_TEXT_BYTES_MAX) {
		*why = "text is too long";
		return TB_ETOOBIG;
	}
	*why = tb_utf8_valid(text) ? "text holds control characters" : "text is not UTF-8";
	return TB_EMALFORMED;
}

/* ---------------------------------------------------------------- the scan */

/* One message inside the other, outermost last. */
struct level {
	const struct level *up;
	const proto_type *type;
	const ProtobufCFieldDescriptor *field; /* being read; NULL: not one of |type| */
	uint32_t number;                       /* of that field; 0 before the first */
	unsigned depth;                        /* 1 for the outermost */
};

struct scan {
	size_t fields;  /* so far, at all levels; an element of a packed field is one too */
	size_t unknown; /* of those, not in their type */
	struct tb_error *err;
};

static void add_path(char path[PATH_SIZE], const struct level *level)
{
	if (level->up)
		add_path(path, level->up);
	else
		snprintf(path, PATH_SIZE, "%s", level->type->short_name);
	size_t used = strlen(path);
	if (level->field)
		snprintf(path + used, PATH_SIZE - used, ".%s", level->field->name);
	else if (level->number > 0)
		snprintf(path + used, PATH_SIZE - used, ".%u", level->number);
}

static enum tb_code refuse(const struct scan *scan, const struct level *level, enum tb_code code,
                           const char *why)
{
	char path[PATH_SIZE];
	add_path(path, level);
	return tb_fail(scan->err, code, "%s: %s", path, why);
}

/* Reads a varint in its shortest form. Returns what follows, or NULL. */
static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	if (at < end && *at < 0x80) {
		*value = *at;
		return at + 1;
	}
	uint64_t sum = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX && at < end; i++, at++) {
		sum |= (uint64_t)(*at & 0x7F) << (7 * i);
		if (*at >= 0x80)
			continue;
		if ((*at == 0 && i > 0) || (i == VARINT_BYTES_MAX - 1 && *at > 1))
			return NULL;
		*value = sum;
		return at + 1;
	}
	return NULL;
}

static enum tb_code refuse_varint(const struct scan *scan, const struct level *level, const uint8_t *at,
                                  const uint8_t *end)
{
	size_t size = 0;
	while (at + size < end && size < VARINT_BYTES_MAX && at[size] >= 0x80)
		size++;
	return refuse(scan, level, TB_EMALFORMED,
	              at + size == end && size < VARINT_BYTES_MAX ? "cut off" : "overlong number");
}

static inline const ProtobufCFieldDescriptor *find_field(const proto_type *type, uint32_t number)
{
	/* Nearly all types number their fields 1, 2, 3 ... */
	if (number <= type->n_fields && type->fields[number - 1].id == number)
		return &type->fields[number - 1];
	return protobuf_c_message_descriptor_get_field(type, number);
}

/* protobuf-c, as the standard has it, cuts off the upper bits of a number that does not fit. Then two readers
 * of the same signed bytes can disagree, so such a number is refused. */
static bool number_fits(const ProtobufCFieldDescriptor *field, uint64_t value)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return value <= 1;
	case PROTOBUF_C_TYPE_UINT32:
		return value <= UINT32_MAX;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_ENUM: /* Negative ones are ten bytes long: sign-extended. */
		return value <= INT32_MAX || value >= (uint64_t)INT32_MIN;
	default:
		return true;
	}
}

static bool is_varint_type(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BOOL:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_UINT64:
		return true;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_MESSAGE:
		return false;
	default:
		/* The contracts use these nine types. A tenth is to be added here and in json.c. */
		assert(!"field type");
		return false;
	}
}

static enum tb_code count_field(struct scan *scan, const struct level *level)
{
	if (scan->fields >= TB_PROTO_FIELDS_MAX)
		return refuse(scan, level, TB_ETOOBIG, "too many fields");
	scan->fields++;
	return TB_OK;
}

static enum tb_code scan_packed(struct scan *scan, const struct level *level, const uint8_t *at,
                                const uint8_t *end)
{
	while (at < end) {
		uint64_t value;
		const uint8_t *next = read_varint(at, end, &value);
		if (!next)
			return refuse_varint(scan, level, at, end);
		if (!number_fits(level->field, value))
			return refuse(scan, level, TB_EMALFORMED, "number out of range");
		enum tb_code code = count_field(scan, level);
		if (code != TB_OK)
			return code;
		at = next;
	}
	return TB_OK;
}

static enum tb_code scan_message(struct scan *scan, struct level *level, const uint8_t *at,
                                 const uint8_t *end);

static enum tb_code scan_content(struct scan *scan, const struct level *level, const uint8_t *at,
                                 const uint8_t *end)
{
	const ProtobufCFieldDescriptor *field = level->field;
	if (field->type == PROTOBUF_C_TYPE_STRING) {
		const char *why = NULL;
		struct tb_bytes text = {at, (size_t)(end - at)};
		enum tb_code code = proto_text_check(level->type, field, text, &why);
		return code == TB_OK ? TB_OK : refuse(scan, level, code, why);
	}
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return TB_OK;
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return scan_packed(scan, level, at, end);
	if (level->depth >= TB_PROTO_DEPTH_MAX)
		return refuse(scan, level, TB_ETOOBIG, "nested too deep");
	struct level inner = {.up = level, .type = field->descriptor, .depth = level->depth + 1};
	return scan_message(scan, &inner, at, end);
}

/* Reads the value at **at and moves *at behind it. */
static enum tb_code scan_value(struct scan *scan, const struct level *level, unsigned wire,
                               const uint8_t **at, const uint8_t *end)
{
	const ProtobufCFieldDescriptor *field = level->field;
	uint64_t value = wire == WIRE_64BIT ? 8 : 4; /* the size that follows, unless it is a varint */
	const uint8_t *from = *at;
	if (wire == WIRE_VARINT || wire == WIRE_LENGTH) {
		from = read_varint(*at, end, &value);
		if (!from)
			return refuse_varint(scan, level, *at, end);
	} else if (wire != WIRE_64BIT && wire != WIRE_32BIT) {
		return refuse(scan, level, TB_EMALFORMED, "groups are not taken");
	}
	if (field) {
		bool varint = is_varint_type(field);
		bool packed = varint && field->label == PROTOBUF_C_LABEL_REPEATED;
		if (!(wire == WIRE_VARINT && varint) && !(wire == WIRE_LENGTH && (!varint || packed)))
			return refuse(scan, level, TB_EMALFORMED, "wrong wire type");
	}
	*at = from;
	if (wire == WIRE_VARINT) {
		if (field && !number_fits(field, value))
			return refuse(scan, level, TB_EMALFORMED, "number out of range");
		return TB_OK;
	}
	if (value > (uint64_t)(end - from))
		return refuse(scan, level, TB_EMALFORMED, "cut off");
	*at = from + value;
	return field ? scan_content(scan, level, from, *at) : TB_OK;
}

static enum tb_code scan_message(struct scan *scan, struct level *level, const uint8_t *at,
                                 const uint8_t *end)
{
	const proto_type *type = level->type;
	uint64_t seen = 0; /* singular messages, by index */
	assert(type->n_fields <= 64);
	while (at < end) {
		uint64_t key;
		const uint8_t *next = read_varint(at, end, &key);
		if (!next)
			return refuse_varint(scan, level, at, end);
		if (key < 8 || key > UINT32_MAX)
			return refuse(scan, level, TB_EMALFORMED, "bad field number");
		at = next;
		level->number = (uint32_t)key >> 3;
		level->field = find_field(type, level->number);
		enum tb_code code = count_field(scan, level);
		if (code != TB_OK)
			return code;
		if (!level->field) {
			scan->unknown++;
		} else if (level->field->type == PROTOBUF_C_TYPE_MESSAGE &&
		           level->field->label != PROTOBUF_C_LABEL_REPEATED) {
			/* A number or text given again replaces the one before. A message would be merged
			 * with it, and protobuf-c then copies every repeated field of the two: n parts of one
			 * would take memory by the square of n. No encoder writes that. */
			uint64_t bit = UINT64_C(1) << (level->field - type->fields);
			if (seen & bit)
				return refuse(scan, level, TB_EMALFORMED, "message given twice");
			seen |= bit;
		}
		code = scan_value(scan, level, (unsigned)key & 7, &at, end);
		if (code != TB_OK)
			return code;
		level->field = NULL;
		level->number = 0;
	}
	return TB_OK;
}

enum tb_code proto_scan_count(size_t *unknown, const proto_type *type, struct tb_bytes bytes,
                              struct tb_error *err)
{
	struct scan scan = {.err = err};
	struct level outermost = {.type = type, .depth = 1};
	enum tb_code code = TB_OK;
	if (bytes.size > 0)
		code = scan_message(&scan, &outermost, bytes.data, bytes.data + bytes.size);
	*unknown = scan.unknown;
	return code;
}

enum tb_code proto_scan(const proto_type *type, struct tb_bytes bytes, struct tb_error *err)
{
	size_t unknown;
	return proto_scan_count(&unknown, type, bytes, err);
}
