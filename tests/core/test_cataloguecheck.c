/* What a list's publisher should see before others do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/cataloguecheck.h"

static struct catalogue_finding *findings;

/* The list from JSON items, and what is found in it. */
static size_t find(struct tb_arena *arena, const char *items)
{
	proto_message *message;
	struct tb_error err = {0};
	char *json = tb_arena_printf(arena, "{\"region\":\"320400\",\"items\":[%s]}", items);
	assert_int_equal(
		proto_json_decode(&message, &pb_catalogue__descriptor, tb_bytes_str(json), arena, &err),
		TB_OK);
	return catalogue_findings((const PbCatalogue *)(const void *)message, false, arena, &findings);
}

static size_t find_elements(struct tb_arena *arena, const char *items)
{
	proto_message *message;
	char *json = tb_arena_printf(arena, "{\"items\":[%s]}", items);
	assert_int_equal(
		proto_json_decode(&message, &pb_catalogue__descriptor, tb_bytes_str(json), arena, NULL),
		TB_OK);
	return catalogue_findings((const PbCatalogue *)(const void *)message, true, arena, &findings);
}

#define GOOD "{\"code\":\"M1\",\"name\":\"n\",\"required\":true,\"basis\":\"x\"}"

static void test_a_sound_list_has_no_findings(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	assert_int_equal(find(&arena, "{\"code\":\"a\",\"modes\":[\"DS\"],\"promisedDays\":5,\"legalDays\":5,"
	                              "\"materials\":[" GOOD "]}"),
	                 0);
	assert_int_equal(find(&arena, ""), 0);
	tb_arena_clear(&arena);
}

static void test_papers_without_a_basis_and_limits_are_found(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	assert_int_equal(
		find(&arena,
	             "{\"code\":\"a\",\"promisedDays\":6,\"legalDays\":5,\"materials\":[{\"code\":\"M1\","
	             "\"required\":true},{\"code\":\"M2\"}]}"),
		2);
	assert_int_equal(findings[0].fault, CATALOGUE_LIMITS);
	assert_int_equal(findings[1].fault, CATALOGUE_NO_BASIS);
	assert_string_equal(findings[1].material->code, "M1");
	tb_arena_clear(&arena);
}

static void test_a_renewal_that_shows_the_old_certificate_is_no_circle(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
#define RENEWAL                                                                 \
	"{\"code\":\"b\",\"resultType\":\"T1\",\"materials\":[{\"code\":\"M\"," \
	"\"required\":true,\"basis\":\"x\",\"credentialTypes\":[\"T1\"]}]}"
	assert_int_equal(find(&arena, "{\"code\":\"a\",\"resultType\":\"T1\"}," RENEWAL), 0);
	/* Nobody issues the first one. */
	assert_int_equal(find(&arena, RENEWAL), 1);
	assert_int_equal(findings[0].fault, CATALOGUE_CIRCLE);
	tb_arena_clear(&arena);
}

static void test_the_items_of_a_bundle_are_looked_for(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
#define BUNDLE(second)                                                                      \
	"{\"code\":\"b\",\"modes\":[\"LB\"],\"bundle\":[{\"code\":\"P1\",\"item\":\"a\"},{" \
	"\"code\":\"P2\"," second "}]}"
#define A "{\"code\":\"x\",\"baseCode\":\"a\",\"modes\":[\"LB\",\"DS\"]}"
	assert_int_equal(find(&arena, A "," BUNDLE("\"item\":\"elsewhere\",\"region\":\"320000\"")), 0);
	assert_int_equal(find(&arena, A "," BUNDLE("\"item\":\"y\",\"region\":\"320400\"")), 1);
	assert_int_equal(findings[0].fault, CATALOGUE_BUNDLE);
	assert_string_equal(findings[0].with, "y");
	assert_int_equal(find(&arena, "{\"code\":\"y\",\"modes\":[\"DS\"]}," A "," BUNDLE("\"item\":\"y\"")),
	                 1);
	assert_int_equal(find(&arena, A "," BUNDLE("\"item\":\"b\"")), 1);
	tb_arena_clear(&arena);
}

static void test_a_proof_that_needs_itself_is_found_over_two_items(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	const char *items = "{\"code\":\"a\",\"resultType\":\"T1\",\"materials\":[{\"code\":\"M\","
			    "\"required\":true,\"basis\":\"x\","
			    "\"credentialTypes\":[\"T2\"]}]},"
			    "{\"code\":\"b\",\"resultType\":\"T2\",\"materials\":[{\"code\":\"M\","
			    "\"required\":true,\"basis\":\"x\","
			    "\"credentialTypes\":[\"T1\"]}]}";
	assert_int_equal(find(&arena, items), 2);
	assert_int_equal(findings[0].fault, CATALOGUE_CIRCLE);
	assert_string_equal(findings[0].with, "b > a");
	tb_arena_clear(&arena);
}

static void test_a_proof_with_another_way_is_no_circle(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	assert_int_equal(
		find(&arena,
	             "{\"code\":\"a\",\"resultType\":\"T1\",\"materials\":[{\"code\":\"M\",\"required\":true,"
	             "\"basis\":\"x\",\"credentialTypes\":[\"T1\",\"T9\"]}]}"),
		0);
	assert_int_equal(
		find(&arena,
	             "{\"code\":\"a\",\"resultType\":\"T1\",\"materials\":[{\"code\":\"M\",\"required\":true,"
	             "\"basis\":\"x\",\"credentialTypes\":[\"T1\"]}]}"),
		1);
	tb_arena_clear(&arena);
}

static void test_modes_that_cannot_be_are_found(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	assert_int_equal(find(&arena, "{\"code\":\"a\",\"modes\":[\"YB\",\"QC\"],\"materials\":[{\"code\":"
	                              "\"M\",\"required\":true,"
	                              "\"basis\":\"x\",\"original\":true}]}"),
	                 2);
	assert_int_equal(findings[0].fault, CATALOGUE_NO_CRITERIA);
	assert_int_equal(findings[1].fault, CATALOGUE_PAPER_ONLINE);
	tb_arena_clear(&arena);
}

#define ELEMENTS                                                                                             \
	"\"code\":\"11370800MB285591843370117002011\",\"name\":\"n\",\"handlingCode\":\"h\",\"basis\":"      \
	"\"b\","                                                                                             \
	"\"subjects\":[\"1\"],\"theme\":\"t\",\"conditions\":\"c\",\"acceptanceStandard\":\"a\",\"level\":"  \
	"\"3\","                                                                                             \
	"\"channels\":[\"1\"],\"procedure\":\"p\",\"flowChart\":\"f\",\"legalDays\":5,\"promisedDays\":5,"   \
	"\"caseType\":\"2\",\"onlineDepth\":\"o\",\"materials\":[{\"code\":\"M1\",\"name\":\"n\",\"basis\":" \
	"\"b\","                                                                                             \
	"\"source\":\"s\",\"issuer\":\"i\",\"kind\":\"k\",\"format\":\"f\"}]"

static void test_elements_that_are_not_given_are_found_one_by_one(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	assert_int_equal(find_elements(&arena, "{" ELEMENTS ",\"form\":\"x\"}"), 0);
	assert_int_equal(find_elements(&arena, "{" ELEMENTS "}"), 1);
	assert_int_equal(findings[0].fault, CATALOGUE_ELEMENT);
	assert_string_equal(findings[0].with, "form");
	assert_int_equal(find_elements(&arena, "{" ELEMENTS ",\"form\":\"x\",\"onsiteRuns\":1}"), 1);
	assert_int_equal(findings[0].fault, CATALOGUE_ONSITE);
	/* A code of no generation, and everything is missing, of the material as well. */
	assert_int_equal(find_elements(&arena, "{\"code\":\"a\",\"materials\":[{\"code\":\"M1\"}]}"),
	                 1 + 16 + 6);
	assert_int_equal(findings[0].fault, CATALOGUE_CODE);
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sound_list_has_no_findings),
		cmocka_unit_test(test_elements_that_are_not_given_are_found_one_by_one),
		cmocka_unit_test(test_the_items_of_a_bundle_are_looked_for),
		cmocka_unit_test(test_papers_without_a_basis_and_limits_are_found),
		cmocka_unit_test(test_a_renewal_that_shows_the_old_certificate_is_no_circle),
		cmocka_unit_test(test_a_proof_that_needs_itself_is_found_over_two_items),
		cmocka_unit_test(test_a_proof_with_another_way_is_no_circle),
		cmocka_unit_test(test_modes_that_cannot_be_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
