/* A list against a base catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/core/catalogueconform.h"

static PbCatalogue *list(struct tb_arena *arena, const char *items)
{
	proto_message *message;
	char *json = tb_arena_printf(arena, "{\"items\":[%s]}", items);
	assert_int_equal(
		proto_json_decode(&message, &pb_catalogue__descriptor, tb_bytes_str(json), arena, NULL),
		TB_OK);
	return (PbCatalogue *)(void *)message;
}

static struct conform_finding *found;

static size_t conform(struct tb_arena *arena, const char *items, const char *base)
{
	return catalogue_conform(list(arena, items), list(arena, base), arena, &found);
}

#define BASE                                                                                              \
	"{\"baseCode\":\"000115035000\",\"name\":\"公证\",\"basis\":\"公证法\",\"itemType\":\"20\"," \
	"\"promisedDays\":5,\"legalDays\":15,\"onsiteRuns\":1,\"materials\":[{\"code\":\"M1\",\"name\":"  \
	"\"表\"}]}"
#define SAME                                                                                                     \
	"\"code\":\"a\",\"baseCode\":\"000115035000\",\"name\":\"公证\",\"basis\":\"公证法\",\"itemType\":" \
	"\"20\","                                                                                                \
	"\"legalDays\":15"

static void test_what_agrees_has_no_findings(void **state)
{
	struct tb_arena arena = {0};
	(void)state;
	assert_int_equal(
		conform(&arena, "{" SAME ",\"promisedDays\":5,\"phone\":\"1\",\"theme\":\"出行\"}", BASE), 0);
	/* A shorter promise, no runs, a paper more that nobody must bring. */
	assert_int_equal(conform(&arena,
	                         "{" SAME
	                         ",\"promisedDays\":3,\"materials\":[{\"name\":\"表\",\"required\":true},"
	                         "{\"name\":\"证\"}]}",
	                         BASE),
	                 0);
	tb_arena_clear(&arena);
}

static void test_differences_are_told_by_kind(void **state)
{
	struct tb_arena arena = {0};
	(void)state;
	assert_int_equal(
		conform(&arena,
	                "{\"code\":\"a\",\"baseCode\":\"000115035000\",\"name\":\"公证书\","
	                "\"basis\":\"公证法\",\"itemType\":\"01\",\"legalDays\":20,\"promisedDays\":6,"
	                "\"onsiteRuns\":2,\"materials\":[{\"code\":\"M9\",\"name\":\"单位证明\","
	                "\"required\":true}]}",
	                BASE),
		6);
	static const struct {
		enum conform_kind kind;
		const char *field;
	} expected[] = {{CONFORM_IDENTITY, "name"},      {CONFORM_ELEMENT, "promised_days"},
	                {CONFORM_ELEMENT, "legal_days"}, {CONFORM_ELEMENT, "onsite_runs"},
	                {CONFORM_IDENTITY, "item_type"}, {CONFORM_PAPER, "单位证明"}};
	for (size_t i = 0; i < 6; i++) {
		bool seen = false;
		for (size_t j = 0; j < 6; j++)
			seen = seen || (found[j].kind == expected[i].kind &&
			                strcmp(found[j].field, expected[i].field) == 0);
		if (!seen)
			fail_msg("%s is not found", expected[i].field);
	}
	tb_arena_clear(&arena);
}

static void test_what_is_not_claimed_and_what_is_outside_is_told(void **state)
{
	struct tb_arena arena = {0};
	(void)state;
	assert_int_equal(conform(&arena, "{\"code\":\"b\",\"baseCode\":\"x\",\"name\":\"别的\"}", BASE), 2);
	assert_int_equal(found[0].kind, CONFORM_UNCLAIMED);
	assert_null(found[0].item);
	assert_int_equal(found[1].kind, CONFORM_OUTSIDE);
	assert_string_equal(found[1].item->code, "b");
	/* A base without codes is matched by names. */
	assert_int_equal(
		conform(&arena,
	                "{\"code\":\"b\",\"name\":\"失业登记（本市）\",\"nationalName\":\"失业登记\"}",
	                "{\"name\":\"失业登记\"}"),
		1);
	assert_int_equal(found[0].kind, CONFORM_IDENTITY);
	assert_int_equal(conform(&arena, "", "{\"name\":\"失业登记\"}"), 1);
	assert_int_equal(conform(&arena, "", ""), 0);
	tb_arena_clear(&arena);
}

static void test_a_region_may_accept_more_applicants_than_the_base_but_not_fewer(void **state)
{
	struct tb_arena arena = {0};
	(void)state;
#define BIRTH(eligible) "{\"name\":\"生育登记\"" eligible "}"
	static const struct {
		const char *base, *item;
		size_t found;
	} cases[] = {
		{BIRTH(",\"eligible\":[\"anybody\"]"), BIRTH(",\"eligible\":[\"anybody\"]"), 0},
		{BIRTH(",\"eligible\":[\"anybody\"]"), BIRTH(",\"eligible\":[\"registered\"]"), 1},
		{BIRTH(",\"eligible\":[\"anybody\"]"), BIRTH(""), 1}, /* it is to be said */
		{BIRTH(",\"eligible\":[\"registered\"]"), BIRTH(",\"eligible\":[\"anybody\"]"), 0},
		{BIRTH(",\"eligible\":[\"registered\"]"),
	         BIRTH(",\"eligible\":[\"resident\",\"registered\"]"), 0},
		{BIRTH(",\"eligible\":[\"registered\",\"resident\"]"), BIRTH(",\"eligible\":[\"resident\"]"),
	         1},
		{BIRTH(""), BIRTH(",\"eligible\":[\"resident\"]"), 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(conform(&arena, cases[i].item, cases[i].base), cases[i].found);
		if (cases[i].found)
			assert_string_equal(found[0].field, "eligible");
	}
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_agrees_has_no_findings),
		cmocka_unit_test(test_differences_are_told_by_kind),
		cmocka_unit_test(test_a_region_may_accept_more_applicants_than_the_base_but_not_fewer),
		cmocka_unit_test(test_what_is_not_claimed_and_what_is_outside_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
