/* What people have done before cases are taken with a partner. */
#include "tests/core/pair.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define NOTE "/tongban.v1.ReadinessService/Note"
#define NOTES "/tongban.v1.ReadinessService/Notes"
#define WHO ",\"actor\":{\"role\":\"LIAISON\",\"id\":\"l1\"}}"

static enum tb_code tell(struct pair *pair, const char *json)
{
	enum tb_code code;
	pair_call(pair, &pair->window, NOTE, json, &code);
	return code;
}

static PbReadinessNotesResponse *notes(struct pair *pair, const char *json)
{
	return (PbReadinessNotesResponse *)(void *)pair_ask(pair, &pair->window, NOTES, json);
}

static void test_a_note_has_its_day_and_is_for_one_peer_or_all(void **state)
{
	struct pair *pair = pair_new(*state);
	assert_int_equal(
		tell(pair, "{\"topic\":\"training\",\"text\":\"42人\",\"doneOn\":\"2020-01-01\"" WHO), TB_OK);
	assert_int_equal(tell(pair, "{\"topic\":\"trial\",\"peer\":\"" HOME "\",\"text\":\"试办\"" WHO),
	                 TB_OK);
	assert_int_equal(notes(pair, "{}")->n_notes, 2);
	assert_int_equal(notes(pair, "{\"peer\":\"" HOME "\"}")->n_notes, 2);
	PbReadinessNotesResponse *one = notes(pair, "{\"peer\":\"310000\"}");
	assert_int_equal(one->n_notes, 1);
	assert_string_equal(one->notes[0]->text, "42人");
	assert_string_equal(one->notes[0]->done_on, "2020-01-01");
	/* The newest of a topic counts; one without a text takes it back. */
	assert_int_equal(tell(pair, "{\"topic\":\"training\",\"text\":\"60人\"" WHO), TB_OK);
	assert_string_equal(notes(pair, "{\"peer\":\"310000\"}")->notes[0]->text, "60人");
	assert_int_equal(tell(pair, "{\"topic\":\"training\"" WHO), TB_OK);
	assert_int_equal(notes(pair, "{\"peer\":\"310000\"}")->n_notes, 0);
	pair_free(pair);
}

static void test_a_note_that_is_not_in_order_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	assert_int_equal(tell(pair, "{\"topic\":\"weather\",\"text\":\"x\"" WHO), TB_EINVALID);
	assert_int_equal(tell(pair, "{\"topic\":\"trial\",\"peer\":\"330100\",\"text\":\"x\"" WHO),
	                 TB_ENOTFOUND);
	assert_int_equal(tell(pair, "{\"topic\":\"trial\",\"text\":\"x\"}"), TB_EINVALID);
	assert_int_equal(tell(pair, "{\"topic\":\"trial\",\"text\":\"x\",\"doneOn\":\"2099-01-01\"" WHO),
	                 TB_EINVALID);
	assert_int_equal(notes(pair, "{}")->n_notes, 0);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_note_has_its_day_and_is_for_one_peer_or_all),
		TEST(test_a_note_that_is_not_in_order_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
