/* Agreements as people see and make them. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "node/core/agreement_priv.h"
#include "node/core/casetable.h"

/* ---- statements of ours, signed before the turn */

struct statement_ready {
	struct tb_bytes agreement;
	PbAgreement *decoded;
	PbAgreementStatement *statement;
	PbProof *proof;
	bool overtook; /* another text under this number and version was here before */
};

enum { DIGEST_SHOWN = 16 }; /* characters of a text's digest that name it */

static void digest_text(char out[2 * PKI_HASH_BYTES + 1], struct tb_bytes agreement)
{
	uint8_t digest[PKI_HASH_BYTES];
	pki_sha256(digest, agreement);
	tb_hex(out, digest, sizeof(digest));
}

/* |agreement|, whose text is |bytes|, is here in the place of what was meant. */
static enum tb_code refuse_overtaken(const PbAgreement *agreement, struct tb_bytes bytes,
                                     struct tb_error *err)
{
	char hex[2 * PKI_HASH_BYTES + 1];
	digest_text(hex, bytes);
	hex[DIGEST_SHOWN] = 0;
	return tb_refuse(err, TB_REASON_AGREEMENT_OVERTAKEN, agreement->id, TB_NUMBER(agreement->version),
	                 hex, NULL);
}

static enum tb_code state_and_sign(const struct core_setup *setup, struct core_request *request,
                                   struct statement_ready *ready, PbStatementKind kind, tb_time now,
                                   struct tb_error *err)
{
	struct tb_arena *arena = &request->arena;
	uint8_t digest[PKI_HASH_BYTES];
	PbAgreementStatement *statement = PROTO_NEW(PbAgreementStatement, agreement_statement, arena);
	pki_sha256(digest, ready->agreement);
	statement->id = ready->decoded->id;
	statement->version = ready->decoded->version;
	statement->digest = proto_data(tb_arena_bytes(arena, tb_bytes_of(digest, sizeof(digest))));
	statement->region = (char *)(uintptr_t)setup->region;
	statement->kind = kind;
	statement->at_ms = now;
	if (kind == PB_STATEMENT_KIND__ENDS) {
		const PbAgreementEndRequest *end =
			(const PbAgreementEndRequest *)(const void *)request->message;
		statement->effective = end->effective;
		statement->reason = end->reason;
	}
	ready->statement = statement;
	request->prepared = ready;
	return evidence_sign_one(setup, PB_BATCH_KIND__STATEMENT, setup->region,
	                         proto_encode_arena(arena, &statement->base), now, arena, &ready->proof, err);
}

/* Instead of a version: the one to which a notice belongs. */
#define VERSION_TO_END UINT32_MAX

/* Reads the agreement that |request| names. */
static enum tb_code load_named(const struct core_setup *setup, struct core_request *request, const char *id,
                               uint32_t version, tb_time now, struct statement_ready *ready,
                               struct tb_error *err)
{
	struct kv kv = {0};
	struct agreements *all = NULL;
	enum tb_code code = store_read(&kv.txn, setup->store, err);
	if (code)
		return code;
	kv.vault = pki_vault_new(setup->vault_key);
	code = agreements_open(&all, &kv, err);
	const struct held *held = NULL;
	if (code == TB_OK)
		held = version == VERSION_TO_END ? agreement_to_end(all, id, now)
		                                 : agreement_find(all, id, version);
	if (code == TB_OK && !held)
		code = tb_refuse(err, TB_REASON_AGREEMENT_UNKNOWN, id, NULL);
	if (held) {
		ready->agreement = tb_arena_bytes(&request->arena, proto_bytes(held->stored->agreement));
		ready->overtook = held->stored->overtaken.len > 0;
		code = PROTO_DECODE_OWN(&ready->decoded, agreement, ready->agreement, &request->arena, err);
	}
	agreements_free(all);
	pki_vault_free(kv.vault);
	tb_buf_clear(&kv.scratch);
	store_abort(kv.txn);
	return code;
}

/* The next version of |agreement|'s id, or a new id. */
static enum tb_code number_agreement(const struct core_setup *setup, struct core_request *request,
                                     PbAgreement *agreement, tb_time now, struct tb_error *err)
{
	struct statement_ready latest = {0};
	uint8_t digest[PKI_HASH_BYTES];
	int year, month, day;
	agreement->version = 1;
	if (agreement->id[0]) {
		enum tb_code code = load_named(setup, request, agreement->id, 0, now, &latest, err);
		if (code == TB_OK)
			agreement->version = latest.decoded->version + 1;
		return code;
	}
	/* Unique by its content and the moment, so that no sequence has to be kept. */
	pki_sha256(digest, proto_encode_arena(&request->arena, &agreement->base));
	tb_day_split(tb_day_at(now), &year, &month, &day);
	agreement->id = tb_arena_printf(&request->arena, "%s-%04d%02d%02d-%02x%02x%02x%02x", setup->region,
	                                year, month, day, digest[0], digest[1], digest[2], digest[3]);
	return TB_OK;
}

enum tb_code agreement_prepare_propose(const struct core_setup *setup, struct core_request *request,
                                       tb_time now, struct tb_error *err)
{
	const PbAgreementProposeRequest *propose =
		(const PbAgreementProposeRequest *)(const void *)request->message;
	PbAgreement *agreement = propose->agreement;
	struct statement_ready *ready = tb_arena_alloc(&request->arena, sizeof(*ready));
	if (!agreement)
		return tb_fail(err, TB_EINVALID, "agreement: missing");
	agreement->proposer = (char *)(uintptr_t)setup->region;
	agreement->proposed_at_ms = now;
	enum tb_code code = number_agreement(setup, request, agreement, now, err);
	if (code == TB_OK)
		code = agreement_check(agreement, err);
	if (code)
		return code;
	*ready = (struct statement_ready){.agreement = proto_encode_arena(&request->arena, &agreement->base),
	                                  .decoded = agreement};
	if (ready->agreement.size > TB_AGREEMENT_BYTES_MAX)
		return tb_fail(err, TB_ETOOBIG, "agreement: over %d bytes", TB_AGREEMENT_BYTES_MAX);
	return state_and_sign(setup, request, ready, PB_STATEMENT_KIND__SIGNS, now, err);
}

/* Nobody signs a text in the belief that it is the other one. */
static enum tb_code check_meant(const struct statement_ready *ready, const char *digest, struct tb_error *err)
{
	char hex[2 * PKI_HASH_BYTES + 1];
	size_t size = strlen(digest);
	if (size == 0 && !ready->overtook)
		return TB_OK;
	digest_text(hex, ready->agreement);
	if (size >= DIGEST_SHOWN && size < sizeof(hex) && strncmp(hex, digest, size) == 0)
		return TB_OK;
	return refuse_overtaken(ready->decoded, ready->agreement, err);
}

enum tb_code agreement_prepare_sign(const struct core_setup *setup, struct core_request *request, tb_time now,
                                    struct tb_error *err)
{
	const PbAgreementSignRequest *sign = (const PbAgreementSignRequest *)(const void *)request->message;
	struct statement_ready *ready = tb_arena_alloc(&request->arena, sizeof(*ready));
	*ready = (struct statement_ready){0};
	if (sign->version == VERSION_TO_END)
		return tb_refuse(err, TB_REASON_AGREEMENT_UNKNOWN, sign->id, NULL);
	enum tb_code code = load_named(setup, request, sign->id, sign->version, now, ready, err);
	if (code == TB_OK && !agreement_is_party(ready->decoded, setup->region))
		code = tb_refuse(err, TB_REASON_AGREEMENT_NO_PARTY, NULL);
	if (code == TB_OK)
		code = check_meant(ready, sign->digest, err);
	return code ? code : state_and_sign(setup, request, ready, PB_STATEMENT_KIND__SIGNS, now, err);
}

enum tb_code agreement_prepare_end(const struct core_setup *setup, struct core_request *request, tb_time now,
                                   struct tb_error *err)
{
	PbAgreementEndRequest *end = (PbAgreementEndRequest *)(void *)request->message;
	struct statement_ready *ready = tb_arena_alloc(&request->arena, sizeof(*ready));
	char earliest[11];
	*ready = (struct statement_ready){0};
	enum tb_code code = load_named(setup, request, end->id, end->version ? end->version : VERSION_TO_END,
	                               now, ready, err);
	if (code)
		return code;
	tb_day_format(earliest, tb_day_at(now) + (tb_day)ready->decoded->notice_days);
	if (!end->effective[0])
		end->effective = tb_arena_str(&request->arena, earliest);
	code = agreement_check_date(end->effective, true, "effective", err);
	if (code == TB_OK && strcmp(end->effective, earliest) < 0)
		code = tb_refuse(err, TB_REASON_AGREEMENT_NOTICE_DAYS, earliest,
		                 TB_NUMBER(ready->decoded->notice_days), NULL);
	if (code == TB_OK && case_text_blank(end->reason))
		code = tb_fail(err, TB_EINVALID, "reason: needed");
	return code ? code : state_and_sign(setup, request, ready, PB_STATEMENT_KIND__ENDS, now, err);
}

/* ---- views */

static void view_statements(PbAgreementView *view, const struct held *held, bool proofs,
                            struct tb_arena *arena)
{
	size_t count = held->stored->n_statements;
	view->n_statements = count;
	view->statements = tb_arena_copy(arena, held->statements, (count + 1) * sizeof(*held->statements));
	if (proofs) {
		view->n_proofs = count;
		view->proofs =
			tb_arena_copy(arena, held->stored->statements, (count + 1) * sizeof(PbProof *));
	}
	view->missing = tb_arena_alloc(arena, held->agreement->n_parties * sizeof(char *));
	for (size_t i = 0; i < held->agreement->n_parties; i++) {
		if (!agreement_statement_of(held, held->agreement->parties[i], PB_STATEMENT_KIND__SIGNS))
			view->missing[view->n_missing++] = held->agreement->parties[i];
	}
}

static void view_changes(PbAgreementView *view, const struct held *before, const struct held *after,
                         struct tb_arena *arena)
{
	struct proto_difference *list;
	size_t count = proto_differences(&before->agreement->base, &after->agreement->base, arena, &list);
	view->changes = tb_arena_alloc(arena, (count + 1) * sizeof(*view->changes));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].field, "version") == 0 || strcmp(list[i].field, "proposed_at_ms") == 0)
			continue;
		PbAgreementChange *change = PROTO_NEW(PbAgreementChange, agreement_change, arena);
		change->field = list[i].field;
		change->before = list[i].before;
		change->after = list[i].after;
		view->changes[view->n_changes++] = change;
	}
}

/* Everything in it is a copy: the reply outlives the turn. */
static PbAgreementView *view_of(const struct turn *turn, const struct held *held, bool whole,
                                struct tb_arena *arena)
{
	const struct agreements *all = turn->core->agreements;
	PbAgreementView *view = PROTO_NEW(PbAgreementView, agreement_view, arena);
	char *hex = tb_arena_alloc(arena, 2 * PKI_HASH_BYTES + 1);
	tb_hex(hex, held->digest, PKI_HASH_BYTES);
	view->agreement = held->agreement;
	view->state = agreement_state(all, held, turn->now);
	view->digest = hex;
	view_statements(view, held, whole, arena);
	view->overtaken_at_ms = held->stored->overtaken_at_ms;
	if (whole && held->stored->overtaken.len > 0 &&
	    PROTO_DECODE(&view->overtaken, agreement, proto_bytes(held->stored->overtaken), arena, NULL))
		view->overtaken = NULL;
	const struct held *before =
		held->agreement->version > 1
			? agreement_find(all, held->agreement->id, held->agreement->version - 1)
			: NULL;
	if (whole && before)
		view_changes(view, before, held, arena);
	PbAgreementView *copy = NULL;
	enum tb_code code =
		PROTO_DECODE_OWN(&copy, agreement_view, proto_encode_arena(arena, &view->base), arena, NULL);
	assert(code == TB_OK);
	return copy;
}

static void reply_view(struct turn *turn, struct core_request *request, const char *id, uint32_t version)
{
	const struct held *held = agreement_find(turn->core->agreements, id, version);
	struct tb_error err = {0};
	if (held) {
		turn_reply(turn, request, &view_of(turn, held, true, &request->arena)->base);
		return;
	}
	tb_refuse(&err, TB_REASON_AGREEMENT_UNKNOWN, id, NULL);
	turn_refuse(turn, request, &err);
}

/* Of what is new here: partners keep no more of ours, and the table has an end. */
static enum tb_code check_room(const struct turn *turn, const PbAgreement *agreement, struct tb_error *err)
{
	const struct agreements *all = turn->core->agreements;
	const char *self = turn->core->setup.region;
	if (agreement_find(all, agreement->id, agreement->version))
		return TB_OK;
	if (all->count >= TB_AGREEMENTS_MAX)
		return tb_fail(err, TB_ETOOBIG, "more than %d agreements", TB_AGREEMENTS_MAX);
	for (size_t i = 0; i < agreement->n_parties; i++) {
		const char *party = agreement->parties[i];
		if (strcmp(party, self) == 0)
			continue;
		if (agreements_of(all, self, party, true, turn->now) >= TB_AGREEMENTS_OPEN_MAX)
			return tb_fail(
				err, TB_ETOOBIG,
				"%d agreements that were proposed to %.8s wait for signatures: end some",
				TB_AGREEMENTS_OPEN_MAX, party);
		if (agreements_of(all, self, party, false, turn->now) >= TB_AGREEMENTS_PARTNER_MAX)
			return tb_fail(err, TB_ETOOBIG,
			               "%d agreements were proposed to %.8s, which keeps no more",
			               TB_AGREEMENTS_PARTNER_MAX, party);
	}
	return TB_OK;
}

void agreement_apply_statement(struct turn *turn, struct core_request *request)
{
	struct statement_ready *ready = request->prepared;
	const char *self = turn->core->setup.region;
	struct tb_error err = {0};
	enum tb_code code = TB_OK;
	for (size_t i = 0; i < ready->decoded->n_parties && code == TB_OK; i++) {
		const char *party = ready->decoded->parties[i];
		if (strcmp(party, self) != 0 && !peer_find(turn->core->peers, party))
			code = tb_fail(&err, TB_ENOTFOUND, "parties: %.8s is not a peer of this node", party);
	}
	const struct held *held =
		agreement_find(turn->core->agreements, ready->decoded->id, ready->decoded->version);
	/* Another came since it was prepared. */
	if (code == TB_OK && held && !tb_bytes_equal(proto_bytes(held->stored->agreement), ready->agreement))
		code = refuse_overtaken(held->agreement, proto_bytes(held->stored->agreement), &err);
	if (code == TB_OK)
		code = check_room(turn, ready->decoded, &err);
	if (code) {
		turn_refuse(turn, request, &err);
		return;
	}
	(void)agreement_keep(turn, ready->agreement, ready->decoded, ready->statement, ready->proof, "");
	reply_view(turn, request, ready->decoded->id, ready->decoded->version);
}

void agreement_apply_get(struct turn *turn, struct core_request *request)
{
	const PbAgreementGetRequest *get = (const PbAgreementGetRequest *)(const void *)request->message;
	reply_view(turn, request, get->id, get->version);
}

void agreement_apply_list(struct turn *turn, struct core_request *request)
{
	const PbAgreementListRequest *list = (const PbAgreementListRequest *)(const void *)request->message;
	const struct agreements *all = turn->core->agreements;
	PbAgreementListResponse *reply =
		PROTO_NEW(PbAgreementListResponse, agreement_list_response, &request->arena);
	reply->agreements = tb_arena_alloc(&request->arena, (all->count + 1) * sizeof(*reply->agreements));
	for (size_t i = 0; i < all->count; i++) {
		if (!list->peer[0] || agreement_is_party(all->list[i].agreement, list->peer))
			reply->agreements[reply->n_agreements++] =
				view_of(turn, &all->list[i], false, &request->arena);
	}
	turn_reply(turn, request, &reply->base);
}
