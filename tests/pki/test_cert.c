#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/x509v3.h>

#include "pki/pki_priv.h"

static const enum pki_suite suites[] = {PKI_P256, PKI_ED25519};

/* What every test starts from: a CA and a leaf of 320400, both of one suite. */
struct pair {
	struct pki_key *ca_key;
	struct pki_key *key;
	struct tb_buf ca_pem;
	struct tb_buf pem;
	struct pki_issue issue; /* of the leaf */
};

static struct pki_issue issue_of(enum pki_role role)
{
	return (struct pki_issue){.region = "320400",
	                          .role = role,
	                          .issuer = "11320400014109533M",
	                          .common_name = "常州市",
	                          .valid_from = 1000 * TB_DAY,
	                          .valid_until = 2000 * TB_DAY};
}

static void pair_make(struct pair *pair, enum pki_suite suite, enum pki_role role)
{
	*pair = (struct pair){.issue = issue_of(role)};
	struct pki_issue ca = pair->issue;
	assert_int_equal(pki_key_generate(&pair->ca_key, suite, NULL), TB_OK);
	assert_int_equal(pki_key_generate(&pair->key, suite, NULL), TB_OK);
	assert_int_equal(pki_issue_ca(&pair->ca_pem, pair->ca_key, &ca, NULL), TB_OK);
	assert_int_equal(pki_issue_leaf(&pair->pem, pair->key, pair->ca_key, tb_buf_bytes(&pair->ca_pem),
	                                &pair->issue, NULL),
	                 TB_OK);
}

static void pair_clear(struct pair *pair)
{
	pki_key_free(pair->ca_key);
	pki_key_free(pair->key);
	tb_buf_clear(&pair->ca_pem);
	tb_buf_clear(&pair->pem);
}

static X509 *x509_of(const struct tb_buf *pem)
{
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	size_t count = 0;
	X509 *cert = NULL;
	assert_int_equal(pki_pem_to_chain(chain, &count, tb_buf_bytes(pem), &arena, NULL), TB_OK);
	assert_int_equal(count, 1);
	assert_int_equal(pki_x509_parse(&cert, chain[0], 0, NULL), TB_OK);
	tb_arena_clear(&arena);
	return cert;
}

/* Checks that |cert| has one SAN, the URI |want|. */
static void assert_uri(const X509 *cert, const char *want)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(names), 1);
	const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
	assert_int_equal(name->type, GEN_URI);
	const ASN1_STRING *uri = name->d.uniformResourceIdentifier;
	assert_int_equal(ASN1_STRING_length(uri), strlen(want));
	assert_memory_equal(ASN1_STRING_get0_data(uri), want, strlen(want));
	GENERAL_NAMES_free(names);
}

static bool is_critical(const X509 *cert, int nid)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);
	assert_true(at >= 0);
	return X509_EXTENSION_get_critical(X509_get_ext(cert, at)) == 1;
}

static void test_ca_certificate_names_its_region_and_constrains_to_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pair pair;
		pair_make(&pair, suites[i], PKI_ROLE_NODE);
		X509 *ca = x509_of(&pair.ca_pem);
		assert_int_equal(X509_get_version(ca), X509_VERSION_3);
		assert_int_equal(X509_check_ca(ca), 1);
		assert_true(is_critical(ca, NID_basic_constraints));
		assert_true(is_critical(ca, NID_key_usage));
		assert_true(is_critical(ca, NID_name_constraints));
		assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
		assert_uri(ca, "spiffe://320400");
		assert_int_equal(X509_self_signed(ca, 1), 1);

		NAME_CONSTRAINTS *limits = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
		assert_int_equal(sk_GENERAL_SUBTREE_num(limits->permittedSubtrees), 1);
		assert_null(limits->excludedSubtrees);
		const GENERAL_NAME *base = sk_GENERAL_SUBTREE_value(limits->permittedSubtrees, 0)->base;
		assert_int_equal(base->type, GEN_URI);
		assert_int_equal(ASN1_STRING_length(base->d.uniformResourceIdentifier), 6);
		assert_memory_equal(ASN1_STRING_get0_data(base->d.uniformResourceIdentifier), "320400", 6);
		NAME_CONSTRAINTS_free(limits);
		X509_free(ca);
		pair_clear(&pair);
	}
}

static void test_leaf_certificate_says_region_and_role(void **state)
{
	(void)state;
	static const char *const uris[] = {"spiffe://320400/node", "spiffe://320400/message",
	                                   "spiffe://320400/seal/11320400014109533M"};
	for (int role = PKI_ROLE_NODE; role <= PKI_ROLE_SEAL; role++) {
		struct pair pair;
		pair_make(&pair, PKI_P256, (enum pki_role)role);
		X509 *ca = x509_of(&pair.ca_pem);
		X509 *leaf = x509_of(&pair.pem);
		assert_uri(leaf, uris[role]);
		assert_int_equal(X509_check_ca(leaf), 0);
		assert_true(is_critical(leaf, NID_key_usage));
		assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
		assert_int_equal(X509_get_extended_key_usage(leaf),
		                 role == PKI_ROLE_NODE ? XKU_SSL_SERVER | XKU_SSL_CLIENT : UINT32_MAX);
		assert_int_equal(
			ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf), X509_get0_subject_key_id(ca)),
			0);
		assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_subject_name(ca)), 0);
		assert_int_equal(X509_verify(leaf, pki_key_pkey(pair.ca_key)), 1);
		assert_int_equal(X509_check_private_key(leaf, pki_key_pkey(pair.key)), 1);
		assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notBefore(leaf), 1000 * 86400), 0);
		assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(leaf), 2000 * 86400), 0);
		X509_free(ca);
		X509_free(leaf);
		pair_clear(&pair);
	}
}

static void test_serial_numbers_are_16_random_bytes(void **state)
{
	(void)state;
	struct pair a;
	struct pair b;
	pair_make(&a, PKI_ED25519, PKI_ROLE_NODE);
	pair_make(&b, PKI_ED25519, PKI_ROLE_NODE);
	X509 *certs[] = {x509_of(&a.pem), x509_of(&a.ca_pem), x509_of(&b.pem)};
	for (size_t i = 0; i < 3; i++) {
		const ASN1_INTEGER *serial = X509_get0_serialNumber(certs[i]);
		assert_int_equal(ASN1_STRING_length(serial), 16);
		assert_int_equal(ASN1_STRING_type(serial), V_ASN1_INTEGER); /* not negative */
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certs[k])), 0);
	}
	for (size_t i = 0; i < 3; i++)
		X509_free(certs[i]);
	pair_clear(&a);
	pair_clear(&b);
}

static void test_a_comma_in_a_uri_adds_no_name(void **state)
{
	(void)state;
	struct pair pair;
	pair_make(&pair, PKI_P256, PKI_ROLE_NODE);
	pair.issue.uri_override = "spiffe://320400/node,URI:spiffe://310000/node";
	pair.pem.size = 0;
	assert_int_equal(pki_issue_leaf(&pair.pem, pair.key, pair.ca_key, tb_buf_bytes(&pair.ca_pem),
	                                &pair.issue, NULL),
	                 TB_OK);
	X509 *leaf = x509_of(&pair.pem);
	assert_uri(leaf, pair.issue.uri_override);
	X509_free(leaf);
	pair_clear(&pair);
}

static void assert_issue_refused(struct pair *pair, const struct pki_issue *issue)
{
	struct tb_error err = {0};
	size_t size = pair->pem.size;
	assert_int_equal(
		pki_issue_leaf(&pair->pem, pair->key, pair->ca_key, tb_buf_bytes(&pair->ca_pem), issue, &err),
		TB_EINVALID);
	assert_int_equal(err.code, TB_EINVALID);
	assert_int_equal(pair->pem.size, size);
}

static void test_wrong_wishes_are_refused(void **state)
{
	(void)state;
	struct pair pair;
	char text[300];
	pair_make(&pair, PKI_P256, PKI_ROLE_SEAL);
	static const char *const regions[] = {"", "32040", "3204000", "32040a", "32/400"};
	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		struct pki_issue issue = pair.issue;
		issue.region = regions[i];
		assert_issue_refused(&pair, &issue);
		assert_int_equal(pki_issue_ca(&pair.ca_pem, pair.ca_key, &issue, NULL), TB_EINVALID);
	}
	memset(text, 'a', sizeof(text));
	text[TB_ID_BYTES_MAX + 1] = '\0';
	const char *const issuers[] = {NULL, "", ".", "..", "a/b", "a b", "a*", "局", text};
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++) {
		struct pki_issue issue = pair.issue;
		issue.issuer = issuers[i];
		assert_issue_refused(&pair, &issue);
	}
	text[65] = '\0';
	const char *const names[] = {NULL, "", text};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pki_issue issue = pair.issue;
		issue.common_name = names[i];
		assert_issue_refused(&pair, &issue);
	}
	struct pki_issue issue = pair.issue;
	issue.valid_until = issue.valid_from;
	assert_issue_refused(&pair, &issue);
	issue.valid_from = -1;
	issue.valid_until = TB_DAY;
	assert_issue_refused(&pair, &issue);
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	issue = pair.issue;
	issue.uri_override = text;
	assert_issue_refused(&pair, &issue);
	pair_clear(&pair);
}

static void test_ca_certificate_of_another_key_is_refused(void **state)
{
	(void)state;
	struct pair a;
	struct pair b;
	pair_make(&a, PKI_P256, PKI_ROLE_NODE);
	pair_make(&b, PKI_ED25519, PKI_ROLE_NODE);
	assert_int_equal(pki_issue_leaf(&a.pem, a.key, b.ca_key, tb_buf_bytes(&a.ca_pem), &a.issue, NULL),
	                 TB_EINVALID);
	assert_int_equal(pki_issue_leaf(&a.pem, a.key, a.ca_key, tb_bytes_str("not PEM"), &a.issue, NULL),
	                 TB_EMALFORMED);
	pair_clear(&a);
	pair_clear(&b);
}

static void test_chain_survives_pem(void **state)
{
	(void)state;
	struct pair pair;
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	struct tb_bytes again[TB_CHAIN_CERTS_MAX];
	size_t count = 0;
	size_t again_count = 0;
	struct tb_buf pem = {0};
	struct tb_buf pem_again = {0};
	pair_make(&pair, PKI_P256, PKI_ROLE_MESSAGE);
	tb_buf_str(&pem, "Subject: CN = text that explains\n");
	tb_buf_add(&pem, pair.pem.data, pair.pem.size);
	tb_buf_str(&pem, "\r\n\r\n");
	tb_buf_add(&pem, pair.ca_pem.data, pair.ca_pem.size);
	tb_buf_str(&pem, "the end");
	assert_int_equal(pki_pem_to_chain(chain, &count, tb_buf_bytes(&pem), &arena, NULL), TB_OK);
	assert_int_equal(count, 2);
	pki_chain_to_pem(&pem_again, chain, count);
	assert_int_equal(pem_again.size, pair.pem.size + pair.ca_pem.size);
	assert_int_equal(pki_pem_to_chain(again, &again_count, tb_buf_bytes(&pem_again), &arena, NULL),
	                 TB_OK);
	assert_int_equal(again_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(tb_bytes_equal(chain[i], again[i]));
	tb_arena_clear(&arena);
	tb_buf_clear(&pem);
	tb_buf_clear(&pem_again);
	pair_clear(&pair);
}

static void assert_pem_refused(struct tb_bytes pem)
{
	struct tb_arena arena = {0};
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	struct tb_error err = {0};
	size_t count = 0;
	assert_int_equal(pki_pem_to_chain(chain, &count, pem, &arena, &err), TB_EMALFORMED);
	assert_int_equal(err.code, TB_EMALFORMED);
	tb_arena_clear(&arena);
}

static void pem_block(struct tb_buf *pem, const char *name, const void *der, size_t size)
{
	tb_buf_printf(pem, "-----BEGIN %s-----\n", name);
	tb_base64(pem, tb_bytes_of(der, size));
	tb_buf_printf(pem, "\n-----END %s-----\n", name);
}

static void test_pem_that_is_not_certificates_is_refused(void **state)
{
	(void)state;
	struct pair pair;
	struct tb_buf pem = {0};
	pair_make(&pair, PKI_P256, PKI_ROLE_MESSAGE);
	assert_pem_refused(tb_bytes_of(NULL, 0));
	assert_pem_refused(tb_bytes_str("no PEM at all\n"));
	for (size_t size = 0; size < pair.pem.size - 2; size++)
		assert_pem_refused(tb_bytes_of(pair.pem.data, size));

	/* A key next to its certificate: never to be taken for a chain and sent on. */
	tb_buf_add(&pem, pair.pem.data, pair.pem.size);
	assert_int_equal(pki_key_to_pem(pair.key, &pem, NULL), TB_OK);
	assert_pem_refused(tb_buf_bytes(&pem));

	pem.size = 0;
	tb_buf_add(&pem, pair.pem.data, pair.pem.size);
	tb_buf_add(&pem, pair.pem.data, pair.pem.size / 2);
	assert_pem_refused(tb_buf_bytes(&pem));

	pem.size = 0;
	for (int i = 0; i <= TB_CHAIN_CERTS_MAX; i++)
		tb_buf_add(&pem, pair.pem.data, pair.pem.size);
	assert_pem_refused(tb_buf_bytes(&pem));

	static const uint8_t zero[TB_CERT_BYTES_MAX + 1];
	pem.size = 0;
	pem_block(&pem, "CERTIFICATE", zero, sizeof(zero));
	assert_pem_refused(tb_buf_bytes(&pem));

	pem.size = 0;
	tb_buf_add(&pem, pair.pem.data, pair.pem.size);
	while (pem.size <= (size_t)TB_CHAIN_CERTS_MAX * TB_PEM_BYTES_MAX)
		tb_buf_str(&pem, "much text\n");
	assert_pem_refused(tb_buf_bytes(&pem));
	tb_buf_clear(&pem);
	pair_clear(&pair);
}

static void test_fingerprint_is_that_of_the_public_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pair pair;
		struct tb_buf spki = {0};
		struct tb_arena arena = {0};
		struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
		size_t count = 0;
		uint8_t want[PKI_HASH_BYTES];
		uint8_t got[PKI_HASH_BYTES];
		pair_make(&pair, suites[i], PKI_ROLE_NODE);
		pki_key_spki(pair.key, &spki);
		pki_sha256(want, tb_buf_bytes(&spki));
		assert_int_equal(pki_pem_to_chain(chain, &count, tb_buf_bytes(&pair.pem), &arena, NULL),
		                 TB_OK);
		assert_int_equal(pki_cert_fingerprint(got, chain[0], NULL), TB_OK);
		assert_memory_equal(got, want, sizeof(want));
		chain[0].size--;
		assert_int_equal(pki_cert_fingerprint(got, chain[0], NULL), TB_EMALFORMED);
		tb_buf_clear(&spki);
		tb_arena_clear(&arena);
		pair_clear(&pair);
	}
}

/* SPIFFE-ID, section 2.1: letters, digits, dots, dashes and underscores. */
static void test_an_issuer_is_one_segment_of_a_path(void **state)
{
	static const char *const good[] = {"a",   "z",   "A",   "Z",   "0",  "9",
	                                   "a.b", "a-b", "a_b", "...", ".a", "..a"};
	static const char *const bad[] = {"",   ".",  "..", "a`", "a{",    "a@",
	                                  "a[", "a/", "a:", "a ", "a\x7f", "局"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!pki_issuer_valid(good[i], strlen(good[i])))
			fail_msg("%s is good", good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (pki_issuer_valid(bad[i], strlen(bad[i])))
			fail_msg("%s is bad", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ca_certificate_names_its_region_and_constrains_to_it),
		cmocka_unit_test(test_leaf_certificate_says_region_and_role),
		cmocka_unit_test(test_serial_numbers_are_16_random_bytes),
		cmocka_unit_test(test_a_comma_in_a_uri_adds_no_name),
		cmocka_unit_test(test_wrong_wishes_are_refused),
		cmocka_unit_test(test_ca_certificate_of_another_key_is_refused),
		cmocka_unit_test(test_chain_survives_pem),
		cmocka_unit_test(test_pem_that_is_not_certificates_is_refused),
		cmocka_unit_test(test_fingerprint_is_that_of_the_public_key),
		cmocka_unit_test(test_an_issuer_is_one_segment_of_a_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
