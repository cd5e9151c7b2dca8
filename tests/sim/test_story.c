#include "sim/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"

static const char *const codes[] = {"620100", "320400"};
static const tb_time NOW = 1790000000000;

static unsigned count_left(const struct sim_story *story, enum sim_story_kind kind)
{
	struct sim_story_walk walk = {0};
	unsigned count = 0;
	for (const struct sim_story_entry *e; (e = sim_story_next(story, &walk));)
		count += e->kind == kind;
	return count;
}

static void test_entries_come_back_in_the_order_told(void **state)
{
	(void)state;
	struct sim_story *story = sim_story_new(10, 10);
	struct sim_story_walk walk = {0};
	sim_story_tell(story, NOW, SIM_SENT, 0, 1, "X-1", "package %d", 17);
	sim_story_tell(story, NOW + 1, SIM_POWER_LOST, 1, SIM_NOBODY, NULL, "lost power");
	sim_story_tell(story, NOW + 2, SIM_ARRIVED, 1, 0, "X-1", "package 17");
	const struct sim_story_entry *e = sim_story_next(story, &walk);
	assert_int_equal(e->kind, SIM_SENT);
	assert_int_equal(e->node, 0);
	assert_int_equal(e->peer, 1);
	assert_string_equal(e->case_number, "X-1");
	assert_string_equal(e->text, "package 17");
	e = sim_story_next(story, &walk);
	assert_int_equal(e->kind, SIM_POWER_LOST);
	assert_int_equal(e->at, NOW + 1);
	assert_string_equal(e->case_number, "");
	assert_int_equal(sim_story_next(story, &walk)->kind, SIM_ARRIVED);
	assert_null(sim_story_next(story, &walk));
	sim_story_free(story);
}

static void test_traffic_does_not_push_out_faults(void **state)
{
	(void)state;
	struct sim_story *story = sim_story_new(100, 10);
	for (int i = 0; i < 5; i++)
		sim_story_tell(story, NOW, SIM_CRASHED, 0, SIM_NOBODY, NULL, "%d", i);
	for (int i = 0; i < 1000; i++)
		sim_story_tell(story, NOW, SIM_SENT, 0, 1, NULL, "%d", i);
	assert_int_equal(count_left(story, SIM_CRASHED), 5);
	assert_int_equal(count_left(story, SIM_SENT), 100);
	assert_int_equal(sim_story_told(story), 1005);
	assert_int_equal(sim_story_dropped(story), 900);
	struct sim_story_walk walk = {0};
	for (uint64_t before = 0; walk.ordinary + walk.kept < 105;) {
		const struct sim_story_entry *e = sim_story_next(story, &walk);
		assert_true(e->number >= before);
		before = e->number + 1;
	}
	for (int i = 0; i < 20; i++)
		sim_story_tell(story, NOW, SIM_CRASHED, 0, SIM_NOBODY, NULL, "later");
	assert_int_equal(count_left(story, SIM_CRASHED), 10);
	assert_int_equal(sim_story_dropped(story), 915);
	sim_story_free(story);
}

static void test_a_story_without_room_counts_and_streams(void **state)
{
	(void)state;
	char *text = NULL;
	size_t size = 0;
	struct sim_story *story = sim_story_new(0, 0);
	struct sim_story_walk walk = {0};
	FILE *file = open_memstream(&text, &size);
	sim_story_tell(story, NOW, SIM_SENT, 0, 1, NULL, "not written");
	sim_story_stream(story, file, 2, codes);
	sim_story_tell(story, NOW, SIM_SENT, 0, 1, "X\"1", "package \"%s\"", "甲");
	sim_story_tell(story, NOW, SIM_PHASE, SIM_NOBODY, SIM_NOBODY, NULL, "healing");
	sim_story_tell(story, NOW, SIM_SENT, 0, 1, NULL, "over the limit");
	fclose(file);
	sim_story_stream(story, NULL, 0, NULL);
	assert_string_equal(text,
	                    "{\"number\":1,\"time\":\"2026-09-21T22:13:20.000+08:00\",\"kind\":\"sent\","
	                    "\"node\":\"620100\",\"peer\":\"320400\",\"case\":\"X\\\"1\","
	                    "\"text\":\"package \\\"甲\\\"\"}\n"
	                    "{\"number\":2,\"time\":\"2026-09-21T22:13:20.000+08:00\",\"kind\":\"phase\","
	                    "\"text\":\"healing\"}\n");
	assert_int_equal(sim_story_told(story), 4);
	assert_null(sim_story_next(story, &walk));
	free(text);
	sim_story_free(story);
}

static void test_long_texts_are_cut(void **state)
{
	(void)state;
	struct sim_story *story = sim_story_new(4, 4);
	struct sim_story_walk walk = {0};
	char text[1000] = {0};
	memset(text, 'x', sizeof(text) - 1);
	sim_story_tell(story, NOW, SIM_SENT, 0, 1, text, "%s", text);
	const struct sim_story_entry *e = sim_story_next(story, &walk);
	assert_int_equal(strlen(e->text), SIM_STORY_TEXT - 1);
	assert_int_equal(strlen(e->case_number), SIM_STORY_CASE - 1);
	sim_story_free(story);
	sim_story_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries_come_back_in_the_order_told),
		cmocka_unit_test(test_traffic_does_not_push_out_faults),
		cmocka_unit_test(test_a_story_without_room_counts_and_streams),
		cmocka_unit_test(test_long_texts_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
