/* The client against a server of a few lines that says what each test wants. */
#include "node/cli/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/cli/server.h"

static void test_client_decodes_replies_on_one_connection(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n"
		"{\"region\": \"320400\"}",
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		NULL,
	};
	struct server server;
	struct tb_arena arena = {0};
	struct tb_error err;
	PbCaseGetRequest request = PB_CASE_GET_REQUEST__INIT;
	proto_message *reply;
	(void)state;
	request.number = (char *)(uintptr_t) "T1";
	server_start(&server, replies);
	struct client *client = client_new(server.dir);
	assert_int_equal(client_call(client, "/tongban.v1.NodeService/Status", &request.base,
	                             &pb_status_response__descriptor, &arena, &reply, &err),
	                 TB_OK);
	assert_string_equal(((PbStatusResponse *)(void *)reply)->region, "320400");
	assert_int_equal(client_call(client, "/tongban.v1.NodeService/Status", &request.base,
	                             &pb_status_response__descriptor, &arena, &reply, &err),
	                 TB_OK);
	client_free(client);
	server_stop(&server);
	const char *seen = tb_buf_text(&server.seen);
	assert_non_null(strstr(seen, "POST /tongban.v1.NodeService/Status HTTP/1.1\r\n"));
	assert_non_null(strstr(seen, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(seen, "\"number\":"));
	assert_null(strstr(seen, "Expect:"));
	server_clear(&server);
	tb_arena_clear(&arena);
}

static void test_client_gives_the_node_s_error(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 404 Not Found\r\nContent-Length: 46\r\n\r\n"
		"{\"code\":\"not_found\",\"message\":\"no such case\"}\n",
		"HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\n<html>",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 126\r\n\r\n"
		"{\"code\":\"not_found\",\"message\":\"x\",\"reason\":\"CASE_UNKNOWN\",\"values\":["
		"\"A\\\"1\"],"
		"\"where\":\"items[3]\",\"details\":[{\"type\":\"t\"}]}      ",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 57\r\n\r\n"
		"{\"code\":\"not_found\",\"message\":\"y\",\"reason\":\"OF_TOMORROW\"}",
		NULL,
	};
	struct server server;
	struct tb_arena arena = {0};
	struct tb_error err;
	char text[TB_ERROR_TEXT_MAX];
	PbStatusRequest request = PB_STATUS_REQUEST__INIT;
	proto_message *reply;
	(void)state;
	server_start(&server, replies);
	struct client *client = client_new(server.dir);
	assert_int_equal(client_call(client, "/x", &request.base, &pb_status_response__descriptor, &arena,
	                             &reply, &err),
	                 TB_ENOTFOUND);
	assert_string_equal(err.text, "no such case");
	assert_null(reply);
	assert_int_equal(client_call(client, "/x", &request.base, &pb_status_response__descriptor, &arena,
	                             &reply, &err),
	                 TB_EIO);
	/* A reason is told in any language; one that is not known here as the node told it. */
	assert_int_equal(client_call(client, "/x", &request.base, &pb_status_response__descriptor, &arena,
	                             &reply, &err),
	                 TB_ENOTFOUND);
	assert_int_equal(err.reason, TB_REASON_CASE_UNKNOWN);
	tb_error_text(text, &err, true);
	assert_string_equal(text, "items[3]：本节点没有办件 A\"1");
	assert_int_equal(client_call(client, "/x", &request.base, &pb_status_response__descriptor, &arena,
	                             &reply, &err),
	                 TB_ENOTFOUND);
	tb_error_text(text, &err, true);
	assert_string_equal(text, "y");
	client_free(client);
	server_stop(&server);
	server_clear(&server);
	tb_arena_clear(&arena);
}

static void test_client_job_works_in_the_background(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 403 No\r\nContent-Length: 48\r\n\r\n"
		"{\"code\":\"permission_denied\",\"message\":\"refused\"}",
		NULL,
	};
	struct server server;
	struct tb_error err;
	struct tb_bytes reply;
	(void)state;
	server_start(&server, replies);
	struct client_job *job = client_job_new(server.dir);
	tb_buf_str(client_job_body(job), "{\"a\":1}");
	client_job_start(job, "/x", 1);
	assert_true(client_job_busy(job));
	assert_int_equal(client_job_wait(job, &reply, &err), TB_OK);
	assert_true(tb_bytes_equal(reply, tb_bytes_str("{}")));
	assert_int_equal(client_job_body(job)->size, 0);
	client_job_start(job, "/x", 3);
	assert_int_equal(client_job_wait(job, &reply, &err), TB_EDENIED);
	assert_string_equal(err.text, "refused");
	client_job_free(job);
	server_stop(&server);
	server_clear(&server);
}

static void test_client_tells_a_full_disk_from_a_limit(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 429 No\r\nContent-Length: 76\r\n\r\n"
		"{\"code\":\"resource_exhausted\",\"message\":\"m: cannot: No space left on device\"}",
		"HTTP/1.1 429 No\r\nContent-Length: 54\r\n\r\n"
		"{\"code\":\"resource_exhausted\",\"message\":\"in 7 seconds\"}",
		NULL,
	};
	struct server server;
	struct tb_error err;
	struct tb_buf reply = {0};
	(void)state;
	server_start(&server, replies);
	struct client *client = client_new(server.dir);
	assert_int_equal(client_post(client, "/x", tb_bytes_str("{}"), &reply, &err), TB_EFULL);
	reply.size = 0;
	assert_int_equal(client_post(client, "/x", tb_bytes_str("{}"), &reply, &err), TB_ETHROTTLED);
	client_free(client);
	tb_buf_clear(&reply);
	server_stop(&server);
	server_clear(&server);
}

static void test_client_says_that_no_node_runs(void **state)
{
	struct tb_buf reply = {0};
	struct tb_error err;
	(void)state;
	struct client *client = client_new("/nonexistent/tongban");
	assert_int_equal(client_post(client, "/x", tb_bytes_str("{}"), &reply, &err), TB_EUNREACHABLE);
	assert_non_null(strstr(err.text, "/nonexistent/tongban"));
	client_free(client);
	tb_buf_clear(&reply);
}

static void test_client_refuses_a_directory_too_long_for_a_socket(void **state)
{
	char dir[200];
	struct tb_buf reply = {0};
	struct tb_error err;
	(void)state;
	memset(dir, 'd', sizeof(dir) - 1);
	dir[0] = '/';
	dir[sizeof(dir) - 1] = 0;
	struct client *client = client_new(dir);
	assert_int_equal(client_post(client, "/x", tb_bytes_str("{}"), &reply, &err), TB_EINVALID);
	client_free(client);
	tb_buf_clear(&reply);
}

static void test_client_does_not_send_what_is_no_file(void **state)
{
	struct tb_arena arena = {0};
	struct tb_error err;
	PbMaterialView *view;
	(void)state;
	struct client *client = client_new("/nonexistent");
	assert_int_equal(client_put_file(client, "/nonexistent/scan.pdf", &arena, &view, &err), TB_ENOTFOUND);
	assert_int_equal(client_put_file(client, "/dev/null", &arena, &view, &err), TB_EINVALID);
	assert_null(view);
	client_free(client);
	tb_arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_decodes_replies_on_one_connection),
		cmocka_unit_test(test_client_gives_the_node_s_error),
		cmocka_unit_test(test_client_job_works_in_the_background),
		cmocka_unit_test(test_client_says_that_no_node_runs),
		cmocka_unit_test(test_client_tells_a_full_disk_from_a_limit),
		cmocka_unit_test(test_client_refuses_a_directory_too_long_for_a_socket),
		cmocka_unit_test(test_client_does_not_send_what_is_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
