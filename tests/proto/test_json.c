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

struct fixture {
	struct tb_arena arena;
	struct tb_buf out;
	struct tb_error err;
};

static int setup(void **state)
{
	*state = tb_alloc(sizeof(struct fixture));
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;
	tb_arena_clear(&fixture->arena);
	tb_buf_clear(&fixture->out);
	free(fixture);
	return 0;
}

static enum tb_code decode(struct fixture *fixture, void *out, const proto_type *type, const char *json)
{
	fixture->err = (struct tb_error){0};
	return proto_json_decode((proto_message **)out, type, tb_bytes_str(json), &fixture->arena,
	                         &fixture->err);
}

/* What a text says after the place in bytes, which is the parser's choice. */
static const char *without_place(const char *text)
{
	const char *colon = strstr(text, ": ");
	return strncmp(text, "byte ", 5) == 0 && colon ? colon + 2 : text;
}

static void expect_refused(struct fixture *fixture, const proto_type *type, const char *json,
                           const char *text)
{
	proto_message *message = (proto_message *)(void *)fixture;
	enum tb_code code = decode(fixture, &message, type, json);
	if (code != TB_EMALFORMED || strcmp(without_place(fixture->err.text), text) != 0)
		fail_msg("%s: %d %s", json, (int)code, fixture->err.text);
	assert_null(message);
	assert_int_equal(proto_json_decode(&message, type, tb_bytes_str(json), &fixture->arena, NULL),
	                 TB_EMALFORMED);
}

static const char *encode(struct fixture *fixture, const proto_message *message)
{
	fixture->out.size = 0;
	proto_json_encode(&fixture->out, message);
	return tb_buf_text(&fixture->out);
}

/* Decodes |json| and expects |again| when it is encoded. */
static void expect_taken(struct fixture *fixture, const proto_type *type, const char *json, const char *again)
{
	proto_message *message = NULL;
	if (decode(fixture, &message, type, json) != TB_OK)
		fail_msg("%s: %s", json, fixture->err.text);
	assert_string_equal(encode(fixture, message), again);
}

static const char golden_query[] =
	"{\"identifier\":\"1.2.156.3005.2\",\"type\":\"11100000000013338W032\",\"number\":\"苏A-1\","
	"\"holder\":{\"codeType\":\"111\",\"code\":\"320102199001011234\",\"name\":\"张三\"},"
	"\"match\":[{\"name\":\"valid_until\",\"value\":\"2030-01-01\"},{}],\"purpose\":\"变更登记\","
	"\"basis\":\"a \\\"b\\\" \\\\ c/d\",\"caseNumber\":\"320100-1\",\"disclosure\":\"MATCH\"}";

static void test_json_is_the_canonical_mapping(void **state)
{
	expect_taken(*state, &pb_query__descriptor, golden_query, golden_query);
	static const char entry[] =
		"{\"seq\":4294967295,\"event\":\"HAND_OVER\",\"actor\":{\"role\":\"R_WIN\"},"
		"\"atMs\":\"-9223372036854775808\",\"detail\":{\"materials\":[{\"size\":"
		"\"18446744073709551615\","
		"\"root\":\"+/8=\",\"sha256\":\"AA==\",\"original\":true}],\"note\":\"a\\nb\"},"
		"\"clocks\":[{\"clock\":\"T5_DECIDE\",\"dueMs\":\"9223372036854775807\",\"daysLeft\":-"
		"2147483648}],"
		"\"salt\":\"AAECAwQFBgcICQoLDA0ODw==\"}";
	expect_taken(*state, &pb_case_entry__descriptor, entry, entry);
	static const char view[] = "{\"possible\":[\"SUBMIT\",\"OVERDUE\",\"CASE_EVENT_UNSPECIFIED\"],"
				   "\"evidence\":[\"\",\"a\"]}";
	expect_taken(*state, &pb_case_view__descriptor, view, view);
}

static void test_json_pretty_is_for_people(void **state)
{
	struct fixture *fixture = *state;
	PbQuery *query = NULL;
	assert_int_equal(decode(fixture, &query, &pb_query__descriptor,
	                        "{\"type\":\"A\",\"holder\":{},\"match\":[{\"name\":\"n\"},{}]}"),
	                 TB_OK);
	proto_json_encode_pretty(&fixture->out, &query->base);
	assert_string_equal(tb_buf_text(&fixture->out), "{\n"
	                                                "  \"type\": \"A\",\n"
	                                                "  \"holder\": {},\n"
	                                                "  \"match\": [\n"
	                                                "    {\n"
	                                                "      \"name\": \"n\"\n"
	                                                "    },\n"
	                                                "    {}\n"
	                                                "  ]\n"
	                                                "}");
	fixture->out.size = 0;
	proto_json_encode_pretty(&fixture->out, proto_new(&fixture->arena, &pb_query__descriptor));
	assert_string_equal(tb_buf_text(&fixture->out), "{}");
}

static void test_json_of_every_type_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct sample_types types = sample_types();
	unsigned serial = 0;
	for (size_t i = 0; i < types.count; i++) {
		for (size_t count = 0; count < 3; count++) {
			struct tb_arena arena = {0};
			proto_message *back[2] = {NULL, NULL};
			proto_message *message = sample_new(&arena, types.list[i], count, &serial);
			struct tb_bytes wire = proto_encode_arena(&arena, message);
			assert_int_equal(decode(fixture, &back[0], types.list[i], encode(fixture, message)),
			                 TB_OK);
			fixture->out.size = 0;
			proto_json_encode_pretty(&fixture->out, message);
			assert_int_equal(decode(fixture, &back[1], types.list[i], tb_buf_text(&fixture->out)),
			                 TB_OK);
			for (size_t j = 0; j < 2; j++)
				assert_true(tb_bytes_equal(proto_encode_arena(&arena, back[j]), wire));
			tb_arena_clear(&arena);
		}
	}
}

static void test_json_takes_both_forms_of_a_name(void **state)
{
	expect_taken(*state, &pb_query__descriptor,
	             "{\"case_number\":\"1\",\"holder\":{\"code_type\":\"111\"}}",
	             "{\"holder\":{\"codeType\":\"111\"},\"caseNumber\":\"1\"}");
	expect_refused(*state, &pb_query__descriptor, "{\"caseNumber\":\"1\",\"case_number\":\"1\"}",
	               "case_number: given twice");
	expect_refused(*state, &pb_query__descriptor, "{\"case_number\":\"1\",\"caseNumber\":\"1\"}",
	               "caseNumber: given twice");
	static const char *const bad[] = {"casenumber",  "CaseNumber", "case_Number",
	                                  "caseNumber_", "case",       "caseNumberX"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[64];
		char text[64];
		snprintf(json, sizeof(json), "{\"%s\":\"1\"}", bad[i]);
		snprintf(text, sizeof(text), "%s: no such field", bad[i]);
		expect_refused(*state, &pb_query__descriptor, json, text);
	}
}

static void test_json_leaves_out_defaults(void **state)
{
	expect_taken(*state, &pb_case_entry__descriptor,
	             "{\"caseNumber\":\"\",\"seq\":0,\"event\":\"CASE_EVENT_UNSPECIFIED\",\"atMs\":\"0\","
	             "\"clocks\":[],\"salt\":\"\",\"detail\":{\"decision\":{}},\"actor\":null}",
	             "{\"detail\":{\"decision\":{}}}");
	expect_taken(*state, &pb_query__descriptor,
	             "{\"type\":null,\"match\":null,\"holder\":null,\"disclosure\":null}", "{}");
	expect_taken(*state, &pb_field_match__descriptor, " {\"equal\" : false } \n", "{}");
	expect_refused(*state, &pb_query__descriptor, "{\"match\":[null]}",
	               "match[0]: an object is expected");
	expect_refused(*state, &pb_material_need__descriptor, "{\"credentialTypes\":[null]}",
	               "credentialTypes[0]: a text is expected");
}

static void test_json_numbers_may_be_texts(void **state)
{
	static const struct {
		const char *json;
		const char *again;
	} good[] = {
		{"{\"size\":\"18446744073709551615\"}", "{\"size\":\"18446744073709551615\"}"},
		{"{\"size\":9223372036854775807}", "{\"size\":\"9223372036854775807\"}"},
		{"{\"size\":\"0\"}", "{}"},
		{"{\"size\":-0}", "{}"},
		{"{\"size\":1e3}", "{\"size\":\"1000\"}"},
		{"{\"size\":12.0}", "{\"size\":\"12\"}"},
		{"{\"size\":9007199254740992.0}", "{\"size\":\"9007199254740992\"}"},
		{"{\"size\":9007199254740993.0}", "{\"size\":\"9007199254740993\"}"},
		{"{\"size\":18446744073709551615}", "{\"size\":\"18446744073709551615\"}"},
		{"{\"size\":1.8446744073709551615E+19}", "{\"size\":\"18446744073709551615\"}"},
		{"{\"size\":184467440737095516150.0e-1}", "{\"size\":\"18446744073709551615\"}"},
		{"{\"size\":1.5e1}", "{\"size\":\"15\"}"},
		{"{\"size\":150e-1}", "{\"size\":\"15\"}"},
		{"{\"size\":0.00012e5}", "{\"size\":\"12\"}"},
		{"{\"size\":1e019}", "{\"size\":\"10000000000000000000\"}"},
		{"{\"size\":0e99999999999999999999}", "{}"},
		{"{\"size\":-0.0e-99999999999999999999}", "{}"},
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		expect_taken(*state, &pb_material__descriptor, good[i].json, good[i].again);
	expect_taken(*state, &pb_clock_state__descriptor,
	             "{\"dueMs\":\"-9223372036854775808\",\"daysLeft\":\"2147483647\"}",
	             "{\"dueMs\":\"-9223372036854775808\",\"daysLeft\":2147483647}");
	expect_taken(*state, &pb_clock_state__descriptor,
	             "{\"dueMs\":-9223372036854775808,\"daysLeft\":-1.0,\"clock\":5}",
	             "{\"clock\":\"T5_DECIDE\",\"dueMs\":\"-9223372036854775808\",\"daysLeft\":-1}");
}

static void test_json_refuses_numbers_out_of_range(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} bad[] = {
		{"{\"dueMs\":\"9223372036854775808\"}", "dueMs: number out of range"},
		{"{\"dueMs\":\"-9223372036854775809\"}", "dueMs: number out of range"},
		{"{\"dueMs\":\"99999999999999999999999\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":9223372036854775808.0}", "dueMs: number out of range"},
		{"{\"dueMs\":-9223372036854775809}", "dueMs: number out of range"},
		{"{\"dueMs\":1e20}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":15e-1}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":1e-1}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":1e-99999999999999999999}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":1e99999999999999999999}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":10000000000000000000000000}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":1e300}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":1.5}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\"1.0\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\"\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\"-\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\"+1\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\" 1\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":\"0x10\"}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":true}", "dueMs: a number is expected"},
		{"{\"dueMs\":[1]}", "dueMs: a number is expected"},
		{"{\"daysLeft\":2147483648}", "daysLeft: number out of range"},
		{"{\"daysLeft\":-2147483649}", "daysLeft: number out of range"},
		{"{\"daysLeft\":\"4294967295\"}", "daysLeft: number out of range"},
		{"{\"dueMs\":1e999}", "dueMs: not a whole number in range"},
		{"{\"dueMs\":9223372036854775808}", "dueMs: number out of range"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(*state, &pb_clock_state__descriptor, bad[i].json, bad[i].text);
	expect_refused(*state, &pb_material__descriptor, "{\"size\":-1}", "size: number out of range");
	expect_refused(*state, &pb_material__descriptor, "{\"size\":\"18446744073709551616\"}",
	               "size: not a whole number in range");
	expect_refused(*state, &pb_receipt__descriptor, "{\"head\":4294967296}", "head: number out of range");
	expect_refused(*state, &pb_receipt__descriptor, "{\"head\":\"-1\"}", "head: number out of range");
}

static void test_json_enums_are_names(void **state)
{
	expect_taken(*state, &pb_query__descriptor, "{\"disclosure\":\"DOCUMENT\"}",
	             "{\"disclosure\":\"DOCUMENT\"}");
	expect_taken(*state, &pb_query__descriptor, "{\"disclosure\":3}", "{\"disclosure\":\"DOCUMENT\"}");
	expect_taken(*state, &pb_query__descriptor, "{\"disclosure\":0}", "{}");
	static const char *const bad[] = {
		"\"document\"",
		"\"\"",
		"\"3\"",
		"4",
		"-1",
		"1.5",
		"4294967299",
		"\"MATCH\xff\"",
		"\"MATCHX\"",
		"\"MATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCHMATCH\"",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[128];
		snprintf(json, sizeof(json), "{\"disclosure\":%s}", bad[i]);
		expect_refused(*state, &pb_query__descriptor, json, "disclosure: no such value");
	}
	expect_refused(*state, &pb_query__descriptor, "{\"disclosure\":true}",
	               "disclosure: a name is expected");
	/* A newer peer's value has no name here. */
	struct fixture *fixture = *state;
	PbQuery *query = PROTO_NEW(PbQuery, query, &fixture->arena);
	query->disclosure = (PbDisclosure)77;
	assert_string_equal(encode(fixture, &query->base), "{\"disclosure\":77}");
}

static void test_enum_names_lead_both_ways(void **state)
{
	(void)state;
	int value = 4711;
	assert_string_equal(proto_enum_name(&pb_case_state__descriptor, 40), "ACCEPTED");
	assert_null(proto_enum_name(&pb_case_state__descriptor, 39));
	assert_null(proto_enum_name(&pb_case_state__descriptor, -1));
	assert_false(proto_enum_value(&pb_case_state__descriptor, "accepted", &value));
	assert_int_equal(value, 4711);
	assert_true(proto_enum_value(&pb_case_state__descriptor, "ACCEPTED", &value));
	assert_int_equal(value, PB_CASE_STATE__ACCEPTED);
}

static void test_json_bytes_are_base64(void **state)
{
	static const char *const good[][2] = {
		{"+/8=", "+/8="}, {"-_8=", "+/8="}, {"-_8", "+/8="}, {"", NULL}, {"AAAA", "AAAA"},
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char json[64];
		char again[64] = "{}";
		snprintf(json, sizeof(json), "{\"root\":\"%s\"}", good[i][0]);
		if (good[i][1])
			snprintf(again, sizeof(again), "{\"root\":\"%s\"}", good[i][1]);
		expect_taken(*state, &pb_material__descriptor, json, again);
	}
	static const char *const bad[] = {
		"A", "AA=", "AAA==", "A A=", "AB==", "====", "AA\\n=", "\\u00e9", "AAA\xff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[64];
		snprintf(json, sizeof(json), "{\"root\":\"%s\"}", bad[i]);
		expect_refused(*state, &pb_material__descriptor, json, "root: not base64");
	}
	expect_refused(*state, &pb_material__descriptor, "{\"root\":1}", "root: base64 is expected");
}

static void test_json_names_the_place(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} bad[] = {
		{"{\"queries\":[{},{},{},{\"holder\":{\"colour\":1}}]}",
	         "queries[3].holder.colour: no such field"},
		{"{\"colour\":1}", "colour: no such field"},
		{"{\"queries\":[{},{\"match\":[{\"name\":\"a\"},{\"value\":7}]}]}",
	         "queries[1].match[1].value: a text is expected"},
		{"{\"queries\":[{\"caseNumber\":{}}]}", "queries[0].caseNumber: a text is expected"},
		{"{\"queries\":{}}", "queries: a list is expected"},
		{"{\"queries\":[[]]}", "queries[0]: an object is expected"},
		{"{\"queries\":\"x\"}", "queries: a list is expected"},
		{"{\"region\":[\"x\"]}", "region: a text is expected"},
		{"{\"region\":false}", "region: a text is expected"},
		{"[]", "an object is expected"},
		{"[{}]", "an object is expected"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(*state, &pb_verify_request__descriptor, bad[i].json, bad[i].text);
	expect_refused(*state, &pb_field_match__descriptor, "{\"equal\":1}",
	               "equal: true or false is expected");
	expect_refused(*state, &pb_field_match__descriptor, "{\"equal\":\"true\"}",
	               "equal: true or false is expected");
}

/* What a caller put where a name belongs may be somebody's number, or break the log's line. */
static void test_json_errors_never_show_data(void **state)
{
	static const char *const names[] = {"320102199001011234", "张三", "a b", "a\\nb", "", "_x",
	                                    "a\\u202eb",          "a\xff"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char json[128];
		snprintf(json, sizeof(json), "{\"queries\":[{\"%s\":1}]}", names[i]);
		expect_refused(*state, &pb_verify_request__descriptor, json, "queries[0].?: no such field");
	}
	char json[1000];
	memset(json, 'n', sizeof(json));
	memcpy(json, "{\"", 2);
	memcpy(json + 900, "\":1}", 5);
	expect_refused(*state, &pb_verify_request__descriptor, json, "?: no such field");
	static const char *const values[] = {"{\"region\":secret}",
	                                     "{\"region\":\"secret\\u0000\"}",
	                                     "{\"region\":\"secret\",\"region\":\"secret\"}",
	                                     "{\"region\":\"secret",
	                                     "{\"region\":\"secret\\u0007\"}",
	                                     "{\"secret\\u0000\":1}"};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct fixture *fixture = *state;
		proto_message *message = NULL;
		assert_int_equal(decode(fixture, &message, &pb_verify_request__descriptor, values[i]),
		                 TB_EMALFORMED);
		assert_null(strstr(fixture->err.text, "secret"));
	}
}

static void test_json_refuses_what_is_not(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} bad[] = {
		{"", "JSON ends too early"},
		{" ", "JSON ends too early"},
		{"{", "JSON ends too early"},
		{"{\"type\":\"a", "JSON ends too early"},
		{"{\"type\":\"a\"", "JSON ends too early"},
		{"{} {}", "something follows the JSON"},
		{"{}x", "something follows the JSON"},
		{"null", "an object is expected"},
		{"\"a\"", "an object is expected"},
		{"nul", "not JSON"},
		{"-", "an object is expected"},
		{"x", "not JSON"},
		{"{type:1}", "not JSON"},
		{"{'type':1}", "not JSON"},
		{"{\"type\" \"a\"}", "not JSON"},
		{"{\"type\":}", "not JSON"},
		{"{\"type\":a}", "not JSON"},
		{"{\"type\":tru}", "not JSON"},
		{"{\"type\":nul", "not JSON"},
		{"{\"type\":nullx}", "not JSON"},
		{"{\"type\":\"a\"]", "not JSON"},
		{"{\"type\":\"a\",}", "not JSON"},
		{"{\"type\":\"a\" \"number\":\"b\"}", "not JSON"},
		{"{,}", "not JSON"},
		{"{\"match\":[,]}", "not JSON"},
		{"{\"match\":[{},]}", "not JSON"},
		{"{\"match\":[{}}", "not JSON"},
		{"{\"match\":[{} {}]}", "not JSON"},
		{"{\"match\":[{}", "JSON ends too early"},
		{"{\"match\":[", "JSON ends too early"},
		{"{\"disclosure\":01}", "not JSON"},
		{"{\"disclosure\":-01}", "not JSON"},
		{"{\"disclosure\":+1}", "not JSON"},
		{"{\"disclosure\":.1}", "not JSON"},
		{"{\"disclosure\":1.}", "not JSON"},
		{"{\"disclosure\":1.e1}", "not JSON"},
		{"{\"disclosure\":1e}", "not JSON"},
		{"{\"disclosure\":1e+}", "not JSON"},
		{"{\"disclosure\":0e1.0}", "not JSON"},
		{"{\"disclosure\":0x1}", "not JSON"},
		{"{\"disclosure\":-}", "not JSON"},
		{"{\"disclosure\":NaN}", "not JSON"},
		{"{\"disclosure\":-Infinity}", "not JSON"},
		{"{\"disclosure\":1", "JSON ends too early"},
		{"{\"disclosure\":-", "JSON ends too early"},
		{"{\"disclosure\":1e", "JSON ends too early"},
		{"{\"type\":\"a\n\"}", "not JSON"},
		{"{\"type\":\"\\x\"}", "not JSON"},
		{"{\"type\":\"\\", "JSON ends too early"},
		{"{\"type\":\"\\u00", "JSON ends too early"},
		{"{\"type\":\"\\u00g0\"}", "not JSON"},
		{"{\"type\":\"\\u 041\"}", "not JSON"},
		{"{\"type\":\"\\U0041\"}", "not JSON"},
		{"{\"type\":\"a\",\"type\":\"a\"}", "type: given twice"},
		{"{\"type\":null,\"type\":\"a\"}", "type: given twice"},
		{"{\"holder\":{\"code\":\"a\",\"c\\u006fde\":\"a\"}}", "holder.code: given twice"},
		{"\v{}", "not JSON"},
		{"\xc2\xa0{}", "not JSON"},
		{"// a comment\n{}", "not JSON"},
		{"\xef\xbb\xbf{}", "not JSON"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(*state, &pb_query__descriptor, bad[i].json, bad[i].text);
}

static void test_json_names_the_byte(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} bad[] = {
		{"", "byte 0: JSON ends too early"},
		{" \n {\"type\":a}", "byte 11: not JSON"},
		{"{\"type\":\"0123456789\x01\"}", "byte 19: not JSON"},
		{"{\"type\":\"\\n0123456789\\x\"}", "byte 22: not JSON"},
		{"{\"type\":\"\\u00x0\"}", "byte 13: not JSON"},
		{"{\"match\":[{},{} 1", "byte 16: not JSON"},
		{"{ } \t{", "byte 5: something follows the JSON"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fixture *fixture = *state;
		proto_message *message = NULL;
		assert_int_equal(decode(fixture, &message, &pb_query__descriptor, bad[i].json),
		                 TB_EMALFORMED);
		assert_string_equal(fixture->err.text, bad[i].text);
	}
}

/* NUL is no white space, and never the end. */
static void test_json_holds_no_nul(void **state)
{
	struct fixture *fixture = *state;
	static const char json[] = " {\"type\": \"abc\" } ";
	proto_message *message = NULL;
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, json), TB_OK);
	for (size_t i = 0; i < sizeof(json) - 1; i++) {
		char broken[sizeof(json)];
		memcpy(broken, json, i);
		broken[i] = 0;
		memcpy(broken + i + 1, json + i, sizeof(json) - 1 - i);
		assert_int_equal(proto_json_decode(&message, &pb_query__descriptor,
		                                   tb_bytes_of(broken, sizeof(broken)), &fixture->arena,
		                                   NULL),
		                 TB_EMALFORMED);
	}
}

static void test_json_cut_anywhere_is_refused(void **state)
{
	struct fixture *fixture = *state;
	for (size_t size = 0; size < strlen(golden_query); size++) {
		/* A copy of its own, so that a sanitizer sees a read past the end. */
		char *cut = malloc(size ? size : 1);
		proto_message *message = NULL;
		assert_non_null(cut);
		memcpy(cut, golden_query, size);
		assert_int_equal(proto_json_decode(&message, &pb_query__descriptor, tb_bytes_of(cut, size),
		                                   &fixture->arena, NULL),
		                 TB_EMALFORMED);
		free(cut);
	}
}

static void test_json_texts_obey_the_scan_s_rules(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{"a\\nb", "type: text holds control characters"},
		{"\\t", "type: text holds control characters"},
		{"\\u0007", "type: text holds control characters"},
		{"\\u007f", "type: text holds control characters"},
		{"\\u0085", "type: text holds control characters"},
		{"\\u202e", "type: text holds control characters"},
		{"abc\xe2\x80\xae"
	         "def",
	         "type: text holds control characters"},
		{"\\u0000", "a text holds NUL"},
		{"\\ud800", "not JSON"},
		{"\\udc00", "not JSON"},
		{"\\ud800\\u0041", "not JSON"},
		{"\\ud83d\\ud83d", "not JSON"},
		{"\\ud83d\\", "not JSON"},
		{"\\ud83d\\ude0", "not JSON"},
		{"\\ud83dx", "not JSON"},
		{"\\ude00\\ud83d", "not JSON"},
		{"\xed\xa0\x80", "type: text is not UTF-8"},
		{"\xd6\xd0", "type: text is not UTF-8"},
		{"\xc0\x80", "type: text is not UTF-8"},
		{"\xff", "type: text is not UTF-8"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[64];
		snprintf(json, sizeof(json), "{\"type\":\"%s\"}", bad[i].text);
		expect_refused(*state, &pb_query__descriptor, json, bad[i].why);
	}
	expect_taken(*state, &pb_query__descriptor, "{\"type\":\"\\u5f20\\ud842\\udfb7\\/\"}",
	             "{\"type\":\"张𠮷/\"}");
	expect_taken(*state, &pb_answer__descriptor, "{\"reason\":\"a\\nb\"}", "{\"reason\":\"a\\nb\"}");
	expect_taken(*state, &pb_import_request__descriptor,
	             "{\"lines\":[\"a\\tb\\u001f\\\"\",\"\",\"\\u202e\"]}",
	             "{\"lines\":[\"a\\u0009b\\u001f\\\"\",\"\",\"\xe2\x80\xae\"]}");
}

/* One piece in the midst of plain bytes, wherever the eight bytes that are read at once begin. */
static void read_piece(struct fixture *fixture, size_t before, size_t after, const char *piece,
                       const char *meaning)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz";
	struct tb_buf json = {0};
	struct tb_buf expected = {0};
	PbImportRequest *request = NULL;
	tb_buf_printf(&json, "{\"lines\":[\"%.*s%s%.*s\"]}", (int)before, plain, piece, (int)after, plain);
	/* A copy of its own, so that a sanitizer sees a read past the end. */
	char *copy = tb_strndup((const char *)json.data, json.size);
	enum tb_code code =
		proto_json_decode((proto_message **)(void *)&request, &pb_import_request__descriptor,
	                          tb_bytes_of(copy, json.size), &fixture->arena, NULL);
	assert_int_equal(code, meaning ? TB_OK : TB_EMALFORMED);
	if (meaning) {
		tb_buf_printf(&expected, "%.*s%s%.*s", (int)before, plain, meaning, (int)after, plain);
		assert_string_equal(request->lines[0], tb_buf_text(&expected));
		/* Writing escapes by eight bytes, too. */
		PbImportRequest *again = NULL;
		assert_int_equal(decode(fixture, &again, &pb_import_request__descriptor,
		                        encode(fixture, &request->base)),
		                 TB_OK);
		assert_string_equal(again->lines[0], request->lines[0]);
	}
	free(copy);
	tb_buf_clear(&json);
	tb_buf_clear(&expected);
}

static void test_json_reads_texts_at_every_place(void **state)
{
	static const char *const pieces[][2] = {
		{"", ""},
		{"\\\"", "\""},
		{"\\\\", "\\"},
		{"\\/", "/"},
		{"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
		{"\\\"x\\\"", "\"x\""},
		{"\\\"01234567\\\\0123456\\n", "\"01234567\\0123456\n"},
		{"\\u0001\\u007F\\u0080", "\x01\x7f\xc2\x80"},
		{"\\u07ff\\u0800\\uFFFF", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
		{"\\ud800\\udc00\\uDBFF\\uDFFF", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
		{"张\x7f", "张\x7f"},
		{"\x01", NULL},
		{"\x1f", NULL},
		{"\n", NULL},
		{"\"", NULL},
		{"\xff", NULL},
		{"\\u0000", NULL},
		{"\\ud800", NULL},
	};
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (size_t before = 0; before < 18; before++) {
			for (size_t after = 0; after < 18; after++)
				read_piece(*state, before, after, pieces[i][0], pieces[i][1]);
		}
	}
}

/* Lists within lists are collected in one place. */
static void test_json_lists_keep_their_order(void **state)
{
	struct fixture *fixture = *state;
	struct tb_buf json = {0};
	PbVerifyRequest *request = NULL;
	tb_buf_str(&json, "{\"queries\":[");
	for (int i = 0; i < 500; i++) {
		tb_buf_printf(&json, "%s{\"match\":[", i ? "," : "");
		for (int j = 0; j < i % 7; j++)
			tb_buf_printf(&json, "%s{\"name\":\"%d\"}", j ? "," : "", 10 * i + j);
		tb_buf_printf(&json, "],\"type\":\"%d\"}", i);
	}
	tb_buf_str(&json, "]}");
	assert_int_equal(decode(fixture, &request, &pb_verify_request__descriptor, tb_buf_text(&json)),
	                 TB_OK);
	assert_int_equal(request->n_queries, 500);
	for (int i = 0; i < 500; i++) {
		const PbQuery *query = request->queries[i];
		assert_int_equal(atoi(query->type), i);
		assert_int_equal(query->n_match, i % 7);
		for (int j = 0; j < i % 7; j++)
			assert_int_equal(atoi(query->match[j]->name), 10 * i + j);
	}
	tb_buf_clear(&json);
}

static void test_json_bounds_texts(void **state)
{
	struct fixture *fixture = *state;
	for (size_t over = 0; over < 2; over++) {
		struct tb_buf json = {0};
		proto_message *message = NULL;
		tb_buf_str(&json, "{\"type\":\"");
		for (size_t i = 0; i < TB_TEXT_BYTES_MAX + over; i++)
			tb_buf_str(&json, "x");
		tb_buf_str(&json, "\"}");
		assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)),
		                 over ? TB_ETOOBIG : TB_OK);
		assert_string_equal(fixture->err.text, over ? "type: text is too long" : "");
		tb_buf_clear(&json);
	}
}

static void repeat(struct tb_buf *out, const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tb_buf_str(out, text);
}

/* What the contract does not expect is refused where it opens, so no number of brackets is ever followed. */
static void test_json_bounds_brackets(void **state)
{
	struct fixture *fixture = *state;
	struct tb_buf json = {0};
	proto_message *message = NULL;
	repeat(&json, "[", 100000);
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)), TB_EMALFORMED);
	assert_string_equal(fixture->err.text, "an object is expected");
	json.size = 0;
	tb_buf_str(&json, "{\"match\":");
	repeat(&json, "[", 100000);
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)), TB_EMALFORMED);
	assert_string_equal(fixture->err.text, "match[0]: an object is expected");
	json.size = 0;
	repeat(&json, "{\"more\":[", 100000);
	assert_int_equal(decode(fixture, &message, sample_nest(), tb_buf_text(&json)), TB_ETOOBIG);
	assert_non_null(strstr(fixture->err.text, "more[0].more[0]: nested too deep"));
	/* Brackets in texts don't count. */
	json.size = 0;
	tb_buf_str(&json, "{\"type\":\"\\\\\\\"");
	repeat(&json, "[{", 500);
	tb_buf_str(&json, "\"}");
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)), TB_OK);
	tb_buf_clear(&json);
}

static void test_json_bounds_messages_in_messages(void **state)
{
	struct fixture *fixture = *state;
	for (size_t over = 0; over < 2; over++) {
		struct tb_buf json = {0};
		proto_message *message = NULL;
		repeat(&json, "{\"inner\":", TB_PROTO_DEPTH_MAX - 1 + over);
		tb_buf_str(&json, "{}");
		repeat(&json, "}", TB_PROTO_DEPTH_MAX - 1 + over);
		assert_int_equal(decode(fixture, &message, sample_nest(), tb_buf_text(&json)),
		                 over ? TB_ETOOBIG : TB_OK);
		assert_int_equal(!message, over);
		tb_buf_clear(&json);
	}
	assert_non_null(strstr(fixture->err.text, "inner.inner: nested too deep"));
}

static void test_json_bounds_values(void **state)
{
	struct fixture *fixture = *state;
	struct tb_buf json = {0};
	proto_message *message = NULL;
	tb_buf_str(&json, "{\"match\":[");
	repeat(&json, "{},", TB_JSON_VALUES_MAX / 2);
	tb_buf_str(&json, "{}]}");
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)), TB_ETOOBIG);
	assert_string_equal(fixture->err.text, "over 524288 values");
	/* One for the object, one for the list, one for its first text. */
	for (size_t over = 0; over < 2; over++) {
		json.size = 0;
		tb_buf_str(&json, "{\"lines\":[\"\"");
		repeat(&json, ",\"\"", TB_JSON_VALUES_MAX - 3 + over);
		tb_buf_str(&json, "]}");
		assert_int_equal(
			decode(fixture, &message, &pb_import_request__descriptor, tb_buf_text(&json)),
			over ? TB_ETOOBIG : TB_OK);
	}
	json.size = 0;
	tb_buf_reserve(&json, TB_API_BODY_BYTES_MAX);
	memset(json.data, ' ', TB_API_BODY_BYTES_MAX - 1);
	json.size = TB_API_BODY_BYTES_MAX - 1;
	tb_buf_str(&json, "{}");
	assert_int_equal(decode(fixture, &message, &pb_query__descriptor, tb_buf_text(&json)), TB_ETOOBIG);
	tb_buf_clear(&json);
}

static void test_json_appends(void **state)
{
	struct fixture *fixture = *state;
	tb_buf_str(&fixture->out, "data: ");
	proto_json_encode(&fixture->out, proto_new(&fixture->arena, &pb_query__descriptor));
	assert_string_equal(tb_buf_text(&fixture->out), "data: {}");
}

#define JSON_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		JSON_TEST(test_json_is_the_canonical_mapping),
		JSON_TEST(test_json_pretty_is_for_people),
		JSON_TEST(test_json_of_every_type_comes_back),
		JSON_TEST(test_json_takes_both_forms_of_a_name),
		JSON_TEST(test_json_leaves_out_defaults),
		JSON_TEST(test_json_numbers_may_be_texts),
		JSON_TEST(test_json_refuses_numbers_out_of_range),
		JSON_TEST(test_json_enums_are_names),
		JSON_TEST(test_enum_names_lead_both_ways),
		JSON_TEST(test_json_bytes_are_base64),
		JSON_TEST(test_json_names_the_place),
		JSON_TEST(test_json_errors_never_show_data),
		JSON_TEST(test_json_refuses_what_is_not),
		JSON_TEST(test_json_names_the_byte),
		JSON_TEST(test_json_holds_no_nul),
		JSON_TEST(test_json_cut_anywhere_is_refused),
		JSON_TEST(test_json_texts_obey_the_scan_s_rules),
		JSON_TEST(test_json_reads_texts_at_every_place),
		JSON_TEST(test_json_lists_keep_their_order),
		JSON_TEST(test_json_bounds_texts),
		JSON_TEST(test_json_bounds_brackets),
		JSON_TEST(test_json_bounds_messages_in_messages),
		JSON_TEST(test_json_bounds_values),
		JSON_TEST(test_json_appends),
	};
	return cmocka_run_group_tests_name("proto/json", tests, NULL, NULL);
}
