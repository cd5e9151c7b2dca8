/* Agreements (合作协议): what regions promised each other, signed by every party.
 *
 * A party's statements (it signs, or it gives notice) are a set that only grows; nodes exchange theirs until
 * they are equal, in any order and as often as they like. All else follows from the statements and the day. A
 * peer's grants in the operator's configuration are the upper bound; with an agreement between two regions,
 * what it promises is needed as well. Accepting or deciding in another region's name (YS, YB) always needs
 * one. */
#pragma once

#include "node/core/turn.h"

struct agreements; /* all that a core knows, in memory */

/* Reads them from the store. TB_ECORRUPT. */
TB_MUST_CHECK enum tb_code agreements_open(struct agreements **out, struct kv *kv, struct tb_error *err);
void agreements_free(struct agreements *agreements);

/* What a case is about. */
struct agreement_ask {
	const char *window;
	const char *home;
	const char *item;      /* code */
	const char *base_code; /* or "" */
	const char *mode;      /* as lists name it */
};

/* The agreement in force on the day of |now| that covers |ask|, its latest version. NULL and TB_OK: none, and
 * none is needed. TB_EDENIED: one is needed; |err| says why. */
TB_MUST_CHECK enum tb_code agreement_for(const struct core *core, const struct agreement_ask *ask,
                                         tb_time now, const PbAgreement **out, struct tb_error *err);
/* Does |agreement| give |window| this right in |ask|'s matter? */
bool agreement_right(const PbAgreement *agreement, const struct agreement_ask *ask, PbRight right,
                     tb_time now);
/* Does a version that all have signed cover |ask|, with the right that its mode needs? */
bool agreement_covers(const PbAgreement *agreement, const struct agreement_ask *ask, tb_time now);
/* The modes of |item|, which |home| decides, in which the |views| in force let the windows of |window|
 * receive it: into |out|, which has room for all of the item's. Returns how many. */
size_t agreement_modes(PbAgreementView *const *views, size_t count, const PbItem *item, const char *home,
                       const char *window, tb_time now, const char **out);
bool agreement_is_party(const PbAgreement *agreement, const char *region);
/* A version that a case stands on; NULL if it is not here or not signed by all. */
const PbAgreement *agreement_cited(const struct core *core, const char *id, uint32_t version);
/* Why this version, which all have signed, cannot carry a case that |peer| began at |begun|; NULL: it can.
 * Of what others said |peer| may not have heard for some days. */
const char *agreement_lapsed(const struct core *core, const char *id, uint32_t version, const char *peer,
                             tb_time begun);
/* The most that |peer| may be told about |type| by agreement; |most| if there is none between us. */
PbDisclosure agreement_discloses(const struct core *core, const char *peer, const char *type,
                                 PbDisclosure most, tb_time now);

/* Working days that |version| of |id| sets for |clock|; 0: none, or it is not here. */
uint32_t agreement_days(const struct agreements *all, const char *id, uint32_t version, PbClock clock);
/* The reason of its list with which |reason| begins; NULL: none. */
const char *agreement_reason(const struct agreements *all, const char *id, uint32_t version,
                             const char *reason);

/* ---- the local API */
enum tb_code agreement_prepare_propose(const struct core_setup *setup, struct core_request *request,
                                       tb_time now, struct tb_error *err);
enum tb_code agreement_prepare_sign(const struct core_setup *setup, struct core_request *request, tb_time now,
                                    struct tb_error *err);
enum tb_code agreement_prepare_end(const struct core_setup *setup, struct core_request *request, tb_time now,
                                   struct tb_error *err);
void agreement_apply_statement(struct turn *turn, struct core_request *request);
void agreement_apply_get(struct turn *turn, struct core_request *request);
void agreement_apply_list(struct turn *turn, struct core_request *request);
void agreement_apply_diff(struct turn *turn, struct core_request *request);

/* ---- the exchange, in Describe calls */
/* SHA-256 over what is shared with |peer|. */
struct pki_digest agreements_digest(const struct core *core, const char *peer);
/* What is shared with |state|'s peer, in |arena|, less what it has said to have as it is here. */
void agreements_shared(const struct core *core, const struct peer_state *state, struct tb_arena *arena,
                       PbSignedAgreement ***out, size_t *count);
/* The same in a few words each, as far as they fit. */
void agreements_summaries(const struct core *core, const char *peer, struct tb_arena *arena,
                          PbAgreementSummary ***out, size_t *count);
/* |state|'s peer has said what it has: |digest| over all, and |list| if that is not what is here. */
void agreements_heard(struct turn *turn, struct peer_state *state, ProtobufCBinaryData digest,
                      PbAgreementSummary *const *list, size_t count);
void agreements_there_free(struct agreements_there *there);
/* Takes what |peer| shows, as far as it holds. */
void agreements_merge(struct turn *turn, const char *peer, PbSignedAgreement *const *list, size_t count);
