/* Item lists as they are kept: the own one, and those that peers showed.
 *
 * A list is kept item version by item version, each with the version of the list since which it has been so
 * (Item.listed). What is replaced or removed moves to KV_ITEM_OLD: a case goes on by the list that it was
 * handed in by. What was removed leaves a mark, so that peers hear of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/catalogue.h"
#include "node/core/turn.h"

enum {
	PAGE_BYTES = 700 * 1024, /* of a list in one description, which holds agreements as well */
	PAGE_FIELDS = 40000,     /* TB_PROTO_FIELDS_MAX is for the whole description */
	NEED_FIELDS = 20,
	ITEM_FIELDS = 60,
	ROWS_MAX = 2 * TB_ITEMS_MAX, /* of a peer's list, removed ones counted */
};

/* A window that is cut off goes on by the list that it knew when an application was handed in. */
#define LATE_MOST (10 * TB_DAY)

/* ---- keys: region, NUL, code, NUL, version; of replaced ones also Item.listed */

static struct kv_key key_of(const char *region, const char *code)
{
	static const uint8_t nul = 0;
	struct kv_key key = kv_key_of(tb_bytes_of(region, strnlen(region, PKI_REGION_ROOM)));
	kv_key_add(&key, tb_bytes_of(&nul, 1));
	if (code) {
		kv_key_add(&key, tb_bytes_of(code, strnlen(code, TB_ID_BYTES_MAX)));
		kv_key_add(&key, tb_bytes_of(&nul, 1));
	}
	return key;
}

static struct kv_key row_key(const char *region, const PbItem *item)
{
	struct kv_key key = key_of(region, item->code);
	kv_key_add_u32(&key, item->version);
	return key;
}

static struct kv_key head_key(const char *region)
{
	return kv_key_of(tb_bytes_of(region, strnlen(region, PKI_REGION_ROOM)));
}

enum tb_code catalogue_head(struct kv *kv, const char *region, struct tb_arena *arena, PbCatalogueHead **out,
                            struct tb_error *err)
{
	struct kv_key key = head_key(region);
	return KV_GET(kv, KV_CATALOGUE, &key, catalogue_head, arena, out, err);
}

/* ---- digests: two lists that have one version should be one list */

/* SHA-256 of the SHA-256 of each item's encoding, in the order of code and version (docs/protocol.md, section
 * 6). False: a row cannot be read. */
static bool list_digest(struct turn *turn, const char *region, uint8_t out[PKI_HASH_BYTES]);

/* A head that was stored without one gets it now. */
static void settle_digest(struct turn *turn, const char *region, PbCatalogueHead *head)
{
	uint8_t digest[PKI_HASH_BYTES];
	struct kv_key key = head_key(region);
	if (head->digest.len == PKI_HASH_BYTES || head->version == 0 || !list_digest(turn, region, digest))
		return;
	head->digest = proto_data(tb_arena_bytes(&turn->arena, tb_bytes_of(digest, sizeof(digest))));
	kv_put_message(&turn->kv, KV_CATALOGUE, &key, &head->base);
}

void catalogue_have(struct turn *turn, const char *region, uint64_t *version, struct tb_bytes *digest)
{
	PbCatalogueHead *head;
	*version = 0;
	*digest = tb_bytes_of(NULL, 0);
	if (catalogue_head(&turn->kv, region, &turn->arena, &head, NULL) != TB_OK)
		return;
	settle_digest(turn, region, head);
	*version = head->version;
	*digest = proto_bytes(head->digest);
}

bool catalogue_differ(struct tb_bytes a, struct tb_bytes b)
{
	return a.size == PKI_HASH_BYTES && b.size == PKI_HASH_BYTES && !tb_bytes_equal(a, b);
}

void catalogue_damaged(struct turn *turn, const char *region)
{
	struct kv_key key = head_key(region);
	kv_delete(&turn->kv, KV_CATALOGUE, &key);
	describe_again(turn, region);
}

/* ---- rows, in the order of their codes */

struct rows {
	struct kv *kv;
	enum kv_table table;
	struct store_cursor cursor;
};

static void rows_begin(struct rows *rows, struct kv *kv, enum kv_table table, const struct kv_key *prefix,
                       struct tb_bytes from)
{
	rows->kv = kv;
	rows->table = table;
	store_cursor(&rows->cursor, kv->txn, table, kv_key_bytes(prefix), from);
}

/* *out is NULL after the last. */
static enum tb_code rows_next(struct rows *rows, struct tb_arena *arena, PbStoredItem **out,
                              struct tb_error *err)
{
	struct tb_bytes key, sealed, plain;
	*out = NULL;
	if (!store_next(&rows->cursor, &key, &sealed))
		return TB_OK;
	enum tb_code code = kv_open(rows->kv, rows->table, key, sealed, arena, &plain, err);
	if (code == TB_OK)
		code = PROTO_DECODE_OWN(out, stored_item, plain, arena, err);
	if (code == TB_OK && !(*out)->item)
		code = tb_fail(err, TB_ECORRUPT, "an item of a list holds nothing");
	return code;
}

static void rows_end(struct rows *rows)
{
	store_cursor_end(&rows->cursor);
}

static bool list_digest(struct turn *turn, const char *region, uint8_t out[PKI_HASH_BYTES])
{
	struct rows rows;
	struct kv_key prefix = key_of(region, NULL);
	struct tb_buf hashes = {0};
	PbStoredItem *row = NULL;
	enum tb_code code = TB_OK;
	bool last = false;
	rows_begin(&rows, &turn->kv, KV_ITEM, &prefix, tb_bytes_of(NULL, 0));
	while (code == TB_OK && !last) {
		struct tb_arena arena = {0};
		uint8_t hash[PKI_HASH_BYTES];
		code = rows_next(&rows, &arena, &row, NULL);
		last = !row;
		if (code == TB_OK && row && !row->removed) {
			pki_sha256(hash, proto_encode_arena(&arena, &row->item->base));
			tb_buf_add(&hashes, hash, sizeof(hash));
		}
		tb_arena_clear(&arena);
	}
	rows_end(&rows);
	pki_sha256(out, tb_buf_bytes(&hashes));
	tb_buf_clear(&hashes);
	return code == TB_OK;
}

static void put_row(struct turn *turn, const char *region, PbItem *item, bool removed, uint64_t sync)
{
	PbStoredItem row = PB_STORED_ITEM__INIT;
	struct kv_key key = row_key(region, item);
	row.item = item;
	row.removed = removed;
	row.sync = sync;
	kv_put_message(&turn->kv, KV_ITEM, &key, &row.base);
	if (item->base_code[0] && !removed) {
		struct kv_key base = key_of(region, item->base_code);
		kv_key_add_str(&base, item->code);
		kv_mark(&turn->kv, KV_ITEM_BASE, &base);
	}
}

/* |row| stood in |region|'s list until now. */
static void put_old(struct turn *turn, const char *region, PbStoredItem *row)
{
	struct kv_key key = row_key(region, row->item);
	if (row->removed)
		return;
	kv_key_add_u64(&key, row->item->listed);
	row->until_ms = turn->now;
	kv_put_message(&turn->kv, KV_ITEM_OLD, &key, &row->base);
}

static void remove_row(struct turn *turn, const char *region, PbStoredItem *row, uint64_t version,
                       uint64_t sync)
{
	PbItem gone = PB_ITEM__INIT;
	put_old(turn, region, row);
	gone.code = row->item->code;
	gone.version = row->item->version;
	gone.listed = version;
	put_row(turn, region, &gone, true, sync);
}

/* All of |region| that can be read, marks of removed ones among them; *count of them in the turn's arena.
 * What cannot be read is deleted: a list that is put in its place is to be whole. */
static PbStoredItem **all_rows(struct turn *turn, const char *region, size_t *count)
{
	struct rows rows;
	struct kv_key prefix = key_of(region, NULL);
	struct tb_bytes key, sealed, plain;
	PbStoredItem **list = tb_arena_alloc(&turn->arena, ROWS_MAX * sizeof(PbStoredItem *)), *row;
	struct tb_buf broken = {0}; /* keys, there is hardly ever one */
	size_t broken_count = 0;
	*count = 0;
	rows_begin(&rows, &turn->kv, KV_ITEM, &prefix, tb_bytes_of(NULL, 0));
	while (*count + broken_count < ROWS_MAX && store_next(&rows.cursor, &key, &sealed)) {
		if (kv_open(&turn->kv, KV_ITEM, key, sealed, &turn->arena, &plain, NULL) == TB_OK &&
		    PROTO_DECODE_OWN(&row, stored_item, plain, &turn->arena, NULL) == TB_OK && row->item) {
			list[(*count)++] = row;
		} else {
			struct kv_key lost = kv_key_of(key);
			tb_buf_add(&broken, &lost, sizeof(lost));
			broken_count++;
		}
	}
	rows_end(&rows);
	for (size_t i = 0; i < broken_count; i++)
		kv_delete(&turn->kv, KV_ITEM, &((const struct kv_key *)(const void *)broken.data)[i]);
	tb_buf_clear(&broken);
	return list;
}

/* ---- looking up */

bool catalogue_in_force(const PbItem *item, tb_day day)
{
	tb_day first, end;
	if (item->effective_from[0] && (!tb_day_parse(item->effective_from, &first) || day < first))
		return false;
	return !item->cancelled_on[0] || (tb_day_parse(item->cancelled_on, &end) && day < end);
}

/* Why no version of an item takes cases on a day: by the one that comes nearest to it. */
static enum tb_code not_in_force(const char *region, const char *code, const PbItem *item,
                                 struct tb_error *err)
{
	if (item->cancelled_on[0])
		return tb_refuse(err, TB_REASON_ITEM_ENDED, code, region, item->cancelled_on, NULL);
	return tb_refuse(err, TB_REASON_ITEM_NOT_BEGUN, code, region, item->effective_from, NULL);
}

static enum tb_code not_listed(struct kv *kv, const char *region, const char *code, struct tb_arena *arena,
                               struct tb_error *err)
{
	PbCatalogueHead *head;
	enum tb_code found = catalogue_head(kv, region, arena, &head, err);
	if (found == TB_ENOTFOUND || (found == TB_OK && head->version == 0))
		return tb_refuse(err, TB_REASON_ITEM_LIST_NOT_HERE, region, NULL);
	if (found)
		return found;
	return tb_refuse(err, TB_REASON_ITEM_UNKNOWN, code, region, TB_NUMBER(head->version), NULL);
}

enum tb_code catalogue_item(struct kv *kv, const char *region, const char *code, tb_day day,
                            struct tb_arena *arena, PbItem **out, struct tb_error *err)
{
	struct rows rows;
	struct kv_key prefix = key_of(region, code);
	PbItem *latest = NULL;
	PbStoredItem *row;
	enum tb_code found = TB_OK;
	*out = NULL;
	if (!code[0] || strlen(code) > TB_ID_BYTES_MAX)
		return tb_refuse(err, TB_REASON_ITEM_NO_CODE, NULL);
	rows_begin(&rows, kv, KV_ITEM, &prefix, tb_bytes_of(NULL, 0));
	while ((found = rows_next(&rows, arena, &row, err)) == TB_OK && row) {
		if (row->removed)
			continue;
		latest = row->item;
		if (day == CATALOGUE_ANY_DAY || catalogue_in_force(row->item, day))
			*out = row->item; /* the highest version of those */
	}
	rows_end(&rows);
	if (found || *out)
		return found;
	return latest ? not_in_force(region, code, latest, err) : not_listed(kv, region, code, arena, err);
}

/* The version of an item as it was listed in version |listed| of the list; NULL if it is not kept. */
static enum tb_code as_listed(struct kv *kv, const char *region, const char *code, uint64_t listed,
                              uint32_t version, struct tb_arena *arena, PbStoredItem **out,
                              struct tb_error *err)
{
	PbItem wanted = PB_ITEM__INIT;
	wanted.code = (char *)(uintptr_t)code;
	wanted.version = version;
	*out = NULL;
	if (!code[0] || strlen(code) > TB_ID_BYTES_MAX)
		return TB_OK;
	struct kv_key key = row_key(region, &wanted);
	enum tb_code found = KV_GET(kv, KV_ITEM, &key, stored_item, arena, out, err);
	if (found == TB_OK && (!(*out)->item || (*out)->removed || (*out)->item->listed != listed)) {
		*out = NULL;
		kv_key_add_u64(&key, listed);
		found = KV_GET(kv, KV_ITEM_OLD, &key, stored_item, arena, out, err);
	}
	if (found == TB_OK && !(*out)->item)
		return tb_fail(err, TB_ECORRUPT, "a replaced item holds nothing");
	return found == TB_ENOTFOUND ? TB_OK : found;
}

enum tb_code catalogue_item_of(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena,
                               PbItem **out, struct tb_error *err)
{
	PbStoredItem *row = NULL;
	*out = NULL;
	enum tb_code code = as_listed(kv, record->home, record->item, record->catalogue_version,
	                              record->item_version, arena, &row, err);
	if (code)
		return code;
	if (!row)
		return catalogue_item(kv, record->home, record->item, CATALOGUE_ANY_DAY, arena, out, err);
	*out = row->item;
	return TB_OK;
}

enum tb_code catalogue_item_claimed(struct kv *kv, const char *region, const PbApplication *application,
                                    tb_time at, struct tb_arena *arena, PbItem **out, struct tb_error *err)
{
	PbStoredItem *row = NULL;
	tb_day day = tb_day_at(at);
	*out = NULL;
	enum tb_code code = as_listed(kv, region, application->item, application->catalogue_version,
	                              application->item_version, arena, &row, err);
	if (code)
		return code;
	if (!row)
		return catalogue_item(kv, region, application->item, day, arena, out, err);
	if (row->until_ms && at > row->until_ms + LATE_MOST)
		return tb_refuse(err, TB_REASON_ITEM_REPLACED, application->item,
		                 TB_NUMBER(application->catalogue_version), NULL);
	if (!catalogue_in_force(row->item, day))
		return not_in_force(region, application->item, row->item, err);
	*out = row->item;
	return TB_OK;
}

enum tb_code catalogue_base_item(struct kv *kv, const char *region, const char *base_code, tb_day day,
                                 struct tb_arena *arena, PbItem **item, struct tb_error *err)
{
	struct kv_key prefix = key_of(region, base_code);
	struct store_cursor cursor;
	struct tb_bytes key, nothing;
	struct tb_error why;
	*item = NULL;
	store_cursor(&cursor, kv->txn, KV_ITEM_BASE, kv_key_bytes(&prefix), tb_bytes_of(NULL, 0));
	while (!*item && store_next(&cursor, &key, &nothing)) {
		const char *code = tb_arena_printf(arena, "%.*s", (int)(key.size - prefix.size),
		                                   (const char *)key.data + prefix.size);
		/* A mark outlives the basic code that an item had. */
		if (catalogue_item(kv, region, code, day, arena, item, &why) == TB_OK &&
		    strcmp((*item)->base_code, base_code) != 0)
			*item = NULL;
	}
	store_cursor_end(&cursor);
	if (*item)
		return TB_OK;
	return tb_refuse(err, TB_REASON_ITEM_UNKNOWN_BASE, base_code, region, NULL);
}

/* ---- the own list */

static int by_code(const void *a, const void *b)
{
	const PbItem *x = *(PbItem *const *)a, *y = *(PbItem *const *)b;
	int order = strcmp(x->code, y->code);
	return order ? order : (x->version > y->version) - (x->version < y->version);
}

enum tb_code catalogue_prepare_load(const struct core_setup *setup, struct core_request *request, tb_time now,
                                    struct tb_error *err)
{
	const PbCatalogueLoadRequest *list = (const PbCatalogueLoadRequest *)(const void *)request->message;
	(void)setup;
	(void)now;
	if (list->n_items > TB_ITEMS_MAX)
		return tb_refuse(err, TB_REASON_ITEMS_MANY, TB_NUMBER(TB_ITEMS_MAX), NULL);
	for (size_t i = 0; i < list->n_items; i++) {
		struct tb_error why;
		enum tb_code code = catalogue_check_item(list->items[i], &why);
		if (code)
			return tb_fail_at(err, code, &why, "items[%zu]", i);
	}
	return catalogue_check_versions(list->items, list->n_items, err);
}

static bool same_item(PbItem *item, const PbItem *other, struct tb_arena *arena)
{
	uint64_t listed = item->listed;
	item->listed = other->listed;
	bool same = tb_bytes_equal(proto_encode_arena(arena, &item->base),
	                           proto_encode_arena(arena, &other->base));
	item->listed = listed;
	return same;
}

/* Both lists are in the order of their codes. */
static void replace_rows(struct turn *turn, PbItem **items, size_t items_count, PbStoredItem **rows,
                         size_t rows_count, uint64_t version)
{
	const char *self = turn->core->setup.region;
	size_t i = 0, j = 0;
	while (i < items_count || j < rows_count) {
		PbItem *old = j < rows_count ? rows[j]->item : NULL;
		int order = i == items_count ? 1 : !old ? -1 : by_code(&items[i], &old);
		if (order > 0) {
			if (!rows[j]->removed)
				remove_row(turn, self, rows[j], version, 0);
			j++;
			continue;
		}
		if (order < 0 || rows[j]->removed || !same_item(items[i], old, &turn->arena)) {
			if (order == 0)
				put_old(turn, self, rows[j]);
			items[i]->listed = version;
			put_row(turn, self, items[i], false, 0);
		}
		j += order == 0;
		i++;
	}
}

/* The version that the next list gets: peers take none that is older than theirs. Who has seen a newer one
 * than ours, which an older backup has lost, needs the whole list then. */
static void next_version(struct turn *turn, PbCatalogueHead *head)
{
	PbCatalogueHead *old;
	enum tb_code known = catalogue_head(&turn->kv, turn->core->setup.region, &turn->arena, &old, NULL);
	uint64_t seen = turn->core->list_seen;
	head->version = known == TB_OK ? old->version + 1 : known == TB_ENOTFOUND ? 1 : (uint64_t)turn->now;
	head->whole_since = known == TB_OK ? old->whole_since : known == TB_ENOTFOUND ? 0 : head->version;
	if (seen >= head->version) {
		head->version = seen + 1;
		head->whole_since = head->version;
	}
}

void catalogue_apply_load(struct turn *turn, struct core_request *request)
{
	const PbCatalogueLoadRequest *list = (const PbCatalogueLoadRequest *)(const void *)request->message;
	const char *self = turn->core->setup.region;
	PbCatalogueHead head = PB_CATALOGUE_HEAD__INIT;
	size_t count;
	struct kv_key key = head_key(self);
	next_version(turn, &head);
	PbStoredItem **rows = all_rows(turn, self, &count);
	PbItem **items = tb_arena_copy(&turn->arena, list->items, list->n_items * sizeof(PbItem *));
	qsort(items, list->n_items, sizeof(PbItem *), by_code);
	replace_rows(turn, items, list->n_items, rows, count, head.version);
	head.published_at_ms = turn->now;
	kv_put_message(&turn->kv, KV_CATALOGUE, &key, &head.base);
	settle_digest(turn, self, &head);
	describe_tell(turn);
	uint8_t digest[PKI_HASH_BYTES];
	pki_sha256(digest, proto_encode_arena(&turn->arena, request->message));
	audit_add(turn, PB_LEAF_KIND__LEAF_CATALOGUE, "catalogue", "", tb_bytes_of(digest, sizeof(digest)),
	          (uint32_t)list->n_items);
	PbCatalogueLoadResponse *reply =
		PROTO_NEW(PbCatalogueLoadResponse, catalogue_load_response, &request->arena);
	reply->version = head.version;
	reply->items = (uint32_t)list->n_items;
	turn_reply(turn, request, &reply->base);
}

/* ---- reading */

static enum tb_code read_replaced(struct query *query, const char *region, const char *code,
                                  PbCatalogueListResponse *reply, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	struct rows rows;
	struct kv_key prefix = key_of(region, code);
	PbStoredItem *row;
	enum tb_code found;
	reply->replaced = tb_arena_alloc(arena, TB_PAGE_ROWS_MAX * sizeof(*reply->replaced));
	rows_begin(&rows, &query->kv, KV_ITEM_OLD, &prefix, tb_bytes_of(NULL, 0));
	while ((found = rows_next(&rows, arena, &row, err)) == TB_OK && row &&
	       reply->n_replaced < TB_PAGE_ROWS_MAX)
		reply->replaced[reply->n_replaced++] = row->item;
	rows_end(&rows);
	return found;
}

enum tb_code catalogue_read_list(struct query *query, struct tb_error *err)
{
	const PbCatalogueListRequest *request =
		(const PbCatalogueListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	const char *region = request->region[0] ? request->region : query->setup->region;
	PbCatalogueListResponse *reply = PROTO_NEW(PbCatalogueListResponse, catalogue_list_response, arena);
	PbCatalogueHead *head;
	struct rows rows;
	PbStoredItem *row;
	struct kv_key prefix = key_of(region, request->code[0] ? request->code : NULL);
	if (strlen(request->code) > TB_ID_BYTES_MAX)
		return tb_fail(err, TB_EINVALID, "code: longer than %d bytes", TB_ID_BYTES_MAX);
	enum tb_code code = catalogue_head(&query->kv, region, arena, &head, err);
	if (code == TB_ENOTFOUND || (code == TB_OK && head->version == 0))
		return tb_refuse(err, TB_REASON_ITEM_LIST_NONE, region, NULL);
	if (code)
		return code;
	reply->catalogue = PROTO_NEW(PbCatalogue, catalogue, arena);
	reply->catalogue->region = tb_arena_str(arena, region);
	reply->catalogue->version = head->version;
	reply->catalogue->published_at_ms = head->published_at_ms;
	reply->catalogue->items = tb_arena_alloc(arena, ROWS_MAX * sizeof(PbItem *));
	rows_begin(&rows, &query->kv, KV_ITEM, &prefix, tb_bytes_of(NULL, 0));
	while ((code = rows_next(&rows, arena, &row, err)) == TB_OK && row &&
	       reply->catalogue->n_items < ROWS_MAX) {
		if (!row->removed)
			reply->catalogue->items[reply->catalogue->n_items++] = row->item;
	}
	rows_end(&rows);
	if (code == TB_OK && request->code[0] && request->history)
		code = read_replaced(query, region, request->code, reply, err);
	query->request->reply = &reply->base;
	return code;
}

enum tb_code catalogue_walk(struct kv *kv, const char *region, struct tb_arena *arena,
                            bool (*take)(void *ctx, PbItem *item), void *ctx, struct tb_error *err)
{
	struct rows rows;
	struct kv_key prefix = key_of(region, NULL);
	PbStoredItem *row;
	enum tb_code code = TB_OK;
	bool go_on = true;
	rows_begin(&rows, kv, KV_ITEM, &prefix, tb_bytes_of(NULL, 0));
	while (go_on && (code = rows_next(&rows, arena, &row, err)) == TB_OK && row)
		go_on = row->removed || take(ctx, row->item);
	rows_end(&rows);
	return code;
}

/* ---- between nodes: who has an older list is sent what changed since, in parts that fit a description */

uint64_t catalogue_own_version(struct turn *turn)
{
	PbCatalogueHead *head;
	bool known = catalogue_head(&turn->kv, turn->core->setup.region, &turn->arena, &head, NULL) == TB_OK;
	return known ? head->version : 0;
}

struct tb_bytes catalogue_own_digest(struct turn *turn)
{
	uint64_t version;
	struct tb_bytes digest;
	catalogue_have(turn, turn->core->setup.region, &version, &digest);
	return digest;
}

PbCatalogue *catalogue_page(struct turn *turn, const PbDescribeRequest *asked)
{
	const char *self = turn->core->setup.region;
	struct tb_arena *arena = &turn->arena;
	uint64_t have = asked ? asked->catalogue_version : 0;
	PbCatalogueHead *head;
	PbStoredItem *row;
	struct rows rows;
	size_t bytes = 0, fields = 0;
	if (catalogue_head(&turn->kv, self, arena, &head, NULL))
		return NULL;
	/* Versions that are not from a clock that went wrong are below the time. */
	if (have > head->version && have <= (uint64_t)turn->now && have > turn->core->list_seen)
		turn->core->list_seen = have;
	settle_digest(turn, self, head);
	/* The same version, but not the same list: it needs all of ours. */
	bool other = have == head->version &&
	             catalogue_differ(proto_bytes(head->digest), proto_bytes(asked->catalogue_digest));
	if (have >= head->version && !other)
		return NULL;
	PbCatalogue *page = PROTO_NEW(PbCatalogue, catalogue, arena);
	struct kv_key prefix = key_of(self, NULL);
	struct kv_key from = key_of(self, asked && asked->catalogue_after[0] ? asked->catalogue_after : NULL);
	if (asked && asked->catalogue_after[0])
		kv_key_add_u32(&from, asked->catalogue_after_version);
	page->region = tb_arena_str(arena, self);
	page->version = head->version;
	page->published_at_ms = head->published_at_ms;
	page->since = other || have < head->whole_since ? 0 : have;
	page->items = tb_arena_alloc(arena, ROWS_MAX * sizeof(PbItem *));
	page->removed = tb_arena_alloc(arena, ROWS_MAX * sizeof(PbItem *));
	rows_begin(&rows, &turn->kv, KV_ITEM, &prefix, kv_key_bytes(&from));
	while (rows_next(&rows, arena, &row, NULL) == TB_OK && row && !page->more) {
		PbItem *item = row->item;
		bool told = asked && asked->catalogue_after[0] &&
		            strcmp(item->code, asked->catalogue_after) == 0 &&
		            item->version <= asked->catalogue_after_version;
		if (told || item->listed <= page->since || (row->removed && page->since == 0))
			continue;
		bytes += protobuf_c_message_get_packed_size(&item->base);
		fields += ITEM_FIELDS + NEED_FIELDS * (item->n_materials + item->n_bundle) +
		          2 * (item->n_modes + item->n_fees);
		page->more =
			page->n_items + page->n_removed > 0 && (bytes > PAGE_BYTES || fields > PAGE_FIELDS);
		if (!page->more && row->removed)
			page->removed[page->n_removed++] = item;
		else if (!page->more)
			page->items[page->n_items++] = item;
	}
	rows_end(&rows);
	return page;
}

/* The last row of a part, after which the next one goes on; NULL if there is none, or they are out of order.
 */
static const PbItem *last_of(const PbCatalogue *page, const struct peer_state *state)
{
	const PbItem *last[2] = {NULL, NULL};
	PbItem told = PB_ITEM__INIT, *before = &told;
	told.code = (char *)(uintptr_t)state->list_after;
	told.version = state->list_after_version;
	for (int removed = 0; removed < 2; removed++) {
		PbItem *const *items = removed ? page->removed : page->items;
		size_t count = removed ? page->n_removed : page->n_items;
		for (size_t i = 0; i < count; i++) {
			const PbItem *item = items[i], *previous = i > 0 ? items[i - 1] : before;
			if (!item->code[0] || strlen(item->code) > TB_ID_BYTES_MAX ||
			    item->n_materials > TB_NEEDS_MAX || by_code(&previous, &item) >= 0)
				return NULL;
			last[removed] = item;
		}
	}
	if (!last[0] || !last[1])
		return last[0] ? last[0] : last[1];
	return by_code(&last[0], &last[1]) > 0 ? last[0] : last[1];
}

/* Puts what a peer's list has now; returns how many rows came to it. */
static uint32_t learn_rows(struct turn *turn, const char *peer, const PbCatalogue *page, uint32_t room)
{
	uint64_t sync = page->since == 0 ? page->version : 0;
	uint32_t added = 0;
	for (size_t i = 0; i < page->n_items + page->n_removed; i++) {
		bool removed = i >= page->n_items;
		PbItem *item = removed ? page->removed[i - page->n_items] : page->items[i];
		struct kv_key key = row_key(peer, item);
		PbStoredItem *have = NULL;
		enum tb_code code = KV_GET(&turn->kv, KV_ITEM, &key, stored_item, &turn->arena, &have, NULL);
		if (code == TB_ENOTFOUND && added == room)
			continue;
		added += code == TB_ENOTFOUND;
		if (item->listed == 0 || item->listed > page->version)
			item->listed = page->version;
		bool same = code == TB_OK && have->item && !have->removed && !removed &&
		            have->item->listed == item->listed;
		if (code == TB_OK && have->item && !same && !have->removed)
			put_old(turn, peer, have);
		put_row(turn, peer, item, removed, sync);
	}
	return added;
}

/* The whole list was sent: what was not in it does not stand there any more. */
static void sweep(struct turn *turn, const char *peer, uint64_t version)
{
	size_t count;
	PbStoredItem **rows = all_rows(turn, peer, &count);
	for (size_t i = 0; i < count; i++) {
		if (!rows[i]->removed && rows[i]->sync != version)
			remove_row(turn, peer, rows[i], version, version);
	}
}

/* A list of the same version is sent anew: what was in the one before is not marked as being in this one. */
static void unmark(struct turn *turn, const char *peer, uint64_t version)
{
	size_t count;
	PbStoredItem **rows = all_rows(turn, peer, &count);
	for (size_t i = 0; i < count; i++) {
		if (rows[i]->sync == version)
			put_row(turn, peer, rows[i]->item, rows[i]->removed, 0);
	}
}

/* |region| has another list than ours under the same version. */
static void note_difference(struct turn *turn, const char *region, uint64_t version, struct tb_bytes told,
                            const char *what)
{
	refusal_note(turn, region, "catalogue", TB_EEXISTS, told);
	turn_log(turn, TB_LOG_ERROR, "catalogue.differs", region, "", "version %llu: %s",
	         (unsigned long long)version, what);
}

/* All of the list is here, if it is what the peer says that it is. |head| gets version and digest. */
static void conclude(struct turn *turn, const char *region, PbCatalogueHead *head, const PbCatalogue *page,
                     struct tb_bytes told)
{
	uint8_t *digest = tb_arena_alloc(&turn->arena, PKI_HASH_BYTES);
	struct tb_bytes own = tb_bytes_of(digest, PKI_HASH_BYTES);
	bool whole = page->since == 0;
	head->version = page->version;
	head->published_at_ms = page->published_at_ms;
	if (!list_digest(turn, region, digest))
		own.size = 0;
	if (catalogue_differ(own, told))
		note_difference(turn, region, page->version, told,
		                whole ? "what was fetched is not what the region says that it is"
		                      : "what is here is not what the region has; fetched anew");
	/* All of it was just fetched: another time would give the same, until the peer says something new. */
	if (whole && catalogue_differ(own, told))
		own = told;
	head->digest = proto_data(own);
}

/* Its list is asked for from the beginning. */
static void start_again(struct turn *turn, struct peer_state *state, const char *why)
{
	turn_log(turn, TB_LOG_WARN, "catalogue.refused", state->region, "", "%s", why);
	state->list_after[0] = '\0';
	state->list_after_version = 0;
	state->list_version = 0;
}

bool catalogue_learn(struct turn *turn, struct peer_state *state, const struct core_outbound *outbound,
                     const PbCatalogue *page, struct tb_bytes told)
{
	PbCatalogueHead head = PB_CATALOGUE_HEAD__INIT, *have;
	struct kv_key key = head_key(state->region);
	if (catalogue_head(&turn->kv, state->region, &turn->arena, &have, NULL) == TB_OK)
		head = *have;
	if (strcmp(page->region, state->region) != 0) {
		refusal_note(turn, state->region, "items", TB_EINVALID, pki_batch_root(outbound->answer));
		return false;
	}
	bool anew = head.version == page->version && page->since == 0 &&
	            catalogue_differ(proto_bytes(head.digest), told);
	if (head.version >= page->version && !anew)
		return false;
	bool going_on = state->list_after[0] != '\0';
	if (going_on && page->version != state->list_version) {
		start_again(turn, state, "the list changed while it was sent");
		return true;
	}
	const PbItem *last = last_of(page, state);
	if ((page->since != 0 && page->since != head.version) || (!last && page->more) ||
	    (!last && page->n_items + page->n_removed > 0)) {
		start_again(turn, state, "a part of the list is not in order");
		refusal_note(turn, state->region, "items", TB_EMALFORMED, pki_batch_root(outbound->answer));
		return false;
	}
	if (anew && !going_on) {
		note_difference(turn, state->region, page->version, told,
		                "what is here is not what the region has; fetched anew");
		unmark(turn, state->region, page->version);
	}
	head.rows += learn_rows(turn, state->region, page,
	                        ROWS_MAX - (head.rows < ROWS_MAX ? head.rows : ROWS_MAX));
	/* The signed batch stays as proof of which list a case was checked against. */
	batch_keep(turn, outbound->answer, state->region, 0);
	audit_add(turn, PB_LEAF_KIND__LEAF_CATALOGUE, "catalogue", state->region,
	          pki_batch_root(outbound->answer), (uint32_t)(page->n_items + page->n_removed));
	if (!page->more && page->since == 0)
		sweep(turn, state->region, page->version);
	if (!page->more)
		conclude(turn, state->region, &head, page, told);
	kv_put_message(&turn->kv, KV_CATALOGUE, &key, &head.base);
	state->list_version = page->more ? page->version : 0;
	state->list_after_version = page->more ? last->version : 0;
	snprintf(state->list_after, sizeof(state->list_after), "%s", page->more ? last->code : "");
	turn_log(turn, TB_LOG_INFO, "catalogue.learned", state->region, "",
	         "version %llu, %zu items changed%s", (unsigned long long)page->version,
	         page->n_items + page->n_removed, page->more ? ", more to come" : "");
	return page->more;
}
