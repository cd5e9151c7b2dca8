/* The proxy between a caller and an echo, both in this process. */
#include "sim/lab/proxy.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <cmocka.h>

enum { ROUNDS_MOST = 20000, SENT_BYTES = 200000 };

struct world {
	struct lab lab;
	uv_loop_t loop;
	struct lab_proxy *proxy;
	uv_tcp_t echo;      /* what node 1 listens with */
	uv_tcp_t echoed[8]; /* its connections */
	unsigned echoed_count;
	uv_tcp_t caller;
	uv_connect_t connect;
	uv_write_t write;
	uint8_t sent[SENT_BYTES];
	uint8_t got[SENT_BYTES];
	size_t got_size;
	int ended; /* the caller's connection did, with this error */
	uv_timer_t watch;
	bool late;
};

struct echo_write {
	uv_write_t write;
	uint8_t data[];
};

static void on_echo_written(uv_write_t *write, int status)
{
	(void)status;
	free(write);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)handle;
	*buf = uv_buf_init(tb_alloc(suggested), (unsigned)suggested);
}

static void on_echo_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	if (got > 0) {
		struct echo_write *write = tb_alloc(sizeof(*write) + (size_t)got);
		memcpy(write->data, buf->base, (size_t)got);
		uv_buf_t out = uv_buf_init((char *)write->data, (unsigned)got);
		uv_write(&write->write, stream, &out, 1, on_echo_written);
	} else if (got < 0) {
		uv_read_stop(stream);
	}
	free(buf->base);
}

static void on_echo_connection(uv_stream_t *listener, int status)
{
	struct world *world = listener->data;
	assert_int_equal(status, 0);
	assert_true(world->echoed_count < 8);
	uv_tcp_t *tcp = &world->echoed[world->echoed_count++];
	uv_tcp_init(&world->loop, tcp);
	assert_int_equal(uv_accept(listener, (uv_stream_t *)tcp), 0);
	uv_read_start((uv_stream_t *)tcp, on_alloc, on_echo_read);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct world *world = stream->data;
	if (got > 0) {
		assert_true(world->got_size + (size_t)got <= SENT_BYTES);
		memcpy(world->got + world->got_size, buf->base, (size_t)got);
		world->got_size += (size_t)got;
	} else if (got < 0) {
		world->ended = (int)got;
		uv_read_stop(stream);
	}
	free(buf->base);
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct world *world = connect->data;
	if (status == 0)
		uv_read_start((uv_stream_t *)&world->caller, on_alloc, on_read);
	else
		world->ended = status;
}

static void on_late(uv_timer_t *timer)
{
	((struct world *)timer->data)->late = true;
}

static void on_written(uv_write_t *write, int status)
{
	(void)write;
	(void)status;
}

static void call(struct world *world)
{
	struct sockaddr_in address;
	uv_ip4_addr("127.0.0.1", lab_proxy_port(world->proxy, 0, 1), &address);
	uv_tcp_init(&world->loop, &world->caller);
	world->caller.data = world;
	world->connect.data = world;
	world->got_size = 0;
	world->ended = 0;
	assert_int_equal(
		uv_tcp_connect(&world->connect, &world->caller, (struct sockaddr *)&address, on_connected),
		0);
}

static void say(struct world *world, size_t size)
{
	uv_buf_t buf = uv_buf_init((char *)world->sent, (unsigned)size);
	uv_write(&world->write, (uv_stream_t *)&world->caller, &buf, 1, on_written);
}

/* Turns the loop until |world| has got that much or has ended; the watch ends a test that hangs. */
static void turn(struct world *world, size_t size)
{
	world->late = false;
	uv_timer_start(&world->watch, on_late, 60000, 0);
	while (world->got_size < size && !world->ended && !world->late)
		uv_run(&world->loop, UV_RUN_ONCE);
	assert_false(world->late);
}

static int set_up(void **state)
{
	struct world *world = tb_alloc(sizeof(*world));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int size = sizeof(address);
	world->lab.options = (struct lab_options){.nodes = 2, .seed = 5};
	pthread_mutex_init(&world->lab.lock, NULL);
	uv_loop_init(&world->loop);
	uv_timer_init(&world->loop, &world->watch);
	world->watch.data = world;
	uv_tcp_init(&world->loop, &world->echo);
	world->echo.data = world;
	uv_tcp_bind(&world->echo, (struct sockaddr *)&address, 0);
	uv_listen((uv_stream_t *)&world->echo, 8, on_echo_connection);
	uv_tcp_getsockname(&world->echo, (struct sockaddr *)&address, &size);
	world->lab.nodes[1].port = ntohs(address.sin_port);
	world->proxy = lab_proxy_new(&world->lab, &world->loop);
	for (size_t i = 0; i < SENT_BYTES; i++)
		world->sent[i] = (uint8_t)(i * 31 + i / 256);
	*state = world;
	return world->lab.dead ? -1 : 0;
}

static void close_one(uv_handle_t *handle, void *argument)
{
	(void)argument;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static int tear_down(void **state)
{
	struct world *world = *state;
	lab_proxy_close(world->proxy);
	uv_run(&world->loop, UV_RUN_NOWAIT);
	uv_walk(&world->loop, close_one, NULL);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	int left = uv_loop_close(&world->loop);
	lab_proxy_free(world->proxy);
	free(world);
	return left;
}

static void test_a_good_link_carries_every_byte_both_ways(void **state)
{
	struct world *world = *state;
	call(world);
	say(world, SENT_BYTES);
	turn(world, SENT_BYTES);
	assert_memory_equal(world->got, world->sent, SENT_BYTES);
}

static void test_a_slow_link_keeps_the_order(void **state)
{
	struct world *world = *state;
	struct lab_condition slow = {.delay_ms = 5, .bytes_per_second = 2000000};
	lab_proxy_set(world->proxy, 0, 1, &slow);
	call(world);
	say(world, SENT_BYTES);
	turn(world, SENT_BYTES / 2);
	/* What still waits must not be overtaken when the link is well again. */
	lab_proxy_set(world->proxy, 0, 1, &(struct lab_condition){0});
	turn(world, SENT_BYTES);
	assert_memory_equal(world->got, world->sent, SENT_BYTES);
}

static void test_a_cut_link_ends_what_stands_and_refuses_what_is_new(void **state)
{
	struct world *world = *state;
	struct lab_condition cut = {.cut = true};
	call(world);
	say(world, 100);
	turn(world, 100);
	lab_proxy_set(world->proxy, 0, 1, &cut);
	turn(world, SIZE_MAX);
	assert_true(world->ended < 0);
	uv_close((uv_handle_t *)&world->caller, NULL);
	uv_run(&world->loop, UV_RUN_NOWAIT);
	call(world);
	turn(world, 1);
	assert_true(world->ended < 0);
	assert_int_equal(world->got_size, 0);
}

static void test_a_half_open_link_takes_bytes_and_is_reset_when_it_is_over(void **state)
{
	struct world *world = *state;
	struct lab_condition silent = {.silent_back = true};
	call(world);
	say(world, 100);
	turn(world, 100);
	lab_proxy_set(world->proxy, 0, 1, &silent);
	say(world, 100);
	world->late = false;
	uv_timer_start(&world->watch, on_late, 60000, 0);
	while (world->lab.counts.swallowed_bytes < 100 && !world->late)
		uv_run(&world->loop, UV_RUN_ONCE);
	assert_false(world->late);
	assert_int_equal(world->got_size, 100);
	assert_int_equal(world->ended, 0);
	lab_proxy_set(world->proxy, 0, 1, &(struct lab_condition){0});
	turn(world, SIZE_MAX);
	assert_true(world->ended < 0);
}

static void test_a_link_that_changes_bytes_changes_some_and_loses_none(void **state)
{
	struct world *world = *state;
	struct lab_condition changes = {.change_ppm = 1000000};
	lab_proxy_set(world->proxy, 0, 1, &changes);
	call(world);
	say(world, SENT_BYTES);
	turn(world, SENT_BYTES);
	assert_true(memcmp(world->got, world->sent, SENT_BYTES) != 0);
	assert_true(world->lab.counts.changed_bytes > 0);
	/* Only that link. */
	assert_int_equal(world->lab.counts.connections, 1);
}

static void test_a_link_to_a_node_that_is_down_is_reset(void **state)
{
	struct world *world = *state;
	world->lab.nodes[1].port = 0;
	call(world);
	turn(world, 1);
	assert_true(world->ended < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_good_link_carries_every_byte_both_ways),
		TEST(test_a_slow_link_keeps_the_order),
		TEST(test_a_cut_link_ends_what_stands_and_refuses_what_is_new),
		TEST(test_a_half_open_link_takes_bytes_and_is_reset_when_it_is_over),
		TEST(test_a_link_that_changes_bytes_changes_some_and_loses_none),
		TEST(test_a_link_to_a_node_that_is_down_is_reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
