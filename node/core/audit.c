/* The node's own log: an RFC 6962 tree whose leaves are written in the transaction of what they record. */
#include <assert.h>
#include <string.h>

#include "node/core/turn.h"
#include "pki/note.h"

/* ---- the tree in the store: rows of hashes
 *
 * A row of level k holds up to 16 neighbouring hashes of the tree's level 4 * k; the levels between are
 * computed from them. */

static struct kv_key row_key(unsigned level, uint64_t row)
{
	uint8_t first = (uint8_t)level;
	struct kv_key key = kv_key_of(tb_bytes_of(&first, 1));
	kv_key_add_u64(&key, row);
	return key;
}

static bool node_get(void *ctx, unsigned level, uint64_t index, struct pki_digest *out)
{
	struct kv *kv = ctx;
	unsigned above = level % AUDIT_ROW_LEVELS;
	uint64_t first = index << above;
	size_t count = (size_t)1 << above, at = first % AUDIT_ROW;
	struct kv_key key = row_key(level / AUDIT_ROW_LEVELS, first / AUDIT_ROW);
	struct pki_digest nodes[AUDIT_ROW];
	struct tb_bytes value;
	if (!store_get(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&key), &value) ||
	    value.size % sizeof(nodes[0]) != 0 || value.size < (at + count) * sizeof(nodes[0]))
		return false;
	memcpy(nodes, value.data + at * sizeof(nodes[0]), count * sizeof(nodes[0]));
	for (; count > 1; count /= 2) {
		for (size_t i = 0; i < count / 2; i++)
			nodes[i] = pki_merkle_node(&nodes[2 * i], &nodes[2 * i + 1]);
	}
	*out = nodes[0];
	return true;
}

static struct pki_tree_io tree(struct kv *kv)
{
	return (struct pki_tree_io){.get = node_get, .ctx = kv};
}

/* How many leaves the log has in this transaction. */
static uint64_t size_in(struct kv *kv)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	uint64_t size = 0;
	store_cursor_last(&cursor, kv->txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0));
	if (store_next(&cursor, &key, &value) && key.size == 8)
		size = tb_get_u64(key.data) + 1;
	store_cursor_end(&cursor);
	return size;
}

/* ---- the growing end */

static void put_row(struct kv *kv, struct audit_end *end, unsigned level, uint64_t row, size_t count)
{
	struct kv_key key = row_key(level, row);
	store_put(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&key),
	          tb_bytes_of(end->rows[level], count * sizeof(end->rows[level][0])));
	end->changed &= ~(1U << level);
}

/* A complete subtree of |level| is the tree's |index|th: those of every fourth level are kept. */
static void keep_node(struct kv *kv, struct audit_end *end, unsigned level, uint64_t index,
                      const struct pki_digest *hash)
{
	unsigned row = level / AUDIT_ROW_LEVELS;
	if (level % AUDIT_ROW_LEVELS != 0)
		return;
	end->rows[row][index % AUDIT_ROW] = *hash;
	end->changed |= 1U << row;
	if (index % AUDIT_ROW == AUDIT_ROW - 1)
		put_row(kv, end, row, index / AUDIT_ROW, AUDIT_ROW);
}

/* |kv| NULL: nothing is kept. */
static void append_hash(struct kv *kv, struct audit_end *end, struct pki_digest hash)
{
	unsigned level = 0;
	if (kv)
		keep_node(kv, end, 0, end->hashed, &hash);
	for (uint64_t bits = end->hashed; bits & 1; bits >>= 1) {
		hash = pki_merkle_node(&end->at[level], &hash);
		level++;
		if (kv)
			keep_node(kv, end, level, end->hashed >> level, &hash);
	}
	end->at[level] = hash;
	end->hashed++;
}

static struct pki_digest end_root(const struct audit_end *end)
{
	struct pki_digest root = pki_merkle_root(NULL, 0);
	bool first = true;
	for (unsigned level = 0; level < 64; level++) {
		if (!(end->hashed >> level & 1))
			continue;
		root = first ? end->at[level] : pki_merkle_node(&end->at[level], &root);
		first = false;
	}
	return root;
}

enum tb_code audit_open(struct core *core, struct kv *kv, struct tb_error *err)
{
	struct audit_end *end = &core->audit;
	end->size = end->hashed = kv_number(kv, "audit_size");
	if (size_in(kv) != end->size)
		return tb_fail(err, TB_ECORRUPT, "audit log: %llu leaves, %llu expected",
		               (unsigned long long)size_in(kv), (unsigned long long)end->size);
	for (unsigned level = 0; level < 64; level++) {
		if ((end->size >> level & 1) &&
		    !node_get(kv, level, (end->size >> level) - 1, &end->at[level]))
			return tb_fail(err, TB_ECORRUPT, "audit log: a hash of level %u is missing", level);
	}
	for (unsigned row = 0; row < AUDIT_ROWS; row++) {
		uint64_t count = end->size >> (AUDIT_ROW_LEVELS * row);
		struct kv_key key = row_key(row, count / AUDIT_ROW);
		size_t bytes = count % AUDIT_ROW * sizeof(end->rows[row][0]);
		struct tb_bytes value;
		if (bytes == 0)
			continue;
		if (!store_get(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&key), &value) || value.size != bytes)
			return tb_fail(err, TB_ECORRUPT, "audit log: a row of level %u is missing", row);
		memcpy(end->rows[row], value.data, bytes);
	}
	return TB_OK;
}

/* The leaves since the last time are hashed, several at a time, and become one stored value. */
static void put_bundle(struct kv *kv, struct audit_end *end)
{
	PbAuditBundle bundle = PB_AUDIT_BUNDLE__INIT;
	ProtobufCBinaryData leaves[AUDIT_BUNDLE];
	struct tb_bytes bytes[AUDIT_BUNDLE];
	struct pki_digest hashes[AUDIT_BUNDLE];
	size_t at = 0;
	if (end->waiting == 0)
		return;
	for (unsigned i = 0; i < end->waiting; i++) {
		bytes[i] = tb_bytes_of(end->leaves.data + at, end->leaf_sizes[i]);
		leaves[i] = proto_data(bytes[i]);
		at += end->leaf_sizes[i];
	}
	pki_merkle_leaves(hashes, bytes, end->waiting);
	for (unsigned i = 0; i < end->waiting; i++)
		append_hash(kv, end, hashes[i]);
	bundle.n_leaves = end->waiting;
	bundle.leaves = leaves;
	struct tb_buf plain = {0};
	struct kv_key key = kv_key_u64(end->size - 1);
	proto_encode(&plain, &bundle.base);
	kv_append(kv, KV_AUDIT_LEAF, &key, tb_buf_bytes(&plain));
	tb_buf_clear(&plain);
	end->leaves.size = 0;
	end->waiting = 0;
}

void audit_add(struct turn *turn, PbLeafKind kind, const char *subject, const char *peer,
               struct tb_bytes digest, uint32_t count)
{
	struct audit_end *end = &turn->core->audit;
	PbAuditLeaf leaf = PB_AUDIT_LEAF__INIT;
	leaf.at_ms = turn->now;
	leaf.kind = kind;
	leaf.subject = (char *)(uintptr_t)subject;
	leaf.peer = (char *)(uintptr_t)peer;
	leaf.digest = proto_data(digest);
	leaf.count = count;
	size_t before = end->leaves.size;
	proto_encode(&end->leaves, &leaf.base);
	size_t size = end->leaves.size - before;
	end->leaf_sizes[end->waiting++] = (uint32_t)size;
	end->size++;
	if (end->waiting == AUDIT_BUNDLE)
		put_bundle(&turn->kv, end);
}

void audit_settle(struct turn *turn)
{
	put_bundle(&turn->kv, &turn->core->audit);
}

void audit_finish(struct turn *turn)
{
	struct audit_end *end = &turn->core->audit;
	audit_settle(turn);
	for (unsigned row = 0; row < AUDIT_ROWS; row++) {
		uint64_t count = end->size >> (AUDIT_ROW_LEVELS * row);
		if (end->changed >> row & 1)
			put_row(&turn->kv, end, row, count / AUDIT_ROW, count % AUDIT_ROW);
	}
	if (end->size != end->stored)
		kv_set_number(&turn->kv, "audit_size", end->size);
	end->stored = end->size;
}

static void origin_of(char out[64], const char *region)
{
	strcpy(out, "tongban/");
	strncat(out, region, 32);
}

enum tb_code audit_checkpoint(struct core *core, struct tb_buf *note, struct tb_error *err)
{
	struct pki_checkpoint checkpoint = {.size = core->audit.size, .root = end_root(&core->audit)};
	origin_of(checkpoint.origin, core->setup.region);
	return pki_note_sign(note, &checkpoint, core->setup.message.key, err);
}

struct tb_bytes audit_latest(struct kv *kv, struct tb_arena *arena)
{
	struct store_cursor cursor;
	struct tb_bytes key, value, note = {0};
	store_cursor_last(&cursor, kv->txn, KV_NOTE, tb_bytes_of(NULL, 0));
	if (store_next(&cursor, &key, &value))
		note = tb_arena_bytes(arena, value);
	store_cursor_end(&cursor);
	return note;
}

enum tb_code audit_read_checkpoint(struct query *query, struct tb_error *err)
{
	struct tb_arena *arena = &query->request->arena;
	PbCheckpointResponse *reply = PROTO_NEW(PbCheckpointResponse, checkpoint_response, arena);
	struct pki_checkpoint checkpoint = {.size = size_in(&query->kv)};
	struct pki_tree_io io = tree(&query->kv);
	origin_of(checkpoint.origin, query->setup->region);
	if (!pki_tree_root(&io, checkpoint.size, &checkpoint.root))
		return tb_fail(err, TB_ECORRUPT, "audit log: a hash is missing");
	struct tb_buf note = {0};
	enum tb_code code = pki_note_sign(&note, &checkpoint, query->setup->message.key, err);
	if (code == TB_OK) {
		reply->note = tb_arena_str(arena, tb_buf_text(&note));
		reply->size = checkpoint.size;
		reply->root =
			proto_data(tb_arena_bytes(arena, tb_bytes_of(checkpoint.root.bytes, PKI_HASH_BYTES)));
		reply->n_chain = query->setup->message.chain_count;
		reply->chain = tb_arena_alloc(arena, reply->n_chain * sizeof(*reply->chain));
		for (size_t i = 0; i < reply->n_chain; i++)
			reply->chain[i] = proto_data(query->setup->message.chain[i]);
		query->request->reply = &reply->base;
	}
	tb_buf_clear(&note);
	return code;
}

static ProtobufCBinaryData *path_data(struct tb_arena *arena, const struct pki_digest *path, size_t count)
{
	ProtobufCBinaryData *out = tb_arena_alloc(arena, count * sizeof(*out));
	for (size_t i = 0; i < count; i++)
		out[i] = proto_data(tb_arena_bytes(arena, tb_bytes_of(path[i].bytes, PKI_HASH_BYTES)));
	return out;
}

/* Opens the bundle that a cursor gave; |first| is the number of its first leaf. */
static enum tb_code bundle_open(struct kv *kv, struct tb_bytes key, struct tb_bytes sealed,
                                struct tb_arena *arena, PbAuditBundle **out, uint64_t *first,
                                struct tb_error *err)
{
	struct tb_bytes plain;
	enum tb_code code = kv_open(kv, KV_AUDIT_LEAF, key, sealed, arena, &plain, err);
	if (code == TB_OK)
		code = PROTO_DECODE_OWN(out, audit_bundle, plain, arena, err);
	if (code == TB_OK &&
	    (key.size != 8 || (*out)->n_leaves == 0 || tb_get_u64(key.data) + 1 < (*out)->n_leaves))
		code = tb_fail(err, TB_ECORRUPT, "audit log: a bundle's key or size is wrong");
	if (code == TB_OK)
		*first = tb_get_u64(key.data) + 1 - (*out)->n_leaves;
	return code;
}

static enum tb_code leaf_load(struct kv *kv, uint64_t index, struct tb_arena *arena, struct tb_bytes *leaf,
                              struct tb_error *err)
{
	struct kv_key from = kv_key_u64(index);
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	PbAuditBundle *bundle;
	uint64_t first = 0;
	enum tb_code code = tb_fail(err, TB_ECORRUPT, "audit log: a leaf is missing");
	store_cursor(&cursor, kv->txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	if (store_next(&cursor, &key, &sealed))
		code = bundle_open(kv, key, sealed, arena, &bundle, &first, err);
	store_cursor_end(&cursor);
	if (code == TB_OK && index < first)
		code = tb_fail(err, TB_ECORRUPT, "audit log: a leaf is missing");
	if (code == TB_OK)
		*leaf = proto_bytes(bundle->leaves[index - first]);
	return code;
}

enum tb_code audit_walk(struct kv *kv, uint64_t first, uint64_t count_max,
                        bool (*take)(void *ctx, uint64_t index, const PbAuditLeaf *leaf), void *ctx,
                        uint64_t *next, uint64_t *size, struct tb_error *err)
{
	struct kv_key from = kv_key_u64(first);
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	enum tb_code code = TB_OK;
	bool more = true;
	*next = first;
	*size = size_in(kv);
	store_cursor(&cursor, kv->txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (more && *next - first < count_max && store_next(&cursor, &key, &sealed)) {
		struct tb_arena arena = {0};
		PbAuditBundle *bundle;
		uint64_t begin = 0;
		code = bundle_open(kv, key, sealed, &arena, &bundle, &begin, err);
		for (size_t i = 0; code == TB_OK && more && i < bundle->n_leaves; i++) {
			PbAuditLeaf *leaf;
			if (begin + i < first || *next - first >= count_max)
				continue;
			code = PROTO_DECODE_OWN(&leaf, audit_leaf, proto_bytes(bundle->leaves[i]), &arena,
			                        err);
			more = code == TB_OK && take(ctx, begin + i, leaf);
			*next += code == TB_OK;
		}
		tb_arena_clear(&arena);
		more = more && code == TB_OK;
	}
	store_cursor_end(&cursor);
	return code;
}

enum tb_code audit_read_prove(struct query *query, struct tb_error *err)
{
	const PbAuditProveRequest *request =
		(const PbAuditProveRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	uint64_t have = size_in(&query->kv);
	uint64_t size = request->size ? request->size : have;
	if (size > have || request->index >= size)
		return tb_fail(err, TB_ENOTFOUND, "the log has %llu leaves", (unsigned long long)have);
	PbAuditProof *reply = PROTO_NEW(PbAuditProof, audit_proof, arena);
	struct pki_tree_io io = tree(&query->kv);
	struct pki_digest root, path[PKI_PATH_MAX];
	size_t count;
	if (!pki_tree_root(&io, size, &root) || !pki_tree_path(&io, size, request->index, path, &count))
		return tb_fail(err, TB_ECORRUPT, "audit log: a hash is missing");
	struct tb_bytes leaf;
	enum tb_code code = leaf_load(&query->kv, request->index, arena, &leaf, err);
	if (code)
		return code;
	reply->index = request->index;
	reply->size = size;
	reply->leaf = proto_data(leaf);
	reply->n_path = count;
	reply->path = path_data(arena, path, count);
	reply->root = proto_data(tb_arena_bytes(arena, tb_bytes_of(root.bytes, PKI_HASH_BYTES)));
	query->request->reply = &reply->base;
	return TB_OK;
}

enum tb_code audit_read_consistency(struct query *query, struct tb_error *err)
{
	const PbConsistencyRequest *request =
		(const PbConsistencyRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	uint64_t have = size_in(&query->kv);
	uint64_t size = request->new_size ? request->new_size : have;
	if (size > have || request->old_size > size)
		return tb_fail(err, TB_ENOTFOUND, "the log has %llu leaves", (unsigned long long)have);
	PbConsistencyResponse *reply = PROTO_NEW(PbConsistencyResponse, consistency_response, arena);
	struct pki_tree_io io = tree(&query->kv);
	struct pki_digest old_root, new_root, path[PKI_PATH_MAX + 1];
	size_t count;
	if (!pki_tree_root(&io, request->old_size, &old_root) || !pki_tree_root(&io, size, &new_root) ||
	    !pki_tree_consistency(&io, request->old_size, size, path, &count))
		return tb_fail(err, TB_ECORRUPT, "audit log: a hash is missing");
	reply->n_path = count;
	reply->path = path_data(arena, path, count);
	reply->old_root = proto_data(tb_arena_bytes(arena, tb_bytes_of(old_root.bytes, PKI_HASH_BYTES)));
	reply->new_root = proto_data(tb_arena_bytes(arena, tb_bytes_of(new_root.bytes, PKI_HASH_BYTES)));
	reply->new_size = size;
	query->request->reply = &reply->base;
	return TB_OK;
}

/* Checks every stored checkpoint of |end->size| leaves: it must name this root and bear our signature. */
static const char *check_note(struct query *query, const struct audit_end *end,
                              const struct pki_identity *signer, uint64_t *notes)
{
	struct kv_key key = kv_key_u64(end->hashed);
	struct tb_bytes value;
	if (!store_get(query->kv.txn, KV_NOTE, kv_key_bytes(&key), &value))
		return NULL;
	struct pki_checkpoint checkpoint;
	struct tb_error why;
	(*notes)++;
	if (pki_note_check(&checkpoint, value, signer, &why) != TB_OK)
		return "a checkpoint's signature does not hold";
	struct pki_digest root = end_root(end);
	struct tb_buf text = {0};
	tb_base64(&text, tb_bytes_of(root.bytes, PKI_HASH_BYTES));
	bool named = memmem(value.data, value.size, text.data, text.size) != NULL;
	tb_buf_clear(&text);
	return named ? NULL : "a checkpoint names another root than the leaves give";
}

/* What audit_read_verify() goes along with: the tree computed anew. */
struct check {
	struct query *query;
	struct audit_end end;
	const struct pki_identity *signer;
	uint64_t notes;
};

static const char *check_leaf(struct check *check, struct tb_bytes leaf)
{
	struct pki_digest hash = pki_merkle_leaf(leaf), stored;
	if (!node_get(&check->query->kv, 0, check->end.hashed, &stored) ||
	    memcmp(&stored, &hash, sizeof(hash)) != 0)
		return "a leaf differs from its hash";
	append_hash(NULL, &check->end, hash);
	return check_note(check->query, &check->end, check->signer, &check->notes);
}

static const char *check_bundle(struct check *check, struct tb_bytes key, struct tb_bytes sealed)
{
	struct tb_arena arena = {0};
	PbAuditBundle *bundle;
	uint64_t first;
	const char *problem = NULL;
	if (bundle_open(&check->query->kv, key, sealed, &arena, &bundle, &first, NULL))
		problem = "a leaf is damaged";
	else if (first != check->end.hashed)
		problem = "a leaf is missing";
	for (size_t i = 0; !problem && i < bundle->n_leaves; i++)
		problem = check_leaf(check, proto_bytes(bundle->leaves[i]));
	tb_arena_clear(&arena);
	return problem;
}

enum tb_code audit_read_verify(struct query *query, struct tb_error *err)
{
	PbAuditVerifyResponse *reply =
		PROTO_NEW(PbAuditVerifyResponse, audit_verify_response, &query->request->arena);
	struct pki_tree_io io = tree(&query->kv);
	struct check check = {.query = query};
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	const char *problem = NULL;
	if (pki_chain_check(&check.signer, query->setup->anchors, query->setup->message.chain,
	                    query->setup->message.chain_count, PKI_ROLE_MESSAGE, query->now, err))
		return err->code;
	store_cursor(&cursor, query->kv.txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (!problem && store_next(&cursor, &key, &sealed))
		problem = check_bundle(&check, key, sealed);
	store_cursor_end(&cursor);
	struct pki_digest root = end_root(&check.end), stored;
	if (!problem &&
	    (!pki_tree_root(&io, check.end.hashed, &stored) || memcmp(&stored, &root, sizeof(root)) != 0))
		problem = "the stored tree differs from the leaves";
	if (!problem && check.end.hashed != kv_number(&query->kv, "audit_size"))
		problem = "leaves are missing at the end";
	reply->intact = !problem;
	reply->leaves = check.end.hashed;
	reply->checkpoints = check.notes;
	if (problem)
		reply->problem = tb_arena_printf(&query->request->arena, "leaf %llu: %s",
		                                 (unsigned long long)check.end.hashed, problem);
	reply->root =
		proto_data(tb_arena_bytes(&query->request->arena, tb_bytes_of(root.bytes, PKI_HASH_BYTES)));
	query->request->reply = &reply->base;
	return TB_OK;
}

static enum tb_code list_row(PbAuditListResponse *reply, uint64_t index, struct tb_bytes bytes,
                             struct tb_arena *arena, struct tb_error *err)
{
	PbAuditLeaf *leaf;
	enum tb_code code = PROTO_DECODE_OWN(&leaf, audit_leaf, bytes, arena, err);
	if (code)
		return code;
	PbAuditRow *row = PROTO_NEW(PbAuditRow, audit_row, arena);
	row->index = index;
	row->at_ms = leaf->at_ms;
	row->kind = tb_arena_str(arena, proto_enum_name(&pb_leaf_kind__descriptor, (int)leaf->kind));
	row->subject = leaf->subject;
	row->peer = leaf->peer;
	row->count = leaf->count;
	reply->rows[reply->n_rows++] = row;
	return TB_OK;
}

enum tb_code audit_read_list(struct query *query, struct tb_error *err)
{
	const PbAuditListRequest *request = (const PbAuditListRequest *)(const void *)query->request->message;
	struct tb_arena *arena = &query->request->arena;
	PbAuditListResponse *reply = PROTO_NEW(PbAuditListResponse, audit_list_response, arena);
	uint32_t limit =
		request->limit && request->limit < TB_PAGE_ROWS_MAX ? request->limit : TB_PAGE_ROWS_MAX;
	struct kv_key from = kv_key_u64(request->first);
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	enum tb_code code = TB_OK;
	reply->rows = tb_arena_alloc(arena, limit * sizeof(*reply->rows));
	reply->size = size_in(&query->kv);
	store_cursor(&cursor, query->kv.txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && reply->n_rows < limit && store_next(&cursor, &key, &sealed)) {
		PbAuditBundle *bundle;
		uint64_t first;
		code = bundle_open(&query->kv, key, sealed, arena, &bundle, &first, err);
		for (size_t i = 0; code == TB_OK && i < bundle->n_leaves && reply->n_rows < limit; i++) {
			if (first + i >= request->first)
				code = list_row(reply, first + i, proto_bytes(bundle->leaves[i]), arena, err);
		}
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}
