/* Files, names and blobs on a disk that loses power; backups and rot. */
#include "tests/sim/disk_scene.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "storage/blob.h"

enum { CHUNK = 4096 };

/* ---- files */

static void write_bytes(int fd, uint8_t byte, size_t size, off_t at)
{
	uint8_t bytes[8192];
	assert_true(size <= sizeof(bytes));
	memset(bytes, byte, size);
	assert_int_equal(pwrite(fd, bytes, size, at), size);
}

static void sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static int durable_file(struct sim_disk *disk, const char *name, uint8_t byte)
{
	int fd = open(place(disk, name), O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	write_bytes(fd, byte, 4096, 0);
	assert_int_equal(fdatasync(fd), 0);
	sync_dir(sim_disk_dir(disk));
	return fd;
}

static size_t read_file(struct sim_disk *disk, const char *name, uint8_t out[16384])
{
	int fd = open(place(disk, name), O_RDONLY);
	assert_true(fd >= 0);
	ssize_t size = pread(fd, out, 16384, 0);
	assert_true(size >= 0);
	close(fd);
	return (size_t)size;
}

static void test_what_was_not_synced_is_torn_by_whole_sectors(void **state)
{
	uint8_t bytes[16384];
	unsigned torn = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		int fd = durable_file(disk, "f", 'a');
		write_bytes(fd, 'b', 3000, 300);
		write_bytes(fd, 'c', 1000, 700);
		close(fd);
		sim_disk_power_loss(disk);
		assert_int_equal(read_file(disk, "f", bytes), 4096);
		unsigned lost = 0, kept = 0;
		for (size_t s = 0; s < 4096; s += 512) {
			uint8_t all_a[512], with_b[512], with_c[512];
			memset(all_a, 'a', sizeof(all_a));
			for (size_t k = 0; k < 512; k++) {
				with_b[k] = s + k >= 300 && s + k < 3300 ? 'b' : 'a';
				with_c[k] = s + k >= 700 && s + k < 1700 ? 'c' : with_b[k];
			}
			bool is_a = memcmp(bytes + s, all_a, 512) == 0;
			assert_true(is_a || memcmp(bytes + s, with_b, 512) == 0 ||
			            memcmp(bytes + s, with_c, 512) == 0);
			lost += is_a;
			kept += !is_a;
		}
		torn += lost > 1 && kept > 0;
	}
	assert_true(torn > 20);
}

static void test_a_write_through_dsync_stays_and_others_do_not(void **state)
{
	uint8_t bytes[16384];
	unsigned lost = 0;
	for (unsigned i = 0; i < 60; i++) {
		struct sim_disk *disk = new_disk(state, i);
		int fd = durable_file(disk, "f", 'a');
		int meta = open(place(disk, "f"), O_WRONLY | O_DSYNC);
		write_bytes(fd, 'b', 512, 512);
		write_bytes(fd, 'b', 512, 1024);
		write_bytes(meta, 'm', 100, 1024);
		close(fd);
		close(meta);
		sim_disk_power_loss(disk);
		assert_int_equal(read_file(disk, "f", bytes), 4096);
		assert_int_equal(bytes[1024], 'm');
		assert_int_equal(bytes[1024 + 99], 'm');
		lost += bytes[512] == 'a';
	}
	assert_true(lost > 10);
	assert_true(lost < 60);
}

static void test_a_failed_sync_makes_the_next_one_lie(void **state)
{
	uint8_t bytes[16384];
	struct sim_disk_faults failing = {.sync_fails = 1000000};
	struct sim_disk_faults none = {0};
	unsigned lost = 0;
	for (unsigned i = 0; i < 60; i++) {
		struct sim_disk *disk = new_disk(state, i);
		int fd = durable_file(disk, "f", 'a');
		write_bytes(fd, 'b', 4096, 0);
		sim_disk_set_faults(disk, &failing);
		assert_int_equal(fdatasync(fd), -1);
		assert_int_equal(errno, EIO);
		sim_disk_set_faults(disk, &none);
		write_bytes(fd, 'c', 512, 1024); /* written again, so synced */
		assert_int_equal(fdatasync(fd), 0);
		close(fd);
		sim_disk_power_loss(disk);
		read_file(disk, "f", bytes);
		assert_int_equal(bytes[1024], 'c');
		lost += bytes[0] == 'a';
	}
	assert_true(lost > 10);
}

static void test_an_unsynced_end_of_a_file_comes_off_or_reads_as_zeros(void **state)
{
	uint8_t bytes[16384];
	bool sizes[3] = {false};
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		int fd = durable_file(disk, "f", 'a');
		write_bytes(fd, 'b', 4096, 4096);
		assert_int_equal(ftruncate(fd, 1000), 0);
		close(fd);
		sim_disk_power_loss(disk);
		size_t size = read_file(disk, "f", bytes);
		assert_true(size == 1000 || size == 4096 || size == 8192);
		sizes[size / 4096] = true;
		for (size_t k = 0; k < size; k++)
			assert_true(k < 4096 ? bytes[k] == 'a' : bytes[k] == 'b' || bytes[k] == 0);
	}
	assert_true(sizes[0]);
	assert_true(sizes[1]);
	assert_true(sizes[2]);
}

static void test_names_are_lost_until_their_directory_is_synced(void **state)
{
	unsigned created = 0, renamed = 0, removed = 0, replaced = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		char to[256];
		uint8_t bytes[16384];
		close(durable_file(disk, "a", 'a'));
		close(durable_file(disk, "b", 'b'));
		close(durable_file(disk, "c", 'c'));
		close(durable_file(disk, "d", 'd'));
		close(open(place(disk, "new"), O_RDWR | O_CREAT, 0600));
		strcpy(to, place(disk, "moved"));
		assert_int_equal(rename(place(disk, "a"), to), 0);
		assert_int_equal(unlink(place(disk, "b")), 0);
		strcpy(to, place(disk, "d"));
		assert_int_equal(rename(place(disk, "c"), to), 0);
		sim_disk_power_loss(disk);
		created += access(place(disk, "new"), F_OK) == 0;
		bool moved = access(place(disk, "moved"), F_OK) == 0;
		assert_int_equal(moved, access(place(disk, "a"), F_OK) != 0);
		renamed += moved;
		removed += access(place(disk, "b"), F_OK) != 0;
		assert_int_equal(read_file(disk, "d", bytes), 4096);
		bool over = bytes[0] == 'c';
		assert_int_equal(bytes[0], over ? 'c' : 'd');
		assert_int_equal(over, access(place(disk, "c"), F_OK) != 0);
		replaced += over;
		/* In the order in which they were made. */
		assert_true(!over || access(place(disk, "b"), F_OK) != 0);
	}
	assert_true(created > replaced);
	assert_true(replaced > 5);
	assert_true(renamed < 95);
	assert_true(removed < 95);
}

static void test_a_synced_name_stays(void **state)
{
	for (unsigned i = 0; i < 30; i++) {
		struct sim_disk *disk = new_disk(state, i);
		char to[256];
		close(durable_file(disk, "a", 'a'));
		assert_int_equal(mkdir(place(disk, "deep"), 0700), 0);
		sync_dir(sim_disk_dir(disk));
		strcpy(to, place(disk, "deep/b"));
		assert_int_equal(rename(place(disk, "a"), to), 0);
		sync_dir(place(disk, "deep"));
		sync_dir(sim_disk_dir(disk));
		sim_disk_power_loss(disk);
		assert_int_equal(access(place(disk, "deep/b"), F_OK), 0);
		assert_int_equal(sim_disk_counts(disk)->names_lost, 0);
	}
}

static void test_what_was_settled_stays(void **state)
{
	uint8_t bytes[16384];
	for (unsigned i = 0; i < 30; i++) {
		struct sim_disk *disk = new_disk(state, i);
		assert_int_equal(mkdir(place(disk, "deep"), 0700), 0);
		int fd = open(place(disk, "deep/f"), O_RDWR | O_CREAT, 0600);
		write_bytes(fd, 'a', 4096, 0);
		close(fd);
		sim_disk_settle(disk);
		sim_disk_power_loss(disk);
		assert_int_equal(read_file(disk, "deep/f", bytes), 4096);
		assert_int_equal(bytes[4095], 'a');
	}
}

static void test_other_files_and_lock_files_go_straight_on(void **state)
{
	struct scene *scene = *state;
	struct sim_disk *disk = new_disk(state, 1);
	struct sim_disk_faults failing = {.write_fails = 1000000, .sync_fails = 1000000};
	sim_disk_set_faults(disk, &failing);
	char path[128];
	snprintf(path, sizeof(path), "%s/nodes", scene->root); /* the disk's name and more */
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	unlink(path);
	fd = open(place(disk, "lock.mdb"), O_RDWR | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 4096), 0);
	close(fd);
	assert_int_equal(sim_disk_open_count(disk), 0);
	assert_int_equal(sim_disk_counts(disk)->writes, 0);
}

/* ---- blobs */

static struct blob_dir *open_blobs(struct sim_disk *disk)
{
	struct blob_dir *dir = NULL;
	struct tb_error err = {0};
	if (blob_dir_open(&dir, place(disk, "blobs"), CHUNK, &err) != TB_OK)
		fail_msg("%s", err.text);
	return dir;
}

static enum tb_code write_chunks(struct blob_writer *writer, unsigned from, unsigned to)
{
	uint8_t chunk[CHUNK];
	enum tb_code code = TB_OK;
	for (unsigned i = from; i < to && code == TB_OK; i++) {
		memset(chunk, (int)i + 1, sizeof(chunk));
		code = blob_write(writer, tb_bytes_of(chunk, sizeof(chunk)), NULL);
	}
	return code;
}

static void check_chunks(struct blob_reader *reader, unsigned count)
{
	struct tb_buf chunk = {0};
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(blob_read(reader, i, &chunk, NULL), TB_OK);
		assert_int_equal(chunk.size, CHUNK);
		for (size_t k = 0; k < CHUNK; k++)
			assert_int_equal(chunk.data[k], i + 1);
	}
	tb_buf_clear(&chunk);
}

/* A writer of the partial "ab12" that goes on behind |chunks| chunks. */
static struct blob_writer *write_from(struct blob_dir *dir, unsigned chunks)
{
	struct blob_writer *writer = NULL;
	assert_int_equal(blob_writer_open(&writer, dir, "ab12", chunks, NULL), TB_OK);
	return writer;
}

/* The blob "cd34" is there, of |count| chunks. */
static void assert_whole(struct blob_dir *dir, unsigned count)
{
	struct blob_reader *reader = NULL;
	assert_int_equal(blob_reader_open(&reader, dir, "cd34", NULL), TB_OK);
	check_chunks(reader, count);
	blob_reader_close(reader);
}

static void test_synced_chunks_of_a_partial_outlast_a_loss_of_power(void **state)
{
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		struct blob_dir *dir = open_blobs(disk);
		struct blob_writer *writer = write_from(dir, 0);
		assert_int_equal(write_chunks(writer, 0, 3), TB_OK);
		assert_int_equal(blob_sync(writer, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 3, 6), TB_OK);
		blob_writer_close(writer, false);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);

		dir = open_blobs(disk);
		writer = write_from(dir, 3);
		assert_int_equal(write_chunks(writer, 3, 5), TB_OK);
		assert_int_equal(blob_finish(writer, "cd34", NULL), TB_OK);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);

		dir = open_blobs(disk);
		assert_whole(dir, 5);
		blob_dir_close(dir);
	}
}

static void test_a_blob_is_whole_or_not_there_when_power_goes_while_it_is_finished(void **state)
{
	unsigned there = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct sim_disk *disk = new_disk(state, i);
		struct blob_dir *dir = open_blobs(disk);
		struct blob_writer *writer = write_from(dir, 0);
		sim_disk_cut_after(disk, 1 + i % 10);
		bool written = write_chunks(writer, 0, 3) == TB_OK;
		bool finished = written && blob_finish(writer, "cd34", NULL) == TB_OK;
		if (!written)
			blob_writer_close(writer, false);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);
		dir = open_blobs(disk);
		bool exists = blob_exists(dir, "cd34");
		assert_true(exists || !finished);
		there += exists;
		if (exists)
			assert_whole(dir, 3);
		blob_dir_close(dir);
	}
	assert_true(there > 0);
	assert_true(there < 200);
}

static void test_a_writer_whose_sync_failed_never_says_that_it_synced(void **state)
{
	struct sim_disk_faults failing = {.sync_fails = 1000000};
	struct sim_disk_faults none = {0};
	for (unsigned i = 0; i < 60; i++) {
		struct sim_disk *disk = new_disk(state, i);
		struct blob_dir *dir = open_blobs(disk);
		struct blob_writer *writer = write_from(dir, 0);
		assert_int_equal(write_chunks(writer, 0, 2), TB_OK);
		assert_int_equal(blob_sync(writer, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 2, 4), TB_OK);
		sim_disk_set_faults(disk, &failing);
		assert_int_equal(blob_sync(writer, NULL), TB_ESTORAGE);
		sim_disk_set_faults(disk, &none);
		assert_int_equal(blob_sync(writer, NULL), TB_ESTORAGE);
		blob_writer_close(writer, false);
		/* A new one goes on behind what was synced. */
		writer = write_from(dir, 2);
		assert_int_equal(write_chunks(writer, 2, 4), TB_OK);
		assert_int_equal(blob_finish(writer, "cd34", NULL), TB_OK);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);
		dir = open_blobs(disk);
		assert_whole(dir, 4);
		blob_dir_close(dir);
	}
}

/* A sweep closes its directory within the C library. */
static void test_a_directory_closed_by_the_c_library_is_forgotten(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	int fd = open(sim_disk_dir(disk), O_RDONLY | O_DIRECTORY);
	DIR *list = fdopendir(fd);
	assert_non_null(list);
	assert_int_equal(sim_disk_open_count(disk), 1);
	closedir(list);
	assert_int_equal(sim_disk_open_count(disk), 0);
}

/* ---- backup and rot */

static void test_a_restored_backup_is_the_state_of_its_day(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	enum tb_code code;
	assert_false(sim_disk_restore(disk));
	struct store *store = open_store(disk, &code);
	struct blob_dir *dir = open_blobs(disk);
	assert_int_equal(write_round(store, 1, 1), TB_OK);
	sim_disk_backup(disk);
	assert_int_equal(write_round(store, 1, 2), TB_OK);
	store_close(store);
	blob_dir_close(dir);
	assert_true(sim_disk_restore(disk));
	sim_disk_power_loss(disk); /* A restored file is durable. */
	store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	assert_int_equal(read_round(store, 1), 1);
	store_close(store);
	assert_int_equal(access(place(disk, "blobs/partial"), F_OK), 0);
}

static void test_rot_changes_one_bit(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	uint8_t bytes[16384];
	close(durable_file(disk, "f", 'a'));
	assert_true(sim_disk_rot(disk, "f"));
	assert_false(sim_disk_rot(disk, "missing"));
	assert_int_equal(read_file(disk, "f", bytes), 4096);
	int bits = 0;
	for (size_t i = 0; i < 4096; i++)
		bits += __builtin_popcount(bytes[i] ^ 'a');
	assert_int_equal(bits, 1);
}

static void test_a_rotten_head_of_the_store_is_told_as_damage(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	enum tb_code code;
	struct store *store = open_store(disk, &code);
	assert_int_equal(write_round(store, 1, 1), TB_OK);
	store_close(store);
	int fd = open(place(disk, "data.mdb"), O_RDWR);
	uint8_t byte = 0;
	assert_int_equal(pread(fd, &byte, 1, 16), 1); /* of LMDB's magic number */
	byte ^= 4;
	assert_int_equal(pwrite(fd, &byte, 1, 16), 1);
	close(fd);
	assert_null(open_store(disk, &code));
	assert_int_equal(code, TB_ECORRUPT);
}

static void test_slow_syncs_are_told_in_time(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	struct sim_disk_faults slow = {.sync_slow = 1000000};
	int fd = durable_file(disk, "f", 'a');
	assert_int_equal(sim_disk_slow(disk), 0);
	sim_disk_set_faults(disk, &slow);
	assert_int_equal(fdatasync(fd), 0);
	close(fd);
	assert_true(sim_disk_slow(disk) >= 10000);
	assert_int_equal(sim_disk_slow(disk), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_what_was_not_synced_is_torn_by_whole_sectors),
		SCENE(test_a_write_through_dsync_stays_and_others_do_not),
		SCENE(test_a_failed_sync_makes_the_next_one_lie),
		SCENE(test_an_unsynced_end_of_a_file_comes_off_or_reads_as_zeros),
		SCENE(test_names_are_lost_until_their_directory_is_synced),
		SCENE(test_a_synced_name_stays),
		SCENE(test_what_was_settled_stays),
		SCENE(test_other_files_and_lock_files_go_straight_on),
		SCENE(test_synced_chunks_of_a_partial_outlast_a_loss_of_power),
		SCENE(test_a_blob_is_whole_or_not_there_when_power_goes_while_it_is_finished),
		SCENE(test_a_writer_whose_sync_failed_never_says_that_it_synced),
		SCENE(test_a_directory_closed_by_the_c_library_is_forgotten),
		SCENE(test_a_restored_backup_is_the_state_of_its_day),
		SCENE(test_rot_changes_one_bit),
		SCENE(test_a_rotten_head_of_the_store_is_told_as_damage),
		SCENE(test_slow_syncs_are_told_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
