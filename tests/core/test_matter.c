/* Matters between two regions: 会商、咨询、投诉、异议、督办. */
#include "tests/core/pair.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define SERVICE "/tongban.v1.MatterService/"
#define BOTH "\"parties\":[\"" WINDOW "\",\"" HOME "\"]"

static void open_matter(struct pair *pair, struct side *side, const char *more, char matter[64])
{
	char json[2048];
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"LIAISON\",\"id\":\"l1\"},\"subject\":\"材料认定\","
	         "\"text\":\"请看\"," BOTH ",%s}}",
	         more);
	PbMatterView *view = (PbMatterView *)(void *)pair_ask(pair, side, SERVICE "Open", json);
	snprintf(matter, 64, "%s", view->matter);
	pair_pass(pair, TB_MINUTE);
}

static enum tb_code post(struct pair *pair, struct side *side, const char *matter, const char *more)
{
	char json[2048];
	enum tb_code code;
	snprintf(json, sizeof(json),
	         "{\"post\":{\"matter\":\"%s\",\"actor\":{\"role\":\"LIAISON\",\"id\":\"l2\"},\"text\":"
	         "\"好\",%s}}",
	         matter, more);
	pair_call(pair, side, SERVICE "Post", json, &code);
	pair_pass(pair, TB_MINUTE);
	return code;
}

static PbMatterView *get(struct pair *pair, struct side *side, const char *matter)
{
	char json[128];
	snprintf(json, sizeof(json), "{\"matter\":\"%s\"}", matter);
	return (PbMatterView *)(void *)pair_ask(pair, side, SERVICE "Get", json);
}

static void test_both_sides_see_what_was_said(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], file[512], more[1024];
	open_matter(pair, &pair->window, "\"about\":\"CONSULTATION\",\"video\":\"room 7\"", matter);
	pair_upload(pair, &pair->home, 4000, 3, file);
	snprintf(more, sizeof(more), "\"kind\":\"POST_SAYS\",\"files\":[{\"need\":\"x\",%s}]", file);
	assert_int_equal(post(pair, &pair->home, matter, more), TB_OK);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	PbMatterView *view = get(pair, &pair->window, matter);
	assert_int_equal(view->n_posts, 3);
	assert_string_equal(view->posts[1]->region, HOME);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 3);
	PbMaterialListResponse *list = (PbMaterialListResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.MaterialService/List", "{}");
	assert_int_equal(list->n_materials, 1);
	assert_true(list->materials[0]->complete);
	pair_free(pair);
}

static void test_posts_arrive_once_whatever_the_wire_does(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64];
	pair->parted = true;
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", matter);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_SAYS\""), TB_OK);
	pair_crash(pair, &pair->window);
	pair->parted = false;
	pair_pass(pair, 20 * TB_MINUTE);
	assert_int_equal(get(pair, &pair->home, matter)->n_posts, 2);
	pair_free(pair);
}

static void test_who_is_asked_answers_and_who_opened_closes(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64];
	open_matter(pair, &pair->window, "\"about\":\"ENQUIRY\",\"asked\":\"" HOME "\",\"days\":5", matter);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_ANSWERS\""), TB_EDENIED);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_CLOSES\""), TB_EDENIED);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_OK);
	assert_int_equal(get(pair, &pair->window, matter)->state, PB_MATTER_STATE__MATTER_ANSWERED);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_CLOSES\""), TB_OK);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_SAYS\""), TB_ESTATE);
	for (int day = 0; day < 20; day++)
		pair_pass(pair, TB_DAY);
	assert_false(get(pair, &pair->window, matter)->overdue);
	pair_free(pair);
}

static void test_what_is_not_answered_in_time_is_overdue_on_both_sides(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], json[1024];
	snprintf(json, sizeof(json),
	         "{\"post\":{\"actor\":{\"role\":\"SUPERVISOR\",\"id\":\"s\"},\"subject\":\"督办\",\"text\":"
	         "\"请速办\"," BOTH ",\"about\":\"SUPERVISION\",\"asked\":\"" HOME "\",\"days\":3}}");
	PbMatterView *view = (PbMatterView *)(void *)pair_ask(pair, &pair->window, SERVICE "Open", json);
	snprintf(matter, sizeof(matter), "%s", view->matter);
	for (int day = 0; day < 12; day++)
		pair_pass(pair, TB_DAY);
	assert_true(get(pair, &pair->window, matter)->overdue);
	assert_true(get(pair, &pair->home, matter)->overdue);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_OK);
	pair_free(pair);
}

static void test_a_dispute_marks_the_case_and_needs_an_outcome(void **state)
{
	struct pair *pair = pair_new(*state);
	char matter[64], number[32], more[256];
	pair_submit(pair, true, number);
	snprintf(more, sizeof(more),
	         "\"about\":\"DISPUTE\",\"asked\":\"" HOME "\",\"days\":15,\"caseNumber\":\"%s\"", number);
	open_matter(pair, &pair->window, more, matter);
	assert_true(pair_case(pair, &pair->window, number)->dispute);
	assert_true(pair_case(pair, &pair->home, number)->dispute);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\""), TB_EINVALID);
	assert_int_equal(post(pair, &pair->home, matter, "\"kind\":\"POST_ANSWERS\",\"outcome\":\"UPHELD\""),
	                 TB_OK);
	assert_int_equal(get(pair, &pair->window, matter)->outcome, PB_OUTCOME__UPHELD);
	assert_int_equal(post(pair, &pair->window, matter, "\"kind\":\"POST_CLOSES\""), TB_OK);
	assert_false(pair_case(pair, &pair->home, number)->dispute);
	pair_free(pair);
}

static void test_what_cannot_be_meant_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	static const char *const bad[] = {
		"{}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\"," BOTH "}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"about\":\"ENQUIRY\"," BOTH
		"}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
		"\"ENQUIRY\","
		"\"parties\":[\"320400\"]}}",
		"{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
		"\"ENQUIRY\","
		"\"asked\":\"441300\"," BOTH "}}",
	};
	enum tb_code code;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair_call(pair, &pair->window, SERVICE "Open", bad[i], &code);
		assert_int_equal(code, TB_EINVALID);
	}
	pair_call(pair, &pair->window, SERVICE "Open",
	          "{\"post\":{\"actor\":{\"role\":\"LIAISON\"},\"subject\":\"x\",\"text\":\"x\",\"about\":"
	          "\"SUPERVISION\","
	          "\"asked\":\"320400\",\"days\":3," BOTH "}}",
	          &code);
	assert_int_equal(code, TB_EDENIED);
	pair_free(pair);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_both_sides_see_what_was_said),
		TEST(test_posts_arrive_once_whatever_the_wire_does),
		TEST(test_who_is_asked_answers_and_who_opened_closes),
		TEST(test_what_is_not_answered_in_time_is_overdue_on_both_sides),
		TEST(test_a_dispute_marks_the_case_and_needs_an_outcome),
		TEST(test_what_cannot_be_meant_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
