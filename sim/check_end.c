/* What can be looked at only when a world rests or ends: that everything came to its end, and that what one
 * node keeps agrees with what the others keep. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "node/core/casetable.h"
#include "node/core/ident.h"
#include "sim/check_priv.h"
#include "sim/net.h"
#include "sim/work_priv.h"

static bool lives(const struct sim_node *node)
{
	return node->core && !node->dead;
}

/* ---- rest */

struct look {
	struct sim_world *world;
	char *why;
	size_t room;
	bool well;
};

static void unwell(struct look *look, const char *fmt, ...) TB_PRINTF(2, 3);
static void unwell(struct look *look, const char *fmt, ...)
{
	va_list args;
	if (!look->well)
		return;
	look->well = false;
	va_start(args, fmt);
	vsnprintf(look->why, look->room, fmt, args);
	va_end(args);
}

/* What waits for a peer that will not answer waits rightly. */
static bool will_answer(struct sim_world *world, struct tb_bytes key)
{
	char code[PKI_REGION_ROOM] = "";
	memcpy(code, key.data, key.size < 6 ? key.size : 6);
	const struct sim_node *peer = sim_node_find(world, code);
	return peer && lives(peer) && sim_node_reliable(peer);
}

static void look_outgoing(struct look *look, struct sim_node *node, struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	store_cursor(&cursor, reader->kv.txn, KV_OUTGOING, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (look->well && store_next(&cursor, &key, &value)) {
		if (will_answer(look->world, key))
			unwell(look, "%s has not got a message to %.6s through", node->name,
			       (const char *)key.data);
	}
	store_cursor_end(&cursor);
}

static void look_wanted(struct look *look, struct sim_node *node, struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, value;
	store_cursor(&cursor, reader->kv.txn, KV_WANTED, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (look->well && store_next(&cursor, &key, &value)) {
		PbStoredMaterial *record;
		/* The key ends with the root, and begins with the peer. */
		struct kv_key name =
			kv_key_of(tb_bytes_of(key.data + key.size - PKI_HASH_BYTES, PKI_HASH_BYTES));
		const char *region = tb_arena_printf(&reader->arena, "%.6s", (const char *)key.data);
		if (KV_GET(&reader->kv, KV_MATERIAL, &name, stored_material, &reader->arena, &record, NULL)) {
			unwell(look, "%s wants a material without a record", node->name);
			continue;
		}
		const struct sim_node *peer = sim_node_find(look->world, region);
		if (peer && lives(peer) && sim_node_reliable(peer))
			unwell(look, "%s has not got a material from %s", node->name, peer->name);
	}
	store_cursor_end(&cursor);
}

static bool look_case(void *ctx, const char *number, struct sim_node *window, struct sim_node *home)
{
	struct look *look = ctx;
	struct sim_reader here, there;
	if (!lives(window) || !lives(home) || !sim_node_reliable(window) || !sim_node_reliable(home))
		return true;
	sim_read_begin(&here, window);
	sim_read_begin(&there, home);
	const PbCaseRecord *a = sim_read_case(&here, number), *b = sim_read_case(&there, number);
	if (!a)
		unwell(look, "case %s is gone from %s", number, window->name);
	else if (a->handing_over)
		unwell(look, "case %s is being handed over by %s", number, window->name);
	else if (b && b->handing_over)
		unwell(look, "case %s is being handed over by %s", number, home->name);
	else if (b && (a->seq != b->seq || !tb_bytes_equal(proto_bytes(a->head), proto_bytes(b->head))))
		unwell(look, "case %s has %u entries in %s and %u in %s", number, a->seq, window->name,
		       b->seq, home->name);
	else if (b && (strcmp(a->owner, b->owner) != 0 || a->epoch != b->epoch))
		unwell(look, "case %s: the owner is %s in %s and %s in %s", number, a->owner, window->name,
		       b->owner, home->name);
	else if (!b && strcmp(a->owner, window->code) != 0)
		unwell(look, "case %s was handed over and is not in %s", number, home->name);
	sim_read_end(&here);
	sim_read_end(&there);
	return look->well;
}

/* Of proposals that crossed one is left, the same for all parties. */
static void look_texts(struct look *look, struct sim_node *node, struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain, other;
	store_cursor(&cursor, reader->kv.txn, KV_AGREEMENT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (look->well && store_next(&cursor, &key, &sealed)) {
		PbStoredAgreement *ours, *theirs;
		PbAgreement *agreement;
		struct kv_key name = kv_key_of(key);
		if (kv_open(&reader->kv, KV_AGREEMENT, key, sealed, &reader->arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&ours, stored_agreement, plain, &reader->arena, NULL) ||
		    PROTO_DECODE_OWN(&agreement, agreement, proto_bytes(ours->agreement), &reader->arena,
		                     NULL))
			continue;
		for (size_t i = 0; i < agreement->n_parties && look->well; i++) {
			struct sim_node *party = sim_node_find(look->world, agreement->parties[i]);
			struct sim_reader there;
			if (!party || party == node || !lives(party) || !sim_node_reliable(party))
				continue;
			sim_read_begin(&there, party);
			if (kv_get(&there.kv, KV_AGREEMENT, &name, &there.arena, &other, NULL) == TB_OK &&
			    PROTO_DECODE_OWN(&theirs, stored_agreement, other, &there.arena, NULL) == TB_OK &&
			    !tb_bytes_equal(proto_bytes(ours->agreement), proto_bytes(theirs->agreement)))
				unwell(look, "%s and %s have different texts of version %u of %s", node->name,
				       party->name, agreement->version, agreement->id);
			sim_read_end(&there);
		}
	}
	store_cursor_end(&cursor);
}

bool sim_check_quiet(struct sim_world *world, char *why, size_t room)
{
	struct look look = {.world = world, .why = why, .room = room, .well = true};
	for (size_t i = 0; i < world->nodes_count && look.well; i++) {
		struct sim_node *node = &world->nodes[i];
		struct sim_reader reader;
		if (node->dead || node->hostile)
			continue;
		if (!node->core) {
			unwell(&look, "%s is still down", node->name);
			continue;
		}
		if (node->requests)
			unwell(&look, "%s has not answered a client", node->name);
		if (!sim_node_reliable(node))
			continue; /* its peers may have refused what it says, for what it has forgotten */
		sim_read_begin(&reader, node);
		look_outgoing(&look, node, &reader);
		look_wanted(&look, node, &reader);
		look_texts(&look, node, &reader);
		sim_read_end(&reader);
	}
	if (look.well)
		sim_work_cases(world, look_case, &look);
	if (look.well)
		sim_check_held(world, SIM_RULE_LIVE);
	return look.well;
}

static bool look_ended(void *ctx, const char *number, struct sim_node *window, struct sim_node *home)
{
	struct look *look = ctx;
	struct sim_reader reader;
	if (!lives(window) || !lives(home) || !sim_node_reliable(window) || !sim_node_reliable(home))
		return true;
	sim_read_begin(&reader, window);
	const PbCaseRecord *record = sim_read_case(&reader, number);
	if (record && !case_state_final(record->state))
		unwell(look, "case %s of %s is still %s", number, window->name,
		       case_state_text(record->state, false));
	sim_read_end(&reader);
	return look->well;
}

bool sim_check_ended(struct sim_world *world, char *why, size_t room)
{
	struct look look = {.world = world, .why = why, .room = room, .well = true};
	sim_work_cases(world, look_ended, &look);
	return look.well;
}

/* ---- the end */

/* Who gave the receipt of |record| spoke of that very message. */
static bool receipt_fits(struct sim_reader *reader, const struct kv_key *name, const PbOutboxRecord *record)
{
	PbReceiptRecord *kept;
	PbReceipt *receipt;
	return KV_GET(&reader->kv, KV_RECEIPT, name, receipt_record, &reader->arena, &kept, NULL) == TB_OK &&
	       PROTO_DECODE_OWN(&receipt, receipt, proto_bytes(kept->receipt), &reader->arena, NULL) ==
	               TB_OK &&
	       tb_bytes_equal(proto_bytes(receipt->digest), proto_bytes(record->digest));
}

/* Every message of every outbox, by id: what a peer may have received. */
static void gather_outbox(struct sim_node *node, struct sim_map *sent)
{
	struct sim_world *world = node->world;
	struct sim_reader reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	sim_read_begin(&reader, node);
	store_cursor(&cursor, reader.kv.txn, KV_OUTBOX, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		PbOutboxRecord *record;
		PbCaseMessage *message;
		struct kv_key name = kv_key_of(key);
		bool made;
		if (kv_open(&reader.kv, KV_OUTBOX, key, sealed, &reader.arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&record, outbox_record, plain, &reader.arena, NULL) ||
		    PROTO_DECODE_OWN(&message, case_message, proto_bytes(record->message), &reader.arena,
		                     NULL)) {
			sim_check_broke(world, SIM_RULE_DONE, node->index, NULL,
			                "an outbox record is unreadable");
			break;
		}
		uint64_t id = sim_mix_bytes(0, message->id.data, message->id.len);
		*sim_map_at(sent, id, &made) = sim_mix_bytes(0, record->digest.data, record->digest.len);
		bool waits = kv_has(&reader.kv, KV_OUTGOING, &name), dead = record->dead[0] != 0;
		bool receipt = kv_has(&reader.kv, KV_RECEIPT, &name);
		if (!waits && !dead && !receipt)
			sim_check_broke(world, SIM_RULE_DONE, node->index, record->case_number,
			                "a message is settled and nothing says why");
		if (receipt && !receipt_fits(&reader, &name, record))
			sim_check_broke(world, SIM_RULE_DONE, node->index, record->case_number,
			                "a message is settled by the receipt of another");
		if (kv_has(&reader.kv, KV_DEAD, &name) && !dead)
			sim_check_broke(world, SIM_RULE_DEAD, node->index, record->case_number,
			                "a dead letter without a reason");
		sim_check_held(world, SIM_RULE_DONE);
		sim_check_held(world, SIM_RULE_DEAD);
		tb_arena_clear(&reader.arena);
	}
	store_cursor_end(&cursor);
	sim_read_end(&reader);
}

static void check_inbox(struct sim_node *node, const struct sim_map *sent)
{
	struct sim_world *world = node->world;
	struct sim_reader reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	sim_read_begin(&reader, node);
	store_cursor(&cursor, reader.kv.txn, KV_INBOX, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		PbInboxRecord *record;
		uint64_t digest;
		char code[PKI_REGION_ROOM] = "";
		memcpy(code, key.data, 6);
		const struct sim_node *sender = sim_node_find(world, code);
		if (!sim_node_reliable(sender) || !lives(sender))
			continue;
		if (kv_open(&reader.kv, KV_INBOX, key, sealed, &reader.arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&record, inbox_record, plain, &reader.arena, NULL) ||
		    !sim_map_get(sent, sim_mix_bytes(0, key.data + 6, key.size - 6), &digest) ||
		    digest != sim_mix_bytes(0, record->digest.data, record->digest.len))
			sim_check_broke(world, SIM_RULE_DURABLE_FIRST, node->index, NULL,
			                "a message of %s that is not in its outbox", sender->name);
		sim_check_held(world, SIM_RULE_DURABLE_FIRST);
		tb_arena_clear(&reader.arena);
	}
	store_cursor_end(&cursor);
	sim_read_end(&reader);
}

/* Whose case it was first stands in its number; and who may send cases is granted. */
static void check_origin(struct sim_node *node, const PbCaseRecord *record)
{
	struct sim_world *world = node->world;
	const struct sim_node *window = sim_node_find(world, record->window);
	if (strncmp(record->number, record->first_node, 6) != 0 ||
	    strcmp(record->first_node, record->window) != 0)
		sim_check_broke(world, SIM_RULE_ORIGIN, node->index, record->number,
		                "received first by %s, it says", record->first_node);
	sim_check_held(world, SIM_RULE_ORIGIN);
	if (strcmp(record->home, node->code) != 0 || !window || window == node)
		return;
	const struct sim_link *link = sim_link_find(world->net, node->index, window->index);
	if (!link || !link->cases)
		sim_check_broke(world, SIM_RULE_SCOPE, node->index, record->number,
		                "taken from %s, which was granted none", window->code);
	sim_check_held(world, SIM_RULE_SCOPE);
}

static bool log_has(struct sim_reader *reader, const char *number, PbCaseEvent event)
{
	const PbCaseRecord *record = sim_read_case(reader, number);
	for (uint32_t seq = 1; record && seq <= record->seq; seq++) {
		struct kv_key key = kv_key_str(number);
		PbCaseEntry *entry;
		kv_key_add_u32(&key, seq);
		if (KV_GET(&reader->kv, KV_ENTRY, &key, case_entry, &reader->arena, &entry, NULL) == TB_OK &&
		    entry->event == event)
			return true;
	}
	return false;
}

/* The parts have logs of their own. */
static void check_parts(struct sim_node *node, struct sim_reader *reader, const PbCaseRecord *lead)
{
	if (lead->n_parts == 0 || !log_has(reader, lead->number, PB_CASE_EVENT__GRANT))
		return;
	for (size_t i = 0; i < lead->n_parts; i++) {
		if (!log_has(reader, lead->parts[i]->number, PB_CASE_EVENT__GRANT))
			sim_check_broke(node->world, SIM_RULE_PARTS, node->index, lead->number,
			                "granted, and its part %zu in %s is not", i, lead->parts[i]->home);
		sim_check_held(node->world, SIM_RULE_PARTS);
	}
}

static void check_cases(struct sim_node *node)
{
	struct sim_world *world = node->world;
	struct sim_check *check = world->check;
	struct sim_reader reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	sim_read_begin(&reader, node);
	store_cursor(&cursor, reader.kv.txn, KV_CASE, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		PbCaseRecord *record;
		uint64_t leaves = 0;
		uint64_t name = sim_mix(sim_mix_bytes(0, key.data, key.size), node->index + 1);
		if (kv_open(&reader.kv, KV_CASE, key, sealed, &reader.arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&record, case_record, plain, &reader.arena, NULL)) {
			sim_check_broke(world, SIM_RULE_ACKED, node->index, NULL, "a case is unreadable");
			break;
		}
		if (!sim_map_get(&check->leaves, name, &leaves) || leaves != record->seq)
			sim_check_broke(world, SIM_RULE_LEAF, node->index, record->number,
			                "%u entries, but %u leaves", record->seq, (unsigned)leaves);
		check_origin(node, record);
		check_parts(node, &reader, record);
		sim_pacts_check(node, record);
		/* A home region may refuse its copy of what is decided in its name: people talk then. */
		bool copy_refused = strcmp(record->mode, "YB") == 0 && record->refusal[0];
		if (record->dispute && !copy_refused && sim_case_reliable(world, record) &&
		    !record->needs_originals)
			sim_check_broke(world, SIM_RULE_ONE_DECISION, node->index, record->number,
			                "two honest nodes are in dispute");
		tb_arena_clear(&reader.arena);
	}
	store_cursor_end(&cursor);
	sim_read_end(&reader);
}

static void check_acked_all(struct sim_node *node)
{
	struct sim_world *world = node->world;
	struct sim_seen *seen = &world->check->seen[node->index];
	struct sim_reader reader;
	sim_read_begin(&reader, node);
	for (size_t i = 0; i < seen->acked_count; i++) {
		if (seen->acked[i].number[0] && !sim_read_case(&reader, seen->acked[i].number))
			sim_check_broke(world, SIM_RULE_ACKED, node->index, seen->acked[i].number,
			                "the case was acknowledged and is not there");
		sim_check_held(world, SIM_RULE_ACKED);
		tb_arena_clear(&reader.arena);
	}
	sim_read_end(&reader);
}

static void check_audit(struct sim_node *node)
{
	struct core_request *request;
	struct tb_error err;
	enum tb_code code = core_request_new(&request, core_method_find("/tongban.v1.AuditService/Verify"),
	                                     tb_bytes_str("{}"), &err);
	assert(code == TB_OK);
	core_query(&node->setup, node->peers, request, sim_node_now(node));
	const PbAuditVerifyResponse *reply = (const PbAuditVerifyResponse *)(const void *)request->reply;
	if (!reply || !reply->intact)
		sim_check_broke(node->world, SIM_RULE_HISTORY, node->index, NULL, "%s",
		                reply ? reply->problem : request->error.text);
	sim_check_held(node->world, SIM_RULE_HISTORY);
	core_request_free(request);
}

/* A damaged leaf may not pass as whole. */
static void check_rotten(struct sim_node *node)
{
	struct core_request *request;
	struct tb_error err;
	enum tb_code code = core_request_new(&request, core_method_find("/tongban.v1.AuditService/Verify"),
	                                     tb_bytes_str("{}"), &err);
	assert(code == TB_OK);
	core_query(&node->setup, node->peers, request, sim_node_now(node));
	const PbAuditVerifyResponse *reply = (const PbAuditVerifyResponse *)(const void *)request->reply;
	if (reply && reply->intact)
		sim_check_broke(node->world, SIM_RULE_HISTORY, node->index, NULL,
		                "a leaf is damaged, and the log is said to be whole");
	else
		sim_mark(&node->world->marks, SIM_MARK_ROT_FOUND);
	core_request_free(request);
}

void sim_check_end(struct sim_world *world)
{
	struct sim_map sent = {0};
	for (size_t i = 0; i < world->nodes_count; i++) {
		sim_disk_warm(world->nodes[i].disk);
		sim_check_sweep(&world->nodes[i]);
		if (lives(&world->nodes[i]) && sim_node_reliable(&world->nodes[i]))
			gather_outbox(&world->nodes[i], &sent);
		sim_disk_cool(world->nodes[i].disk);
	}
	for (size_t i = 0; i < world->nodes_count; i++) {
		struct sim_node *node = &world->nodes[i];
		if (lives(node) && node->rotten_table && strcmp(node->rotten_table, "audit_leaf") == 0)
			check_rotten(node);
		if (!lives(node) || !sim_node_reliable(node))
			continue;
		sim_disk_warm(node->disk);
		check_inbox(node, &sent);
		check_cases(node);
		sim_matters_check(node);
		sim_check_kinds(node);
		sim_check_promises(node);
		check_acked_all(node);
		check_audit(node);
		sim_disk_cool(node->disk);
	}
	sim_map_clear(&sent);
	/* The power goes off everywhere, with nothing under way that was not acknowledged. */
	for (size_t i = 0; i < world->nodes_count; i++) {
		if (lives(&world->nodes[i])) {
			sim_node_stop(&world->nodes[i], SIM_STOP_POWER);
			sim_node_start_after(&world->nodes[i], SIM_SECOND);
		}
	}
	sim_world_run_until(world, world->now + 2 * SIM_SECOND);
}
