/* The node's own log: an RFC 6962 tree whose leaves are written in the transaction of what they record. */
#include <assert.h>
#include <string.h>

#include "node/core/turn.h"
#include "pki/note.h"

/* pki_tree_io over KV_AUDIT_NODE. */
static struct kv_key node_key(unsigned level, uint64_t index)
{
	uint8_t first = (uint8_t)level;
	struct kv_key key = kv_key_of(tb_bytes_of(&first, 1));
	kv_key_add_u64(&key, index);
	return key;
}

static bool node_get(void *ctx, unsigned level, uint64_t index, struct pki_digest *out)
{
	struct kv *kv = ctx;
	struct kv_key key = node_key(level, index);
	struct tb_bytes value;
	if (!store_get(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&key), &value) ||
	    value.size != sizeof(out->bytes))
		return false;
	memcpy(out->bytes, value.data, sizeof(out->bytes));
	return true;
}

static void node_put(void *ctx, unsigned level, uint64_t index, const struct pki_digest *hash)
{
	struct kv *kv = ctx;
	struct kv_key key = node_key(level, index);
	store_put(kv->txn, KV_AUDIT_NODE, kv_key_bytes(&key), tb_bytes_of(hash->bytes, sizeof(hash->bytes)));
}

static struct pki_tree_io tree(struct kv *kv)
{
	return (struct pki_tree_io){.get = node_get, .put = node_put, .ctx = kv};
}

void audit_add(struct turn *turn, PbLeafKind kind, const char *subject, const char *peer,
               struct tb_bytes digest, uint32_t count)
{
	PbAuditLeaf leaf = PB_AUDIT_LEAF__INIT;
	leaf.at_ms = turn->now;
	leaf.kind = kind;
	leaf.subject = (char *)(uintptr_t)subject;
	leaf.peer = (char *)(uintptr_t)peer;
	leaf.digest = proto_data(digest);
	leaf.count = count;
	struct tb_bytes bytes = proto_encode_arena(&turn->arena, &leaf.base);
	struct kv_key key = kv_key_u64(turn->core->audit_size);
	kv_append(&turn->kv, KV_AUDIT_LEAF, &key, bytes);
	struct pki_digest hash = pki_merkle_leaf(bytes);
	struct pki_tree_io io = tree(&turn->kv);
	/* A hash that is missing here was lost behind our back: nothing more may be acknowledged. */
	bool appended = pki_tree_append(&io, turn->core->audit_size, &hash);
	assert(appended || store_failed(turn->kv.txn));
	(void)appended;
	turn->core->audit_size++;
}

static void origin_of(char out[64], const char *region)
{
	strcpy(out, "tongban/");
	strncat(out, region, 32);
}

enum tb_code audit_checkpoint(struct core *core, struct kv *kv, struct tb_buf *note, struct tb_error *err)
{
	struct pki_checkpoint checkpoint = {.size = core->audit_size};
	struct pki_tree_io io = tree(kv);
	origin_of(checkpoint.origin, core->setup.region);
	if (!pki_tree_root(&io, core->audit_size, &checkpoint.root))
		return tb_fail(err, TB_ECORRUPT, "audit log: a hash is missing");
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

/* How many leaves the log has in this transaction. */
static uint64_t size_in(struct kv *kv)
{
	return store_count(kv->txn, KV_AUDIT_LEAF);
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
	struct kv_key key = kv_key_u64(request->index);
	struct tb_bytes leaf;
	enum tb_code code = kv_get(&query->kv, KV_AUDIT_LEAF, &key, arena, &leaf, err);
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

/* Re-computing the tree: the right edge, one hash a level. */
struct edge {
	struct pki_digest at[64];
	uint64_t count;
};

static void edge_add(struct edge *edge, struct pki_digest hash)
{
	unsigned level = 0;
	for (uint64_t bits = edge->count; bits & 1; bits >>= 1, level++)
		hash = pki_merkle_node(&edge->at[level], &hash);
	edge->at[level] = hash;
	edge->count++;
}

static struct pki_digest edge_root(const struct edge *edge)
{
	struct pki_digest root = pki_merkle_root(NULL, 0);
	bool first = true;
	for (unsigned level = 0; level < 64; level++) {
		if (!(edge->count >> level & 1))
			continue;
		root = first ? edge->at[level] : pki_merkle_node(&edge->at[level], &root);
		first = false;
	}
	return root;
}

/* Checks every stored checkpoint of |edge->count| leaves: it must name this root and bear our signature. */
static const char *check_note(struct query *query, const struct edge *edge, const struct pki_identity *signer,
                              uint64_t *notes)
{
	struct kv_key key = kv_key_u64(edge->count);
	struct tb_bytes value;
	if (!store_get(query->kv.txn, KV_NOTE, kv_key_bytes(&key), &value))
		return NULL;
	struct pki_checkpoint checkpoint;
	struct tb_error why;
	(*notes)++;
	if (pki_note_check(&checkpoint, value, signer, &why) != TB_OK)
		return "a checkpoint's signature does not hold";
	struct pki_digest root = edge_root(edge);
	struct tb_buf text = {0};
	tb_base64(&text, tb_bytes_of(root.bytes, PKI_HASH_BYTES));
	bool named = memmem(value.data, value.size, text.data, text.size) != NULL;
	tb_buf_clear(&text);
	return named ? NULL : "a checkpoint names another root than the leaves give";
}

enum tb_code audit_read_verify(struct query *query, struct tb_error *err)
{
	PbAuditVerifyResponse *reply =
		PROTO_NEW(PbAuditVerifyResponse, audit_verify_response, &query->request->arena);
	struct pki_tree_io io = tree(&query->kv);
	struct edge edge = {0};
	struct store_cursor cursor;
	struct tb_bytes key, sealed;
	const struct pki_identity *signer = NULL;
	const char *problem = NULL;
	if (pki_chain_check(&signer, query->setup->anchors, query->setup->message.chain,
	                    query->setup->message.chain_count, PKI_ROLE_MESSAGE, query->now, err))
		return err->code;
	store_cursor(&cursor, query->kv.txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (!problem && store_next(&cursor, &key, &sealed)) {
		struct tb_arena arena = {0};
		struct tb_bytes leaf;
		struct pki_digest stored;
		if (key.size != 8 || tb_get_u64(key.data) != edge.count)
			problem = "a leaf is missing";
		else if (kv_open(&query->kv, KV_AUDIT_LEAF, key, sealed, &arena, &leaf, NULL))
			problem = "a leaf is damaged";
		else {
			struct pki_digest hash = pki_merkle_leaf(leaf);
			if (!node_get(io.ctx, 0, edge.count, &stored) ||
			    memcmp(&stored, &hash, sizeof(hash)) != 0)
				problem = "a leaf differs from its hash";
			else {
				edge_add(&edge, hash);
				problem = check_note(query, &edge, signer, &reply->checkpoints);
			}
		}
		tb_arena_clear(&arena);
	}
	store_cursor_end(&cursor);
	struct pki_digest root = edge_root(&edge), stored;
	if (!problem &&
	    (!pki_tree_root(&io, edge.count, &stored) || memcmp(&stored, &root, sizeof(root)) != 0))
		problem = "the stored tree differs from the leaves";
	if (!problem && edge.count != kv_number(&query->kv, "audit_size"))
		problem = "leaves are missing at the end";
	reply->intact = !problem;
	reply->leaves = edge.count;
	if (problem)
		reply->problem = tb_arena_printf(&query->request->arena, "leaf %llu: %s",
		                                 (unsigned long long)edge.count, problem);
	reply->root =
		proto_data(tb_arena_bytes(&query->request->arena, tb_bytes_of(root.bytes, PKI_HASH_BYTES)));
	query->request->reply = &reply->base;
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
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	reply->rows = tb_arena_alloc(arena, limit * sizeof(*reply->rows));
	reply->size = size_in(&query->kv);
	store_cursor(&cursor, query->kv.txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (code == TB_OK && reply->n_rows < limit && store_next(&cursor, &key, &sealed)) {
		PbAuditLeaf *leaf;
		code = kv_open(&query->kv, KV_AUDIT_LEAF, key, sealed, arena, &plain, err);
		if (code == TB_OK)
			code = PROTO_DECODE_OWN(&leaf, audit_leaf, plain, arena, err);
		if (code)
			break;
		PbAuditRow *row = PROTO_NEW(PbAuditRow, audit_row, arena);
		row->index = tb_get_u64(key.data);
		row->at_ms = leaf->at_ms;
		row->kind = tb_arena_str(arena, proto_enum_name(&pb_leaf_kind__descriptor, (int)leaf->kind));
		row->subject = leaf->subject;
		row->peer = leaf->peer;
		row->count = leaf->count;
		reply->rows[reply->n_rows++] = row;
	}
	store_cursor_end(&cursor);
	query->request->reply = &reply->base;
	return code;
}
