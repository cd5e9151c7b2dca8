/* Agreements as peers show them: what holds of it is kept. */
#include <string.h>

#include "base/log.h"
#include "node/core/agreement_priv.h"

/* Is |proof| a statement of a party about just this agreement? */
static enum tb_code check_statement(struct turn *turn, const PbProof *proof, struct tb_bytes agreement,
                                    const PbAgreement *decoded, PbAgreementStatement **out,
                                    struct tb_error *err)
{
	struct pki_proven proven;
	PbBatchHeader *header;
	uint8_t digest[PKI_HASH_BYTES];
	enum tb_code code =
		PROTO_DECODE(&header, batch_header, proto_bytes(proof->header), &turn->arena, err);
	if (code)
		return code;
	bool own = strcmp(header->sender, turn->core->setup.region) == 0;
	struct pki_trust *trust = own ? turn->core->setup.anchors : peer_trust(turn->core->peers);
	code = pki_proof_check(&proven, proof, trust, &turn->arena, err);
	if (code == TB_OK && proven.header->kind != PB_BATCH_KIND__STATEMENT)
		code = tb_fail(err, TB_EUNTRUSTED, "not a statement");
	if (code == TB_OK)
		code = PROTO_DECODE(out, agreement_statement, proven.message, &turn->arena, err);
	if (code)
		return code;
	pki_sha256(digest, agreement);
	if (strcmp((*out)->region, proven.signer->region) != 0 ||
	    !agreement_is_party(decoded, (*out)->region) || strcmp((*out)->id, decoded->id) != 0 ||
	    (*out)->version != decoded->version ||
	    !tb_bytes_equal(proto_bytes((*out)->digest), tb_bytes_of(digest, sizeof(digest))))
		return tb_fail(err, TB_EUNTRUSTED, "a statement about something else, or of somebody else");
	if ((*out)->kind != PB_STATEMENT_KIND__SIGNS && (*out)->kind != PB_STATEMENT_KIND__ENDS)
		return tb_fail(err, TB_EINVALID, "a statement of an unknown kind");
	return (*out)->kind == PB_STATEMENT_KIND__ENDS
	               ? agreement_check_date((*out)->effective, true, "effective", err)
	               : TB_OK;
}

/* Is |proof| what |peer| says itself? What it hands on of others may rest on a CA that is not known here. */
static bool says_itself(struct turn *turn, const char *peer, const PbProof *proof)
{
	PbBatchHeader *header;
	return PROTO_DECODE(&header, batch_header, proto_bytes(proof->header), &turn->arena, NULL) == TB_OK &&
	       strcmp(header->sender, peer) == 0;
}

/* Is there room for one more version that |proposer| has proposed? */
static bool has_room(struct turn *turn, const char *proposer, const char *id, const char *peer)
{
	const struct agreements *all = turn->core->agreements;
	const char *self = turn->core->setup.region;
	bool own = strcmp(proposer, self) == 0;
	size_t most = own ? TB_AGREEMENTS_MAX : TB_AGREEMENTS_MAX - TB_AGREEMENTS_OWN_ROOM;
	if (all->count < most &&
	    (own || (agreements_of(all, proposer, self, false, turn->now) < TB_AGREEMENTS_PARTNER_MAX &&
	             agreements_of(all, proposer, self, true, turn->now) < TB_AGREEMENTS_OPEN_MAX)))
		return true;
	turn_log(turn, TB_LOG_WARN, "agreement.too_many", proposer, id,
	         "kept are %d of one partner, %d of them not signed by all", TB_AGREEMENTS_PARTNER_MAX,
	         TB_AGREEMENTS_OPEN_MAX);
	if (strcmp(peer, proposer) == 0)
		refusal_note(turn, peer, "agreement", TB_ETOOBIG, tb_bytes_of(NULL, 0));
	return false;
}

/* An agreement as a peer shows it, with the statements that hold. */
struct shown {
	struct tb_bytes bytes;
	PbAgreement *agreement;
	PbAgreementStatement **statements;
	PbProof **proofs;
	size_t count;
};

static bool says(const struct shown *shown, const char *region)
{
	for (size_t i = 0; i < shown->count; i++) {
		if (shown->statements[i]->kind == PB_STATEMENT_KIND__SIGNS &&
		    strcmp(shown->statements[i]->region, region) == 0)
			return true;
	}
	return false;
}

static bool all_sign(const struct shown *shown)
{
	for (size_t i = 0; i < shown->agreement->n_parties; i++) {
		if (!says(shown, shown->agreement->parties[i]))
			return false;
	}
	return true;
}

/* A version far above all others would leave no room for those that follow. */
static enum tb_code check_version(const struct turn *turn, const PbAgreement *agreement, struct tb_error *err)
{
	const struct held *latest = agreement_find(turn->core->agreements, agreement->id, 0);
	uint32_t most = latest ? latest->agreement->version : TB_AGREEMENT_FIRST_MAX;
	if (latest && most <= UINT32_MAX - TB_AGREEMENT_STEP_MAX)
		most += TB_AGREEMENT_STEP_MAX;
	if (agreement->version <= most)
		return TB_OK;
	return tb_fail(err, TB_EINVALID, "agreement %.60s: version %u, at most %u expected", agreement->id,
	               agreement->version, most);
}

static enum tb_code read_shown(struct turn *turn, const char *peer, const PbSignedAgreement *from,
                               struct shown *out, struct tb_error *err)
{
	out->bytes = proto_bytes(from->agreement);
	if (out->bytes.size > TB_AGREEMENT_BYTES_MAX || from->n_statements > 2 * TB_AGREEMENT_PARTIES_MAX)
		return tb_fail(err, TB_ETOOBIG, "an agreement that is too large");
	enum tb_code code = PROTO_DECODE(&out->agreement, agreement, out->bytes, &turn->arena, err);
	if (code == TB_OK)
		code = agreement_check(out->agreement, err);
	if (code == TB_OK && (!agreement_is_party(out->agreement, turn->core->setup.region) ||
	                      !agreement_is_party(out->agreement, peer)))
		code = tb_fail(err, TB_EINVALID, "not an agreement of ours");
	return code ? code : check_version(turn, out->agreement, err);
}

static void read_statements(struct turn *turn, const char *peer, const PbSignedAgreement *from,
                            struct shown *out)
{
	struct tb_error err;
	out->statements = tb_arena_alloc(&turn->arena, (from->n_statements + 1) * sizeof(*out->statements));
	out->proofs = tb_arena_alloc(&turn->arena, (from->n_statements + 1) * sizeof(*out->proofs));
	for (size_t i = 0; i < from->n_statements; i++) {
		if (check_statement(turn, from->statements[i], out->bytes, out->agreement,
		                    &out->statements[out->count], &err) == TB_OK) {
			out->proofs[out->count++] = from->statements[i];
			continue;
		}
		turn_log(turn, TB_LOG_WARN, "agreement.statement_refused", peer, out->agreement->id, "%s",
		         err.text);
		if (says_itself(turn, peer, from->statements[i]))
			refusal_note(turn, peer, "agreement", err.code, tb_bytes_of(NULL, 0));
	}
}

/* Two texts under one number and version: neither party knew of the other's. What all have signed stays; else
 * the text whose SHA-256 is the smaller. Every party judges alike, in whatever order they came: the proposer
 * of the smaller one never signs the other, so that it will not be signed by all. Does what is shown come in
 * the place of |held|? */
static bool overtakes(struct turn *turn, const char *peer, const struct shown *shown, const struct held *held)
{
	uint8_t digest[PKI_HASH_BYTES];
	bool all_signed = all_sign(shown);
	pki_sha256(digest, shown->bytes);
	if (agreement_signed_by_all(held) && all_signed) {
		turn_log(turn, TB_LOG_ERROR, "agreement.forked", peer, shown->agreement->id,
		         "version %u: all have signed another text, too", shown->agreement->version);
		refusal_note(turn, peer, "agreement", TB_EEXISTS, tb_bytes_of(held->digest, PKI_HASH_BYTES));
		return false;
	}
	if (!agreement_signed_by_all(held) &&
	    (all_signed || memcmp(digest, held->digest, PKI_HASH_BYTES) < 0))
		return true;
	turn_log(turn, TB_LOG_INFO, "agreement.crossed", peer, shown->agreement->id,
	         "version %u: the text of %.8s stays, that of %.8s is overtaken", shown->agreement->version,
	         held->agreement->proposer, shown->agreement->proposer);
	return false;
}

static void merge_one(struct turn *turn, const char *peer, const PbSignedAgreement *from)
{
	struct shown shown = {0};
	struct tb_error err;
	if (read_shown(turn, peer, from, &shown, &err)) {
		turn_log(turn, TB_LOG_WARN, "agreement.refused", peer, "", "%s", err.text);
		refusal_note(turn, peer, "agreement", TB_EINVALID, tb_bytes_of(NULL, 0));
		return;
	}
	const PbAgreement *decoded = shown.agreement;
	const struct held *held = agreement_find(turn->core->agreements, decoded->id, decoded->version);
	bool other = held && !tb_bytes_equal(proto_bytes(held->stored->agreement), shown.bytes);
	read_statements(turn, peer, from, &shown);
	/* Nothing is kept that its proposer has not signed. */
	if ((!held || other) && !says(&shown, decoded->proposer))
		return;
	if (other && !overtakes(turn, peer, &shown, held))
		return;
	if (!held && !has_room(turn, decoded->proposer, decoded->id, peer))
		return;
	if (other)
		agreement_overtake(turn, shown.bytes, decoded, peer);
	for (size_t i = 0; i < shown.count; i++)
		(void)agreement_keep(turn, shown.bytes, decoded, shown.statements[i], shown.proofs[i], peer);
}

/* Peers show the newest first, and a version may be only so far above the latest that is here. */
void agreements_merge(struct turn *turn, const char *peer, PbSignedAgreement *const *list, size_t count)
{
	for (size_t i = count < TB_AGREEMENTS_MAX ? count : TB_AGREEMENTS_MAX; i-- > 0;)
		merge_one(turn, peer, list[i]);
}
