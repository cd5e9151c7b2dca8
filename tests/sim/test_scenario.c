#include "sim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                            \
	"title: Two cities, one case\n" \
	"starts: 2026-09-21 09:00\n"    \
	"lasts: 3d\n"                   \
	"nodes: [620100, 320400, 110000]\n"

static struct sim_scenario *read_good(const char *text)
{
	struct sim_scenario *scenario = NULL;
	struct tb_error err = {0};
	if (sim_scenario_read(&scenario, tb_bytes_str(text), "story.yaml", &err) != TB_OK)
		fail_msg("%s", err.text);
	return scenario;
}

static void assert_refused(const char *text, const char *reason)
{
	struct sim_scenario *scenario = NULL;
	struct tb_error err = {0};
	assert_int_not_equal(sim_scenario_read(&scenario, tb_bytes_str(text), "story.yaml", &err), TB_OK);
	assert_null(scenario);
	if (!strstr(err.text, reason))
		fail_msg("said \"%s\", not \"%s\"", err.text, reason);
}

/* A step at 10:00 of the first day, inside a whole file. */
static void assert_step_refused(const char *step, const char *reason)
{
	char text[2048];
	snprintf(text, sizeof(text),
	         HEAD "steps:\n- {at: \"09:30\", submit: {case: A, window: 620100, home: 320400}}\n- %s\n",
	         step);
	assert_refused(text, reason);
}

static const char story[] = "title: Two cities, one case\n"
			    "teaches: >\n  A case goes there\n  and comes back.\n"
			    "seed: 7\n"
			    "preset: lossy\n"
			    "starts: 2026-09-21 09:00\n"
			    "lasts: 1d12h\n"
			    "nodes: [620100, {region: \"320400\", hostile: forged-receipt}]\n"
			    "grants:\n"
			    "- {at: 320400, to: 620100, verify: document, cases: true}\n"
			    "- {at: 620100, to: 320400}\n"
			    "steps:\n"
			    "- at: 09:30\n"
			    "  submit: {case: A, window: 620100, home: 320400, material: 3MiB}\n"
			    "- at: +1s\n"
			    "  power-loss: {node: 320400, for: 10m}\n"
			    "- at: +1 08:00\n"
			    "  act: {case: A, event: accept, side: home, reason: 齐全}\n"
			    "- at: 2026-09-22 10:00:30\n"
			    "  split: {nodes: [620100], for: 2h}\n"
			    "- at: +0s\n"
			    "  clock: {node: 620100, step: -90s, drift-ppm: -200}\n"
			    "- at: +1m\n"
			    "  lose: {from: 620100, to: 320400, one-way: true, percent: 30, for: 1h}\n"
			    "- at: +1m\n"
			    "  heal: {}\n"
			    "expect:\n"
			    "- {at: \"12:00\", mark: {name: receipt-lost-then-resent, times: 2}}\n"
			    "- case-is: {case: A, node: 620100, state: accepted}\n"
			    "- quiet: {}\n";

/* When it begins. */
static tb_time story_starts(void)
{
	return tb_day_start(tb_day_of(2026, 9, 21)) + 9 * TB_HOUR;
}

static void test_a_story_is_read_with_its_regions_and_grants(void **state)
{
	(void)state;
	struct sim_scenario *scenario = read_good(story);
	assert_string_equal(scenario->title, "Two cities, one case");
	assert_string_equal(scenario->teaches, "A case goes there and comes back.\n");
	assert_string_equal(scenario->preset, "lossy");
	assert_int_equal(scenario->seed, 7);
	assert_int_equal(scenario->starts, story_starts());
	assert_int_equal(scenario->lasts, 36 * TB_HOUR);
	assert_int_equal(scenario->nodes_count, 2);
	assert_null(scenario->nodes[0].hostile);
	assert_string_equal(scenario->nodes[1].hostile, "forged-receipt");
	assert_false(scenario->grants_all);
	assert_int_equal(scenario->grants_count, 2);
	assert_int_equal(scenario->grants[0].at, 1);
	assert_int_equal(scenario->grants[0].to, 0);
	assert_true(scenario->grants[0].cases);
	assert_string_equal(scenario->grants[1].verify, "none");
	sim_scenario_free(scenario);
}

static void test_a_story_is_read_with_its_steps(void **state)
{
	(void)state;
	struct sim_scenario *scenario = read_good(story);
	const struct sim_step *steps = scenario->steps;
	const tb_time starts = story_starts();
	assert_int_equal(scenario->steps_count, 7);
	assert_int_equal(steps[0].verb, SIM_STEP_SUBMIT);
	assert_int_equal(steps[0].at, starts + 30 * TB_MINUTE);
	assert_int_equal(steps[0].line, 14);
	assert_int_equal(steps[0].node, 0);
	assert_int_equal(steps[0].peer, 1);
	assert_int_equal(steps[0].number, 3 << 20);
	assert_string_equal(scenario->cases.names[steps[0].case_label], "A");
	assert_int_equal(steps[1].at, starts + 30 * TB_MINUTE + TB_SECOND);
	assert_int_equal(steps[1].span, 10 * TB_MINUTE);
	assert_int_equal(steps[1].peer, SIM_NOWHERE);
	assert_int_equal(steps[2].at, starts + 23 * TB_HOUR);
	assert_string_equal(steps[2].word, "accept");
	assert_string_equal(steps[2].side, "home");
	assert_string_equal(steps[2].text, "齐全");
	assert_int_equal(steps[3].at, starts + 25 * TB_HOUR + 30 * TB_SECOND);
	assert_int_equal(steps[3].group_count, 1);
	assert_int_equal(steps[4].span, -90 * TB_SECOND);
	assert_int_equal(steps[4].number, -200);
	assert_true(steps[5].flag);
	assert_int_equal(steps[5].number, 30);
	assert_int_equal(steps[6].verb, SIM_STEP_HEAL);
	sim_scenario_free(scenario);
}

static void test_a_story_is_read_with_what_it_expects(void **state)
{
	(void)state;
	struct sim_scenario *scenario = read_good(story);
	assert_int_equal(scenario->expects_count, 3);
	assert_int_equal(scenario->expects[0].at, story_starts() + 3 * TB_HOUR);
	assert_int_equal(scenario->expects[0].number, 2);
	assert_int_equal(scenario->expects[1].at, story_starts() + 36 * TB_HOUR);
	assert_string_equal(scenario->expects[1].word, "accepted");
	sim_scenario_free(scenario);
	sim_scenario_free(NULL);
}

static void test_what_is_left_out_has_a_value(void **state)
{
	(void)state;
	struct sim_scenario *scenario = read_good(HEAD "steps: []\n");
	assert_string_equal(scenario->preset, "calm");
	assert_string_equal(scenario->teaches, "");
	assert_int_equal(scenario->seed, 1);
	assert_true(scenario->grants_all);
	assert_int_equal(scenario->steps_count, 0);
	assert_int_equal(scenario->expects_count, 0);
	sim_scenario_free(scenario);
}

static void test_a_mistake_is_told_with_its_line(void **state)
{
	(void)state;
	assert_refused("title: [\n", "story.yaml, line 2");
	assert_refused("", "nothing is in it");
	assert_refused("- a\n", "line 1: not a list of keys and values");
	assert_refused(HEAD "steps: []\nwhat: 1\n", "line 6: there is no \"what\" here");
	assert_refused(HEAD "steps: []\ntitle: again\n", "\"title\" is here twice");
	assert_refused(HEAD, "steps: not a list");
	assert_refused("title: x\nstarts: today\nlasts: 1d\nnodes: [620100]\nsteps: []\n",
	               "line 2: starts: not of the form");
	assert_refused("title: x\nstarts: 2026-09-21 09:00\nlasts: long\nnodes: [620100]\nsteps: []\n",
	               "line 3: lasts: not of the form");
	assert_refused("title: x\nstarts: 2026-09-21 09:00\nlasts: 1d\nnodes: [6201, 620100]\nsteps: []\n",
	               "line 4: a node is six digits");
	assert_refused("title: x\nstarts: 2026-09-21 09:00\nlasts: 1d\nnodes: [620100, 620100]\nsteps: []\n",
	               "node 620100 is here twice");
	assert_refused(HEAD "grants: [{at: 620100}]\nsteps: []\n", "a grant says \"at\" and \"to\"");
	assert_refused(HEAD "grants: [{at: 620100, to: 320400, verify: all}]\nsteps: []\n",
	               "none, status, match");
}

static void test_a_mistake_in_a_step_is_told(void **state)
{
	(void)state;
	assert_step_refused("{at: \"10:00\", crash: {noed: 620100}}",
	                    "line 7: crash: there is no \"noed\" here");
	assert_step_refused("{at: \"10:00\", crash: {for: 1s}}", "line 7: crash: node: is missing");
	assert_step_refused("{at: \"10:00\", crash: {node: 440300}}",
	                    "line 7: crash: node: \"440300\" is not among the nodes");
	assert_step_refused("{at: \"10:00\", crash: {node: 620100, for: 1w}}",
	                    "line 7: crash: for: \"1w\" is not possible here");
	assert_step_refused("{at: \"10:00\", explode: {}}", "step: there is no \"explode\" here");
	assert_step_refused("{at: \"10:00\"}", "without anything to do");
	assert_step_refused("{at: \"10:00\", heal: {}, start: {node: 620100}}", "two things in one step");
	assert_step_refused("{heal: {}}", "line 7: at: is missing");
	assert_step_refused("{at: soon, heal: {}}", "no time that a step may have");
	assert_step_refused("{at: \"09:29\", heal: {}}", "before the step above it");
	assert_step_refused("{at: +4d, heal: {}}", "after the end of the story");
	assert_step_refused("{at: +1s, cut: {from: 620100, to: 620100}}", "both sides are the same node");
	assert_step_refused("{at: +1s, cut: {from: 620100, to: 320400, one-way: yes}}",
	                    "cut: one-way: neither true nor false");
	assert_step_refused("{at: +1s, lose: {from: 620100, to: 320400, percent: 101}}",
	                    "lose: percent: \"101\"");
	assert_step_refused("{at: +1s, act: {case: B, event: accept, side: home}}",
	                    "act: case: nothing before is called B");
	assert_step_refused("{at: +1s, act: {case: A, event: explode, side: home}}",
	                    "possible are check|ask");
	assert_step_refused("{at: +1s, submit: {case: A, window: 620100, home: 320400}}",
	                    "submit: case: A is the name of another one");
	assert_step_refused("{at: +1s, split: {nodes: []}}", "split: nodes: not a list of nodes");
	assert_step_refused("{at: +1s, quiet: {}}", "step: there is no \"quiet\" here");
	assert_step_refused("{at: +1s, hostile: {node: 620100, does: nothing}}",
	                    "hostile: does: there is no hostile act \"nothing\"");
	assert_step_refused("{at: +1s, sign: {agreement: P, node: 620100}}",
	                    "sign: agreement: nothing before is called P");
	assert_step_refused("{at: +1s, joint: {case: A, window: 620100, parts: [320400]}}",
	                    "joint: case: A is the name of another one");
	assert_refused(HEAD "preset: sunny\nsteps: []\n", "line 5: preset: there is no \"sunny\"");
	assert_refused(HEAD "steps: []\nexpect: [{mark: {name: luck}}]\n",
	               "line 6: mark: name: there is no mark \"luck\"");
	assert_refused("title: x\nstarts: 2026-09-21 09:00\nlasts: 1d\nnodes: [620100]\nsteps: []\n",
	               "line 4: nodes: not a list of two regions or more");
}

static void test_parts_of_joint_cases_are_cases(void **state)
{
	(void)state;
	struct sim_scenario *scenario = read_good(
		HEAD "steps:\n"
		     "- {at: \"09:30\", joint: {case: L, window: 620100, parts: [320400, 110000], "
		     "in-order: true}}\n"
		     "- {at: +1s, act: {case: L.2, event: start, side: home}}\n"
		     "- {at: +1s, propose: {agreement: P, node: 620100, parties: [620100, 320400]}}\n"
		     "- {at: +1s, open: {matter: L, node: 620100, ask: 320400, about: enquiry}}\n");
	assert_int_equal(scenario->cases.count, 3);
	assert_string_equal(scenario->cases.names[1], "L.1");
	assert_int_equal(scenario->steps[0].case_label, 0);
	assert_int_equal(scenario->steps[0].group_count, 2);
	assert_true(scenario->steps[0].flag);
	assert_int_equal(scenario->steps[1].case_label, 2);
	assert_int_equal(scenario->agreements.count, 1);
	assert_string_equal(scenario->matters.names[scenario->steps[3].matter], "L");
	assert_int_equal(scenario->steps[3].case_label, SIM_NOWHERE);
	sim_scenario_free(scenario);
}

static void test_too_much_is_refused_before_it_is_read(void **state)
{
	(void)state;
	struct tb_buf text = {0};
	struct sim_scenario *scenario = NULL;
	struct tb_error err = {0};
	tb_buf_str(&text, HEAD "steps:\n");
	for (int i = 0; i <= SIM_SCENARIO_STEPS_MAX; i++)
		tb_buf_str(&text, "- {at: \"10:00\", heal: {}}\n");
	assert_int_equal(sim_scenario_read(&scenario, tb_buf_bytes(&text), "big.yaml", &err), TB_EINVALID);
	assert_non_null(strstr(err.text, "steps: over 10000"));
	tb_buf_clear(&text);
	static const uint8_t zeros[(4 << 20) + 1];
	assert_int_equal(sim_scenario_read(&scenario, tb_bytes_of(zeros, sizeof(zeros)), "big.yaml", &err),
	                 TB_EMALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_story_is_read_with_its_regions_and_grants),
		cmocka_unit_test(test_a_story_is_read_with_its_steps),
		cmocka_unit_test(test_a_story_is_read_with_what_it_expects),
		cmocka_unit_test(test_what_is_left_out_has_a_value),
		cmocka_unit_test(test_a_mistake_is_told_with_its_line),
		cmocka_unit_test(test_a_mistake_in_a_step_is_told),
		cmocka_unit_test(test_parts_of_joint_cases_are_cases),
		cmocka_unit_test(test_too_much_is_refused_before_it_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
