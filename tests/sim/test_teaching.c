/* A story teaches something: with the bug in the product that it is about, it does not hold any more.
 *
 * Linked with the core that has the deliberate bugs (sim/bugs). */
#include "tests/sim/world.h"

#include "sim/campaign.h"
#include "sim/play.h"
#include "sim/scenario.h"
#include "sim_bugs.h"
#include "sim_bugs_map.h"

int sim_bug_chosen = SIM_BUGS;

static const char *const bugs[] = {
#define XX(constant, name, preset, first, sentence) [constant] = name,
	SIM_BUG_MAP(XX)
#undef XX
};

static int bug_of(const char *name)
{
	for (int i = 0; i < SIM_BUGS; i++) {
		if (strcmp(bugs[i], name) == 0)
			return i;
	}
	fail_msg("there is no bug %s", name);
	return SIM_BUGS;
}

static enum sim_verdict play(const struct scratch *scratch, const char *story)
{
	char path[512];
	struct tb_buf text = {0};
	char block[4096];
	struct sim_scenario *scenario = NULL;
	struct sim_task task = {.options = {.liveness = true}};
	struct sim_outcome outcome;
	struct tb_error err = {0};
	snprintf(path, sizeof(path), "%s/%s.yaml", TEST_STORIES, story);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (size_t got; (got = fread(block, 1, sizeof(block), file)) > 0;)
		tb_buf_add(&text, block, got);
	fclose(file);
	if (sim_scenario_read(&scenario, tb_buf_bytes(&text), path, &err))
		fail_msg("%s", err.text);
	sim_scenario_options(&task.options, scenario);
	sim_run_in_child(&outcome, &task, scratch->dir);
	sim_scenario_free(scenario);
	tb_buf_clear(&text);
	return outcome.verdict;
}

static void test_a_story_does_not_hold_with_the_bug_that_it_is_about(void **state)
{
	static const struct {
		const char *story;
		const char *bug;
	} pairs[] = {
		{"answers-get-lost", "skip-inbox-dedup"},
		{"bad-grade-repaired", "sunday-works"},
		{"disk-full", "effects-before-commit"},
		{"flood", "flood-answered"},
		{"flood", "nonce-forgotten"},
		{"forged-receipts", "any-receipt"},
		{"holders-dispute", "decision-overwritten"},
		{"joint-withdrawn", "part-out-of-order"},
		{"line-cut", "delivery-stuck"},
		{"new-years-holiday", "delivery-stuck"},
		{"nobody-speaks", "deem-early"},
		{"not-granted", "grant-not-checked"},
		{"not-granted", "hand-over-at-once"},
		{"notice-while-open", "copy-owns"},
		{"older-backup", "forget-epoch"},
		{"power-lost-on-arrival", "receipt-before-durable"},
		{"rolling-upgrade", "cache-not-flushed"},
		{"signed-by-three", "unsigned-agreement"},
		{"supervised", "post-without-leaf"},
		{"three-regions-one-case", "part-missing"},
	};
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		sim_bug_chosen = bug_of(pairs[i].bug);
		if (play(*state, pairs[i].story) == SIM_HELD)
			fail_msg("%s holds with %s", pairs[i].story, pairs[i].bug);
		sim_bug_chosen = SIM_BUGS;
		if (play(*state, pairs[i].story) != SIM_HELD)
			fail_msg("%s does not hold without any bug", pairs[i].story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_story_does_not_hold_with_the_bug_that_it_is_about,
	                                        scratch_setup, scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
