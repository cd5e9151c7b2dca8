/* Canaries: LMDB told not to sync must be caught losing. */
#include "tests/sim/disk_scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <lmdb.h>

enum { CYCLES = 2000 };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_lmdb_with_its_syncs_loses_nothing),
		SCENE(test_lmdb_without_meta_syncs_is_caught_losing_a_commit),
		SCENE(test_lmdb_without_syncs_is_caught_with_a_damaged_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
