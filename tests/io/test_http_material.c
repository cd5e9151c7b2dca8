/* node/io/http.c over a real socket: materials that are brought and got. */
#include "node/io/http.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/io/http_client.h"
#include "tests/io/http_server.h"

static const char broken_root[] = "bb00000000000000000000000000000000000000000000000000000000000000";
static const char good_root[] = "aa00000000000000000000000000000000000000000000000000000000000000";

static void test_an_upload_streams_and_waits_for_its_turn(void **state)
{
	struct server *server = *state;
	static uint8_t bytes[1 << 20];
	int fd = client_dial(server->path);
	client_send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 5; i++)
		client_send_chunk(fd, bytes, sizeof(bytes));
	client_send_text(fd, "0\r\n\r\n");
	struct core_request *request = server_next(server);
	request->reply = &((PbMaterialView *)request->prepared)->base;
	http_reply(server->http, request);
	client_assert_answer(fd, 200, "\"size\":\"5242880\"");
	close(fd);
}

static void test_an_upload_that_is_refused_gets_the_reason(void **state)
{
	struct server *server = *state;
	static uint8_t bytes[1 << 20];
	int fd = client_dial(server->path);
	played.refuse_upload_at = 1000;
	client_send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
	client_send(fd, bytes, sizeof(bytes));
	client_assert_answer(fd, 429, "no room for materials");
	client_send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	client_assert_answer(fd, 400, "the material is empty");
	close(fd);
	client_assert_exchange(server->path,
	                       "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483649\r\n\r\n", 413,
	                       "2 GiB");
}

static void test_an_upload_that_breaks_off_is_dropped(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_text(fd, "PUT /material HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
	while (atomic_load(&played.intakes) == 0)
		sched_yield();
	close(fd);
	server_wait_idle(server);
	assert_int_equal(atomic_load(&played.intakes), 0);
}

static void get(int fd, const char *root)
{
	char head[160];
	snprintf(head, sizeof(head), "GET /material/%s HTTP/1.1\r\nHost: x\r\n\r\n", root);
	client_send_text(fd, head);
}

static void test_a_download_gives_the_bytes(void **state)
{
	struct server *server = *state;
	struct client_answer answer;
	int fd = client_dial(server->path);
	get(fd, good_root);
	client_receive(fd, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body.size, MATERIAL_BYTES);
	for (size_t i = 0; i < answer.body.size; i++) {
		if (answer.body.data[i] != (uint8_t)(i % 251))
			fail_msg("byte %zu differs", i);
	}
	client_answer_clear(&answer);
	get(fd, "cc00000000000000000000000000000000000000000000000000000000000000");
	client_assert_answer(fd, 404, "no such material here");
	get(fd, "aa");
	client_assert_answer(fd, 400, "64 hex digits");
	close(fd);
}

static void test_a_download_that_fails_midway_ends_too_early(void **state)
{
	struct server *server = *state;
	struct client_answer answer;
	int fd = client_dial(server->path);
	get(fd, broken_root);
	client_receive(fd, &answer);
	assert_int_equal(answer.announced, MATERIAL_BYTES);
	assert_true(answer.body.size < MATERIAL_BYTES);
	client_answer_clear(&answer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_an_upload_streams_and_waits_for_its_turn),
		WITH_SERVER(test_an_upload_that_is_refused_gets_the_reason),
		WITH_SERVER(test_an_upload_that_breaks_off_is_dropped),
		WITH_SERVER(test_a_download_gives_the_bytes),
		WITH_SERVER(test_a_download_that_fails_midway_ends_too_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
