#include "node/core/kvcache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 16384,
	KEPT_BYTES_MAX = 4 << 20,
	ENTRIES_MAX = BUCKETS,
	AGE_BYTES = KEPT_BYTES_MAX / 4, /* put in one age */
};

struct entry {
	struct entry *next;         /* in its bucket */
	struct entry *next_changed; /* in the order of their first change */
	unsigned table;
	bool changed;
	unsigned age; /* in which it was last put or got */
	uint32_t hash;
	size_t key_size;
	size_t plain_size;
	size_t plain_room;
	uint8_t *plain;
	uint8_t key[];
};

struct kv_cache {
	struct entry *buckets[BUCKETS];
	struct entry *first_changed;
	struct entry *last_changed;
	size_t count;
	size_t bytes;
	unsigned age;
	size_t age_bytes; /* put since it began */
};

struct kv_cache *kv_cache_new(void)
{
	return tb_alloc(sizeof(struct kv_cache));
}

static void entry_free(struct entry *entry)
{
	free(entry->plain);
	free(entry);
}

static size_t size_of(const struct entry *entry)
{
	return sizeof(*entry) + entry->key_size + entry->plain_room;
}

/* All that were used |ages| ages ago or earlier. */
static void forget(struct kv_cache *cache, unsigned ages)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry **at = &cache->buckets[i];
		while (*at) {
			struct entry *entry = *at;
			if (cache->age - entry->age < ages) {
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			cache->count--;
			cache->bytes -= size_of(entry);
			entry_free(entry);
		}
	}
}

void kv_cache_free(struct kv_cache *cache)
{
	if (!cache)
		return;
	forget(cache, 0);
	free(cache);
}

/* FNV-1a. Keys are the node's own: nobody outside can make many of them fall together. */
static uint32_t hash_of(unsigned table, struct tb_bytes key)
{
	uint32_t hash = 2166136261U ^ table;
	for (size_t i = 0; i < key.size; i++)
		hash = (hash ^ key.data[i]) * 16777619U;
	return hash;
}

static struct entry *find(const struct kv_cache *cache, unsigned table, struct tb_bytes key, uint32_t hash)
{
	struct entry *entry = cache->buckets[hash % BUCKETS];
	while (entry && (entry->hash != hash || entry->table != table || entry->key_size != key.size ||
	                 memcmp(entry->key, key.data, key.size) != 0))
		entry = entry->next;
	return entry;
}

bool kv_cache_get(const struct kv_cache *cache, unsigned table, struct tb_bytes key, struct tb_bytes *plain)
{
	struct entry *entry = find(cache, table, key, hash_of(table, key));
	if (!entry)
		return false;
	entry->age = cache->age;
	*plain = tb_bytes_of(entry->plain, entry->plain_size);
	return true;
}

static struct entry *add(struct kv_cache *cache, unsigned table, struct tb_bytes key, uint32_t hash)
{
	struct entry *entry = tb_alloc(sizeof(*entry) + key.size);
	entry->table = table;
	entry->hash = hash;
	entry->key_size = key.size;
	memcpy(entry->key, key.data, key.size);
	entry->next = cache->buckets[hash % BUCKETS];
	cache->buckets[hash % BUCKETS] = entry;
	cache->count++;
	cache->bytes += size_of(entry);
	return entry;
}

static void mark_changed(struct kv_cache *cache, struct entry *entry)
{
	if (entry->changed)
		return;
	entry->changed = true;
	entry->next_changed = NULL;
	if (cache->last_changed)
		cache->last_changed->next_changed = entry;
	else
		cache->first_changed = entry;
	cache->last_changed = entry;
}

void kv_cache_put(struct kv_cache *cache, unsigned table, struct tb_bytes key, struct tb_bytes plain,
                  bool changed)
{
	uint32_t hash = hash_of(table, key);
	struct entry *entry = find(cache, table, key, hash);
	if (!entry)
		entry = add(cache, table, key, hash);
	if (plain.size > entry->plain_room) {
		cache->bytes += plain.size - entry->plain_room;
		free(entry->plain);
		entry->plain = tb_alloc(plain.size);
		entry->plain_room = plain.size;
	}
	if (plain.size > 0)
		memcpy(entry->plain, plain.data, plain.size);
	entry->plain_size = plain.size;
	entry->age = cache->age;
	cache->age_bytes += size_of(entry);
	if (changed)
		mark_changed(cache, entry);
}

bool kv_cache_take_changed(struct kv_cache *cache, unsigned *table, struct tb_bytes *key,
                           struct tb_bytes *plain)
{
	struct entry *entry = cache->first_changed;
	if (!entry)
		return false;
	cache->first_changed = entry->next_changed;
	if (!cache->first_changed)
		cache->last_changed = NULL;
	entry->changed = false;
	*table = entry->table;
	*key = tb_bytes_of(entry->key, entry->key_size);
	*plain = tb_bytes_of(entry->plain, entry->plain_size);
	return true;
}

void kv_cache_forget(struct kv_cache *cache)
{
	assert(!cache->first_changed);
	forget(cache, 0);
}

static bool is_full(const struct kv_cache *cache)
{
	return cache->bytes > KEPT_BYTES_MAX || cache->count > ENTRIES_MAX;
}

void kv_cache_trim(struct kv_cache *cache)
{
	assert(!cache->first_changed);
	if (cache->age_bytes > AGE_BYTES) {
		cache->age++;
		cache->age_bytes = 0;
	}
	if (is_full(cache))
		forget(cache, 2);
	if (is_full(cache))
		forget(cache, 0);
}
