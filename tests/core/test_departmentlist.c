/* The register of departments: since when they are at the halls, and what is theirs. */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define LOAD "/tongban.v1.HallService/Load"
#define HALL_B                                                                                     \
	"{\"code\":\"B\",\"name\":\"便民点\",\"area\":\"320402001003\",\"address\":\"村口\"," \
	"\"departments\":[\"D1\"]}"

#define DEPARTMENT_A "{\"code\":\"D1\",\"name\":\"司法局\",\"since\":\"2026-03-01\",\"phase\":1}"
#define DEPARTMENT_B "{\"code\":\"D2\",\"name\":\"税务局\",\"since\":\"2027-01-01\",\"phase\":2}"
#define DEPARTMENT_C "{\"code\":\"D3\",\"name\":\"档案局\"}"
#define REGISTER "{\"departments\":[" DEPARTMENT_B "," DEPARTMENT_A "," DEPARTMENT_C "]}"

static PbDepartmentListResponse *departments(struct pair *pair, struct side *side, const char *json)
{
	return (PbDepartmentListResponse *)(void *)pair_ask(pair, side,
	                                                    "/tongban.v1.HallService/ListDepartments", json);
}

static void test_departments_are_listed_with_their_items_halls_and_tokens(void **state)
{
	struct pair *pair = pair_new(*state);
	struct side *home = &pair->home;
	enum tb_code code;
	pair_ask(pair, home, LOAD, "{\"halls\":[" HALL_B "]}");
	pair_ask(pair, home, "/tongban.v1.HallService/LoadDepartments", REGISTER);
	pair_ask(pair, home, "/tongban.v1.TokenService/Add",
	         "{\"name\":\"justice\",\"roles\":[\"TOKEN_REVIEW\"],\"department\":\"D1\"}");
	pair_ask(pair, home, "/tongban.v1.TokenService/Add",
	         "{\"name\":\"old\",\"roles\":[\"TOKEN_REVIEW\"],\"department\":\"D1\"}");
	pair_ask(pair, home, "/tongban.v1.TokenService/Revoke", "{\"name\":\"old\"}");
	pair_call(pair, home, "/tongban.v1.TokenService/Add",
	          "{\"name\":\"x\",\"roles\":[\"TOKEN_REVIEW\"],\"department\":\"D9\"}", &code);
	assert_int_equal(code, TB_ENOTFOUND);
	/* The pair's list has an item of a department that nobody registered. */
	PbDepartmentListResponse *reply = departments(pair, home, "{}");
	assert_int_equal(reply->n_departments, 4);
	assert_false(reply->departments[0]->registered);
	assert_true(reply->departments[0]->items > 0);
	const PbDepartmentView *justice = reply->departments[1];
	assert_string_equal(justice->department->code, "D1");
	assert_int_equal(justice->n_halls, 1);
	assert_string_equal(justice->halls[0], "B");
	assert_int_equal(justice->n_tokens, 1);
	assert_string_equal(justice->tokens[0], "justice");
	/* By phase and by day; who has no day is not there. */
	assert_int_equal(departments(pair, home, "{\"phase\":2}")->n_departments, 1);
	assert_int_equal(departments(pair, home, "{\"on\":\"2026-03-01\"}")->n_departments, 1);
	assert_int_equal(departments(pair, home, "{\"on\":\"20260301\"}")->n_departments, 1);
	assert_int_equal(departments(pair, home, "{\"on\":\"2026-02-28\"}")->n_departments, 0);
	/* Halls are published anew, and the register stays. Partners see it, without tokens. */
	pair_ask(pair, home, LOAD, "{\"halls\":[]}");
	pair_pass(pair, 2 * TB_MINUTE);
	reply = departments(pair, &pair->window, "{\"region\":\"" HOME "\",\"phase\":1}");
	assert_int_equal(reply->n_departments, 1);
	assert_int_equal(reply->departments[0]->n_tokens, 0);
	assert_int_equal(reply->departments[0]->n_halls, 0);
	pair_free(pair);
}

static void test_a_register_that_cannot_be_is_refused_with_the_place(void **state)
{
	static const struct {
		const char *json;
		const char *says;
	} bad[] = {
		{"{\"name\":\"x\"}", "departments[0].code"},
		{"{\"code\":\"x\"}", "departments[0].name"},
		{"{\"code\":\"x\",\"name\":\"x\",\"since\":\"March\"}", "departments[0].since"},
		{"{\"code\":\"x\",\"name\":\"x\",\"phase\":101}", "departments[0].phase"},
		{DEPARTMENT_A "," DEPARTMENT_A, "departments[1].code: the same as departments[0]"},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[512];
		enum tb_code code;
		snprintf(json, sizeof(json), "{\"departments\":[%s]}", bad[i].json);
		pair_call(pair, &pair->home, "/tongban.v1.HallService/LoadDepartments", json, &code);
		assert_int_equal(code, TB_EINVALID);
		if (!strstr(pair_refusal(&pair->home), bad[i].says))
			fail_msg("%s does not say %s", pair_refusal(&pair->home), bad[i].says);
	}
	enum tb_code code;
	pair_call(pair, &pair->home, "/tongban.v1.HallService/ListDepartments", "{\"on\":\"today\"}", &code);
	assert_int_equal(code, TB_EINVALID);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_departments_are_listed_with_their_items_halls_and_tokens),
		TEST(test_a_register_that_cannot_be_is_refused_with_the_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
