#include "sim/stub.h"

#include "pki/batch.h"
#include "pki/note.h"
#include "tests/pki/region.h"

static const bool modes[] = {true, false}; /* stubs, then the real ones: one behaviour */

struct scene {
	struct region sender;
	struct region stranger;
	struct pki_trust *trust;
	struct pki_random *random;
};

static void scene_init(struct scene *scene, uint64_t seed, bool stub)
{
	static const uint8_t zero[32];
	sim_crypto_start(seed, stub);
	region_init(&scene->sender, "320400", PKI_P256);
	region_init(&scene->stranger, "620100", PKI_P256);
	scene->trust = pki_trust_new();
	region_trust(scene->trust, &scene->sender);
	region_trust(scene->trust, &scene->stranger);
	scene->random = pki_random_new(zero);
}

static void scene_clear(struct scene *scene)
{
	region_clear(&scene->sender);
	region_clear(&scene->stranger);
	pki_trust_unref(scene->trust);
	pki_random_free(scene->random);
	sim_crypto_stop();
}

static const struct pki_identity *identity_of(struct scene *scene, const struct credential *credential)
{
	const struct pki_identity *identity = NULL;
	assert_int_equal(pki_chain_check(&identity, scene->trust, credential->chain, credential->chain_count,
	                                 PKI_ROLE_MESSAGE, NOW, NULL),
	                 TB_OK);
	return identity;
}

static void test_the_digest_of_a_key_is_that_of_its_certificate(void **state)
{
	(void)state;
	struct scene scene;
	uint8_t of_key[PKI_HASH_BYTES], of_cert[PKI_HASH_BYTES];
	scene_init(&scene, 1, true);
	pki_key_id(of_key, scene.sender.message.key);
	assert_int_equal(pki_cert_fingerprint(of_cert, scene.sender.message.chain[0], NULL), TB_OK);
	assert_memory_equal(of_key, of_cert, PKI_HASH_BYTES);
	scene_clear(&scene);
}

static void test_a_signature_holds_for_its_message_and_key_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		scene_init(&scene, 1, modes[i]);
		const struct pki_identity *signer = identity_of(&scene, &scene.sender.message);
		const struct pki_identity *other = identity_of(&scene, &scene.stranger.message);
		struct tb_buf signature = {0};
		struct tb_bytes message = tb_bytes_str("a message");
		tb_buf_str(&signature, "kept");
		assert_int_equal(pki_sign(scene.sender.message.key, message, &signature, NULL), TB_OK);
		struct tb_bytes bytes = tb_bytes_of(signature.data + 4, signature.size - 4);
		assert_true(bytes.size <= 72);
		assert_int_equal(pki_verify(signer, message, bytes, NULL), TB_OK);
		assert_int_equal(pki_verify(other, message, bytes, NULL), TB_EUNTRUSTED);
		assert_int_equal(pki_verify(signer, tb_bytes_str("A message"), bytes, NULL), TB_EUNTRUSTED);
		assert_int_equal(pki_verify(signer, message, tb_bytes_of(NULL, 0), NULL), TB_EUNTRUSTED);
		for (size_t k = 4; k < signature.size; k++) {
			signature.data[k] ^= 0x10;
			assert_int_equal(pki_verify(signer, message, bytes, NULL), TB_EUNTRUSTED);
			signature.data[k] ^= 0x10;
		}
		bytes.size--;
		assert_int_equal(pki_verify(signer, message, bytes, NULL), TB_EUNTRUSTED);
		assert_int_equal(sim_crypto_counts()->refused, 4 + signature.size - 4);
		tb_buf_clear(&signature);
		scene_clear(&scene);
	}
}

/* Batches sign and check from another file of pki: the linker has led those calls here too. */
static void test_a_batch_is_signed_and_checked_with_stubs(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct scene scene;
		struct tb_buf wire = {0};
		struct tb_bytes messages[] = {tb_bytes_str("one"), tb_bytes_str("two")};
		struct pki_batch_head head = {.kind = PB_BATCH_KIND__MESSAGES,
		                              .sender = "320400",
		                              .receiver = "620100",
		                              .sent_at = NOW,
		                              .expires_at = NOW + TB_MINUTE};
		struct pki_expect expect = {.kind = PB_BATCH_KIND__MESSAGES,
		                            .sender = "320400",
		                            .receiver = "620100",
		                            .now = NOW};
		scene_init(&scene, 1, modes[i]);
		struct pki_batch *batch = pki_batch_build(&head, messages, 2, scene.random);
		const struct credential *own = &scene.sender.message;
		assert_int_equal(pki_batch_sign(batch, own->key, own->chain, own->chain_count, NULL), TB_OK);
		pki_batch_encode(&wire, batch);
		pki_batch_free(batch);
		assert_int_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), scene.trust, &expect, NULL),
		                 TB_OK);
		pki_batch_free(batch);
		/* Signed by another region's key under the sender's chain. */
		batch = pki_batch_build(&head, messages, 2, scene.random);
		assert_int_equal(
			pki_batch_sign(batch, scene.stranger.message.key, own->chain, own->chain_count, NULL),
			TB_OK);
		wire.size = 0;
		pki_batch_encode(&wire, batch);
		pki_batch_free(batch);
		assert_int_equal(pki_batch_check(&batch, tb_buf_bytes(&wire), scene.trust, &expect, NULL),
		                 TB_EUNTRUSTED);
		assert_int_equal(sim_crypto_counts()->signed_count, 2);
		assert_int_equal(sim_crypto_counts()->checked, 2);
		tb_buf_clear(&wire);
		scene_clear(&scene);
	}
}

static void test_a_certificate_of_a_foreign_ca_is_refused_with_stubs_too(void **state)
{
	(void)state;
	struct scene scene;
	struct pki_trust *trust = pki_trust_new();
	const struct pki_identity *identity = NULL;
	scene_init(&scene, 1, true);
	region_trust(trust, &scene.stranger);
	assert_int_equal(pki_chain_check(&identity, trust, scene.sender.message.chain,
	                                 scene.sender.message.chain_count, PKI_ROLE_MESSAGE, NOW, NULL),
	                 TB_EUNTRUSTED);
	pki_trust_unref(trust);
	scene_clear(&scene);
}

/* What a run draws: keys, a certificate and a signature, in one text. */
static struct tb_buf drawn(uint64_t seed, bool stub)
{
	struct scene scene;
	struct tb_buf out = {0};
	scene_init(&scene, seed, stub);
	assert_int_equal(pki_key_to_pem(scene.sender.message.key, &out, NULL), TB_OK);
	tb_buf_add(&out, scene.sender.message.chain[0].data, scene.sender.message.chain[0].size);
	assert_int_equal(pki_sign(scene.sender.message.key, tb_bytes_str("m"), &out, NULL), TB_OK);
	scene_clear(&scene);
	return out;
}

static void test_a_seed_gives_keys_certificates_and_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct tb_buf first = drawn(7, modes[i]);
		struct tb_buf again = drawn(7, modes[i]);
		struct tb_buf other = drawn(8, modes[i]);
		assert_true(tb_bytes_equal(tb_buf_bytes(&first), tb_buf_bytes(&again)));
		assert_false(tb_bytes_equal(tb_buf_bytes(&first), tb_buf_bytes(&other)));
		tb_buf_clear(&first);
		tb_buf_clear(&again);
		tb_buf_clear(&other);
	}
}

static void test_randomness_is_the_systems_again_after_a_run(void **state)
{
	(void)state;
	uint8_t ids[2][PKI_HASH_BYTES];
	for (int i = 0; i < 2; i++) {
		struct pki_key *key = NULL;
		sim_crypto_start(7, true);
		sim_crypto_stop();
		assert_int_equal(pki_key_generate(&key, PKI_P256, NULL), TB_OK);
		pki_key_id(ids[i], key);
		pki_key_free(key);
	}
	assert_memory_not_equal(ids[0], ids[1], PKI_HASH_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_digest_of_a_key_is_that_of_its_certificate),
		cmocka_unit_test(test_a_signature_holds_for_its_message_and_key_only),
		cmocka_unit_test(test_a_batch_is_signed_and_checked_with_stubs),
		cmocka_unit_test(test_a_certificate_of_a_foreign_ca_is_refused_with_stubs_too),
		cmocka_unit_test(test_a_seed_gives_keys_certificates_and_signatures),
		cmocka_unit_test(test_randomness_is_the_systems_again_after_a_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
