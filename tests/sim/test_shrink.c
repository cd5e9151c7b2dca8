/* A failing run is made small, and tells its story.
 *
 * The failure is a deliberate bug's: this program is linked with the core that has them (sim/bugs). */
#include "tests/sim/world.h"

#include "sim/campaign.h"
#include "sim/shrink.h"
#include "sim_bugs.h"
#include "sim_bugs_map.h"

int sim_bug_chosen = SIM_BUGS;

enum { SEEDS_MOST = 20, SECONDS_MOST = 60, RUNS_MOST = 150 };

static char *read_text(const char *path)
{
	struct tb_buf text = {0};
	char block[4096];
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
		tb_buf_add(&text, block, got);
	fclose(file);
	tb_buf_add(&text, "", 1);
	return (char *)text.data;
}

/* The first of the campaign's seeds with four nodes at least that fails; its replay file is |path|. |preset|
 * NULL: each seed draws one. */
static void find_failing(const struct scratch *scratch, const char *preset, const char *path,
                         struct sim_options *options, struct sim_outcome *outcome)
{
	const struct sim_campaign campaign = {.preset = preset ? sim_preset_find(preset) : NULL};
	for (uint64_t seed = 1; seed <= SEEDS_MOST; seed++) {
		struct sim_task task = {.save = path};
		sim_campaign_options(&task.options, &campaign, seed);
		*options = task.options;
		if (options->nodes_count < 4)
			continue;
		sim_run_in_child(outcome, &task, scratch->dir);
		if (outcome->verdict != SIM_HELD)
			return;
	}
	fail_msg("no seed has caught the bug");
}

static void test_a_failing_run_is_made_small_and_fails_in_the_same_way(void **state)
{
	struct scratch *scratch = *state;
	struct sim_options first;
	struct sim_outcome outcome;
	struct sim_replay small;
	struct sim_shrunk shrunk;
	struct tb_error err = {0};
	char path[200], out[200], words[220];
	sim_bug_chosen = SIM_BUG_RECEIPT_BEFORE_DURABLE;
	snprintf(path, sizeof(path), "%s/failing.replay", scratch->dir);
	snprintf(out, sizeof(out), "%s/small.replay", scratch->dir);
	snprintf(words, sizeof(words), "%s.txt", out);
	find_failing(scratch, NULL, path, &first, &outcome);
	assert_int_equal(outcome.verdict, SIM_BROKEN);

	struct sim_shrink order = {.options = first,
	                           .dir = scratch->dir,
	                           .out = out,
	                           .runs_most = RUNS_MOST,
	                           .seconds_most = SECONDS_MOST,
	                           .quiet = true};
	sim_shrink_run(&shrunk, &order);
	assert_int_equal(shrunk.verdict, SIM_BROKEN);
	assert_memory_equal(shrunk.failure, "receipt-implies-record", 22);
	assert_true(shrunk.nodes_last < first.nodes_count);
	assert_true(shrunk.decisions_last < shrunk.decisions_first);
	assert_true(shrunk.span_last < first.span);
	assert_true(shrunk.runs <= RUNS_MOST);

	/* The file that is left fails by itself, in the same way, with the bug and not without it. */
	char *text = read_text(out);
	assert_int_equal(sim_replay_parse(&small, text, &err), TB_OK);
	struct sim_task task = {.options = small.options};
	sim_run_in_child(&outcome, &task, scratch->dir);
	assert_int_equal(outcome.verdict, SIM_BROKEN);
	assert_string_equal(outcome.failure, shrunk.failure);
	sim_bug_chosen = SIM_BUGS;
	sim_run_in_child(&outcome, &task, scratch->dir);
	assert_int_equal(outcome.verdict, SIM_HELD);
	sim_replay_clear(&small);
	free(text);

	/* "receipt-implies-record: 松原市: 2207...: a receipt for what is not there" */
	char node[64];
	assert_int_equal(sscanf(shrunk.failure, "receipt-implies-record: %63[^:]", node), 1);
	char *story = read_text(words);
	char *broken = strstr(story, "BROKEN at ");
	assert_non_null(broken);
	assert_non_null(strstr(broken, node));
	assert_non_null(strstr(story, " sends "));
	free(story);
	unlink(path);
	unlink(out);
	unlink(words);
}

/* Lines of |path| that begin so. */
static size_t lines_of(const char *path, const char *begin)
{
	char *text = read_text(path);
	size_t count = strncmp(text, begin, strlen(begin)) == 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count += strncmp(at + 1, begin, strlen(begin)) == 0;
	free(text);
	return count;
}

static void test_of_hostile_acts_only_those_are_left_that_the_failure_needs(void **state)
{
	struct scratch *scratch = *state;
	struct sim_options first;
	struct sim_outcome outcome;
	struct sim_shrunk shrunk;
	char path[200], out[200], words[220];
	sim_bug_chosen = SIM_BUG_OTHER_DIGEST;
	snprintf(path, sizeof(path), "%s/failing.replay", scratch->dir);
	snprintf(out, sizeof(out), "%s/small.replay", scratch->dir);
	snprintf(words, sizeof(words), "%s.txt", out);
	find_failing(scratch, "byzantine", path, &first, &outcome);
	size_t acts = lines_of(path, "did hostile ");
	assert_true(acts > 5);
	struct sim_shrink order = {.options = first,
	                           .dir = scratch->dir,
	                           .out = out,
	                           .runs_most = RUNS_MOST,
	                           .seconds_most = SECONDS_MOST,
	                           .quiet = true};
	sim_shrink_run(&shrunk, &order);
	assert_int_equal(shrunk.verdict, outcome.verdict);
	assert_int_equal(lines_of(out, "did turn-hostile "), 1);
	assert_in_range(lines_of(out, "did hostile "), 1, 3);
	unlink(path);
	unlink(out);
	unlink(words);
}

static void test_a_run_that_holds_is_not_shrunk(void **state)
{
	struct scratch *scratch = *state;
	struct sim_shrunk shrunk;
	struct sim_shrink order = {.options = world_options(scratch, 1, 2, "calm"),
	                           .dir = scratch->dir,
	                           .out = "none",
	                           .quiet = true};
	sim_bug_chosen = SIM_BUGS;
	sim_shrink_run(&shrunk, &order);
	assert_int_equal(shrunk.verdict, SIM_HELD);
	assert_int_equal(shrunk.runs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_failing_run_is_made_small_and_fails_in_the_same_way,
	                                        scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_of_hostile_acts_only_those_are_left_that_the_failure_needs, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_run_that_holds_is_not_shrunk, scratch_setup,
	                                        scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
