/* Agreements that a partner shows: nothing is kept that its proposer has not signed so, and of one partner no
 * more than its share. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define SERVICE "/tongban.v1.AgreementService/"

static PbAgreementView *get(struct pair *pair, struct side *side, const char *id, unsigned version)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"version\":%u}", id, version);
	return (PbAgreementView *)(void *)pair_ask(pair, side, SERVICE "Get", json);
}

static void sign(struct pair *pair, const char *id)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"id\":\"%s\"}", id);
	pair_ask(pair, &pair->home, SERVICE "Sign", json);
	pair_pass(pair, 2 * TB_MINUTE);
}

/* An agreement that the window shows, with one statement. */
struct offer {
	struct pair *pair;
	struct tb_arena arena;
	PbAgreement *agreement;
	PbAgreementStatement *statement;
	const struct credential *signer;
	const char *sender;
	PbBatchKind kind;
	bool garbage;   /* the agreement's bytes are none */
	bool no_digest; /* the statement keeps the digest that it has */
	bool no_proof;  /* no statement at all */
};

static char *word(struct offer *o, const char *text)
{
	return tb_arena_str(&o->arena, text);
}

static void offer_begin(struct offer *o, struct pair *pair)
{
	*o = (struct offer){.pair = pair,
	                    .signer = &pair->window.region.message,
	                    .sender = WINDOW,
	                    .kind = PB_BATCH_KIND__STATEMENT};
	o->agreement = PROTO_NEW(PbAgreement, agreement, &o->arena);
	o->agreement->id = word(o, WINDOW "-20260921-9");
	o->agreement->version = 1;
	o->agreement->title = word(o, "t");
	o->agreement->proposer = word(o, WINDOW);
	o->agreement->parties = tb_arena_alloc(&o->arena, 3 * sizeof(char *));
	o->agreement->parties[0] = word(o, HOME);
	o->agreement->parties[1] = word(o, WINDOW);
	o->agreement->n_parties = 2;
	o->agreement->valid_from = word(o, "2020-01-01");
	o->statement = PROTO_NEW(PbAgreementStatement, agreement_statement, &o->arena);
	o->statement->id = o->agreement->id;
	o->statement->version = 1;
	o->statement->region = word(o, WINDOW);
	o->statement->kind = PB_STATEMENT_KIND__SIGNS;
	o->statement->at_ms = pair->now;
}

static PbProof *statement_proof(struct offer *o)
{
	struct tb_error err;
	uint8_t seed[32] = {1};
	struct pki_random *random = pki_random_new(seed);
	struct tb_bytes message = proto_encode_arena(&o->arena, &o->statement->base);
	struct pki_batch_head head = {.kind = o->kind,
	                              .sender = o->sender,
	                              .receiver = o->kind == PB_BATCH_KIND__STATEMENT ? o->sender : HOME,
	                              .sent_at = o->pair->now,
	                              .expires_at = o->pair->now + TB_MINUTE};
	struct pki_batch *batch = pki_batch_build(&head, &message, 1, random);
	assert_int_equal(
		pki_batch_sign(batch, o->signer->key, o->signer->chain, o->signer->chain_count, &err), TB_OK);
	PbProof *proof = PROTO_NEW(PbProof, proof, &o->arena), *copy;
	pki_proof_make(proof, batch, 0, &o->arena);
	struct tb_bytes bytes = proto_encode_arena(&o->arena, &proof->base);
	assert_int_equal(PROTO_DECODE_OWN(&copy, proof, bytes, &o->arena, &err), TB_OK);
	pki_batch_free(batch);
	pki_random_free(random);
	return copy;
}

/* Shows it to the home region with a question for its description. */
static void offer_show(struct offer *o)
{
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbSignedAgreement shown = PB_SIGNED_AGREEMENT__INIT, *list = &shown;
	struct pair_reply reply;
	struct tb_buf bytes = {0}, text = {0};
	uint8_t digest[PKI_HASH_BYTES];
	proto_encode(&text, &o->agreement->base);
	if (o->garbage) {
		text.size = 0;
		tb_buf_str(&text, "\xff\xff");
	}
	pki_sha256(digest, tb_buf_bytes(&text));
	if (!o->no_digest)
		o->statement->digest = proto_data(tb_bytes_of(digest, sizeof(digest)));
	shown.agreement = proto_data(tb_buf_bytes(&text));
	PbProof *proof = o->no_proof ? NULL : statement_proof(o);
	shown.statements = &proof;
	shown.n_statements = proof ? 1 : 0;
	request.agreements = &list;
	request.n_agreements = 1;
	struct tb_bytes message = proto_encode_arena(&o->arena, &request.base);
	hostile_batch(o->pair, &bytes, PB_BATCH_KIND__DESCRIBE, WINDOW, HOME, &o->pair->window.region.message,
	              &message, 1);
	assert_int_equal(
		pair_inject(o->pair, &o->pair->home, CORE_DESCRIBE, WINDOW, tb_buf_bytes(&bytes), &reply),
		TB_OK);
	pair_reply_clear(&reply);
	tb_buf_clear(&bytes);
	tb_buf_clear(&text);
	tb_arena_clear(&o->arena);
}

static size_t held_at_home(struct pair *pair)
{
	return ((PbAgreementListResponse *)(void *)pair_ask(pair, &pair->home, SERVICE "List", "{}"))
	        ->n_agreements;
}

#define OFFER(name, ...)                  \
	static void name(struct offer *o) \
	{                                 \
		__VA_ARGS__;              \
	}

OFFER(garbage, o->garbage = true)
OFFER(no_title, o->agreement->title = word(o, ""))
OFFER(without_us, o->agreement->parties[0] = word(o, "130100"))
OFFER(without_it, o->agreement->parties[1] = word(o, "330100"); o->agreement->proposer = word(o, HOME))
OFFER(one_party, o->agreement->n_parties = 1; o->agreement->proposer = word(o, HOME))
OFFER(odd_party, o->agreement->parties[1] = word(o, "62"))
OFFER(proposed_by_nobody, o->agreement->proposer = word(o, ""))
OFFER(no_number, o->agreement->id = word(o, ""))
OFFER(no_version, o->agreement->version = 0)
OFFER(no_day, o->agreement->valid_from = word(o, ""))
OFFER(unsigned_one, o->no_proof = true)
OFFER(in_our_name, o->statement->region = word(o, HOME))
OFFER(in_a_thirds_name, o->statement->region = word(o, "330100"))
OFFER(of_another_number, o->statement->id = word(o, "x"))
OFFER(of_another_version, o->statement->version = 2)
OFFER(of_another_text, o->no_digest = true;
      o->statement->digest = proto_data(tb_arena_bytes(&o->arena,
                                                       tb_bytes_of("12345678901234567890123456789012", 32))))
OFFER(without_digest, o->no_digest = true)
OFFER(of_no_kind, o->statement->kind = PB_STATEMENT_KIND__STATEMENT_KIND_UNSPECIFIED)
OFFER(of_unknown_kind, o->statement->kind = (PbStatementKind)9)
OFFER(ends_on_no_day, o->statement->kind = PB_STATEMENT_KIND__ENDS)
OFFER(in_a_letter, o->kind = PB_BATCH_KIND__MESSAGES)
OFFER(by_its_node_key, o->signer = &o->pair->window.region.node)
OFFER(proposed_by_us, o->agreement->proposer = word(o, HOME))

static void test_an_agreement_that_its_proposer_did_not_sign_so_is_not_kept(void **state)
{
	static const struct {
		const char *what;
		void (*alter)(struct offer *o);
	} altered[] = {
		{"garbage", garbage},
		{"no title", no_title},
		{"without us", without_us},
		{"without it", without_it},
		{"one party", one_party},
		{"an odd party", odd_party},
		{"no proposer", proposed_by_nobody},
		{"no number", no_number},
		{"no version", no_version},
		{"no first day", no_day},
		{"no statement", unsigned_one},
		{"in our name", in_our_name},
		{"in a third region's name", in_a_thirds_name},
		{"another number", of_another_number},
		{"another version", of_another_version},
		{"another text", of_another_text},
		{"no digest", without_digest},
		{"no kind", of_no_kind},
		{"an unknown kind", of_unknown_kind},
		{"an end on no day", ends_on_no_day},
		{"not a statement", in_a_letter},
		{"the key of another role", by_its_node_key},
		{"proposed by us, who did not", proposed_by_us},
	};
	struct pair *pair = pair_new(*state);
	for (size_t i = 0; i < sizeof(altered) / sizeof(altered[0]); i++) {
		struct offer o;
		offer_begin(&o, pair);
		altered[i].alter(&o);
		offer_show(&o);
		if (held_at_home(pair) != 0)
			fail_msg("%s: kept", altered[i].what);
	}
	struct offer o;
	offer_begin(&o, pair);
	offer_show(&o);
	assert_int_equal(held_at_home(pair), 1);
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-9", 1)->state,
	                 PB_AGREEMENT_STATE__PROPOSED);
	pair_free(pair);
}

static void test_of_two_texts_under_a_number_one_is_kept(void **state)
{
	static const char *const titles[] = {"t", "another"};
	struct pair *pair = pair_new(*state);
	struct offer o;
	char kept[16];
	for (size_t i = 0; i < 2; i++) {
		offer_begin(&o, pair);
		o.agreement->title = word(&o, titles[i]);
		offer_show(&o);
	}
	assert_int_equal(held_at_home(pair), 1);
	snprintf(kept, sizeof(kept), "%s", get(pair, &pair->home, WINDOW "-20260921-9", 1)->agreement->title);
	/* Nor does the window sign for us, now that it is known. */
	for (size_t i = 0; i < 2; i++) {
		offer_begin(&o, pair);
		o.agreement->title = word(&o, titles[i]);
		in_our_name(&o);
		offer_show(&o);
	}
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-9", 1)->n_missing, 1);
	assert_string_equal(get(pair, &pair->home, WINDOW "-20260921-9", 1)->agreement->title, kept);
	pair_free(pair);
}

static void test_a_partner_s_proposals_that_wait_have_a_maximum(void **state)
{
	struct pair *pair = pair_new(*state);
	size_t leaves = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	for (unsigned i = 0; i < TB_AGREEMENTS_OPEN_MAX + 4; i++) {
		struct offer o;
		offer_begin(&o, pair);
		o.agreement->id = o.statement->id = tb_arena_printf(&o.arena, WINDOW "-20260921-%u", i);
		offer_show(&o);
	}
	assert_int_equal(held_at_home(pair), TB_AGREEMENTS_OPEN_MAX);
	assert_true(hostile_leaves(pair, &pair->home, "LEAF_REFUSED") > leaves);
	/* Nobody else has less room for it, and what is kept can be signed. */
	pair_ask(pair, &pair->home, SERVICE "Propose",
	         "{\"agreement\":{\"title\":\"own\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]}]}}");
	sign(pair, WINDOW "-20260921-3");
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-3", 1)->state,
	                 PB_AGREEMENT_STATE__IN_FORCE);
	/* Which leaves room for one more. */
	struct offer o;
	offer_begin(&o, pair);
	o.agreement->id = o.statement->id = word(&o, WINDOW "-20260921-100");
	offer_show(&o);
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-100", 1)->state,
	                 PB_AGREEMENT_STATE__PROPOSED);
	pair_free(pair);
}

static void test_of_one_partner_no_more_is_kept_than_its_share(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64];
	for (unsigned i = 0; i < TB_AGREEMENTS_PARTNER_MAX + 2; i++) {
		struct offer o;
		snprintf(id, sizeof(id), WINDOW "-20260921-%u", i);
		offer_begin(&o, pair);
		o.agreement->id = o.statement->id = word(&o, id);
		offer_show(&o);
		if (i < TB_AGREEMENTS_PARTNER_MAX)
			sign(pair, id);
	}
	assert_int_equal(held_at_home(pair), TB_AGREEMENTS_PARTNER_MAX);
	pair_free(pair);
}

/* Version |version| of what the window proposes. */
static void offer_version(struct pair *pair, uint32_t version)
{
	struct offer o;
	offer_begin(&o, pair);
	o.agreement->version = o.statement->version = version;
	offer_show(&o);
}

static void test_a_version_far_above_the_latest_is_refused_and_amendments_go_on(void **state)
{
	struct pair *pair = pair_new(*state);
	PbAgreementView *view;
	offer_version(pair, UINT32_MAX); /* of what was not heard of before */
	offer_version(pair, TB_AGREEMENT_FIRST_MAX + 1);
	assert_int_equal(held_at_home(pair), 0);
	offer_version(pair, 1);
	size_t leaves = hostile_leaves(pair, &pair->home, "LEAF_REFUSED");
	pair_pass(pair, 2 * TB_MINUTE);
	offer_version(pair, UINT32_MAX);
	offer_version(pair, UINT32_MAX - 1);
	offer_version(pair, 1 + TB_AGREEMENT_STEP_MAX + 1);
	assert_int_equal(held_at_home(pair), 1);
	assert_true(hostile_leaves(pair, &pair->home, "LEAF_REFUSED") > leaves);
	/* Its amendments are taken, and ours have a number. */
	offer_version(pair, 2);
	offer_version(pair, 2 + TB_AGREEMENT_STEP_MAX);
	assert_int_equal(held_at_home(pair), 3);
	view = (PbAgreementView *)(void *)pair_ask(pair, &pair->home, SERVICE "Propose",
	                                           "{\"agreement\":{\"id\":\"" WINDOW
	                                           "-20260921-9\",\"title\":\"own\",\"parties\":[\"" HOME
	                                           "\",\"" WINDOW "\"],\"validFrom\":\"2020-01-01\"}}");
	assert_int_equal(view->agreement->version, 2 + TB_AGREEMENT_STEP_MAX + 1);
	pair_free(pair);
}

/* The table is full of what the home region has proposed to others. */
static void fill_table(struct pair *pair, struct region *others, size_t count)
{
	static const char *const all[] = {"*", NULL};
	struct hostile_grant grant = {all, PB_DISCLOSURE__STATUS, all, 10, 10};
	struct peer_set *set = peer_set_new();
	assert_true(count > 0);
	hostile_add_peer(set, &pair->window.region, &grant);
	for (size_t i = 0; i < count; i++)
		hostile_add_peer(set, &others[i], &grant);
	pair_set_peers(pair, &pair->home, set);
	for (size_t held = held_at_home(pair); held < TB_AGREEMENTS_MAX; held++) {
		char json[512];
		snprintf(json, sizeof(json),
		         "{\"agreement\":{\"title\":\"%zu\",\"parties\":[\"%s\",\"" HOME
		         "\"],\"validFrom\":\"2020-01-01\"}}",
		         held, others[held % count].code);
		pair_ask(pair, &pair->home, SERVICE "Propose", json);
	}
}

static void test_a_full_table_still_takes_signatures(void **state)
{
	enum { OTHERS = 32 };
	static struct region others[OTHERS];
	static char codes[OTHERS][8];
	struct pair *pair = pair_new(*state);
	enum tb_code code;
	struct offer o;
	for (size_t i = 0; i < OTHERS; i++) {
		snprintf(codes[i], sizeof(codes[i]), "13%02u00", (unsigned)i);
		region_init(&others[i], codes[i], PKI_ED25519);
	}
	offer_begin(&o, pair);
	offer_show(&o);
	fill_table(pair, others, OTHERS);
	assert_int_equal(held_at_home(pair), TB_AGREEMENTS_MAX);
	pair_call(pair, &pair->home, SERVICE "Propose",
	          "{\"agreement\":{\"title\":\"x\",\"parties\":[\"" HOME "\",\"" WINDOW
	          "\"],\"validFrom\":\"2020-01-01\"}}",
	          &code);
	assert_int_equal(code, TB_ETOOBIG);
	/* Ours to what a partner has proposed. */
	pair_ask(pair, &pair->home, SERVICE "Sign", "{\"id\":\"" WINDOW "-20260921-9\"}");
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-9", 1)->state,
	                 PB_AGREEMENT_STATE__IN_FORCE);
	/* And a notice. */
	pair_ask(pair, &pair->home, SERVICE "End", "{\"id\":\"" WINDOW "-20260921-9\",\"reason\":\"r\"}");
	assert_int_equal(get(pair, &pair->home, WINDOW "-20260921-9", 1)->state, PB_AGREEMENT_STATE__ENDED);
	pair_free(pair);
	for (size_t i = 0; i < OTHERS; i++)
		region_clear(&others[i]);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_an_agreement_that_its_proposer_did_not_sign_so_is_not_kept),
		TEST(test_of_two_texts_under_a_number_one_is_kept),
		TEST(test_a_partner_s_proposals_that_wait_have_a_maximum),
		TEST(test_a_version_far_above_the_latest_is_refused_and_amendments_go_on),
		TEST(test_a_full_table_still_takes_signatures),
		TEST(test_of_one_partner_no_more_is_kept_than_its_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
