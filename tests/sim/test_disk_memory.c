#include "tests/sim/disk_scene.h"

#include <fcntl.h>
#include <sys/vfs.h>

#include <linux/magic.h>

enum { ROUNDS = 600 };

static void write_rounds(struct store *store, uint64_t from)
{
	for (uint64_t round = from; round < from + ROUNDS; round++)
		assert_int_equal(write_round(store, round % KEYS, round), TB_OK);
}

static void check_rounds(struct store *store, uint64_t from)
{
	for (uint64_t round = from + ROUNDS - KEYS; round < from + ROUNDS; round++)
		assert_int_equal(read_round(store, round % KEYS), round);
}

/* A file of its own beside the store, as materials are; longer than the store. */
static void write_material(struct sim_disk *disk)
{
	static const uint8_t block[64 * 1024] = {1, 2, 3};
	int fd = open(place(disk, "material"), O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	for (off_t at = 0; at < 32; at++)
		assert_int_equal(pwrite(fd, block, sizeof(block), at * (off_t)sizeof(block)), sizeof(block));
	assert_int_equal(fdatasync(fd), 0);
	close(fd);
}

/* The scene's directory on a real file system; false: this machine has none there. */
static bool on_a_file_system(void **state)
{
	struct scene *scene = *state;
	struct statfs found;
	rmdir(scene->root);
	strcpy(scene->root, "/var/tmp/tongban-disk-XXXXXX");
	assert_non_null(mkdtemp(scene->root));
	assert_int_equal(statfs(scene->root, &found), 0);
	return found.f_type != TMPFS_MAGIC && found.f_type != RAMFS_MAGIC;
}

static void test_a_disk_on_a_file_system_leaves_the_memory_and_holds_what_it_held(void **state)
{
	enum tb_code code;
	if (!on_a_file_system(state))
		skip();
	struct sim_disk *disk = new_disk(state, 3);
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	write_rounds(store, 1);
	write_material(disk);
	struct sim_disk_size before = sim_disk_size(disk);
	assert_true(sim_disks_cool(0) > 0);
	struct sim_disk_size after = sim_disk_size(disk);
	assert_true(before.memory_bytes > 2 << 20);
	assert_true(after.memory_bytes < before.memory_bytes / 2);
	assert_true(after.bytes >= 2 << 20);
	check_rounds(store, 1);
	write_rounds(store, 1 + ROUNDS);
	check_rounds(store, 1 + ROUNDS);
	store_close(store);
	sim_disk_power_loss(disk);
	store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	check_rounds(store, 1 + ROUNDS);
	store_close(store);
}

static void test_what_left_the_memory_is_brought_back_at_once(void **state)
{
	enum tb_code code;
	if (!on_a_file_system(state))
		skip();
	struct sim_disk *disk = new_disk(state, 3);
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	write_rounds(store, 1);
	uint64_t before = sim_disk_size(disk).memory_bytes;
	sim_disk_cool(disk);
	assert_true(sim_disk_size(disk).memory_bytes < before / 2);
	sim_disk_warm(disk);
	assert_true(sim_disk_size(disk).memory_bytes >= before / 2);
	check_rounds(store, 1);
	store_close(store);
}

static void test_what_was_not_synced_is_lost_with_the_power_though_it_was_written_out(void **state)
{
	static const uint8_t block[4096] = {7};
	if (!on_a_file_system(state))
		skip();
	unsigned lost = 0;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct sim_disk *disk = new_disk(state, seed);
		struct stat stat;
		sim_disk_settle(disk);
		int fd = open(place(disk, "file"), O_RDWR | O_CREAT, 0600);
		assert_int_equal(pwrite(fd, block, sizeof(block), 0), sizeof(block));
		sim_disks_cool(0);
		close(fd);
		sim_disks_cool(0);
		sim_disk_power_loss(disk);
		lost += lstat(place(disk, "file"), &stat) != 0 || stat.st_size == 0;
	}
	assert_true(lost > 0);
}

static void test_a_disk_in_memory_counts_whole_and_stays_there(void **state)
{
	enum tb_code code;
	struct sim_disk *disk = new_disk(state, 5);
	struct statfs found;
	assert_int_equal(statfs(sim_disk_dir(disk), &found), 0);
	if (found.f_type != TMPFS_MAGIC)
		skip();
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	write_rounds(store, 1);
	assert_int_equal(sim_disks_cool(0), 0);
	struct sim_disk_size size = sim_disk_size(disk);
	assert_true(size.bytes > 0);
	assert_true(size.memory_bytes == size.bytes);
	store_close(store);
}

static void test_disks_that_did_not_grow_are_left_alone(void **state)
{
	if (!on_a_file_system(state))
		skip();
	struct sim_disk *disk = new_disk(state, 9);
	sim_disks_cool(0);
	write_material(disk);
	uint64_t before = sim_disk_size(disk).memory_bytes;
	assert_int_equal(sim_disks_cool(4 << 20), 0);
	assert_true(sim_disk_size(disk).memory_bytes == before);
	write_material(disk); /* the same bytes again: it does not grow */
	assert_int_equal(sim_disks_cool(4 << 20), 0);
	assert_true(sim_disks_cool(2 << 20) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_a_disk_on_a_file_system_leaves_the_memory_and_holds_what_it_held),
		SCENE(test_what_left_the_memory_is_brought_back_at_once),
		SCENE(test_what_was_not_synced_is_lost_with_the_power_though_it_was_written_out),
		SCENE(test_a_disk_in_memory_counts_whole_and_stays_there),
		SCENE(test_disks_that_did_not_grow_are_left_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
