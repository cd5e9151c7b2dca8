/* Certificates good and forged, and checks of chains of them: for test_chain.c and test_trust.c. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "pki/pki_priv.h"

#define REGION_A "320400"
#define REGION_B "310000"

/* The CAs are valid from FROM to UNTIL, and everything else unless a test says otherwise. */
#define FROM (20000 * TB_DAY)
#define NOW (20010 * TB_DAY)
#define UNTIL (20400 * TB_DAY)

/* A certificate and its key. */
struct party {
	struct pki_key *key;
	struct tb_buf pem;
	struct tb_buf der;
};

static inline void party_clear(struct party *party)
{
	pki_key_free(party->key);
	tb_buf_clear(&party->pem);
	tb_buf_clear(&party->der);
}

static inline struct pki_issue issue_of(const char *region, enum pki_role role)
{
	return (struct pki_issue){.region = region,
	                          .role = role,
	                          .issuer = "11320400014109533M",
	                          .common_name = "test",
	                          .valid_from = FROM,
	                          .valid_until = UNTIL};
}

static inline struct pki_issue issue_ca_of(const char *region, const char *name)
{
	struct pki_issue issue = issue_of(region, PKI_ROLE_NODE);
	issue.ca = true;
	issue.common_name = name;
	return issue;
}

/* |ca| is NULL for a self-signed CA. */
static inline struct party party_issue(const struct party *ca, enum pki_suite suite,
                                       const struct pki_issue *issue)
{
	struct party party = {0};
	struct tb_error err = {0};
	struct tb_arena arena = {0};
	struct tb_bytes certs[TB_CHAIN_CERTS_MAX];
	size_t count = 0;
	assert_int_equal(pki_key_generate(&party.key, suite, NULL), TB_OK);
	enum tb_code code =
		ca ? pki_issue_leaf(&party.pem, party.key, ca->key, tb_buf_bytes(&ca->pem), issue, &err)
		   : pki_issue_ca(&party.pem, party.key, issue, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(code, TB_OK);
	assert_int_equal(pki_pem_to_chain(certs, &count, tb_buf_bytes(&party.pem), &arena, NULL), TB_OK);
	tb_buf_add(&party.der, certs[0].data, certs[0].size);
	tb_arena_clear(&arena);
	return party;
}

static inline struct party party_ca(const char *region)
{
	struct pki_issue issue = issue_ca_of(region, "root");
	return party_issue(NULL, PKI_P256, &issue);
}

static inline struct party party_leaf(const struct party *ca, const char *region, enum pki_role role)
{
	struct pki_issue issue = issue_of(region, role);
	return party_issue(ca, PKI_P256, &issue);
}

/* ---- certificates that pki_issue_*() would not make */

struct forgery {
	const char *pkey_type; /* "EC", "RSA"; NULL: a P-256 key of ours */
	const char *pkey_group;
	struct tb_bytes uris[2]; /* in one extension */
	size_t uris_count;
	bool twice;        /* the SAN extension comes twice */
	const char *basic; /* extensions in OpenSSL's text form; NULL: left out */
	const char *usage;
	const char *extended;
	const char *constraints;
	const char *common_name;
	const EVP_MD *md; /* NULL: SHA-256 */
};

static inline void forge_text(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *extension = value ? X509V3_EXT_conf_nid(NULL, &ctx, nid, value) : NULL;
	assert_true(!value || extension);
	if (extension)
		assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline void forge_uris(X509 *cert, const struct forgery *forgery)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	for (size_t i = 0; i < forgery->uris_count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();
		ASN1_STRING_set(text, forgery->uris[i].data, (int)forgery->uris[i].size);
		GENERAL_NAME_set0_value(name, GEN_URI, text);
		sk_GENERAL_NAME_push(names, name);
	}
	for (int i = 0; forgery->uris_count > 0 && i <= forgery->twice; i++)
		assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND),
		                 1);
	GENERAL_NAMES_free(names);
}

static inline EVP_PKEY *forge_pkey(struct party *party, const struct forgery *forgery)
{
	if (forgery->pkey_type && strcmp(forgery->pkey_type, "RSA") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	if (forgery->pkey_type)
		return EVP_PKEY_Q_keygen(NULL, NULL, forgery->pkey_type, forgery->pkey_group);
	assert_int_equal(pki_key_generate(&party->key, PKI_P256, NULL), TB_OK);
	EVP_PKEY_up_ref(pki_key_pkey(party->key));
	return pki_key_pkey(party->key);
}

static inline X509 *forge_begin(EVP_PKEY *pkey, X509 *ca, const struct forgery *forgery)
{
	static long serial = 1;
	const char *name = forgery->common_name ? forgery->common_name : "forged";
	X509 *cert = X509_new();
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const uint8_t *)name, -1,
	                           -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(ca ? ca : cert));
	ASN1_TIME_set(X509_getm_notBefore(cert), FROM / TB_SECOND);
	ASN1_TIME_set(X509_getm_notAfter(cert), UNTIL / TB_SECOND);
	X509_set_pubkey(cert, pkey);
	forge_text(cert, ca ? ca : cert, NID_subject_key_identifier, "hash");
	forge_text(cert, ca ? ca : cert, NID_authority_key_identifier, "keyid:always");
	forge_text(cert, cert, NID_basic_constraints, forgery->basic);
	forge_text(cert, cert, NID_key_usage, forgery->usage);
	forge_text(cert, cert, NID_ext_key_usage, forgery->extended);
	forge_text(cert, cert, NID_name_constraints, forgery->constraints);
	forge_uris(cert, forgery);
	return cert;
}

static inline struct party forge(const struct party *ca, const struct forgery *forgery)
{
	struct party party = {0};
	uint8_t *der = NULL;
	X509 *ca_cert = NULL;
	EVP_PKEY *pkey = forge_pkey(&party, forgery);
	assert_non_null(pkey);
	if (ca)
		assert_int_equal(pki_x509_parse(&ca_cert, tb_buf_bytes(&ca->der), 0, NULL), TB_OK);
	X509 *cert = forge_begin(pkey, ca_cert, forgery);
	assert_true(X509_sign(cert, ca ? pki_key_pkey(ca->key) : pkey,
	                      forgery->md ? forgery->md : EVP_sha256()) > 0);
	int size = i2d_X509(cert, &der);
	assert_true(size > 0);
	tb_buf_add(&party.der, der, (size_t)size);
	struct tb_bytes bytes = tb_buf_bytes(&party.der);
	pki_chain_to_pem(&party.pem, &bytes, 1);
	OPENSSL_free(der);
	X509_free(cert);
	X509_free(ca_cert);
	EVP_PKEY_free(pkey);
	return party;
}

static inline struct forgery forgery_of(const char *uri)
{
	return (struct forgery){.uris = {tb_bytes_str(uri)},
	                        .uris_count = uri ? 1 : 0,
	                        .basic = "critical,CA:FALSE",
	                        .usage = "critical,digitalSignature"};
}

static inline struct forgery forgery_ca_of(const char *uri)
{
	struct forgery forgery = forgery_of(uri);
	forgery.basic = "critical,CA:TRUE";
	forgery.usage = "critical,keyCertSign,cRLSign";
	forgery.common_name = "forged CA";
	return forgery;
}

/* ---- checking */

static inline struct pki_trust *trust_of(const struct party *a, const struct party *b)
{
	struct pki_trust *trust = pki_trust_new();
	if (a)
		assert_int_equal(pki_trust_add(trust, REGION_A, tb_buf_bytes(&a->pem), NULL), TB_OK);
	if (b)
		assert_int_equal(pki_trust_add(trust, REGION_B, tb_buf_bytes(&b->pem), NULL), TB_OK);
	return trust;
}

/* Up to four parties, leaf first. */
static inline size_t chain_of(struct tb_bytes chain[TB_CHAIN_CERTS_MAX], const struct party *const *parties)
{
	size_t count = 0;
	while (count < TB_CHAIN_CERTS_MAX && parties[count]) {
		chain[count] = tb_buf_bytes(&parties[count]->der);
		count++;
	}
	return count;
}

static inline const struct pki_identity *check_good(struct pki_trust *trust, enum pki_role role, tb_time now,
                                                    const struct party *const *parties)
{
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	struct tb_error err = {0};
	const struct pki_identity *identity = NULL;
	size_t count = chain_of(chain, parties);
	enum tb_code code = pki_chain_check(&identity, trust, chain, count, role, now, &err);
	assert_string_equal(err.text, "");
	assert_int_equal(code, TB_OK);
	assert_non_null(identity);
	return identity;
}

/* |text| is what the error must say. */
static inline void check_bad(struct pki_trust *trust, enum pki_role role, tb_time now,
                             const struct party *const *parties, enum tb_code want, const char *text)
{
	struct tb_bytes chain[TB_CHAIN_CERTS_MAX];
	struct tb_error err = {0};
	const struct pki_identity *identity = (const struct pki_identity *)&err;
	size_t count = chain_of(chain, parties);
	enum tb_code code = pki_chain_check(&identity, trust, chain, count, role, now, &err);
	if (!strstr(err.text, text))
		print_error("\"%s\" does not say \"%s\"\n", err.text, text);
	assert_non_null(strstr(err.text, text));
	assert_int_equal(code, want);
	assert_int_equal(err.code, want);
	assert_null(identity);
}

#define GOOD(trust, role, now, ...) \
	check_good(trust, role, now, (const struct party *const[]){__VA_ARGS__, NULL})
#define BAD(trust, role, now, want, text, ...) \
	check_bad(trust, role, now, (const struct party *const[]){__VA_ARGS__, NULL}, want, text)
