#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>

#include "node/io/workers.h"

struct count {
	struct workers *workers;
	atomic_int runs;
	int left; /* jobs that the chain still adds */
};

static void add_one(void *arg)
{
	struct count *count = arg;
	atomic_fetch_add(&count->runs, 1);
}

static void test_workers_run_every_job_once(void **state)
{
	(void)state;
	struct count count = {0};
	struct workers *workers = workers_new(3);
	for (int i = 0; i < 10000; i++)
		workers_add(workers, add_one, &count);
	workers_drain_and_free(workers);
	assert_int_equal(atomic_load(&count.runs), 10000);
}

struct order {
	int next;
	int seen[100];
	int at[100];
};

static void note(void *arg)
{
	int *at = arg;
	struct order *order = (struct order *)(void *)((char *)(at - *at) - offsetof(struct order, at));
	order->seen[order->next++] = *at;
}

static void test_workers_with_one_thread_keep_the_order(void **state)
{
	(void)state;
	struct order order = {0};
	struct workers *workers = workers_new(1);
	for (int i = 0; i < 100; i++) {
		order.at[i] = i;
		workers_add(workers, note, &order.at[i]);
	}
	workers_drain_and_free(workers);
	assert_int_equal(order.next, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(order.seen[i], i);
}

static void add_next(void *arg)
{
	struct count *count = arg;
	atomic_fetch_add(&count->runs, 1);
	if (--count->left > 0)
		workers_add(count->workers, add_next, count);
}

static void test_workers_drain_what_jobs_add(void **state)
{
	(void)state;
	struct count count = {.workers = workers_new(2), .left = 1000};
	workers_add(count.workers, add_next, &count);
	workers_drain_and_free(count.workers);
	assert_int_equal(atomic_load(&count.runs), 1000);
}

struct meeting {
	pthread_barrier_t barrier;
};

static void meet(void *arg)
{
	struct meeting *meeting = arg;
	pthread_barrier_wait(&meeting->barrier);
}

static void test_workers_run_as_many_at_once_as_there_are(void **state)
{
	(void)state;
	struct meeting meeting;
	pthread_barrier_init(&meeting.barrier, NULL, 4);
	struct workers *workers = workers_new(4);
	for (int i = 0; i < 4; i++)
		workers_add(workers, meet, &meeting); /* each waits for the other three */
	workers_drain_and_free(workers);
	pthread_barrier_destroy(&meeting.barrier);
}

static void test_workers_say_how_many_jobs_wait(void **state)
{
	(void)state;
	struct count count = {0};
	struct meeting meeting;
	pthread_barrier_init(&meeting.barrier, NULL, 2);
	struct workers *workers = workers_new(1);
	workers_add(workers, meet, &meeting);
	workers_add(workers, meet, &meeting);
	workers_add(workers, add_one, &count);
	meet(&meeting);
	/* The first job is over; the second waits for us, or is about to. */
	size_t waiting = workers_waiting(workers);
	assert_in_range(waiting, 1, 2);
	meet(&meeting);
	workers_drain_and_free(workers);
	assert_int_equal(atomic_load(&count.runs), 1);
	pthread_barrier_destroy(&meeting.barrier);
}

static void look_at_signals(void *arg)
{
	sigset_t mask;
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	*(int *)arg = sigismember(&mask, SIGTERM);
}

static void test_workers_leave_signals_to_others(void **state)
{
	(void)state;
	int blocked = 0;
	struct workers *workers = workers_new(1);
	workers_add(workers, look_at_signals, &blocked);
	workers_drain_and_free(workers);
	assert_int_equal(blocked, 1);
}

static void test_workers_that_had_no_job_end(void **state)
{
	(void)state;
	workers_drain_and_free(workers_new(2));
	workers_drain_and_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers_run_every_job_once),
		cmocka_unit_test(test_workers_with_one_thread_keep_the_order),
		cmocka_unit_test(test_workers_drain_what_jobs_add),
		cmocka_unit_test(test_workers_run_as_many_at_once_as_there_are),
		cmocka_unit_test(test_workers_say_how_many_jobs_wait),
		cmocka_unit_test(test_workers_leave_signals_to_others),
		cmocka_unit_test(test_workers_that_had_no_job_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
