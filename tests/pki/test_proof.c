#include "tests/pki/batches.h"

static void test_proof_of_every_item_holds(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct pki_batch_head head = queries_head();
	for (size_t n = 1; n <= 33; n += n < 9 ? 1 : 8) {
		struct pki_batch *batch = build_signed(&head, n, &a.message);
		for (size_t i = 0; i < n; i++) {
			struct tb_arena arena = {0};
			PbProof proof;
			PbProof *read = NULL;
			struct pki_proven proven;
			pki_proof_make(&proof, batch, i, &arena);
			struct tb_bytes bytes = proto_encode_arena(&arena, &proof.base);
			assert_int_equal(PROTO_DECODE(&read, proof, bytes, &arena, &err), TB_OK);
			assert_int_equal(pki_proof_check(&proven, read, trust, &arena, &err), TB_OK);
			assert_true(tb_bytes_equal(proven.message, pki_batch_message(batch, i)));
			assert_memory_equal(&proven.leaf, &batch->leaves[i], sizeof(proven.leaf));
			assert_string_equal(proven.header->sender, "320400");
			assert_string_equal(proven.signer->region, "320400");
			assert_int_equal(proven.signer->role, PKI_ROLE_MESSAGE);
			tb_arena_clear(&arena);
		}
		pki_batch_free(batch);
	}
}

/* Evidence is kept apart from the batch: it must live on without it. */
static void test_proof_outlives_its_batch(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct pki_batch_head head = queries_head();
	struct pki_batch *batch = build_signed(&head, 3, &a.message);
	PbProof proof;
	struct pki_proven proven;
	pki_proof_make(&proof, batch, 2, &arena);
	pki_batch_free(batch);
	assert_int_equal(pki_proof_check(&proven, &proof, trust, &arena, NULL), TB_OK);
	assert_true(tb_bytes_equal(proven.message, tb_bytes_str("three")));
	tb_arena_clear(&arena);
}

/* What a receiver keeps from a batch that it checked is as good as what the sender keeps. */
static void test_proof_from_a_received_batch_holds(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct pki_batch_head head = queries_head();
	struct pki_expect expect = queries_expected();
	struct tb_buf wire = encoded(&head, 7, &a.message);
	struct pki_batch *batch = NULL;
	assert_int_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), trust, &expect, NULL), TB_OK);
	PbProof proof;
	struct pki_proven proven;
	pki_proof_make(&proof, batch, 6, &arena);
	assert_int_equal(pki_proof_check(&proven, &proof, trust, &arena, NULL), TB_OK);
	pki_batch_free(batch);
	tb_buf_clear(&wire);
	tb_arena_clear(&arena);
}

static void assert_unproven(const PbProof *proof, enum tb_code code, const char *text)
{
	struct tb_arena arena = {0};
	struct tb_error err = {0};
	struct pki_proven proven;
	enum tb_code got = pki_proof_check(&proven, proof, trust, &arena, &err);
	if (got != code || !strstr(err.text, text))
		print_message("%s: %s\n", tb_code_name(got), err.text);
	assert_int_equal(got, code);
	assert_non_null(strstr(err.text, text));
	assert_null(proven.header);
	assert_null(proven.signer);
	assert_int_equal(proven.message.size, 0);
	tb_arena_clear(&arena);
}

static void test_proof_refuses_changes(void **state)
{
	(void)state;
	static uint8_t large[TB_MESSAGE_BYTES_MAX + 1];
	struct tb_arena arena = {0};
	struct pki_batch_head head = queries_head();
	struct pki_batch *batch = build_signed(&head, 5, &a.message);
	PbProof proof;
	pki_proof_make(&proof, batch, 1, &arena);
	const char *part = "not part of the batch";

	for (uint32_t index = 0; index < 5; index++) {
		proof.index = index;
		if (index != 1)
			assert_unproven(&proof, TB_EUNTRUSTED, part);
	}
	proof.index = 5;
	assert_unproven(&proof, TB_EMALFORMED, "item 5 of 5");
	proof.index = 1;
	for (size_t i = 0; i < proof.n_path; i++) {
		proof.path[i].data[i] ^= 1;
		assert_unproven(&proof, TB_EUNTRUSTED, part);
		proof.path[i].data[i] ^= 1;
	}
	proof.n_path--;
	assert_unproven(&proof, TB_EUNTRUSTED, part);
	proof.n_path++;
	proof.path[1].len = 31;
	assert_unproven(&proof, TB_EMALFORMED, "hash 1 of the path has 31 bytes");
	proof.path[1].len = 32;
	proof.item.data[TB_SALT_BYTES - 1] ^= 1;
	assert_unproven(&proof, TB_EUNTRUSTED, part);
	proof.item.data[TB_SALT_BYTES - 1] ^= 1;
	proof.header.data[proof.header.len - 1] ^= 1;
	assert_unproven(&proof, TB_EUNTRUSTED, "the signature over the header does not hold");
	proof.header.data[proof.header.len - 1] ^= 1;

	PbProof other = proof;
	other.item.len = TB_SALT_BYTES - 1;
	assert_unproven(&other, TB_EMALFORMED, "an item of 15 bytes");
	other.item = (ProtobufCBinaryData){sizeof(large), large};
	assert_unproven(&other, TB_ETOOBIG, "an item of 1048577 bytes");
	other = proof;
	other.header.len = 0;
	assert_unproven(&other, TB_EMALFORMED, "no header");
	other = proof;
	other.n_chain = 0;
	assert_unproven(&other, TB_EMALFORMED, "no certificate chain");
	ProtobufCBinaryData path[PKI_PATH_MAX + 1];
	for (size_t i = 0; i <= PKI_PATH_MAX; i++)
		path[i] = proof.path[0];
	other = proof;
	other.path = path;
	other.n_path = PKI_PATH_MAX + 1;
	assert_unproven(&other, TB_ETOOBIG, "a path of 65 hashes");
	assert_unproven(NULL, TB_EMALFORMED, "none");
	pki_batch_free(batch);
	tb_arena_clear(&arena);
}

static void test_proof_holds_the_certificate_to_the_time_of_signing(void **state)
{
	(void)state;
	struct tb_arena arena = {0};
	struct pki_batch_head head = queries_head();
	static const tb_time wrong[] = {-2 * TB_DAY, 31 * TB_DAY};
	for (size_t i = 0; i < 2; i++) {
		head.sent_at = NOW + wrong[i];
		head.expires_at = head.sent_at + 1000;
		struct pki_batch *batch = build_signed(&head, 1, &a.message);
		PbProof proof;
		pki_proof_make(&proof, batch, 0, &arena);
		assert_unproven(&proof, TB_EEXPIRED, "");
		pki_batch_free(batch);
	}
	tb_arena_clear(&arena);
}

static struct pki_batch_head seal_head(void)
{
	return (struct pki_batch_head){.kind = PB_BATCH_KIND__SEAL,
	                               .sender = "320400",
	                               .receiver = "",
	                               .issuer = SEAL_ISSUER,
	                               .sent_at = NOW,
	                               .expires_at = NOW + 365 * TB_DAY};
}

static enum tb_code prove_first(const struct pki_batch_head *head, const struct credential *by,
                                struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct pki_batch *batch = build_signed(head, 3, by);
	PbProof proof;
	struct pki_proven proven;
	pki_proof_make(&proof, batch, 0, &arena);
	enum tb_code code = pki_proof_check(&proven, &proof, trust, &arena, err);
	if (code == TB_OK) {
		assert_int_equal(proven.signer->role, PKI_ROLE_SEAL);
		assert_string_equal(proven.signer->issuer, proven.header->issuer);
	}
	pki_batch_free(batch);
	tb_arena_clear(&arena);
	return code;
}

static void test_seal_proves_who_issued(void **state)
{
	(void)state;
	struct tb_error err = {0};
	struct pki_batch_head head = seal_head();
	assert_int_equal(prove_first(&head, &a.seal, &err), TB_OK);
	head.issuer = "11320400MB0A00002X";
	assert_int_equal(prove_first(&head, &a.seal, &err), TB_EUNTRUSTED);
	assert_non_null(strstr(err.text, "another issuer"));
	head = seal_head();
	head.sender = "330100";
	assert_int_equal(prove_first(&head, &a.seal, &err), TB_EUNTRUSTED);
	assert_non_null(strstr(err.text, "the chain is region 320400's"));
	head = seal_head();
	assert_int_equal(prove_first(&head, &a.message, &err), TB_EUNTRUSTED);
	assert_int_equal(prove_first(&head, &a.node, &err), TB_EUNTRUSTED);
	assert_int_equal(prove_first(&head, &b.seal, &err), TB_EUNTRUSTED);
	/* And a seal key signs nothing that is exchanged. */
	head = queries_head();
	assert_int_equal(prove_first(&head, &a.seal, &err), TB_EUNTRUSTED);
}

static void seal_with_receiver(PbBatchHeader *h)
{
	static char receiver[] = "330100";
	h->receiver = receiver;
}

static void seal_without_issuer(PbBatchHeader *h)
{
	h->issuer[0] = 0;
}

static void seal_as_reply(PbBatchHeader *h)
{
	h->in_reply_to = (ProtobufCBinaryData){32, spare};
}

static void seal_version(PbBatchHeader *h)
{
	h->version = 0;
}

static void seal_issuer_large(PbBatchHeader *h)
{
	static char issuer[TB_ID_BYTES_MAX + 2];
	memset(issuer, 'A', TB_ID_BYTES_MAX + 1);
	h->issuer = issuer;
}

static void test_seal_refuses_headers_that_break_a_rule(void **state)
{
	(void)state;
	static const struct {
		void (*change)(PbBatchHeader *);
		enum tb_code code;
		const char *text;
	} rows[] = {
		{seal_with_receiver, TB_EMALFORMED, "a seal has a receiver"},
		{seal_without_issuer, TB_EMALFORMED, "a seal has no issuer"},
		{seal_as_reply, TB_EMALFORMED, "a seal answers a request"},
		{seal_version, TB_EMALFORMED, "version 0"},
		{seal_issuer_large, TB_ETOOBIG, "an issuer of 129 bytes"},
	};
	struct pki_batch_head head = seal_head();
	struct tb_buf wire = encoded(&head, 1, &a.seal);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forgery forgery;
		forgery_init(&forgery, tb_buf_bytes(&wire));
		rows[i].change(forgery.header);
		forgery_sign(&forgery, a.seal.key);
		PbProof proof = PB_PROOF__INIT;
		proof.header = forgery.wire->header;
		proof.signature = forgery.wire->signature;
		proof.n_chain = forgery.wire->n_chain;
		proof.chain = forgery.wire->chain;
		proof.item = forgery.wire->items[0];
		assert_unproven(&proof, rows[i].code, rows[i].text);
		tb_arena_clear(&forgery.arena);
	}
	tb_buf_clear(&wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EACH_SUITE(test_proof_of_every_item_holds),
		EACH_SUITE(test_proof_outlives_its_batch),
		EACH_SUITE(test_proof_from_a_received_batch_holds),
		EACH_SUITE(test_proof_refuses_changes),
		EACH_SUITE(test_proof_holds_the_certificate_to_the_time_of_signing),
		EACH_SUITE(test_seal_proves_who_issued),
		EACH_SUITE(test_seal_refuses_headers_that_break_a_rule),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
