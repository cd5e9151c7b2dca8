/* The stories that ship, each with its expectations; and that an expectation which is not met says where it
 * is written and what was seen instead. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/campaign.h"
#include "sim/play.h"
#include "sim/scenario.h"
#include "tests/sim/world.h"

static void play(const struct scratch *scratch, const char *name, const char *text,
                 struct sim_outcome *outcome)
{
	struct sim_scenario *scenario = NULL;
	struct sim_task task = {.options = {.liveness = true}};
	struct tb_error err = {0};
	if (sim_scenario_read(&scenario, tb_bytes_str(text), name, &err))
		fail_msg("%s", err.text);
	sim_scenario_options(&task.options, scenario);
	sim_run_in_child(outcome, &task, scratch->dir);
	sim_scenario_free(scenario);
}

static char *read_story(const char *name)
{
	char path[512];
	struct tb_buf text = {0};
	char block[4096];
	snprintf(path, sizeof(path), "%s/%s", TEST_STORIES, name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
		tb_buf_add(&text, block, got);
	fclose(file);
	tb_buf_add(&text, "", 1);
	return (char *)text.data;
}

static int is_story(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);
	return size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
}

static void test_every_story_that_ships_holds_and_says_what_it_teaches(void **state)
{
	struct dirent **names = NULL;
	int count = scandir(TEST_STORIES, &names, is_story, alphasort);
	assert_true(count >= 10);
	for (int i = 0; i < count; i++) {
		struct sim_outcome outcome;
		char *text = read_story(names[i]->d_name);
		if (strncmp(text, "# Teaches ", 10) != 0)
			fail_msg("%s does not begin with what it teaches", names[i]->d_name);
		assert_non_null(strstr(text, "\nteaches: "));
		assert_non_null(strstr(text, "\nexpect:\n"));
		play(*state, names[i]->d_name, text, &outcome);
		if (outcome.verdict != SIM_HELD)
			fail_msg("%s: %s", names[i]->d_name, outcome.failure);
		free(text);
		free(names[i]);
	}
	free(names);
}

/* In this process, where a sanitizer sees what is never given back. */
static void test_a_story_gives_back_what_it_took(void **state)
{
	static const char *const names[] = {"holders-dispute.yaml", "notice-while-open.yaml",
	                                    "three-regions-one-case.yaml"};
	struct scratch *scratch = *state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct sim_task task = {.options = world_options(scratch, 1, 2, "calm")};
		struct sim_scenario *scenario = NULL;
		struct sim_outcome outcome;
		struct tb_error err = {0};
		char *text = read_story(names[i]);
		if (sim_scenario_read(&scenario, tb_bytes_str(text), names[i], &err))
			fail_msg("%s", err.text);
		sim_scenario_options(&task.options, scenario);
		sim_outcome_run(&outcome, &task);
		assert_string_equal(outcome.failure, "");
		assert_int_equal(outcome.verdict, SIM_HELD);
		sim_scenario_free(scenario);
		free(text);
	}
}

/* ---- expectations that are not met */

#define HEAD                                                                                            \
	"title: x\nstarts: 2026-09-21 09:00\nlasts: 6h\nnodes: [620100, 320400]\n"                      \
	"steps:\n"                                                                                      \
	"- {at: \"09:10\", propose: {agreement: P, node: 620100, parties: [620100, 320400]}}\n"         \
	"- {at: \"09:30\", submit: {case: A, window: 620100, home: 320400}}\n"                          \
	"- {at: \"10:00\", open: {matter: M, node: 620100, ask: 320400, about: complaint, case: A}}\n"  \
	"- {at: \"10:30\", act: {case: A, event: grant, side: home}}\n" /* nobody may: it is refused */ \
	"expect:\n"

/* Line 11 of story.yaml is |expectation|; it is not met, for |reason|. */
static void assert_unmet(const struct scratch *scratch, const char *expectation, enum sim_verdict verdict,
                         const char *reason)
{
	char text[2048], want[512];
	struct sim_outcome outcome;
	snprintf(text, sizeof(text), HEAD "- {%s}\n", expectation);
	snprintf(want, sizeof(want), "story.yaml, line 11: %s", reason);
	play(scratch, "story.yaml", text, &outcome);
	assert_string_equal(outcome.failure, want);
	assert_int_equal(outcome.verdict, verdict);
}

static void test_a_wrong_expectation_fails_with_file_line_and_words(void **state)
{
	assert_unmet(*state, "case-is: {case: A, node: 620100, state: closed}", SIM_BROKEN,
	             "case-is: case A in 兰州市 is SIGNED_FOR, not closed");
	assert_unmet(*state, "at: \"09:20\", case-is: {case: A, node: 320400, state: signed_for}", SIM_BROKEN,
	             "case-is: case A in 常州市 is unknown, not signed_for");
	assert_unmet(*state, "disputed: {case: A, node: 620100, is: true}", SIM_BROKEN,
	             "disputed: case A in 兰州市 is not disputed");
	assert_unmet(*state, "limit: {case: A, node: 320400, clock: notify, ends: none}", SIM_BROKEN,
	             "limit: notify of case A in 常州市 ends 2026-09-29, not none");
	assert_unmet(
		*state, "refused: {case: A, says: no such thing}", SIM_BROKEN,
		"refused: case A was refused with \"GRANT (23) is not possible in state SIGNED_FOR (32)\"");
	assert_unmet(*state, "agreement-is: {agreement: P, node: 320400, state: in_force}", SIM_BROKEN,
	             "agreement-is: agreement P in 常州市 is proposed, not in_force");
	assert_unmet(*state, "matter-is: {matter: M, node: 320400, state: answered}", SIM_BROKEN,
	             "matter-is: matter M in 常州市 is open, not answered");
	assert_unmet(*state, "mark: {name: backup-restored, times: 2}", SIM_BROKEN,
	             "mark: backup-restored was reached 0 times, not 2");
}

static void test_what_does_not_come_to_rest_is_told_as_not_live(void **state)
{
	struct sim_outcome outcome;
	play(*state, "story.yaml",
	     "title: x\nstarts: 2026-09-21 09:00\nlasts: 6h\nnodes: [620100, 320400]\n"
	     "steps:\n"
	     "- {at: \"09:20\", cut: {from: 620100, to: 320400}}\n"
	     "- {at: \"09:30\", submit: {case: A, window: 620100, home: 320400}}\n"
	     "expect:\n"
	     "- quiet: {}\n",
	     &outcome);
	assert_int_equal(outcome.verdict, SIM_NOT_LIVE);
	assert_string_equal(outcome.failure,
	                    "story.yaml, line 9: quiet: 兰州市 has not got a message to 320400 through");
}

static void test_a_step_that_cannot_be_done_fails_with_file_line_and_words(void **state)
{
	struct sim_outcome outcome;
	play(*state, "story.yaml",
	     "title: x\nstarts: 2026-09-21 09:00\nlasts: 6h\nnodes: [620100, 320400]\n"
	     "steps:\n"
	     "- {at: \"09:20\", restore: {node: 620100}}\n",
	     &outcome);
	assert_int_equal(outcome.verdict, SIM_BROKEN);
	assert_string_equal(outcome.failure, "story.yaml, line 6: restore: there is no backup");
	play(*state, "story.yaml",
	     "title: x\nstarts: 2026-09-21 09:00\nlasts: 6h\nnodes: [620100, 320400, 110000]\n"
	     "grants: [{at: 620100, to: 320400, cases: true}]\n"
	     "steps:\n"
	     "- {at: \"09:20\", submit: {case: A, window: 620100, home: 110000}}\n",
	     &outcome);
	assert_string_equal(outcome.failure,
	                    "story.yaml, line 7: submit: the two know nothing of each other");
	play(*state, "story.yaml",
	     "title: x\nstarts: 2026-09-21 09:00\nlasts: 6h\nnodes: [620100, 320400, 110000]\n"
	     "steps:\n"
	     "- {at: \"09:20\", open: {matter: M, node: 620100, ask: 320400, about: complaint}}\n"
	     "- {at: \"09:30\", post: {matter: M, node: 620100, does: answers, outcome: upheld}}\n",
	     &outcome);
	assert_non_null(strstr(outcome.failure, "story.yaml, line 7: post: "));
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(test_every_story_that_ships_holds_and_says_what_it_teaches),
		WITH(test_a_story_gives_back_what_it_took),
		WITH(test_a_wrong_expectation_fails_with_file_line_and_words),
		WITH(test_what_does_not_come_to_rest_is_told_as_not_live),
		WITH(test_a_step_that_cannot_be_done_fails_with_file_line_and_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
