#include "sim/lab/rig_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static char scratch[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/tongban-rig-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rig_tree_remove(scratch) ? 0 : -1;
}

static const char *at(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
	return path;
}

static void test_a_copied_tree_has_the_same_files_with_their_modes(void **state)
{
	struct tb_buf text = {0};
	struct stat st;
	(void)state;
	assert_int_equal(mkdir(at("from"), 0700), 0);
	assert_int_equal(mkdir(at("from/in"), 0750), 0);
	assert_true(rig_file_write(at("from/in/a"), tb_bytes_str("one")));
	assert_int_equal(chmod(at("from/in/a"), 0600), 0);
	assert_true(rig_tree_copy(at("from"), at("to")));
	assert_true(rig_file_read(&text, at("to/in/a"), 100));
	assert_string_equal(tb_buf_text(&text), "one");
	assert_int_equal(stat(at("to/in/a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	tb_buf_clear(&text);
	/* What is there is never written over. */
	assert_false(rig_tree_copy(at("from"), at("to")));
	assert_int_equal(errno, EEXIST);
	assert_false(rig_tree_copy(at("nothing"), at("other")));
}

static void test_a_file_is_read_up_to_the_limit(void **state)
{
	struct tb_buf text = {0};
	(void)state;
	assert_true(rig_file_write(at("f"), tb_bytes_str("0123456789")));
	assert_true(rig_file_read(&text, at("f"), 4));
	assert_string_equal(tb_buf_text(&text), "0123");
	assert_false(rig_file_read(&text, at("none"), 4));
	tb_buf_clear(&text);
}

static void test_removing_what_is_not_there_is_done(void **state)
{
	(void)state;
	assert_true(rig_tree_remove(at("none")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_copied_tree_has_the_same_files_with_their_modes),
		cmocka_unit_test(test_a_file_is_read_up_to_the_limit),
		cmocka_unit_test(test_removing_what_is_not_there_is_done),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
