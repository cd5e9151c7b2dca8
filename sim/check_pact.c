/* What cases stand on, computed a second time: the audit log says in which order a node came to know
 * statements of agreements and began cases, so that what was in force for each case is known exactly. */
#include <stdlib.h>
#include <string.h>

#include "node/core/casetable.h"
#include "sim/check_priv.h"

/* One version of an agreement, and how much of what its parties said was known so far. */
struct promise {
	PbStoredAgreement *stored;
	uint8_t digest[PKI_HASH_BYTES];
	PbAgreement *agreement;
	PbAgreementStatement **statements;
	size_t known; /* of stored->n_statements, which stand in the order in which they came */
};

struct promises {
	struct sim_node *node;
	struct sim_reader *reader;
	struct promise *list;
	size_t count;
};

static bool read_promise(struct promise *out, struct tb_bytes plain, struct tb_arena *arena)
{
	*out = (struct promise){0};
	if (PROTO_DECODE_OWN(&out->stored, stored_agreement, plain, arena, NULL) ||
	    PROTO_DECODE_OWN(&out->agreement, agreement, proto_bytes(out->stored->agreement), arena, NULL))
		return false;
	pki_sha256(out->digest, proto_bytes(out->stored->agreement));
	out->statements = tb_arena_alloc(arena, (out->stored->n_statements + 1) * sizeof(*out->statements));
	for (size_t i = 0; i < out->stored->n_statements; i++) {
		struct tb_bytes item = proto_bytes(out->stored->statements[i]->item);
		if (item.size < TB_SALT_BYTES ||
		    PROTO_DECODE_OWN(&out->statements[i], agreement_statement,
		                     tb_bytes_of(item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES), arena,
		                     NULL))
			return false;
	}
	return true;
}

static void read_promises(struct promises *promises)
{
	struct sim_reader *reader = promises->reader;
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	promises->list = tb_arena_alloc(&reader->arena, (store_count(reader->kv.txn, KV_AGREEMENT) + 1) *
	                                                        sizeof(*promises->list));
	store_cursor(&cursor, reader->kv.txn, KV_AGREEMENT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		if (kv_open(&reader->kv, KV_AGREEMENT, key, sealed, &reader->arena, &plain, NULL) == TB_OK &&
		    read_promise(&promises->list[promises->count], plain, &reader->arena))
			promises->count++;
	}
	store_cursor_end(&cursor);
}

static struct promise *find(struct promises *promises, const char *id, uint32_t version)
{
	for (size_t i = 0; i < promises->count; i++) {
		if (strcmp(promises->list[i].agreement->id, id) == 0 &&
		    promises->list[i].agreement->version == version)
			return &promises->list[i];
	}
	return NULL;
}

/* ---- what was in force */

static bool says(const struct promise *promise, const char *region, PbStatementKind kind)
{
	for (size_t i = 0; i < promise->known; i++) {
		if (promise->statements[i]->kind == kind &&
		    strcmp(promise->statements[i]->region, region) == 0)
			return true;
	}
	return false;
}

static bool complete(const struct promise *promise)
{
	for (size_t i = 0; i < promise->agreement->n_parties; i++) {
		if (!says(promise, promise->agreement->parties[i], PB_STATEMENT_KIND__SIGNS))
			return false;
	}
	return true;
}

static bool has_party(const PbAgreement *agreement, const char *region)
{
	for (size_t i = 0; i < agreement->n_parties; i++) {
		if (strcmp(agreement->parties[i], region) == 0)
			return true;
	}
	return false;
}

/* All regions of the simulator agree on all items, in whole terms. */
static bool allows(const PbAgreement *agreement, const char *mode)
{
	PbRight needed = strcmp(mode, "YB") == 0   ? PB_RIGHT__DECIDE_CASES
	                 : strcmp(mode, "YS") == 0 ? PB_RIGHT__ACCEPT_CASES
	                                           : PB_RIGHT__RIGHT_UNSPECIFIED;
	for (size_t i = 0; i < agreement->n_terms; i++) {
		const PbAgreementTerm *term = agreement->terms[i];
		bool listed = false, right = !needed;
		for (size_t j = 0; j < term->n_modes; j++)
			listed = listed || strcmp(term->modes[j], mode) == 0;
		for (size_t j = 0; j < term->n_rights; j++)
			right = right || term->rights[j] == needed;
		if (listed && right)
			return true;
	}
	return false;
}

/* Why |cited| was not in force on |today|; NULL: it was. */
static const char *lapse(const struct promises *promises, const struct promise *cited, const char *today)
{
	const PbAgreement *agreement = cited->agreement;
	if (!complete(cited))
		return "was not signed by all";
	if (strcmp(agreement->valid_from, today) > 0 ||
	    (agreement->valid_until[0] && strcmp(agreement->valid_until, today) < 0))
		return "was not valid on that day";
	for (size_t i = 0; i < cited->known; i++) {
		if (cited->statements[i]->kind == PB_STATEMENT_KIND__ENDS &&
		    strcmp(cited->statements[i]->effective, today) <= 0)
			return "had ended";
	}
	for (size_t i = 0; i < promises->count; i++) {
		const struct promise *other = &promises->list[i];
		if (strcmp(other->agreement->id, agreement->id) == 0 &&
		    other->agreement->version > agreement->version && complete(other) &&
		    strcmp(other->agreement->valid_from, today) <= 0)
			return "had been replaced by a later version";
	}
	return NULL;
}

/* A case that was begun here, at its window. */
static void check_begun(struct promises *promises, const char *number)
{
	struct sim_node *node = promises->node;
	struct sim_reader *reader = promises->reader;
	const PbCaseRecord *record = sim_read_case(reader, number);
	struct kv_key key = kv_key_str(number);
	struct tb_bytes bytes;
	PbCaseEntry *first;
	char today[11];
	kv_key_add_u32(&key, 1);
	if (!record || !record->agreement[0] || strcmp(record->window, node->code) != 0 ||
	    kv_get(&reader->kv, KV_ENTRY, &key, &reader->arena, &bytes, NULL) ||
	    PROTO_DECODE_OWN(&first, case_entry, bytes, &reader->arena, NULL))
		return;
	const struct promise *cited = find(promises, record->agreement, record->agreement_version);
	const char *problem = cited ? NULL : "is not here";
	tb_day_format(today, tb_day_at(first->at_ms));
	if (!problem)
		problem = lapse(promises, cited, today);
	if (!problem &&
	    (!has_party(cited->agreement, record->window) || !has_party(cited->agreement, record->home)))
		problem = "is not between the two";
	if (!problem && !allows(cited->agreement, case_mode_listed(record->mode)))
		problem = "does not cover its mode";
	if (problem)
		sim_check_broke(node->world, SIM_RULE_PROMISED, node->index, number,
		                "rests on version %u of %s, which %s", record->agreement_version,
		                record->agreement, problem);
	sim_check_held(node->world, SIM_RULE_PROMISED);
}

static bool is_of(const PbAuditLeaf *leaf, const struct promise *promise)
{
	return tb_bytes_equal(proto_bytes(leaf->digest), tb_bytes_of(promise->digest, PKI_HASH_BYTES));
}

static bool look_at_leaf(void *ctx, uint64_t index, const PbAuditLeaf *leaf)
{
	struct promises *promises = ctx;
	(void)index;
	if (leaf->kind == PB_LEAF_KIND__LEAF_AGREEMENT) {
		/* What was said of a text that was overtaken counts for nothing. */
		struct promise *promise = find(promises, leaf->subject, leaf->count);
		if (promise && promise->known < promise->stored->n_statements && is_of(leaf, promise))
			promise->known++;
	} else if (leaf->kind == PB_LEAF_KIND__LEAF_AGREEMENT_OVERTAKEN) {
		struct promise *promise = find(promises, leaf->subject, leaf->count);
		if (promise && complete(promise))
			sim_check_broke(promises->node->world, SIM_RULE_PROMISED, promises->node->index, NULL,
			                "version %u of %s was overtaken when all had signed it", leaf->count,
			                leaf->subject);
		if (promise)
			promise->known = 0;
	} else if (leaf->kind == PB_LEAF_KIND__LEAF_CASE && leaf->count == 1) {
		check_begun(promises, leaf->subject);
	}
	return true;
}

/* ---- what was said */

/* Every message of a case says what its record says. */
static void check_said(struct sim_node *node, struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	store_cursor(&cursor, reader->kv.txn, KV_OUTBOX, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		PbOutboxRecord *out;
		PbCaseMessage *message;
		if (kv_open(&reader->kv, KV_OUTBOX, key, sealed, &reader->arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&out, outbox_record, plain, &reader->arena, NULL) ||
		    PROTO_DECODE_OWN(&message, case_message, proto_bytes(out->message), &reader->arena, NULL))
			continue;
		const PbCaseRecord *record =
			message->post ? NULL : sim_read_case(reader, message->case_number);
		if (record && (strcmp(message->agreement, record->agreement) != 0 ||
		               message->agreement_version != record->agreement_version))
			sim_check_broke(node->world, SIM_RULE_PROMISED, node->index, record->number,
			                "a message cites version %u of \"%s\", the case rests on another",
			                message->agreement_version, message->agreement);
		if (record)
			sim_check_held(node->world, SIM_RULE_PROMISED);
	}
	store_cursor_end(&cursor);
}

void sim_check_promises(struct sim_node *node)
{
	struct sim_reader reader;
	sim_read_begin(&reader, node);
	struct promises promises = {.node = node, .reader = &reader};
	read_promises(&promises);
	(void)sim_leaves_walk(&reader, 0, look_at_leaf, &promises);
	check_said(node, &reader);
	sim_read_end(&reader);
}
