/* Verification, both sides: asking a peer, and answering one. */
#include <assert.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/ident.h"
#include "node/core/agreement.h"
#include "node/core/turn.h"

enum {
	CALLS_MAX = 2,        /* Verify calls in flight to one peer: one travels while the next one forms */
	SECOND_QUERIES = 128, /* that wait let a second call leave at once: it is worth its signatures */
	SECOND_AFTER_MS = 10, /* otherwise it leaves when the first is away that long */
	DOCUMENTS_MAX = 64,   /* queries for documents in one batch: their answers are large */
	CALL_TIMEOUT_MS = 15000,
	IDENTIFIER_TYPE_AT = 15, /* "1.2.156.3005.2.", then the type (GB/T 36904) */
};

/* ---- asking */

/* One query of one request, waiting or in flight. */
struct asked {
	struct asked *next;
	struct core_request *request;
	struct ask *ask;
	uint32_t index; /* in the request */
	struct tb_bytes encoded;
	bool document;
};

/* One Verify request, until all its queries are answered. */
struct ask {
	uint32_t left;
	PbVerifyResponse *reply;
	struct tb_error error; /* of the first batch that failed */
	verify_done *done;     /* NULL: the request is answered with it */
	void *ctx;
};

static enum tb_code check_query(const PbQuery *query, size_t i, struct tb_error *err)
{
	if (!query->identifier[0] &&
	    !(query->type[0] && (query->number[0] || (query->holder && query->holder->code[0]))))
		return tb_refuse(err, TB_REASON_QUERY_SUBJECT, TB_NUMBER(i), NULL);
	if (!query->purpose[0])
		return tb_refuse(err, TB_REASON_QUERY_PURPOSE, TB_NUMBER(i), NULL);
	if (!query->basis[0] && !query->case_number[0])
		return tb_refuse(err, TB_REASON_QUERY_BASIS, TB_NUMBER(i), NULL);
	if (query->disclosure == PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED)
		return tb_refuse(err, TB_REASON_QUERY_DISCLOSURE, TB_NUMBER(i), NULL);
	if (query->n_match > TB_MATCH_FIELDS_MAX)
		return tb_refuse(err, TB_REASON_QUERY_MATCH_MANY, TB_NUMBER(i),
		                 TB_NUMBER(TB_MATCH_FIELDS_MAX), NULL);
	return TB_OK;
}

static enum tb_code check_ask(struct turn *turn, const PbVerifyRequest *verify, struct tb_error *err)
{
	const struct peer *peer = peer_find(turn->core->peers, verify->region);
	if (!peer)
		return tb_refuse(err, TB_REASON_NOT_A_PEER_S, verify->region, NULL);
	if (!peer->endpoint[0])
		return tb_refuse(err, TB_REASON_PEER_NO_ENDPOINT, verify->region, NULL);
	if (verify->n_queries == 0 || verify->n_queries > TB_VERIFY_QUERIES_MAX)
		return tb_refuse(err, TB_REASON_QUERIES, TB_NUMBER(TB_VERIFY_QUERIES_MAX), NULL);
	for (size_t i = 0; i < verify->n_queries; i++) {
		enum tb_code code = check_query(verify->queries[i], i, err);
		if (code)
			return code;
	}
	return TB_OK;
}

enum tb_code verify_ask(struct turn *turn, struct core_request *request, const PbVerifyRequest *verify,
                        verify_done *done, void *ctx, struct tb_error *err)
{
	struct tb_arena *arena = &request->arena;
	enum tb_code code = check_ask(turn, verify, err);
	if (code)
		return code;
	const struct peer *peer = peer_find(turn->core->peers, verify->region);
	struct peer_state *state = core_peer_state(turn->core, verify->region);
	struct ask *ask = tb_arena_alloc(arena, sizeof(*ask));
	struct asked *all = tb_arena_alloc(arena, verify->n_queries * sizeof(*all));
	*ask = (struct ask){.left = (uint32_t)verify->n_queries, .done = done, .ctx = ctx};
	ask->reply = PROTO_NEW(PbVerifyResponse, verify_response, arena);
	ask->reply->n_outcomes = verify->n_queries;
	ask->reply->outcomes = tb_arena_alloc(arena, verify->n_queries * sizeof(*ask->reply->outcomes));
	for (size_t i = 0; i < verify->n_queries; i++) {
		codes_write_query(peer, verify->queries[i]);
		all[i] =
			(struct asked){.request = request,
		                       .ask = ask,
		                       .index = (uint32_t)i,
		                       .encoded = proto_encode_arena(arena, &verify->queries[i]->base),
		                       .document = verify->queries[i]->disclosure == PB_DISCLOSURE__DOCUMENT};
		if (state->queue_last)
			state->queue_last->next = &all[i];
		else
			state->queue_first = &all[i];
		state->queue_last = &all[i];
		state->queue_count++;
	}
	return TB_OK;
}

void verify_apply_ask(struct turn *turn, struct core_request *request)
{
	struct tb_error err = {0};
	if (verify_ask(turn, request, (const PbVerifyRequest *)(const void *)request->message, NULL, NULL,
	               &err))
		turn_refuse(turn, request, &err);
}

/* What is in flight: the queries of a batch in order. */
struct verify_call {
	uint64_t batch; /* StoredBatch of the queries */
	size_t count;
	struct asked *asked[];
};

static void ask_done(struct turn *turn, struct asked *asked, const struct tb_error *err)
{
	struct ask *ask = asked->ask;
	struct core_request *request = asked->request;
	if (err && !ask->error.code)
		ask->error = *err;
	if (--ask->left > 0)
		return;
	if (ask->done)
		ask->done(turn, ask->ctx, ask->error.code ? NULL : ask->reply, &ask->error);
	else if (ask->error.code)
		turn_refuse(turn, request, &ask->error);
	else
		turn_reply(turn, request, &ask->reply->base);
}

static struct core_outbound *form_batch(struct turn *turn, struct peer_state *state, const struct peer *peer)
{
	struct tb_bytes messages[TB_BATCH_ITEMS_MAX];
	struct asked *asked[TB_BATCH_ITEMS_MAX];
	size_t count = 0, bytes = 0, documents = 0;
	while (state->queue_first && count < TB_BATCH_ITEMS_MAX) {
		struct asked *next = state->queue_first;
		size_t size = next->encoded.size + TB_SALT_BYTES + 8;
		if (count > 0 &&
		    (bytes + size > TB_BATCH_BYTES_AIM || (next->document && documents == DOCUMENTS_MAX)))
			break;
		bytes += size;
		documents += next->document;
		messages[count] = next->encoded;
		asked[count++] = next;
		state->queue_first = next->next;
		state->queue_count--;
	}
	if (!state->queue_first)
		state->queue_last = NULL;
	struct core_outbound *outbound = tb_alloc(sizeof(*outbound));
	struct verify_call *call = tb_alloc(sizeof(*call) + count * sizeof(call->asked[0]));
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__QUERIES,
	                              .sender = turn->core->setup.region,
	                              .receiver = peer->region,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2};
	outbound->batch = pki_batch_build(&head, messages, count, turn->core->random);
	outbound->call = CORE_VERIFY;
	outbound->timeout_ms = CALL_TIMEOUT_MS;
	outbound->core = call;
	call->count = count;
	memcpy(call->asked, asked, count * sizeof(call->asked[0]));
	call->batch = batch_keep(turn, outbound->batch, peer->region, 0);
	audit_add(turn, PB_LEAF_KIND__LEAF_ASKED, "verify", peer->region, pki_batch_root(outbound->batch),
	          (uint32_t)count);
	return outbound;
}

/* A call costs two signatures, four checks and two commits whatever it carries. So while one is away the
 * next one gathers, unless the peer is far: then it does not wait for the first one's return. */
static bool may_call(const struct turn *turn, struct peer_state *state)
{
	if (state->verify_calls == 0 || state->queue_count >= SECOND_QUERIES)
		return state->verify_calls < CALLS_MAX;
	if (state->verify_at > turn->now) /* the clock was set back */
		state->verify_at = turn->now;
	return state->verify_calls < CALLS_MAX && turn->now - state->verify_at >= SECOND_AFTER_MS;
}

tb_time verify_finish(struct turn *turn, struct peer_state *state, const struct peer *peer)
{
	while (state->queue_first && may_call(turn, state)) {
		struct core_outbound *outbound = form_batch(turn, state, peer);
		core_outbound_to(outbound, peer);
		state->verify_calls++;
		state->verify_at = turn->now;
		turn_effect(turn, CORE_SEND)->outbound = outbound;
	}
	return state->queue_first && state->verify_calls < CALLS_MAX ? state->verify_at + SECOND_AFTER_MS
	                                                             : INT64_MAX;
}

static void ask_failed(struct turn *turn, struct asked *asked, const struct tb_error *err)
{
	turn->core->asked_failed++;
	ask_done(turn, asked, err);
}

void verify_drop(struct turn *turn, struct peer_state *state)
{
	struct tb_error err;
	tb_refuse(&err, TB_REASON_PEER_REMOVED, state->region, NULL);
	while (state->queue_first) {
		struct asked *asked = state->queue_first;
		state->queue_first = asked->next;
		ask_failed(turn, asked, &err);
	}
	state->queue_last = NULL;
	state->queue_count = 0;
}

/* Gives an answer to who asked, in the request's own arena. */
static enum tb_code give(struct turn *turn, const struct core_outbound *outbound, size_t i,
                         struct asked *asked, uint64_t kept, struct tb_error *err)
{
	struct tb_arena *arena = &asked->request->arena;
	if (!outbound->messages[i])
		return tb_fail(err, TB_EMALFORMED, "peer %s gave a malformed answer", outbound->peer);
	PbAnswer *answer;
	enum tb_code code = PROTO_DECODE(
		&answer, answer, tb_arena_bytes(arena, pki_batch_message(outbound->answer, i)), arena, err);
	if (code)
		return code;
	if (answer->query.len != PKI_HASH_BYTES ||
	    memcmp(answer->query.data, outbound->batch->leaves[i].bytes, PKI_HASH_BYTES) != 0)
		return tb_fail(err, TB_EUNTRUSTED, "peer %s answered another query", outbound->peer);
	PbVerifyOutcome *outcome = PROTO_NEW(PbVerifyOutcome, verify_outcome, arena);
	outcome->answer = answer;
	if (answer->result > 0 && (unsigned)answer->result < CORE_VERIFY_RESULTS)
		turn->core->asked[answer->result]++;
	outcome->evidence = tb_arena_printf(arena, "answer:%llu:%zu", (unsigned long long)kept, i);
	if (answer->document && answer->document->proof) {
		struct pki_proven proven;
		code = pki_proof_check(&proven, answer->document->proof, peer_trust(turn->core->peers), arena,
		                       err);
		/* What else a region signs is no certificate, and nobody seals for another. */
		if (code == TB_OK && (proven.header->kind != PB_BATCH_KIND__SEAL ||
		                      strcmp(proven.signer->region, outbound->peer) != 0))
			code = tb_fail(err, TB_EUNTRUSTED,
			               "peer %s gave a certificate that it has not sealed", outbound->peer);
		if (code == TB_OK)
			code = PROTO_DECODE(&outcome->document, credential, proven.message, arena, err);
		if (code)
			return code;
	}
	codes_show_outcome(peer_find(turn->core->peers, outbound->peer), outcome, arena);
	asked->ask->reply->outcomes[asked->index] = outcome;
	return TB_OK;
}

void verify_answered(struct turn *turn, struct core_outbound *outbound)
{
	struct verify_call *call = outbound->core;
	struct peer_state *state = core_peer_state(turn->core, outbound->peer);
	uint64_t kept = 0;
	if (state && state->verify_calls > 0) /* 0: the peer was removed and is back */
		state->verify_calls--;
	if (state && outbound->answer) {
		state->contact_at = turn->now;
		state->last_error[0] = 0;
	} else if (state) {
		snprintf(state->last_error, sizeof(state->last_error), "%.159s", outbound->error.text);
	}
	if (outbound->answer) {
		kept = batch_keep(turn, outbound->answer, outbound->peer, call->batch);
		audit_add(turn, PB_LEAF_KIND__LEAF_ANSWER_KEPT, "verify", outbound->peer,
		          pki_batch_root(outbound->answer), (uint32_t)call->count);
	}
	for (size_t i = 0; i < call->count; i++) {
		struct tb_error err = outbound->error;
		enum tb_code code = err.code;
		if (outbound->answer)
			code = give(turn, outbound, i, call->asked[i], kept, &err);
		if (outbound->answer && code)
			refusal_note(turn, outbound->peer, "answer", code, pki_batch_root(outbound->answer));
		if (code)
			ask_failed(turn, call->asked[i], &err);
		else
			ask_done(turn, call->asked[i], NULL);
	}
	free(call);
}

/* ---- answering */

/* The value of a field that a query may ask to match; NULL if there is no such field. */
static const char *field_of(const PbCredential *c, const char *name, size_t holder)
{
	static const struct {
		const char *name;
		size_t offset;
	} fields[] = {
		{"identifier", offsetof(PbCredential, identifier)},
		{"type", offsetof(PbCredential, type)},
		{"number", offsetof(PbCredential, number)},
		{"name", offsetof(PbCredential, name)},
		{"issuer", offsetof(PbCredential, issuer)},
		{"issuer_name", offsetof(PbCredential, issuer_name)},
		{"issued_on", offsetof(PbCredential, issued_on)},
		{"valid_from", offsetof(PbCredential, valid_from)},
		{"valid_until", offsetof(PbCredential, valid_until)},
		{"region", offsetof(PbCredential, region)},
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].name, name) == 0)
			return *(char *const *)(const void *)((const char *)c + fields[i].offset);
	}
	if (strcmp(name, "holder.name") == 0)
		return holder < c->n_holders ? c->holders[holder]->name : NULL;
	if (strcmp(name, "holder.code") == 0)
		return holder < c->n_holders ? c->holders[holder]->code : NULL;
	for (size_t i = 0; i < c->n_attributes; i++) {
		if (strcmp(c->attributes[i]->name, name) == 0)
			return c->attributes[i]->value;
	}
	return NULL;
}

static bool field_equal(const PbCredential *c, const PbAttribute *given)
{
	bool of_holder = strncmp(given->name, "holder.", 7) == 0;
	for (size_t holder = 0; holder == 0 || (of_holder && holder < c->n_holders); holder++) {
		const char *value = field_of(c, given->name, holder);
		if (value && strlen(value) == strlen(given->value) &&
		    tb_equal_ct(value, given->value, strlen(value)))
			return true;
	}
	return false;
}

/* Does everything else that the query gives agree? */
static bool given_agrees(const PbCredential *c, const PbQuery *q)
{
	if (q->type[0] && strcmp(c->type, q->type) != 0)
		return false;
	if (q->number[0] && strcmp(c->number, q->number) != 0)
		return false;
	if (!q->holder || (!q->holder->code[0] && !q->holder->name[0]))
		return true;
	for (size_t i = 0; i < c->n_holders; i++) {
		const PbHolder *h = c->holders[i];
		if ((!q->holder->code[0] || strcmp(h->code, q->holder->code) == 0) &&
		    (!q->holder->code_type[0] || strcmp(h->code_type, q->holder->code_type) == 0) &&
		    (!q->holder->name[0] || strcmp(h->name, q->holder->name) == 0))
			return true;
	}
	return false;
}

static void add_match(PbAnswer *answer, const char *name, bool equal, struct tb_arena *arena)
{
	PbFieldMatch *match = PROTO_NEW(PbFieldMatch, field_match, arena);
	match->name = (char *)(uintptr_t)name;
	match->equal = equal;
	answer->matches[answer->n_matches++] = match;
}

/* Compares what the query gives with the certificate; |c| may be NULL: nothing matches then. */
static bool compare(const PbCredential *c, const PbQuery *query, PbAnswer *answer, struct tb_arena *arena)
{
	bool all = c && given_agrees(c, query);
	answer->matches = tb_arena_alloc(arena, (query->n_match + 1) * sizeof(*answer->matches));
	for (size_t i = 0; i < query->n_match; i++) {
		bool equal = c && field_equal(c, query->match[i]);
		all = all && equal;
		add_match(answer, query->match[i]->name, equal, arena);
	}
	if (query->holder && query->holder->name[0])
		add_match(answer, "holder", c && given_agrees(c, query), arena);
	return all;
}

/* Those without the right to documents learn one thing only: whether everything they gave is so. A wrong
 * guess and an unknown certificate get the same answer, field by field, and cost the same work as far as it
 * is ours to say. */
static void blur(PbAnswer *answer)
{
	answer->result = PB_VERIFY_RESULT__NOT_CONFIRMED;
	for (size_t i = 0; i < answer->n_matches; i++)
		answer->matches[i]->equal = false;
}

/* What an unknown certificate costs too: reading and opening a record. */
static void read_decoy(struct turn *turn)
{
	if (turn->core->credentials == 0)
		return;
	struct kv_key key = kv_key_u64(1 + turn->core->credentials / 2);
	PbCredentialRecord *record;
	enum tb_code code =
		KV_GET(&turn->kv, KV_CREDENTIAL, &key, credential_record, &turn->arena, &record, NULL);
	(void)code;
}

/* Codes are stored folded (full width, lower case, spaces): a query is folded the same way. */
static char *folded(struct turn *turn, const char *text)
{
	char out[TB_ID_BYTES_MAX + 1];
	return ident_fold(out, sizeof(out), text) ? tb_arena_str(&turn->arena, out) : (char *)(uintptr_t)text;
}

static void fold_query(struct turn *turn, PbQuery *query)
{
	query->identifier = folded(turn, query->identifier);
	query->type = folded(turn, query->type);
	if (query->holder)
		query->holder->code = folded(turn, query->holder->code);
	for (size_t i = 0; i < query->n_match; i++) {
		if (strcmp(query->match[i]->name, "holder.code") == 0)
			query->match[i]->value = folded(turn, query->match[i]->value);
	}
}

static bool agrees(const PbCredential *c, const PbQuery *query)
{
	bool all = given_agrees(c, query);
	for (size_t i = 0; i < query->n_match && all; i++)
		all = field_equal(c, query->match[i]);
	return all;
}

/* Which of those that were found is meant: one that agrees with all that is given before one that does not
 * (two issuers may use the same number), then a valid one, then the newest. One of another type than the
 * query names is not meant. */
static const struct found *choose(const struct found *found, size_t count, const PbQuery *query, tb_time now)
{
	const struct found *best = NULL;
	int best_rank = -1;
	for (size_t i = 0; i < count; i++) {
		if (query->type[0] && strcmp(found[i].credential->type, query->type) != 0)
			continue;
		int rank = 2 * agrees(found[i].credential, query) +
		           (credential_state(&found[i], now) == PB_CREDENTIAL_STATE__VALID);
		if (rank > best_rank) {
			best = &found[i];
			best_rank = rank;
		}
	}
	return best;
}

static void answer_one(struct turn *turn, const struct peer *peer, PbQuery *query, PbAnswer *answer)
{
	struct found found[8];
	struct tb_error err;
	size_t count = 0;
	if (check_query(query, 0, &err)) {
		answer->result = PB_VERIFY_RESULT__BAD_QUERY;
		answer->reason = tb_arena_str(&turn->arena, err.text);
		return;
	}
	fold_query(turn, query);
	if (credential_find(&turn->kv, query->identifier, query->type, query->number, query->holder,
	                    &turn->arena, found, 8, &count, &err)) {
		answer->result = PB_VERIFY_RESULT__BAD_QUERY;
		answer->reason = tb_arena_str(&turn->arena, "the home node could not read its record");
		return;
	}
	const struct found *hit = choose(found, count, query, turn->now);
	/* The grant goes by the type of the certificate itself; of one that is unknown, by what the query or
	 * the identifier says. */
	char from_identifier[IDENT_TYPE_CHARS + 1] = "";
	if (strlen(query->identifier) > IDENTIFIER_TYPE_AT + IDENT_TYPE_CHARS)
		memcpy(from_identifier, query->identifier + IDENTIFIER_TYPE_AT, IDENT_TYPE_CHARS);
	const char *type = hit ? hit->credential->type : query->type[0] ? query->type : from_identifier;
	PbDisclosure right =
		agreement_discloses(turn->core, peer->region, type, peer_may_verify(peer, type), turn->now);
	if (right < query->disclosure) {
		answer->result = PB_VERIFY_RESULT__NOT_GRANTED;
		return;
	}
	if (!hit)
		read_decoy(turn);
	bool all = compare(hit ? hit->credential : NULL, query, answer, &turn->arena);
	if (!all && right < PB_DISCLOSURE__DOCUMENT) {
		blur(answer);
	} else if (!hit) {
		answer->result = PB_VERIFY_RESULT__NOT_FOUND;
	} else {
		answer->result = all ? PB_VERIFY_RESULT__CONFIRMED : PB_VERIFY_RESULT__MISMATCH;
		answer->state = credential_state(hit, turn->now);
		if (all)
			answer->valid_until = hit->credential->valid_until;
		if (all && query->disclosure == PB_DISCLOSURE__DOCUMENT &&
		    credential_sealed(&turn->kv, hit, &turn->arena, &answer->document, &err))
			answer->reason = tb_arena_str(&turn->arena, "the seal could not be read");
	}
	if (query->disclosure < PB_DISCLOSURE__MATCH)
		answer->n_matches = 0;
}

/* Takes a query's token from the peer's bucket. */
static bool may_ask_now(struct peer_state *state, const struct peer *peer, tb_time now)
{
	int64_t most = (int64_t)peer->queries_burst * 1000;
	if (now < state->tokens_at) /* the clock was set back */
		state->tokens_at = now;
	if (now > state->tokens_at) {
		int64_t earned = (now - state->tokens_at) * (int64_t)peer->queries_per_second;
		state->tokens = earned > most - state->tokens ? most : state->tokens + earned;
		state->tokens_at = now;
	}
	if (state->tokens < 1000)
		return false;
	state->tokens -= 1000;
	return true;
}

/* A batch of queries counts once: its nonce is kept until it has expired by any clock. */
static bool seen_before(struct turn *turn, const struct core_inbound *inbound)
{
	const PbBatchHeader *header = inbound->batch->header;
	struct kv_key seen = kv_key_u64((uint64_t)(header->expires_at_ms + 2 * TB_BATCH_LIFE_MS));
	kv_key_add_str(&seen, inbound->peer);
	kv_key_add(&seen, proto_bytes(header->nonce));
	if (kv_has(&turn->kv, KV_NONCE, &seen))
		return true;
	kv_mark(&turn->kv, KV_NONCE, &seen);
	return false;
}

static void refuse(struct turn *turn, struct core_inbound *inbound, enum tb_code code, const char *why)
{
	tb_fail(&inbound->error, code, "%s", why);
	refusal_note(turn, inbound->peer, "verify", code, pki_batch_root(inbound->batch));
	turn_effect(turn, CORE_ANSWER)->inbound = inbound;
}

static struct tb_bytes answer_item(struct turn *turn, const struct peer *peer, struct peer_state *state,
                                   const struct core_inbound *inbound, size_t i, size_t *bytes)
{
	PbAnswer answer = PB_ANSWER__INIT;
	answer.at_ms = turn->now;
	answer.query = proto_data(tb_bytes_of(inbound->batch->leaves[i].bytes, PKI_HASH_BYTES));
	if (!inbound->messages[i])
		answer.result = PB_VERIFY_RESULT__BAD_QUERY;
	else if (*bytes > TB_BATCH_BYTES_AIM || !may_ask_now(state, peer, turn->now))
		answer.result = PB_VERIFY_RESULT__THROTTLED;
	else {
		PbQuery *query = (PbQuery *)(void *)inbound->messages[i];
		codes_read_query(turn, state, peer, query);
		answer_one(turn, peer, query, &answer);
	}
	turn->core->answered[answer.result]++;
	struct tb_bytes encoded = proto_encode_arena(&turn->arena, &answer.base);
	*bytes += encoded.size + TB_SALT_BYTES + 8;
	return encoded;
}

void verify_inbound(struct turn *turn, struct core_inbound *inbound)
{
	const struct peer *peer = peer_find(turn->core->peers, inbound->peer);
	struct peer_state *state = core_peer_state(turn->core, inbound->peer);
	if (!peer || !state) {
		refuse(turn, inbound, TB_EDENIED, "not a peer of this node any more");
		return;
	}
	state->contact_at = turn->now;
	if (seen_before(turn, inbound)) {
		refuse(turn, inbound, TB_EREPLAY, "this batch was answered before");
		return;
	}
	size_t count = inbound->batch->items_count, bytes = 0;
	struct tb_bytes *answers = tb_arena_alloc(&turn->arena, count * sizeof(*answers));
	for (size_t i = 0; i < count; i++)
		answers[i] = answer_item(turn, peer, state, inbound, i, &bytes);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__ANSWERS,
	                              .sender = turn->core->setup.region,
	                              .receiver = peer->region,
	                              .sent_at = turn->now,
	                              .expires_at = turn->now + TB_BATCH_LIFE_MS / 2,
	                              .in_reply_to = pki_batch_root(inbound->batch)};
	inbound->answer = pki_batch_build(&head, answers, count, turn->core->random);
	uint64_t asked = batch_keep(turn, inbound->batch, peer->region, turn->core->batches + 2);
	batch_keep(turn, inbound->answer, peer->region, asked);
	struct pki_digest both = pki_merkle_node(
		(const struct pki_digest *)(const void *)pki_batch_root(inbound->batch).data,
		(const struct pki_digest *)(const void *)pki_batch_root(inbound->answer).data);
	audit_add(turn, PB_LEAF_KIND__LEAF_ANSWERED, "verify", peer->region,
	          tb_bytes_of(both.bytes, PKI_HASH_BYTES), (uint32_t)count);
	turn_effect(turn, CORE_ANSWER)->inbound = inbound;
}
