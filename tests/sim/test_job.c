#include "tests/sim/world.h"

#include "sim/job.h"

/* What the run does when it is looked at. */
static bool spin(void *ctx, const struct sim_world *world)
{
	volatile uint64_t count = 0;
	(void)ctx;
	(void)world;
	for (;;)
		count++;
	return false;
}

static bool die(void *ctx, const struct sim_world *world)
{
	(void)ctx;
	(void)world;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static bool wait_long(void *ctx, const struct sim_world *world)
{
	(void)world;
	(void)!write(*(int *)ctx, "x", 1);
	for (;;)
		pause();
	return false;
}

static void prepare(struct sim_job *job, struct scratch *scratch,
                    bool (*progress)(void *ctx, const struct sim_world *world))
{
	*job = (struct sim_job){.task = {.options = world_options(scratch, 5, 3, "lossy")}};
	snprintf(job->save, sizeof(job->save), "%s/seed.replay", scratch->dir);
	job->task.save = job->save;
	job->task.progress = progress;
}

static void assert_replayable(const struct sim_job *job, const char *failure)
{
	char text[4096] = "";
	struct sim_replay replay;
	FILE *file = fopen(job->save, "r");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	assert_non_null(strstr(text, failure));
	assert_int_equal(sim_replay_parse(&replay, text, NULL), TB_OK);
	assert_true(replay.options.seed == 5);
	sim_replay_clear(&replay);
}

static void assert_gone(const struct sim_job *job)
{
	assert_int_equal(access(job->dir, F_OK), -1);
	assert_int_equal(job->pid, 0);
}

static void test_a_run_gives_its_outcome(void **state)
{
	struct sim_job job;
	prepare(&job, *state, NULL);
	job.cpu_seconds = 200;
	sim_job_run(&job, ((struct scratch *)*state)->dir);
	assert_string_equal(job.outcome.failure, "");
	assert_int_equal(job.outcome.verdict, SIM_HELD);
	assert_true(job.outcome.events > 0);
	assert_gone(&job);
}

static void test_a_run_that_uses_too_much_cpu_is_stopped_and_can_be_replayed(void **state)
{
	struct sim_job job;
	prepare(&job, *state, spin);
	job.cpu_seconds = 1;
	sim_job_run(&job, ((struct scratch *)*state)->dir);
	assert_int_equal(job.outcome.verdict, SIM_DIED);
	assert_string_equal(job.outcome.failure, "it was stopped after 1 s of CPU");
	assert_replayable(&job, "# it was stopped after 1 s of CPU");
	assert_gone(&job);
}

static void test_a_run_that_crashes_is_told_with_its_signal(void **state)
{
	struct sim_job job;
	prepare(&job, *state, die);
	sim_job_run(&job, ((struct scratch *)*state)->dir);
	assert_int_equal(job.outcome.verdict, SIM_DIED);
	assert_string_equal(job.outcome.failure, "signal 6: Aborted");
	assert_replayable(&job, "# signal 6: Aborted");
	assert_gone(&job);
}

static void test_a_run_that_is_killed_leaves_nothing(void **state)
{
	struct sim_job job;
	char byte;
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	prepare(&job, *state, wait_long);
	job.task.ctx = &ends[1];
	sim_job_start(&job, ((struct scratch *)*state)->dir, 0);
	assert_int_equal(read(ends[0], &byte, 1), 1); /* it is in the middle */
	assert_int_equal(access(job.dir, F_OK), 0);
	sim_job_kill(&job);
	assert_gone(&job);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_run_gives_its_outcome, scratch_setup,
	                                        scratch_teardown),
		cmocka_unit_test_setup_teardown(
			test_a_run_that_uses_too_much_cpu_is_stopped_and_can_be_replayed, scratch_setup,
			scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_run_that_crashes_is_told_with_its_signal,
	                                        scratch_setup, scratch_teardown),
		cmocka_unit_test_setup_teardown(test_a_run_that_is_killed_leaves_nothing, scratch_setup,
	                                        scratch_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
