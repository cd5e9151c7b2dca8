#include "sim/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <lmdb.h>

#include "storage/blob.h"
#include "storage/store.h"

enum { KEYS = 64, VALUE_BYTES = 900, MAP_BYTES = 1 << 22, CYCLES = 2000, CHUNK = 4096 };

static const char *const tables[] = {"facts", NULL};

struct scene {
	char root[64];
	struct sim_disk *disk;
};

static int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct stat stat_shm;
	strcpy(scene->root, stat("/dev/shm", &stat_shm) == 0 ? "/dev/shm/tongban-disk-XXXXXX"
	                                                     : "/tmp/tongban-disk-XXXXXX");
	*state = scene;
	return mkdtemp(scene->root) ? 0 : -1;
}

static int scene_teardown(void **state)
{
	struct scene *scene = *state;
	if (scene->disk && sim_disk_open_count(scene->disk) > 0)
		return -1; /* A test that failed left its store open. */
	sim_disk_free(scene->disk);
	int rc = rmdir(scene->root); /* Nothing is left beside the disk either. */
	free(scene);
	return rc;
}

static struct sim_disk *new_disk(void **state, uint64_t seed)
{
	struct scene *scene = *state;
	char dir[96];
	sim_disk_free(scene->disk);
	snprintf(dir, sizeof(dir), "%s/node", scene->root);
	scene->disk = sim_disk_new(dir, seed);
	return scene->disk;
}

static const char *place(struct sim_disk *disk, const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", sim_disk_dir(disk), name);
	return path;
}

/* ---- a store, written in rounds: each puts one record of the round's own content */

static uint64_t next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return *random >> 33;
}

static struct store *open_store(struct sim_disk *disk, enum tb_code *code)
{
	struct store *store = NULL;
	struct tb_error err = {0};
	struct store_options options = {sim_disk_dir(disk), MAP_BYTES, tables};
	*code = store_open(&store, &options, &err);
	return store;
}

static void fill(uint8_t value[VALUE_BYTES], uint64_t key, uint64_t round)
{
	memset(value, (int)(1 + (key * 31 + round) % 255), VALUE_BYTES);
	tb_put_u64(value, round);
	tb_put_u64(value + VALUE_BYTES - 8, round ^ key);
}

static enum tb_code write_round(struct store *store, uint64_t key, uint64_t round)
{
	uint8_t name[8], value[VALUE_BYTES];
	struct store_txn *txn = NULL;
	enum tb_code code = store_write(&txn, store, NULL);
	if (code != TB_OK)
		return code;
	tb_put_u64(name, key);
	fill(value, key, round);
	store_put(txn, 0, tb_bytes_of(name, sizeof(name)), tb_bytes_of(value, sizeof(value)));
	return store_commit(txn, NULL);
}

/* The round that wrote |key|; 0: none. Fails the test if the value is not one that was ever written. */
static uint64_t read_round(struct store *store, uint64_t key)
{
	uint8_t name[8], want[VALUE_BYTES];
	struct tb_bytes value;
	struct store_txn *txn = NULL;
	assert_int_equal(store_read(&txn, store, NULL), TB_OK);
	tb_put_u64(name, key);
	uint64_t round = 0;
	if (store_get(txn, 0, tb_bytes_of(name, sizeof(name)), &value)) {
		assert_int_equal(value.size, VALUE_BYTES);
		round = tb_get_u64(value.data);
		fill(want, key, round);
		assert_memory_equal(value.data, want, VALUE_BYTES);
	}
	store_abort(txn);
	return round;
}

struct ledger {
	uint64_t round;
	uint64_t sure[KEYS];  /* the last acknowledged round of each key */
	uint64_t maybe[KEYS]; /* a later one whose commit failed; 0: none */
};

static void check_ledger(struct store *store, struct ledger *ledger)
{
	for (uint64_t key = 0; key < KEYS; key++) {
		uint64_t round = read_round(store, key);
		if (round != ledger->sure[key] && (round == 0 || round != ledger->maybe[key]))
			fail_msg("key %d holds round %d, acknowledged was %d", (int)key, (int)round,
			         (int)ledger->sure[key]);
		ledger->sure[key] = round;
		ledger->maybe[key] = 0;
	}
}

/* Writes until |rounds| are done or one fails. */
static void write_some(struct store *store, struct ledger *ledger, uint64_t *random, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t key = next(random) % KEYS;
		uint64_t round = ++ledger->round;
		if (write_round(store, key, round) != TB_OK) {
			ledger->maybe[key] = round;
			return;
		}
		ledger->sure[key] = round;
	}
}

static void test_store_loses_no_acknowledged_commit_when_power_goes_within_one(void **state)
{
	struct sim_disk *disk = new_disk(state, 7);
	struct ledger ledger = {0};
	uint64_t random = 7;
	unsigned cut = 0;
	for (unsigned i = 0; i < CYCLES; i++) {
		enum tb_code code;
		sim_disk_cut_after(disk, 1 + next(&random) % 24);
		struct store *store = open_store(disk, &code);
		if (code == TB_OK) {
			check_ledger(store, &ledger);
			write_some(store, &ledger, &random, 1 + (unsigned)(next(&random) % 6));
		}
		cut += sim_disk_is_cut(disk);
		store_close(store);
		sim_disk_power_loss(disk);
	}
	enum tb_code code;
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	check_ledger(store, &ledger);
	store_close(store);
	assert_true(ledger.round > CYCLES);
	assert_true(cut > CYCLES / 3);
	assert_int_equal(sim_disk_counts(disk)->losses, CYCLES);
	assert_true(sim_disk_counts(disk)->sectors_lost > CYCLES);
	assert_true(sim_disk_counts(disk)->sectors_kept > CYCLES);
}

static void test_a_store_whose_making_is_cut_off_is_made_anew(void **state)
{
	uint64_t names_lost = 0;
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		enum tb_code code;
		sim_disk_cut_after(disk, 1 + i % 12);
		store_close(open_store(disk, &code));
		sim_disk_power_loss(disk);
		names_lost += sim_disk_counts(disk)->names_lost;
		struct store *store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), 1);
		store_close(store);
	}
	assert_true(names_lost > 20);
}

static void test_store_survives_failing_calls_and_loss_of_power(void **state)
{
	struct sim_disk *disk = new_disk(state, 8);
	struct sim_disk_faults faults = {
		.write_fails = 20000, .write_fails_late = 20000, .write_short = 20000, .sync_fails = 40000};
	struct ledger ledger = {0};
	uint64_t random = 8;
	unsigned failed = 0;
	for (unsigned i = 0; i < CYCLES; i++) {
		enum tb_code code;
		sim_disk_set_faults(disk, &faults);
		struct store *store = open_store(disk, &code);
		if (code == TB_OK) {
			check_ledger(store, &ledger);
			uint64_t before = ledger.round;
			write_some(store, &ledger, &random, 6);
			failed += ledger.round - before < 6;
		}
		store_close(store);
		if (next(&random) % 2)
			sim_disk_power_loss(disk);
		else
			sim_disk_crash(disk);
	}
	assert_true(failed > CYCLES / 20);
	assert_true(sim_disk_counts(disk)->faults > CYCLES / 20);
}

static void test_the_same_seed_gives_the_same_faults(void **state)
{
	struct sim_disk_counts counts[2];
	uint64_t rounds[2];
	for (int run = 0; run < 2; run++) {
		struct sim_disk *disk = new_disk(state, 99);
		struct sim_disk_faults faults = {.write_fails = 10000, .sync_fails = 10000};
		struct ledger ledger = {0};
		uint64_t random = 3;
		for (unsigned i = 0; i < 50; i++) {
			enum tb_code code;
			sim_disk_set_faults(disk, &faults);
			sim_disk_cut_after(disk, 1 + next(&random) % 40);
			struct store *store = open_store(disk, &code);
			if (code == TB_OK)
				write_some(store, &ledger, &random, 8);
			store_close(store);
			sim_disk_power_loss(disk);
		}
		counts[run] = *sim_disk_counts(disk);
		rounds[run] = ledger.round;
	}
	assert_memory_equal(&counts[0], &counts[1], sizeof(counts[0]));
	assert_int_equal(rounds[0], rounds[1]);
}

/* ---- canaries: LMDB told not to sync must be caught losing */

struct canary {
	unsigned lost;    /* cycles after which an acknowledged round was missing */
	unsigned damaged; /* cycles after which the file did not open or a value was torn */
};

static MDB_env *canary_open(const char *dir, unsigned flags, MDB_dbi *table)
{
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	if (mdb_env_create(&env) != 0)
		return NULL;
	mdb_env_set_mapsize(env, MAP_BYTES);
	mdb_env_set_maxdbs(env, 2);
	int rc = mdb_env_open(env, dir, flags | MDB_NOTLS | MDB_NOLOCK, 0600);
	if (rc == 0)
		rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, "facts", MDB_CREATE, table);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	if (rc == 0)
		return env;
	mdb_env_close(env);
	return NULL;
}

static bool canary_put(MDB_env *env, MDB_dbi table, uint64_t key, uint64_t round)
{
	uint8_t value[VALUE_BYTES];
	MDB_txn *txn = NULL;
	MDB_val k = {sizeof(key), &key};
	MDB_val v = {sizeof(value), value};
	fill(value, key, round);
	return mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_put(txn, table, &k, &v, 0) == 0 &&
	       mdb_txn_commit(txn) == 0;
}

/* The round that |key| holds; 0: none or torn. */
static uint64_t canary_get(MDB_env *env, MDB_dbi table, uint64_t key)
{
	MDB_txn *txn = NULL;
	MDB_val k = {sizeof(key), &key};
	MDB_val v;
	uint8_t want[VALUE_BYTES];
	uint64_t round = 0;
	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
		return 0;
	if (mdb_get(txn, table, &k, &v) == 0 && v.mv_size == sizeof(want)) {
		fill(want, key, tb_get_u64(v.mv_data));
		if (memcmp(want, v.mv_data, sizeof(want)) == 0)
			round = tb_get_u64(v.mv_data);
	}
	mdb_txn_abort(txn);
	return round;
}

/* The round of the record; 0: none. LMDB believes a damaged file and may touch pages that are not there: only
 * a child process dies of it. */
static uint64_t canary_look(const char *dir)
{
	int status = 0;
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		MDB_dbi table;
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		signal(SIGABRT, SIG_DFL);
		MDB_env *env = canary_open(dir, 0, &table);
		uint64_t round = env ? canary_get(env, table, 1) : 0;
		_exit(round < 100 ? (int)round : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) < 6 ? (uint64_t)WEXITSTATUS(status) : 0;
}

/* Commits one record at a time under |flags|, then power goes. The next cycle begins with an empty disk,
 * since a damaged file would only be opened to crash. */
static struct canary canary_run(void **state, unsigned flags, unsigned cycles)
{
	struct canary canary = {0};
	for (unsigned i = 0; i < cycles; i++) {
		struct sim_disk *disk = new_disk(state, 1000 + i);
		MDB_dbi table;
		MDB_env *env = canary_open(sim_disk_dir(disk), 0, &table);
		assert_non_null(env);
		assert_true(canary_put(env, table, 1, 1));
		mdb_env_close(env);
		int dir = open(sim_disk_dir(disk), O_RDONLY | O_DIRECTORY);
		assert_int_equal(fsync(dir), 0);
		close(dir);
		env = canary_open(sim_disk_dir(disk), flags, &table);
		assert_non_null(env);
		for (uint64_t round = 2; round < 6; round++)
			assert_true(canary_put(env, table, 1, round));
		mdb_env_close(env);
		sim_disk_power_loss(disk);
		uint64_t round = canary_look(sim_disk_dir(disk));
		canary.damaged += round == 0;
		canary.lost += round != 0 && round < 5;
	}
	return canary;
}

static void test_lmdb_with_its_syncs_loses_nothing(void **state)
{
	struct canary canary = canary_run(state, 0, 300);
	assert_int_equal(canary.lost, 0);
	assert_int_equal(canary.damaged, 0);
}

static void test_lmdb_without_meta_syncs_is_caught_losing_a_commit(void **state)
{
	struct canary canary = canary_run(state, MDB_NOMETASYNC, 300);
	assert_true(canary.lost > 10);
	assert_int_equal(canary.damaged, 0);
}

static void test_lmdb_without_syncs_is_caught_with_a_damaged_file(void **state)
{
	struct canary canary = canary_run(state, MDB_NOSYNC, 300);
	assert_true(canary.lost > 10);
	assert_true(canary.damaged > 10);
}

/* ---- single faults */

static void test_a_full_disk_is_told_as_full(void **state)
{
	struct sim_disk *disk = new_disk(state, 1);
	struct sim_disk_faults faults = {0};
	enum tb_code code;
	struct store *store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	assert_int_equal(write_round(store, 1, 1), TB_OK);
	faults.room_bytes = 1;
	sim_disk_set_faults(disk, &faults);
	uint64_t round = 2;
	do
		code = write_round(store, round % KEYS, round);
	while (code == TB_OK && ++round < 100);
	assert_int_equal(code, TB_EFULL);
	store_close(store);
	faults.room_bytes = 0;
	sim_disk_set_faults(disk, &faults);
	store = open_store(disk, &code);
	assert_int_equal(code, TB_OK);
	assert_int_equal(read_round(store, 1), 1);
	assert_int_equal(write_round(store, 2, round), TB_OK);
	store_close(store);
}

static void test_a_commit_that_failed_late_may_be_there(void **state)
{
	unsigned there = 0, gone = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct sim_disk *disk = new_disk(state, 500 + i);
		struct sim_disk_faults late = {.write_fails_late = 1000000};
		struct sim_disk_faults none = {0};
		enum tb_code code;
		struct store *store = open_store(disk, &code);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		sim_disk_set_faults(disk, &late);
		assert_int_equal(write_round(store, 1, 2), TB_ESTORAGE);
		store_close(store);
		sim_disk_set_faults(disk, &none);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), 1);
		/* In the middle of the commit the power goes: the last call may have been the meta page's. */
		sim_disk_cut_after(disk, 3);
		(void)write_round(store, 1, 3);
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		uint64_t round = read_round(store, 1);
		assert_true(round == 1 || round == 3);
		there += round == 3;
		gone += round == 1;
		store_close(store);
	}
	assert_true(there > 0);
	assert_true(gone > 0);
}

/* What a node has looked at, it acts on: losing the power must not turn it into the other outcome. */
static void test_the_outcome_of_a_failed_commit_stays_as_it_was_first_seen(void **state)
{
	struct sim_disk_faults failing = {
		.write_fails = 150000, .write_fails_late = 300000, .sync_fails = 50000};
	struct sim_disk_faults none = {0};
	unsigned failed = 0, there = 0;
	for (unsigned i = 0; i < 400; i++) {
		struct sim_disk *disk = new_disk(state, 9000 + i);
		enum tb_code code;
		struct store *store = open_store(disk, &code);
		assert_int_equal(write_round(store, 1, 1), TB_OK);
		sim_disk_set_faults(disk, &failing);
		failed += write_round(store, 1, 2) != TB_OK;
		sim_disk_set_faults(disk, &none);
		store_close(store);
		sim_disk_crash(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		uint64_t seen = read_round(store, 1);
		there += seen == 2;
		store_close(store);
		sim_disk_power_loss(disk);
		store = open_store(disk, &code);
		assert_int_equal(code, TB_OK);
		assert_int_equal(read_round(store, 1), seen);
		store_close(store);
	}
	assert_true(failed > 100);
	assert_true(there > 0);
}

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

static void test_synced_chunks_of_a_partial_outlast_a_loss_of_power(void **state)
{
	for (unsigned i = 0; i < 100; i++) {
		struct sim_disk *disk = new_disk(state, i);
		struct blob_dir *dir = open_blobs(disk);
		struct blob_writer *writer = NULL;
		assert_int_equal(blob_writer_open(&writer, dir, "ab12", 0, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 0, 3), TB_OK);
		assert_int_equal(blob_sync(writer, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 3, 6), TB_OK);
		blob_writer_close(writer, false);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);

		dir = open_blobs(disk);
		assert_int_equal(blob_writer_open(&writer, dir, "ab12", 3, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 3, 5), TB_OK);
		assert_int_equal(blob_finish(writer, "cd34", NULL), TB_OK);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);

		dir = open_blobs(disk);
		struct blob_reader *reader = NULL;
		assert_int_equal(blob_reader_open(&reader, dir, "cd34", NULL), TB_OK);
		check_chunks(reader, 5);
		blob_reader_close(reader);
		blob_dir_close(dir);
	}
}

static void test_a_blob_is_whole_or_not_there_when_power_goes_while_it_is_finished(void **state)
{
	unsigned there = 0;
	for (unsigned i = 0; i < 200; i++) {
		struct sim_disk *disk = new_disk(state, i);
		struct blob_dir *dir = open_blobs(disk);
		struct blob_writer *writer = NULL;
		assert_int_equal(blob_writer_open(&writer, dir, "ab12", 0, NULL), TB_OK);
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
		struct blob_reader *reader = NULL;
		if (exists) {
			assert_int_equal(blob_reader_open(&reader, dir, "cd34", NULL), TB_OK);
			check_chunks(reader, 3);
			blob_reader_close(reader);
		}
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
		struct blob_writer *writer = NULL;
		assert_int_equal(blob_writer_open(&writer, dir, "ab12", 0, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 0, 2), TB_OK);
		assert_int_equal(blob_sync(writer, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 2, 4), TB_OK);
		sim_disk_set_faults(disk, &failing);
		assert_int_equal(blob_sync(writer, NULL), TB_ESTORAGE);
		sim_disk_set_faults(disk, &none);
		assert_int_equal(blob_sync(writer, NULL), TB_ESTORAGE);
		blob_writer_close(writer, false);
		/* A new one goes on behind what was synced. */
		assert_int_equal(blob_writer_open(&writer, dir, "ab12", 2, NULL), TB_OK);
		assert_int_equal(write_chunks(writer, 2, 4), TB_OK);
		assert_int_equal(blob_finish(writer, "cd34", NULL), TB_OK);
		blob_dir_close(dir);
		sim_disk_power_loss(disk);
		dir = open_blobs(disk);
		struct blob_reader *reader = NULL;
		assert_int_equal(blob_reader_open(&reader, dir, "cd34", NULL), TB_OK);
		check_chunks(reader, 4);
		blob_reader_close(reader);
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

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_store_loses_no_acknowledged_commit_when_power_goes_within_one),
		SCENE(test_a_store_whose_making_is_cut_off_is_made_anew),
		SCENE(test_store_survives_failing_calls_and_loss_of_power),
		SCENE(test_the_same_seed_gives_the_same_faults),
		SCENE(test_lmdb_with_its_syncs_loses_nothing),
		SCENE(test_lmdb_without_meta_syncs_is_caught_losing_a_commit),
		SCENE(test_lmdb_without_syncs_is_caught_with_a_damaged_file),
		SCENE(test_a_full_disk_is_told_as_full),
		SCENE(test_a_commit_that_failed_late_may_be_there),
		SCENE(test_the_outcome_of_a_failed_commit_stays_as_it_was_first_seen),
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
