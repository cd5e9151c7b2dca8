#include "storage/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <lmdb.h>

#include "storage/store_priv.h"

enum {
	READERS_MAX = 1024, /* read transactions at the same time */
	FULL_BYTES = 1 << 20,
};

/* Commits are durable by LMDB's defaults; any of these flags would take that away. */
static const unsigned UNSAFE_FLAGS = MDB_WRITEMAP | MDB_NOSYNC | MDB_NOMETASYNC | MDB_MAPASYNC;

struct store {
	MDB_env *env;
	int dir_fd;
	int lock_fd;
	char *dir;
	unsigned page_bytes;
	unsigned tables_count;
	MDB_dbi tables[STORE_TABLES_MAX];
	char *names[STORE_TABLES_MAX];
};

struct store_txn {
	struct store *store;
	MDB_txn *txn;
	bool write;
	unsigned cursors;      /* open ones */
	struct tb_error first; /* the first failure; code TB_OK: none */
};

enum tb_code store_engine_code(int rc)
{
	switch (rc) {
	case 0:
		return TB_OK;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case MDB_MAP_FULL:
		return TB_EFULL;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_VERSION_MISMATCH:
	case MDB_PAGE_NOTFOUND:
		return TB_ECORRUPT;
	case EACCES:
	case EPERM:
	case EROFS:
		return TB_EPERMISSIONS;
	case ENOENT:
	case MDB_NOTFOUND:
		return TB_ENOTFOUND;
	case EWOULDBLOCK:
	case MDB_READERS_FULL:
		return TB_EBUSY;
	default:
		return TB_ESTORAGE;
	}
}

static enum tb_code dir_fail(struct tb_error *err, const struct store *store, const char *what, int rc)
{
	enum tb_code code = store_engine_code(rc);
	/* A missing directory or file here is no missing record. */
	if (code == TB_ENOTFOUND)
		code = TB_ESTORAGE;
	return tb_fail(err, code, "store %s: %s: %s", store->dir, what, mdb_strerror(rc));
}

/* ---- open */

static int tables_open(struct store *store, MDB_env *env)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);
	for (unsigned i = 0; rc == 0 && i < store->tables_count; i++)
		rc = mdb_dbi_open(txn, store->names[i], MDB_CREATE, &store->tables[i]);
	if (rc == 0) {
		rc = mdb_txn_commit(txn);
		txn = NULL;
	}
	if (txn)
		mdb_txn_abort(txn);
	return rc;
}

static int env_open(MDB_env **out, struct store *store, const char *path, uint64_t map_bytes, unsigned flags)
{
	MDB_env *env = NULL;
	int rc = mdb_env_create(&env);
	if (rc != 0)
		return rc;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	rc = mdb_env_set_mapsize(env, (size_t)(map_bytes + page - 1) / page * page);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(env, STORE_TABLES_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(env, path, flags, 0600);
	if (rc == 0)
		rc = tables_open(store, env);
	if (rc != 0) {
		mdb_env_close(env);
		return rc;
	}
	*out = env;
	return 0;
}

/* Makes a data file under another name and renames it once it is durable. So data.mdb is there whole or not
 * at all, and an empty one is damage rather than a store that was never begun. */
static enum tb_code data_create(struct store *store, uint64_t map_bytes, struct tb_error *err)
{
	MDB_env *env = NULL;
	char *path = tb_alloc(strlen(store->dir) + sizeof("/data.new"));
	sprintf(path, "%s/data.new", store->dir);
	(void)unlinkat(store->dir_fd, "data.new", 0);
	int rc = env_open(&env, store, path, map_bytes, MDB_NOTLS | MDB_NOSUBDIR | MDB_NOLOCK);
	free(path);
	if (rc == 0)
		rc = mdb_env_sync(env, 1);
	if (env)
		mdb_env_close(env);
	if (rc == 0 && renameat(store->dir_fd, "data.new", store->dir_fd, "data.mdb") != 0)
		rc = errno;
	if (rc == 0 && fsync(store->dir_fd) != 0)
		rc = errno;
	if (rc != 0) {
		(void)unlinkat(store->dir_fd, "data.new", 0);
		return dir_fail(err, store, "creating data.mdb", rc);
	}
	return TB_OK;
}

static enum tb_code data_check(struct store *store, struct tb_error *err)
{
	int fd = openat(store->dir_fd, "data.mdb", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return dir_fail(err, store, "data.mdb", errno);
	enum tb_code code = store_damage_check(fd, err);
	if (code == TB_OK)
		code = store_settle(fd, err);
	close(fd);
	return code;
}

static enum tb_code dir_lock(struct store *store, struct tb_error *err)
{
	store->dir_fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return dir_fail(err, store, "open", errno);
	store->lock_fd = openat(store->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return dir_fail(err, store, "lock", errno);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return TB_OK;
	if (errno == EWOULDBLOCK)
		return tb_fail(err, TB_EBUSY, "store %s: in use by another process", store->dir);
	return dir_fail(err, store, "lock", errno);
}

static enum tb_code data_open(struct store *store, uint64_t map_bytes, struct tb_error *err)
{
	struct stat stat;
	enum tb_code code = TB_OK;
	if (fstatat(store->dir_fd, "data.mdb", &stat, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT)
			return dir_fail(err, store, "data.mdb", errno);
		code = data_create(store, map_bytes, err);
	}
	if (code == TB_OK)
		code = data_check(store, err);
	if (code != TB_OK)
		return code;
	int rc = env_open(&store->env, store, store->dir, map_bytes, MDB_NOTLS);
	if (rc != 0)
		return dir_fail(err, store, "data.mdb", rc);
	unsigned flags = 0;
	MDB_stat page;
	rc = mdb_env_get_flags(store->env, &flags);
	assert(rc == 0);
	assert((flags & UNSAFE_FLAGS) == 0);
	assert(mdb_env_get_maxkeysize(store->env) >= STORE_KEY_BYTES_MAX);
	rc = mdb_env_stat(store->env, &page);
	assert(rc == 0);
	store->page_bytes = page.ms_psize;
	return TB_OK;
}

enum tb_code store_open(struct store **out, const struct store_options *options, struct tb_error *err)
{
	*out = NULL;
	struct store *store = tb_alloc(sizeof(*store));
	store->dir_fd = -1;
	store->lock_fd = -1;
	store->dir = tb_strdup(options->dir);
	for (; options->tables[store->tables_count]; store->tables_count++) {
		assert(store->tables_count < STORE_TABLES_MAX);
		store->names[store->tables_count] = tb_strdup(options->tables[store->tables_count]);
	}
	enum tb_code code = dir_lock(store, err);
	if (code == TB_OK)
		code = data_open(store, options->map_bytes, err);
	if (code == TB_OK) {
		*out = store;
		store = NULL; /* Handed over. */
	}
	store_close(store);
	return code;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	if (store->env)
		mdb_env_close(store->env);
	/* Closing it frees the lock; the file stays, because removing it would race with the next opener. */
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	if (store->dir_fd >= 0)
		close(store->dir_fd);
	for (unsigned i = 0; i < store->tables_count; i++)
		free(store->names[i]);
	free(store->dir);
	free(store);
}

uint64_t store_bytes(struct store *store)
{
	MDB_envinfo info;
	int rc = mdb_env_info(store->env, &info);
	assert(rc == 0);
	return ((uint64_t)info.me_last_pgno + 1) * store->page_bytes;
}

uint64_t store_map_bytes(struct store *store)
{
	MDB_envinfo info;
	int rc = mdb_env_info(store->env, &info);
	assert(rc == 0);
	return info.me_mapsize;
}

/* ---- transactions */

static enum tb_code begin(struct store_txn **out, struct store *store, bool write, struct tb_error *err)
{
	*out = NULL;
	MDB_txn *engine = NULL;
	int rc = mdb_txn_begin(store->env, NULL, write ? 0 : MDB_RDONLY, &engine);
	if (rc != 0)
		return dir_fail(err, store, write ? "write transaction" : "read transaction", rc);
	struct store_txn *txn = tb_alloc(sizeof(*txn));
	txn->store = store;
	txn->txn = engine;
	txn->write = write;
	*out = txn;
	return TB_OK;
}

enum tb_code store_write(struct store_txn **out, struct store *store, struct tb_error *err)
{
	return begin(out, store, true, err);
}

enum tb_code store_read(struct store_txn **out, struct store *store, struct tb_error *err)
{
	return begin(out, store, false, err);
}

/* LMDB reports a short write as EIO, and a full disk often shows as a short write first. */
static bool disk_full(const struct store *store)
{
	struct statvfs disk;
	struct stat file;
	struct rlimit limit;
	if (fstatvfs(store->dir_fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < FULL_BYTES)
		return true;
	return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       fstatat(store->dir_fd, "data.mdb", &file, 0) == 0 &&
	       (uint64_t)file.st_size + FULL_BYTES > limit.rlim_cur;
}

enum tb_code store_commit(struct store_txn *txn, struct tb_error *err)
{
	assert(txn->write);
	assert(txn->cursors == 0);
	enum tb_code code = txn->first.code;
	if (code != TB_OK) {
		tb_fail(err, code, "%s", txn->first.text);
		mdb_txn_abort(txn->txn);
	} else {
		int rc = mdb_txn_commit(txn->txn);
		if (rc == EIO && disk_full(txn->store))
			rc = ENOSPC;
		if (rc != 0)
			code = dir_fail(err, txn->store, "commit", rc);
	}
	free(txn); /* Also after a failed commit the engine's transaction is gone. */
	return code;
}

void store_abort(struct store_txn *txn)
{
	if (!txn)
		return;
	assert(txn->cursors == 0);
	mdb_txn_abort(txn->txn);
	free(txn);
}

enum tb_code store_failed(const struct store_txn *txn)
{
	return txn->first.code;
}

/* ---- records */

static void keep_failure(struct store_txn *txn, unsigned table, const char *what, int rc)
{
	if (txn->first.code != TB_OK)
		return;
	if (rc == EIO && disk_full(txn->store)) /* Large transactions write before they commit. */
		rc = ENOSPC;
	tb_fail(&txn->first, store_engine_code(rc), "store: table %s: %s: %s", txn->store->names[table], what,
	        mdb_strerror(rc));
}

static MDB_val key_val(struct tb_bytes key)
{
	assert(key.size > 0);
	assert(key.size <= STORE_KEY_BYTES_MAX);
	return (MDB_val){key.size, (void *)(uintptr_t)key.data};
}

bool store_get(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes *value)
{
	assert(table < txn->store->tables_count);
	*value = (struct tb_bytes){NULL, 0};
	MDB_val k = key_val(key);
	MDB_val v;
	if (txn->first.code != TB_OK)
		return false;
	int rc = mdb_get(txn->txn, txn->store->tables[table], &k, &v);
	if (rc == 0)
		*value = tb_bytes_of(v.mv_data, v.mv_size);
	else if (rc != MDB_NOTFOUND)
		keep_failure(txn, table, "get", rc);
	return rc == 0;
}

static void put(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes value,
                unsigned flags)
{
	assert(txn->write);
	assert(table < txn->store->tables_count);
	MDB_val k = key_val(key);
	MDB_val v = {value.size, value.size ? (void *)(uintptr_t)value.data : (void *)(uintptr_t) ""};
	if (txn->first.code != TB_OK)
		return;
	int rc = mdb_put(txn->txn, txn->store->tables[table], &k, &v, flags);
	if (rc == MDB_KEYEXIST)
		tb_fail(&txn->first, TB_ESTORAGE, "store: table %s: appended key is not the greatest",
		        txn->store->names[table]);
	else if (rc != 0)
		keep_failure(txn, table, "put", rc);
}

void store_put(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes value)
{
	put(txn, table, key, value, 0);
}

void store_append(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes value)
{
	put(txn, table, key, value, MDB_APPEND);
}

bool store_delete(struct store_txn *txn, unsigned table, struct tb_bytes key)
{
	assert(txn->write);
	assert(table < txn->store->tables_count);
	MDB_val k = key_val(key);
	if (txn->first.code != TB_OK)
		return false;
	int rc = mdb_del(txn->txn, txn->store->tables[table], &k, NULL);
	if (rc != 0 && rc != MDB_NOTFOUND)
		keep_failure(txn, table, "delete", rc);
	return rc == 0;
}

uint64_t store_count(struct store_txn *txn, unsigned table)
{
	assert(table < txn->store->tables_count);
	if (txn->first.code != TB_OK)
		return 0;
	MDB_stat stat;
	int rc = mdb_stat(txn->txn, txn->store->tables[table], &stat);
	if (rc != 0) {
		keep_failure(txn, table, "count", rc);
		return 0;
	}
	return stat.ms_entries;
}

/* ---- cursors */

enum { CURSOR_FRESH, CURSOR_WALKING, CURSOR_DONE };

static void cursor_start(struct store_cursor *cursor, struct store_txn *txn, unsigned table,
                         struct tb_bytes prefix)
{
	assert(table < txn->store->tables_count);
	assert(prefix.size <= STORE_KEY_BYTES_MAX);
	cursor->engine = NULL;
	cursor->txn = txn;
	cursor->prefix_size = prefix.size;
	if (prefix.size > 0)
		memcpy(cursor->prefix, prefix.data, prefix.size);
	cursor->from_size = 0;
	cursor->state = CURSOR_FRESH;
	cursor->backward = false;
	MDB_cursor *engine = NULL;
	int rc = txn->first.code == TB_OK ? mdb_cursor_open(txn->txn, txn->store->tables[table], &engine) : 0;
	if (rc != 0)
		keep_failure(txn, table, "cursor", rc);
	if (!engine) {
		cursor->state = CURSOR_DONE;
		return;
	}
	cursor->engine = engine;
	txn->cursors++;
}

void store_cursor(struct store_cursor *cursor, struct store_txn *txn, unsigned table, struct tb_bytes prefix,
                  struct tb_bytes from)
{
	assert(from.size <= STORE_KEY_BYTES_MAX);
	cursor_start(cursor, txn, table, prefix);
	size_t common = prefix.size < from.size ? prefix.size : from.size;
	int order = common > 0 ? memcmp(from.data, prefix.data, common) : 0;
	struct tb_bytes start = order > 0 || (order == 0 && from.size > prefix.size) ? from : prefix;
	cursor->from_size = start.size;
	if (start.size > 0)
		memcpy(cursor->from, start.data, start.size);
}

/* |from| becomes the least key greater than every key with the prefix; empty if there is no such key. */
void store_cursor_last(struct store_cursor *cursor, struct store_txn *txn, unsigned table,
                       struct tb_bytes prefix)
{
	cursor_start(cursor, txn, table, prefix);
	cursor->backward = true;
	size_t size = prefix.size;
	while (size > 0 && prefix.data[size - 1] == 0xFF)
		size--;
	cursor->from_size = size;
	if (size > 0) {
		memcpy(cursor->from, prefix.data, size);
		cursor->from[size - 1]++;
	}
}

static int cursor_move(struct store_cursor *cursor, MDB_val *k, MDB_val *v)
{
	MDB_cursor *engine = cursor->engine;
	if (cursor->state == CURSOR_WALKING)
		return mdb_cursor_get(engine, k, v, cursor->backward ? MDB_PREV : MDB_NEXT);
	*k = (MDB_val){cursor->from_size, cursor->from};
	if (!cursor->backward)
		return mdb_cursor_get(engine, k, v, cursor->from_size > 0 ? MDB_SET_RANGE : MDB_FIRST);
	int rc = cursor->from_size > 0 ? mdb_cursor_get(engine, k, v, MDB_SET_RANGE) : MDB_NOTFOUND;
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(engine, k, v, MDB_LAST);
	return rc == 0 ? mdb_cursor_get(engine, k, v, MDB_PREV) : rc;
}

bool store_next(struct store_cursor *cursor, struct tb_bytes *key, struct tb_bytes *value)
{
	*key = (struct tb_bytes){NULL, 0};
	*value = (struct tb_bytes){NULL, 0};
	if (cursor->state == CURSOR_DONE)
		return false;
	MDB_val k, v;
	int rc = cursor->txn->first.code == TB_OK ? cursor_move(cursor, &k, &v) : MDB_NOTFOUND;
	bool found = rc == 0 && k.mv_size >= cursor->prefix_size &&
	             memcmp(k.mv_data, cursor->prefix, cursor->prefix_size) == 0;
	if (rc != 0 && rc != MDB_NOTFOUND && cursor->txn->first.code == TB_OK)
		tb_fail(&cursor->txn->first, store_engine_code(rc), "store: walk: %s", mdb_strerror(rc));
	cursor->state = found ? CURSOR_WALKING : CURSOR_DONE;
	if (found) {
		*key = tb_bytes_of(k.mv_data, k.mv_size);
		*value = tb_bytes_of(v.mv_data, v.mv_size);
	}
	return found;
}

void store_cursor_end(struct store_cursor *cursor)
{
	if (!cursor->engine)
		return;
	mdb_cursor_close(cursor->engine);
	cursor->engine = NULL;
	cursor->state = CURSOR_DONE;
	assert(cursor->txn->cursors > 0);
	cursor->txn->cursors--;
}
