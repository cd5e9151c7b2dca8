#include "sim/newer.h"

#include <stddef.h>

#include "proto/codec.h"

/* The linker's names (ld, --wrap). */
struct tb_bytes __real_proto_encode_arena(struct tb_arena *arena, const proto_message *message);
struct tb_bytes __wrap_proto_encode_arena(struct tb_arena *arena, const proto_message *message);

/* Fields 3000 (varint 7) and 3001 (a text) by protobuf.dev "Encoding". */
static const uint8_t fields[] = {0xc0, 0xbb, 0x01, 0x07, 0xca, 0xbb, 0x01, 0x04, 'n', 'e', 'x', 't'};

static bool speaks;

void sim_newer_speaks(bool newer)
{
	speaks = newer;
}

/* What travels as bytes of its own, and is signed or digested as such. */
static bool travels(const proto_type *type)
{
	static const proto_type *const types[] = {
		&pb_query__descriptor,
		&pb_answer__descriptor,
		&pb_receipt__descriptor,
		&pb_case_message__descriptor,
		&pb_case_entry__descriptor,
		&pb_credential__descriptor,
		&pb_description__descriptor,
		&pb_describe_request__descriptor,
		&pb_agreement__descriptor,
		&pb_matter_post__descriptor,
		&pb_agreement_statement__descriptor,
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

struct tb_bytes __wrap_proto_encode_arena(struct tb_arena *arena, const proto_message *message)
{
	struct tb_bytes bytes = __real_proto_encode_arena(arena, message);
	if (!speaks || !travels(message->descriptor))
		return bytes;
	struct tb_buf longer = {0};
	tb_buf_add(&longer, bytes.data, bytes.size);
	tb_buf_add(&longer, fields, sizeof(fields));
	bytes = tb_arena_bytes(arena, tb_buf_bytes(&longer));
	tb_buf_clear(&longer);
	return bytes;
}
