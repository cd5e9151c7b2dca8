#include "storage/blob.h"

#include "scratch.h"

enum { CHUNK = 1000 };
#define NAME "00ff"
#define ROOT "abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789"

static struct blob_dir *open_dir(struct scratch *scratch)
{
	struct blob_dir *dir = NULL;
	struct tb_error err = {0};
	if (blob_dir_open(&dir, scratch_path(scratch, "blobs"), CHUNK, &err) != TB_OK)
		fail_msg("%s", err.text);
	return dir;
}

static struct blob_writer *open_writer(struct blob_dir *dir, const char *name, uint32_t chunks)
{
	struct blob_writer *writer = NULL;
	assert_int_equal(blob_writer_open(&writer, dir, name, chunks, NULL), TB_OK);
	return writer;
}

static enum tb_code write_chunk(struct blob_writer *writer, char fill, size_t size)
{
	uint8_t chunk[CHUNK];
	memset(chunk, fill, sizeof(chunk));
	return blob_write(writer, tb_bytes_of(chunk, size), NULL);
}

/* The sizes and first bytes of all chunks: "1000a 1000b 10c". */
static void expect_chunks(struct blob_reader *reader, const char *expected)
{
	struct tb_buf seen = {0};
	struct tb_buf chunk = {0};
	for (uint32_t i = 0;; i++) {
		assert_int_equal(blob_read(reader, i, &chunk, NULL), TB_OK);
		if (chunk.size == 0)
			break;
		for (size_t at = 1; at < chunk.size; at++)
			assert_int_equal(chunk.data[at], chunk.data[0]);
		tb_buf_printf(&seen, "%s%zu%c", i > 0 ? " " : "", chunk.size, chunk.data[0]);
	}
	assert_string_equal(tb_buf_text(&seen), expected);
	tb_buf_clear(&seen);
	tb_buf_clear(&chunk);
	blob_reader_close(reader);
}

static void expect_partial(struct blob_dir *dir, const char *name, const char *expected)
{
	struct blob_reader *reader = NULL;
	assert_int_equal(blob_reader_open_partial(&reader, dir, name, NULL), TB_OK);
	expect_chunks(reader, expected);
}

static int mode_of(struct scratch *scratch, const char *name)
{
	struct stat stat_of;
	return stat(scratch_path(scratch, name), &stat_of) == 0 ? (int)(stat_of.st_mode & 0777) : -1;
}

static void test_blob_finish_renames(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(write_chunk(writer, 'a', CHUNK), TB_OK);
	assert_int_equal(write_chunk(writer, 'b', CHUNK), TB_OK);
	assert_int_equal(write_chunk(writer, 'c', 10), TB_OK);
	assert_false(blob_exists(dir, ROOT));
	assert_int_equal(mode_of(*state, "blobs/partial/" NAME), 0600);
	assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	assert_true(blob_exists(dir, ROOT));
	assert_int_equal(mode_of(*state, "blobs/partial/" NAME), -1);
	assert_int_equal(mode_of(*state, "blobs"), 0700);
	assert_int_equal(mode_of(*state, "blobs/partial"), 0700);
	assert_int_equal(mode_of(*state, "blobs/ab"), 0700);
	assert_int_equal(mode_of(*state, "blobs/ab/" ROOT), 0600);
	blob_dir_close(dir);

	dir = open_dir(*state);
	struct blob_reader *reader = NULL;
	assert_int_equal(blob_reader_open(&reader, dir, ROOT, NULL), TB_OK);
	expect_chunks(reader, "1000a 1000b 10c");
	blob_dir_close(dir);
}

static void test_blob_may_be_finished_twice(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	for (int i = 0; i < 2; i++) {
		struct blob_writer *writer = open_writer(dir, NAME, 0);
		assert_int_equal(write_chunk(writer, 'a', 5), TB_OK);
		assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	}
	assert_true(blob_exists(dir, ROOT));
	blob_dir_close(dir);
}

static void test_blob_resume_cuts_the_tail(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	for (char fill = 'a'; fill < 'e'; fill++)
		assert_int_equal(write_chunk(writer, fill, CHUNK), TB_OK);
	assert_int_equal(blob_sync(writer, NULL), TB_OK);
	blob_writer_close(writer, false);

	writer = open_writer(dir, NAME, 2);
	expect_partial(dir, NAME, "1000a 1000b");
	assert_int_equal(write_chunk(writer, 'x', CHUNK), TB_OK);
	assert_int_equal(write_chunk(writer, 'y', 1), TB_OK);
	assert_int_equal(blob_sync(writer, NULL), TB_OK);
	expect_partial(dir, NAME, "1000a 1000b 1000x 1y");
	assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	blob_dir_close(dir);
}

static void test_blob_resume_keeps_a_short_last_chunk(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(write_chunk(writer, 'a', CHUNK), TB_OK);
	assert_int_equal(write_chunk(writer, 'b', 7), TB_OK);
	blob_writer_close(writer, false);
	writer = open_writer(dir, NAME, 2);
	expect_partial(dir, NAME, "1000a 7b");
	assert_int_equal(write_chunk(writer, 'c', CHUNK), TB_ESTATE);
	assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	blob_dir_close(dir);
}

static void test_blob_resume_refuses_a_partial_that_lost_chunks(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(write_chunk(writer, 'a', CHUNK), TB_OK);
	blob_writer_close(writer, false);
	struct tb_error err = {0};
	assert_int_equal(blob_writer_open(&writer, dir, NAME, 2, &err), TB_ECORRUPT);
	assert_null(writer);
	assert_int_equal(err.code, TB_ECORRUPT);
	blob_dir_close(dir);
}

static void test_blob_refuses_a_chunk_after_a_short_one(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(write_chunk(writer, 'a', CHUNK - 1), TB_OK);
	assert_int_equal(write_chunk(writer, 'b', CHUNK), TB_ESTATE);
	expect_partial(dir, NAME, "999a");
	blob_writer_close(writer, true);
	assert_int_equal(mode_of(*state, "blobs/partial/" NAME), -1);
	blob_dir_close(dir);
}

static void test_blob_says_that_the_disk_is_full(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(write_chunk(writer, 'a', CHUNK), TB_OK);
	scratch_limit_files(CHUNK + CHUNK / 2); /* the first write is short, the next fails */
	struct tb_error err = {0};
	uint8_t chunk[CHUNK] = {0};
	assert_int_equal(blob_write(writer, tb_bytes_of(chunk, CHUNK), &err), TB_EFULL);
	assert_int_equal(err.code, TB_EFULL);
	expect_partial(dir, NAME, "1000a");
	scratch_unlimit_files();
	/* Once there is room, it goes on where it was. */
	assert_int_equal(write_chunk(writer, 'b', CHUNK), TB_OK);
	assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	struct blob_reader *reader = NULL;
	assert_int_equal(blob_reader_open(&reader, dir, ROOT, NULL), TB_OK);
	expect_chunks(reader, "1000a 1000b");
	blob_dir_close(dir);
}

static void test_blob_refuses_names_that_are_not_hex(void **state)
{
	static const char *const names[] = {"", "a", "../../etc", "ABCD", "ab/cd", "ab.cd", "..", "xyz0"};
	struct blob_dir *dir = open_dir(*state);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct blob_writer *writer = NULL;
		struct blob_reader *reader = NULL;
		assert_int_equal(blob_writer_open(&writer, dir, names[i], 0, NULL), TB_EINVALID);
		assert_null(writer);
		assert_int_equal(blob_reader_open(&reader, dir, names[i], NULL), TB_EINVALID);
		assert_int_equal(blob_reader_open_partial(&reader, dir, names[i], NULL), TB_EINVALID);
		assert_null(reader);
		assert_false(blob_exists(dir, names[i]));
		writer = open_writer(dir, NAME, 0);
		assert_int_equal(blob_finish(writer, names[i], NULL), TB_EINVALID);
	}
	blob_dir_close(dir);
}

static void test_blob_that_is_not_there_is_not_found(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	struct blob_reader *reader = NULL;
	assert_false(blob_exists(dir, ROOT));
	assert_int_equal(blob_reader_open(&reader, dir, ROOT, NULL), TB_ENOTFOUND);
	assert_int_equal(blob_reader_open_partial(&reader, dir, NAME, NULL), TB_ENOTFOUND);
	assert_null(reader);
	blob_reader_close(NULL);
	blob_writer_close(NULL, true);
	blob_dir_close(dir);
	blob_dir_close(NULL);
}

static void test_blob_does_not_follow_links(void **state)
{
	struct scratch *scratch = *state;
	struct blob_dir *dir = open_dir(scratch);
	assert_int_equal(symlink("/etc/passwd", scratch_path(scratch, "blobs/partial/" NAME)), 0);
	struct blob_writer *writer = NULL;
	assert_int_not_equal(blob_writer_open(&writer, dir, NAME, 0, NULL), TB_OK);
	assert_null(writer);
	blob_dir_close(dir);
}

static bool keep_second(void *ctx, const char *name)
{
	++*(int *)ctx;
	return strcmp(name, "bb") == 0;
}

static void test_blob_sweep_removes_what_is_not_kept(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	static const char *const names[] = {"aa", "bb", "cc"};
	for (size_t i = 0; i < 3; i++)
		blob_writer_close(open_writer(dir, names[i], 0), false);
	struct blob_writer *writer = open_writer(dir, NAME, 0);
	assert_int_equal(blob_finish(writer, ROOT, NULL), TB_OK);
	int asked = 0;
	blob_sweep(dir, keep_second, &asked);
	assert_int_equal(asked, 3);
	assert_int_equal(mode_of(*state, "blobs/partial/aa"), -1);
	assert_int_equal(mode_of(*state, "blobs/partial/bb"), 0600);
	assert_int_equal(mode_of(*state, "blobs/partial/cc"), -1);
	assert_true(blob_exists(dir, ROOT));
	blob_dir_close(dir);
}

static void test_blob_remove_leaves_nothing_of_the_name(void **state)
{
	struct blob_dir *dir = open_dir(*state);
	assert_int_equal(blob_finish(open_writer(dir, NAME, 0), ROOT, NULL), TB_OK);
	blob_writer_close(open_writer(dir, ROOT, 0), false);
	blob_writer_close(open_writer(dir, "aa", 0), false);
	assert_int_equal(blob_remove(dir, ROOT, NULL), TB_OK);
	assert_false(blob_exists(dir, ROOT));
	assert_int_equal(mode_of(*state, "blobs/partial/" ROOT), -1);
	assert_int_equal(mode_of(*state, "blobs/partial/aa"), 0600);
	assert_int_equal(blob_remove(dir, ROOT, NULL), TB_OK);
	blob_dir_close(dir);
}

static void test_blob_dir_refuses_a_file(void **state)
{
	int fd = open(scratch_path(*state, "blobs"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	struct blob_dir *dir = NULL;
	assert_int_equal(blob_dir_open(&dir, scratch_path(*state, "blobs"), CHUNK, NULL), TB_ESTORAGE);
	assert_null(dir);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_blob_finish_renames),
		TEST(test_blob_may_be_finished_twice),
		TEST(test_blob_resume_cuts_the_tail),
		TEST(test_blob_resume_keeps_a_short_last_chunk),
		TEST(test_blob_resume_refuses_a_partial_that_lost_chunks),
		TEST(test_blob_refuses_a_chunk_after_a_short_one),
		TEST(test_blob_says_that_the_disk_is_full),
		TEST(test_blob_refuses_names_that_are_not_hex),
		TEST(test_blob_that_is_not_there_is_not_found),
		TEST(test_blob_does_not_follow_links),
		TEST(test_blob_sweep_removes_what_is_not_kept),
		TEST(test_blob_remove_leaves_nothing_of_the_name),
		TEST(test_blob_dir_refuses_a_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
