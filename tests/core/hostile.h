/* What a hostile peer sends: real messages of the pair, taken from an outbox, altered, chained anew and
 * signed with the peer's own key. Nobody but a peer could make them, and only the receiver's core can refuse
 * them. */
#pragma once

#include "tests/core/pair.h"

/* A case message in the making. */
struct forgery {
	struct pair *pair;
	struct side *from;
	struct side *to;
	struct tb_arena arena;
	PbCaseMessage *message;
	PbCaseEntry **entries; /* of its package or its entries; may be changed, added to, or cut */
	size_t count;
	struct tb_bytes head; /* of the entry before the first */
	bool raw;             /* the entries are in the message as they are to be sent */
	bool unchained;       /* every entry keeps its |previous| */
	bool same_id;         /* not to get an id of its own */
};

/* Decodes the newest message of |from| that has no receipt yet. */
void forgery_take(struct forgery *forgery, struct pair *pair, struct side *from);
void forgery_clear(struct forgery *forgery);
/* Puts the entries into the message and encodes it; in the forgery's arena. */
struct tb_bytes forgery_encode(struct forgery *forgery);
/* Sends it alone, and gives the receipt. */
const PbReceipt *forgery_send(struct forgery *forgery, struct pair_reply *reply);

/* Sends |post| to |to| as a message of |author|, which signs for itself, and gives the receipt. */
const PbReceipt *hostile_post(struct pair *pair, const struct region *author, struct side *to,
                              PbMatterPost *post, struct pair_reply *reply);

/* A batch of |count| messages from |from| to |to|, signed by |signer|, encoded. */
void hostile_batch(struct pair *pair, struct tb_buf *out, PbBatchKind kind, const char *from, const char *to,
                   const struct credential *signer, const struct tb_bytes *messages, size_t count);
/* The same with |in_reply_to|. */
void hostile_answer(struct pair *pair, struct tb_buf *out, PbBatchKind kind, const char *from, const char *to,
                    const struct credential *signer, struct tb_bytes in_reply_to,
                    const struct tb_bytes *messages, size_t count);

/* What no refused input may change, as a text to be compared and freed: how much is in the tables, and all
 * that is shown of the case |number| (NULL: of none). */
char *hostile_state(struct pair *pair, struct side *side, const char *number);
/* Frees |before|. */
void hostile_assert_unchanged(struct pair *pair, struct side *side, const char *number, char *before,
                              const char *what);
/* How many audit leaves of |kind| are there. */
size_t hostile_leaves(struct pair *pair, struct side *side, const char *kind);
/* The receipt of what is in the inbox, whether by |message|'s id or not: how many messages of |peer| are
 * remembered. */
uint64_t hostile_count(struct side *side, int table);

/* A peer as configuration would have it, with |verify| types and case |items|, each ended by NULL. */
struct hostile_grant {
	const char *const *types;
	PbDisclosure disclosure;
	const char *const *items;
	uint32_t per_second;
	uint32_t burst;
};
void hostile_add_peer(struct peer_set *set, const struct region *region, const struct hostile_grant *grant);

/* ---- the same lie in many forms */

struct alteration {
	const char *what;
	void (*alter)(struct forgery *f);
	const char *code;   /* of the receipt */
	const char *reason; /* what the receipt's reason holds */
};

/* A function that alters |f|. */
#define ALTER(name, ...)                    \
	static void name(struct forgery *f) \
	{                                   \
		__VA_ARGS__;                \
	}

/* |text| in the forgery's arena. */
char *forgery_word(struct forgery *f, const char *text);
PbApplication *forgery_application(struct forgery *f);
PbMaterial *forgery_material(struct forgery *f);
/* Sends what |from| has in its outbox, |entries| of the log in it, once more with the alteration: |to|
 * refuses it, and knows of the case |number| (NULL: of none) what it knew. */
void hostile_refuse_altered(struct pair *pair, struct side *from, struct side *to, const char *number,
                            size_t entries, const struct alteration *a);
/* The same for each of |count| lies, with a case of its own that is signed for: |say| parts the two nodes and
 * lets |from| say what will be altered. In the end a case goes all its way. */
void hostile_refuse_each(struct pair *pair, struct side *from, struct side *to, size_t entries,
                         const struct alteration *alterations, size_t count,
                         void (*say)(struct pair *pair, const char *number));
/* A case goes all its way, whatever was refused before. */
void hostile_assert_works(struct pair *pair);
