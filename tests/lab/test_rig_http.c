#include "sim/lab/rig_http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char whole[] = "HTTP/1.1 100 Continue\r\n\r\n"
			    "HTTP/1.1 404 Not Found\r\nServer: x\r\ncontent-length: 5\r\n\r\nhello";

static void test_a_reply_is_whole_with_its_last_byte(void **state)
{
	struct rig_reply reply = {0};
	struct tb_buf in = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		tb_buf_add(&in, &whole[i], 1);
		bool last = i == sizeof(whole) - 2;
		assert_int_equal(rig_http_look(&reply, &in), last ? RIG_WHOLE : RIG_MORE);
	}
	assert_int_equal(reply.status, 404);
	assert_int_equal(reply.body_size, 5);
	assert_memory_equal(in.data + reply.body_at, "hello", 5);
	tb_buf_clear(&in);
}

static void test_what_is_no_reply_is_strange(void **state)
{
	static const char *const texts[] = {"SSH-2.0-x\r\n\r\n", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
	                                    "HTTP/1.1 200 OK\r\n\r\ncontent-length: 3\r\n\r\n"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rig_reply reply = {0};
		struct tb_buf in = {0};
		tb_buf_str(&in, texts[i]);
		assert_int_equal(rig_http_look(&reply, &in), RIG_STRANGE);
		tb_buf_clear(&in);
	}
}

static void test_a_request_replaces_the_one_before_and_names_its_length(void **state)
{
	struct tb_buf out = {0};
	(void)state;
	rig_http_get(&out, "/material/00");
	rig_http_post(&out, "/x.Y/Z", tb_bytes_str("{\"a\":1}"));
	assert_memory_equal(tb_buf_text(&out), "POST /x.Y/Z HTTP/1.1\r\n", 22);
	assert_non_null(strstr(tb_buf_text(&out), "\r\nContent-Length: 7\r\n"));
	assert_string_equal(strstr(tb_buf_text(&out), "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
	tb_buf_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_reply_is_whole_with_its_last_byte),
		cmocka_unit_test(test_what_is_no_reply_is_strange),
		cmocka_unit_test(test_a_request_replaces_the_one_before_and_names_its_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
