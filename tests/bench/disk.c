#include "tests/bench/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_BYTES = 512, BLOCK_BYTES = 1 << 20, COMMITS_MAX = 100000 };

static void lmdb_check(int rc)
{
	if (rc != 0)
		bench_die("lmdb: %s", mdb_strerror(rc));
}

static void commit_one(MDB_env *env, MDB_dbi table, unsigned records, uint64_t *key)
{
	uint8_t name[8];
	uint8_t record[RECORD_BYTES];
	MDB_txn *txn;
	lmdb_check(mdb_txn_begin(env, NULL, 0, &txn));
	for (unsigned i = 0; i < records; i++) {
		MDB_val k = {sizeof(name), name};
		MDB_val v = {sizeof(record), record};
		tb_put_u64(name, ++*key);
		memset(record, (int)*key, sizeof(record));
		lmdb_check(mdb_put(txn, table, &k, &v, MDB_APPEND));
	}
	lmdb_check(mdb_txn_commit(txn));
}

double disk_lmdb(const struct bench *bench, unsigned records, double *median_us)
{
	char dir[BENCH_PATH_ROOM];
	char path[BENCH_PATH_ROOM + 16];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	uint64_t key = 0;
	size_t commits = 0;
	double *times = tb_alloc(COMMITS_MAX * sizeof(*times));
	snprintf(dir, sizeof(dir), "%s/lmdb", bench->dir);
	if (mkdir(dir, 0700) != 0)
		bench_die("%s: %s", dir, strerror(errno));
	lmdb_check(mdb_env_create(&env));
	lmdb_check(mdb_env_set_mapsize(env, (size_t)16 << 30));
	lmdb_check(mdb_env_open(env, dir, 0, 0600));
	lmdb_check(mdb_txn_begin(env, NULL, 0, &txn));
	lmdb_check(mdb_dbi_open(txn, NULL, 0, &table));
	lmdb_check(mdb_txn_commit(txn));
	double from = bench_now();
	double at = from;
	for (; at - from < bench->seconds && commits < COMMITS_MAX; commits++) {
		commit_one(env, table, records, &key);
		double now = bench_now();
		times[commits] = now - at;
		at = now;
	}
	mdb_env_close(env);
	if (median_us)
		*median_us = bench_percentile(times, commits, 0.5) * 1e6;
	free(times);
	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/lock.mdb", dir);
	unlink(path);
	rmdir(dir);
	return (double)key / (at - from);
}

double disk_files(const struct bench *bench, uint64_t bytes)
{
	char path[BENCH_PATH_ROOM];
	uint8_t *block = tb_alloc(BLOCK_BYTES);
	uint64_t total = 0;
	double spent = 0;
	memset(block, 0x5A, BLOCK_BYTES);
	snprintf(path, sizeof(path), "%s/sequential", bench->dir);
	while (spent < bench->seconds) {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		double from = bench_now();
		for (uint64_t done = 0; done < bytes; done += BLOCK_BYTES) {
			if (write(fd, block, BLOCK_BYTES) != BLOCK_BYTES)
				bench_die("%s: %s", path, strerror(errno));
		}
		if (fdatasync(fd) != 0)
			bench_die("%s: %s", path, strerror(errno));
		spent += bench_now() - from;
		total += bytes;
		close(fd);
		unlink(path);
	}
	free(block);
	return (double)total / spent / 1e6;
}
