/* What a hostile node answers: receipts, answers and parts of materials that nobody may believe. */
#include <assert.h>
#include <string.h>

#include "sim/check.h"
#include "sim/hostile.h"
#include "sim/net.h"

enum {
	ANSWERS_SPOILT = 50000, /* of a million */
	PARTS_SPOILT = 100000,
	ALWAYS_SPOILT = 1000000,
	PART_SPOILT_LEAST = 512, /* bytes: what is smaller holds no chunk, and little that matters */
	SPOILT_BEHIND = 32,      /* bytes at a part's end, of its last chunk */
};

#define PART_NUMBERS (1U << 31) /* calls and parts are counted apart */

static bool does(const struct sim_node *node, enum sim_act act)
{
	return node->does && strcmp(node->does, sim_act_word(act)) == 0;
}

/* |a| or |b|: what a scenario may have told it to do always. What is drawn is this answer's own: leaving
 * another one out does not change it. */
static bool spoils(struct sim_node *node, uint32_t other, uint32_t number, uint32_t ppm, enum sim_act a,
                   enum sim_act b)
{
	bool told = does(node, a) || does(node, b);
	sim_random_start(&node->malice, node->world->options.seed, "spoils",
	                 sim_mix((uint64_t)node->index << 32 | other, number));
	bool chance = sim_random_chance(&node->malice, told ? ALWAYS_SPOILT : node->does ? 0 : ppm);
	return chance && !node->world->healed &&
	       sim_decide(node->world, SIM_DO_HOSTILE, node->index, other, number);
}

/* ---- receipts, and answers to queries */

/* In which way a receipt is not the one that was waited for. */
enum forgery { OF_ANOTHER_MESSAGE, OF_ANOTHER_CONTENT, OF_BOTH, OF_NO_KIND, NO_RECEIPT, TOO_FEW, FORGERIES };

static struct tb_bytes forged_receipt(struct sim_node *node, struct tb_bytes message, enum forgery how,
                                      struct tb_arena *arena)
{
	PbReceipt receipt = PB_RECEIPT__INIT;
	PbCaseMessage *asked;
	uint8_t id[16], digest[PKI_HASH_BYTES];
	if (how == NO_RECEIPT)
		return tb_arena_bytes(arena, tb_bytes_of("\xff\xff", 2));
	sim_random_bytes(&node->malice, id, sizeof(id));
	if (how == OF_ANOTHER_CONTENT || how == OF_BOTH)
		sim_random_bytes(&node->malice, digest, sizeof(digest));
	else
		pki_sha256(digest, message);
	receipt.id = proto_data(tb_bytes_of(id, sizeof(id)));
	if ((how == OF_ANOTHER_CONTENT || how == OF_NO_KIND) &&
	    PROTO_DECODE_OWN(&asked, case_message, message, arena, NULL) == TB_OK)
		receipt.id = asked->id;
	receipt.digest = proto_data(tb_bytes_of(digest, sizeof(digest)));
	receipt.kind = how == OF_NO_KIND ? (PbReceiptKind)99 : PB_RECEIPT_KIND__DURABLE;
	receipt.at_ms = sim_node_now(node);
	return proto_encode_arena(arena, &receipt.base);
}

/* An answer to a query that nobody asked; what it says would be believed. */
static struct tb_bytes forged_answer(struct sim_node *node, struct tb_arena *arena)
{
	PbAnswer answer = PB_ANSWER__INIT;
	uint8_t query[PKI_HASH_BYTES];
	sim_random_bytes(&node->malice, query, sizeof(query));
	answer.query = proto_data(tb_bytes_of(query, sizeof(query)));
	answer.result = PB_VERIFY_RESULT__CONFIRMED;
	return proto_encode_arena(arena, &answer.base);
}

static void forge(struct sim_node *node, const struct core_inbound *inbound, struct tb_buf *bytes)
{
	static const uint8_t seed[32];
	struct tb_arena arena = {0};
	size_t count = inbound->batch->items_count;
	struct tb_bytes *items = tb_arena_alloc(&arena, (count + 1) * sizeof(*items));
	enum forgery how = (enum forgery)sim_random_below(&node->malice, FORGERIES);
	bool receipts = inbound->call == CORE_DELIVER;
	struct tb_error err;
	for (size_t i = 0; i < count; i++)
		items[i] = receipts ? forged_receipt(node, pki_batch_message(inbound->batch, i), how, &arena)
		                    : forged_answer(node, &arena);
	if (how == TOO_FEW) {
		items[count] = items[0];
		count += count == 1 ? 1 : SIZE_MAX; /* one less; of one message two */
	}
	struct pki_batch_head head = {.kind = receipts ? PB_BATCH_KIND__RECEIPTS : PB_BATCH_KIND__ANSWERS,
	                              .sender = node->code,
	                              .receiver = inbound->peer,
	                              .sent_at = sim_node_now(node),
	                              .expires_at = sim_node_now(node) + TB_BATCH_LIFE_MS / 2,
	                              .in_reply_to = pki_batch_root(inbound->batch)};
	struct pki_random *random = pki_random_new(seed);
	struct pki_batch *batch = pki_batch_build(&head, items, count, random);
	const struct sim_credential *with = &node->identity->message;
	enum tb_code code = pki_batch_sign(batch, with->key, with->chain, with->chain_count, &err);
	assert(code == TB_OK);
	bytes->size = 0;
	pki_batch_encode(bytes, batch);
	pki_batch_free(batch);
	pki_random_free(random);
	tb_arena_clear(&arena);
}

enum sim_act sim_hostile_answer(struct sim_node *node, const struct core_inbound *inbound, uint32_t number,
                                struct tb_buf *bytes)
{
	const struct sim_node *other = sim_node_find(node->world, inbound->peer);
	enum sim_act act = inbound->call == CORE_DELIVER ? SIM_ACT_FORGED_RECEIPT : SIM_ACT_FORGED_ANSWER;
	if (inbound->call == CORE_DESCRIBE ||
	    !spoils(node, other->index, number, ANSWERS_SPOILT, SIM_ACT_NO_ANSWER, act))
		return SIM_ACTS;
	bool silent = sim_random_chance(&node->malice, 500000);
	if (node->does)
		silent = does(node, SIM_ACT_NO_ANSWER);
	act = silent ? SIM_ACT_NO_ANSWER : act;
	sim_tell(node->world, SIM_HOSTILE_ACT, node->index, other->index, NULL, "%s", sim_act_word(act));
	if (!silent)
		forge(node, inbound, bytes);
	return act;
}

void sim_hostile_answered(struct sim_node *node, struct sim_node *peer, const struct core_outbound *outbound,
                          enum sim_act act)
{
	bool receipts = outbound->answer && outbound->call == CORE_DELIVER;
	sim_check_noticed(node, sim_leaves_count(node), PB_LEAF_KIND__LEAF_REFUSED, peer->code,
	                  receipts ? "receipt:" : "answer:");
	sim_mark(&node->world->marks, SIM_MARK_FORGERY_REFUSED);
	sim_tell(node->world, SIM_HOSTILE_SEEN, node->index, peer->index, NULL, "%s", sim_act_word(act));
}

/* ---- parts of materials */

/* The same chunks for another place. */
static void misplace(struct tb_buf *part)
{
	struct tb_arena arena = {0};
	PbMaterialPart *says;
	if (PROTO_DECODE_OWN(&says, material_part, tb_buf_bytes(part), &arena, NULL) == TB_OK &&
	    says->n_chunks > 0) {
		says->first_chunk++;
		part->size = 0;
		proto_encode(part, &says->base);
	} else {
		part->data[part->size - 1] ^= 0x40;
	}
	tb_arena_clear(&arena);
}

static void spoil(struct sim_node *node, struct tb_buf *part)
{
	uint64_t behind = sim_random_below(&node->malice, SPOILT_BEHIND);
	switch (sim_random_below(&node->malice, 4)) {
	case 0:
		part->size--; /* within its last field */
		break;
	case 1:
		tb_buf_add(part, "\xff\xff", 2);
		break;
	case 2:
		misplace(part);
		break;
	default:
		part->data[part->size - 1 - behind] ^= 0x40;
		break;
	}
}

bool sim_hostile_part(struct sim_node *node, uint32_t receiver, uint32_t number, struct tb_buf *part,
                      bool *spoilt)
{
	*spoilt = false;
	if (part->size < PART_SPOILT_LEAST || !spoils(node, receiver, PART_NUMBERS | number, PARTS_SPOILT,
	                                              SIM_ACT_FALSE_PART, SIM_ACT_SHORT_PART))
		return true;
	bool ends = sim_random_chance(&node->malice, 500000);
	if (node->does)
		ends = does(node, SIM_ACT_SHORT_PART);
	sim_tell(node->world, SIM_HOSTILE_ACT, node->index, receiver, NULL, "%s",
	         sim_act_word(ends ? SIM_ACT_SHORT_PART : SIM_ACT_FALSE_PART));
	if (ends)
		return false;
	spoil(node, part);
	*spoilt = true;
	return true;
}

void sim_hostile_part_taken(struct sim_node *node, struct sim_node *peer, enum tb_code code)
{
	struct sim_world *world = node->world;
	if (code == TB_OK)
		sim_check_broke(world, SIM_RULE_SCOPE, node->index, NULL,
		                "an altered part of a material was taken");
	if (tb_code_fault(code) != TB_FAULT_PEER)
		return; /* its own disk failed before it looked */
	sim_check_noticed(node, sim_leaves_count(node), PB_LEAF_KIND__LEAF_REFUSED, peer->code, "part:");
	sim_mark(&world->marks, SIM_MARK_PART_REFUSED);
	sim_tell(world, SIM_HOSTILE_SEEN, node->index, peer->index, NULL, "%s",
	         sim_act_word(SIM_ACT_FALSE_PART));
}
