/* The first byte chooses a type, the rest is its encoding. What the scan takes can be decoded, and what was
 * decoded comes back from its own encoding. */
#include <assert.h>
#include <stdint.h>

#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const proto_type *const types[] = {
		&pb_query__descriptor,         &pb_answer__descriptor,      &pb_signed_batch__descriptor,
		&pb_case_message__descriptor,  &pb_case_entry__descriptor,  &pb_receipt__descriptor,
		&pb_material_part__descriptor, &pb_description__descriptor,
	};
	if (size == 0)
		return 0;
	const proto_type *type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	struct tb_bytes wire = {data + 1, size - 1};
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	proto_message *message = NULL;
	enum tb_code scanned = proto_scan(type, wire, &err);
	assert(proto_decode(&message, type, wire, &arena, &err) == scanned);
	assert((scanned == TB_OK) == (message != NULL));
	assert(scanned == TB_OK || tb_utf8_valid(tb_bytes_str(err.text)));
	if (message) {
		proto_message *again = NULL;
		struct tb_bytes first = proto_encode_arena(&arena, message);
		assert(first.size <= wire.size);
		assert(proto_decode(&again, type, first, &arena, &err) == TB_OK);
		assert(tb_bytes_equal(proto_encode_arena(&arena, again), first));
	}
	tb_arena_clear(&arena);
	return 0;
}
