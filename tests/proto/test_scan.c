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

enum { QUERY_TYPE = 2, QUERY_HOLDER = 4, QUERY_MATCH = 5, QUERY_DISCLOSURE = 9 };

/* Scans and empties |wire|. |text| is the whole error text, NULL if it must be taken. */
static void expect(const proto_type *type, struct tb_buf *wire, enum tb_code code, const char *text)
{
	struct tb_error err = {0};
	assert_int_equal(proto_scan(type, tb_buf_bytes(wire), &err), code);
	assert_string_equal(err.text, text ? text : "");
	assert_int_equal(proto_scan(type, tb_buf_bytes(wire), NULL), code);
	tb_buf_clear(wire);
}

static void expect_bytes(const proto_type *type, struct tb_bytes bytes, enum tb_code code, const char *text)
{
	struct tb_buf wire = {0};
	tb_buf_add(&wire, bytes.data, bytes.size);
	expect(type, &wire, code, text);
}

static void test_scan_takes_what_is_encoded(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	struct tb_arena arena = {0};
	unsigned serial = 0;
	for (size_t i = 0; i < types.count; i++) {
		struct tb_buf wire = {0};
		expect(types.list[i], &wire, TB_OK, NULL);
		proto_encode(&wire, sample_new(&arena, types.list[i], 2, &serial));
		expect(types.list[i], &wire, TB_OK, NULL);
	}
	tb_arena_clear(&arena);
}

static void test_scan_bounds_depth(void **state)
{
	(void)state;
	struct tb_buf wire = {0};
	for (uint32_t number = 1; number <= 2; number++) {
		sample_deep(&wire, number, TB_PROTO_DEPTH_MAX - 1);
		expect(sample_nest(), &wire, TB_OK, NULL);
		sample_deep(&wire, number, TB_PROTO_DEPTH_MAX);
		struct tb_error err = {0};
		assert_int_equal(proto_scan(sample_nest(), tb_buf_bytes(&wire), &err), TB_ETOOBIG);
		assert_non_null(strstr(err.text, ": nested too deep"));
		tb_buf_clear(&wire);
		sample_deep(&wire, number, 10000);
		assert_int_equal(proto_scan(sample_nest(), tb_buf_bytes(&wire), &err), TB_ETOOBIG);
		tb_buf_clear(&wire);
	}
}

static void test_scan_does_not_look_into_unknown_fields(void **state)
{
	(void)state;
	struct tb_buf wire = {0};
	sample_deep(&wire, 17, 10000);
	expect(&pb_query__descriptor, &wire, TB_OK, NULL);
	sample_deep(&wire, QUERY_HOLDER, 10000); /* A Holder has no field 4. */
	expect(&pb_query__descriptor, &wire, TB_OK, NULL);
	sample_piece(&wire, 536870911, BYTES("\xff\xff\xff\x00\x1b"));
	sample_key(&wire, 18, 0);
	sample_varint(&wire, UINT64_MAX);
	sample_key(&wire, 19, 1);
	tb_buf_add(&wire, "12345678", 8);
	sample_key(&wire, 20, 5);
	tb_buf_add(&wire, "1234", 4);
	expect(&pb_query__descriptor, &wire, TB_OK, NULL);
}

static void test_scan_refuses_groups(void **state)
{
	(void)state;
	struct tb_buf wire = {0};
	for (int i = 0; i < 10000; i++)
		sample_key(&wire, 17, 3);
	expect(&pb_query__descriptor, &wire, TB_EMALFORMED, "Query.17: groups are not taken");
	for (unsigned wiretype = 3; wiretype < 8; wiretype++) {
		if (wiretype == 5)
			continue;
		sample_key(&wire, QUERY_HOLDER, wiretype);
		expect(&pb_query__descriptor, &wire, TB_EMALFORMED, "Query.holder: groups are not taken");
	}
}

static void test_scan_refuses_lengths_past_the_end(void **state)
{
	(void)state;
	static const uint64_t lengths[] = {4,         UINT64_C(1) << 31, UINT32_MAX, UINT64_C(1) << 32,
	                                   INT64_MAX, UINT64_MAX - 8,    UINT64_MAX};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		static const uint32_t numbers[] = {QUERY_TYPE, QUERY_HOLDER, 17};
		static const char *const texts[] = {"Query.type: cut off", "Query.holder: cut off",
		                                    "Query.17: cut off"};
		for (size_t j = 0; j < 3; j++) {
			struct tb_buf wire = {0};
			sample_key(&wire, numbers[j], 2);
			sample_varint(&wire, lengths[i]);
			tb_buf_add(&wire, "abc", 3);
			expect(&pb_query__descriptor, &wire, TB_EMALFORMED, texts[j]);
		}
	}
	/* The inner length must fit the outer one, not only the input. */
	expect_bytes(&pb_query__descriptor, BYTES("\x22\x02\x0a\x05rest."), TB_EMALFORMED,
	             "Query.holder.code_type: cut off");
	expect_bytes(&pb_query__descriptor, BYTES("\x99\x01\x31\x32\x33"), TB_EMALFORMED,
	             "Query.19: cut off");
	expect_bytes(&pb_query__descriptor, BYTES("\x9d\x01\x31\x32\x33"), TB_EMALFORMED,
	             "Query.19: cut off");
	expect_bytes(&pb_query__descriptor, BYTES("\x48"), TB_EMALFORMED, "Query.disclosure: cut off");
	expect_bytes(&pb_query__descriptor, BYTES("\x80"), TB_EMALFORMED, "Query: cut off");
}

static void test_scan_refuses_overlong_numbers(void **state)
{
	(void)state;
	const struct {
		struct tb_bytes wire;
		const char *text;
	} bad[] = {
		{BYTES("\x88\x00"), "Query: overlong number"},
		{BYTES("\x92\x00\x00"), "Query: overlong number"},
		{BYTES("\x12\x80\x00"), "Query.type: overlong number"},
		{BYTES("\x12\x81\x80\x00"
	               "a"),
	         "Query.type: overlong number"},
		{BYTES("\x48\x80\x00"), "Query.disclosure: overlong number"},
		{BYTES("\x48\x81\x80\x80\x00"), "Query.disclosure: overlong number"},
		{BYTES("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), "Query.disclosure: overlong number"},
		{BYTES("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	         "Query.disclosure: overlong number"},
		{BYTES("\x90\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "Query.18: overlong number"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_bytes(&pb_query__descriptor, bad[i].wire, TB_EMALFORMED, bad[i].text);
	expect_bytes(&pb_query__descriptor, BYTES("\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), TB_OK,
	             NULL);
	expect_bytes(&pb_case_view__descriptor, BYTES("\xaa\x01\x03\x01\x81\x00"), TB_EMALFORMED,
	             "CaseView.possible: overlong number");
	expect_bytes(&pb_case_view__descriptor, BYTES("\xaa\x01\x02\x01\x81"), TB_EMALFORMED,
	             "CaseView.possible: cut off");
}

static void test_scan_refuses_bad_field_numbers(void **state)
{
	(void)state;
	expect_bytes(&pb_query__descriptor, BYTES("\x02\x00"), TB_EMALFORMED, "Query: bad field number");
	expect_bytes(&pb_query__descriptor, BYTES("\x82\x80\x80\x80\x10\x00"), TB_EMALFORMED,
	             "Query: bad field number");
	expect_bytes(&pb_query__descriptor, BYTES("\xfa\xff\xff\xff\x0f\x00"), TB_OK, NULL);
}

static void add_tiny(struct tb_buf *wire, uint32_t number, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sample_piece(wire, number, tb_bytes_str(NULL));
}

static void test_scan_bounds_the_number_of_fields(void **state)
{
	(void)state;
	struct tb_buf wire = {0};
	add_tiny(&wire, QUERY_MATCH, 1000000);
	expect(&pb_query__descriptor, &wire, TB_ETOOBIG, "Query.match: too many fields");
	add_tiny(&wire, 17, 1000000);
	expect(&pb_query__descriptor, &wire, TB_ETOOBIG, "Query.17: too many fields");
	add_tiny(&wire, QUERY_MATCH, TB_PROTO_FIELDS_MAX);
	expect(&pb_query__descriptor, &wire, TB_OK, NULL);
	add_tiny(&wire, QUERY_MATCH, TB_PROTO_FIELDS_MAX + 1);
	expect(&pb_query__descriptor, &wire, TB_ETOOBIG, "Query.match: too many fields");
}

static void test_scan_counts_fields_at_all_levels(void **state)
{
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct tb_buf inner = {0};
		struct tb_buf wire = {0};
		add_tiny(&inner, 1, TB_PROTO_FIELDS_MAX / 2);
		sample_piece(&wire, QUERY_MATCH, tb_buf_bytes(&inner));
		add_tiny(&wire, QUERY_TYPE, TB_PROTO_FIELDS_MAX / 2 - 1 + over);
		expect(&pb_query__descriptor, &wire, over ? TB_ETOOBIG : TB_OK,
		       over ? "Query.type: too many fields" : NULL);
		tb_buf_clear(&inner);
	}
}

static void test_scan_counts_packed_elements(void **state)
{
	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct tb_buf wire = {0};
		size_t size = TB_PROTO_FIELDS_MAX - 1 + over;
		uint8_t *ones = tb_alloc(size);
		memset(ones, 1, size);
		sample_piece(&wire, 21, tb_bytes_of(ones, size));
		free(ones);
		expect(&pb_case_view__descriptor, &wire, over ? TB_ETOOBIG : TB_OK,
		       over ? "CaseView.possible: too many fields" : NULL);
	}
}

static void add_value(struct tb_buf *wire, uint32_t number, unsigned wiretype)
{
	static const char *const values[] = {"\x01", "12345678", "", NULL, NULL, "1234"};
	if (wiretype == 2) {
		sample_piece(wire, number, tb_bytes_str(NULL));
		return;
	}
	sample_key(wire, number, wiretype);
	tb_buf_str(wire, values[wiretype]);
}

static void test_scan_refuses_wrong_wire_types(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	static const unsigned wiretypes[] = {0, 1, 2, 5};
	for (size_t i = 0; i < types.count; i++) {
		for (unsigned j = 0; j < types.list[i]->n_fields; j++) {
			const ProtobufCFieldDescriptor *field = &types.list[i]->fields[j];
			bool text = field->type == PROTOBUF_C_TYPE_STRING ||
			            field->type == PROTOBUF_C_TYPE_BYTES ||
			            field->type == PROTOBUF_C_TYPE_MESSAGE;
			bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
			for (size_t k = 0; k < 4; k++) {
				char why[128];
				struct tb_buf wire = {0};
				bool good = wiretypes[k] == 2 ? text || list : wiretypes[k] == 0 && !text;
				add_value(&wire, field->id, wiretypes[k]);
				snprintf(why, sizeof(why), "%s.%s: wrong wire type",
				         types.list[i]->short_name, field->name);
				expect(types.list[i], &wire, good ? TB_OK : TB_EMALFORMED, good ? NULL : why);
			}
		}
	}
}

static void test_scan_refuses_numbers_that_do_not_fit(void **state)
{
	(void)state;
	static const struct {
		uint32_t number; /* of ClockState: enum 1, bool 2, int64 3, int32 4 */
		uint64_t value;
		bool good;
	} cases[] = {
		{2, 1, true},
		{2, 2, false},
		{2, UINT64_MAX, false},
		{3, UINT64_MAX, true},
		{4, INT32_MAX, true},
		{4, (uint64_t)INT32_MAX + 1, false},
		{4, UINT32_MAX, false},
		{4, (uint64_t)INT32_MIN, true},
		{4, (uint64_t)INT32_MIN - 1, false},
		{4, UINT64_MAX, true},
		{1, 99, true}, /* A newer peer's. */
		{1, (uint64_t)INT32_MAX + 1, false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tb_buf wire = {0};
		struct tb_error err = {0};
		sample_key(&wire, cases[i].number, 0);
		sample_varint(&wire, cases[i].value);
		enum tb_code code = proto_scan(&pb_clock_state__descriptor, tb_buf_bytes(&wire), &err);
		assert_int_equal(code, cases[i].good ? TB_OK : TB_EMALFORMED);
		assert_true(cases[i].good || strstr(err.text, ": number out of range"));
		tb_buf_clear(&wire);
	}
	expect_bytes(&pb_receipt__descriptor, BYTES("\x40\xff\xff\xff\xff\x0f"), TB_OK, NULL);
	expect_bytes(&pb_receipt__descriptor, BYTES("\x40\x80\x80\x80\x80\x10"), TB_EMALFORMED,
	             "Receipt.head: number out of range");
	expect_bytes(&pb_case_view__descriptor, BYTES("\xaa\x01\x06\x01\x80\x80\x80\x80\x10"), TB_EMALFORMED,
	             "CaseView.possible: number out of range");
}

static void test_scan_takes_a_field_again_but_not_a_message(void **state)
{
	(void)state;
	struct tb_buf wire = {0};
	sample_piece(&wire, QUERY_TYPE, BYTES("A"));
	sample_piece(&wire, QUERY_TYPE, BYTES("B"));
	sample_piece(&wire, QUERY_MATCH, BYTES(""));
	sample_piece(&wire, QUERY_MATCH, BYTES(""));
	expect(&pb_query__descriptor, &wire, TB_OK, NULL);
	sample_piece(&wire, QUERY_HOLDER, BYTES(""));
	sample_piece(&wire, QUERY_HOLDER, BYTES(""));
	expect(&pb_query__descriptor, &wire, TB_EMALFORMED, "Query.holder: message given twice");
}

static void expect_text(const proto_type *type, uint32_t number, struct tb_bytes text, enum tb_code code,
                        const char *why)
{
	struct tb_buf wire = {0};
	sample_piece(&wire, number, text);
	expect(type, &wire, code, why);
}

static void test_scan_refuses_texts_that_are_not_printable(void **state)
{
	(void)state;
	const struct {
		struct tb_bytes text;
		const char *why;
	} bad[] = {
		{BYTES("a\0b"), "Query.type: text is not UTF-8"},
		{BYTES("\xd6\xd0\xb9\xfa"), "Query.type: text is not UTF-8"},
		{BYTES("12345678\xed\xa0\x80"), "Query.type: text is not UTF-8"},
		{BYTES("1234567\xe4"), "Query.type: text is not UTF-8"},
		{BYTES("two\nlines"), "Query.type: text holds control characters"},
		{BYTES("tab\t"), "Query.type: text holds control characters"},
		{BYTES("12345678\x7f"), "Query.type: text holds control characters"},
		{BYTES("12345678"
	               "1\x1b[31m90"),
	         "Query.type: text holds control characters"},
		{BYTES("\xc2\x85"), "Query.type: text holds control characters"},
		{BYTES("abc\xe2\x80\xae"
	               "def"),
	         "Query.type: text holds control characters"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_text(&pb_query__descriptor, QUERY_TYPE, bad[i].text, TB_EMALFORMED, bad[i].why);
	/* Every byte at every place of the eight that are looked at together. */
	for (int c = 0; c < 0x80; c++) {
		for (size_t at = 0; at < 17; at++) {
			char text[] = "~ ~ ~ ~ ~ ~ ~ ~ ~";
			struct tb_buf wire = {0};
			text[at] = (char)c;
			sample_piece(&wire, QUERY_TYPE, tb_bytes_of(text, 17));
			enum tb_code code = proto_scan(&pb_query__descriptor, tb_buf_bytes(&wire), NULL);
			assert_int_equal(code, c < 0x20 || c == 0x7F ? TB_EMALFORMED : TB_OK);
			tb_buf_clear(&wire);
		}
	}
}

/* The scan's short cuts through a text change nothing: it takes what tb_text_printable() takes. */
static void test_scan_agrees_with_base_on_texts(void **state)
{
	(void)state;
	static const uint8_t next[] = {0x00, 0x1F, 0x20, 0x7E, 0x7F, 0x80, 0x81, 0x9F,
	                               0xA0, 0xA8, 0xAE, 0xBF, 0xC0, 0xE4, 0xFF};
	enum { NEXT_COUNT = sizeof(next) };
	struct tb_buf wire = {0};
	for (int lead = 0; lead < 256; lead++) {
		for (size_t i = 0; i < NEXT_COUNT * NEXT_COUNT; i++) {
			uint8_t text[] = {'a', (uint8_t)lead, next[i / NEXT_COUNT], next[i % NEXT_COUNT],
			                  'z'};
			for (size_t size = 2; size <= sizeof(text); size++) {
				struct tb_bytes bytes = {text, size};
				wire.size = 0;
				sample_piece(&wire, QUERY_TYPE, bytes);
				assert_int_equal(
					proto_scan(&pb_query__descriptor, tb_buf_bytes(&wire), NULL) == TB_OK,
					tb_text_printable(bytes));
			}
		}
	}
	tb_buf_clear(&wire);
}

static void test_scan_bounds_texts(void **state)
{
	(void)state;
	static char text[TB_IMPORT_LINE_BYTES_MAX + 1];
	memset(text, 'x', sizeof(text));
	for (size_t over = 0; over < 2; over++) {
		enum tb_code code = over ? TB_ETOOBIG : TB_OK;
		struct tb_bytes common = tb_bytes_of(text, TB_TEXT_BYTES_MAX + over);
		struct tb_bytes line = tb_bytes_of(text, TB_IMPORT_LINE_BYTES_MAX + over);
		expect_text(&pb_query__descriptor, QUERY_TYPE, common, code,
		            over ? "Query.type: text is too long" : NULL);
		expect_text(&pb_answer__descriptor, 6, common, code,
		            over ? "Answer.reason: text is too long" : NULL);
		expect_text(&pb_import_request__descriptor, 4, line, code,
		            over ? "ImportRequest.lines: text is too long" : NULL);
		expect_text(&pb_import_request__descriptor, 3, line, code,
		            over ? "ImportRequest.header: text is too long" : NULL);
	}
	/* Bytes are bounded by the message only. */
	expect_text(&pb_signed_batch__descriptor, 4, tb_bytes_of(text, sizeof(text)), TB_OK, NULL);
}

static void test_scan_takes_line_feeds_in_prose_only(void **state)
{
	(void)state;
	static const struct {
		const proto_type *type;
		const char *field;
	} prose[] = {
		{&pb_description__descriptor, "checkpoint"}, {&pb_checkpoint_response__descriptor, "note"},
		{&pb_case_detail__descriptor, "note"},       {&pb_case_detail__descriptor, "reason"},
		{&pb_decision__descriptor, "text"},          {&pb_answer__descriptor, "reason"},
		{&pb_receipt__descriptor, "reason"},
	};
	for (size_t i = 0; i < sizeof(prose) / sizeof(prose[0]); i++) {
		const ProtobufCFieldDescriptor *field =
			protobuf_c_message_descriptor_get_field_by_name(prose[i].type, prose[i].field);
		assert_non_null(field);
		char why[128];
		snprintf(why, sizeof(why), "%s.%s: text holds control characters", prose[i].type->short_name,
		         field->name);
		expect_text(prose[i].type, field->id, BYTES("第一行\n\nsecond line\n"), TB_OK, NULL);
		expect_text(prose[i].type, field->id, BYTES("\n"), TB_OK, NULL);
		expect_text(prose[i].type, field->id, BYTES("a\r\nb"), TB_EMALFORMED, why);
		expect_text(prose[i].type, field->id, BYTES("a\n\tb"), TB_EMALFORMED, why);
		expect_text(prose[i].type, field->id,
		            BYTES("a\n\xe2\x80\xae"
		                  "b"),
		            TB_EMALFORMED, why);
	}
	expect_text(&pb_description__descriptor, 2, BYTES("a\nb"), TB_EMALFORMED,
	            "Description.name: text holds control characters");
}

static void test_scan_takes_any_utf8_in_import_lines(void **state)
{
	(void)state;
	expect_text(&pb_import_request__descriptor, 4, BYTES("\"a\tb\x7f\",\xe2\x80\xae\r"), TB_OK, NULL);
	expect_text(&pb_import_request__descriptor, 3, BYTES("a\tb"), TB_OK, NULL);
	expect_text(&pb_import_request__descriptor, 4, BYTES("\xd6\xd0"), TB_EMALFORMED,
	            "ImportRequest.lines: text is not UTF-8");
	expect_text(&pb_import_request__descriptor, 4, BYTES("a\0"), TB_EMALFORMED,
	            "ImportRequest.lines: text is not UTF-8");
	expect_text(&pb_import_request__descriptor, 1, BYTES("a\tb"), TB_EMALFORMED,
	            "ImportRequest.import_id: text holds control characters");
}

static void test_scan_names_the_place_and_not_the_value(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	PbVerifyRequest *request = PROTO_NEW(PbVerifyRequest, verify_request, &arena);
	PbQuery *query = PROTO_NEW(PbQuery, query, &arena);
	query->holder = PROTO_NEW(PbHolder, holder, &arena);
	query->holder->code = tb_arena_str(&arena, "320102199001011234\x1b");
	request->n_queries = 1;
	request->queries = &query;
	struct tb_buf wire = {0};
	proto_encode(&wire, &request->base);
	expect(&pb_verify_request__descriptor, &wire, TB_EMALFORMED,
	       "VerifyRequest.queries.holder.code: text holds control characters");
	tb_arena_clear(&arena);
}

/* True if |type| is among the |depth| types of |path| or leads back to one of them. */
static bool leads_back(const proto_type *type, const proto_type **path, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		if (path[i] == type)
			return true;
	}
	assert_true(depth < SAMPLE_TYPES_MAX);
	path[depth] = type;
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE &&
		    leads_back(type->fields[i].descriptor, path, depth + 1))
			return true;
	}
	return false;
}

static size_t depth_of(const proto_type *type)
{
	size_t most = 0;
	for (unsigned i = 0; i < type->n_fields; i++) {
		if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
			size_t depth = depth_of(type->fields[i].descriptor);
			most = depth > most ? depth : most;
		}
	}
	return most + 1;
}

static void test_no_type_contains_itself(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	const proto_type *path[SAMPLE_TYPES_MAX];
	assert_true(leads_back(sample_nest(), path, 0));
	assert_true(types.count > 80);
	for (size_t i = 0; i < types.count; i++) {
		if (leads_back(types.list[i], path, 0))
			fail_msg("%s contains itself", types.list[i]->name);
		assert_true(depth_of(types.list[i]) <= TB_PROTO_DEPTH_MAX);
	}
}

static void test_types_use_only_what_this_room_knows(void **state)
{
	(void)state;
	struct sample_types types = sample_types();
	for (size_t i = 0; i < types.count; i++) {
		assert_true(types.list[i]->n_fields <= 64);
		for (unsigned j = 0; j < types.list[i]->n_fields; j++) {
			const ProtobufCFieldDescriptor *field = &types.list[i]->fields[j];
			assert_true(field->label == PROTOBUF_C_LABEL_NONE ||
			            field->label == PROTOBUF_C_LABEL_REPEATED);
			assert_int_equal(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF, 0);
			assert_true(strlen(field->name) < 40);
			switch (field->type) {
			case PROTOBUF_C_TYPE_INT32:
			case PROTOBUF_C_TYPE_UINT32:
			case PROTOBUF_C_TYPE_INT64:
			case PROTOBUF_C_TYPE_UINT64:
			case PROTOBUF_C_TYPE_BOOL:
			case PROTOBUF_C_TYPE_ENUM:
			case PROTOBUF_C_TYPE_STRING:
			case PROTOBUF_C_TYPE_BYTES:
			case PROTOBUF_C_TYPE_MESSAGE:
				break;
			default:
				fail_msg("%s.%s", types.list[i]->name, field->name);
			}
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_takes_what_is_encoded),
		cmocka_unit_test(test_scan_bounds_depth),
		cmocka_unit_test(test_scan_does_not_look_into_unknown_fields),
		cmocka_unit_test(test_scan_refuses_groups),
		cmocka_unit_test(test_scan_refuses_lengths_past_the_end),
		cmocka_unit_test(test_scan_refuses_overlong_numbers),
		cmocka_unit_test(test_scan_refuses_bad_field_numbers),
		cmocka_unit_test(test_scan_bounds_the_number_of_fields),
		cmocka_unit_test(test_scan_counts_fields_at_all_levels),
		cmocka_unit_test(test_scan_counts_packed_elements),
		cmocka_unit_test(test_scan_refuses_wrong_wire_types),
		cmocka_unit_test(test_scan_refuses_numbers_that_do_not_fit),
		cmocka_unit_test(test_scan_takes_a_field_again_but_not_a_message),
		cmocka_unit_test(test_scan_refuses_texts_that_are_not_printable),
		cmocka_unit_test(test_scan_agrees_with_base_on_texts),
		cmocka_unit_test(test_scan_bounds_texts),
		cmocka_unit_test(test_scan_takes_line_feeds_in_prose_only),
		cmocka_unit_test(test_scan_takes_any_utf8_in_import_lines),
		cmocka_unit_test(test_scan_names_the_place_and_not_the_value),
		cmocka_unit_test(test_no_type_contains_itself),
		cmocka_unit_test(test_types_use_only_what_this_room_knows),
	};
	return cmocka_run_group_tests_name("proto/scan", tests, NULL, NULL);
}
