/* node/io/http.c over a real socket: methods, and how clients and servers go. */
#include "node/io/http.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/io/http_client.h"
#include "tests/io/http_server.h"

/* ---- methods */

static void test_the_root_says_what_this_is(void **state)
{
	struct server *server = *state;
	client_assert_exchange(server->path, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200,
	                       "tongban 1.2.3, node of region 320400\n");
}

static void test_a_query_is_answered_without_a_turn(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, STATUS_METHOD, "{}");
	client_assert_answer(fd, 200, "\"region\":\"320400\"");
	close(fd);
}

static void test_an_empty_body_is_an_empty_message(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, STATUS_METHOD, "");
	client_assert_answer(fd, 200, "1795000000000");
	close(fd);
}

static void test_a_change_waits_for_its_turn(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{\"peer\":\"510100\",\"seq\":\"4\"}");
	struct core_request *request = server_next(server);
	const PbRequeueRequest *message = (const void *)request->message;
	assert_string_equal(message->peer, "510100");
	assert_int_equal(message->seq, 4);
	assert_int_equal(http_running(server->http), 1);
	server_reply(server, request);
	client_assert_answer(fd, 200, "{}");
	close(fd);
}

static void test_a_connection_is_kept_for_more_requests(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	for (int i = 0; i < 50; i++) {
		client_send_call(fd, REQUEUE_METHOD, "{}");
		server_reply(server, server_next(server));
		client_assert_answer(fd, 200, "{}");
		client_send_call(fd, STATUS_METHOD, "{}");
		client_assert_answer(fd, 200, "320400");
	}
	close(fd);
}

static void test_requests_wait_beside_each_other(void **state)
{
	struct server *server = *state;
	int fds[8];
	struct core_request *taken[8];
	for (size_t i = 0; i < 8; i++) {
		fds[i] = client_dial(server->path);
		client_send_call(fds[i], REQUEUE_METHOD, "{}");
	}
	for (size_t i = 0; i < 8; i++)
		taken[i] = server_next(server);
	for (size_t i = 0; i < 8; i++)
		server_reply(server, taken[i]);
	for (size_t i = 0; i < 8; i++) {
		client_assert_answer(fds[i], 200, "{}");
		close(fds[i]);
	}
}

static void test_errors_have_connects_codes_and_statuses(void **state)
{
	struct server *server = *state;
	static const struct {
		enum tb_code code;
		int status;
		const char *says;
	} cases[] = {
		{TB_EMALFORMED, 400, "{\"code\":\"invalid_argument\",\"message\":\"why\"}"},
		{TB_ENOTFOUND, 404, "not_found"},
		{TB_EEXISTS, 409, "already_exists"},
		{TB_EDENIED, 403, "permission_denied"},
		{TB_ESTATE, 400, "failed_precondition"},
		{TB_EUNTRUSTED, 401, "unauthenticated"},
		{TB_ETHROTTLED, 429, "resource_exhausted"},
		{TB_EUNREACHABLE, 503, "unavailable"},
		{TB_ETIMEOUT, 504, "deadline_exceeded"},
		{TB_EUNIMPLEMENTED, 501, "unimplemented"},
		{TB_ESTORAGE, 500, "internal"},
		{TB_ECORRUPT, 500, "data_loss"},
	};
	int fd = client_dial(server->path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_send_call(fd, REQUEUE_METHOD, "{}");
		struct core_request *request = server_next(server);
		tb_fail(&request->error, cases[i].code, "why");
		http_reply(server->http, request);
		client_assert_answer(fd, cases[i].status, cases[i].says);
	}
	close(fd);
}

static void test_a_reason_comes_with_its_values_and_in_the_language_that_is_asked_for(void **state)
{
	static const char *const languages[] = {"", "Accept-Language: en, zh;q=0.5\r\n",
	                                        "Accept-Language: zh-CN,zh;q=0.9\r\n"};
	static const char *const says[] = {
		"\"message\":\"items[3]: no case 620100-1 here\"",
		"\"message\":\"items[3]: no case 620100-1 here\"",
		"\"message\":\"items[3]：本节点没有办件 620100-1\"",
	};
	struct server *server = *state;
	for (size_t i = 0; i < 3; i++) {
		char text[512];
		struct tb_error why;
		int fd = client_dial(server->path);
		snprintf(text, sizeof(text),
		         "POST /tongban.v1.NodeService/Requeue HTTP/1.1\r\nHost: x\r\nContent-Type: "
		         "application/json\r\n%sContent-Length: 2\r\n\r\n{}",
		         languages[i]);
		client_send_text(fd, text);
		struct core_request *request = server_next(server);
		tb_refuse(&why, TB_REASON_CASE_UNKNOWN, "620100-1", NULL);
		tb_fail_at(&request->error, TB_ENOTFOUND, &why, "items[3]");
		http_reply(server->http, request);
		struct client_answer answer = {0};
		client_receive(fd, &answer);
		assert_int_equal(answer.status, 404);
		assert_non_null(strstr(tb_buf_text(&answer.body), says[i]));
		assert_non_null(strstr(
			tb_buf_text(&answer.body),
			"\"reason\":\"CASE_UNKNOWN\",\"values\":[\"620100-1\"],\"where\":\"items[3]\"}"));
		client_answer_clear(&answer);
		close(fd);
	}
}

static void test_error_texts_are_valid_json(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{}");
	struct core_request *request = server_next(server);
	request->error.code = TB_EINVALID;
	/* The last character is cut. */
	snprintf(request->error.text, sizeof(request->error.text), "a\"b\\c\nd\xe5\xb8");
	http_reply(server->http, request);
	client_assert_answer(fd, 400, "\"message\":\"a\\\"b\\\\c\\u000ad\"}");
	close(fd);
}

static void test_preparing_may_refuse(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{\"seq\":13}");
	client_assert_answer(fd, 400, "seq: unlucky");
	close(fd);
}

static void test_bad_json_names_the_field(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{\"seq\":\"many\"}");
	client_assert_answer(fd, 400, "seq");
	client_send_call(fd, REQUEUE_METHOD, "{\"peer\":");
	client_assert_answer(fd, 400, "invalid_argument");
	client_send_call(fd, REQUEUE_METHOD, "{\"other\":1}");
	client_assert_answer(fd, 400, "other");
	close(fd);
}

static void test_the_driver_answers_its_own_methods(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, RELOAD_METHOD, "{}");
	client_assert_answer(fd, 200, "\"peers\":7");
	client_send_call(fd, RELOAD_METHOD, "{\"other\":1}");
	client_assert_answer(fd, 400, "other");
	tb_fail(&server->reload_says, TB_EINVALID, "peers/510100.yaml:3: region");
	client_send_call(fd, RELOAD_METHOD, "{}");
	client_assert_answer(fd, 400, "peers/510100.yaml:3: region");
	assert_int_equal(server->submitted_count, 0);
	close(fd);
	client_assert_exchange(server->path, "GET /tongban.v1.NodeService/Reload HTTP/1.1\r\nHost: x\r\n\r\n",
	                       405, "POST");
}

static void test_what_is_no_method_is_refused(void **state)
{
	struct server *server = *state;
	client_assert_exchange(server->path,
	                       "POST /tongban.v1.NodeService/Nothing HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                       "application/json\r\nContent-Length: 2\r\n\r\n{}",
	                       404, "{\"code\":\"unimplemented\"");
	client_assert_exchange(server->path, "GET /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\n\r\n",
	                       405, "POST");
	client_assert_exchange(server->path, "DELETE /material HTTP/1.1\r\nHost: x\r\n\r\n", 405,
	                       "HTTP method");
	client_assert_exchange(server->path, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405,
	                       "HTTP method");
	client_assert_exchange(server->path,
	                       "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                       "text/plain\r\nContent-Length: 2\r\n\r\n{}",
	                       415, "application/json");
	client_assert_exchange(server->path,
	                       "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                       "application/json-seq\r\nContent-Length: 2\r\n\r\n{}",
	                       415, "application/json");
	client_assert_exchange(server->path,
	                       "POST /tongban.v1.NodeService/Status HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                       "application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
	                       200, "320400");
}

static void test_a_body_that_says_it_is_too_large_is_refused_at_once(void **state)
{
	struct server *server = *state;
	client_assert_exchange(server->path,
	                       "POST /tongban.v1.NodeService/Requeue HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                       "application/json\r\nContent-Length: 16777217\r\n\r\n",
	                       413, "16 MiB");
}

static void test_a_body_that_grows_too_large_is_refused(void **state)
{
	struct server *server = *state;
	static uint8_t spaces[1 << 20];
	memset(spaces, ' ', sizeof(spaces));
	int fd = client_dial(server->path);
	client_send_text(fd, "POST /tongban.v1.NodeService/Requeue HTTP/1.1\r\nHost: x\r\nContent-Type: "
	                     "application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 17; i++)
		client_send_chunk(fd, spaces, sizeof(spaces));
	client_send_text(fd, "0\r\n\r\n");
	client_assert_answer(fd, 400, "body over");
	close(fd);
}

/* ---- clients and servers that go */

static void test_a_client_may_go_while_its_request_is_in_a_turn(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{}");
	struct core_request *request = server_next(server);
	close(fd);
	server_reply(server, request);
	server_wait_idle(server);
	assert_int_equal(atomic_load(&played.requests), 0);
}

static void test_draining_lets_what_has_begun_end(void **state)
{
	struct server *server = *state;
	int busy = client_dial(server->path);
	int idle = client_dial(server->path);
	client_send_call(idle, STATUS_METHOD, "{}");
	client_assert_answer(idle, 200, "320400");
	client_send_call(busy, REQUEUE_METHOD, "{}");
	struct core_request *request = server_next(server);
	http_drain_begin(server->http);
	assert_int_not_equal(access(server->path, F_OK), 0);
	client_send_call(idle, STATUS_METHOD, "{}");
	client_assert_answer(idle, 503, "the node is stopping");
	server_reply(server, request);
	client_assert_answer(busy, 200, "{}");
	server_wait_idle(server);
	close(busy);
	close(idle);
}

/* POST of {} with spaces around it, |size| bytes in all. */
static int send_large(struct server *server, size_t size)
{
	struct tb_buf text = {0};
	int fd = client_dial(server->path);
	tb_buf_printf(&text,
	              "POST " REQUEUE_METHOD " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	              "Content-Length: %zu\r\n\r\n{}",
	              size);
	size_t head = text.size;
	tb_buf_reserve(&text, size - 2);
	memset(text.data + head, ' ', size - 2);
	text.size += size - 2;
	client_send(fd, text.data, text.size);
	tb_buf_clear(&text);
	return fd;
}

static void test_bodies_count_until_their_calls_are_answered(void **state)
{
	enum { CALLS = (256 << 20) / TB_API_BODY_BYTES_MAX };
	struct server *server = *state;
	struct core_request *requests[CALLS];
	int fds[CALLS];
	for (size_t i = 0; i < CALLS; i++) {
		fds[i] = send_large(server, TB_API_BODY_BYTES_MAX);
		requests[i] = server_next(server);
	}
	int more = send_large(server, 100000);
	client_assert_answer(more, 429, "resource_exhausted");
	close(more);
	/* What is small has room. */
	more = send_large(server, 1000);
	server_reply(server, server_next(server));
	client_assert_answer(more, 200, "{}");
	close(more);
	server_reply(server, requests[0]);
	client_assert_answer(fds[0], 200, "{}");
	more = send_large(server, TB_API_BODY_BYTES_MAX);
	server_reply(server, server_next(server));
	client_assert_answer(more, 200, "{}");
	close(more);
	for (size_t i = 1; i < CALLS; i++)
		server_reply(server, requests[i]);
	for (size_t i = 0; i < CALLS; i++)
		close(fds[i]);
}

static void test_closing_says_that_the_fate_is_unknown(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{}");
	struct core_request *request = server_next(server);
	http_close(server->http);
	server->http = NULL;
	client_assert_answer(fd, 503, "what became of the request is unknown");
	core_request_free(request);
	close(fd);
}

static void test_closing_waits_for_a_small_call_that_is_being_prepared(void **state)
{
	struct server *server = *state;
	int fd = client_dial(server->path);
	client_send_call(fd, REQUEUE_METHOD, "{\"seq\":\"17\"}");
	while (!atomic_load(&played.preparing))
		sched_yield();
	/* Its thread is libmicrohttpd's, none of the workers'. */
	http_close(server->http);
	server->http = NULL;
	client_assert_answer(fd, 400, "seq: unlucky");
	close(fd);
}

static void test_the_socket_is_for_its_owner_only(void **state)
{
	struct server *server = *state;
	struct stat st;
	assert_int_equal(stat(server->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct server *server = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct tb_error err = {0};
	http_close(server->http);
	/* A former process was killed: its socket is there, and nobody listens. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	int stale = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_return_code(bind(stale, (const struct sockaddr *)&address, sizeof(address)), errno);
	close(stale);
	assert_int_equal(server_open(server, server->path, &err), TB_OK);
	client_assert_exchange(server->path, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, "tongban");
}

static void test_a_path_too_long_for_a_socket_is_named(void **state)
{
	struct server *server = *state;
	struct tb_error err = {0};
	char path[200];
	http_close(server->http);
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(server_open(server, path, &err), TB_EINVALID);
	assert_null(server->http);
	assert_non_null(strstr(err.text, "too long for a Unix socket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(test_the_root_says_what_this_is),
		WITH_SERVER(test_a_query_is_answered_without_a_turn),
		WITH_SERVER(test_an_empty_body_is_an_empty_message),
		WITH_SERVER(test_a_change_waits_for_its_turn),
		WITH_SERVER(test_a_connection_is_kept_for_more_requests),
		WITH_SERVER(test_requests_wait_beside_each_other),
		WITH_SERVER(test_errors_have_connects_codes_and_statuses),
		WITH_SERVER(test_a_reason_comes_with_its_values_and_in_the_language_that_is_asked_for),
		WITH_SERVER(test_error_texts_are_valid_json),
		WITH_SERVER(test_preparing_may_refuse),
		WITH_SERVER(test_bad_json_names_the_field),
		WITH_SERVER(test_the_driver_answers_its_own_methods),
		WITH_SERVER(test_what_is_no_method_is_refused),
		WITH_SERVER(test_a_body_that_says_it_is_too_large_is_refused_at_once),
		WITH_SERVER(test_a_body_that_grows_too_large_is_refused),
		WITH_SERVER(test_a_client_may_go_while_its_request_is_in_a_turn),
		WITH_SERVER(test_draining_lets_what_has_begun_end),
		WITH_SERVER(test_bodies_count_until_their_calls_are_answered),
		WITH_SERVER(test_closing_says_that_the_fate_is_unknown),
		WITH_SERVER(test_closing_waits_for_a_small_call_that_is_being_prepared),
		WITH_SERVER(test_the_socket_is_for_its_owner_only),
		WITH_SERVER(test_a_stale_socket_is_replaced),
		WITH_SERVER(test_a_path_too_long_for_a_socket_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
