/* The first byte chooses a type, the rest is its JSON. What is taken comes back from its own JSON, and a
 * peer's scan takes its encoding. */
#include <assert.h>
#include <stdint.h>

#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static proto_message *come_back(const proto_type *type, const struct tb_buf *json, struct tb_arena *arena)
{
	struct tb_error err = {0};
	proto_message *message = NULL;
	assert(proto_json_decode(&message, type, tb_buf_bytes(json), arena, &err) == TB_OK);
	return message;
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
		assert(tb_bytes_equal(proto_encode_arena(&arena, come_back(type, &json, &arena)), wire));
		json.size = 0;
		proto_json_encode_pretty(&json, message);
		assert(tb_bytes_equal(proto_encode_arena(&arena, come_back(type, &json, &arena)), wire));
		tb_buf_clear(&json);
	}
	tb_arena_clear(&arena);
	return 0;
}
