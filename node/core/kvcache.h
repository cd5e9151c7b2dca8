/* What a turn wrote, and what it read, in clear: the turns after it mostly want the same records.
 *
 * A record that several events of a turn change is sealed and stored once, when the turn ends. Only for
 * tables that a turn neither walks nor deletes from. One thread. */
#pragma once

#include "base/bytes.h"

struct kv_cache;

struct kv_cache *kv_cache_new(void);
void kv_cache_free(struct kv_cache *cache);
/* False if it is not here. |plain| lives until the next put or trim. */
bool kv_cache_get(const struct kv_cache *cache, unsigned table, struct tb_bytes key, struct tb_bytes *plain);
/* |changed|: it is to be stored; otherwise it was read from the store. */
void kv_cache_put(struct kv_cache *cache, unsigned table, struct tb_bytes key, struct tb_bytes plain,
                  bool changed);
/* Gives what is to be stored, in the order in which it was first changed, one a call; false when there is no
 * more. */
bool kv_cache_take_changed(struct kv_cache *cache, unsigned *table, struct tb_bytes *key,
                           struct tb_bytes *plain);
/* Forgets everything. Nothing may be left to store. */
void kv_cache_forget(struct kv_cache *cache);
/* If it has become much: forgets what was not used lately, and everything if that is not enough. Nothing may
 * be left to store. */
void kv_cache_trim(struct kv_cache *cache);
