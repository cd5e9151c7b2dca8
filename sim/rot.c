#include "sim/rot.h"

#include <assert.h>

enum { ROT_TRIES = 8, LOOKED_AT = 64 };

/* Not KV_META: a node whose numbers are damaged does not start (kv_check_numbers()). */
static const enum kv_table tables[] = {
	KV_CREDENTIAL, KV_CASE,       KV_ENTRY, KV_OUTBOX,     KV_RECEIPT,   KV_INBOX,
	KV_MATERIAL,   KV_AUDIT_LEAF, KV_BATCH, KV_CASE_PROOF, KV_AGREEMENT,
};

/* Some value of |table|; false: it is empty. */
static bool damage(struct store_txn *txn, enum kv_table table, struct sim_random *random)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	struct kv_key at = {.size = 0};
	struct tb_buf copy = {0};
	uint64_t pick = sim_random_below(random, LOOKED_AT);
	store_cursor(&cursor, txn, table, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	for (uint64_t i = 0; i <= pick && store_next(&cursor, &key, &value); i++) {
		at = kv_key_of(key);
		copy.size = 0;
		tb_buf_add(&copy, value.data, value.size);
	}
	store_cursor_end(&cursor);
	bool found = copy.size > 0;
	if (found) {
		copy.data[sim_random_below(random, copy.size)] ^=
			(uint8_t)(1u << sim_random_below(random, 8));
		store_put(txn, table, kv_key_bytes(&at), tb_buf_bytes(&copy));
	}
	tb_buf_clear(&copy);
	return found;
}

const char *sim_rot_value(struct sim_node *node, struct sim_random *random)
{
	struct store_options options = {
		.dir = node->store_dir, .map_bytes = SIM_STORE_BYTES, .tables = core_tables};
	struct store *store;
	struct store_txn *txn;
	struct tb_error err;
	const char *damaged = NULL;
	assert(node->state == SIM_NODE_DOWN);
	if (store_open(&store, &options, &err))
		return NULL;
	if (store_write(&txn, store, &err) == TB_OK) {
		for (unsigned i = 0; i < ROT_TRIES && !damaged; i++) {
			enum kv_table table =
				tables[sim_random_below(random, sizeof(tables) / sizeof(tables[0]))];
			if (damage(txn, table, random))
				damaged = core_tables[table];
		}
		if (store_commit(txn, &err))
			damaged = NULL;
	}
	store_close(store);
	sim_disk_crash(node->disk);
	return damaged;
}
