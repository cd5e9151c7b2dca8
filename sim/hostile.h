/* Hostile peers: nodes whose keys are in the wrong hands. Their cores run as everyone's, so that they have
 * something to say; what they say besides, or instead, is made here. Each act must be refused, and noticed.
 */
#pragma once

#include "sim/node.h"

/* name, word, sentence */
#define SIM_ACT_MAP(XX)                                                                        \
	XX(SIM_ACT_BAD_SIGNATURE, "bad-signature", "a batch whose signature does not hold")    \
	XX(SIM_ACT_FOREIGN_SENDER, "foreign-sender", "a batch that names another sender")      \
	XX(SIM_ACT_FOREIGN_NAME, "foreign-name", "its own CA certifies another region's name") \
	XX(SIM_ACT_EXPIRED, "expired", "a batch under an expired certificate")                 \
	XX(SIM_ACT_NOT_YET, "not-yet-valid", "a batch under a certificate of the future")      \
	XX(SIM_ACT_REPLAY, "replay", "the same batch of queries again, at once")               \
	XX(SIM_ACT_REPLAY_LATE, "replay-late", "a batch again when its time is over")          \
	XX(SIM_ACT_OTHER_BODY, "other-body", "a message's id again with another content")      \
	XX(SIM_ACT_FORGED_ENTRY, "forged-entry", "an entry that its table does not allow")     \
	XX(SIM_ACT_STRANGER_CASE, "stranger-case", "an entry for a case of others")            \
	XX(SIM_ACT_FLOOD, "flood", "queries far over the granted rate")                        \
	XX(SIM_ACT_GARBAGE, "garbage", "bytes that are no batch")                              \
	XX(SIM_ACT_FALSE_STATEMENT, "false-statement", "it signs an agreement for another")    \
	XX(SIM_ACT_MANY_PROPOSALS, "many-proposals", "more proposals than a partner keeps")    \
	XX(SIM_ACT_FORGED_RECEIPT, "forged-receipt", "receipts for another message")           \
	XX(SIM_ACT_FORGED_ANSWER, "forged-answer", "an answer to a query that nobody asked")   \
	XX(SIM_ACT_NO_ANSWER, "no-answer", "a call that is never answered")                    \
	XX(SIM_ACT_FALSE_PART, "false-part", "a part of a material that is altered")           \
	XX(SIM_ACT_SHORT_PART, "short-part", "a material that ends too early")

enum sim_act {
#define XX(name, word, sentence) name,
	SIM_ACT_MAP(XX)
#undef XX
		SIM_ACTS
};

const char *sim_act_word(enum sim_act act);

/* ---- hostile_answer.c */

/* What a hostile node does to the answer |bytes| of its own core to call |number| on its link; SIM_ACTS:
 * nothing. */
enum sim_act sim_hostile_answer(struct sim_node *node, const struct core_inbound *inbound, uint32_t number,
                                struct tb_buf *bytes);
/* |node| got an answer that |peer| had forged, as |act| says, and is about to look at it in a turn. */
void sim_hostile_answered(struct sim_node *node, struct sim_node *peer, const struct core_outbound *outbound,
                          enum sim_act act);
/* What it does to a part of a material, which is |number| on its link; false: the stream ends here. |*spoilt|
 * is set if the receiver must refuse it. */
bool sim_hostile_part(struct sim_node *node, uint32_t receiver, uint32_t number, struct tb_buf *part,
                      bool *spoilt);
/* What |node| made of a part that |peer| had spoilt; its fetch is about to go back to its core. */
void sim_hostile_part_taken(struct sim_node *node, struct sim_node *peer, enum tb_code code);

/* ---- hostile.c */

/* One act of |node| against a peer of its; |random| is the act's own. */
void sim_hostile_act(struct sim_node *node, const struct sim_random *random);
/* This very act, against |to|. Those that spoil an answer wait for one. */
void sim_hostile_do(struct sim_node *node, struct sim_node *to, enum sim_act act);
bool sim_act_find(const char *word, enum sim_act *out);
/* Forgets the certificates that |node| has made. */
void sim_hostile_clear(struct sim_node *node);
