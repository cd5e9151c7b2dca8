#include "tests/sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "sim/faults.h"
#include "sim/outcome.h"

static void test_a_replay_file_says_the_same_again(void **state)
{
	(void)state;
	struct sim_decision skips[] = {
		{.kind = SIM_DO_CRASH, .node = 3, .peer = SIM_NOBODY, .number = 5},
		{.kind = SIM_DO_LOSE_ANSWER, .node = 1, .peer = 2, .number = 77},
		{.kind = SIM_DO_CASE, .node = SIM_NOBODY, .peer = SIM_NOBODY, .number = 0},
	};
	struct sim_options options = {.seed = UINT64_MAX,
	                              .nodes_count = 12,
	                              .preset = sim_preset_find("byzantine"),
	                              .span = 90 * SIM_MINUTE,
	                              .until = 30 * SIM_MINUTE,
	                              .cases_a_day = 7,
	                              .verifications_a_day = 9,
	                              .real_crypto = true,
	                              .liveness = true,
	                              .skips = skips,
	                              .skips_count = 3};
	struct tb_buf text = {0};
	struct sim_replay replay;
	sim_replay_write(&text, &options, NULL, "what broke");
	assert_int_equal(sim_replay_parse(&replay, tb_buf_text(&text), NULL), TB_OK);
	assert_true(replay.options.seed == options.seed);
	assert_int_equal(replay.options.nodes_count, 12);
	assert_ptr_equal(replay.options.preset, options.preset);
	assert_true(replay.options.span == options.span);
	assert_true(replay.options.until == options.until);
	assert_int_equal(replay.options.cases_a_day, 7);
	assert_int_equal(replay.options.verifications_a_day, 9);
	assert_true(replay.options.real_crypto);
	assert_true(replay.options.liveness);
	assert_int_equal(replay.options.skips_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(replay.options.skips[i].kind, skips[i].kind);
		assert_int_equal(replay.options.skips[i].node, skips[i].node);
		assert_int_equal(replay.options.skips[i].peer, skips[i].peer);
		assert_int_equal(replay.options.skips[i].number, skips[i].number);
	}
	sim_replay_clear(&replay);
	tb_buf_clear(&text);
}

static void test_what_is_no_replay_file_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"seed 1\n",
		"tongban-sim replay 2\nseed 1\nnodes 2\npreset calm\nminutes 1\n",
		"tongban-sim replay 1\nseed 1\nnodes 2\npreset calm\n",
		"tongban-sim replay 1\nnodes 1\npreset calm\nminutes 1\n",
		"tongban-sim replay 1\nnodes 2\npreset none\nminutes 1\n",
		"tongban-sim replay 1\nnodes 2\npreset calm\nminutes 1\nskip nothing 1 2 3\n",
		"tongban-sim replay 1\nnodes 2\npreset calm\nminutes 1\nskip crash 1 2\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sim_replay replay;
		struct tb_error err;
		assert_int_equal(sim_replay_parse(&replay, texts[i], &err), TB_EMALFORMED);
		assert_null(replay.skips);
	}
}

static void test_every_kind_of_decision_has_a_word_of_its_own(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIM_DECISION_KINDS; i++) {
		enum sim_decision_kind found;
		assert_true(sim_decision_find(sim_decision_word((enum sim_decision_kind)i), &found));
		assert_int_equal(found, i);
	}
}

/* ---- the same seed, twice */

enum { EVENTS_BETWEEN_LOOKS = 4096 }; /* of the world at who watches it */

/* Lets the second of two runs hear something that the first did not. */
static bool disturb(void *ctx, const struct sim_world *world)
{
	unsigned *runs = ctx;
	if (world->events == EVENTS_BETWEEN_LOOKS && ++*runs == 2)
		sim_note((struct sim_world *)(uintptr_t)world, 1);
	return true;
}

static void test_a_seed_that_is_run_twice_gives_the_same_run(void **state)
{
	struct sim_outcome outcome;
	struct sim_task task = {.options = world_options(*state, 5, 3, "lossy"), .twice = true};
	sim_outcome_run(&outcome, &task);
	assert_string_equal(outcome.failure, "");
	assert_int_equal(outcome.verdict, SIM_HELD);
}

static void test_two_runs_that_differ_are_told_with_the_first_event(void **state)
{
	unsigned runs = 0;
	char save[200], line[300] = "";
	struct scratch *scratch = *state;
	struct sim_outcome outcome;
	snprintf(save, sizeof(save), "%s/seed.replay", scratch->dir);
	struct sim_task task = {.options = world_options(*state, 5, 3, "lossy"),
	                        .twice = true,
	                        .save = save,
	                        .progress = disturb,
	                        .ctx = &runs};
	sim_outcome_run(&outcome, &task);
	assert_int_equal(runs, 2);
	assert_int_equal(outcome.verdict, SIM_BROKEN);
	/* It was disturbed after event 4096, which had come out the same. */
	static const char said[] = "the second run was another one, from event 4097, 2026-";
	assert_memory_equal(outcome.failure, said, sizeof(said) - 1);
	assert_non_null(strstr(outcome.failure, "came out differently"));
	FILE *file = fopen(save, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_string_equal(line, "tongban-sim replay 1\n");
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_replay_file_says_the_same_again),
		cmocka_unit_test(test_what_is_no_replay_file_is_refused),
		cmocka_unit_test(test_every_kind_of_decision_has_a_word_of_its_own),
		cmocka_unit_test_setup_teardown(test_a_seed_that_is_run_twice_gives_the_same_run,
	                                        scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_two_runs_that_differ_are_told_with_the_first_event,
	                                        scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
