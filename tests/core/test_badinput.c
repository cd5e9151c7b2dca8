/* Bad input at the edge of the core: batches, chains, proofs, materials, queries and clocks that are not as
 * they should be. Whatever comes, it gets a coded answer, changes nothing, and the pair works as before. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)

#define OTHER "330100"
#define TYPE "11100000000013338W032"
#define HOLDER "11010519491231002X"

static void assert_works(struct pair *pair)
{
	char number[32];
	pair_submit(pair, true, number);
	pair_pass(pair, TB_HOUR);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	pair_pass(pair, TB_HOUR);
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__ACCEPTED);
	pair_assert_equal_logs(pair, number);
}

/* A query of |home|'s certificate, encoded. */
static struct tb_bytes query_of(struct tb_arena *arena, const char *number, const char *purpose)
{
	PbQuery *query = PROTO_NEW(PbQuery, query, arena);
	query->type = tb_arena_str(arena, TYPE);
	query->number = tb_arena_str(arena, number);
	query->purpose = tb_arena_str(arena, purpose);
	query->basis = tb_arena_str(arena, "条例");
	query->disclosure = PB_DISCLOSURE__STATUS;
	return proto_encode_arena(arena, &query->base);
}

static const PbAnswer *answer_of(const struct pair_reply *reply, size_t i)
{
	return (const PbAnswer *)(const void *)reply->messages[i];
}

/* The newest message of |from|, as it would be sent: a signed batch. */
static void honest_batch(struct pair *pair, struct side *from, struct tb_buf *out)
{
	struct forgery f;
	forgery_take(&f, pair, from);
	f.same_id = true;
	struct tb_bytes message = forgery_encode(&f);
	hostile_batch(pair, out, PB_BATCH_KIND__MESSAGES, from->region.code, f.to->region.code,
	              &from->region.message, &message, 1);
	forgery_clear(&f);
}

/* ---- replays */

static void test_a_replayed_batch_of_queries_is_refused_and_audited(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	struct pair_reply reply;
	struct tb_bytes query = query_of(&arena, "1", "核验");
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, WINDOW, HOME, &pair->window.region.message,
	              &query, 1);
	OK(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), &reply));
	pair_reply_clear(&reply);
	for (int again = 0; again < 3; again++) {
		size_t refused = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
		uint64_t batches = hostile_count(&pair->home, KV_BATCH);
		char *before = hostile_state(pair, &pair->home, NULL);
		assert_int_equal(
			pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), &reply),
			TB_EREPLAY);
		assert_null(reply.batch);
		assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_REFUSED"), refused + 1);
		assert_int_equal(hostile_count(&pair->home, KV_BATCH), batches);
		hostile_assert_unchanged(pair, &pair->home, NULL, before, "a replay");
		pair_reply_clear(&reply);
		pair_crash(pair, &pair->home); /* the nonce is not only in memory */
	}
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	assert_works(pair);
	pair_free(pair);
}

static void test_nonces_are_forgotten_as_fast_as_they_come(void **state)
{
	enum { MANY = 4500 };
	struct pair *pair = pair_new(*state);
	struct store_txn *txn;
	struct tb_error err;
	assert_int_equal(store_write(&txn, pair->home.setup.store, &err), TB_OK);
	for (uint32_t i = 0; i < MANY; i++) {
		struct kv_key key = kv_key_u64((uint64_t)(pair->now - TB_DAY));
		kv_key_add_str(&key, WINDOW);
		kv_key_add_u32(&key, i);
		store_put(txn, KV_NONCE, kv_key_bytes(&key), tb_bytes_of(NULL, 0));
	}
	assert_int_equal(store_commit(txn, &err), TB_OK);
	assert_true(hostile_count(&pair->home, KV_NONCE) >= MANY);
	pair_pass(pair, TB_MINUTE + TB_SECOND);
	assert_true(hostile_count(&pair->home, KV_NONCE) < 100);
	pair_free(pair);
}

static void test_a_nonce_is_forgotten_only_when_its_batch_is_refused_for_its_age(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	struct pair_reply reply;
	struct tb_bytes query = query_of(&arena, "1", "核验");
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, WINDOW, HOME, &pair->window.region.message,
	              &query, 1);
	OK(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), &reply));
	pair_reply_clear(&reply);
	bool expired = false;
	while (hostile_count(&pair->home, KV_NONCE) > 0) {
		enum tb_code code =
			pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), NULL);
		assert_true(code == TB_EREPLAY || code == TB_EEXPIRED);
		assert_true(!expired || code == TB_EEXPIRED);
		expired = code == TB_EEXPIRED;
		pair_pass(pair, TB_MINUTE);
	}
	assert_true(expired);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), NULL),
	                 TB_EEXPIRED);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	pair_free(pair);
}

static void test_a_replayed_batch_of_messages_gets_the_same_receipts_and_does_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf bytes = {0};
	struct pair_reply first, again;
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	honest_batch(pair, &pair->window, &bytes);
	pair->parted = false;
	OK(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), &first));
	char *before = hostile_state(pair, &pair->home, number);
	uint64_t inbox = hostile_count(&pair->home, KV_INBOX);
	OK(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), &again));
	assert_true(tb_bytes_equal(pki_batch_message(first.batch, 0), pki_batch_message(again.batch, 0)));
	assert_int_equal(hostile_count(&pair->home, KV_INBOX), inbox);
	hostile_assert_unchanged(pair, &pair->home, number, before, "a replay");
	pair_reply_clear(&first);
	pair_reply_clear(&again);
	tb_buf_clear(&bytes);
	pair_pass(pair, TB_HOUR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

/* ---- receipts that are not what was asked for */

enum lie {
	NO_LIE,
	BY_THE_RECEIVER,
	OF_ANOTHER_MESSAGE,
	OF_ANOTHER_CONTENT,
	OF_NO_KIND,
	MALFORMED,
	TO_ANOTHER,
	TOO_FEW
};

static void lie_in_receipts(struct pair *pair, struct side *from, const struct core_inbound *inbound,
                            struct tb_buf *bytes)
{
	enum lie lie = *(enum lie *)pair->test;
	struct tb_arena arena = {0};
	struct tb_bytes root = pki_batch_root(inbound->batch), messages[TB_BATCH_ITEMS_MAX];
	struct side *to = pair_side(pair, inbound->peer);
	const struct credential *signer =
		lie == BY_THE_RECEIVER ? &to->region.message : &from->region.message;
	const char *sender = lie == BY_THE_RECEIVER ? to->region.code : from->region.code;
	uint8_t other[PKI_HASH_BYTES] = {1};
	if (inbound->call != CORE_DELIVER || lie == NO_LIE || from != &pair->home)
		return;
	for (size_t i = 0; i < inbound->batch->items_count; i++) {
		PbReceipt *receipt;
		OK(PROTO_DECODE(&receipt, receipt, pki_batch_message(inbound->answer, i), &arena, NULL));
		if (lie == OF_ANOTHER_MESSAGE)
			receipt->id.data[3] ^= 1;
		else if (lie == OF_ANOTHER_CONTENT)
			receipt->digest.data[3] ^= 1;
		else if (lie == OF_NO_KIND)
			receipt->kind = (PbReceiptKind)9;
		messages[i] = lie == MALFORMED ? tb_bytes_str("\xff\xff")
		                               : proto_encode_arena(&arena, &receipt->base);
	}
	if (lie == TO_ANOTHER)
		root = tb_bytes_of(other, sizeof(other));
	size_t count = inbound->batch->items_count;
	if (lie == TOO_FEW) {
		messages[count] = messages[0];
		count++;
	}
	bytes->size = 0;
	hostile_answer(pair, bytes, PB_BATCH_KIND__RECEIPTS, sender, to->region.code, signer, root, messages,
	               count);
	tb_arena_clear(&arena);
}

static void test_a_receipt_that_is_not_the_right_one_settles_nothing(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	enum lie lie = NO_LIE;
	pair->test = &lie;
	pair->answering = lie_in_receipts;
	for (enum lie next = BY_THE_RECEIVER; next <= TOO_FEW; next++) {
		lie = next;
		size_t leaves = hostile_leaves(pair, &pair->window, "LEAF_REFUSED");
		pair_submit(pair, true, number);
		assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 1);
		pair_pass(pair, TB_HOUR);
		assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 1);
		if (hostile_leaves(pair, &pair->window, "LEAF_REFUSED") <= leaves)
			fail_msg("lie %d left no leaf", (int)next);
		lie = NO_LIE;
		pair_pass(pair, TB_HOUR);
		assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
		assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__SIGNED_FOR);
		pair_assert_equal_logs(pair, number);
	}
	assert_works(pair);
	pair_free(pair);
}

/* ---- altered on the way */

static void test_no_byte_of_a_batch_can_be_altered(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_buf bytes = {0};
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	honest_batch(pair, &pair->window, &bytes);
	char *before = hostile_state(pair, &pair->home, NULL);
	size_t leaves = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	for (size_t i = 0; i < bytes.size; i += 7) {
		struct pair_reply reply;
		bytes.data[i] ^= (uint8_t)(1U << i % 8);
		enum tb_code code =
			pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), &reply);
		if (code == TB_OK || tb_code_fault(code) != TB_FAULT_PEER)
			fail_msg("byte %zu: %s", i, tb_code_name(code));
		assert_true(reply.error.text[0] != 0);
		pair_reply_clear(&reply);
		bytes.data[i] ^= (uint8_t)(1U << i % 8);
	}
	for (size_t size = 0; size < bytes.size; size += 11)
		assert_int_not_equal(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW,
		                                 tb_bytes_of(bytes.data, size), NULL),
		                     TB_OK);
	/* All of it is in the audit log, and does not fill it. */
	leaves = hostile_leaves(pair, &pair->home, "LEAF_REFUSED") - leaves;
	assert_in_range(leaves, 1, REFUSED_KINDS);
	hostile_assert_unchanged(pair, &pair->home, NULL, before, "an altered batch");
	tb_buf_clear(&bytes);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	pair_assert_equal_logs(pair, number);
	assert_works(pair);
	pair_free(pair);
}

static void test_a_batch_for_another_node_or_of_another_kind_is_refused(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_bytes query = query_of(&arena, "1", "核验");
	const struct {
		PbBatchKind kind;
		const char *sender, *receiver, *link;
		enum core_call call;
		enum tb_code code;
	} cases[] = {
		{PB_BATCH_KIND__QUERIES, WINDOW, OTHER, WINDOW, CORE_VERIFY, TB_EREPLAY},
		{PB_BATCH_KIND__QUERIES, WINDOW, WINDOW, WINDOW, CORE_VERIFY, TB_EREPLAY},
		{PB_BATCH_KIND__QUERIES, HOME, HOME, WINDOW, CORE_VERIFY, TB_EUNTRUSTED},
		{PB_BATCH_KIND__QUERIES, OTHER, HOME, WINDOW, CORE_VERIFY, TB_EUNTRUSTED},
		{PB_BATCH_KIND__QUERIES, WINDOW, HOME, OTHER, CORE_VERIFY, TB_EDENIED},
		{PB_BATCH_KIND__MESSAGES, WINDOW, HOME, WINDOW, CORE_VERIFY, TB_EMALFORMED},
		{PB_BATCH_KIND__QUERIES, WINDOW, HOME, WINDOW, CORE_DELIVER, TB_EMALFORMED},
		{PB_BATCH_KIND__ANSWERS, WINDOW, HOME, WINDOW, CORE_VERIFY, TB_EMALFORMED},
		{PB_BATCH_KIND__QUERIES, WINDOW, HOME, WINDOW, CORE_DESCRIBE, TB_EMALFORMED},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tb_buf bytes = {0};
		char *before = hostile_state(pair, &pair->home, NULL);
		hostile_batch(pair, &bytes, cases[i].kind, cases[i].sender, cases[i].receiver,
		              &pair->window.region.message, &query, 1);
		assert_int_equal(pair_inject(pair, &pair->home, cases[i].call, cases[i].link,
		                             tb_buf_bytes(&bytes), NULL),
		                 cases[i].code);
		hostile_assert_unchanged(pair, &pair->home, NULL, before, "a batch that is not for here");
		tb_buf_clear(&bytes);
	}
	tb_arena_clear(&arena);
	assert_works(pair);
	pair_free(pair);
}

/* ---- the CA of one region speaking for another */

static void issue_from(struct pair *pair, struct credential *out, const struct pki_key *ca,
                       struct tb_bytes ca_pem, const struct pki_issue *issue)
{
	struct tb_buf pem = {0};
	struct tb_error err = {0};
	OK(pki_key_generate(&out->key, PKI_P256, &err));
	OK(pki_issue_leaf(&pem, out->key, ca, ca_pem, issue, &err));
	OK(pki_pem_to_chain(out->chain, &out->chain_count, tb_buf_bytes(&pem), &pair->window.region.arena,
	                    &err));
	tb_buf_clear(&pem);
}

static struct pki_issue message_leaf(const char *region, const char *uri)
{
	return (struct pki_issue){.region = region,
	                          .role = PKI_ROLE_MESSAGE,
	                          .common_name = "forged",
	                          .valid_from = NOW - TB_DAY,
	                          .valid_until = NOW + 30 * TB_DAY,
	                          .uri_override = uri};
}

/* |signer| signs a query to the window in the name of home, and a message to home in the name of the window.
 */
static void assert_nobody_believes(struct pair *pair, const struct credential *signer, const char *sender,
                                   const char *what)
{
	struct tb_arena arena = {0};
	struct tb_bytes query = query_of(&arena, "1", "核验");
	struct side *to = pair_side(pair, strcmp(sender, HOME) == 0 ? WINDOW : HOME);
	struct tb_buf bytes = {0};
	char *before = hostile_state(pair, to, NULL);
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, sender, to->region.code, signer, &query, 1);
	enum tb_code code = pair_inject(pair, to, CORE_VERIFY, sender, tb_buf_bytes(&bytes), NULL);
	if (code != TB_EUNTRUSTED)
		fail_msg("%s: %s", what, tb_code_name(code));
	hostile_assert_unchanged(pair, to, NULL, before, what);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
}

static void test_no_region_issues_for_another(void **state)
{
	struct pair *pair = pair_new(*state);
	struct region *window = &pair->window.region;
	struct credential leaf = {0}, middle = {0}, below = {0};
	struct tb_buf pem = {0};
	/* A leaf that names the other region, and one that only its holder says is the other's. */
	struct pki_issue issue = message_leaf(HOME, "spiffe://" HOME "/message");
	issue_from(pair, &leaf, window->ca, tb_buf_bytes(&window->ca_pem), &issue);
	assert_nobody_believes(pair, &leaf, HOME, "a leaf of the window's CA that names home");
	assert_nobody_believes(pair, &leaf, WINDOW, "a leaf that names home, used for the window");
	assert_nobody_believes(pair, &window->message, HOME, "the window's key in the name of home");
	assert_nobody_believes(pair, &window->node, WINDOW, "the TLS key in place of the message key");
	assert_nobody_believes(pair, &window->seal, WINDOW, "a seal key in place of the message key");
	/* An intermediate of the window's CA that names home, and a leaf of home below it. */
	struct pki_issue ca = message_leaf(HOME, NULL);
	ca.ca = true;
	issue_from(pair, &middle, window->ca, tb_buf_bytes(&window->ca_pem), &ca);
	pki_chain_to_pem(&pem, middle.chain, middle.chain_count);
	issue = message_leaf(HOME, NULL);
	issue_from(pair, &below, middle.key, tb_buf_bytes(&pem), &issue);
	if (below.chain_count == 1)
		below.chain[below.chain_count++] = middle.chain[0];
	assert_nobody_believes(pair, &below, HOME, "a leaf below an intermediate of the window's CA");
	/* The same with the window's CA sent along as if it were one of home's intermediates. */
	struct tb_bytes root[TB_CHAIN_CERTS_MAX];
	size_t roots;
	OK(pki_pem_to_chain(root, &roots, tb_buf_bytes(&window->ca_pem), &window->arena, NULL));
	below.chain[below.chain_count++] = root[0];
	assert_nobody_believes(pair, &below, HOME, "the same with the window's CA in the chain");
	pki_key_free(leaf.key);
	pki_key_free(middle.key);
	pki_key_free(below.key);
	tb_buf_clear(&pem);
	assert_works(pair);
	pair_free(pair);
}

/* ---- too large, too deep, too many */

static void test_a_batch_over_a_limit_is_refused_before_it_is_read(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0}, deep = {0};
	struct tb_bytes query = query_of(&arena, "1", "核验"), two[] = {query, query};
	char *before = hostile_state(pair, &pair->home, NULL);
	uint8_t *huge = calloc(1, TB_MESSAGE_BYTES_MAX + 1);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW,
	                             tb_bytes_of(huge, TB_MESSAGE_BYTES_MAX + 1), NULL),
	                 TB_ETOOBIG);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW,
	                             tb_bytes_of(huge, TB_MESSAGE_BYTES_MAX), NULL),
	                 TB_EMALFORMED);
	free(huge);
	/* Every field of SignedBatch, opened ten thousand times over. */
	for (uint8_t tag = 0x0a; tag <= 0x22; tag += 8) {
		deep.size = 0;
		for (unsigned i = 0; i < 10000; i++)
			tb_buf_add(&deep, (uint8_t[]){tag, 0xff, 0xff, 0x03}, 4);
		assert_int_equal(
			pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&deep), NULL),
			TB_EMALFORMED);
	}
	/* Groups, which no field of ours is. */
	deep.size = 0;
	for (unsigned i = 0; i < 10000; i++)
		tb_buf_add(&deep, "\x2b", 1);
	assert_int_not_equal(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&deep), NULL),
	                     TB_OK);
	/* An item more than was signed for. */
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, WINDOW, HOME, &pair->window.region.message,
	              &query, 1);
	tb_buf_add(&bytes,
	           "\x22\x10"
	           "0123456789abcdef",
	           18);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), NULL),
	                 TB_EMALFORMED);
	/* Two questions where one belongs. */
	bytes.size = 0;
	hostile_batch(pair, &bytes, PB_BATCH_KIND__DESCRIBE, WINDOW, HOME, &pair->window.region.message, two,
	              2);
	assert_int_equal(pair_inject(pair, &pair->home, CORE_DESCRIBE, WINDOW, tb_buf_bytes(&bytes), NULL),
	                 TB_ETOOBIG);
	hostile_assert_unchanged(pair, &pair->home, NULL, before, "a batch over a limit");
	tb_buf_clear(&bytes);
	tb_buf_clear(&deep);
	tb_arena_clear(&arena);
	assert_works(pair);
	pair_free(pair);
}

static void test_a_malformed_item_harms_no_neighbour(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0}, deep = {0};
	struct pair_reply reply;
	for (unsigned i = 0; i < 10000; i++)
		tb_buf_add(&deep, "\x22\xff\xff\x03", 4);
	const struct tb_bytes items[] = {
		query_of(&arena, "1", "核验"),
		tb_buf_bytes(&deep),
		tb_bytes_str("\xff\xff\xff\xff"),
		tb_bytes_of(NULL, 0),
		tb_bytes_str("\x0a\x03"
	                     "a\x01z"),
		query_of(&arena, "2", "核验"),
	};
	static const PbVerifyResult results[] = {
		PB_VERIFY_RESULT__NOT_FOUND, PB_VERIFY_RESULT__BAD_QUERY, PB_VERIFY_RESULT__BAD_QUERY,
		PB_VERIFY_RESULT__BAD_QUERY, PB_VERIFY_RESULT__BAD_QUERY, PB_VERIFY_RESULT__NOT_FOUND,
	};
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, WINDOW, HOME, &pair->window.region.message, items,
	              6);
	OK(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), &reply));
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(answer_of(&reply, i)->result, results[i]);
	pair_reply_clear(&reply);
	bytes.size = 0;
	char number[32];
	struct forgery f;
	pair->parted = true;
	pair_submit(pair, true, number);
	forgery_take(&f, pair, &pair->window);
	f.same_id = true;
	const struct tb_bytes messages[] = {tb_buf_bytes(&deep), tb_bytes_str("\x09"), forgery_encode(&f)};
	hostile_batch(pair, &bytes, PB_BATCH_KIND__MESSAGES, WINDOW, HOME, &pair->window.region.message,
	              messages, 3);
	pair->parted = false;
	OK(pair_inject(pair, &pair->home, CORE_DELIVER, WINDOW, tb_buf_bytes(&bytes), &reply));
	for (size_t i = 0; i < 3; i++) {
		const PbReceipt *receipt = (const PbReceipt *)(const void *)reply.messages[i];
		assert_int_equal(receipt->kind, i < 2 ? PB_RECEIPT_KIND__REJECTED : PB_RECEIPT_KIND__DURABLE);
		assert_string_equal(receipt->code, i < 2 ? "malformed" : "");
	}
	pair_reply_clear(&reply);
	forgery_clear(&f);
	tb_buf_clear(&bytes);
	tb_buf_clear(&deep);
	tb_arena_clear(&arena);
	pair_pass(pair, TB_HOUR);
	pair_assert_equal_logs(pair, number);
	pair_free(pair);
}

static void test_a_query_without_purpose_or_basis_is_not_answered_whatever_the_asker_left_out(void **state)
{
	struct pair *pair = pair_new(*state);
	struct tb_arena arena = {0};
	struct tb_buf bytes = {0};
	struct pair_reply reply;
	struct tb_bytes items[6];
	for (size_t i = 0; i < 6; i++) {
		PbQuery *query;
		OK(PROTO_DECODE(&query, query, query_of(&arena, "1", "核验"), &arena, NULL));
		char *nothing = tb_arena_str(&arena, "");
		if (i == 0)
			query->purpose = nothing;
		else if (i == 1)
			query->basis = nothing;
		else if (i == 2)
			query->number = nothing;
		else if (i == 3)
			query->type = nothing;
		else if (i == 4)
			query->disclosure = PB_DISCLOSURE__DISCLOSURE_UNSPECIFIED;
		else
			query->disclosure = (PbDisclosure)99;
		items[i] = proto_encode_arena(&arena, &query->base);
	}
	hostile_batch(pair, &bytes, PB_BATCH_KIND__QUERIES, WINDOW, HOME, &pair->window.region.message, items,
	              6);
	OK(pair_inject(pair, &pair->home, CORE_VERIFY, WINDOW, tb_buf_bytes(&bytes), &reply));
	for (size_t i = 0; i < 6; i++) {
		const PbAnswer *answer = answer_of(&reply, i);
		assert_true(answer->result == PB_VERIFY_RESULT__BAD_QUERY ||
		            (i == 5 && answer->result == PB_VERIFY_RESULT__NOT_GRANTED));
		assert_int_equal(answer->state, PB_CREDENTIAL_STATE__CREDENTIAL_STATE_UNSPECIFIED);
		assert_null(answer->document);
	}
	pair_reply_clear(&reply);
	tb_buf_clear(&bytes);
	tb_arena_clear(&arena);
	pair_free(pair);
}

/* ---- clocks set back */

static void test_a_clock_set_back_stops_no_case(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	for (int hours = 1; hours <= 2; hours++) {
		pair_set_back(pair, hours * TB_HOUR);
		pair_run(pair);
		OK(pair_act(pair, &pair->home, number, hours == 1 ? "START" : "GRANT", "H_DEPT", ""));
		pair_crash(pair, hours == 1 ? &pair->home : &pair->window);
		pair_pass(pair, TB_MINUTE);
	}
	assert_int_equal(pair_case(pair, &pair->window, number)->state, PB_CASE_STATE__GRANTED);
	pair_assert_equal_logs(pair, number);
	assert_works(pair);
	PbAuditVerifyResponse *audit = (PbAuditVerifyResponse *)(void *)pair_ask(
		pair, &pair->home, "/tongban.v1.AuditService/Verify", "{}");
	assert_true(audit->intact);
	pair_free(pair);
}

static void test_a_clock_set_back_lets_nobody_wait_longer_than_the_longest_retry(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32];
	pair->parted = true;
	pair_submit(pair, true, number);
	pair_pass(pair, TB_HOUR);
	pair_set_back(pair, TB_HOUR);
	pair->parted = false;
	pair_pass(pair, 7 * TB_MINUTE);
	assert_int_equal(hostile_count(&pair->window, KV_OUTGOING), 0);
	pair_pass(pair, 7 * TB_MINUTE);
	assert_int_equal(pair_case(pair, &pair->home, number)->state, PB_CASE_STATE__SIGNED_FOR);
	pair_free(pair);
}

static void test_what_has_ended_stays_ended_when_the_clock_is_set_back(void **state)
{
	struct pair *pair = pair_new(*state);
	char lapsed[32], unsent[32];
	pair_submit(pair, true, lapsed);
	OK(pair_act(pair, &pair->home, lapsed, "NOTIFY", "H_WIN",
	            "\"detail\":{\"needs\":[{\"code\":\"M2\",\"name\":\"驾驶证\"}]}"));
	pair_pass(pair, 60 * TB_DAY);
	pair->parted = true;
	pair_submit(pair, true, unsent);
	pair_pass(pair, 7 * TB_DAY + TB_HOUR);
	assert_int_equal(hostile_count(&pair->window, KV_DEAD), 1);
	char *before = hostile_state(pair, &pair->home, lapsed);
	pair_set_back(pair, 2 * TB_HOUR);
	pair_crash(pair, &pair->window);
	pair_crash(pair, &pair->home);
	pair_pass(pair, TB_HOUR);
	hostile_assert_unchanged(pair, &pair->home, lapsed, before, "the clock set back");
	assert_int_equal(pair_act(pair, &pair->home, lapsed, "ACCEPT", "H_WIN", ""), TB_ESTATE);
	assert_int_equal(hostile_count(&pair->window, KV_DEAD), 1);
	pair->parted = false;
	pair_pass(pair, TB_HOUR);
	/* The letter that was given up never arrives; its case is the window's again. */
	PbCaseView *view = pair_case(pair, &pair->window, unsent);
	assert_int_equal(view->state, PB_CASE_STATE__CHECKING);
	assert_string_equal(view->owner, WINDOW);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_replayed_batch_of_queries_is_refused_and_audited),
		TEST(test_nonces_are_forgotten_as_fast_as_they_come),
		TEST(test_a_nonce_is_forgotten_only_when_its_batch_is_refused_for_its_age),
		TEST(test_a_replayed_batch_of_messages_gets_the_same_receipts_and_does_nothing),
		TEST(test_a_receipt_that_is_not_the_right_one_settles_nothing),
		TEST(test_no_byte_of_a_batch_can_be_altered),
		TEST(test_a_batch_for_another_node_or_of_another_kind_is_refused),
		TEST(test_no_region_issues_for_another),
		TEST(test_a_batch_over_a_limit_is_refused_before_it_is_read),
		TEST(test_a_malformed_item_harms_no_neighbour),
		TEST(test_a_query_without_purpose_or_basis_is_not_answered_whatever_the_asker_left_out),
		TEST(test_a_clock_set_back_stops_no_case),
		TEST(test_a_clock_set_back_lets_nobody_wait_longer_than_the_longest_retry),
		TEST(test_what_has_ended_stays_ended_when_the_clock_is_set_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
