#include "tests/sim/world.h"

#include "sim/tables.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

static void test_agreements_are_mutual_and_nobody_is_alone(void **state)
{
	struct sim_options options = world_options(*state, 3, 9, "calm");
	struct sim_world *world = sim_world_new(&options);
	for (uint32_t i = 0; i < 9; i++) {
		size_t count;
		const struct sim_link *links = sim_links(world->net, i, &count);
		assert_true(count >= 2);
		for (size_t k = 0; k < count; k++) {
			assert_non_null(sim_link_find(world->net, links[k].to, i));
			assert_true(links[k].to != i);
			assert_true(k == 0 || links[k - 1].to < links[k].to);
		}
	}
	sim_world_free(world);
}

static void test_a_cut_parts_its_inside_from_the_others(void **state)
{
	struct sim_options options = world_options(*state, 3, 4, "calm");
	struct sim_world *world = sim_world_new(&options);
	int cut = sim_net_cut_begin(world->net, false);
	assert_true(cut >= 0);
	sim_net_cut_add(world->net, cut, 0);
	sim_net_cut_add(world->net, cut, 1);
	assert_true(sim_net_is_cut(world->net, 0, 2));
	assert_true(sim_net_is_cut(world->net, 2, 0));
	assert_false(sim_net_is_cut(world->net, 0, 1));
	assert_false(sim_net_is_cut(world->net, 2, 3));
	sim_net_cut_end(world->net, cut);
	assert_false(sim_net_is_cut(world->net, 0, 2));
	sim_world_free(world);
}

static void test_a_one_way_cut_lets_pass_what_comes_in(void **state)
{
	struct sim_options options = world_options(*state, 3, 3, "calm");
	struct sim_world *world = sim_world_new(&options);
	int cut = sim_net_cut_begin(world->net, true);
	sim_net_cut_add(world->net, cut, 0);
	assert_true(sim_net_is_cut(world->net, 0, 1));
	assert_false(sim_net_is_cut(world->net, 1, 0));
	sim_world_free(world);
}

static void test_cuts_are_counted_and_healed(void **state)
{
	struct sim_options options = world_options(*state, 3, 3, "calm");
	struct sim_world *world = sim_world_new(&options);
	for (unsigned i = 0; i < SIM_CUTS_MAX; i++)
		sim_net_cut_add(world->net, sim_net_cut_begin(world->net, false), 0);
	assert_int_equal(sim_net_cut_begin(world->net, false), -1);
	assert_true(sim_net_is_cut(world->net, 0, 1));
	sim_net_heal(world->net);
	assert_false(sim_net_is_cut(world->net, 0, 1));
	assert_true(sim_net_cut_begin(world->net, false) >= 0);
	sim_world_free(world);
}

struct injected {
	unsigned calls;
	enum tb_code code;
};

static void note(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                 const struct tb_error *err, void *ctx)
{
	struct injected *injected = ctx;
	(void)world;
	(void)to;
	(void)bytes;
	injected->calls++;
	injected->code = err ? err->code : TB_OK;
}

static void test_what_is_no_batch_is_refused_and_told_once(void **state)
{
	struct sim_options options = world_options(*state, 3, 2, "calm");
	struct sim_world *world = sim_world_new(&options);
	struct injected injected = {0};
	sim_world_run_until(world, world->now + SIM_MINUTE);
	sim_net_inject(&world->nodes[0], world->nodes[0].code, &world->nodes[1], CORE_VERIFY,
	               tb_bytes_str("no batch"), note, &injected);
	sim_world_run_until(world, world->now + SIM_MINUTE);
	assert_int_equal(injected.calls, 1);
	assert_int_equal(tb_code_fault(injected.code), TB_FAULT_PEER);
	sim_world_free(world);
}

static void test_a_call_to_a_node_that_is_down_or_cut_off_fails_in_time(void **state)
{
	struct sim_options options = world_options(*state, 3, 2, "calm");
	struct sim_world *world = sim_world_new(&options);
	struct injected down = {0}, cut = {0};
	sim_world_run_until(world, world->now + SIM_MINUTE);
	sim_node_stop(&world->nodes[1], SIM_STOP_CRASH);
	sim_net_inject(&world->nodes[0], world->nodes[0].code, &world->nodes[1], CORE_VERIFY,
	               tb_bytes_str("x"), note, &down);
	sim_world_run_until(world, world->now + SIM_MINUTE);
	assert_int_equal(down.calls, 1);
	assert_int_equal(down.code, TB_EUNREACHABLE);
	sim_net_cut_add(world->net, sim_net_cut_begin(world->net, false), 0);
	sim_net_inject(&world->nodes[0], world->nodes[0].code, &world->nodes[1], CORE_VERIFY,
	               tb_bytes_str("x"), note, &cut);
	sim_world_run_until(world, world->now + SIM_MINUTE);
	assert_int_equal(cut.calls, 1);
	assert_int_equal(tb_code_fault(cut.code), TB_FAULT_TRANSIENT);
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
		TEST(test_agreements_are_mutual_and_nobody_is_alone),
		TEST(test_a_cut_parts_its_inside_from_the_others),
		TEST(test_a_one_way_cut_lets_pass_what_comes_in),
		TEST(test_cuts_are_counted_and_healed),
		TEST(test_what_is_no_batch_is_refused_and_told_once),
		TEST(test_a_call_to_a_node_that_is_down_or_cut_off_fails_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, tables_end);
}
