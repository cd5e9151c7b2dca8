#include "sim/check.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/ident.h"
#include "sim/check_priv.h"
#include "sim/net.h"
#include "sim/work_priv.h"

enum {
	WAITING_MOST = 20000, /* events for a node's next turn */
	ACKED_LOOKED_AT = 24, /* after each start */
	CONTENTS_TURNS = 4000,
	CONTENTS_NODES = 16,
};

#define SWEEPS 40 /* of each node in a run */

static const struct {
	const char *word;
	const char *sentence;
} rules[] = {
#define XX(name, word, sentence) {word, sentence},
	SIM_RULE_MAP(XX)
#undef XX
};

const char *sim_rule_word(enum sim_rule rule)
{
	return rules[rule].word;
}

const char *sim_rule_sentence(enum sim_rule rule)
{
	return rules[rule].sentence;
}

/* ---- maps */

static size_t slot(const struct sim_map *map, uint64_t name)
{
	size_t at = sim_mix(0, name) & (map->room - 1);
	while (map->names[at] && map->names[at] != name)
		at = (at + 1) & (map->room - 1);
	return at;
}

static void grow(struct sim_map *map)
{
	struct sim_map old = *map;
	map->room = old.room ? old.room * 2 : 256;
	map->names = tb_alloc(map->room * sizeof(*map->names));
	map->values = tb_alloc(map->room * sizeof(*map->values));
	for (size_t i = 0; i < old.room; i++) {
		if (!old.names[i])
			continue;
		size_t at = slot(map, old.names[i]);
		map->names[at] = old.names[i];
		map->values[at] = old.values[i];
	}
	free(old.names);
	free(old.values);
}

uint64_t *sim_map_at(struct sim_map *map, uint64_t name, bool *made)
{
	name |= (uint64_t)(name == 0);
	if (2 * map->count >= map->room)
		grow(map);
	size_t at = slot(map, name);
	*made = map->names[at] == 0;
	map->count += *made;
	map->names[at] = name;
	return &map->values[at];
}

bool sim_map_get(const struct sim_map *map, uint64_t name, uint64_t *value)
{
	name |= (uint64_t)(name == 0);
	if (map->room == 0)
		return false;
	size_t at = slot(map, name);
	*value = map->values[at];
	return map->names[at] != 0;
}

void sim_map_clear(struct sim_map *map)
{
	free(map->names);
	free(map->values);
	*map = (struct sim_map){0};
}

/* ---- life */

static void sweep_run(struct sim_world *world, void *subject, uint64_t argument);
static const struct sim_event_kind sweep_event = {"sweep", sweep_run, NULL};

struct sim_check *sim_check_new(struct sim_world *world)
{
	struct sim_check *check = tb_alloc(sizeof(*check));
	check->nodes_count = world->nodes_count;
	check->seen = tb_alloc(world->nodes_count * sizeof(*check->seen));
	check->sweep_every = world->options.span / SWEEPS;
	sim_after(world, check->sweep_every, &sweep_event, NULL, 0);
	return check;
}

void sim_check_free(struct sim_check *check)
{
	for (size_t i = 0; i < check->nodes_count; i++)
		free(check->seen[i].acked);
	free(check->seen);
	sim_map_clear(&check->entries);
	sim_map_clear(&check->decisions);
	sim_map_clear(&check->leaves);
	sim_map_clear(&check->requests);
	sim_map_clear(&check->once);
	sim_map_clear(&check->shown);
	sim_map_clear(&check->resumed);
	free(check);
}

const struct sim_rule_count *sim_check_counts(const struct sim_check *check)
{
	return check->counts;
}

void sim_check_held(struct sim_world *world, enum sim_rule rule)
{
	world->check->counts[rule].checked++;
}

void sim_check_broke(struct sim_world *world, enum sim_rule rule, uint32_t node, const char *number,
                     const char *fmt, ...)
{
	struct sim_rule_count *count = &world->check->counts[rule];
	char text[160];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	count->checked++;
	if (count->broken++ == 0)
		snprintf(count->first, sizeof(count->first), "%s%s%s%s%s",
		         node == SIM_NOBODY ? "" : world->nodes[node].name, node == SIM_NOBODY ? "" : ": ",
		         number ? number : "", number ? ": " : "", text);
	sim_tell(world, SIM_RULE_BROKEN, node, SIM_NOBODY, number, "%s: %s", rules[rule].word, text);
	sim_fail(world, rule == SIM_RULE_LIVE ? SIM_NOT_LIVE : SIM_BROKEN, "%s: %s", rules[rule].word,
	         count->first);
}

bool sim_node_reliable(const struct sim_node *node)
{
	return node && !node->hostile && !node->restored;
}

bool sim_case_reliable(struct sim_world *world, const PbCaseRecord *record)
{
	return record && sim_node_reliable(sim_node_find(world, record->home)) &&
	       sim_node_reliable(sim_node_find(world, record->window));
}

/* ---- what clients were told */

static struct sim_acked *acked_add(struct sim_seen *seen)
{
	if (seen->acked_count == seen->acked_room) {
		seen->acked_room = seen->acked_room ? seen->acked_room * 2 : 16;
		seen->acked = tb_realloc(seen->acked, seen->acked_room * sizeof(*seen->acked));
	}
	struct sim_acked *acked = &seen->acked[seen->acked_count++];
	*acked = (struct sim_acked){0};
	return acked;
}

void sim_check_acked(struct sim_node *node, uint64_t request, const char *number)
{
	struct sim_world *world = node->world;
	struct sim_check *check = world->check;
	uint64_t hash = sim_mix_bytes(0, number, strlen(number));
	bool made;
	uint64_t *known = sim_map_at(&check->requests, sim_mix(node->index + 1, request), &made);
	if (!made && *known != hash && sim_node_reliable(node)) {
		sim_check_broke(world, SIM_RULE_ONCE, node->index, number, "a second case for one request");
		return;
	}
	sim_check_held(world, SIM_RULE_ONCE);
	*known = hash;
	if (made)
		snprintf(acked_add(&check->seen[node->index])->number, IDENT_CASE_ROOM, "%s", number);
}

void sim_check_acked_material(struct sim_node *node, const uint8_t root[PKI_HASH_BYTES])
{
	struct sim_acked *acked = acked_add(&node->world->check->seen[node->index]);
	memcpy(acked->root, root, sizeof(acked->root));
}

static void check_acked(struct sim_node *node, struct sim_reader *reader, const struct sim_acked *acked)
{
	struct sim_world *world = node->world;
	char hex[2 * PKI_HASH_BYTES + 1];
	PbStoredMaterial *record;
	struct kv_key key = kv_key_of(tb_bytes_of(acked->root, sizeof(acked->root)));
	if (acked->number[0]) {
		if (!sim_read_case(reader, acked->number))
			sim_check_broke(world, SIM_RULE_ACKED, node->index, acked->number,
			                "the case was acknowledged and is not there");
	} else {
		tb_hex(hex, acked->root, sizeof(acked->root));
		if (KV_GET(&reader->kv, KV_MATERIAL, &key, stored_material, &reader->arena, &record, NULL) ||
		    !record->complete || !blob_exists(node->setup.blobs, hex))
			sim_check_broke(world, SIM_RULE_ACKED, node->index, NULL,
			                "material %.12s was acknowledged and is not there", hex);
	}
	sim_check_held(world, SIM_RULE_ACKED);
}

/* ---- closing and opening */

/* A short hash of what is committed: the numbers of the node, and how much is in each table. */
static uint64_t brief_of(struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	uint64_t hash = 1;
	store_cursor(&cursor, reader->kv.txn, KV_META, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &value)) {
		hash = sim_mix_bytes(hash, key.data, key.size);
		hash = sim_mix_bytes(hash, value.data, value.size);
	}
	store_cursor_end(&cursor);
	for (unsigned table = 0; table < KV_TABLES; table++)
		hash = sim_mix(hash, store_count(reader->kv.txn, table));
	return hash;
}

static bool takes_contents(const struct sim_node *node)
{
	return node->turns < CONTENTS_TURNS && node->world->nodes_count <= CONTENTS_NODES;
}

void sim_check_closing(struct sim_node *node)
{
	struct sim_seen *seen = &node->world->check->seen[node->index];
	struct sim_reader reader;
	seen->closed = !node->unsure;
	if (!seen->closed)
		return;
	sim_read_begin(&reader, node);
	seen->brief = brief_of(&reader);
	sim_read_end(&reader);
	seen->contents = takes_contents(node) ? sim_node_contents(node) : 0;
}

void sim_check_opened(struct sim_node *node)
{
	struct sim_world *world = node->world;
	struct sim_seen *seen = &world->check->seen[node->index];
	struct sim_reader reader;
	sim_read_begin(&reader, node);
	if (seen->closed && (brief_of(&reader) != seen->brief ||
	                     (seen->contents && sim_node_contents(node) != seen->contents)))
		sim_check_broke(world, SIM_RULE_REOPEN, node->index, NULL,
		                "what was committed is not what is there now");
	sim_check_held(world, SIM_RULE_REOPEN);
	size_t first = seen->acked_count > ACKED_LOOKED_AT ? seen->acked_count - ACKED_LOOKED_AT : 0;
	for (size_t i = first; i < seen->acked_count && !node->restored; i++)
		check_acked(node, &reader, &seen->acked[i]);
	sim_read_end(&reader);
	seen->closed = false;
}

void sim_check_restored(struct sim_node *node)
{
	struct sim_seen *seen = &node->world->check->seen[node->index];
	node->restored = true;
	seen->closed = false;
	seen->history_size = 0;
	seen->leaves = 0;
}

/* ---- after a turn */

void sim_check_turn(struct sim_node *node)
{
	struct sim_world *world = node->world;
	if (node->waiting_count > WAITING_MOST)
		sim_check_broke(world, SIM_RULE_BOUNDS, node->index, NULL, "%zu events wait",
		                node->waiting_count);
	sim_check_held(world, SIM_RULE_BOUNDS);
}

void sim_check_resumed(struct sim_node *node, const uint8_t root[PKI_HASH_BYTES])
{
	struct sim_world *world = node->world;
	bool made;
	uint64_t name = sim_mix(sim_mix_bytes(0, root, PKI_HASH_BYTES), node->index + 1);
	uint64_t *times = sim_map_at(&world->check->resumed, name, &made);
	sim_mark(&world->marks, SIM_MARK_MATERIAL_RESUMED);
	if (++*times == 2)
		sim_mark(&world->marks, SIM_MARK_MATERIAL_TWICE);
}

static void check_receipt(struct sim_node *node, struct sim_node *peer, struct sim_reader *reader,
                          const PbReceipt *receipt)
{
	struct sim_world *world = node->world;
	struct kv_key key = kv_key_str(node->code);
	PbInboxRecord *record;
	if (receipt->kind == PB_RECEIPT_KIND__DEFERRED)
		sim_mark(&world->marks, SIM_MARK_DEFERRED);
	if (receipt->kind != PB_RECEIPT_KIND__DURABLE)
		return;
	kv_key_add(&key, proto_bytes(receipt->id));
	if (KV_GET(&reader->kv, KV_INBOX, &key, inbox_record, &reader->arena, &record, NULL) ||
	    !tb_bytes_equal(proto_bytes(record->digest), proto_bytes(receipt->digest)))
		sim_check_broke(world, SIM_RULE_RECEIPT, peer->index, receipt->case_number,
		                "a receipt for what is not there");
	sim_check_held(world, SIM_RULE_RECEIPT);
}

void sim_check_receipts(struct sim_node *node, struct sim_node *peer, const struct core_outbound *outbound)
{
	struct sim_reader reader;
	if (!sim_node_reliable(peer) || !peer->core)
		return;
	sim_read_begin(&reader, peer);
	for (size_t i = 0; i < outbound->answer->items_count; i++) {
		const PbReceipt *receipt = (const PbReceipt *)(const void *)outbound->messages[i];
		if (receipt)
			check_receipt(node, peer, &reader, receipt);
	}
	sim_read_end(&reader);
}

/* ---- sweeps: what is new in the audit log */

static void mark_event(struct sim_world *world, const PbCaseEntry *entry, const char *mode)
{
	static const struct {
		const char *mode; /* NULL: any */
		PbCaseEvent event;
		enum sim_mark mark;
	} marks[] = {
		{NULL, PB_CASE_EVENT__DEEM, SIM_MARK_DEEMED},
		{NULL, PB_CASE_EVENT__LAPSE, SIM_MARK_LAPSED},
		{NULL, PB_CASE_EVENT__OVERDUE, SIM_MARK_OVERDUE},
		{NULL, PB_CASE_EVENT__WITHDRAW, SIM_MARK_WITHDRAWN},
		{NULL, PB_CASE_EVENT__FIX, SIM_MARK_RETURNED},
		{NULL, PB_CASE_EVENT__BOUNCE, SIM_MARK_BOUNCED},
		{NULL, PB_CASE_EVENT__SUPPLEMENT, SIM_MARK_SUPPLEMENTED},
		{NULL, PB_CASE_EVENT__HAND_OVER, SIM_MARK_CLOSED},
		{NULL, PB_CASE_EVENT__HOLD, SIM_MARK_RESTED},
		{"QC", PB_CASE_EVENT__GRANT, SIM_MARK_ONLINE},
		{"YB", PB_CASE_EVENT__GRANT, SIM_MARK_DELEGATED},
		{"YS", PB_CASE_EVENT__ACCEPT, SIM_MARK_ELSEWHERE},
		{"LB", PB_CASE_EVENT__GRANT, SIM_MARK_JOINT},
		{"LS", PB_CASE_EVENT__WITHDRAW, SIM_MARK_COMPENSATED},
	};
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (marks[i].event == entry->event &&
		    (!marks[i].mode || (mode && strcmp(marks[i].mode, mode) == 0)))
			sim_mark(&world->marks, marks[i].mark);
	}
}

static struct kv_key entry_key(const char *number, uint32_t seq)
{
	struct kv_key key = kv_key_str(number);
	kv_key_add_u32(&key, seq);
	return key;
}

static bool read_entry(struct sim_reader *reader, const char *number, uint32_t seq, PbCaseEntry **out,
                       uint8_t digest[PKI_HASH_BYTES])
{
	struct kv_key key = entry_key(number, seq);
	struct tb_bytes bytes;
	if (kv_get(&reader->kv, KV_ENTRY, &key, &reader->arena, &bytes, NULL))
		return false;
	pki_sha256(digest, bytes);
	return PROTO_DECODE_OWN(out, case_entry, bytes, &reader->arena, NULL) == TB_OK;
}

static bool waits_at_window(PbCaseState state)
{
	return state == PB_CASE_STATE__RECEIVED || state == PB_CASE_STATE__CHECKING ||
	       state == PB_CASE_STATE__WINDOW_WAITS || state == PB_CASE_STATE__RETURNED;
}

/* The entry follows the one before it, by hash and by the table. |*out|: the one before it; NULL: none. */
static const char *out_of_order(struct sim_reader *reader, const struct case_mode *mode,
                                const PbCaseEntry *entry, PbCaseEntry **out)
{
	const struct case_row *row = mode ? case_row_find(mode, entry->from, entry->event) : NULL;
	uint8_t digest[PKI_HASH_BYTES];
	PbCaseEntry *before;
	*out = NULL;
	if (mode && strcmp(mode->code, "QC") == 0 && waits_at_window(entry->to))
		return "an online application waits at a window";
	if (!row || row->to != entry->to)
		return "the table has no such step";
	if (!case_row_takes(row, entry->actor ? entry->actor->role : PB_ROLE__ROLE_UNSPECIFIED,
	                    CASE_AT_HOME) &&
	    !case_row_takes(row, entry->actor ? entry->actor->role : PB_ROLE__ROLE_UNSPECIFIED,
	                    CASE_AT_WINDOW))
		return "nobody in that role may do it";
	if (entry->seq == 1)
		return entry->from == PB_CASE_STATE__DRAFT && entry->previous.len == 0 ? NULL
		                                                                       : "a wrong beginning";
	if (!read_entry(reader, entry->case_number, entry->seq - 1, &before, digest))
		return "the entry before it is missing";
	if (before->to != entry->from)
		return "it begins in another state than the one before it left";
	if (!tb_bytes_equal(proto_bytes(entry->previous), tb_bytes_of(digest, sizeof(digest))))
		return "it does not name the one before it";
	*out = before;
	return NULL;
}

/* Article 42: a limit is extended once; nobody evaluates twice. */
static void check_once(struct sim_node *node, const PbCaseEntry *entry, uint64_t name)
{
	bool made;
	if (entry->event != PB_CASE_EVENT__EXTEND && entry->event != PB_CASE_EVENT__EVALUATE)
		return;
	uint64_t place = sim_mix(sim_mix(name, node->index + 1), (uint64_t)entry->event);
	uint64_t *seq = sim_map_at(&node->world->check->once, place, &made);
	if (!made && *seq != entry->seq)
		sim_check_broke(node->world, SIM_RULE_ORDER, node->index, entry->case_number,
		                "what happens once happened in entry %u and in entry %u", (unsigned)*seq,
		                entry->seq);
	*seq = entry->seq;
}

static bool gives_back(const PbCaseDetail *detail, const char *need)
{
	for (size_t i = 0; detail && i < detail->n_returned; i++) {
		if (strcmp(detail->returned[i], need) == 0)
			return true;
	}
	return false;
}

/* An original that the list gives back (work.c: M3) has gone back when the case is closed, or it is said why
 * not. */
static void check_originals(struct sim_node *node, struct sim_reader *reader, const PbCaseEntry *entry)
{
	bool original = false, back = false;
	if (entry->event != PB_CASE_EVENT__HAND_OVER || !entry->actor ||
	    entry->actor->role == PB_ROLE__SYSTEM || (entry->detail && entry->detail->reason[0]))
		return;
	for (uint32_t seq = 1; seq <= entry->seq; seq++) {
		PbCaseEntry *one;
		uint8_t digest[PKI_HASH_BYTES];
		if (!read_entry(reader, entry->case_number, seq, &one, digest) || !one->detail)
			continue;
		const PbApplication *application = one->detail->application;
		for (size_t i = 0; application && i < application->n_materials; i++)
			original = original || (application->materials[i]->original &&
			                        strcmp(application->materials[i]->need, "M3") == 0);
		back = back || gives_back(one->detail, "M3");
	}
	if (original && !back)
		sim_check_broke(node->world, SIM_RULE_ORDER, node->index, entry->case_number,
		                "it is closed, and the applicant's original is not returned");
}

static void check_decision(struct sim_node *node, const PbCaseEntry *entry, uint64_t name)
{
	struct sim_world *world = node->world;
	bool made;
	if (entry->event != PB_CASE_EVENT__GRANT && entry->event != PB_CASE_EVENT__DENY &&
	    entry->event != PB_CASE_EVENT__REOPEN)
		return;
	/* What was reopened, for a dispute that was upheld, is decided once more. */
	uint64_t reopening = sim_mix(sim_mix(name, node->index + 1), PB_CASE_EVENT__REOPEN);
	uint64_t *reopened = sim_map_at(&world->check->once, reopening, &made);
	uint64_t since = entry->seq > *reopened ? *reopened : 0;
	if (entry->event == PB_CASE_EVENT__REOPEN) {
		*reopened = entry->seq;
		return;
	}
	uint64_t *decided = sim_map_at(&world->check->decisions, sim_mix(name, since), &made);
	if (!made && *decided != entry->seq)
		sim_check_broke(world, SIM_RULE_ONE_DECISION, node->index, entry->case_number,
		                "decided in entry %u and in entry %u", (unsigned)*decided, entry->seq);
	*decided = entry->seq;
}

static void sweep_entry(struct sim_node *node, struct sim_reader *reader, const PbAuditLeaf *leaf)
{
	struct sim_world *world = node->world;
	struct sim_check *check = world->check;
	uint8_t digest[PKI_HASH_BYTES];
	PbCaseEntry *entry;
	bool made;
	uint64_t name = sim_mix_bytes(0, leaf->subject, strlen(leaf->subject)), value;
	++*sim_map_at(&check->leaves, sim_mix(name, node->index + 1), &made);
	if (!read_entry(reader, leaf->subject, leaf->count, &entry, digest) ||
	    !tb_bytes_equal(proto_bytes(leaf->digest), tb_bytes_of(digest, sizeof(digest)))) {
		sim_check_broke(world, SIM_RULE_LEAF, node->index, leaf->subject,
		                "the leaf of entry %u is not that of the entry", leaf->count);
		return;
	}
	sim_check_held(world, SIM_RULE_LEAF);
	PbCaseEntry *before;
	const PbCaseRecord *record = sim_read_case(reader, leaf->subject);
	const char *problem =
		out_of_order(reader, record ? case_mode_find(record->mode) : NULL, entry, &before);
	if (problem)
		sim_check_broke(world, SIM_RULE_ORDER, node->index, leaf->subject, "entry %u: %s", entry->seq,
		                problem);
	sim_check_held(world, SIM_RULE_ORDER);
	char text[160];
	if (!problem && sim_clock_problem(record->mode, before, entry, text, sizeof(text)))
		sim_check_broke(world, SIM_RULE_CLOCKS, node->index, leaf->subject, "entry %u: %s",
		                entry->seq, text);
	sim_check_held(world, SIM_RULE_CLOCKS);
	check_once(node, entry, name);
	if (!sim_case_reliable(world, record))
		return;
	check_originals(node, reader, entry);
	memcpy(&value, digest, sizeof(value));
	uint64_t *known = sim_map_at(&check->entries, sim_mix(name, entry->seq), &made);
	if (made) {
		*known = value;
		mark_event(world, entry, record->mode);
	} else if (*known != value) {
		sim_check_broke(world, SIM_RULE_ONE_DECISION, node->index, leaf->subject,
		                "entry %u is another one elsewhere", entry->seq);
	}
	check_decision(node, entry, name);
	sim_check_held(world, SIM_RULE_ONE_DECISION);
}

/* Asks the local API, as an auditor would. NULL: refused. The request is to be freed. */
static proto_message *query(struct sim_node *node, const char *path, const char *json,
                            struct core_request **request)
{
	struct tb_error err;
	enum tb_code code = core_request_new(request, core_method_find(path), tb_bytes_str(json), &err);
	assert(code == TB_OK);
	core_query(&node->setup, node->peers, *request, sim_node_now(node));
	return (*request)->error.code ? NULL : (*request)->reply;
}

static void sweep_history(struct sim_node *node)
{
	struct sim_world *world = node->world;
	struct sim_seen *seen = &world->check->seen[node->index];
	struct core_request *request;
	struct pki_digest path[PKI_PATH_MAX + 1], root = {{0}};
	char json[64];
	snprintf(json, sizeof(json), "{\"oldSize\":\"%llu\"}", (unsigned long long)seen->history_size);
	PbConsistencyResponse *reply = (PbConsistencyResponse *)(void *)query(
		node, "/tongban.v1.AuditService/Consistency", json, &request);
	size_t count = reply ? reply->n_path : 0;
	for (size_t i = 0; i < count && i <= PKI_PATH_MAX; i++)
		memcpy(path[i].bytes, reply->path[i].data, PKI_HASH_BYTES);
	if (reply)
		memcpy(root.bytes, reply->new_root.data, PKI_HASH_BYTES);
	if (!reply ||
	    (seen->history_size > 0 && !pki_merkle_consistent(seen->history_size, &seen->history_root,
	                                                      reply->new_size, &root, path, count)))
		sim_check_broke(world, SIM_RULE_HISTORY, node->index, NULL,
		                "the log of %llu leaves does not go on from the one before",
		                (unsigned long long)seen->history_size);
	else {
		seen->history_size = reply->new_size;
		seen->history_root = root;
	}
	core_request_free(request);
	sim_check_held(world, SIM_RULE_HISTORY);
}

struct sweep {
	struct sim_node *node;
	struct sim_reader *reader;
	char last[IDENT_CASE_ROOM]; /* case of the last leaf */
};

static bool sweep_leaf(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	struct sweep *sweep = ctx;
	struct sim_seen *seen = &sweep->node->world->check->seen[sweep->node->index];
	if (leaf->kind == PB_LEAF_KIND__LEAF_CASE) {
		sweep_entry(sweep->node, sweep->reader, leaf);
		snprintf(sweep->last, sizeof(sweep->last), "%s", leaf->subject);
	} else if (leaf->kind == PB_LEAF_KIND__LEAF_OVERDUE) {
		sim_matter_overdue(sweep->node, sweep->reader, leaf);
	}
	seen->leaves = index + 1;
	return true;
}

/* Entries and leaves come in one transaction: whenever somebody looks, there are as many. */
static void check_together(struct sim_node *node, struct sim_reader *reader, const char *number)
{
	const PbCaseRecord *record = sim_read_case(reader, number);
	uint64_t leaves = 0, name = sim_mix(sim_mix_bytes(0, number, strlen(number)), node->index + 1);
	if (!sim_map_get(&node->world->check->leaves, name, &leaves) || !record || leaves != record->seq)
		sim_check_broke(node->world, SIM_RULE_LEAF, node->index, number, "%u entries, but %u leaves",
		                record ? record->seq : 0, (unsigned)leaves);
	sim_check_held(node->world, SIM_RULE_LEAF);
}

void sim_check_sweep(struct sim_node *node)
{
	struct sim_seen *seen = &node->world->check->seen[node->index];
	struct sim_reader reader;
	if (!node->core || !sim_node_reliable(node))
		return;
	sim_read_begin(&reader, node);
	struct sweep sweep = {.node = node, .reader = &reader};
	(void)sim_leaves_walk(&reader, seen->leaves, sweep_leaf, &sweep);
	if (sweep.last[0])
		check_together(node, &reader, sweep.last);
	sim_read_end(&reader);
	sweep_history(node);
}

static void sweep_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct sim_check *check = world->check;
	(void)subject;
	(void)argument;
	if (check->next_sweep >= world->nodes_count)
		check->next_sweep = 0;
	sim_check_sweep(&world->nodes[check->next_sweep++]);
	sim_after(world, check->sweep_every / (sim_time)world->nodes_count + 1, &sweep_event, NULL, 0);
}
