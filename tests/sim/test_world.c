#include "tests/sim/world.h"

#include "sim/tables.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

/* ---- events */

static char order[64];

static void note_run(struct sim_world *world, void *subject, uint64_t argument)
{
	size_t at = strlen(order);
	(void)world;
	(void)subject;
	order[at] = (char)argument;
	order[at + 1] = '\0';
}

static const struct sim_event_kind note_event = {"note", note_run, NULL};

static void test_events_happen_in_the_order_of_their_times(void **state)
{
	struct sim_options options = world_options(*state, 1, 2, "calm");
	struct sim_world *world = sim_world_new(&options);
	static const char letters[] = "hdagcfbe";
	order[0] = '\0';
	for (size_t i = 0; letters[i]; i++)
		sim_after(world, (letters[i] - 'a') * SIM_MS, &note_event, NULL, (uint64_t)letters[i]);
	sim_world_run_until(world, world->now + 5 * SIM_MS);
	assert_string_equal(order, "abcdef");
	sim_world_run_until(world, world->now + SIM_SECOND);
	assert_string_equal(order, "abcdefgh");
	sim_world_free(world);
}

static void test_an_event_of_the_past_happens_now(void **state)
{
	struct sim_options options = world_options(*state, 1, 2, "calm");
	struct sim_world *world = sim_world_new(&options);
	sim_time now = world->now;
	order[0] = '\0';
	sim_at(world, now - SIM_DAY, &note_event, NULL, 'x');
	sim_world_run_until(world, now);
	assert_string_equal(order, "x");
	assert_true(world->now == now);
	sim_world_free(world);
}

/* ---- decisions */

static void test_a_decision_can_be_left_out_and_the_others_stay(void **state)
{
	struct sim_options options = world_options(*state, 1, 2, "calm");
	struct sim_decision skip = {.kind = SIM_DO_CRASH, .node = 1, .peer = SIM_NOBODY, .number = 3};
	options.skips = &skip;
	options.skips_count = 1;
	struct sim_world *world = sim_world_new(&options);
	size_t before = world->decisions_count; /* that there are two nodes */
	assert_int_equal(before, 2);
	assert_true(sim_decide(world, SIM_DO_CRASH, 1, SIM_NOBODY, 2));
	assert_false(sim_decide(world, SIM_DO_CRASH, 1, SIM_NOBODY, 3));
	assert_true(sim_decide(world, SIM_DO_CRASH, 0, SIM_NOBODY, 3));
	assert_true(sim_decide(world, SIM_DO_PAUSE, 1, SIM_NOBODY, 3));
	assert_int_equal(world->decisions_count, before + 3);
	sim_world_free(world);
}

/* ---- whole runs */

struct run {
	enum sim_verdict verdict;
	uint64_t hash;
	uint64_t events;
	struct sim_work_counts work;
	struct sim_rule_count rules[SIM_RULES];
	struct sim_marks marks;
	char failure[256];
};

static struct run run(const struct sim_options *options)
{
	struct sim_world *world = sim_world_new(options);
	struct run run = {.verdict = sim_world_run(world, NULL, NULL)};
	run.hash = world->hash;
	run.events = world->events;
	run.work = *sim_work_counts(world->work);
	run.marks = world->marks;
	memcpy(run.rules, sim_check_counts(world->check), sizeof(run.rules));
	memcpy(run.failure, world->failure, sizeof(run.failure));
	sim_world_free(world);
	return run;
}

static void test_a_world_goes_on_without_a_node(void **state)
{
	struct sim_options options = world_options(*state, 3, 4, "lossy");
	struct sim_decision skip = {.kind = SIM_DO_NODE, .node = 2, .peer = SIM_NOBODY};
	options.skips = &skip;
	options.skips_count = 1;
	struct sim_world *world = sim_world_new(&options);
	assert_true(world->nodes[2].absent);
	if (sim_world_run(world, NULL, NULL) != SIM_HELD)
		fail_msg("%s", world->failure);
	assert_int_equal(world->nodes[2].life, 0);
	assert_true(sim_work_counts(world->work)->cases > 0);
	for (size_t i = 0; i < world->decisions_count; i++) {
		assert_int_not_equal(world->decisions[i].node, 2);
		assert_int_not_equal(world->decisions[i].peer, 2);
	}
	sim_world_free(world);
}

static void test_trouble_can_end_earlier_and_is_the_same_until_then(void **state)
{
	struct sim_options options = world_options(*state, 3, 3, "lossy");
	struct sim_world *world = sim_world_new(&options);
	(void)sim_world_run(world, NULL, NULL);
	size_t count = world->decisions_count, same = 0;
	struct sim_decision *all = tb_alloc(count * sizeof(*all));
	memcpy(all, world->decisions, count * sizeof(*all));
	sim_world_free(world);
	options.until = 2 * SIM_HOUR;
	world = sim_world_new(&options);
	assert_int_equal(sim_world_run(world, NULL, NULL), SIM_HELD);
	assert_true(world->decisions_count < count);
	while (same < world->decisions_count &&
	       memcmp(&world->decisions[same], &all[same], sizeof(*all)) == 0)
		same++;
	assert_int_equal(same, world->decisions_count);
	free(all);
	sim_world_free(world);
}

static void test_the_same_seed_gives_the_same_run(void **state)
{
	static const char *const presets[] = {"calm", "swarm", "storage-hell"};
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		struct sim_options options = world_options(*state, 11 + i, 3, presets[i]);
		struct run first = run(&options), second = run(&options);
		assert_string_equal(first.failure, "");
		assert_true(first.events == second.events);
		assert_true(first.hash == second.hash);
		assert_memory_equal(&first.marks, &second.marks, sizeof(first.marks));
	}
}

static void test_another_seed_gives_another_run(void **state)
{
	struct sim_options options = world_options(*state, 21, 2, "calm");
	struct run first = run(&options);
	options.seed = 22;
	struct run second = run(&options);
	assert_true(first.hash != second.hash);
}

static void test_a_calm_world_works_and_every_rule_is_looked_at(void **state)
{
	struct sim_options options = world_options(*state, 31, 3, "calm");
	options.span = 10 * SIM_DAY;
	options.cases_a_day = 8;
	options.verifications_a_day = 20;
	struct run done = run(&options);
	assert_string_equal(done.failure, "");
	assert_int_equal(done.verdict, SIM_HELD);
	assert_true(done.work.cases > 20);
	assert_true(done.work.verifications > 20);
	assert_true(done.marks.counts[SIM_MARK_CLOSED] > 0);
	static const enum sim_rule looked_at[] = {
		SIM_RULE_ACKED,   SIM_RULE_ONE_DECISION, SIM_RULE_ONCE,   SIM_RULE_DURABLE_FIRST,
		SIM_RULE_RECEIPT, SIM_RULE_DONE,         SIM_RULE_ORDER,  SIM_RULE_HISTORY,
		SIM_RULE_LEAF,    SIM_RULE_BOUNDS,       SIM_RULE_REOPEN, SIM_RULE_LIVE,
		SIM_RULE_TRUTH,
	};
	for (size_t i = 0; i < sizeof(looked_at) / sizeof(looked_at[0]); i++) {
		if (done.rules[looked_at[i]].checked == 0)
			fail_msg("never looked at: %s", sim_rule_word(looked_at[i]));
		assert_true(done.rules[looked_at[i]].broken == 0);
	}
}

static void test_hostile_peers_are_refused(void **state)
{
	struct sim_options options = world_options(*state, 41, 4, "byzantine");
	options.span = SIM_DAY;
	struct run done = run(&options);
	assert_string_equal(done.failure, "");
	assert_true(done.rules[SIM_RULE_SCOPE].checked > 0);
}

static void test_a_failure_stays_the_first_one(void **state)
{
	struct sim_options options = world_options(*state, 1, 2, "calm");
	struct sim_world *world = sim_world_new(&options);
	sim_check_broke(world, SIM_RULE_ONCE, 0, NULL, "first");
	sim_check_broke(world, SIM_RULE_LIVE, 0, NULL, "second");
	assert_int_equal(world->verdict, SIM_BROKEN);
	assert_non_null(strstr(world->failure, "first"));
	sim_world_free(world);
}

static int tables_end(void **state)
{
	(void)state;
	sim_tables_free();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_events_happen_in_the_order_of_their_times),
		TEST(test_an_event_of_the_past_happens_now),
		TEST(test_a_decision_can_be_left_out_and_the_others_stay),
		TEST(test_a_world_goes_on_without_a_node),
		TEST(test_trouble_can_end_earlier_and_is_the_same_until_then),
		TEST(test_the_same_seed_gives_the_same_run),
		TEST(test_another_seed_gives_another_run),
		TEST(test_a_calm_world_works_and_every_rule_is_looked_at),
		TEST(test_hostile_peers_are_refused),
		TEST(test_a_failure_stays_the_first_one),
	};
	return cmocka_run_group_tests(tests, NULL, tables_end);
}
