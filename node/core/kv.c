#include "node/core/kv.h"

#include <assert.h>
#include <string.h>

#include "node/core/kvcache.h"

const char *const core_tables[] = {
	"meta",       "chain",    "batch",        "credential", "find",      "case",    "entry",
	"request",    "timer",    "outbox",       "receipt",    "outgoing",  "dead",    "inbox",
	"proof",      "material", "material_for", "wanted",     "catalogue", "import",  "audit_leaf",
	"audit_node", "note",     "nonce",        "proposed",   "matter",    "post",    "matter_due",
	"agreement",  "token",    "item",         "item_old",   "item_base", "webhook", "hold",
	"doomed",     "changed",  "hall",         "applicant",  "codes",     "credit",  "readiness",
	NULL,
};
_Static_assert(sizeof(core_tables) / sizeof(core_tables[0]) == KV_TABLES + 1, "a name for every table");

struct kv_key kv_key_of(struct tb_bytes bytes)
{
	struct kv_key key;
	key.size = 0; /* the bytes behind it are nobody's: clearing them would cost more than the rest */
	kv_key_add(&key, bytes);
	return key;
}

struct kv_key kv_key_str(const char *text)
{
	return kv_key_of(tb_bytes_str(text));
}

struct kv_key kv_key_u64(uint64_t number)
{
	struct kv_key key;
	key.size = 0;
	kv_key_add_u64(&key, number);
	return key;
}

void kv_key_add(struct kv_key *key, struct tb_bytes bytes)
{
	assert(bytes.size <= sizeof(key->bytes) - key->size);
	if (bytes.size > 0)
		memcpy(key->bytes + key->size, bytes.data, bytes.size);
	key->size += bytes.size;
}

void kv_key_add_str(struct kv_key *key, const char *text)
{
	kv_key_add(key, tb_bytes_str(text));
}

void kv_key_add_u32(struct kv_key *key, uint32_t number)
{
	uint8_t bytes[4];
	tb_put_u32(bytes, number);
	kv_key_add(key, tb_bytes_of(bytes, 4));
}

void kv_key_add_u64(struct kv_key *key, uint64_t number)
{
	uint8_t bytes[8];
	tb_put_u64(bytes, number);
	kv_key_add(key, tb_bytes_of(bytes, 8));
}

/* What a sealed value is bound to: its table and its key. */
static struct tb_bytes binding(uint8_t out[STORE_KEY_BYTES_MAX + 1], enum kv_table table, struct tb_bytes key)
{
	assert(key.size <= STORE_KEY_BYTES_MAX);
	out[0] = (uint8_t)table;
	memcpy(out + 1, key.data, key.size);
	return tb_bytes_of(out, key.size + 1);
}

static struct tb_bytes seal(struct kv *kv, enum kv_table table, const struct kv_key *key,
                            struct tb_bytes plain)
{
	uint8_t bound[STORE_KEY_BYTES_MAX + 1];
	uint8_t nonce[12];
	pki_random_bytes(kv->random, nonce, sizeof(nonce));
	kv->scratch.size = 0;
	pki_vault_seal(kv->vault, &kv->scratch, plain, binding(bound, table, kv_key_bytes(key)), nonce);
	return tb_buf_bytes(&kv->scratch);
}

/* Tables whose records several events of a turn change, or the next turns want again. */
static bool cached(const struct kv *kv, enum kv_table table)
{
	return kv->cache && (table == KV_META || table == KV_CASE || table == KV_ENTRY || table == KV_OUTBOX);
}

void kv_put(struct kv *kv, enum kv_table table, const struct kv_key *key, struct tb_bytes plain)
{
	if (cached(kv, table))
		kv_cache_put(kv->cache, table, kv_key_bytes(key), plain, true);
	else
		store_put(kv->txn, table, kv_key_bytes(key), seal(kv, table, key, plain));
}

void kv_settle(struct kv *kv)
{
	kv_flush(kv);
	kv_cache_forget(kv->cache);
	kv->cache = NULL;
}

void kv_flush(struct kv *kv)
{
	unsigned table;
	struct tb_bytes bytes, plain;
	while (kv_cache_take_changed(kv->cache, &table, &bytes, &plain)) {
		struct kv_key key = kv_key_of(bytes);
		store_put(kv->txn, table, bytes, seal(kv, (enum kv_table)table, &key, plain));
	}
	kv_cache_trim(kv->cache);
}

void kv_append(struct kv *kv, enum kv_table table, const struct kv_key *key, struct tb_bytes plain)
{
	store_append(kv->txn, table, kv_key_bytes(key), seal(kv, table, key, plain));
}

void kv_mark(struct kv *kv, enum kv_table table, const struct kv_key *key)
{
	store_put(kv->txn, table, kv_key_bytes(key), tb_bytes_of(NULL, 0));
}

void kv_delete(struct kv *kv, enum kv_table table, const struct kv_key *key)
{
	assert(!cached(kv, table));
	store_delete(kv->txn, table, kv_key_bytes(key));
}

bool kv_has(struct kv *kv, enum kv_table table, const struct kv_key *key)
{
	struct tb_bytes value;
	assert(!cached(kv, table));
	return store_get(kv->txn, table, kv_key_bytes(key), &value);
}

enum tb_code kv_open(struct kv *kv, enum kv_table table, struct tb_bytes key, struct tb_bytes sealed,
                     struct tb_arena *arena, struct tb_bytes *plain, struct tb_error *err)
{
	uint8_t bound[STORE_KEY_BYTES_MAX + 1];
	kv->scratch.size = 0;
	enum tb_code code = pki_vault_open(kv->vault, &kv->scratch, sealed, binding(bound, table, key), NULL);
	if (code)
		return tb_fail(err, TB_ECORRUPT, "stored value in table \"%s\" is damaged or was moved",
		               core_tables[table]);
	*plain = tb_arena_bytes(arena, tb_buf_bytes(&kv->scratch));
	return TB_OK;
}

enum tb_code kv_get(struct kv *kv, enum kv_table table, const struct kv_key *key, struct tb_arena *arena,
                    struct tb_bytes *plain, struct tb_error *err)
{
	struct tb_bytes sealed, kept;
	bool caches = cached(kv, table);
	if (caches && kv_cache_get(kv->cache, table, kv_key_bytes(key), &kept)) {
		*plain = tb_arena_bytes(arena, kept);
		return TB_OK;
	}
	if (!store_get(kv->txn, table, kv_key_bytes(key), &sealed)) {
		/* Most callers expect it: no words are made for them, nor left unset. */
		if (err) {
			err->code = TB_ENOTFOUND;
			err->text[0] = 0;
		}
		return TB_ENOTFOUND;
	}
	enum tb_code code = kv_open(kv, table, kv_key_bytes(key), sealed, arena, plain, err);
	if (code == TB_OK && caches)
		kv_cache_put(kv->cache, table, kv_key_bytes(key), *plain, false);
	return code;
}

void kv_put_message(struct kv *kv, enum kv_table table, const struct kv_key *key,
                    const proto_message *message)
{
	struct tb_buf plain = {0};
	proto_encode(&plain, message);
	kv_put(kv, table, key, tb_buf_bytes(&plain));
	tb_buf_clear(&plain);
}

enum tb_code kv_get_message(struct kv *kv, enum kv_table table, const struct kv_key *key,
                            const proto_type *type, struct tb_arena *arena, proto_message **out,
                            struct tb_error *err)
{
	struct tb_bytes plain;
	*out = NULL;
	enum tb_code code = kv_get(kv, table, key, arena, &plain, err);
	if (code)
		return code;
	return proto_decode_own(out, type, plain, arena, err);
}

uint64_t kv_number(struct kv *kv, const char *name)
{
	struct tb_arena arena = {0};
	struct kv_key key = kv_key_str(name);
	struct tb_bytes plain;
	uint64_t number = 0;
	enum tb_code code = kv_get(kv, KV_META, &key, &arena, &plain, NULL);
	/* kv_check_numbers() has read them all. One that was damaged since may not begin again at 0: what it
	 * counts would be overwritten. */
	assert(code != TB_ECORRUPT || !kv->cache);
	if (code == TB_OK && plain.size == 8)
		number = tb_get_u64(plain.data);
	tb_arena_clear(&arena);
	return number;
}

void kv_set_number(struct kv *kv, const char *name, uint64_t number)
{
	uint8_t bytes[8];
	tb_put_u64(bytes, number);
	struct kv_key key = kv_key_str(name);
	kv_put(kv, KV_META, &key, tb_bytes_of(bytes, 8));
}

enum tb_code kv_check_numbers(struct kv *kv, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	store_cursor(&cursor, kv->txn, KV_META, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && store_next(&cursor, &key, &sealed)) {
		code = kv_open(kv, KV_META, key, sealed, &arena, &plain, err);
		if (code == TB_OK && plain.size != 8 && !tb_bytes_equal(key, tb_bytes_str("region")))
			code = tb_fail(err, TB_ECORRUPT, "a stored number is damaged");
	}
	store_cursor_end(&cursor);
	tb_arena_clear(&arena);
	return code;
}
