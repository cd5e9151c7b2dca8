#include "pki/cert.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "pki/pki_priv.h"

enum {
	SERIAL_BYTES = 16,   /* RFC 5280, 4.1.2.2: at most 20; CA/B Forum: 64 random bits at least */
	URI_ROOM = 256,      /* any URI that is written */
	COMMON_NAME_MAX = 64 /* ub-common-name, RFC 5280, appendix A.1 */
};

/* ---- names */

bool pki_region_valid(const char *region, size_t size)
{
	if (size != 6)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (region[i] < '0' || region[i] > '9')
			return false;
	}
	return true;
}

static bool is_segment_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '_' || c == '-';
}

bool pki_issuer_valid(const char *issuer, size_t size)
{
	_Static_assert((int)TB_ID_BYTES_MAX < (int)PKI_SUBJECT_ROOM, "an issuer's code fits");
	if (size == 0 || size > TB_ID_BYTES_MAX)
		return false;
	/* SPIFFE-ID, section 2.2: relative path segments are not allowed. */
	if (issuer[0] == '.' && (size == 1 || (size == 2 && issuer[1] == '.')))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!is_segment_char(issuer[i]))
			return false;
	}
	return true;
}

/* ---- reading */

enum tb_code pki_pem_certs(struct tb_bytes *certs, size_t *count, size_t max, struct tb_bytes pem,
                           struct tb_arena *arena, struct tb_error *err)
{
	*count = 0;
	if (pem.size == 0 || pem.size > max * TB_PEM_BYTES_MAX)
		return tb_fail(err, TB_EMALFORMED, "certificates: no PEM, or over %zu bytes",
		               max * TB_PEM_BYTES_MAX);
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	assert(bio);
	enum tb_code code = TB_OK;
	ERR_clear_error();
	while (code == TB_OK) {
		char *name = NULL;
		char *header = NULL;
		uint8_t *der = NULL;
		long size = 0;
		if (PEM_read_bio(bio, &name, &header, &der, &size) != 1)
			break;
		if (strcmp(name, PEM_STRING_X509) != 0 || header[0] != '\0')
			code = tb_fail(err, TB_EMALFORMED, "PEM block %zu: not a certificate", *count);
		else if (*count == max)
			code = tb_fail(err, TB_EMALFORMED, "more than %zu certificates", max);
		else if (size <= 0 || size > TB_CERT_BYTES_MAX)
			code = tb_fail(err, TB_EMALFORMED, "certificate %zu: over %d bytes", *count,
			               TB_CERT_BYTES_MAX);
		else
			certs[(*count)++] = tb_arena_bytes(arena, tb_bytes_of(der, (size_t)size));
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	/* The end of the text is the only reason to stop that is no damage. */
	if (code == TB_OK && (*count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		code = tb_fail(err, TB_EMALFORMED, "PEM block %zu: missing or broken", *count);
	ERR_clear_error();
	BIO_free(bio);
	return code;
}

enum tb_code pki_pem_to_chain(struct tb_bytes *chain, size_t *chain_count, struct tb_bytes pem,
                              struct tb_arena *arena, struct tb_error *err)
{
	return pki_pem_certs(chain, chain_count, TB_CHAIN_CERTS_MAX, pem, arena, err);
}

static void pem_add(struct tb_buf *pem, struct tb_bytes der)
{
	BIO *bio = BIO_new(BIO_s_mem());
	assert(bio);
	int written = PEM_write_bio(bio, PEM_STRING_X509, "", der.data, (long)der.size);
	assert(written > 0);
	char *text = NULL;
	long size = BIO_get_mem_data(bio, &text);
	tb_buf_add(pem, text, (size_t)size);
	BIO_free(bio);
}

void pki_chain_to_pem(struct tb_buf *pem, const struct tb_bytes *chain, size_t chain_count)
{
	for (size_t i = 0; i < chain_count; i++)
		pem_add(pem, chain[i]);
}

enum tb_code pki_x509_parse(X509 **out, struct tb_bytes der, size_t index, struct tb_error *err)
{
	*out = NULL;
	if (der.size == 0 || der.size > TB_CERT_BYTES_MAX)
		return tb_fail(err, TB_EMALFORMED, "certificate %zu: empty or over %d bytes", index,
		               TB_CERT_BYTES_MAX);
	const uint8_t *end = der.data;
	X509 *cert = d2i_X509(NULL, &end, (long)der.size);
	ERR_clear_error();
	if (!cert)
		return tb_fail(err, TB_EMALFORMED, "certificate %zu: not DER", index);
	if (end != der.data + der.size) {
		X509_free(cert);
		return tb_fail(err, TB_EMALFORMED, "certificate %zu: %zu bytes left over", index,
		               (size_t)(der.data + der.size - end));
	}
	/* OpenSSL reads BER. What the CA did not sign, the outermost frame, could so be written in many ways;
	 * written again it must come out as it went in (X.690, 10.1). */
	uint8_t *again = NULL;
	int again_size = i2d_X509(cert, &again);
	bool same = again_size > 0 && tb_bytes_equal(tb_bytes_of(again, (size_t)again_size), der);
	OPENSSL_free(again);
	if (!same) {
		X509_free(cert);
		return tb_fail(err, TB_EMALFORMED, "certificate %zu: BER, not DER", index);
	}
	*out = cert;
	return TB_OK;
}

void pki_x509_keyid(uint8_t out[PKI_HASH_BYTES], const X509 *cert)
{
	uint8_t *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	assert(size > 0);
	pki_sha256(out, tb_bytes_of(der, (size_t)size));
	OPENSSL_free(der);
}

enum tb_code pki_cert_fingerprint(uint8_t out[PKI_HASH_BYTES], struct tb_bytes der, struct tb_error *err)
{
	X509 *cert = NULL;
	enum tb_code code = pki_x509_parse(&cert, der, 0, err);
	if (code != TB_OK)
		return code;
	pki_x509_keyid(out, cert);
	X509_free(cert);
	return TB_OK;
}

/* ---- making */

static enum tb_code issue_check(const struct pki_issue *issue, bool ca, struct tb_error *err)
{
	if (!pki_region_valid(issue->region, strlen(issue->region)))
		return tb_fail(err, TB_EINVALID, "certificate: region is not six digits");
	if (!ca && issue->role == PKI_ROLE_SEAL &&
	    (!issue->issuer || !pki_issuer_valid(issue->issuer, strlen(issue->issuer))))
		return tb_fail(err, TB_EINVALID, "certificate: issuer is not of 1 to %d of [A-Za-z0-9._-]",
		               TB_ID_BYTES_MAX);
	if (!issue->common_name || issue->common_name[0] == '\0' ||
	    strlen(issue->common_name) > COMMON_NAME_MAX)
		return tb_fail(err, TB_EINVALID, "certificate: common name is not of 1 to %d bytes",
		               COMMON_NAME_MAX);
	if (issue->uri_override && strlen(issue->uri_override) >= URI_ROOM)
		return tb_fail(err, TB_EINVALID, "certificate: URI over %d bytes", URI_ROOM - 1);
	if (issue->valid_from < 0 || issue->valid_until / TB_SECOND <= issue->valid_from / TB_SECOND)
		return tb_fail(err, TB_EINVALID, "certificate: valid for no time at all");
	return TB_OK;
}

static void issue_uri(char out[URI_ROOM], const struct pki_issue *issue, bool ca)
{
	static const char *const roles[] = {
		[PKI_ROLE_NODE] = "/node", [PKI_ROLE_MESSAGE] = "/message", [PKI_ROLE_SEAL] = "/seal/"};
	_Static_assert((int)URI_ROOM > (int)TB_ID_BYTES_MAX + (int)PKI_REGION_ROOM + 24, "every URI fits");
	if (issue->uri_override)
		snprintf(out, URI_ROOM, "%s", issue->uri_override);
	else if (ca)
		snprintf(out, URI_ROOM, "spiffe://%s", issue->region);
	else
		snprintf(out, URI_ROOM, "spiffe://%s%s%s", issue->region, roles[issue->role],
		         issue->role == PKI_ROLE_SEAL ? issue->issuer : "");
}

static GENERAL_NAME *uri_name(const char *uri)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	assert(name);
	assert(text);
	int set = ASN1_STRING_set(text, uri, (int)strlen(uri));
	assert(set == 1);
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	return name;
}

/* Built by hand: OpenSSL's text form of extensions would read a comma in |uri| as the next name. */
static bool add_uri(X509 *cert, const char *uri)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	assert(names);
	sk_GENERAL_NAME_push(names, uri_name(uri));
	int ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT);
	GENERAL_NAMES_free(names);
	return ok == 1;
}

/* RFC 5280, 4.2.1.10: a URI constraint is a host, without a leading dot exactly that one. OpenSSL takes the
 * text between "://" and the next ":" or "/" for the host, so six digits do as well as a domain name. */
static bool add_constraint(X509 *cert, const char *host)
{
	NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
	GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
	assert(constraints);
	assert(subtree);
	GENERAL_NAME_free(subtree->base);
	subtree->base = uri_name(host);
	constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
	assert(constraints->permittedSubtrees);
	sk_GENERAL_SUBTREE_push(constraints->permittedSubtrees, subtree);
	int ok = X509_add1_ext_i2d(cert, NID_name_constraints, constraints, 1, X509V3_ADD_DEFAULT);
	NAME_CONSTRAINTS_free(constraints);
	return ok == 1;
}

static bool add_text(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool ok = extension && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool add_extensions(X509 *cert, X509 *ca, const struct pki_issue *issue, bool is_ca)
{
	char uri[URI_ROOM];
	X509V3_CTX ctx;
	issue_uri(uri, issue, is_ca);
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca, cert, NULL, NULL, 0);
	/* The subject's key identifier first: that of the authority is copied from it when self-signed. */
	if (!add_text(cert, &ctx, NID_subject_key_identifier, "hash") ||
	    !add_text(cert, &ctx, NID_authority_key_identifier, "keyid:always") || !add_uri(cert, uri))
		return false;
	if (is_ca)
		return add_text(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE") &&
		       add_text(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       add_constraint(cert, issue->region);
	return add_text(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_text(cert, &ctx, NID_key_usage, "critical,digitalSignature") &&
	       (issue->role != PKI_ROLE_NODE ||
	        add_text(cert, &ctx, NID_ext_key_usage, "serverAuth,clientAuth"));
}

static bool add_serial(X509 *cert)
{
	uint8_t bytes[SERIAL_BYTES];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	bytes[0] = (bytes[0] & 0x3f) | 0x40; /* positive, and always as long */
	BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
	BN_free(number);
	return ok;
}

static bool add_subject(X509 *cert, const struct pki_issue *issue)
{
	X509_NAME *name = X509_get_subject_name(cert);
	const uint8_t *region = (const uint8_t *)issue->region;
	const uint8_t *common = (const uint8_t *)issue->common_name;
	return X509_NAME_add_entry_by_txt(name, "C", MBSTRING_ASC, (const uint8_t *)"CN", -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, region, -1, -1, 0) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, -1, -1, 0) == 1;
}

/* |ca| is NULL for a self-signed certificate. */
static enum tb_code issue_sign(struct tb_buf *pem, EVP_PKEY *subject, const struct pki_key *ca_key, X509 *ca,
                               const struct pki_issue *issue, struct tb_error *err)
{
	bool is_ca = !ca || issue->ca;
	const char *digest = pki_key_row(ca_key)->digest;
	EVP_MD *md = digest ? EVP_MD_fetch(NULL, digest, NULL) : NULL;
	X509 *cert = X509_new();
	assert(cert);
	enum tb_code code = TB_OK;
	uint8_t *der = NULL;
	int size = 0;
	bool ok = X509_set_version(cert, X509_VERSION_3) == 1 && add_serial(cert) &&
	          add_subject(cert, issue) &&
	          X509_set_issuer_name(cert, X509_get_subject_name(ca ? ca : cert)) == 1 &&
	          ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(issue->valid_from / TB_SECOND)) &&
	          ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(issue->valid_until / TB_SECOND)) &&
	          X509_set_pubkey(cert, subject) == 1 && add_extensions(cert, ca ? ca : cert, issue, is_ca) &&
	          X509_sign(cert, pki_key_pkey(ca_key), md) > 0 && (size = i2d_X509(cert, &der)) > 0;
	if (!ok)
		code = pki_openssl_fail(err, "making a certificate");
	else if (size > TB_CERT_BYTES_MAX)
		code = tb_fail(err, TB_EINVALID, "certificate: over %d bytes", TB_CERT_BYTES_MAX);
	else
		pem_add(pem, tb_bytes_of(der, (size_t)size));
	OPENSSL_free(der);
	X509_free(cert);
	EVP_MD_free(md);
	return code;
}

enum tb_code pki_issue_ca(struct tb_buf *pem, const struct pki_key *key, const struct pki_issue *issue,
                          struct tb_error *err)
{
	enum tb_code code = issue_check(issue, true, err);
	if (code != TB_OK)
		return code;
	return issue_sign(pem, pki_key_pkey(key), key, NULL, issue, err);
}

enum tb_code pki_issue_leaf(struct tb_buf *pem, const struct pki_key *subject, const struct pki_key *ca_key,
                            struct tb_bytes ca_pem, const struct pki_issue *issue, struct tb_error *err)
{
	struct tb_arena arena = {0};
	struct tb_bytes certs[TB_CHAIN_CERTS_MAX];
	size_t count = 0;
	X509 *ca = NULL;
	enum tb_code code = issue_check(issue, issue->ca, err);
	if (code == TB_OK)
		code = pki_pem_certs(certs, &count, TB_CHAIN_CERTS_MAX, ca_pem, &arena, err);
	if (code == TB_OK)
		code = pki_x509_parse(&ca, certs[0], 0, err);
	if (code == TB_OK && X509_check_private_key(ca, pki_key_pkey(ca_key)) != 1) {
		ERR_clear_error();
		code = tb_fail(err, TB_EINVALID, "CA certificate: not that of the CA's key");
	}
	if (code == TB_OK)
		code = issue_sign(pem, pki_key_pkey(subject), ca_key, ca, issue, err);
	X509_free(ca);
	tb_arena_clear(&arena);
	return code;
}
