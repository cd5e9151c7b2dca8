#include "storage/store.h"

#include "scratch.h"

enum { LETTERS, NUMBERS };
static const char *const tables[] = {"letters", "numbers", NULL};

static struct store *open_store(struct scratch *scratch, uint64_t map_bytes)
{
	struct store *store = NULL;
	struct tb_error err = {0};
	struct store_options options = {scratch->dir, map_bytes, tables};
	if (store_open(&store, &options, &err) != TB_OK)
		fail_msg("%s", err.text);
	return store;
}

static enum tb_code try_open(struct scratch *scratch)
{
	struct store *store = NULL;
	struct tb_error err = {0};
	struct store_options options = {scratch->dir, 1 << 24, tables};
	enum tb_code code = store_open(&store, &options, &err);
	assert_true((code == TB_OK) == (store != NULL));
	assert_int_equal(code, err.code);
	store_close(store);
	return code;
}

static struct store_txn *begin_write(struct store *store)
{
	struct store_txn *txn = NULL;
	assert_int_equal(store_write(&txn, store, NULL), TB_OK);
	return txn;
}

static struct store_txn *begin_read(struct store *store)
{
	struct store_txn *txn = NULL;
	assert_int_equal(store_read(&txn, store, NULL), TB_OK);
	return txn;
}

static void put(struct store_txn *txn, unsigned table, const char *key, const char *value)
{
	store_put(txn, table, tb_bytes_str(key), tb_bytes_str(value));
}

static void expect(struct store_txn *txn, unsigned table, const char *key, const char *value)
{
	struct tb_bytes got;
	bool found = store_get(txn, table, tb_bytes_str(key), &got);
	assert_int_equal(found, value != NULL);
	if (value)
		assert_true(tb_bytes_equal(got, tb_bytes_str(value)));
	else
		assert_int_equal(got.size, 0);
}

/* Appends |count| records of |size| bytes under numbers from |first| on. */
static void fill(struct store_txn *txn, uint32_t first, uint32_t count, size_t size)
{
	uint8_t *value = tb_alloc(size);
	for (uint32_t i = first; i < first + count; i++) {
		uint8_t key[4];
		tb_put_u32(key, i);
		store_append(txn, NUMBERS, tb_bytes_of(key, 4), tb_bytes_of(value, size));
	}
	free(value);
}

static off_t data_size(struct scratch *scratch)
{
	struct stat stat_of;
	assert_int_equal(stat(scratch_path(scratch, "data.mdb"), &stat_of), 0);
	return stat_of.st_size;
}

static void overwrite(struct scratch *scratch, off_t offset, const void *bytes, size_t size)
{
	int fd = open(scratch_path(scratch, "data.mdb"), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, offset), (ssize_t)size);
	close(fd);
}

static void test_store_keeps_what_was_committed(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "alpha");
	put(txn, LETTERS, "b", "");
	put(txn, NUMBERS, "a", "other table");
	expect(txn, LETTERS, "a", "alpha");
	assert_int_equal(store_count(txn, LETTERS), 2);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);

	store = open_store(*state, 1 << 24);
	txn = begin_read(store);
	expect(txn, LETTERS, "a", "alpha");
	expect(txn, LETTERS, "b", "");
	expect(txn, LETTERS, "c", NULL);
	expect(txn, NUMBERS, "a", "other table");
	assert_int_equal(store_failed(txn), TB_OK);
	store_abort(txn);
	assert_true(store_bytes(store) >= 4096);
	store_close(store);
}

static void test_store_forgets_what_was_aborted(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "alpha");
	store_abort(txn);
	store_abort(NULL);
	txn = begin_write(store);
	expect(txn, LETTERS, "a", NULL);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
	store_close(NULL);
}

static void test_store_replaces_and_deletes(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "alpha");
	put(txn, LETTERS, "a", "again");
	expect(txn, LETTERS, "a", "again");
	assert_true(store_delete(txn, LETTERS, tb_bytes_str("a")));
	assert_false(store_delete(txn, LETTERS, tb_bytes_str("a")));
	expect(txn, LETTERS, "a", NULL);
	assert_int_equal(store_count(txn, LETTERS), 0);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

static void test_store_readers_see_the_last_commit(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *before = begin_read(store);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "alpha");
	expect(before, LETTERS, "a", NULL);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	struct store_txn *after = begin_read(store);
	expect(before, LETTERS, "a", NULL);
	expect(after, LETTERS, "a", "alpha");
	store_abort(before);
	store_abort(after);
	store_close(store);
}

static void test_store_takes_the_longest_key(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	uint8_t key[STORE_KEY_BYTES_MAX];
	memset(key, 0xFF, sizeof(key));
	store_put(txn, LETTERS, tb_bytes_of(key, sizeof(key)), tb_bytes_str("long"));
	struct tb_bytes value;
	assert_true(store_get(txn, LETTERS, tb_bytes_of(key, sizeof(key)), &value));
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

/* ---- cursors */

static void walk(struct store_cursor *cursor, const char *expected)
{
	struct tb_buf seen = {0};
	struct tb_bytes key, value;
	while (store_next(cursor, &key, &value)) {
		assert_true(tb_bytes_equal(key, value));
		tb_buf_add(&seen, key.data, key.size);
		tb_buf_str(&seen, " ");
	}
	assert_false(store_next(cursor, &key, &value));
	assert_string_equal(tb_buf_text(&seen), expected);
	tb_buf_clear(&seen);
	store_cursor_end(cursor);
	store_cursor_end(cursor);
}

static void forward(struct store_txn *txn, const char *prefix, const char *from, const char *expected)
{
	struct store_cursor cursor;
	store_cursor(&cursor, txn, LETTERS, tb_bytes_str(prefix), tb_bytes_str(from));
	walk(&cursor, expected);
}

static void backward(struct store_txn *txn, const char *prefix, const char *expected)
{
	struct store_cursor cursor;
	store_cursor_last(&cursor, txn, LETTERS, tb_bytes_str(prefix));
	walk(&cursor, expected);
}

static void test_store_cursor_walks_a_prefix_both_ways(void **state)
{
	static const char *const keys[] = {"b", "ba", "a", "bb", "bba", "c", "\xFF", "\xFF\xFF", "\xFFz"};
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	forward(txn, "", "", "");
	backward(txn, "", "");
	backward(txn, "b", "");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		put(txn, LETTERS, keys[i], keys[i]);
	assert_int_equal(store_commit(txn, NULL), TB_OK);

	txn = begin_read(store);
	forward(txn, "", "", "a b ba bb bba c \xFF \xFFz \xFF\xFF ");
	forward(txn, "b", "", "b ba bb bba ");
	forward(txn, "b", "a", "b ba bb bba ");
	forward(txn, "b", "bab", "bb bba ");
	forward(txn, "b", "c", "");
	forward(txn, "", "bc", "c \xFF \xFFz \xFF\xFF ");
	forward(txn, "\xFF", "", "\xFF \xFFz \xFF\xFF ");
	forward(txn, "d", "", "");
	backward(txn, "", "\xFF\xFF \xFFz \xFF c bba bb ba b a ");
	backward(txn, "b", "bba bb ba b ");
	backward(txn, "bb", "bba bb ");
	backward(txn, "\xFF", "\xFF\xFF \xFFz \xFF ");
	backward(txn, "\xFF\xFF", "\xFF\xFF ");
	backward(txn, "c", "c ");
	backward(txn, "0", "");
	backward(txn, "d", "");
	store_abort(txn);
	store_close(store);
}

static void test_store_cursor_stops_anywhere(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "a");
	put(txn, LETTERS, "b", "b");
	struct store_cursor cursor;
	struct tb_bytes key, value;
	store_cursor(&cursor, txn, LETTERS, tb_bytes_str(""), tb_bytes_str(""));
	assert_true(store_next(&cursor, &key, &value));
	store_cursor_end(&cursor);
	assert_false(store_next(&cursor, &key, &value));
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

/* ---- failures */

static void test_store_keeps_the_first_failure(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	put(txn, LETTERS, "a", "alpha");
	store_append(txn, NUMBERS, tb_bytes_str("2"), tb_bytes_str("two"));
	assert_int_equal(store_failed(txn), TB_OK);
	store_append(txn, NUMBERS, tb_bytes_str("1"), tb_bytes_str("one"));
	assert_int_equal(store_failed(txn), TB_ESTORAGE);
	/* From here on nothing is read and nothing is written. */
	put(txn, LETTERS, "b", "beta");
	expect(txn, LETTERS, "a", NULL);
	assert_false(store_delete(txn, LETTERS, tb_bytes_str("a")));
	assert_int_equal(store_count(txn, LETTERS), 0);
	forward(txn, "", "", "");
	backward(txn, "", "");
	struct tb_error err = {0};
	assert_int_equal(store_commit(txn, &err), TB_ESTORAGE);
	assert_int_equal(err.code, TB_ESTORAGE);
	assert_string_equal(err.text, "store: table numbers: appended key is not the greatest");

	txn = begin_read(store);
	expect(txn, LETTERS, "a", NULL);
	expect(txn, NUMBERS, "2", NULL);
	store_abort(txn);
	store_close(store);
}

static void test_store_refuses_an_append_that_repeats_the_last_key(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 3, 10);
	assert_int_equal(store_failed(txn), TB_OK);
	fill(txn, 2, 1, 10);
	assert_int_equal(store_failed(txn), TB_ESTORAGE);
	assert_int_equal(store_commit(txn, NULL), TB_ESTORAGE);
	store_close(store);
}

static void test_store_says_that_the_map_is_full(void **state)
{
	struct store *store = open_store(*state, 1 << 18);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 10, 1000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	txn = begin_write(store);
	fill(txn, 10, 1000, 1000);
	assert_int_equal(store_failed(txn), TB_EFULL);
	assert_int_equal(store_commit(txn, NULL), TB_EFULL);
	/* The store goes on. */
	txn = begin_write(store);
	assert_int_equal(store_count(txn, NUMBERS), 10);
	put(txn, LETTERS, "a", "alpha");
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

static void test_store_says_that_the_disk_is_full(void **state)
{
	struct store *store = open_store(*state, 1 << 26);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 10, 1000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);

	/* Not at a page boundary: the first failing write is a short one. */
	scratch_limit_files((rlim_t)data_size(*state) + 6000);
	txn = begin_write(store);
	fill(txn, 10, 1000, 1000);
	assert_int_equal(store_failed(txn), TB_OK);
	struct tb_error err = {0};
	assert_int_equal(store_commit(txn, &err), TB_EFULL);
	scratch_unlimit_files();
	store_close(store);

	store = open_store(*state, 1 << 26);
	txn = begin_write(store);
	assert_int_equal(store_count(txn, NUMBERS), 10);
	fill(txn, 10, 1000, 1000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

static void test_store_that_cannot_be_created_leaves_nothing(void **state)
{
	scratch_limit_files(5000);
	assert_int_equal(try_open(*state), TB_EFULL);
	scratch_unlimit_files();
	struct stat stat_of;
	assert_int_equal(stat(scratch_path(*state, "data.mdb"), &stat_of), -1);
	assert_int_equal(stat(scratch_path(*state, "data.new"), &stat_of), -1);
	assert_int_equal(try_open(*state), TB_OK);
}

static void test_store_is_open_once(void **state)
{
	struct store *store = open_store(*state, 1 << 24);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct scratch *scratch = *state;
		struct store *second = NULL;
		struct store_options options = {scratch->dir, 1 << 24, tables};
		_exit(store_open(&second, &options, NULL));
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), TB_EBUSY);
	assert_int_equal(try_open(*state), TB_EBUSY);
	store_close(store);
	assert_int_equal(try_open(*state), TB_OK);
}

static void test_store_refuses_a_missing_directory(void **state)
{
	struct scratch *scratch = *state;
	struct scratch missing = {0};
	snprintf(missing.dir, sizeof(missing.dir), "%.40s/none", scratch->dir);
	assert_int_equal(try_open(&missing), TB_ESTORAGE);
}

static void test_store_files_are_private(void **state)
{
	store_close(open_store(*state, 1 << 24));
	struct stat stat_of;
	assert_int_equal(stat(scratch_path(*state, "data.mdb"), &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
	assert_int_equal(stat(scratch_path(*state, "lock"), &stat_of), 0);
	assert_int_equal(stat_of.st_mode & 0777, 0600);
}

/* ---- damage */

static void make_store(struct scratch *scratch)
{
	struct store *store = open_store(scratch, 1 << 24);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 100, 1000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	store_close(store);
}

static void test_store_refuses_garbage(void **state)
{
	uint8_t garbage[20000];
	memset(garbage, 0x5A, sizeof(garbage));
	overwrite(*state, 0, garbage, sizeof(garbage));
	assert_int_equal(try_open(*state), TB_ECORRUPT);
	memset(garbage, 0, sizeof(garbage));
	overwrite(*state, 0, garbage, sizeof(garbage));
	assert_int_equal(try_open(*state), TB_ECORRUPT);
	assert_int_equal(truncate(scratch_path(*state, "data.mdb"), 7), 0);
	assert_int_equal(try_open(*state), TB_ECORRUPT);
}

static void test_store_refuses_a_damaged_head(void **state)
{
	static const off_t offsets[] = {10, 16, 20, 40, 4096 + 10, 4096 + 16, 4096 + 20, 4096 + 40};
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		make_store(*state);
		overwrite(*state, offsets[i], "\x77\x77", 2);
		assert_int_equal(try_open(*state), TB_ECORRUPT);
		assert_int_equal(unlink(scratch_path(*state, "data.mdb")), 0);
	}
}

static void test_store_refuses_a_file_that_was_cut_off(void **state)
{
	make_store(*state);
	for (off_t size = data_size(*state) - 1; size >= 0; size -= 3333) {
		assert_int_equal(truncate(scratch_path(*state, "data.mdb"), size), 0);
		assert_int_equal(try_open(*state), TB_ECORRUPT);
	}
	assert_int_equal(truncate(scratch_path(*state, "data.mdb"), 0), 0);
	assert_int_equal(try_open(*state), TB_ECORRUPT);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1103515245U + 12345U;
	return (*seed >> 16) % below;
}

/* Writes some records and deletes some of them in one transaction. */
static void shuffle(struct store *store, uint32_t *seed)
{
	struct store_txn *txn = begin_write(store);
	uint8_t value[1500] = {0};
	uint8_t key[4];
	uint32_t count = draw(seed, 60);
	for (uint32_t i = 0; i < count; i++) {
		tb_put_u32(key, i);
		store_put(txn, NUMBERS, tb_bytes_of(key, 4), tb_bytes_of(value, draw(seed, sizeof(value))));
	}
	for (uint32_t i = draw(seed, count + 1); i < count; i++) {
		tb_put_u32(key, i);
		store_delete(txn, NUMBERS, tb_bytes_of(key, 4));
	}
	assert_int_equal(store_commit(txn, NULL), TB_OK);
}

/* LMDB does not write pages that a transaction takes at the end of the file and gives back: the file is then
 * shorter than its last page, and whole. Draws transactions until that is so. */
static void test_store_takes_a_file_that_lacks_only_free_pages(void **state)
{
	bool is_short = false;
	for (uint32_t first = 1; first < 60 && !is_short; first++) {
		struct store *store = open_store(*state, 1 << 24);
		uint32_t seed = first;
		for (int round = 0; round < 15 && !is_short; round++) {
			shuffle(store, &seed);
			is_short = (uint64_t)data_size(*state) < store_bytes(store);
		}
		store_close(store);
		if (!is_short)
			assert_int_equal(unlink(scratch_path(*state, "data.mdb")), 0);
	}
	assert_true(is_short);
	assert_int_equal(try_open(*state), TB_OK);
	assert_int_equal(truncate(scratch_path(*state, "data.mdb"), data_size(*state) / 2), 0);
	assert_int_equal(try_open(*state), TB_ECORRUPT);
}

static void remove_first(struct store *store, uint32_t count)
{
	struct store_txn *txn = begin_write(store);
	for (uint32_t i = 0; i < count; i++) {
		uint8_t key[4];
		tb_put_u32(key, i);
		assert_true(store_delete(txn, NUMBERS, tb_bytes_of(key, 4)));
	}
	assert_int_equal(store_commit(txn, NULL), TB_OK);
}

/* A free list that is longer than a page lies in overflow pages; reading it must find them. */
static void test_store_reads_long_free_lists(void **state)
{
	struct store *store = open_store(*state, 1 << 26);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 8000, 3000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	remove_first(store, 8000);
	uint64_t used = store_bytes(store);
	store_close(store);
	assert_true(used > 8000 * 3000);
	/* Deleted pages at the end are free, but the ones of the free list itself are not: cut behind them.
	 */
	off_t size = data_size(*state);
	int opened = 0;
	for (off_t cut = 4096; cut <= 64 * 4096 && try_open(*state) == TB_OK; cut += 4096, opened++)
		assert_int_equal(truncate(scratch_path(*state, "data.mdb"), size - cut), 0);
	assert_int_equal(try_open(*state), TB_ECORRUPT);
	assert_true(opened > 0);
}

/* Where the first list of at least |least| free pages is in the file: its count, then page numbers that
 * descend. */
static off_t free_list(struct scratch *scratch, uint64_t least)
{
	size_t size = (size_t)data_size(scratch), words = size / sizeof(uint64_t);
	uint64_t *file = tb_alloc(size);
	FILE *open = fopen(scratch_path(scratch, "data.mdb"), "rb");
	assert_non_null(open);
	assert_int_equal(fread(file, 1, size, open), size);
	fclose(open);
	off_t found = -1;
	for (size_t i = 0; i + least < words && found < 0; i++) {
		uint64_t count = file[i], n = 1;
		if (count < least || i + count >= words)
			continue;
		while (n <= count && file[i + n] >= 2 && file[i + n] < words / 512 &&
		       (n == 1 || file[i + n] < file[i + n - 1]))
			n++;
		found = n > count ? (off_t)(i * sizeof(uint64_t)) : -1;
	}
	free(file);
	assert_true(found > 0);
	return found;
}

/* LMDB would take a page that a list names wherever it is, and write behind the end of the file. */
static void test_store_refuses_a_list_of_free_pages_that_names_none(void **state)
{
	static const uint64_t wrong[] = {0, 1, 1 << 20, UINT64_MAX};
	struct store *store = open_store(*state, 1 << 24);
	struct store_txn *txn = begin_write(store);
	fill(txn, 0, 200, 3000);
	assert_int_equal(store_commit(txn, NULL), TB_OK);
	remove_first(store, 100);
	store_close(store);
	assert_int_equal(try_open(*state), TB_OK);
	off_t list = free_list(*state, 50);
	uint64_t kept;
	FILE *file = fopen(scratch_path(*state, "data.mdb"), "rb");
	assert_non_null(file);
	assert_int_equal(fseeko(file, list + 24, SEEK_SET), 0);
	assert_int_equal(fread(&kept, sizeof(kept), 1, file), 1);
	fclose(file);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		overwrite(*state, list + 24, &wrong[i], sizeof(wrong[i]));
		assert_int_equal(try_open(*state), TB_ECORRUPT);
	}
	overwrite(*state, list + 24, &kept, sizeof(kept));
	assert_int_equal(try_open(*state), TB_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_store_keeps_what_was_committed),
		TEST(test_store_forgets_what_was_aborted),
		TEST(test_store_replaces_and_deletes),
		TEST(test_store_readers_see_the_last_commit),
		TEST(test_store_takes_the_longest_key),
		TEST(test_store_cursor_walks_a_prefix_both_ways),
		TEST(test_store_cursor_stops_anywhere),
		TEST(test_store_keeps_the_first_failure),
		TEST(test_store_refuses_an_append_that_repeats_the_last_key),
		TEST(test_store_says_that_the_map_is_full),
		TEST(test_store_says_that_the_disk_is_full),
		TEST(test_store_that_cannot_be_created_leaves_nothing),
		TEST(test_store_is_open_once),
		TEST(test_store_refuses_a_missing_directory),
		TEST(test_store_files_are_private),
		TEST(test_store_refuses_garbage),
		TEST(test_store_refuses_a_damaged_head),
		TEST(test_store_refuses_a_list_of_free_pages_that_names_none),
		TEST(test_store_refuses_a_file_that_was_cut_off),
		TEST(test_store_takes_a_file_that_lacks_only_free_pages),
		TEST(test_store_reads_long_free_lists),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
