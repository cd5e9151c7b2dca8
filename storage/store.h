/* An ordered key-value store in one directory: transactions, tables, cursors.
 *
 * One write transaction at a time, any number of read transactions on any thread; readers see the last
 * commit. A commit that returns TB_OK is on the disk. A commit that fails has an unknown outcome: close the
 * store, open it again, look: what is seen then stays. A write transaction keeps its first failure, so that
 * writing reads straight down and only store_commit() is checked. Values read live until the transaction ends
 * or the table is written, whichever is first. No type of the engine (LMDB) shows here. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

struct store;
struct store_txn;

enum { STORE_KEY_BYTES_MAX = 500, STORE_TABLES_MAX = 48 };

struct store_options {
	const char *dir;           /* exists, is ours */
	uint64_t map_bytes;        /* the most that the data file may grow to */
	const char *const *tables; /* names, ended by NULL; a table is its index here */
};

/* Opens or creates DIR/data.mdb and fsyncs the directory when it creates.
 * TB_EBUSY  another process has it open     TB_ECORRUPT  not a store, or damaged
 * TB_EPERMISSIONS  cannot write there       TB_EFULL, TB_ESTORAGE  the disk says so */
TB_MUST_CHECK enum tb_code store_open(struct store **out, const struct store_options *options,
                                      struct tb_error *err);
void store_close(struct store *store); /* no transaction may be open */

TB_MUST_CHECK enum tb_code store_write(struct store_txn **out, struct store *store, struct tb_error *err);
TB_MUST_CHECK enum tb_code store_read(struct store_txn **out, struct store *store, struct tb_error *err);
/* Ends the transaction in every case; |txn| is gone afterwards. TB_EFULL: the disk or the map is full. */
TB_MUST_CHECK enum tb_code store_commit(struct store_txn *txn, struct tb_error *err);
void store_abort(struct store_txn *txn); /* ends it without a trace; also how a read ends; NULL is fine */
/* The first failure so far, TB_OK if none. */
enum tb_code store_failed(const struct store_txn *txn);

/* False if there is no such key (or the transaction has failed). */
bool store_get(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes *value);
void store_put(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes value);
/* The key must be greater than every key of the table: faster, and fuller pages. */
void store_append(struct store_txn *txn, unsigned table, struct tb_bytes key, struct tb_bytes value);
/* False if there was none. */
bool store_delete(struct store_txn *txn, unsigned table, struct tb_bytes key);
uint64_t store_count(struct store_txn *txn, unsigned table);

/* Walks the keys from |from| on (all that start with |prefix|, in order): while (store_next(&cursor, &k,
 * &v)). store_cursor_end() always. The table may not be written meanwhile. */
struct store_cursor {
	void *engine;
	struct store_txn *txn;
	uint8_t prefix[STORE_KEY_BYTES_MAX];
	size_t prefix_size;
	uint8_t from[STORE_KEY_BYTES_MAX];
	size_t from_size;
	int state; /* 0 fresh, 1 walking, 2 done */
	bool backward;
};
void store_cursor(struct store_cursor *cursor, struct store_txn *txn, unsigned table, struct tb_bytes prefix,
                  struct tb_bytes from);
/* The same from the last key with |prefix| down. */
void store_cursor_last(struct store_cursor *cursor, struct store_txn *txn, unsigned table,
                       struct tb_bytes prefix);
bool store_next(struct store_cursor *cursor, struct tb_bytes *key, struct tb_bytes *value);
void store_cursor_end(struct store_cursor *cursor);

/* Bytes of the data file in use. */
uint64_t store_bytes(struct store *store);
/* What it may grow to. */
uint64_t store_map_bytes(struct store *store);
