#include "node/core/agreement_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "node/core/casetable.h"
#include "node/core/catalogue.h"

/* Longer than it takes for what one party says to reach another. */
#define NEWS_TRAVEL (7 * TB_DAY)

/* ---- reading */

static struct kv_key agreement_key(const char *id, uint32_t version)
{
	struct kv_key key = kv_key_of(tb_bytes_of(id, strnlen(id, TB_ID_BYTES_MAX)));
	kv_key_add(&key, tb_bytes_of("", 1)); /* so that no id is the beginning of another */
	kv_key_add_u32(&key, version);
	return key;
}

static enum tb_code hold(struct held *held, struct tb_bytes plain, struct tb_arena *arena,
                         struct tb_error *err)
{
	enum tb_code code = PROTO_DECODE_OWN(&held->stored, stored_agreement, plain, arena, err);
	if (code == TB_OK)
		code = PROTO_DECODE_OWN(&held->agreement, agreement, proto_bytes(held->stored->agreement),
		                        arena, err);
	if (code)
		return code;
	pki_sha256(held->digest, proto_bytes(held->stored->agreement));
	held->statements =
		tb_arena_alloc(arena, (held->stored->n_statements + 1) * sizeof(*held->statements));
	for (size_t i = 0; i < held->stored->n_statements && code == TB_OK; i++) {
		struct tb_bytes item = proto_bytes(held->stored->statements[i]->item);
		if (item.size < TB_SALT_BYTES)
			return tb_fail(err, TB_ECORRUPT, "a stored statement is too short");
		code = PROTO_DECODE_OWN(&held->statements[i], agreement_statement,
		                        tb_bytes_of(item.data + TB_SALT_BYTES, item.size - TB_SALT_BYTES),
		                        arena, err);
	}
	return code;
}

enum tb_code agreements_open(struct agreements **out, struct kv *kv, struct tb_error *err)
{
	struct agreements *agreements = tb_alloc(sizeof(*agreements));
	struct store_cursor cursor;
	struct tb_bytes key, sealed, plain;
	enum tb_code code = TB_OK;
	agreements->list = tb_arena_alloc(&agreements->arena, TB_AGREEMENTS_MAX * sizeof(*agreements->list));
	store_cursor(&cursor, kv->txn, KV_AGREEMENT, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	while (code == TB_OK && agreements->count < TB_AGREEMENTS_MAX && store_next(&cursor, &key, &sealed)) {
		code = kv_open(kv, KV_AGREEMENT, key, sealed, &agreements->arena, &plain, err);
		if (code == TB_OK)
			code = hold(&agreements->list[agreements->count++], plain, &agreements->arena, err);
	}
	store_cursor_end(&cursor);
	*out = agreements;
	return code;
}

void agreements_free(struct agreements *agreements)
{
	if (!agreements)
		return;
	tb_arena_clear(&agreements->arena);
	free(agreements->digests);
	free(agreements);
}

static void reopen(struct turn *turn)
{
	struct agreements *fresh;
	struct tb_error err;
	enum tb_code code = agreements_open(&fresh, &turn->kv, &err);
	if (code) {
		turn_log(turn, TB_LOG_ERROR, "agreement.unreadable", "", "", "%s", err.text);
		agreements_free(fresh);
		return;
	}
	agreements_free(turn->core->agreements);
	turn->core->agreements = fresh;
}

/* ---- what follows from the statements and the day */

/* The version to which a notice belongs: the latest that is in force or will be, else the latest. */
const struct held *agreement_to_end(const struct agreements *all, const char *id, tb_time now)
{
	const struct held *latest = agreement_find(all, id, 0), *found = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const struct held *held = &all->list[i];
		if (strcmp(held->agreement->id, id) != 0)
			continue;
		PbAgreementState state = agreement_state(all, held, now);
		if (state == PB_AGREEMENT_STATE__IN_FORCE || state == PB_AGREEMENT_STATE__SIGNED)
			found = held;
	}
	return found ? found : latest;
}

size_t agreements_of(const struct agreements *all, const char *proposer, const char *party, bool open,
                     tb_time now)
{
	size_t count = 0;
	for (size_t i = 0; i < all->count; i++) {
		const struct held *held = &all->list[i];
		if (strcmp(held->agreement->proposer, proposer) == 0 &&
		    agreement_is_party(held->agreement, party) &&
		    (!open || agreement_state(all, held, now) == PB_AGREEMENT_STATE__PROPOSED))
			count++;
	}
	return count;
}

bool agreement_is_party(const PbAgreement *agreement, const char *region)
{
	for (size_t i = 0; i < agreement->n_parties; i++) {
		if (strcmp(agreement->parties[i], region) == 0)
			return true;
	}
	return false;
}

const PbAgreementStatement *agreement_statement_of(const struct held *held, const char *region,
                                                   PbStatementKind kind)
{
	for (size_t i = 0; i < held->stored->n_statements; i++) {
		const PbAgreementStatement *statement = held->statements[i];
		if (statement->kind == kind && strcmp(statement->region, region) == 0)
			return statement;
	}
	return NULL;
}

bool agreement_signed_by_all(const struct held *held)
{
	for (size_t i = 0; i < held->agreement->n_parties; i++) {
		if (!agreement_statement_of(held, held->agreement->parties[i], PB_STATEMENT_KIND__SIGNS))
			return false;
	}
	return true;
}

/* Dates sort as texts do. */
static void today_text(char out[11], tb_time now)
{
	tb_day_format(out, tb_day_at(now));
}

static bool ended(const struct held *held, const char *today)
{
	for (size_t i = 0; i < held->stored->n_statements; i++) {
		const PbAgreementStatement *statement = held->statements[i];
		if (statement->kind == PB_STATEMENT_KIND__ENDS && strcmp(statement->effective, today) <= 0)
			return true;
	}
	const char *until = held->agreement->valid_until;
	return until[0] && strcmp(today, until) > 0;
}

PbAgreementState agreement_state(const struct agreements *all, const struct held *held, tb_time now)
{
	char today[11];
	today_text(today, now);
	if (ended(held, today))
		return PB_AGREEMENT_STATE__ENDED;
	if (!agreement_signed_by_all(held))
		return PB_AGREEMENT_STATE__PROPOSED;
	if (strcmp(today, held->agreement->valid_from) < 0)
		return PB_AGREEMENT_STATE__SIGNED;
	for (size_t i = 0; i < all->count; i++) {
		const struct held *other = &all->list[i];
		if (strcmp(other->agreement->id, held->agreement->id) == 0 &&
		    other->agreement->version > held->agreement->version && agreement_signed_by_all(other) &&
		    strcmp(other->agreement->valid_from, today) <= 0)
			return PB_AGREEMENT_STATE__REPLACED;
	}
	return PB_AGREEMENT_STATE__IN_FORCE;
}

static bool listed(char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], "*") == 0 || (text[0] && strcmp(list[i], text) == 0))
			return true;
	}
	return false;
}

static bool term_covers(const PbAgreementTerm *term, const struct agreement_ask *ask, const char *today)
{
	return (listed(term->items, term->n_items, ask->item) ||
	        listed(term->items, term->n_items, ask->base_code)) &&
	       listed(term->modes, term->n_modes, ask->mode) &&
	       (term->n_homes == 0 || listed(term->homes, term->n_homes, ask->home)) &&
	       (term->n_windows == 0 || listed(term->windows, term->n_windows, ask->window)) &&
	       strcmp(term->from, today) <= 0;
}

bool agreement_right(const PbAgreement *agreement, const struct agreement_ask *ask, PbRight right,
                     tb_time now)
{
	char today[11];
	today_text(today, now);
	for (size_t i = 0; i < agreement->n_terms; i++) {
		const PbAgreementTerm *term = agreement->terms[i];
		for (size_t j = 0; j < term->n_rights && term_covers(term, ask, today); j++) {
			if (term->rights[j] == right)
				return true;
		}
	}
	return false;
}

static bool covers(const PbAgreement *agreement, const struct agreement_ask *ask, const char *today)
{
	for (size_t i = 0; i < agreement->n_terms; i++) {
		if (term_covers(agreement->terms[i], ask, today))
			return true;
	}
	return false;
}

/* The right that a mode cannot do without. */
static PbRight mode_right(const char *mode)
{
	if (strcmp(mode, "YS") == 0)
		return PB_RIGHT__ACCEPT_CASES;
	return strcmp(mode, "YB") == 0 ? PB_RIGHT__DECIDE_CASES : PB_RIGHT__RIGHT_UNSPECIFIED;
}

bool agreement_covers(const PbAgreement *agreement, const struct agreement_ask *ask, tb_time now)
{
	PbRight needed = mode_right(ask->mode);
	char today[11];
	today_text(today, now);
	return agreement_is_party(agreement, ask->window) && agreement_is_party(agreement, ask->home) &&
	       covers(agreement, ask, today) && (!needed || agreement_right(agreement, ask, needed, now));
}

size_t agreement_modes(PbAgreementView *const *views, size_t count, const PbItem *item, const char *home,
                       const char *window, tb_time now, const char **out)
{
	size_t used = 0;
	for (size_t i = 0; i < item->n_modes; i++) {
		struct agreement_ask ask = {.window = window,
		                            .home = home,
		                            .item = item->code,
		                            .base_code = item->base_code,
		                            .mode = item->modes[i]};
		bool covered = false;
		for (size_t j = 0; j < count && !covered; j++)
			covered = views[j]->state == PB_AGREEMENT_STATE__IN_FORCE && views[j]->agreement &&
			          agreement_covers(views[j]->agreement, &ask, now);
		if (covered && catalogue_for_window(item, item->modes[i], window))
			out[used++] = item->modes[i];
	}
	return used;
}

enum tb_code agreement_for(const struct core *core, const struct agreement_ask *ask, tb_time now,
                           const PbAgreement **out, struct tb_error *err)
{
	const struct agreements *all = core->agreements;
	PbRight needed = mode_right(ask->mode);
	bool between = false;
	*out = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const PbAgreement *agreement = all->list[i].agreement;
		if (!agreement_is_party(agreement, ask->window) ||
		    !agreement_is_party(agreement, ask->home) ||
		    agreement_state(all, &all->list[i], now) != PB_AGREEMENT_STATE__IN_FORCE)
			continue;
		between = true;
		if (agreement_covers(agreement, ask, now))
			*out = agreement;
	}
	if (*out || (!between && !needed))
		return TB_OK;
	return tb_refuse(err, TB_REASON_AGREEMENT_NEEDED, ask->window, ask->home, ask->item, ask->mode, NULL);
}

const struct held *agreement_find(const struct agreements *all, const char *id, uint32_t version)
{
	const struct held *found = NULL;
	for (size_t i = 0; i < all->count; i++) {
		const PbAgreement *agreement = all->list[i].agreement;
		if (strcmp(agreement->id, id) == 0 && (version == 0 || agreement->version == version))
			found = &all->list[i];
	}
	return found;
}

const PbAgreement *agreement_cited(const struct core *core, const char *id, uint32_t version)
{
	const struct held *held = version ? agreement_find(core->agreements, id, version) : NULL;
	return held && agreement_signed_by_all(held) ? held->agreement : NULL;
}

/* When the last of its parties signed. */
static tb_time completed_at(const struct held *held)
{
	tb_time at = 0;
	for (size_t i = 0; i < held->stored->n_statements; i++) {
		const PbAgreementStatement *statement = held->statements[i];
		if (statement->kind == PB_STATEMENT_KIND__SIGNS && statement->at_ms > at)
			at = statement->at_ms;
	}
	return at;
}

const char *agreement_lapsed(const struct core *core, const char *id, uint32_t version, const char *peer,
                             tb_time begun)
{
	const struct agreements *all = core->agreements;
	const struct held *held = agreement_find(all, id, version);
	char day[11], heard[11]; /* of the case; and up to which all news had reached its window */
	assert(held);
	today_text(day, begun);
	today_text(heard, begun - NEWS_TRAVEL);
	const PbAgreement *agreement = held->agreement;
	if (strcmp(agreement->valid_from, day) > 0 ||
	    (agreement->valid_until[0] && strcmp(agreement->valid_until, day) < 0))
		return "was not valid";
	for (size_t i = 0; i < held->stored->n_statements; i++) {
		const PbAgreementStatement *statement = held->statements[i];
		const char *known = strcmp(statement->region, peer) == 0 ? day : heard;
		if (statement->kind == PB_STATEMENT_KIND__ENDS && strcmp(statement->effective, known) <= 0)
			return "had been ended";
	}
	for (size_t i = 0; i < all->count; i++) {
		const struct held *other = &all->list[i];
		if (strcmp(other->agreement->id, id) == 0 && other->agreement->version > version &&
		    agreement_signed_by_all(other) && strcmp(other->agreement->valid_from, heard) <= 0 &&
		    completed_at(other) <= begun - NEWS_TRAVEL)
			return "had been replaced by a later version";
	}
	return NULL;
}

uint32_t agreement_days(const struct agreements *all, const char *id, uint32_t version, PbClock clock)
{
	const struct held *held = version ? agreement_find(all, id, version) : NULL;
	for (size_t i = 0; held && i < held->agreement->n_clocks; i++) {
		if (held->agreement->clocks[i]->clock == clock)
			return held->agreement->clocks[i]->days;
	}
	return 0;
}

const char *agreement_reason(const struct agreements *all, const char *id, uint32_t version,
                             const char *reason)
{
	const struct held *held = version ? agreement_find(all, id, version) : NULL;
	for (size_t i = 0; held && i < held->agreement->n_return_reasons; i++) {
		const char *listed_reason = held->agreement->return_reasons[i];
		if (strncmp(reason, listed_reason, strlen(listed_reason)) == 0)
			return listed_reason;
	}
	return NULL;
}

PbDisclosure agreement_discloses(const struct core *core, const char *peer, const char *type,
                                 PbDisclosure most, tb_time now)
{
	const struct agreements *all = core->agreements;
	const char *self = core->setup.region;
	PbDisclosure told = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED;
	bool between = false;
	for (size_t i = 0; i < all->count; i++) {
		const PbAgreement *agreement = all->list[i].agreement;
		if (!agreement_is_party(agreement, peer) || !agreement_is_party(agreement, self) ||
		    agreement->n_credentials == 0 ||
		    agreement_state(all, &all->list[i], now) != PB_AGREEMENT_STATE__IN_FORCE)
			continue;
		between = true;
		for (size_t j = 0; j < agreement->n_credentials; j++) {
			const PbAgreementCredentials *row = agreement->credentials[j];
			bool ours =
				row->n_answered_by == 0 || listed(row->answered_by, row->n_answered_by, self);
			if (ours && listed(row->types, row->n_types, type) && row->disclosure > told)
				told = row->disclosure;
		}
	}
	return between && told < most ? told : most;
}

/* ---- checking what is proposed */

enum tb_code agreement_check_date(const char *text, bool needed, const char *what, struct tb_error *err)
{
	tb_day day;
	if ((!text[0] && !needed) || tb_day_parse(text, &day))
		return TB_OK;
	return tb_fail(err, TB_EINVALID, "%s: a date like 2026-01-31 is expected", what);
}

static enum tb_code check_term(const PbAgreementTerm *term, size_t index, struct tb_error *err)
{
	char what[48];
	snprintf(what, sizeof(what), "terms[%zu].from", index);
	if (term->n_items == 0 || term->n_modes == 0)
		return tb_fail(err, TB_EINVALID, "terms[%zu]: items and modes are needed", index);
	for (size_t i = 0; i < term->n_modes; i++) {
		const struct case_mode *mode = case_mode_find(term->modes[i]);
		if (!mode || mode->listed_as)
			return tb_fail(err, TB_EINVALID, "terms[%zu].modes: no such handling mode: %.16s",
			               index, term->modes[i]);
	}
	for (size_t i = 0; i < term->n_rights; i++) {
		if (term->rights[i] < PB_RIGHT__ACCEPT_CASES || term->rights[i] > PB_RIGHT__DECIDE_CASES)
			return tb_fail(err, TB_EINVALID, "terms[%zu].rights: no such right", index);
	}
	return agreement_check_date(term->from, false, what, err);
}

static enum tb_code check_parties(const PbAgreement *agreement, struct tb_error *err)
{
	if (agreement->n_parties < 2 || agreement->n_parties > TB_AGREEMENT_PARTIES_MAX)
		return tb_fail(err, TB_EINVALID, "parties: 2 to %d expected", TB_AGREEMENT_PARTIES_MAX);
	for (size_t i = 0; i < agreement->n_parties; i++) {
		if (strlen(agreement->parties[i]) != 6)
			return tb_fail(err, TB_EINVALID, "parties[%zu]: a region code is expected", i);
		if (i > 0 && strcmp(agreement->parties[i - 1], agreement->parties[i]) >= 0)
			return tb_fail(err, TB_EINVALID, "parties: in ascending order, each once");
	}
	return TB_OK;
}

enum tb_code agreement_check(const PbAgreement *agreement, struct tb_error *err)
{
	enum tb_code code = check_parties(agreement, err);
	if (code == TB_OK && (!agreement->title[0] || strlen(agreement->title) > TB_NAME_BYTES_MAX))
		code = tb_fail(err, TB_EINVALID, "title: 1 to %d bytes expected", TB_NAME_BYTES_MAX);
	if (code == TB_OK &&
	    (!agreement->id[0] || strlen(agreement->id) > TB_ID_BYTES_MAX || agreement->version == 0))
		code = tb_fail(err, TB_EINVALID, "id and version are needed");
	if (code == TB_OK && !agreement_is_party(agreement, agreement->proposer))
		code = tb_fail(err, TB_EINVALID, "proposer: not a party");
	if (code == TB_OK)
		code = agreement_check_date(agreement->valid_from, true, "valid_from", err);
	if (code == TB_OK)
		code = agreement_check_date(agreement->valid_until, false, "valid_until", err);
	for (size_t i = 0; i < agreement->n_terms && code == TB_OK; i++)
		code = check_term(agreement->terms[i], i, err);
	for (size_t i = 0; i < agreement->n_clocks && code == TB_OK; i++) {
		const PbAgreementClock *clock = agreement->clocks[i];
		if (clock->clock < PB_CLOCK__T1_NOTIFY || clock->clock > PB_CLOCK__T10_OBJECT ||
		    clock->days < 1 || clock->days > CASE_LEGAL_DAYS_MAX)
			code = tb_fail(err, TB_EINVALID, "clocks[%zu]: a clock and 1 to %d working days", i,
			               CASE_LEGAL_DAYS_MAX);
	}
	return code;
}

/* ---- keeping */

static void tell_parties(struct turn *turn, const PbAgreement *agreement, const char *from)
{
	for (size_t i = 0; i < agreement->n_parties; i++) {
		struct peer_state *state = core_peer_state(turn->core, agreement->parties[i]);
		if (state && strcmp(from, agreement->parties[i]) != 0)
			state->describe_at = turn->now;
	}
}

bool agreement_keep(struct turn *turn, struct tb_bytes agreement, const PbAgreement *decoded,
                    const PbAgreementStatement *statement, PbProof *proof, const char *from)
{
	const struct held *held = agreement_find(turn->core->agreements, decoded->id, decoded->version);
	size_t have = held ? held->stored->n_statements : 0;
	if (held && agreement_statement_of(held, statement->region, statement->kind))
		return false;
	assert(!held || tb_bytes_equal(proto_bytes(held->stored->agreement), agreement));
	PbStoredAgreement stored = PB_STORED_AGREEMENT__INIT;
	if (held)
		stored = *held->stored;
	stored.agreement = proto_data(agreement);
	stored.n_statements = have + 1;
	stored.statements = tb_arena_alloc(&turn->arena, (have + 1) * sizeof(*stored.statements));
	if (have > 0)
		memcpy(stored.statements, held->stored->statements, have * sizeof(*stored.statements));
	stored.statements[have] = proof;
	struct kv_key key = agreement_key(decoded->id, decoded->version);
	kv_put_message(&turn->kv, KV_AGREEMENT, &key, &stored.base);
	audit_add(turn, PB_LEAF_KIND__LEAF_AGREEMENT, decoded->id, from, proto_bytes(statement->digest),
	          decoded->version);
	reopen(turn);
	tell_parties(turn, decoded, from);
	const struct held *now_held = agreement_find(turn->core->agreements, decoded->id, decoded->version);
	bool ends = statement->kind == PB_STATEMENT_KIND__ENDS;
	turn_log(turn, TB_LOG_INFO, ends ? "agreement.notice" : "agreement.signed", statement->region,
	         decoded->id, "version %u%s", decoded->version,
	         !ends && now_held && agreement_signed_by_all(now_held) ? ", by all parties" : "");
	return true;
}

void agreement_overtake(struct turn *turn, struct tb_bytes agreement, const PbAgreement *decoded,
                        const char *from)
{
	const struct held *held = agreement_find(turn->core->agreements, decoded->id, decoded->version);
	uint8_t digest[PKI_HASH_BYTES];
	assert(held && !agreement_signed_by_all(held));
	pki_sha256(digest, agreement);
	PbStoredAgreement stored = PB_STORED_AGREEMENT__INIT;
	stored.agreement = proto_data(agreement);
	stored.overtaken = held->stored->agreement;
	stored.overtaken_at_ms = turn->now;
	stored.overtaken_statements =
		held->stored->overtaken_statements + (uint32_t)held->stored->n_statements;
	struct kv_key key = agreement_key(decoded->id, decoded->version);
	kv_put_message(&turn->kv, KV_AGREEMENT, &key, &stored.base);
	audit_add(turn, PB_LEAF_KIND__LEAF_AGREEMENT_OVERTAKEN, decoded->id, from,
	          tb_bytes_of(digest, sizeof(digest)), decoded->version);
	turn_log(turn, TB_LOG_WARN, "agreement.overtaken", from, decoded->id,
	         "version %u: the text of %.8s stands in place of that of %.8s", decoded->version,
	         decoded->proposer, held->agreement->proposer);
	reopen(turn);
	tell_parties(turn, decoded, "");
}

/* ---- the exchange */

static struct pki_digest shared_digest(const struct agreements *all, const char *peer)
{
	struct pki_hash *hash = pki_hash_new();
	struct pki_digest out;
	for (size_t i = 0; i < all->count; i++) {
		const struct held *held = &all->list[i];
		if (!agreement_is_party(held->agreement, peer))
			continue;
		pki_hash_add(hash, tb_bytes_of(held->digest, PKI_HASH_BYTES));
		/* By party, so that the order in which they came does not matter. */
		for (size_t j = 0; j < held->agreement->n_parties; j++) {
			uint8_t said = 0;
			said |= agreement_statement_of(held, held->agreement->parties[j],
			                               PB_STATEMENT_KIND__SIGNS)
			                ? 1
			                : 0;
			said |= agreement_statement_of(held, held->agreement->parties[j],
			                               PB_STATEMENT_KIND__ENDS)
			                ? 2
			                : 0;
			pki_hash_add(hash, tb_bytes_of(&said, 1));
		}
	}
	pki_hash_end(hash, out.bytes);
	pki_hash_free(hash);
	return out;
}

struct pki_digest agreements_digest(const struct core *core, const char *peer)
{
	struct agreements *all = core->agreements;
	for (size_t i = 0; i < all->digests_count; i++) {
		if (strcmp(all->digests[i].region, peer) == 0)
			return all->digests[i].digest;
	}
	if (all->digests_count == all->digests_room) {
		all->digests_room = all->digests_room ? 2 * all->digests_room : 8;
		all->digests = tb_realloc(all->digests, all->digests_room * sizeof(*all->digests));
	}
	struct shared_digest *fresh = &all->digests[all->digests_count++];
	snprintf(fresh->region, sizeof(fresh->region), "%.6s", peer);
	fresh->digest = shared_digest(all, peer);
	return fresh->digest;
}

void agreements_shared(const struct core *core, const struct peer_state *state, struct tb_arena *arena,
                       PbSignedAgreement ***out, size_t *count)
{
	const struct agreements *all = core->agreements;
	size_t bytes = 0;
	*out = tb_arena_alloc(arena, (all->count + 1) * sizeof(**out));
	*count = 0;
	for (size_t i = all->count; i-- > 0;) {
		const struct held *held = &all->list[i];
		if (!agreement_is_party(held->agreement, state->region) || agreement_is_there(state, held))
			continue;
		PbSignedAgreement *shown = PROTO_NEW(PbSignedAgreement, signed_agreement, arena);
		shown->agreement = held->stored->agreement;
		shown->n_statements = held->stored->n_statements;
		shown->statements = held->stored->statements;
		bytes += proto_encode_arena(arena, &shown->base).size;
		if (bytes > TB_BATCH_BYTES_AIM)
			return;
		(*out)[(*count)++] = shown;
	}
}
