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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_replay_file_says_the_same_again),
		cmocka_unit_test(test_what_is_no_replay_file_is_refused),
		cmocka_unit_test(test_every_kind_of_decision_has_a_word_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
