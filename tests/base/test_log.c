#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* stderr is a file for the time of a test: the log writes to the descriptor. */
struct capture {
	int kept;
	FILE *file;
	char text[8192];
};

static void capture_begin(struct capture *capture)
{
	capture->file = tmpfile();
	assert_non_null(capture->file);
	capture->kept = dup(STDERR_FILENO);
	assert_true(capture->kept >= 0);
	assert_true(dup2(fileno(capture->file), STDERR_FILENO) >= 0);
}

static const char *capture_end(struct capture *capture)
{
	assert_true(dup2(capture->kept, STDERR_FILENO) >= 0);
	close(capture->kept);
	rewind(capture->file);
	size_t size = fread(capture->text, 1, sizeof(capture->text) - 1, capture->file);
	capture->text[size] = 0;
	fclose(capture->file);
	return capture->text;
}

static tb_time fixed_now(void)
{
	return 0;
}

static void test_log_writes_one_object_a_line(void **state)
{
	(void)state;
	struct capture capture;
	tb_log_setup(TB_LOG_INFO, fixed_now);
	capture_begin(&capture);
	tb_log(TB_LOG_WARN, "peer_down", "peer", "320400", "gone", (const char *)NULL, "why", "timeout",
	       NULL);
	tb_log(TB_LOG_ERROR, "stop", NULL);
	assert_string_equal(capture_end(&capture),
	                    "{\"time\":\"1970-01-01T08:00:00.000+08:00\",\"level\":\"warn\",\"event\":"
	                    "\"peer_down\",\"peer\":\"320400\",\"why\":\"timeout\"}\n"
	                    "{\"time\":\"1970-01-01T08:00:00.000+08:00\",\"level\":\"error\",\"event\":"
	                    "\"stop\"}\n");
}

static void test_log_leaves_out_the_time_without_a_clock(void **state)
{
	(void)state;
	struct capture capture;
	tb_log_setup(TB_LOG_INFO, NULL);
	capture_begin(&capture);
	tb_log(TB_LOG_INFO, "start", NULL);
	assert_string_equal(capture_end(&capture), "{\"level\":\"info\",\"event\":\"start\"}\n");
}

static void test_log_drops_what_is_below_the_level(void **state)
{
	(void)state;
	struct capture capture;
	tb_log_setup(TB_LOG_WARN, NULL);
	capture_begin(&capture);
	tb_log(TB_LOG_DEBUG, "a", NULL);
	tb_log(TB_LOG_INFO, "b", NULL);
	tb_log(TB_LOG_WARN, "c", NULL);
	assert_string_equal(capture_end(&capture), "{\"level\":\"warn\",\"event\":\"c\"}\n");
	tb_log_setup(TB_LOG_DEBUG, NULL);
	capture_begin(&capture);
	tb_log(TB_LOG_DEBUG, "a", NULL);
	assert_string_equal(capture_end(&capture), "{\"level\":\"debug\",\"event\":\"a\"}\n");
}

/* A value that a peer chose can forge neither a line, nor a field, nor a colour on the operator's terminal.
 */
static void test_log_can_not_be_forged(void **state)
{
	(void)state;
	struct capture capture;
	tb_log_setup(TB_LOG_INFO, NULL);
	capture_begin(&capture);
	tb_log(TB_LOG_INFO, "x", "a", "1\"}\r\n{\"level\":\"error", "b", "\x1b[31m\\ \xe2\x80\xae", "c",
	       "\xd6\xd0 \x80 \xe4\xb8", "d", "南京", NULL);
	assert_string_equal(capture_end(&capture),
	                    "{\"level\":\"info\",\"event\":\"x\",\"a\":\"1\\\"}??{\\\"level\\\":\\\"error\","
	                    "\"b\":\"?[31m\\\\ ?\",\"c\":\"??? ?\",\"d\":\"南京\"}\n");
}

static void test_log_cuts_a_long_value(void **state)
{
	(void)state;
	struct capture capture;
	char value[5001];
	memset(value, 'v', 5000);
	value[5000] = 0;
	tb_log_setup(TB_LOG_INFO, NULL);
	capture_begin(&capture);
	tb_log(TB_LOG_INFO, "x", "a", value, "b", "after", NULL);
	const char *text = capture_end(&capture);
	assert_true(strlen(text) < 700);
	assert_non_null(strstr(text, "\",\"b\":\"after\"}\n"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_writes_one_object_a_line),
		cmocka_unit_test(test_log_leaves_out_the_time_without_a_clock),
		cmocka_unit_test(test_log_drops_what_is_below_the_level),
		cmocka_unit_test(test_log_can_not_be_forged),
		cmocka_unit_test(test_log_cuts_a_long_value),
	};
	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
