/* Proposals that crossed: two texts under one number and version, of parties that did not know of each
 * other's. All parties end with the same text, whatever came first, and what all have signed stays. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

#define SERVICE "/tongban.v1.AgreementService/"
#define THIRD "330100"

static PbAgreementView *get(struct pair *pair, struct side *side, const char *id, unsigned version)
{
	char json[256];
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"version\":%u}", id, version);
	return (PbAgreementView *)(void *)pair_ask(pair, side, SERVICE "Get", json);
}

/* ---- of two parties */

/* |id| "" makes a new one. */
static uint32_t propose(struct pair *pair, struct side *side, const char *title, char id[64])
{
	char json[1024];
	snprintf(json, sizeof(json),
	         "{\"agreement\":{\"id\":\"%s\",\"title\":\"%s\",\"parties\":[\"" HOME "\",\"" WINDOW
	         "\"],\"validFrom\":\"2020-01-01\",\"terms\":[{\"items\":[\"*\"],\"modes\":[\"DS\"]}]}}",
	         id, title);
	PbAgreementView *view = (PbAgreementView *)(void *)pair_ask(pair, side, SERVICE "Propose", json);
	snprintf(id, 64, "%s", view->agreement->id);
	return view->agreement->version;
}

static enum tb_code sign(struct pair *pair, struct side *side, const char *id, const char *digest)
{
	char json[256];
	enum tb_code code;
	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"digest\":\"%s\"}", id, digest);
	pair_call(pair, side, SERVICE "Sign", json, &code);
	return code;
}

static bool is_equal(struct pair *pair, struct side *side, const char *peer)
{
	char json[64];
	snprintf(json, sizeof(json), "{\"peer\":\"%s\"}", peer);
	return ((PbAgreementDiffResponse *)(void *)pair_ask(pair, side, SERVICE "Diff", json))->equal;
}

/* Both propose version 2 while the wire is down. */
static void cross(struct pair *pair, unsigned number, char id[64])
{
	char title[32];
	snprintf(id, 64, "%s", "");
	snprintf(title, sizeof(title), "first %u", number);
	propose(pair, &pair->window, title, id);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_int_equal(sign(pair, &pair->home, id, ""), TB_OK);
	pair_pass(pair, 6 * TB_MINUTE);
	pair->parted = true;
	snprintf(title, sizeof(title), "of the window %u", number);
	assert_int_equal(propose(pair, &pair->window, title, id), 2);
	snprintf(title, sizeof(title), "of the home region %u", number);
	assert_int_equal(propose(pair, &pair->home, title, id), 2);
	pair->parted = false;
	pair_pass(pair, 6 * TB_MINUTE);
}

static void test_proposals_that_crossed_end_with_one_text_without_a_third_proposal(void **state)
{
	struct pair *pair = pair_new(*state);
	unsigned errors = pair->home.logged_errors + pair->window.logged_errors;
	unsigned won_by_window = 0;
	enum { TIMES = 6 };
	for (unsigned i = 0; i < TIMES; i++) {
		char id[64], digest[80];
		cross(pair, i, id);
		snprintf(digest, sizeof(digest), "%s", get(pair, &pair->window, id, 2)->digest);
		assert_string_equal(get(pair, &pair->home, id, 2)->digest, digest);
		bool window_won = strcmp(get(pair, &pair->home, id, 2)->agreement->proposer, WINDOW) == 0;
		struct side *loser = window_won ? &pair->home : &pair->window;
		struct side *winner = window_won ? &pair->window : &pair->home;
		won_by_window += window_won;
		/* Version 1 is in force meanwhile. */
		assert_int_equal(get(pair, loser, id, 1)->state, PB_AGREEMENT_STATE__IN_FORCE);
		/* The loser is told what became of its own, and signs nothing that it has not looked at. */
		PbAgreementView *view = get(pair, loser, id, 2);
		assert_string_equal(view->overtaken->proposer, loser->region.code);
		assert_int_equal(view->n_missing, 1);
		assert_string_equal(view->missing[0], loser->region.code);
		assert_null(get(pair, winner, id, 2)->overtaken);
		assert_int_equal(sign(pair, loser, id, ""), TB_ESTATE);
		digest[16] = 0;
		assert_non_null(strstr(pair_refusal(loser), digest));
		assert_int_equal(sign(pair, loser, id, "0123456789abcdef"), TB_ESTATE);
		assert_int_equal(sign(pair, loser, id, digest), TB_OK);
		pair_pass(pair, 6 * TB_MINUTE);
		assert_int_equal(get(pair, winner, id, 2)->state, PB_AGREEMENT_STATE__IN_FORCE);
		assert_int_equal(get(pair, loser, id, 2)->state, PB_AGREEMENT_STATE__IN_FORCE);
		assert_true(is_equal(pair, winner, loser->region.code));
		/* And may propose its own again, on top. */
		assert_int_equal(propose(pair, loser, "again", id), 3);
		pair_pass(pair, 6 * TB_MINUTE);
		assert_int_equal(sign(pair, winner, id, ""), TB_OK);
		pair_pass(pair, 6 * TB_MINUTE);
	}
	assert_in_range(won_by_window, 1, TIMES - 1);
	assert_int_equal(pair->home.logged_errors + pair->window.logged_errors, errors);
	assert_int_equal(hostile_leaves(pair, &pair->home, "LEAF_AGREEMENT_OVERTAKEN"), won_by_window);
	pair_free(pair);
}

static void test_the_text_that_stands_survives_a_restart_with_what_it_overtook(void **state)
{
	struct pair *pair = pair_new(*state);
	char id[64], digest[80];
	cross(pair, 0, id);
	snprintf(digest, sizeof(digest), "%s", get(pair, &pair->window, id, 2)->digest);
	pair_crash(pair, &pair->window);
	pair_crash(pair, &pair->home);
	pair_pass(pair, 6 * TB_MINUTE);
	assert_string_equal(get(pair, &pair->window, id, 2)->digest, digest);
	assert_string_equal(get(pair, &pair->home, id, 2)->digest, digest);
	assert_true(get(pair, &pair->window, id, 2)->overtaken || get(pair, &pair->home, id, 2)->overtaken);
	pair_free(pair);
}

/* ---- of three parties, as the home region sees them */

struct three {
	struct pair *pair;
	struct region third;
	struct tb_arena arena;
};

static void three_new(struct three *three, struct scratch *scratch)
{
	static const char *const all[] = {"*", NULL};
	struct hostile_grant grant = {all, PB_DISCLOSURE__STATUS, all, 10, 10};
	struct peer_set *set = peer_set_new();
	*three = (struct three){.pair = pair_new(scratch)};
	region_init(&three->third, THIRD, PKI_P256);
	hostile_add_peer(set, &three->pair->window.region, &grant);
	hostile_add_peer(set, &three->third, &grant);
	pair_set_peers(three->pair, &three->pair->home, set);
}

static void three_free(struct three *three)
{
	pair_free(three->pair);
	region_clear(&three->third);
	tb_arena_clear(&three->arena);
}

/* A text of |proposer| for one number and version. */
static struct tb_bytes text_of(struct three *three, const char *proposer, const char *title)
{
	PbAgreement agreement = PB_AGREEMENT__INIT;
	char *parties[] = {HOME, THIRD, WINDOW};
	agreement.id = WINDOW "-20260921-3";
	agreement.version = 1;
	agreement.title = (char *)(uintptr_t)title;
	agreement.proposer = (char *)(uintptr_t)proposer;
	agreement.parties = parties;
	agreement.n_parties = 3;
	agreement.valid_from = "2020-01-01";
	return proto_encode_arena(&three->arena, &agreement.base);
}

/* One of |proposer|'s whose digest is smaller than |other|'s, or greater. */
static struct tb_bytes text_beside(struct three *three, const char *proposer, struct tb_bytes other,
                                   bool smaller)
{
	uint8_t theirs[PKI_HASH_BYTES], ours[PKI_HASH_BYTES];
	pki_sha256(theirs, other);
	for (unsigned i = 0; i < 10000; i++) {
		struct tb_bytes text =
			text_of(three, proposer, tb_arena_printf(&three->arena, "beside %u", i));
		pki_sha256(ours, text);
		if ((memcmp(ours, theirs, sizeof(ours)) < 0) == smaller)
			return text;
	}
	fail();
	return other;
}

static PbProof *signs(struct three *three, const char *region, struct tb_bytes text)
{
	struct tb_error err;
	uint8_t seed[32] = {1}, digest[PKI_HASH_BYTES];
	struct pki_random *random = pki_random_new(seed);
	const struct credential *signer = strcmp(region, THIRD) == 0  ? &three->third.message
	                                  : strcmp(region, HOME) == 0 ? &three->pair->home.region.message
	                                                              : &three->pair->window.region.message;
	PbAgreementStatement statement = PB_AGREEMENT_STATEMENT__INIT;
	pki_sha256(digest, text);
	statement.id = WINDOW "-20260921-3";
	statement.version = 1;
	statement.digest = proto_data(tb_bytes_of(digest, sizeof(digest)));
	statement.region = (char *)(uintptr_t)region;
	statement.kind = PB_STATEMENT_KIND__SIGNS;
	statement.at_ms = three->pair->now;
	struct tb_bytes message = proto_encode_arena(&three->arena, &statement.base);
	struct pki_batch_head head = {.kind = PB_BATCH_KIND__STATEMENT,
	                              .sender = region,
	                              .receiver = region,
	                              .sent_at = three->pair->now,
	                              .expires_at = three->pair->now + TB_MINUTE};
	struct pki_batch *batch = pki_batch_build(&head, &message, 1, random);
	assert_int_equal(pki_batch_sign(batch, signer->key, signer->chain, signer->chain_count, &err), TB_OK);
	PbProof *proof = PROTO_NEW(PbProof, proof, &three->arena), *copy;
	pki_proof_make(proof, batch, 0, &three->arena);
	struct tb_bytes bytes = proto_encode_arena(&three->arena, &proof->base);
	assert_int_equal(PROTO_DECODE_OWN(&copy, proof, bytes, &three->arena, &err), TB_OK);
	pki_batch_free(batch);
	pki_random_free(random);
	return copy;
}

/* The window shows |text| with what |by| say, codes separated by blanks. */
static void show(struct three *three, struct tb_bytes text, const char *by)
{
	PbDescribeRequest request = PB_DESCRIBE_REQUEST__INIT;
	PbSignedAgreement shown = PB_SIGNED_AGREEMENT__INIT, *list = &shown;
	PbProof *proofs[3];
	struct pair_reply reply;
	struct tb_buf bytes = {0};
	shown.agreement = proto_data(text);
	shown.statements = proofs;
	if (strstr(by, HOME))
		proofs[shown.n_statements++] = signs(three, HOME, text);
	if (strstr(by, THIRD))
		proofs[shown.n_statements++] = signs(three, THIRD, text);
	if (strstr(by, WINDOW))
		proofs[shown.n_statements++] = signs(three, WINDOW, text);
	request.agreements = &list;
	request.n_agreements = 1;
	struct tb_bytes message = proto_encode_arena(&three->arena, &request.base);
	hostile_batch(three->pair, &bytes, PB_BATCH_KIND__DESCRIBE, WINDOW, HOME,
	              &three->pair->window.region.message, &message, 1);
	assert_int_equal(pair_inject(three->pair, &three->pair->home, CORE_DESCRIBE, WINDOW,
	                             tb_buf_bytes(&bytes), &reply),
	                 TB_OK);
	pair_reply_clear(&reply);
	tb_buf_clear(&bytes);
}

/* The text that the home region has, and how many have not signed it. */
static void assert_held(struct three *three, struct tb_bytes text, size_t missing)
{
	uint8_t digest[PKI_HASH_BYTES];
	char hex[2 * PKI_HASH_BYTES + 1];
	PbAgreementView *view = get(three->pair, &three->pair->home, WINDOW "-20260921-3", 1);
	pki_sha256(digest, text);
	tb_hex(hex, digest, sizeof(digest));
	assert_string_equal(view->digest, hex);
	assert_int_equal(view->n_missing, missing);
}

static void test_who_has_signed_the_other_one_ends_with_the_same_text(void **state)
{
	struct three three;
	three_new(&three, *state);
	struct tb_bytes theirs = text_of(&three, THIRD, "of the third");
	struct tb_bytes ours = text_beside(&three, WINDOW, theirs, true);
	show(&three, theirs, THIRD);
	assert_int_equal(sign(three.pair, &three.pair->home, WINDOW "-20260921-3", ""), TB_OK);
	assert_held(&three, theirs, 1);
	/* The window's has the smaller digest: the home region's own signature is put aside. */
	show(&three, ours, WINDOW);
	assert_held(&three, ours, 2);
	/* What is shown once more by somebody who lags behind changes nothing. */
	show(&three, theirs, THIRD " " HOME);
	assert_held(&three, ours, 2);
	char digest[2 * PKI_HASH_BYTES + 1];
	snprintf(digest, sizeof(digest), "%s",
	         get(three.pair, &three.pair->home, WINDOW "-20260921-3", 1)->digest);
	assert_int_equal(sign(three.pair, &three.pair->home, WINDOW "-20260921-3", digest), TB_OK);
	show(&three, ours, WINDOW " " THIRD);
	assert_held(&three, ours, 0);
	assert_int_equal(get(three.pair, &three.pair->home, WINDOW "-20260921-3", 1)->state,
	                 PB_AGREEMENT_STATE__IN_FORCE);
	three_free(&three);
}

static void test_the_greater_digest_never_comes_in_place_of_the_smaller(void **state)
{
	struct three three;
	three_new(&three, *state);
	struct tb_bytes theirs = text_of(&three, THIRD, "of the third");
	struct tb_bytes ours = text_beside(&three, WINDOW, theirs, false);
	show(&three, theirs, THIRD);
	show(&three, ours, WINDOW " " HOME);
	assert_held(&three, theirs, 2);
	three_free(&three);
}

static void test_what_its_proposer_has_not_signed_overtakes_nothing(void **state)
{
	struct three three;
	three_new(&three, *state);
	struct tb_bytes theirs = text_of(&three, THIRD, "of the third");
	struct tb_bytes ours = text_beside(&three, WINDOW, theirs, true);
	show(&three, theirs, THIRD);
	show(&three, ours, HOME " " THIRD);
	assert_held(&three, theirs, 2);
	three_free(&three);
}

static void test_what_all_have_signed_is_never_overtaken(void **state)
{
	struct three three;
	three_new(&three, *state);
	struct tb_bytes whole = text_of(&three, THIRD, "of the third");
	struct tb_bytes smaller = text_beside(&three, WINDOW, whole, true);
	show(&three, whole, HOME " " THIRD " " WINDOW);
	assert_held(&three, whole, 0);
	unsigned errors = three.pair->home.logged_errors;
	show(&three, smaller, WINDOW " " HOME);
	assert_held(&three, whole, 0);
	assert_int_equal(three.pair->home.logged_errors, errors);
	/* Two that all have signed are the work of who signed both: it is told, and nothing moves. */
	size_t leaves = hostile_leaves(three.pair, &three.pair->home, "LEAF_REFUSED");
	show(&three, smaller, WINDOW " " HOME " " THIRD);
	assert_held(&three, whole, 0);
	assert_int_equal(three.pair->home.logged_errors, errors + 1);
	assert_int_equal(hostile_leaves(three.pair, &three.pair->home, "LEAF_REFUSED"), leaves + 1);
	three_free(&three);
}

static void test_what_all_have_signed_comes_back_in_place_of_what_overtook_it(void **state)
{
	struct three three;
	three_new(&three, *state);
	struct tb_bytes whole = text_of(&three, THIRD, "of the third");
	struct tb_bytes smaller = text_beside(&three, WINDOW, whole, true);
	show(&three, whole, THIRD);
	show(&three, smaller, WINDOW);
	assert_held(&three, smaller, 2);
	show(&three, whole, HOME " " THIRD " " WINDOW);
	assert_held(&three, whole, 0);
	show(&three, smaller, WINDOW);
	assert_held(&three, whole, 0);
	three_free(&three);
}

int main(void)
{
	pair_describe_every = 5 * TB_MINUTE;
	const struct CMUnitTest tests[] = {
		TEST(test_proposals_that_crossed_end_with_one_text_without_a_third_proposal),
		TEST(test_the_text_that_stands_survives_a_restart_with_what_it_overtook),
		TEST(test_who_has_signed_the_other_one_ends_with_the_same_text),
		TEST(test_the_greater_digest_never_comes_in_place_of_the_smaller),
		TEST(test_what_its_proposer_has_not_signed_overtakes_nothing),
		TEST(test_what_all_have_signed_is_never_overtaken),
		TEST(test_what_all_have_signed_comes_back_in_place_of_what_overtook_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
