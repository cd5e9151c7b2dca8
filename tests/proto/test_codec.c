#include "proto/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "tests/proto/sample.h"

#define BYTES(literal) tb_bytes_of(literal, sizeof(literal) - 1)

static void expect_same(const proto_message *a, const proto_message *b);

static void expect_same_value(const ProtobufCFieldDescriptor *field, const void *a, const void *b)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		assert_string_equal(*(char *const *)a, *(char *const *)b);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		assert_true(tb_bytes_equal(proto_bytes(*(const ProtobufCBinaryData *)a),
		                           proto_bytes(*(const ProtobufCBinaryData *)b)));
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		expect_same(*(proto_message *const *)a, *(proto_message *const *)b);
		return;
	default:
		assert_memory_equal(a, b, sample_size(field));
	}
}

static void expect_same(const proto_message *a, const proto_message *b)
{
	assert_int_equal(!a, !b);
	if (!a)
		return;
	assert_ptr_equal(a->descriptor, b->descriptor);
	assert_int_equal(a->n_unknown_fields, 0);
	assert_int_equal(b->n_unknown_fields, 0);
	for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &a->descriptor->fields[i];
		const char *one = (const char *)a + field->offset;
		const char *other = (const char *)b + field->offset;
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			expect_same_value(field, one, other);
			continue;
		}
		size_t count = *(const size_t *)(const void *)((const char *)a + field->quantifier_offset);
		assert_int_equal(count,
		                 *(const size_t *)(const void *)((const char *)b + field->quantifier_offset));
		for (size_t j = 0; j < count; j++) {
			size_t at = j * sample_size(field);
			expect_same_value(field, *(char *const *)(const void *)one + at,
			                  *(char *const *)(const void *)other + at);
		}
	}
}

static void test_every_type_comes_back(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	unsigned serial = 0;
	for (size_t i = 0; i < types.count; i++) {
		for (size_t count = 0; count < 3; count++) {
			struct tb_arena arena = {0};
			struct tb_error err = {0};
			struct tb_buf wire = {0};
			proto_message *back = NULL;
			proto_message *message = sample_new(&arena, types.list[i], count, &serial);
			proto_encode(&wire, message);
			assert_int_equal(
				proto_decode(&back, types.list[i], tb_buf_bytes(&wire), &arena, &err), TB_OK);
			expect_same(message, back);
			assert_int_equal(
				proto_decode_own(&back, types.list[i], tb_buf_bytes(&wire), &arena, &err),
				TB_OK);
			expect_same(message, back);
			assert_true(tb_bytes_equal(proto_encode_arena(&arena, back), tb_buf_bytes(&wire)));
			tb_buf_clear(&wire);
			tb_arena_clear(&arena);
		}
	}
}

static void test_a_big_case_comes_back(void **state)
{
	(void)state;
	static const proto_type *const types[] = {&pb_case_entry__descriptor, &pb_case_view__descriptor};
	for (size_t i = 0; i < 2; i++) {
		struct tb_arena arena = {0};
		struct tb_error err = {0};
		proto_message *back = NULL;
		unsigned serial = 0;
		proto_message *message = sample_new(&arena, types[i], 12, &serial);
		struct tb_bytes wire = proto_encode_arena(&arena, message);
		assert_true(wire.size > 10000);
		assert_int_equal(proto_decode(&back, types[i], wire, &arena, &err), TB_OK);
		expect_same(message, back);
		tb_arena_clear(&arena);
	}
}

static void test_new_messages_have_defaults_and_no_null_texts(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	struct tb_arena arena = {0};
	for (size_t i = 0; i < types.count; i++) {
		const proto_type *type = types.list[i];
		proto_message *made = proto_new(&arena, type);
		proto_message *read = NULL;
		assert_ptr_equal(made->descriptor, type);
		assert_int_equal(proto_encode_arena(&arena, made).size, 0);
		assert_int_equal(proto_decode(&read, type, tb_bytes_str(NULL), &arena, NULL), TB_OK);
		expect_same(made, read);
		for (unsigned j = 0; j < type->n_fields; j++) {
			if (type->fields[j].type == PROTOBUF_C_TYPE_STRING &&
			    type->fields[j].label != PROTOBUF_C_LABEL_REPEATED)
				assert_string_equal(*(char **)(void *)((char *)made + type->fields[j].offset),
				                    "");
		}
	}
	tb_arena_clear(&arena);
}

/* Cut anywhere, a message is an error or a shorter message: never a crash, and never more than it was. */
static void test_a_message_cut_anywhere_is_refused_or_shorter(void **state)
{
	(void)state;
	static const proto_type *const types[] = {&pb_case_entry__descriptor, &pb_case_message__descriptor,
	                                          &pb_signed_batch__descriptor, &pb_answer__descriptor};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct tb_arena arena = {0};
		unsigned serial = 0;
		struct tb_bytes wire = proto_encode_arena(&arena, sample_new(&arena, types[i], 1, &serial));
		size_t refused = 0;
		for (size_t size = 0; size < wire.size; size++) {
			struct tb_arena inner = {0};
			struct tb_error err = {0};
			proto_message *back = NULL;
			/* A copy of its own, so that a sanitizer sees a read past the end. */
			uint8_t *cut = malloc(size ? size : 1);
			assert_non_null(cut);
			memcpy(cut, wire.data, size);
			enum tb_code code =
				proto_decode(&back, types[i], tb_bytes_of(cut, size), &inner, &err);
			if (code == TB_OK) {
				assert_true(tb_bytes_equal(proto_encode_arena(&inner, back),
				                           tb_bytes_of(cut, size)));
			} else {
				assert_int_equal(code, TB_EMALFORMED);
				assert_non_null(strstr(err.text, "cut off"));
				assert_null(back);
				refused++;
			}
			free(cut);
			tb_arena_clear(&inner);
		}
		assert_true(refused > 0 && refused < wire.size);
		tb_arena_clear(&arena);
	}
}

static void test_unknown_fields_are_dropped_everywhere(void **state)
{
	(void)state;
	struct tb_buf holder = {0};
	sample_piece(&holder, 2, BYTES("code"));
	sample_piece(&holder, 99, BYTES("smuggled"));
	struct tb_buf match = {0};
	sample_key(&match, 77, 1);
	tb_buf_str(&match, "smuggled");
	struct tb_buf wire = {0};
	sample_piece(&wire, 100, BYTES("smuggled"));
	sample_piece(&wire, 4, tb_buf_bytes(&holder));
	sample_piece(&wire, 5, BYTES(""));
	sample_piece(&wire, 5, tb_buf_bytes(&match));
	sample_key(&wire, 101, 0);
	sample_varint(&wire, UINT64_MAX);
	for (int own = 0; own < 2; own++) {
		struct tb_arena arena = {0};
		struct tb_error err = {0};
		PbQuery *query = NULL;
		enum tb_code code = own ? PROTO_DECODE_OWN(&query, query, tb_buf_bytes(&wire), &arena, &err)
		                        : PROTO_DECODE(&query, query, tb_buf_bytes(&wire), &arena, &err);
		assert_int_equal(code, TB_OK);
		assert_string_equal(query->holder->code, "code");
		assert_int_equal(query->n_match, 2);
		assert_int_equal(query->base.n_unknown_fields, 0);
		assert_int_equal(query->holder->base.n_unknown_fields, 0);
		assert_int_equal(query->match[1]->base.n_unknown_fields, 0);
		assert_true(tb_bytes_equal(proto_encode_arena(&arena, &query->base),
		                           BYTES("\x22\x06\x12\x04"
		                                 "code\x2a\x00\x2a\x00")));
		tb_arena_clear(&arena);
	}
	tb_buf_clear(&holder);
	tb_buf_clear(&match);
	tb_buf_clear(&wire);
}

static void test_the_last_of_a_singular_field_wins(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbReceipt *receipt = NULL;
	struct tb_bytes wire = BYTES("\x0a\x03"
	                             "one\x40\x01\x22\x01"
	                             "a\x0a\x00\x22\x02"
	                             "bc\x40\x02");
	assert_int_equal(PROTO_DECODE(&receipt, receipt, wire, &arena, &err), TB_OK);
	assert_int_equal(receipt->head, 2);
	assert_string_equal(receipt->code, "bc");
	assert_int_equal(receipt->id.len, 0);
	tb_arena_clear(&arena);
}

static void test_packed_and_unpacked_lists_are_the_same(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbCaseView *view = NULL;
	struct tb_bytes wire = BYTES("\xa8\x01\x01\xaa\x01\x02\x02\x03\xa8\x01\x63");
	assert_int_equal(PROTO_DECODE(&view, case_view, wire, &arena, &err), TB_OK);
	assert_int_equal(view->n_possible, 4);
	assert_int_equal(view->possible[0], PB_CASE_EVENT__SUBMIT);
	assert_int_equal(view->possible[2], PB_CASE_EVENT__ASK);
	assert_int_equal((int)view->possible[3], 99); /* A newer peer's event is kept as its number. */
	assert_true(tb_bytes_equal(proto_encode_arena(&arena, &view->base),
	                           BYTES("\xaa\x01\x04\x01\x02\x03\x63")));
	tb_arena_clear(&arena);
}

static void test_decode_refuses_what_the_scan_refuses(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbQuery *query = (PbQuery *)(void *)&arena;
	assert_int_equal(PROTO_DECODE(&query, query, BYTES("\x12\x01\x07"), &arena, &err), TB_EMALFORMED);
	assert_null(query);
	assert_string_equal(err.text, "Query.type: text holds control characters");
	/* Nothing is allocated for what is refused. */
	assert_null(arena.blocks);
	struct tb_buf wire = {0};
	for (int i = 0; i < 1000000; i++)
		tb_buf_add(&wire, "\x2a\x00", 2);
	assert_int_equal(PROTO_DECODE(&query, query, tb_buf_bytes(&wire), &arena, &err), TB_ETOOBIG);
	assert_null(arena.blocks);
	tb_buf_clear(&wire);
}

/* One message in many parts is merged by protobuf-c in time and memory by the square of their number. */
static void test_decode_never_merges_messages(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	struct tb_buf wire = {0};
	PbCaseEntry *entry = NULL;
	for (int i = 0; i < 20000; i++)
		sample_piece(&wire, 12, BYTES("\x1a\x00")); /* detail, with one of needs */
	assert_int_equal(PROTO_DECODE(&entry, case_entry, tb_buf_bytes(&wire), &arena, &err), TB_EMALFORMED);
	assert_string_equal(err.text, "CaseEntry.detail: message given twice");
	assert_null(arena.blocks);
	tb_buf_clear(&wire);
}

static void test_own_bytes_are_not_scanned_but_must_decode(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbQuery *query = NULL;
	assert_int_equal(PROTO_DECODE_OWN(&query, query, BYTES("\x12\x02\x07\t"), &arena, &err), TB_OK);
	assert_string_equal(query->type, "\x07\t");
	static const struct tb_bytes bad[] = {{(const uint8_t *)"\x12", 1},
	                                      {(const uint8_t *)"\x12\x05"
	                                                        "a",
	                                       3},
	                                      {(const uint8_t *)"\x0b", 1}};
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(PROTO_DECODE_OWN(&query, query, bad[i], &arena, &err), TB_ECORRUPT);
		assert_null(query);
		assert_string_equal(err.text, "Query: cannot be decoded");
	}
	tb_arena_clear(&arena);
}

static void test_encode_appends(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_buf out = {0};
	PbHolder *holder = PROTO_NEW(PbHolder, holder, &arena);
	proto_encode(&out, &holder->base);
	assert_int_equal(out.size, 0);
	tb_buf_str(&out, "salt");
	holder->code = tb_arena_str(&arena, "abc");
	proto_encode(&out, &holder->base);
	proto_encode(&out, &holder->base);
	assert_true(tb_bytes_equal(tb_buf_bytes(&out), BYTES("salt\x12\x03"
	                                                     "abc\x12\x03"
	                                                     "abc")));
	tb_buf_clear(&out);
	tb_arena_clear(&arena);
}

static void test_a_decoded_message_keeps_no_pointer_into_its_bytes(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	PbProof *proof = NULL;
	uint8_t wire[] = "\x0a\x03"
			 "abc\x1a\x03"
			 "def";
	assert_int_equal(PROTO_DECODE(&proof, proof, tb_bytes_of(wire, 10), &arena, &err), TB_OK);
	memset(wire, 0xFF, sizeof(wire));
	assert_true(tb_bytes_equal(proto_bytes(proof->header), BYTES("abc")));
	assert_true(tb_bytes_equal(proto_bytes(proof->chain[0]), BYTES("def")));
	tb_arena_clear(&arena);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_type_comes_back),
		cmocka_unit_test(test_a_big_case_comes_back),
		cmocka_unit_test(test_new_messages_have_defaults_and_no_null_texts),
		cmocka_unit_test(test_a_message_cut_anywhere_is_refused_or_shorter),
		cmocka_unit_test(test_unknown_fields_are_dropped_everywhere),
		cmocka_unit_test(test_the_last_of_a_singular_field_wins),
		cmocka_unit_test(test_packed_and_unpacked_lists_are_the_same),
		cmocka_unit_test(test_decode_refuses_what_the_scan_refuses),
		cmocka_unit_test(test_decode_never_merges_messages),
		cmocka_unit_test(test_own_bytes_are_not_scanned_but_must_decode),
		cmocka_unit_test(test_encode_appends),
		cmocka_unit_test(test_a_decoded_message_keeps_no_pointer_into_its_bytes),
	};
	return cmocka_run_group_tests_name("proto/codec", tests, NULL, NULL);
}
