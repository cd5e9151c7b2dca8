/* Inside agreement*.c only. */
#pragma once

#include "node/core/agreement.h"

/* One version, with what its parties said. */
struct held {
	PbStoredAgreement *stored;
	PbAgreement *agreement;
	PbAgreementStatement **statements; /* of stored->statements, in their order */
	uint8_t digest[PKI_HASH_BYTES];
};

/* The digest over all that is shared with a region. */
struct shared_digest {
	char region[PKI_REGION_ROOM];
	struct pki_digest digest;
};

struct agreements {
	struct tb_arena arena;
	struct held *list; /* by id, then version */
	size_t count;
	struct shared_digest *digests; /* those that were asked for since something changed */
	size_t digests_count;
	size_t digests_room;
};

/* |version| 0: the latest. NULL: it is not here. */
const struct held *agreement_find(const struct agreements *all, const char *id, uint32_t version);
/* The version of |id| to which a notice that is given now belongs; NULL: it is not here. */
const struct held *agreement_to_end(const struct agreements *all, const char *id, tb_time now);
/* How many versions |proposer| has proposed to |party|; |open|: only those that wait for signatures. */
size_t agreements_of(const struct agreements *all, const char *proposer, const char *party, bool open,
                     tb_time now);
const PbAgreementStatement *agreement_statement_of(const struct held *held, const char *region,
                                                   PbStatementKind kind);
/* Has |state|'s peer said that it has |held|, and all that is signed of it here? */
bool agreement_is_there(const struct peer_state *state, const struct held *held);
PbAgreementState agreement_state(const struct agreements *all, const struct held *held, tb_time now);
bool agreement_signed_by_all(const struct held *held);
enum tb_code agreement_check(const PbAgreement *agreement, struct tb_error *err);
enum tb_code agreement_check_date(const char *text, bool needed, const char *what, struct tb_error *err);
/* Another text than the one that is held, and that not all have signed, takes its place; it has no statements
 * yet. */
void agreement_overtake(struct turn *turn, struct tb_bytes agreement, const PbAgreement *decoded,
                        const char *from);
/* Adds |proof| with |statement| to what is kept of the agreement, whose bytes are those that are held, if any
 * are. False: it is known. |from| "": our own. */
bool agreement_keep(struct turn *turn, struct tb_bytes agreement, const PbAgreement *decoded,
                    const PbAgreementStatement *statement, PbProof *proof, const char *from);
