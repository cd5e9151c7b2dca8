/* Peers as configuration says them: who they are, where they listen, what they are granted.
 *
 * A peer set is made by node/io from the peer files, is immutable from then on, and is counted: every thread
 * works with the set that was current when it began. Grants are default-deny. */
#pragma once

#include "pki/batch.h"

struct peer_verify_grant {
	const char *const *types; /* credential types; "*" is every type; ended by NULL */
	PbDisclosure disclosure;  /* the most that is told */
};

struct peer_case_grant {
	const char *const *items; /* item codes; "*" is every item; ended by NULL */
	const char *const *modes; /* "DS"; ended by NULL */
};

/* What the peer's systems call |theirs|, ours call |ours|. An interpretation of what is read, never of what
 * is signed. */
struct peer_code {
	PbCodeKind kind;
	const char *item;   /* CODE_MATERIAL: code or basic code of the item; "": of every item */
	const char *theirs; /* of one kind and item at most once */
	const char *ours;   /* of the states the name in the contract */
};

struct peer {
	const char *region; /* GB/T 2260 */
	const char *name;
	const char *endpoint; /* host:port; "" if it only calls us */
	const struct peer_verify_grant *verify;
	size_t verify_count;
	const struct peer_case_grant *cases;
	size_t cases_count;
	const struct peer_code *codes;
	size_t codes_count;
	uint32_t queries_per_second; /* that it may ask of us */
	uint32_t queries_burst;
};

struct peer_set;

struct peer_set *peer_set_new(void);
/* Copies |peer| and its anchors (PEM). TB_EEXISTS: the region is there already. Before the set is shared. */
TB_MUST_CHECK enum tb_code peer_set_add(struct peer_set *set, const struct peer *peer,
                                        struct tb_bytes anchors, struct tb_error *err);
struct peer_set *peer_set_ref(struct peer_set *set);
void peer_set_unref(struct peer_set *set);

size_t peer_set_count(const struct peer_set *set);
const struct peer *peer_set_at(const struct peer_set *set, size_t index);
const struct peer *peer_find(const struct peer_set *set, const char *region); /* NULL if there is none */
struct pki_trust *peer_trust(const struct peer_set *set);                     /* borrowed */

/* The most that |peer| may learn about certificates of |type|; DISCLOSURE_UNSPECIFIED: nothing. */
PbDisclosure peer_may_verify(const struct peer *peer, const char *type);

/* Our code for the peer's |code|, and the peer's for ours; NULL if the file says nothing of it. |item| may be
 * NULL, and |peer|: nothing is known of the codes of a region that is none. */
const char *peer_code_here(const struct peer *peer, PbCodeKind kind, const PbItem *item, const char *code);
const char *peer_code_there(const struct peer *peer, PbCodeKind kind, const PbItem *item, const char *code);
/* Are |a| and |b| the same thing: one code, or the two sides of an entry? */
bool peer_code_same(const struct peer *peer, PbCodeKind kind, const char *a, const char *b);
/* Is any item granted in |mode|? */
bool peer_has_mode(const struct peer *peer, const char *mode);
bool peer_may_send(const struct peer *peer, const char *item, const char *mode);
