/* Evidence: what of it can be had, and that it stands alone. */
#include "tests/core/hostile.h"

#include "node/core/kv.h"

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define OK(call) assert_int_equal((call), TB_OK)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TYPE "11100000000013338W032"

static enum tb_code export(struct pair *pair, struct side *side, const char *reference, PbEvidence **out) {
	char json[256]; enum tb_code code; snprintf(json, sizeof(json), "{\"reference\":\"%s\"}", reference);
	*out = (PbEvidence *)(void *)pair_call(pair, side, "/tongban.v1.EvidenceService/Export", json, &code);
	return code;
}

/* What |proof| proves by |trust|, as the region that signed it. */
static void assert_signed_by(const PbProof *proof, struct pki_trust *trust, const char *region,
                             PbBatchKind kind)
{
	struct tb_arena arena = {0};
	struct pki_proven proven;
	struct tb_error err = {0};
	if (pki_proof_check(&proven, proof, trust, &arena, &err))
		fail_msg("%s", err.text);
	assert_string_equal(proven.signer->region, region);
	assert_int_equal(proven.header->kind, kind);
	tb_arena_clear(&arena);
}

static void ask_about(struct pair *pair, const char *numbers[], size_t count, char references[][64])
{
	struct tb_buf json = {0};
	tb_buf_str(&json, "{\"region\":\"" HOME "\",\"queries\":[");
	for (size_t i = 0; i < count; i++)
		tb_buf_printf(&json,
		              "%s{\"type\":\"" TYPE
		              "\",\"number\":\"%s\",\"purpose\":\"p\",\"basis\":\"b\",\"disclosure\":"
		              "\"STATUS\"}",
		              i ? "," : "", numbers[i]);
	tb_buf_str(&json, "]}");
	PbVerifyResponse *reply = (PbVerifyResponse *)(void *)pair_ask(
		pair, &pair->window, "/tongban.v1.CredentialService/Verify", tb_buf_text(&json));
	assert_int_equal(reply->n_outcomes, count);
	for (size_t i = 0; i < count; i++)
		snprintf(references[i], 64, "%s", reply->outcomes[i]->evidence);
	tb_buf_clear(&json);
}

static void test_an_answer_is_exported_with_its_question(void **state)
{
	struct pair *pair = pair_new(*state);
	const char *numbers[] = {"N1", "N2", "N3"};
	char references[3][64];
	ask_about(pair, numbers, 3, references);
	for (size_t i = 0; i < 3; i++) {
		PbEvidence *evidence;
		struct tb_arena arena = {0};
		struct pki_proven proven;
		struct tb_error err;
		PbQuery *query;
		OK(export(pair, &pair->window, references[i], &evidence));
		assert_string_equal(evidence->subject, "answer");
		assert_signed_by(evidence->claim, peer_trust(pair->window.peers), HOME,
		                 PB_BATCH_KIND__ANSWERS);
		assert_signed_by(evidence->question, pair->window.setup.anchors, WINDOW,
		                 PB_BATCH_KIND__QUERIES);
		/* Its own question, and not a neighbour's. */
		OK(pki_proof_check(&proven, evidence->question, pair->window.setup.anchors, &arena, &err));
		OK(PROTO_DECODE(&query, query, proven.message, &arena, &err));
		assert_string_equal(query->number, numbers[i]);
		tb_arena_clear(&arena);
	}
	/* The home region has the same exchange: the question's signature came with it. */
	PbEvidence *evidence;
	bool found = false;
	for (int number = 1; number < 40 && !found; number++) {
		char reference[64];
		snprintf(reference, sizeof(reference), "answer:%d:2", number);
		found = export(pair, &pair->home, reference, &evidence) == TB_OK;
	}
	assert_true(found);
	pair_free(pair);
}

static void test_packages_and_receipts_are_exported_on_both_sides(void **state)
{
	struct pair *pair = pair_new(*state);
	char number[32], references[16][96];
	size_t count, packages = 0, receipts = 0;
	pair_submit(pair, true, number);
	OK(pair_act(pair, &pair->home, number, "ACCEPT", "H_WIN", ""));
	struct side *sides[] = {&pair->window, &pair->home};
	for (size_t s = 0; s < 2; s++) {
		PbCaseView *view = pair_case(pair, sides[s], number);
		count = view->n_evidence;
		assert_true(count > 0 && count <= COUNT(references));
		for (size_t i = 0; i < count; i++)
			snprintf(references[i], sizeof(references[i]), "%s", view->evidence[i]);
		const char *other = s == 0 ? HOME : WINDOW, *self = s == 0 ? WINDOW : HOME;
		for (size_t i = 0; i < count; i++) {
			PbEvidence *evidence;
			OK(export(pair, sides[s], references[i], &evidence));
			bool receipt = strcmp(evidence->subject, "receipt") == 0;
			assert_signed_by(evidence->claim, peer_trust(sides[s]->peers), other,
			                 receipt ? PB_BATCH_KIND__RECEIPTS : PB_BATCH_KIND__MESSAGES);
			if (receipt)
				assert_signed_by(evidence->question, sides[s]->setup.anchors, self,
				                 PB_BATCH_KIND__MESSAGES);
			receipts += receipt;
			packages += !receipt;
		}
	}
	assert_true(packages >= 2);
	assert_true(receipts >= 2);
	pair_free(pair);
}

static void test_a_reference_to_nothing_is_refused(void **state)
{
	static const struct {
		const char *reference;
		enum tb_code code;
	} wrong[] = {
		{"", TB_EINVALID},
		{"answer", TB_EINVALID},
		{"answer:", TB_EINVALID},
		{"answer:1", TB_EINVALID},
		{"answer:1:", TB_EINVALID},
		{"answer:1:0x", TB_EINVALID},
		{"answer:x:0", TB_EINVALID},
		{"answer:999999:0", TB_ENOTFOUND},
		{"message:", TB_EINVALID},
		{"message:" HOME, TB_EINVALID},
		{"message:" HOME ":", TB_EINVALID},
		{"message:" HOME ":00", TB_EINVALID},
		{"message:" HOME ":zz000000000000000000000000000000", TB_EINVALID},
		{"message:" HOME ":00000000000000000000000000000000", TB_ENOTFOUND},
		{"message:elsewhere:00000000000000000000000000000000", TB_EINVALID},
		{"receipt:", TB_EINVALID},
		{"receipt:" HOME ":", TB_EINVALID},
		{"receipt:" HOME ":1x", TB_EINVALID},
		{"receipt:" HOME ":999", TB_ENOTFOUND},
		{"receipt:330100:1", TB_ENOTFOUND},
		{"something else", TB_EINVALID},
	};
	struct pair *pair = pair_new(*state);
	const char *numbers[] = {"N1"};
	char reference[1][64], beyond[64], number[32];
	PbEvidence *evidence;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		enum tb_code code = export(pair, &pair->window, wrong[i].reference, &evidence);
		if (code != wrong[i].code || evidence)
			fail_msg("%s: %s", wrong[i].reference, tb_code_name(code));
	}
	ask_about(pair, numbers, 1, reference);
	snprintf(beyond, sizeof(beyond), "%.*s1", (int)strlen(reference[0]) - 1, reference[0]);
	assert_int_equal(export(pair, &pair->window, beyond, &evidence), TB_ENOTFOUND);
	/* A message that waits has no receipt yet, though it is known. */
	pair->parted = true;
	pair_submit(pair, true, number);
	assert_int_equal(export(pair, &pair->window, "receipt:" HOME ":1", &evidence), TB_ESTATE);
	pair_free(pair);
}

static void test_a_chain_is_kept_once_and_its_loss_is_told(void **state)
{
	struct pair *pair = pair_new(*state);
	const char *numbers[] = {"N1"};
	char first[1][64], second[1][64];
	PbEvidence *evidence;
	struct tb_error err;
	ask_about(pair, numbers, 1, first);
	uint64_t chains = hostile_count(&pair->window, KV_CHAIN);
	ask_about(pair, numbers, 1, second);
	assert_int_equal(hostile_count(&pair->window, KV_CHAIN), chains);
	assert_string_not_equal(first[0], second[0]);
	struct store_txn *txn;
	OK(store_write(&txn, pair->window.setup.store, &err));
	for (uint64_t i = 0; i < chains; i++) {
		struct store_cursor cursor;
		struct tb_bytes key, value;
		store_cursor(&cursor, txn, KV_CHAIN, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
		assert_true(store_next(&cursor, &key, &value));
		struct kv_key gone = kv_key_of(key);
		store_cursor_end(&cursor);
		store_delete(txn, KV_CHAIN, kv_key_bytes(&gone));
	}
	OK(store_commit(txn, &err));
	assert_int_equal(export(pair, &pair->window, first[0], &evidence), TB_ECORRUPT);
	assert_null(evidence);
	pair_free(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_answer_is_exported_with_its_question),
		TEST(test_packages_and_receipts_are_exported_on_both_sides),
		TEST(test_a_reference_to_nothing_is_refused),
		TEST(test_a_chain_is_kept_once_and_its_loss_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
