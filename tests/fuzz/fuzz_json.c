/* The first byte chooses a type, the rest is its JSON. What is taken comes back from its own JSON, however
 * that is written: compact, pretty, with every letter escaped. Cut anywhere, its JSON is refused. A peer's
 * scan takes its encoding. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_back(const proto_type *type, struct tb_bytes json, struct tb_bytes wire)
{
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	proto_message *message = NULL;
	assert(proto_json_decode(&message, type, json, &arena, &err) == TB_OK);
	assert(tb_bytes_equal(proto_encode_arena(&arena, message), wire));
	tb_arena_clear(&arena);
}

static void add_escaped(struct tb_buf *out, struct tb_bytes json)
{
	bool quoted = false;
	for (size_t i = 0; i < json.size; i++) {
		uint8_t c = json.data[i];
		if (quoted && c == '\\') {
			size_t escape_size = json.data[i + 1] == 'u' ? 6 : 2;
			tb_buf_add(out, json.data + i, escape_size);
			i += escape_size - 1;
		} else if (quoted && c != '"' && c < 0x80) {
			tb_buf_printf(out, i % 2 ? "\\u%04x" : "\\u%04X", c);
		} else {
			quoted ^= c == '"';
			tb_buf_add(out, &c, 1);
		}
	}
}

/* Cut at one place only, which the bytes themselves choose. */
static void expect_no_part(const proto_type *type, struct tb_bytes json)
{
	size_t sum = 0;
	for (size_t i = 0; i < json.size; i++)
		sum = 31 * sum + json.data[i];
	struct tb_arena arena = {0};
	proto_message *message = NULL;
	uint8_t *part = tb_alloc(sum % json.size);
	memcpy(part, json.data, sum % json.size);
	assert(proto_json_decode(&message, type, tb_bytes_of(part, sum % json.size), &arena, NULL) ==
	       TB_EMALFORMED);
	free(part);
	tb_arena_clear(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const proto_type *const types[] = {
		&pb_verify_request__descriptor,      &pb_import_request__descriptor,
		&pb_set_state_request__descriptor,   &pb_catalogue_load_request__descriptor,
		&pb_case_submit_request__descriptor, &pb_case_act_request__descriptor,
		&pb_case_view__descriptor,           &pb_evidence__descriptor,
	};
	if (size == 0)
		return 0;
	const proto_type *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	proto_message *message = NULL;
	enum tb_code code = proto_json_decode(&message, type, tb_bytes_of(data + 1, size - 1), &arena, &err);
	assert((code == TB_OK) == (message != NULL));
	assert(code == TB_OK || tb_text_printable(tb_bytes_str(err.text)));
	if (message) {
		struct tb_buf json = {0};
		struct tb_bytes wire = proto_encode_arena(&arena, message);
		/* JSON may hold more values than a message between nodes. */
		code = proto_scan(type, wire, &err);
		assert(code == TB_OK || code == TB_ETOOBIG);
		proto_json_encode(&json, message);
		expect_back(type, tb_buf_bytes(&json), wire);
		expect_no_part(type, tb_buf_bytes(&json));
		struct tb_buf other = {0};
		add_escaped(&other, tb_buf_bytes(&json));
		if (other.size <= TB_API_BODY_BYTES_MAX)
			expect_back(type, tb_buf_bytes(&other), wire);
		other.size = 0;
		proto_json_encode_pretty(&other, message);
		if (other.size <= TB_API_BODY_BYTES_MAX)
			expect_back(type, tb_buf_bytes(&other), wire);
		tb_buf_clear(&other);
		tb_buf_clear(&json);
	}
	tb_arena_clear(&arena);
	return 0;
}
