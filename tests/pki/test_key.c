#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/limits.h"
#include "pki/pki_priv.h"

static const enum pki_suite suites[] = {PKI_P256, PKI_ED25519};

static void assert_hex(const uint8_t *bytes, size_t size, const char *want)
{
	char text[2 * 64 + 1];
	assert_true(size <= 64);
	tb_hex(text, bytes, size);
	assert_string_equal(text, want);
}

static struct pki_key *key_new(enum pki_suite suite)
{
	struct pki_key *key = NULL;
	assert_int_equal(pki_key_generate(&key, suite, NULL), TB_OK);
	return key;
}

/* An identity of |key| that no certificate vouches for: enough for pki_verify(). */
static struct pki_identity identity_of(const struct pki_key *key)
{
	struct pki_identity identity = {.key = pki_public_new(pki_key_pkey(key), pki_key_row(key))};
	assert_non_null(identity.key);
	return identity;
}

/* FIPS 180-4; the examples of NIST's "SHA256.pdf". */
static void test_sha256_gives_the_vectors_of_fips_180(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *hash;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct pki_hash *hash = pki_hash_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[PKI_HASH_BYTES];
		pki_sha256(out, tb_bytes_str(rows[i].text));
		assert_hex(out, sizeof(out), rows[i].hash);
		/* Piece by piece, with one handle for all messages. */
		for (size_t k = 0; k < strlen(rows[i].text); k++)
			pki_hash_add(hash, tb_bytes_of(rows[i].text + k, 1));
		pki_hash_end(hash, out);
		assert_hex(out, sizeof(out), rows[i].hash);
	}
	pki_hash_free(hash);
	pki_hash_free(NULL);
}

/* RFC 4231, sections 4.2, 4.3, 4.7. */
static void test_hmac_gives_the_vectors_of_rfc_4231(void **state)
{
	(void)state;
	uint8_t key[131];
	uint8_t out[PKI_HASH_BYTES];
	memset(key, 0x0b, 20);
	pki_hmac(out, tb_bytes_of(key, 20), tb_bytes_str("Hi There"));
	assert_hex(out, sizeof(out), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	pki_hmac(out, tb_bytes_str("Jefe"), tb_bytes_str("what do ya want for nothing?"));
	assert_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 131);
	struct tb_bytes text = tb_bytes_str("Test Using Larger Than Block-Size Key - Hash Key First");
	pki_hmac(out, tb_bytes_of(key, 131), text);
	assert_hex(out, sizeof(out), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");

	struct pki_mac *mac = pki_mac_new(tb_bytes_of(key, 131));
	for (int i = 0; i < 2; i++) {
		pki_mac_run(mac, out, text);
		assert_hex(out, sizeof(out),
		           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	}
	pki_mac_free(mac);
	pki_hmac(out, tb_bytes_of(NULL, 0), tb_bytes_of(NULL, 0));
	assert_hex(out, sizeof(out), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_suite_names_are_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		enum pki_suite suite = PKI_P256;
		assert_int_equal(pki_suite_parse(&suite, pki_suite_name(suites[i]), NULL), TB_OK);
		assert_int_equal(suite, suites[i]);
	}
	enum pki_suite suite = PKI_P256;
	assert_int_equal(pki_suite_parse(&suite, "P256", NULL), TB_EINVALID);
	assert_int_equal(pki_suite_parse(&suite, "rsa", NULL), TB_EINVALID);
}

static void test_signature_holds_for_its_message_and_key_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pki_key *key = key_new(suites[i]);
		struct pki_key *other = key_new(suites[i]);
		struct pki_identity identity = identity_of(key);
		struct pki_identity stranger = identity_of(other);
		struct tb_bytes message = tb_bytes_str("a message");
		struct tb_buf signature = {0};
		tb_buf_str(&signature, "kept");
		assert_int_equal(pki_sign(key, message, &signature, NULL), TB_OK);
		assert_memory_equal(signature.data, "kept", 4);
		struct tb_bytes bytes = tb_bytes_of(signature.data + 4, signature.size - 4);
		assert_true(bytes.size <= 72);
		assert_int_equal(pki_verify(&identity, message, bytes, NULL), TB_OK);
		assert_int_equal(pki_verify(&identity, message, bytes, NULL), TB_OK);
		assert_int_equal(pki_verify(&stranger, message, bytes, NULL), TB_EUNTRUSTED);
		assert_int_equal(pki_verify(&identity, tb_bytes_str("A message"), bytes, NULL),
		                 TB_EUNTRUSTED);
		assert_int_equal(pki_verify(&identity, message, tb_bytes_of(NULL, 0), NULL), TB_EUNTRUSTED);
		bytes.size--;
		assert_int_equal(pki_verify(&identity, message, bytes, NULL), TB_EUNTRUSTED);
		bytes.size++;
		for (size_t k = 4; k < signature.size; k++) {
			signature.data[k] ^= 1;
			assert_int_equal(pki_verify(&identity, message, bytes, NULL), TB_EUNTRUSTED);
			signature.data[k] ^= 1;
		}
		tb_buf_clear(&signature);
		pki_public_free(identity.key);
		pki_public_free(stranger.key);
		pki_key_free(key);
		pki_key_free(other);
	}
}

static void test_oversized_signature_is_refused(void **state)
{
	(void)state;
	static const uint8_t zero[TB_SIGNATURE_BYTES_MAX + 1];
	struct pki_key *key = key_new(PKI_P256);
	struct pki_identity identity = identity_of(key);
	assert_int_equal(pki_verify(&identity, tb_bytes_str("m"), tb_bytes_of(zero, sizeof(zero)), NULL),
	                 TB_EUNTRUSTED);
	pki_public_free(identity.key);
	pki_key_free(key);
}

static void pem_add(struct tb_buf *pem, const char *name, const void *der, size_t size)
{
	tb_buf_printf(pem, "-----BEGIN %s-----\n", name);
	tb_base64(pem, tb_bytes_of(der, size));
	tb_buf_printf(pem, "\n-----END %s-----\n", name);
}

/* RFC 8032, section 7.1, test 1; the key as RFC 8410, section 7 writes it. */
static void test_ed25519_gives_the_vector_of_rfc_8032(void **state)
{
	(void)state;
	uint8_t der[48];
	assert_true(tb_unhex(der, sizeof(der),
	                     "302e020100300506032b657004220420"
	                     "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
	struct tb_buf pem = {0};
	struct tb_buf signature = {0};
	struct pki_key *key = NULL;
	pem_add(&pem, "PRIVATE KEY", der, sizeof(der));
	assert_int_equal(pki_key_from_pem(&key, tb_buf_bytes(&pem), NULL), TB_OK);
	assert_int_equal(pki_key_suite(key), PKI_ED25519);
	assert_int_equal(pki_sign(key, tb_bytes_of(NULL, 0), &signature, NULL), TB_OK);
	assert_hex(signature.data, signature.size,
	           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
	           "1cf9b46bd25bf5f0595bbe24655141438e7a100b");
	signature.size = 0;
	pki_key_spki(key, &signature);
	assert_hex(signature.data + signature.size - 32, 32,
	           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	tb_buf_clear(&signature);
	tb_buf_clear(&pem);
	pki_key_free(key);
}

static void test_key_survives_pem(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pki_key *key = key_new(suites[i]);
		struct pki_key *again = NULL;
		struct tb_buf pem = {0};
		struct tb_buf pem_again = {0};
		struct tb_buf signature = {0};
		assert_int_equal(pki_key_to_pem(key, &pem, NULL), TB_OK);
		assert_non_null(strstr(tb_buf_text(&pem), "-----BEGIN PRIVATE KEY-----"));
		assert_int_equal(pki_key_from_pem(&again, tb_buf_bytes(&pem), NULL), TB_OK);
		assert_int_equal(pki_key_suite(again), suites[i]);
		assert_int_equal(pki_key_to_pem(again, &pem_again, NULL), TB_OK);
		assert_string_equal(tb_buf_text(&pem), tb_buf_text(&pem_again));

		struct pki_identity identity = identity_of(key);
		assert_int_equal(pki_sign(again, tb_bytes_str("m"), &signature, NULL), TB_OK);
		assert_int_equal(pki_verify(&identity, tb_bytes_str("m"), tb_buf_bytes(&signature), NULL),
		                 TB_OK);
		pki_public_free(identity.key);
		tb_buf_clear(&signature);
		tb_buf_clear(&pem);
		tb_buf_clear(&pem_again);
		pki_key_free(key);
		pki_key_free(again);
	}
	pki_key_free(NULL);
}

static void assert_key_refused(struct tb_bytes pem, enum tb_code want)
{
	struct tb_error err = {0};
	struct pki_key *key = (struct pki_key *)&err;
	assert_int_equal(pki_key_from_pem(&key, pem, &err), want);
	assert_null(key);
	assert_int_equal(err.code, want);
	assert_true(err.text[0] != '\0');
}

static struct tb_buf openssl_pem(EVP_PKEY *pkey, const char *password)
{
	struct tb_buf pem = {0};
	char *text = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	assert_non_null(pkey);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, password ? EVP_aes_128_cbc() : NULL,
	                                               password, password ? (int)strlen(password) : 0, NULL,
	                                               NULL),
	                 1);
	long size = BIO_get_mem_data(bio, &text);
	tb_buf_add(&pem, text, (size_t)size);
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return pem;
}

static void test_key_of_another_suite_is_refused(void **state)
{
	(void)state;
	EVP_PKEY *pkeys[] = {EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"),
	                     EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
	                     EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
	                     EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)};
	for (size_t i = 0; i < sizeof(pkeys) / sizeof(pkeys[0]); i++) {
		struct tb_buf pem = openssl_pem(pkeys[i], NULL);
		assert_key_refused(tb_buf_bytes(&pem), TB_EINVALID);
		tb_buf_clear(&pem);
	}
}

static void test_encrypted_key_is_refused_without_asking_for_a_password(void **state)
{
	(void)state;
	struct tb_buf pem = openssl_pem(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), "secret");
	assert_key_refused(tb_buf_bytes(&pem), TB_EMALFORMED);
	tb_buf_clear(&pem);
}

static void test_key_file_that_is_not_one_is_refused(void **state)
{
	(void)state;
	struct pki_key *key = key_new(PKI_P256);
	struct tb_buf pem = {0};
	assert_int_equal(pki_key_to_pem(key, &pem, NULL), TB_OK);
	/* Without its last line a PEM has no end, whatever was cut off before. */
	for (size_t size = 0; size < pem.size - 2; size++)
		assert_key_refused(tb_bytes_of(pem.data, size), TB_EMALFORMED);

	struct tb_buf big = {0};
	tb_buf_add(&big, pem.data, pem.size);
	while (big.size <= TB_PEM_BYTES_MAX)
		tb_buf_str(&big, "and more\n");
	assert_key_refused(tb_buf_bytes(&big), TB_EMALFORMED);
	big.size = 0;
	pem_add(&big, "CERTIFICATE", "0123", 4);
	assert_key_refused(tb_buf_bytes(&big), TB_EMALFORMED);
	big.size = 0;
	pem_add(&big, "PRIVATE KEY", "0123", 4);
	assert_key_refused(tb_buf_bytes(&big), TB_EMALFORMED);
	tb_buf_clear(&big);
	tb_buf_clear(&pem);
	pki_key_free(key);
}

static struct tb_buf pkcs8_der(const struct pki_key *key)
{
	struct tb_buf der = {0};
	uint8_t *bytes = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pki_key_pkey(key));
	int size = i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
	assert_true(size > 0);
	tb_buf_add(&der, bytes, (size_t)size);
	OPENSSL_free(bytes);
	PKCS8_PRIV_KEY_INFO_free(info);
	return der;
}

static void test_key_with_a_foreign_public_half_is_refused(void **state)
{
	(void)state;
	struct pki_key *key = key_new(PKI_P256);
	struct pki_key *other = key_new(PKI_P256);
	struct tb_buf der = pkcs8_der(key);
	struct tb_buf foreign = pkcs8_der(other);
	struct tb_buf pem = {0};
	/* RFC 5915: the public point is the last 64 bytes. */
	assert_int_equal(der.size, foreign.size);
	memcpy(der.data + der.size - 64, foreign.data + foreign.size - 64, 64);
	pem_add(&pem, "PRIVATE KEY", der.data, der.size);
	assert_key_refused(tb_buf_bytes(&pem), TB_EMALFORMED);

	pem.size = 0;
	tb_buf_add(&foreign, "x", 1);
	pem_add(&pem, "PRIVATE KEY", foreign.data, foreign.size);
	assert_key_refused(tb_buf_bytes(&pem), TB_EMALFORMED);
	tb_buf_clear(&pem);
	tb_buf_clear(&der);
	tb_buf_clear(&foreign);
	pki_key_free(key);
	pki_key_free(other);
}

static void *sign_much(void *arg)
{
	const struct pki_key *key = arg;
	struct pki_identity identity = identity_of(key);
	intptr_t failed = 0;
	for (uint8_t i = 0; i < 50; i++) {
		struct tb_buf signature = {0};
		struct tb_bytes message = tb_bytes_of(&i, 1);
		if (pki_sign(key, message, &signature, NULL) != TB_OK ||
		    pki_verify(&identity, message, tb_buf_bytes(&signature), NULL) != TB_OK)
			failed++;
		tb_buf_clear(&signature);
	}
	pki_public_free(identity.key);
	return (void *)failed;
}

static void test_one_key_signs_on_many_threads_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pki_key *key = key_new(suites[i]);
		pthread_t threads[4];
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(pthread_create(&threads[k], NULL, sign_much, key), 0);
		for (size_t k = 0; k < 4; k++) {
			void *failed = NULL;
			assert_int_equal(pthread_join(threads[k], &failed), 0);
			assert_null(failed);
		}
		pki_key_free(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_gives_the_vectors_of_fips_180),
		cmocka_unit_test(test_hmac_gives_the_vectors_of_rfc_4231),
		cmocka_unit_test(test_suite_names_are_read_back),
		cmocka_unit_test(test_signature_holds_for_its_message_and_key_only),
		cmocka_unit_test(test_oversized_signature_is_refused),
		cmocka_unit_test(test_ed25519_gives_the_vector_of_rfc_8032),
		cmocka_unit_test(test_key_survives_pem),
		cmocka_unit_test(test_key_of_another_suite_is_refused),
		cmocka_unit_test(test_encrypted_key_is_refused_without_asking_for_a_password),
		cmocka_unit_test(test_key_file_that_is_not_one_is_refused),
		cmocka_unit_test(test_key_with_a_foreign_public_half_is_refused),
		cmocka_unit_test(test_one_key_signs_on_many_threads_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
