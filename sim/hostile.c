#include "sim/hostile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/core/ident.h"
#include "sim/check.h"
#include "sim/net.h"
#include "sim/work.h"

enum {
	FLOOD_QUERIES = 700, /* more than a peer's bucket holds */
	GARBAGE_MOST = 2000,
	PROPOSALS = TB_AGREEMENTS_OPEN_MAX + 2,
};

#define LATE (16 * SIM_MINUTE)  /* life of a batch and skew, and some more */
#define CLOCK_TRUSTED TB_MINUTE /* a clock that is further off accepts what others would not */

static const char *const words[] = {
#define XX(name, word, sentence) word,
	SIM_ACT_MAP(XX)
#undef XX
};

const char *sim_act_word(enum sim_act act)
{
	return words[act];
}

/* ---- what came of it */

struct attempt {
	enum sim_act act;
	uint32_t from;
	uint32_t to;
	const char *as;  /* the region whose connection it comes on */
	uint64_t leaves; /* of the receiver's audit log, before it */
	unsigned refs;
	unsigned accepted;
	struct tb_buf bytes; /* REPLAY_LATE: once more */
	uint8_t root[PKI_HASH_BYTES];
	size_t count;
};

static void attempt_unref(struct attempt *attempt)
{
	if (--attempt->refs > 0)
		return;
	tb_buf_clear(&attempt->bytes);
	free(attempt);
}

/* What was refused must be in the log: |kind| and |subject| are those of the leaf. */
static void seen(struct sim_world *world, const struct attempt *attempt, const char *how, PbLeafKind kind,
                 const char *subject)
{
	sim_check_noticed(&world->nodes[attempt->to], attempt->leaves, kind, attempt->as, subject);
	sim_check_held(world, attempt->act == SIM_ACT_OTHER_BODY ? SIM_RULE_FORK : SIM_RULE_SCOPE);
	sim_tell(world, SIM_HOSTILE_SEEN, attempt->to, attempt->from, NULL, "%s: %s", words[attempt->act],
	         how);
}

static void succeeded(struct sim_world *world, const struct attempt *attempt)
{
	sim_check_broke(world, attempt->act == SIM_ACT_OTHER_BODY ? SIM_RULE_FORK : SIM_RULE_SCOPE,
	                attempt->to, NULL, "%s of %s was accepted", words[attempt->act],
	                world->nodes[attempt->from].code);
}

static void seen_refused(struct sim_world *world, const struct attempt *attempt, enum tb_code code)
{
	char subject[64];
	snprintf(subject, sizeof(subject), "%s: %s", attempt->act == SIM_ACT_GARBAGE ? "deliver" : "verify",
	         tb_code_name(code));
	seen(world, attempt, tb_code_name(code), PB_LEAF_KIND__LEAF_REFUSED, subject);
}

/* The call as a whole must have been refused. */
static void must_be_refused(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                            const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	(void)bytes;
	(void)to;
	if (!err)
		succeeded(world, attempt);
	else if (tb_code_fault(err->code) == TB_FAULT_PEER)
		seen_refused(world, attempt, err->code);
	if (err && err->code == TB_EREPLAY)
		sim_mark(&world->marks, SIM_MARK_REPLAY_REFUSED);
	attempt_unref(attempt);
}

/* The same bytes twice: one of them at most. */
static void once_at_most(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                         const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	(void)bytes;
	attempt->accepted += !err;
	if (attempt->accepted > 1 && !to->restored)
		succeeded(world, attempt);
	else if (err && err->code == TB_EREPLAY) {
		sim_mark(&world->marks, SIM_MARK_REPLAY_REFUSED);
		seen_refused(world, attempt, TB_EREPLAY);
	}
	attempt_unref(attempt);
}

/* The answer's items, in its arena; NULL if it cannot be read. */
static struct pki_batch *answer_of(struct sim_world *world, const struct attempt *attempt, PbBatchKind kind,
                                   struct tb_bytes bytes)
{
	const struct sim_node *from = &world->nodes[attempt->from], *to = &world->nodes[attempt->to];
	struct pki_expect expect = {.kind = kind,
	                            .sender = to->code,
	                            .receiver = from->code,
	                            .in_reply_to = tb_bytes_of(attempt->root, sizeof(attempt->root)),
	                            .items_count = attempt->count,
	                            .now = sim_node_now(to)};
	struct pki_batch *batch;
	struct tb_error err;
	return pki_batch_check(&batch, bytes, peer_trust(from->peers), &expect, &err) == TB_OK ? batch : NULL;
}

/* The message must have been rejected. */
static void must_be_rejected(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                             const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	struct pki_batch *batch = err ? NULL : answer_of(world, attempt, PB_BATCH_KIND__RECEIPTS, bytes);
	PbReceipt *receipt;
	if (batch &&
	    PROTO_DECODE(&receipt, receipt, pki_batch_message(batch, 0), &batch->arena, NULL) == TB_OK) {
		/* Who is no party of a case is not told either that there is one. */
		bool told = attempt->act == SIM_ACT_STRANGER_CASE &&
		            (receipt->head != 0 || strcmp(receipt->code, "unknown_case") != 0);
		if ((receipt->kind == PB_RECEIPT_KIND__DURABLE || told) && !to->restored)
			succeeded(world, attempt);
		else if (strcmp(receipt->code, "same_id_other_content") == 0)
			seen(world, attempt, receipt->code, PB_LEAF_KIND__LEAF_REFUSED, receipt->case_number);
		else
			seen(world, attempt, receipt->code, PB_LEAF_KIND__LEAF_MESSAGE_IN, "deliver");
	}
	pki_batch_free(batch);
	attempt_unref(attempt);
}

static void must_be_throttled(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                              const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	struct pki_batch *batch = err ? NULL : answer_of(world, attempt, PB_BATCH_KIND__ANSWERS, bytes);
	size_t throttled = 0;
	for (size_t i = 0; batch && i < batch->items_count; i++) {
		PbAnswer *answer;
		throttled += PROTO_DECODE(&answer, answer, pki_batch_message(batch, i), &batch->arena,
		                          NULL) == TB_OK &&
		             answer->result == PB_VERIFY_RESULT__THROTTLED;
	}
	(void)to;
	if (batch && throttled == 0)
		sim_check_broke(world, SIM_RULE_BOUNDS, attempt->to, NULL, "a flood was answered in full");
	else if (batch) {
		sim_mark(&world->marks, SIM_MARK_THROTTLED);
		seen(world, attempt, "throttled", PB_LEAF_KIND__LEAF_ANSWERED, "verify");
	}
	pki_batch_free(batch);
	attempt_unref(attempt);
}

/* ---- making batches */

static struct pki_batch *batch_of(struct sim_node *node, const char *sender, const char *receiver,
                                  PbBatchKind kind, const struct tb_bytes *messages, size_t count)
{
	struct pki_batch_head head = {.kind = kind,
	                              .sender = sender,
	                              .receiver = receiver,
	                              .sent_at = sim_ms(node->world->now),
	                              .expires_at = sim_ms(node->world->now) + TB_BATCH_LIFE_MS / 2};
	uint8_t seed[32];
	sim_random_bytes(&node->malice, seed, sizeof(seed));
	struct pki_random *random = pki_random_new(seed);
	struct pki_batch *batch = pki_batch_build(&head, messages, count, random);
	pki_random_free(random);
	return batch;
}

static struct tb_bytes one_query(struct sim_node *to, struct tb_arena *arena)
{
	PbQuery *query = PROTO_NEW(PbQuery, query, arena);
	query->type = tb_arena_str(arena, "11100000MB0143028R001");
	query->number = tb_arena_printf(arena, "N%s0001", to->code);
	query->purpose = tb_arena_str(arena, "查询");
	query->basis = tb_arena_str(arena, "条例");
	query->disclosure = PB_DISCLOSURE__STATUS;
	return proto_encode_arena(arena, &query->base);
}

static struct attempt *attempt_new(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = tb_alloc(sizeof(*attempt));
	attempt->act = act;
	attempt->from = node->index;
	attempt->as = node->code;
	attempt->to = to->index;
	attempt->leaves = sim_leaves_count(to);
	sim_tell(node->world, SIM_HOSTILE_ACT, node->index, to->index, NULL, "%s", words[act]);
	return attempt;
}

static void inject(struct attempt *attempt, struct sim_node *node, struct sim_node *to, enum core_call call,
                   struct tb_bytes bytes, sim_injected *done)
{
	attempt->refs++;
	sim_net_inject(node, attempt->as, to, call, bytes, done, attempt);
}

static void sign_and_inject(struct attempt *attempt, struct sim_node *node, struct sim_node *to,
                            enum core_call call, struct pki_batch *batch, const struct sim_credential *with,
                            sim_injected *done)
{
	struct tb_error err;
	enum tb_code code = pki_batch_sign(batch, with->key, with->chain, with->chain_count, &err);
	assert(code == TB_OK);
	if (attempt->act == SIM_ACT_BAD_SIGNATURE)
		((uint8_t *)(uintptr_t)batch->signature.data)[batch->signature.size - 1] ^= 1;
	attempt->count = batch->items_count;
	memcpy(attempt->root, pki_batch_root(batch).data, sizeof(attempt->root));
	attempt->bytes.size = 0;
	pki_batch_encode(&attempt->bytes, batch);
	inject(attempt, node, to, call, tb_buf_bytes(&attempt->bytes), done);
}

/* ---- acts by which a batch as a whole is wrong */

static const char *somebody_else(struct sim_world *world, const struct sim_node *a, const struct sim_node *b)
{
	for (size_t i = 0; i < world->nodes_count; i++) {
		if (&world->nodes[i] != a && &world->nodes[i] != b)
			return world->nodes[i].code;
	}
	return b->code;
}

struct sim_forged {
	struct sim_forged *older;
	char uri[64]; /* "": its own name */
	tb_time from;
	tb_time until;
	struct tb_arena arena;
	struct sim_credential credential;
};

/* Made once: a thief's certificate does not change from act to act, and making one takes as long as hundreds
 * of events. */
static const struct sim_credential *forged(struct sim_node *node, const char *uri, tb_time from,
                                           tb_time until)
{
	struct sim_forged *made = node->forged;
	while (made && (strcmp(made->uri, uri) != 0 || made->from != from || made->until != until))
		made = made->older;
	if (!made) {
		made = tb_alloc(sizeof(*made));
		made->older = node->forged;
		made->from = from;
		made->until = until;
		snprintf(made->uri, sizeof(made->uri), "%s", uri);
		sim_credential_make(&made->credential, node->identity, uri[0] ? uri : NULL, from, until,
		                    &made->arena);
		node->forged = made;
	}
	return &made->credential;
}

void sim_hostile_clear(struct sim_node *node)
{
	while (node->forged) {
		struct sim_forged *made = node->forged;
		node->forged = made->older;
		sim_credential_clear(&made->credential);
		tb_arena_clear(&made->arena);
		free(made);
	}
}

static void act_identity(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct sim_world *world = node->world;
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_arena arena = {0};
	const struct sim_credential *with = &node->identity->message;
	const char *sender = node->code;
	struct tb_bytes query = one_query(to, &arena);
	tb_time from = tb_day_start(tb_day_of(2020, 1, 2)), until = tb_day_start(tb_day_of(2039, 12, 1));
	if (act == SIM_ACT_FOREIGN_SENDER || act == SIM_ACT_FOREIGN_NAME)
		sender = somebody_else(world, node, to);
	/* What a batch says of itself must hold even where the connection was stolen. */
	if (sender != node->code && sim_random_chance(&node->malice, 500000))
		attempt->as = sender;
	if (act == SIM_ACT_EXPIRED)
		until = tb_day_start(tb_day_of(2021, 1, 1));
	if (act == SIM_ACT_NOT_YET)
		from = tb_day_start(tb_day_of(2039, 1, 1));
	if (act == SIM_ACT_FOREIGN_NAME || act == SIM_ACT_EXPIRED || act == SIM_ACT_NOT_YET) {
		const char *uri = act == SIM_ACT_FOREIGN_NAME
		                          ? tb_arena_printf(&arena, "spiffe://%s/message", sender)
		                          : "";
		with = forged(node, uri, from, until);
	}
	struct pki_batch *batch = batch_of(node, sender, to->code, PB_BATCH_KIND__QUERIES, &query, 1);
	sign_and_inject(attempt, node, to, CORE_VERIFY, batch, with, must_be_refused);
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

static void late_run(struct sim_world *world, void *subject, uint64_t argument)
{
	struct attempt *attempt = subject;
	struct sim_node *to = &world->nodes[attempt->to];
	tb_time off = sim_node_now(to) - sim_ms(world->now);
	(void)argument;
	if (!world->healed && off < CLOCK_TRUSTED && off > -CLOCK_TRUSTED && !to->restored)
		inject(attempt, &world->nodes[attempt->from], to, CORE_VERIFY, tb_buf_bytes(&attempt->bytes),
		       must_be_refused);
	attempt_unref(attempt);
}

static void late_drop(void *subject, uint64_t argument)
{
	(void)argument;
	attempt_unref(subject);
}

static const struct sim_event_kind late_event = {"late", late_run, late_drop};

static void act_replay(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_arena arena = {0};
	struct tb_bytes query = one_query(to, &arena);
	struct pki_batch *batch = batch_of(node, node->code, to->code, PB_BATCH_KIND__QUERIES, &query, 1);
	sign_and_inject(attempt, node, to, CORE_VERIFY, batch, &node->identity->message, once_at_most);
	if (act == SIM_ACT_REPLAY) {
		inject(attempt, node, to, CORE_VERIFY, tb_buf_bytes(&attempt->bytes), once_at_most);
	} else {
		attempt->refs++;
		sim_after(node->world, LATE, &late_event, attempt, 0);
	}
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

static void act_flood(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_arena arena = {0};
	struct tb_bytes *queries = tb_arena_alloc(&arena, FLOOD_QUERIES * sizeof(*queries));
	for (size_t i = 0; i < FLOOD_QUERIES; i++)
		queries[i] = one_query(to, &arena);
	struct pki_batch *batch =
		batch_of(node, node->code, to->code, PB_BATCH_KIND__QUERIES, queries, FLOOD_QUERIES);
	sign_and_inject(attempt, node, to, CORE_VERIFY, batch, &node->identity->message, must_be_throttled);
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

static void act_garbage(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = attempt_new(node, to, act);
	uint8_t bytes[GARBAGE_MOST];
	size_t size = 1 + sim_random_below(&node->malice, sizeof(bytes));
	sim_random_bytes(&node->malice, bytes, sizeof(bytes));
	inject(attempt, node, to, CORE_DELIVER, tb_bytes_of(bytes, size), must_be_refused);
}

/* ---- acts by which one message is wrong */

static void send_message(struct sim_node *node, struct sim_node *to, enum sim_act act,
                         const PbCaseMessage *message)
{
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_buf bytes = {0};
	proto_encode(&bytes, &message->base);
	struct tb_bytes item = tb_buf_bytes(&bytes);
	struct pki_batch *batch = batch_of(node, node->code, to->code, PB_BATCH_KIND__MESSAGES, &item, 1);
	sign_and_inject(attempt, node, to, CORE_DELIVER, batch, &node->identity->message, must_be_rejected);
	pki_batch_free(batch);
	tb_buf_clear(&bytes);
}

/* One of its own messages that |to| has applied; NULL: there is none. */
static PbCaseMessage *a_known_message(struct sim_node *node, struct sim_node *to, struct sim_reader *reader)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	struct sim_reader there;
	PbOutboxRecord *record;
	PbCaseMessage *message = NULL;
	sim_read_begin(&there, to);
	store_cursor_last(&cursor, reader->kv.txn, KV_OUTBOX, tb_bytes_str(to->code));
	for (unsigned i = 0; i < 8 && !message && store_next(&cursor, &key, &sealed); i++) {
		struct kv_key name = kv_key_str(node->code);
		if (kv_open(&reader->kv, KV_OUTBOX, key, sealed, &reader->arena, &plain, NULL) ||
		    PROTO_DECODE_OWN(&record, outbox_record, plain, &reader->arena, NULL) ||
		    PROTO_DECODE_OWN(&message, case_message, proto_bytes(record->message), &reader->arena,
		                     NULL))
			continue;
		kv_key_add(&name, proto_bytes(message->id));
		if (!kv_has(&there.kv, KV_INBOX, &name))
			message = NULL;
	}
	store_cursor_end(&cursor);
	sim_read_end(&there);
	return message;
}

static void act_other_body(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct sim_reader reader;
	if (!node->core || !to->core)
		return;
	sim_read_begin(&reader, node);
	PbCaseMessage *message = a_known_message(node, to, &reader);
	if (message) {
		message->issued_at_ms++;
		send_message(node, to, act, message);
	}
	sim_read_end(&reader);
}

struct chosen {
	const struct sim_node *node;
	const struct sim_node *to;
	bool own; /* a case between the two, or one of others */
	char number[IDENT_CASE_ROOM];
};

static bool choose(void *ctx, const char *number, struct sim_node *window, struct sim_node *home)
{
	struct chosen *chosen = ctx;
	bool has = window == chosen->to || home == chosen->to;
	bool party = window == chosen->node || home == chosen->node;
	if (has && party == chosen->own)
		snprintf(chosen->number, sizeof(chosen->number), "%s", number);
	return true;
}

/* An entry that the table does not allow: of its own case, or of one that is not its business. */
static void act_entry(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct chosen chosen = {.node = node, .to = to, .own = act == SIM_ACT_FORGED_ENTRY};
	struct sim_reader reader;
	sim_work_cases(node->world, choose, &chosen);
	if (!chosen.number[0] || !node->core)
		return;
	sim_read_begin(&reader, node);
	const PbCaseRecord *record = sim_read_case(&reader, chosen.number);
	PbCaseMessage message = PB_CASE_MESSAGE__INIT;
	PbCaseEntries entries = PB_CASE_ENTRIES__INIT;
	PbCaseEntry entry = PB_CASE_ENTRY__INIT;
	PbActor actor = PB_ACTOR__INIT;
	uint8_t id[16], salt[TB_SALT_BYTES] = {0};
	sim_random_bytes(&node->malice, id, sizeof(id));
	actor.role = PB_ROLE__H_HEAD;
	entry.case_number = chosen.number;
	entry.seq = record ? record->seq + 1 : 1;
	entry.epoch = record ? record->epoch : 1;
	entry.event = PB_CASE_EVENT__GRANT;
	entry.from = PB_CASE_STATE__DRAFT;
	entry.to = PB_CASE_STATE__GRANTED;
	entry.node = entry.owner = node->code;
	entry.actor = &actor;
	entry.at_ms = sim_ms(node->world->now);
	entry.salt = proto_data(tb_bytes_of(salt, sizeof(salt)));
	if (record)
		entry.previous = record->head;
	ProtobufCBinaryData encoded = proto_data(proto_encode_arena(&reader.arena, &entry.base));
	entries.n_entries = 1;
	entries.entries = &encoded;
	message.id = proto_data(tb_bytes_of(id, sizeof(id)));
	message.seq = 1;
	message.case_seq = record ? record->out_seq + 1 : 1;
	message.case_number = chosen.number;
	message.epoch = entry.epoch;
	message.issued_at_ms = entry.at_ms;
	message.expires_at_ms = entry.at_ms + TB_DAY;
	if (record)
		message.previous = record->out_previous;
	message.entries = &entries;
	send_message(node, to, act, &message);
	sim_read_end(&reader);
}

/* ---- an agreement that nobody else has signed */

/* |node|'s statement that |region| signs |agreement|. */
static PbProof *statement_for(struct sim_node *node, const char *region, const PbAgreement *agreement,
                              struct tb_arena *arena)
{
	PbAgreementStatement statement = PB_AGREEMENT_STATEMENT__INIT;
	uint8_t digest[PKI_HASH_BYTES];
	struct tb_error err;
	pki_sha256(digest, proto_encode_arena(arena, &agreement->base));
	statement.id = agreement->id;
	statement.version = agreement->version;
	statement.digest = proto_data(tb_arena_bytes(arena, tb_bytes_of(digest, sizeof(digest))));
	statement.region = (char *)(uintptr_t)region;
	statement.kind = PB_STATEMENT_KIND__SIGNS;
	statement.at_ms = sim_ms(node->world->now);
	struct tb_bytes item = proto_encode_arena(arena, &statement.base);
	struct pki_batch *batch = batch_of(node, node->code, node->code, PB_BATCH_KIND__STATEMENT, &item, 1);
	const struct sim_credential *with = &node->identity->message;
	enum tb_code code = pki_batch_sign(batch, with->key, with->chain, with->chain_count, &err);
	assert(code == TB_OK);
	PbProof *proof = PROTO_NEW(PbProof, proof, arena), *copy;
	pki_proof_make(proof, batch, 0, arena);
	code = PROTO_DECODE_OWN(&copy, proof, proto_encode_arena(arena, &proof->base), arena, &err);
	assert(code == TB_OK);
	pki_batch_free(batch);
	return copy;
}

static PbAgreement *agreement_of(struct sim_node *node, struct sim_node *to, struct tb_arena *arena)
{
	static char *any[] = {"*"}, *modes[] = {"DS", "QC", "YS", "YB", "LB"};
	static PbRight rights[] = {PB_RIGHT__ACCEPT_CASES, PB_RIGHT__DECIDE_CASES};
	PbAgreement *agreement = PROTO_NEW(PbAgreement, agreement, arena);
	PbAgreementTerm *term = PROTO_NEW(PbAgreementTerm, agreement_term, arena);
	bool first = strcmp(node->code, to->code) < 0;
	term->items = any;
	term->n_items = 1;
	term->modes = modes;
	term->n_modes = sizeof(modes) / sizeof(modes[0]);
	term->rights = rights;
	term->n_rights = sizeof(rights) / sizeof(rights[0]);
	agreement->id = tb_arena_printf(arena, "%s-20260101-%08x", node->code, (unsigned)to->index);
	agreement->version = 1;
	agreement->title = tb_arena_str(arena, "协议");
	agreement->proposer = node->code;
	agreement->n_parties = 2;
	agreement->parties = tb_arena_alloc(arena, 2 * sizeof(char *));
	agreement->parties[!first] = node->code;
	agreement->parties[first] = to->code;
	agreement->valid_from = tb_arena_str(arena, "2020-01-01");
	agreement->terms = tb_arena_copy(arena, &term, sizeof(PbAgreementTerm *));
	agreement->n_terms = 1;
	return agreement;
}

static size_t proposals_kept(struct sim_reader *reader, const char *proposer)
{
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	size_t count = 0;
	store_cursor(&cursor, reader->kv.txn, KV_AGREEMENT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (store_next(&cursor, &key, &sealed)) {
		PbStoredAgreement *stored;
		PbAgreement *agreement;
		count += kv_open(&reader->kv, KV_AGREEMENT, key, sealed, &reader->arena, &plain, NULL) ==
		                 TB_OK &&
		         PROTO_DECODE_OWN(&stored, stored_agreement, plain, &reader->arena, NULL) == TB_OK &&
		         PROTO_DECODE_OWN(&agreement, agreement, proto_bytes(stored->agreement),
		                          &reader->arena, NULL) == TB_OK &&
		         strcmp(agreement->proposer, proposer) == 0;
	}
	store_cursor_end(&cursor);
	return count;
}

/* Nobody has signed for |to| but itself; and it has not. */
static void must_not_count(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                           const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	struct sim_reader reader;
	struct kv_key key = kv_key_str((const char *)tb_buf_bytes(&attempt->bytes).data);
	PbStoredAgreement *stored;
	(void)bytes;
	if (!err && to->core && !to->restored) {
		kv_key_add(&key, tb_bytes_of("\0\0\0\0\1", 5));
		sim_read_begin(&reader, to);
		if (KV_GET(&reader.kv, KV_AGREEMENT, &key, stored_agreement, &reader.arena, &stored, NULL) ==
		            TB_OK &&
		    stored->n_statements > 1)
			sim_check_broke(world, SIM_RULE_PROMISED, attempt->to, NULL,
			                "%s signed an agreement in its name",
			                world->nodes[attempt->from].code);
		else
			seen(world, attempt, "agreement.statement_refused", PB_LEAF_KIND__LEAF_REFUSED,
			     "agreement:");
		sim_read_end(&reader);
	}
	attempt_unref(attempt);
}

static void act_statement(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_arena arena = {0};
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbSignedAgreement shown = PB_SIGNED_AGREEMENT__INIT, *list = &shown;
	PbAgreement *agreement = agreement_of(node, to, &arena);
	PbProof *proofs[] = {statement_for(node, node->code, agreement, &arena),
	                     statement_for(node, to->code, agreement, &arena)};
	shown.agreement = proto_data(proto_encode_arena(&arena, &agreement->base));
	shown.statements = proofs;
	shown.n_statements = 2;
	request.agreements = &list;
	request.n_agreements = 1;
	struct tb_bytes item = proto_encode_arena(&arena, &request.base);
	struct pki_batch *batch = batch_of(node, node->code, to->code, PB_BATCH_KIND__DESCRIBE, &item, 1);
	sign_and_inject(attempt, node, to, CORE_DESCRIBE, batch, &node->identity->message, must_not_count);
	/* What the answer is judged by. */
	attempt->bytes.size = 0;
	tb_buf_add(&attempt->bytes, agreement->id, strlen(agreement->id) + 1);
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

/* Of what |node| proposes no more may wait at |to| than a partner keeps. */
static void must_have_an_end(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                             const struct tb_error *err, void *ctx)
{
	struct attempt *attempt = ctx;
	struct sim_node *from = &world->nodes[attempt->from];
	struct sim_reader reader;
	(void)bytes;
	if (!err && to->core && !to->restored) {
		sim_read_begin(&reader, to);
		size_t kept = proposals_kept(&reader, from->code);
		if (kept > TB_AGREEMENTS_PARTNER_MAX)
			sim_check_broke(world, SIM_RULE_BOUNDS, attempt->to, NULL,
			                "%zu agreements that %s proposed", kept, from->code);
		else
			seen(world, attempt, "agreement.too_many", PB_LEAF_KIND__LEAF_REFUSED, "agreement:");
		sim_read_end(&reader);
	}
	attempt_unref(attempt);
}

static void act_proposals(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	struct attempt *attempt = attempt_new(node, to, act);
	struct tb_arena arena = {0};
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbSignedAgreement shown[PROPOSALS], *list[PROPOSALS];
	for (size_t i = 0; i < PROPOSALS; i++) {
		PbAgreement *agreement = agreement_of(node, to, &arena);
		agreement->id = tb_arena_printf(&arena, "%s-20260102-%08x%02x", node->code,
		                                (unsigned)sim_random_u64(&node->malice), (unsigned)i);
		PbProof *proof = statement_for(node, node->code, agreement, &arena);
		pb_signed_agreement__init(&shown[i]);
		shown[i].agreement = proto_data(proto_encode_arena(&arena, &agreement->base));
		shown[i].statements = tb_arena_copy(&arena, &proof, sizeof(PbProof *));
		shown[i].n_statements = 1;
		list[i] = &shown[i];
	}
	request.agreements = list;
	request.n_agreements = PROPOSALS;
	struct tb_bytes item = proto_encode_arena(&arena, &request.base);
	struct pki_batch *batch = batch_of(node, node->code, to->code, PB_BATCH_KIND__DESCRIBE, &item, 1);
	sign_and_inject(attempt, node, to, CORE_DESCRIBE, batch, &node->identity->message, must_have_an_end);
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

static void (*const acts[SIM_ACTS])(struct sim_node *, struct sim_node *, enum sim_act) = {
	[SIM_ACT_BAD_SIGNATURE] = act_identity,
	[SIM_ACT_FOREIGN_SENDER] = act_identity,
	[SIM_ACT_FOREIGN_NAME] = act_identity,
	[SIM_ACT_EXPIRED] = act_identity,
	[SIM_ACT_NOT_YET] = act_identity,
	[SIM_ACT_REPLAY] = act_replay,
	[SIM_ACT_REPLAY_LATE] = act_replay,
	[SIM_ACT_OTHER_BODY] = act_other_body,
	[SIM_ACT_FORGED_ENTRY] = act_entry,
	[SIM_ACT_STRANGER_CASE] = act_entry,
	[SIM_ACT_FLOOD] = act_flood,
	[SIM_ACT_GARBAGE] = act_garbage,
	[SIM_ACT_FALSE_STATEMENT] = act_statement,
	[SIM_ACT_MANY_PROPOSALS] = act_proposals,
};

bool sim_act_find(const char *word, enum sim_act *out)
{
	for (unsigned i = 0; i < SIM_ACTS; i++) {
		if (strcmp(words[i], word) == 0) {
			*out = (enum sim_act)i;
			return true;
		}
	}
	return false;
}

void sim_hostile_do(struct sim_node *node, struct sim_node *to, enum sim_act act)
{
	if (acts[act] && sim_link_find(node->world->net, node->index, to->index))
		acts[act](node, to, act);
}

void sim_hostile_act(struct sim_node *node, const struct sim_random *random)
{
	node->malice = *random;
	size_t count;
	const struct sim_link *links = sim_links(node->world->net, node->index, &count);
	enum sim_act act = (enum sim_act)sim_random_below(&node->malice, SIM_ACT_FORGED_RECEIPT);
	if (count == 0)
		return;
	struct sim_node *to = &node->world->nodes[links[sim_random_below(&node->malice, count)].to];
	if (!to->hostile)
		acts[act](node, to, act);
}
