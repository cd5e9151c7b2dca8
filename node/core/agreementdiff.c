/* Agreements held against a peer's: what it says that it has, agreement by agreement. */
#include <stdlib.h>
#include <string.h>

#include "node/core/agreement_priv.h"

enum { SUMMARIES_BYTES_MAX = 64 * 1024, DIGEST_SHOWN = 8 };

struct agreements_there {
	struct tb_arena arena;
	struct pki_digest of; /* the digest with which it was said */
	PbAgreementSummary **list;
	size_t count;
};

void agreements_there_free(struct agreements_there *there)
{
	if (!there)
		return;
	tb_arena_clear(&there->arena);
	free(there);
}

/* ---- in a few words */

static PbAgreementSummary *summary_of(const struct held *held, struct tb_arena *arena)
{
	const PbAgreement *agreement = held->agreement;
	PbAgreementSummary *summary = PROTO_NEW(PbAgreementSummary, agreement_summary, arena);
	summary->id = tb_arena_str(arena, agreement->id);
	summary->version = agreement->version;
	summary->digest = proto_data(tb_arena_bytes(arena, tb_bytes_of(held->digest, PKI_HASH_BYTES)));
	summary->signed_by = tb_arena_alloc(arena, agreement->n_parties * sizeof(char *));
	summary->ended_by = tb_arena_alloc(arena, agreement->n_parties * sizeof(char *));
	for (size_t i = 0; i < agreement->n_parties; i++) {
		const char *party = agreement->parties[i];
		if (agreement_statement_of(held, party, PB_STATEMENT_KIND__SIGNS))
			summary->signed_by[summary->n_signed_by++] = tb_arena_str(arena, party);
		if (agreement_statement_of(held, party, PB_STATEMENT_KIND__ENDS))
			summary->ended_by[summary->n_ended_by++] = tb_arena_str(arena, party);
	}
	return summary;
}

void agreements_summaries(const struct core *core, const char *peer, struct tb_arena *arena,
                          PbAgreementSummary ***out, size_t *count)
{
	const struct agreements *all = core->agreements;
	size_t bytes = 0;
	*out = tb_arena_alloc(arena, (all->count + 1) * sizeof(**out));
	*count = 0;
	for (size_t i = all->count; i-- > 0;) { /* the newest are told of first */
		if (!agreement_is_party(all->list[i].agreement, peer))
			continue;
		PbAgreementSummary *summary = summary_of(&all->list[i], arena);
		bytes += proto_encode_arena(arena, &summary->base).size;
		if (bytes > SUMMARIES_BYTES_MAX)
			return;
		(*out)[(*count)++] = summary;
	}
}

void agreements_heard(struct turn *turn, struct peer_state *state, ProtobufCBinaryData digest,
                      PbAgreementSummary *const *list, size_t count)
{
	struct pki_digest ours = agreements_digest(turn->core, state->region);
	bool same = memcmp(digest.data, ours.bytes, PKI_HASH_BYTES) == 0;
	memcpy(state->agreements_digest.bytes, digest.data, PKI_HASH_BYTES);
	state->agreements_at = turn->now;
	if (state->there && memcmp(&state->there->of, &state->agreements_digest, PKI_HASH_BYTES) == 0)
		return;                                         /* known already */
	if ((!same && count == 0) || count > TB_AGREEMENTS_MAX) /* a peer that does not say */
		return;
	struct agreements_there *there = tb_alloc(sizeof(*there));
	there->of = state->agreements_digest;
	if (same) { /* in its own words */
		agreements_summaries(turn->core, state->region, &there->arena, &there->list, &there->count);
	} else {
		there->list = tb_arena_alloc(&there->arena, count * sizeof(*there->list));
		for (size_t i = 0; i < count; i++) {
			struct tb_bytes bytes = proto_encode_arena(&there->arena, &list[i]->base);
			if (PROTO_DECODE_OWN(&there->list[there->count], agreement_summary, bytes,
			                     &there->arena, NULL) == TB_OK)
				there->count++;
		}
	}
	agreements_there_free(state->there);
	state->there = there;
}

static bool names(char *const *list, size_t count, const char *region)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], region) == 0)
			return true;
	}
	return false;
}

static bool names_all(const PbAgreementSummary *summary, const struct held *held)
{
	for (size_t i = 0; i < held->stored->n_statements; i++) {
		const PbAgreementStatement *statement = held->statements[i];
		bool ends = statement->kind == PB_STATEMENT_KIND__ENDS;
		if (!names(ends ? summary->ended_by : summary->signed_by,
		           ends ? summary->n_ended_by : summary->n_signed_by, statement->region))
			return false;
	}
	return true;
}

bool agreement_is_there(const struct peer_state *state, const struct held *held)
{
	const struct agreements_there *there = state->there;
	/* Words that belong to an older digest may no longer be true: a backup was put back. */
	if (!there || memcmp(&there->of, &state->agreements_digest, sizeof(there->of)) != 0)
		return false;
	for (size_t i = 0; i < there->count; i++) {
		const PbAgreementSummary *summary = there->list[i];
		if (summary->version == held->agreement->version &&
		    strcmp(summary->id, held->agreement->id) == 0)
			return tb_bytes_equal(proto_bytes(summary->digest),
			                      tb_bytes_of(held->digest, PKI_HASH_BYTES)) &&
			       names_all(summary, held);
	}
	return false;
}

/* ---- the difference */

static void add_parties(struct tb_buf *text, const char *what, char *const *parties, size_t count)
{
	if (count > 0)
		tb_buf_str(text, what);
	for (size_t i = 0; i < count && i < TB_AGREEMENT_PARTIES_MAX; i++)
		tb_buf_printf(text, " %.8s", parties[i]);
}

/* "in force, 7a6da133…, signed by 310000 320400"; |state| may be "". */
static char *in_words(const PbAgreementSummary *summary, const char *state, struct tb_arena *arena)
{
	struct tb_buf text = {0};
	char hex[2 * DIGEST_SHOWN + 1] = "?";
	if (summary->digest.len >= DIGEST_SHOWN)
		tb_hex(hex, summary->digest.data, DIGEST_SHOWN);
	tb_buf_printf(&text, "%s%s%s", state, state[0] ? ", " : "", hex);
	add_parties(&text, ", signed by", summary->signed_by, summary->n_signed_by);
	add_parties(&text, ", ended by", summary->ended_by, summary->n_ended_by);
	char *out = tb_arena_str(arena, tb_buf_text(&text));
	tb_buf_clear(&text);
	return out;
}

static const char *state_word(PbAgreementState state)
{
	static const char *const words[] = {"?", "proposed", "signed", "in force", "ended", "replaced"};
	return words[state];
}

static const PbAgreementSummary *there_find(const struct agreements_there *there,
                                            const PbAgreementSummary *wanted)
{
	for (size_t i = 0; there && i < there->count; i++) {
		if (there->list[i]->version == wanted->version && strcmp(there->list[i]->id, wanted->id) == 0)
			return there->list[i];
	}
	return NULL;
}

static bool lists_equal(char *const *a, size_t a_count, char *const *b, size_t b_count)
{
	bool equal = a_count == b_count;
	for (size_t i = 0; i < a_count && equal; i++)
		equal = strcmp(a[i], b[i]) == 0;
	return equal;
}

static bool summaries_equal(const PbAgreementSummary *a, const PbAgreementSummary *b)
{
	return tb_bytes_equal(proto_bytes(a->digest), proto_bytes(b->digest)) &&
	       lists_equal(a->signed_by, a->n_signed_by, b->signed_by, b->n_signed_by) &&
	       lists_equal(a->ended_by, a->n_ended_by, b->ended_by, b->n_ended_by);
}

static void add_row(PbAgreementDiffResponse *reply, const PbAgreementSummary *about, char *here, char *there,
                    struct tb_arena *arena)
{
	PbAgreementDifference *row = PROTO_NEW(PbAgreementDifference, agreement_difference, arena);
	row->id = tb_arena_printf(arena, "%.*s", TB_ID_BYTES_MAX, about->id);
	row->version = about->version;
	row->here = here;
	row->there = there;
	reply->differences[reply->n_differences++] = row;
}

/* What is here and not there, or otherwise there. */
static void add_ours(const struct turn *turn, const struct peer_state *state, PbAgreementDiffResponse *reply,
                     struct tb_arena *arena)
{
	const struct agreements *all = turn->core->agreements;
	for (size_t i = 0; i < all->count; i++) {
		const struct held *held = &all->list[i];
		if (!agreement_is_party(held->agreement, state->region))
			continue;
		const PbAgreementSummary *ours = summary_of(held, arena);
		const PbAgreementSummary *theirs = there_find(state->there, ours);
		if (theirs && summaries_equal(ours, theirs))
			continue;
		const char *word = state_word(agreement_state(all, held, turn->now));
		char *there = theirs         ? in_words(theirs, "", arena)
		              : state->there ? tb_arena_str(arena, "-")
		                             : tb_arena_str(arena, "not heard of yet");
		add_row(reply, ours, in_words(ours, word, arena), there, arena);
	}
}

void agreement_apply_diff(struct turn *turn, struct core_request *request)
{
	const PbAgreementDiffRequest *diff = (const PbAgreementDiffRequest *)(const void *)request->message;
	const struct agreements *all = turn->core->agreements;
	struct peer_state *state = core_peer_state(turn->core, diff->peer);
	struct tb_arena *arena = &request->arena;
	struct tb_error err = {0};
	if (!state) {
		tb_refuse(&err, TB_REASON_NOT_A_PEER, diff->peer, NULL);
		turn_refuse(turn, request, &err);
		return;
	}
	PbAgreementDiffResponse *reply = PROTO_NEW(PbAgreementDiffResponse, agreement_diff_response, arena);
	struct pki_digest ours = agreements_digest(turn->core, diff->peer);
	size_t there = state->there ? state->there->count : 0;
	reply->at_ms = state->agreements_at;
	reply->equal = state->agreements_at && memcmp(&ours, &state->agreements_digest, sizeof(ours)) == 0;
	reply->differences = tb_arena_alloc(arena, (all->count + there + 1) * sizeof(*reply->differences));
	if (!reply->equal) {
		add_ours(turn, state, reply, arena);
		for (size_t i = 0; i < there; i++) {
			const PbAgreementSummary *theirs = state->there->list[i];
			if (!agreement_find(all, theirs->id, theirs->version))
				add_row(reply, theirs, tb_arena_str(arena, "-"), in_words(theirs, "", arena),
				        arena);
		}
		if (!state->describe_busy) /* what it has by now is asked for */
			state->describe_at = turn->now;
	}
	turn_reply(turn, request, &reply->base);
}
