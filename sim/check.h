/* What must always hold: the invariants, by name. */
#pragma once

#include "sim/node.h"

/* name, name in reports, sentence */
#define SIM_RULE_MAP(XX)                                                                               \
	XX(SIM_RULE_ACKED, "acknowledged-stays",                                                       \
	   "what a client was told is done is there after any sequence of crashes")                    \
	XX(SIM_RULE_ONE_DECISION, "one-log",                                                           \
	   "a place in a case's log holds one entry for ever, and a case one decision")                \
	XX(SIM_RULE_ONCE, "effect-once", "the same request id gives the same case, and no second one") \
	XX(SIM_RULE_DURABLE_FIRST, "durable-first",                                                    \
	   "what a peer has received, its sender had in its store before")                             \
	XX(SIM_RULE_RECEIPT, "receipt-implies-record",                                                 \
	   "a receipt implies a record at its giver, with the same digest")                            \
	XX(SIM_RULE_DONE, "done-means-there",                                                          \
	   "a message that is settled was received, refused or given up with a reason")                \
	XX(SIM_RULE_ORDER, "case-order",                                                               \
	   "a case's log has no gap, follows its table, and each entry names the one before")          \
	XX(SIM_RULE_FORK, "same-id-same-content", "the same id with other content is always refused")  \
	XX(SIM_RULE_HISTORY, "history-grows",                                                          \
	   "the audit log only grows: each checkpoint is consistent with all before")                  \
	XX(SIM_RULE_LEAF, "one-leaf", "every entry of a case has exactly one leaf in the audit log")   \
	XX(SIM_RULE_ONE_TREE, "one-tree",                                                              \
	   "a node never shows two checkpoints of one size with different roots")                      \
	XX(SIM_RULE_SCOPE, "no-stranger",                                                              \
	   "nothing is accepted from an identity out of scope, expired or not yet valid")              \
	XX(SIM_RULE_BOUNDS, "bounds", "queues, stores and what waits for a peer stay within bounds")   \
	XX(SIM_RULE_DEAD, "dead-letters-explain",                                                      \
	   "no message is given up without a reason and an item for the operator")                     \
	XX(SIM_RULE_REOPEN, "reopen-same",                                                             \
	   "a store that is closed and opened again holds what was committed")                         \
	XX(SIM_RULE_LIVE, "live", "after healing everything comes to rest and every case to its end")  \
	XX(SIM_RULE_TRUTH, "answers-are-true",                                                         \
	   "a verification says what the home region's records said at the time")                      \
	XX(SIM_RULE_CLOCKS, "clocks-right",                                                            \
	   "every limit ends when the working days of the law say, and nothing runs out before")       \
	XX(SIM_RULE_ORIGIN, "origin-stays", "who received a case first is written down once for all")  \
	XX(SIM_RULE_PROMISED, "promised-by-all",                                                       \
	   "nothing rests on an agreement that one of its parties has not signed")                     \
	XX(SIM_RULE_PARTS, "parts-granted",                                                            \
	   "a joint case is granted only if each of its parts is, and they begin in order")            \
	XX(SIM_RULE_MATTERS, "matters-asked",                                                          \
	   "who was asked answers, and what is not answered in working days is overdue")               \
	XX(SIM_RULE_NOTICED, "hostile-noticed",                                                        \
	   "what is refused of a peer is in the audit log of who refused it")

enum sim_rule {
#define XX(name, word, sentence) name,
	SIM_RULE_MAP(XX)
#undef XX
		SIM_RULES
};

struct sim_rule_count {
	uint64_t checked;
	uint64_t broken;
	char first[256];
};

const char *sim_rule_word(enum sim_rule rule);
const char *sim_rule_sentence(enum sim_rule rule);

struct sim_check *sim_check_new(struct sim_world *world);
void sim_check_free(struct sim_check *check);
const struct sim_rule_count *sim_check_counts(const struct sim_check *check); /* SIM_RULES of them */

/* Neither hostile nor with a memory that was put back: what it says binds it. */
bool sim_node_reliable(const struct sim_node *node);

/* A rule was looked at and held. */
void sim_check_held(struct sim_world *world, enum sim_rule rule);
/* It broke: the run ends. |number| is a case, or NULL. */
void sim_check_broke(struct sim_world *world, enum sim_rule rule, uint32_t node, const char *number,
                     const char *fmt, ...) TB_PRINTF(5, 6);

/* A client was told that |number| exists at |node|, for its request |request|. */
void sim_check_acked(struct sim_node *node, uint64_t request, const char *number);
/* A client was told that a material is there. */
void sim_check_acked_material(struct sim_node *node, const uint8_t root[PKI_HASH_BYTES]);

/* Before a node's store is closed, and after it is open again. |sure|: the last commit did not fail. */
void sim_check_closing(struct sim_node *node);
void sim_check_opened(struct sim_node *node);
/* An older backup was put in the store's place. */
void sim_check_restored(struct sim_node *node);
/* Receipts that |peer| gave came to |node|. */
void sim_check_receipts(struct sim_node *node, struct sim_node *peer, const struct core_outbound *outbound);
/* |node|'s fetch of |root| goes on behind its first chunk. */
void sim_check_resumed(struct sim_node *node, const uint8_t root[PKI_HASH_BYTES]);
/* |peer| described itself to somebody. */
void sim_check_shown(struct sim_node *peer, const struct core_outbound *outbound);
/* |node| has refused something of |peer|, or taken note of it: a leaf of this kind, whose subject begins so,
 * the |first|th or later, must say so before long. */
void sim_check_noticed(struct sim_node *node, uint64_t first, PbLeafKind kind, const char *peer,
                       const char *subject);
/* How many leaves its audit log has. */
uint64_t sim_leaves_count(const struct sim_node *node);
/* After a turn's commit, cheap. */
void sim_check_turn(struct sim_node *node);
/* What is new in a node's log since the last look. */
void sim_check_sweep(struct sim_node *node);

/* Has everything come to rest? If not, |why| says what has not. */
bool sim_check_quiet(struct sim_world *world, char *why, size_t room);
/* Is every case at its end, and the same on both sides? */
bool sim_check_ended(struct sim_world *world, char *why, size_t room);
/* All that can be checked at the end. */
void sim_check_end(struct sim_world *world);
