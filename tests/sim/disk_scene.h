/* A simulated disk in a scratch directory, and a store on it that is written in rounds. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/disk.h"
#include "storage/store.h"

enum { KEYS = 64, VALUE_BYTES = 900, MAP_BYTES = 1 << 22 };

struct scene {
	char root[64];
	struct sim_disk *disk;
};

static inline int scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct stat stat_shm;
	strcpy(scene->root, stat("/dev/shm", &stat_shm) == 0 ? "/dev/shm/tongban-disk-XXXXXX"
	                                                     : "/tmp/tongban-disk-XXXXXX");
	*state = scene;
	return mkdtemp(scene->root) ? 0 : -1;
}

static inline int scene_teardown(void **state)
{
	struct scene *scene = *state;
	if (scene->disk && sim_disk_open_count(scene->disk) > 0)
		return -1; /* A test that failed left its store open. */
	sim_disk_free(scene->disk);
	int rc = rmdir(scene->root); /* Nothing is left beside the disk either. */
	free(scene);
	return rc;
}

static inline struct sim_disk *new_disk(void **state, uint64_t seed)
{
	struct scene *scene = *state;
	char dir[96];
	sim_disk_free(scene->disk);
	snprintf(dir, sizeof(dir), "%s/node", scene->root);
	scene->disk = sim_disk_new(dir, seed);
	return scene->disk;
}

static inline const char *place(struct sim_disk *disk, const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", sim_disk_dir(disk), name);
	return path;
}

/* ---- a store, written in rounds: each puts one record of the round's own content */

static inline uint64_t next(uint64_t *random)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return *random >> 33;
}

static inline struct store *open_store(struct sim_disk *disk, enum tb_code *code)
{
	struct store *store = NULL;
	struct tb_error err = {0};
	static const char *const tables[] = {"facts", NULL};
	struct store_options options = {sim_disk_dir(disk), MAP_BYTES, tables};
	*code = store_open(&store, &options, &err);
	return store;
}

static inline void fill(uint8_t value[VALUE_BYTES], uint64_t key, uint64_t round)
{
	memset(value, (int)(1 + (key * 31 + round) % 255), VALUE_BYTES);
	tb_put_u64(value, round);
	tb_put_u64(value + VALUE_BYTES - 8, round ^ key);
}

static inline enum tb_code write_round(struct store *store, uint64_t key, uint64_t round)
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
static inline uint64_t read_round(struct store *store, uint64_t key)
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

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)
