/* The audit logs as others see them: what must have left a leaf, and the checkpoints that peers are shown. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki/note.h"
#include "sim/check_priv.h"

/* After this, what a node has counted of refused input is written down. */
#define NOTICED_AFTER (3 * SIM_MINUTE)

bool sim_leaves_walk(struct sim_reader *reader, uint64_t first,
                     bool (*each)(void *ctx, uint64_t index, const PbAuditLeaf *leaf), void *ctx)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	struct kv_key from = kv_key_u64(first);
	bool goes_on = true;
	store_cursor(&cursor, reader->kv.txn, KV_AUDIT_LEAF, tb_bytes_of(NULL, 0), kv_key_bytes(&from));
	while (goes_on && store_next(&cursor, &key, &sealed)) {
		PbAuditBundle *bundle;
		PbAuditLeaf *leaf;
		if (kv_open(&reader->kv, KV_AUDIT_LEAF, key, sealed, &reader->arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&bundle, audit_bundle, plain, &reader->arena, NULL))
			break; /* the audit's own verification tells of it */
		uint64_t begin = tb_get_u64(key.data) + 1 - bundle->n_leaves;
		for (size_t i = 0; i < bundle->n_leaves && goes_on; i++) {
			if (begin + i >= first &&
			    PROTO_DECODE_OWN(&leaf, audit_leaf, proto_bytes(bundle->leaves[i]),
			                     &reader->arena, NULL) == TB_OK)
				goes_on = each(ctx, begin + i, leaf);
		}
	}
	store_cursor_end(&cursor);
	return goes_on;
}

uint64_t sim_leaves_count(const struct sim_node *node)
{
	struct sim_reader reader;
	if (!node->core)
		return 0;
	sim_read_begin(&reader, node);
	uint64_t count = kv_number(&reader.kv, "audit_size");
	sim_read_end(&reader);
	return count;
}

/* ---- what must have been noticed */

struct expected {
	struct sim_node *node;
	uint32_t life;
	uint64_t first; /* leaf that it may be */
	PbLeafKind kind;
	char subject[64];
	char peer[PKI_REGION_ROOM];
};

/* Refusals that were counted together, or whose peer is none any more, are told apart no more. */
static bool is_not_it(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	const struct expected *expected = ctx;
	bool refused = expected->kind == PB_LEAF_KIND__LEAF_REFUSED;
	(void)index;
	return leaf->kind != expected->kind ||
	       (strcmp(leaf->peer, expected->peer) != 0 && !(refused && leaf->peer[0] == 0)) ||
	       (strncmp(leaf->subject, expected->subject, strlen(expected->subject)) != 0 &&
	        !(refused && strncmp(leaf->subject, "other", 5) == 0));
}

static void noticed_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct expected *expected = subject;
	struct sim_node *node = expected->node;
	struct sim_reader reader;
	(void)argument;
	/* What a process had counted dies with it. */
	if (node->state == SIM_NODE_UP && node->life == expected->life && sim_node_reliable(node)) {
		sim_read_begin(&reader, node);
		if (sim_leaves_walk(&reader, expected->first, is_not_it, expected))
			sim_check_broke(world, SIM_RULE_NOTICED, node->index, NULL,
			                "no leaf tells of \"%s\" of %s", expected->subject, expected->peer);
		sim_check_held(world, SIM_RULE_NOTICED);
		sim_read_end(&reader);
	}
	free(expected);
}

static void noticed_drop(void *subject, uint64_t argument)
{
	(void)argument;
	free(subject);
}

static const struct sim_event_kind noticed_event = {"noticed", noticed_run, noticed_drop};

void sim_check_noticed(struct sim_node *node, uint64_t first, PbLeafKind kind, const char *peer,
                       const char *subject)
{
	if (node->state == SIM_NODE_DOWN)
		return; /* it died while its answer was on its way, and with it perhaps what it had noted */
	struct expected *expected = tb_alloc(sizeof(*expected));
	expected->node = node;
	expected->life = node->life;
	expected->first = first;
	expected->kind = kind;
	snprintf(expected->subject, sizeof(expected->subject), "%s", subject);
	snprintf(expected->peer, sizeof(expected->peer), "%s", peer);
	sim_after(node->world, NOTICED_AFTER, &noticed_event, expected, 0);
}

/* ---- checkpoints */

/* Is the tree of |shown| a beginning of the node's log as it is now? */
static bool is_beginning(const struct sim_node *node, const struct pki_checkpoint *shown)
{
	struct core_request *request;
	struct pki_digest path[PKI_PATH_MAX + 1], root = {{0}};
	struct tb_error err;
	char json[64];
	snprintf(json, sizeof(json), "{\"oldSize\":\"%llu\"}", (unsigned long long)shown->size);
	enum tb_code code = core_request_new(
		&request, core_method_find("/tongban.v1.AuditService/Consistency"), tb_bytes_str(json), &err);
	assert(code == TB_OK);
	core_query(&node->setup, node->peers, request, sim_node_now(node));
	const PbConsistencyResponse *reply = (const PbConsistencyResponse *)(const void *)request->reply;
	size_t count = reply ? reply->n_path : 0;
	for (size_t i = 0; i < count && i <= PKI_PATH_MAX; i++)
		memcpy(path[i].bytes, reply->path[i].data, PKI_HASH_BYTES);
	if (reply)
		memcpy(root.bytes, reply->new_root.data, PKI_HASH_BYTES);
	bool is = reply &&
	          pki_merkle_consistent(shown->size, &shown->root, reply->new_size, &root, path, count);
	core_request_free(request);
	return is;
}

/* Origin, size, root: the first three lines. */
static bool read_note(struct pki_checkpoint *out, const char *text)
{
	unsigned long long size;
	char root[64];
	struct tb_buf bytes = {0};
	if (sscanf(text, "%*63[^\n]\n%llu\n%63[^\n]\n", &size, root) != 2 ||
	    !tb_unbase64(&bytes, root, strlen(root)) || bytes.size != PKI_HASH_BYTES) {
		tb_buf_clear(&bytes);
		return false;
	}
	out->size = size;
	memcpy(out->root.bytes, bytes.data, PKI_HASH_BYTES);
	tb_buf_clear(&bytes);
	return true;
}

void sim_check_shown(struct sim_node *node, const struct core_outbound *outbound)
{
	struct sim_world *world = node->world;
	const PbDescription *description = (const PbDescription *)(const void *)outbound->messages[0];
	struct pki_checkpoint shown = {0};
	bool made;
	uint64_t value;
	if (!sim_node_reliable(node) || !node->core || !description || !description->checkpoint[0])
		return;
	if (!read_note(&shown, description->checkpoint)) {
		sim_check_broke(world, SIM_RULE_ONE_TREE, node->index, NULL, "a checkpoint that is none");
		return;
	}
	memcpy(&value, shown.root.bytes, sizeof(value));
	uint64_t *known = sim_map_at(&world->check->shown, sim_mix(node->index + 1, shown.size), &made);
	if (!made && *known != value)
		sim_check_broke(world, SIM_RULE_ONE_TREE, node->index, NULL, "two checkpoints of %llu leaves",
		                (unsigned long long)shown.size);
	else if (made && !is_beginning(node, &shown))
		sim_check_broke(world, SIM_RULE_ONE_TREE, node->index, NULL,
		                "the checkpoint of %llu leaves is not of its log",
		                (unsigned long long)shown.size);
	*known = value;
	sim_check_held(world, SIM_RULE_ONE_TREE);
}

/* ---- one leaf for each change that is no case's */

struct kinds {
	uint64_t agreements;
	uint64_t posts;
};

static bool count_kind(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	struct kinds *kinds = ctx;
	(void)index;
	kinds->agreements += leaf->kind == PB_LEAF_KIND__LEAF_AGREEMENT;
	kinds->posts += leaf->kind == PB_LEAF_KIND__LEAF_MATTER;
	return true;
}

static uint64_t statements(struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	PbStoredAgreement *stored;
	uint64_t count = 0;
	store_cursor(&cursor, reader->kv.txn, KV_AGREEMENT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		if (kv_open(&reader->kv, KV_AGREEMENT, key, sealed, &reader->arena, &plain, NULL) == TB_OK &&
		    PROTO_DECODE_OWN(&stored, stored_agreement, plain, &reader->arena, NULL) == TB_OK)
			count += stored->n_statements + stored->overtaken_statements;
	}
	store_cursor_end(&cursor);
	return count;
}

void sim_check_kinds(struct sim_node *node)
{
	struct sim_reader reader;
	struct kinds kinds = {0};
	sim_read_begin(&reader, node);
	(void)sim_leaves_walk(&reader, 0, count_kind, &kinds);
	uint64_t said = statements(&reader), posts = store_count(reader.kv.txn, KV_POST);
	sim_read_end(&reader);
	if (said != kinds.agreements || posts != kinds.posts)
		sim_check_broke(node->world, SIM_RULE_LEAF, node->index, NULL,
		                "%llu statements and %llu posts, but %llu and %llu leaves",
		                (unsigned long long)said, (unsigned long long)posts,
		                (unsigned long long)kinds.agreements, (unsigned long long)kinds.posts);
	sim_check_held(node->world, SIM_RULE_LEAF);
}
