#include "node/cli/userfile.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[32];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/tongban-userfile-XXXXXX");
	return mkdtemp(dir) ? 0 : 1;
}

static const char *in_dir(const char *name)
{
	static char paths[4][sizeof(dir) + NAME_MAX + 1];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static size_t files_count(void)
{
	size_t count = 0;
	DIR *all = opendir(dir);
	assert_non_null(all);
	for (struct dirent *entry; (entry = readdir(all)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(all);
	return count;
}

static int teardown(void **state)
{
	(void)state;
	DIR *all = opendir(dir);
	for (struct dirent *entry; all && (entry = readdir(all)) != NULL;)
		unlink(in_dir(entry->d_name));
	closedir(all);
	return rmdir(dir);
}

static void put(const char *path, const char *content)
{
	struct tb_error err;
	assert_int_equal(userfile_write(path, tb_bytes_str(content), &err), TB_OK);
}

static void assert_content(const char *path, const char *expected)
{
	struct tb_buf content = {0};
	struct tb_error err;
	assert_int_equal(userfile_read(&content, path, 100, &err), TB_OK);
	assert_string_equal(tb_buf_text(&content), expected);
	tb_buf_clear(&content);
}

static mode_t kind_of(const char *path)
{
	struct stat about;
	assert_int_equal(lstat(path, &about), 0);
	return about.st_mode & S_IFMT;
}

static void test_a_regular_file_is_replaced_whole_or_stays(void **state)
{
	(void)state;
	const char *path = in_dir("out");
	struct userfile_out out;
	struct tb_error err;
	put(path, "first, and longer");
	put(path, "second");
	assert_content(path, "second");
	assert_int_equal(userfile_out_open(&out, path, &err), TB_OK);
	fputs("half", out.stream);
	assert_int_equal(userfile_out_close(&out, false, &err), TB_OK);
	assert_content(path, "second");
	assert_int_equal(files_count(), 1);
}

static void test_a_fifo_is_written_to(void **state)
{
	(void)state;
	const char *path = in_dir("pipe");
	char got[16] = {0};
	assert_int_equal(mkfifo(path, 0600), 0);
	int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	put(path, "through");
	assert_int_equal(kind_of(path), S_IFIFO);
	assert_int_equal(read(reader, got, sizeof(got)), 7);
	assert_string_equal(got, "through");
	close(reader);
}

static void test_a_link_stays_a_link(void **state)
{
	(void)state;
	const char *target = in_dir("target"), *link = in_dir("link");
	assert_int_equal(symlink(target, link), 0);
	put(link, "new, where nothing was");
	assert_content(target, "new, where nothing was");
	put(link, "shorter");
	assert_content(target, "shorter");
	assert_int_equal(kind_of(link), S_IFLNK);
	assert_int_equal(kind_of(target), S_IFREG);
	assert_int_equal(files_count(), 2);
}

static void test_a_directory_is_refused(void **state)
{
	(void)state;
	struct tb_error err;
	const char *link = in_dir("link");
	assert_int_equal(userfile_write(dir, tb_bytes_str("x"), &err), TB_EINVALID);
	assert_non_null(strstr(err.text, "directory"));
	assert_int_equal(symlink(dir, link), 0);
	assert_int_equal(userfile_write(link, tb_bytes_str("x"), &err), TB_EINVALID);
	assert_int_equal(kind_of(link), S_IFLNK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_regular_file_is_replaced_whole_or_stays, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(test_a_fifo_is_written_to, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_link_stays_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_directory_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
