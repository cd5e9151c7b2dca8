/* SHA-256 is called through the functions that OpenSSL 3 deprecates: a 64-byte message costs 0.5 to 0.6 us
 * with them, 0.8 us through a kept EVP_MD_CTX and 1.5 us through SHA256(), which fetches each time. Merkle
 * trees hash little else. Only this file sees them. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "pki/key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <openssl/sha.h>

#include "base/limits.h"
#include "pki/pki_priv.h"

/* A signing or checking context costs 6 to 9 us to set up in OpenSSL 3 and 0.5 us to copy: each key keeps
 * one that is never used itself, only copied, which any number of threads may do at once. Encoding a public
 * key costs 70 us, more than a signature: it is done once. */
struct pki_key {
	const struct pki_suite_row *row;
	EVP_PKEY *pkey;
	EVP_MD_CTX *pattern;
	struct tb_buf spki; /* SubjectPublicKeyInfo, DER */
	uint8_t id[PKI_HASH_BYTES];
};

struct pki_public {
	const struct pki_suite_row *row;
	EVP_PKEY *pkey;
	EVP_MD_CTX *pattern;
	struct tb_buf spki; /* SubjectPublicKeyInfo, DER */
};

static const struct pki_suite_row suites[] = {
	{PKI_P256, "p256", "EC", SN_X9_62_prime256v1, "SHA256", NID_ecdsa_with_SHA256},
	{PKI_ED25519, "ed25519", "ED25519", NULL, NULL, NID_ED25519},
};

enum { SUITES_COUNT = sizeof(suites) / sizeof(suites[0]), MACS_AT_ONCE = 64 };

enum tb_code pki_openssl_fail(struct tb_error *err, const char *what)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());
	enum tb_code code = tb_fail(err, TB_ECRYPTO, "%s: %s", what, reason ? reason : "no reason given");
	ERR_clear_error();
	return code;
}

/* ---- suites */

static const struct pki_suite_row *row_of(enum pki_suite suite)
{
	for (size_t i = 0; i < SUITES_COUNT; i++) {
		if (suites[i].suite == suite)
			return &suites[i];
	}
	assert(!"a suite without a row");
	return NULL;
}

const char *pki_suite_name(enum pki_suite suite)
{
	return row_of(suite)->name;
}

enum tb_code pki_suite_parse(enum pki_suite *out, const char *name, struct tb_error *err)
{
	for (size_t i = 0; i < SUITES_COUNT; i++) {
		if (strcmp(suites[i].name, name) == 0) {
			*out = suites[i].suite;
			return TB_OK;
		}
	}
	return tb_fail(err, TB_EINVALID, "no such key suite: p256 and ed25519 are known");
}

static bool group_is(const EVP_PKEY *pkey, const char *group)
{
	char name[64];
	size_t size = 0;
	int is_explicit = 0;
	/* RFC 5480, 2.1.1: a curve spelt out in parameters is not a named curve, even if it equals one. */
	if (EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit) &&
	    is_explicit)
		return false;
	return EVP_PKEY_get_group_name(pkey, name, sizeof(name), &size) == 1 && strcmp(name, group) == 0;
}

const struct pki_suite_row *pki_suite_of(const EVP_PKEY *pkey)
{
	const struct pki_suite_row *found = NULL;
	for (size_t i = 0; i < SUITES_COUNT && !found; i++) {
		if (EVP_PKEY_is_a(pkey, suites[i].type) &&
		    (!suites[i].group || group_is(pkey, suites[i].group)))
			found = &suites[i];
	}
	ERR_clear_error();
	return found;
}

/* ---- private keys */

static void spki(EVP_PKEY *pkey, struct tb_buf *out)
{
	uint8_t *der = NULL;
	int size = i2d_PUBKEY(pkey, &der);
	assert(size > 0);
	tb_buf_add(out, der, (size_t)size);
	OPENSSL_free(der);
}

/* Takes |pkey|, also when it fails. */
static enum tb_code key_wrap(struct pki_key **out, EVP_PKEY *pkey, struct tb_error *err)
{
	const struct pki_suite_row *row = pki_suite_of(pkey);
	if (!row) {
		EVP_PKEY_free(pkey);
		return tb_fail(err, TB_EINVALID, "private key: neither P-256 nor Ed25519");
	}
	struct pki_key *key = tb_alloc(sizeof(*key));
	key->row = row;
	key->pkey = pkey;
	key->pattern = EVP_MD_CTX_new();
	if (!key->pattern ||
	    EVP_DigestSignInit_ex(key->pattern, NULL, row->digest, NULL, NULL, pkey, NULL) != 1) {
		pki_key_free(key);
		return pki_openssl_fail(err, "preparing to sign");
	}
	spki(pkey, &key->spki);
	pki_sha256(key->id, tb_buf_bytes(&key->spki));
	*out = key;
	return TB_OK;
}

enum tb_code pki_key_generate(struct pki_key **out, enum pki_suite suite, struct tb_error *err)
{
	*out = NULL;
	const struct pki_suite_row *row = row_of(suite);
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, row->type, NULL);
	bool ok = ctx && EVP_PKEY_keygen_init(ctx) == 1 &&
	          (!row->group || EVP_PKEY_CTX_set_group_name(ctx, row->group) == 1) &&
	          EVP_PKEY_generate(ctx, &pkey) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (!ok) {
		EVP_PKEY_free(pkey);
		return pki_openssl_fail(err, "generating a key");
	}
	return key_wrap(out, pkey, err);
}

/* The first PEM block of |pem|, which must be |name| without headers (so not an encrypted one: OpenSSL would
 * ask for a password on the terminal). The caller wipes and frees *out. */
static bool pem_block(uint8_t **out, long *size, struct tb_bytes pem, const char *name)
{
	char *found = NULL;
	char *header = NULL;
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	bool ok = bio && PEM_read_bio(bio, &found, &header, out, size) == 1;
	if (ok && (strcmp(found, name) != 0 || header[0] != '\0')) {
		OPENSSL_clear_free(*out, (size_t)*size);
		*out = NULL;
		ok = false;
	}
	OPENSSL_free(found);
	OPENSSL_free(header);
	BIO_free(bio);
	return ok;
}

/* RFC 5958 lets a file carry a public key that is not that of the private key: signatures would then fail at
 * every peer. */
static bool pair_matches(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool ok = ctx && EVP_PKEY_pairwise_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

enum tb_code pki_key_from_pem(struct pki_key **out, struct tb_bytes pem, struct tb_error *err)
{
	*out = NULL;
	if (pem.size == 0 || pem.size > TB_PEM_BYTES_MAX)
		return tb_fail(err, TB_EMALFORMED, "private key: empty or over %d bytes", TB_PEM_BYTES_MAX);

	uint8_t *der = NULL;
	long der_size = 0;
	if (!pem_block(&der, &der_size, pem, PEM_STRING_PKCS8INF)) {
		ERR_clear_error();
		return tb_fail(err, TB_EMALFORMED, "private key: not an unencrypted PKCS #8 PEM");
	}
	const uint8_t *end = der;
	PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &end, der_size);
	bool whole = info && end == der + der_size;
	EVP_PKEY *pkey = whole ? EVP_PKCS82PKEY(info) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	OPENSSL_clear_free(der, (size_t)der_size);
	if (!pkey || (pki_suite_of(pkey) && !pair_matches(pkey))) {
		EVP_PKEY_free(pkey);
		ERR_clear_error();
		return tb_fail(err, TB_EMALFORMED, "private key: not a sound PKCS #8 key");
	}
	return key_wrap(out, pkey, err);
}

enum tb_code pki_key_to_pem(const struct pki_key *key, struct tb_buf *pem, struct tb_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem()); /* wiped when it is freed */
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(bio);
		return pki_openssl_fail(err, "writing a private key");
	}
	char *text = NULL;
	long size = BIO_get_mem_data(bio, &text);
	tb_buf_add(pem, text, (size_t)size);
	BIO_free(bio);
	return TB_OK;
}

enum pki_suite pki_key_suite(const struct pki_key *key)
{
	return key->row->suite;
}

EVP_PKEY *pki_key_pkey(const struct pki_key *key)
{
	return key->pkey;
}

const struct pki_suite_row *pki_key_row(const struct pki_key *key)
{
	return key->row;
}

void pki_key_spki(const struct pki_key *key, struct tb_buf *out)
{
	tb_buf_add(out, key->spki.data, key->spki.size);
}

void pki_key_id(uint8_t out[PKI_HASH_BYTES], const struct pki_key *key)
{
	memcpy(out, key->id, PKI_HASH_BYTES);
}

void pki_key_free(struct pki_key *key)
{
	if (!key)
		return;
	EVP_MD_CTX_free(key->pattern);
	EVP_PKEY_free(key->pkey);
	tb_buf_clear(&key->spki);
	free(key);
}

static EVP_MD_CTX *context_copy(const EVP_MD_CTX *pattern)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx && EVP_MD_CTX_copy_ex(ctx, pattern) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return ctx;
}

enum tb_code pki_sign(const struct pki_key *key, struct tb_bytes message, struct tb_buf *signature,
                      struct tb_error *err)
{
	uint8_t bytes[TB_SIGNATURE_BYTES_MAX];
	size_t size = sizeof(bytes);
	EVP_MD_CTX *ctx = context_copy(key->pattern);
	bool ok = ctx && EVP_DigestSign(ctx, bytes, &size, message.data, message.size) == 1;
	EVP_MD_CTX_free(ctx);
	if (!ok)
		return pki_openssl_fail(err, "signing");
	tb_buf_add(signature, bytes, size);
	return TB_OK;
}

/* ---- public keys */

struct pki_public *pki_public_new(EVP_PKEY *pkey, const struct pki_suite_row *row)
{
	EVP_MD_CTX *pattern = EVP_MD_CTX_new();
	if (!pattern || EVP_DigestVerifyInit_ex(pattern, NULL, row->digest, NULL, NULL, pkey, NULL) != 1 ||
	    EVP_PKEY_up_ref(pkey) != 1) {
		EVP_MD_CTX_free(pattern);
		return NULL;
	}
	struct pki_public *key = tb_alloc(sizeof(*key));
	*key = (struct pki_public){.row = row, .pkey = pkey, .pattern = pattern};
	spki(pkey, &key->spki);
	return key;
}

void pki_public_free(struct pki_public *key)
{
	if (!key)
		return;
	EVP_MD_CTX_free(key->pattern);
	EVP_PKEY_free(key->pkey);
	tb_buf_clear(&key->spki);
	free(key);
}

enum pki_suite pki_public_suite(const struct pki_public *key)
{
	return key->row->suite;
}

void pki_public_spki(const struct pki_public *key, struct tb_buf *out)
{
	tb_buf_add(out, key->spki.data, key->spki.size);
}

EVP_MD_CTX *pki_public_context(const struct pki_public *key)
{
	return context_copy(key->pattern);
}

/* ---- SHA-256 and HMAC */

struct pki_hash {
	SHA256_CTX state;
};

struct pki_mac {
	SHA256_CTX inner;
	SHA256_CTX outer;
};

void pki_sha256(uint8_t out[PKI_HASH_BYTES], struct tb_bytes bytes)
{
	SHA256_CTX state;
	SHA256_Init(&state);
	SHA256_Update(&state, bytes.data, bytes.size);
	SHA256_Final(out, &state);
}

struct pki_hash *pki_hash_new(void)
{
	struct pki_hash *hash = tb_alloc(sizeof(*hash));
	SHA256_Init(&hash->state);
	return hash;
}

void pki_hash_add(struct pki_hash *hash, struct tb_bytes bytes)
{
	SHA256_Update(&hash->state, bytes.data, bytes.size);
}

void pki_hash_end(struct pki_hash *hash, uint8_t out[PKI_HASH_BYTES])
{
	SHA256_Final(out, &hash->state);
	SHA256_Init(&hash->state);
}

void pki_hash_free(struct pki_hash *hash)
{
	free(hash);
}

/* RFC 2104, section 2: H(K xor opad || H(K xor ipad || text)); section 4: both key blocks may be hashed
 * ahead. */
static void mac_init(struct pki_mac *mac, struct tb_bytes key)
{
	uint8_t block[SHA256_CBLOCK] = {0};
	if (key.size > sizeof(block))
		pki_sha256(block, key);
	else if (key.size > 0)
		memcpy(block, key.data, key.size);

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	SHA256_Init(&mac->inner);
	SHA256_Update(&mac->inner, block, sizeof(block));
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA256_Init(&mac->outer);
	SHA256_Update(&mac->outer, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

struct pki_mac *pki_mac_new(struct tb_bytes key)
{
	struct pki_mac *mac = tb_alloc(sizeof(*mac));
	mac_init(mac, key);
	return mac;
}

void pki_mac_run(const struct pki_mac *mac, uint8_t out[PKI_HASH_BYTES], struct tb_bytes message)
{
	SHA256_CTX state = mac->inner;
	SHA256_Update(&state, message.data, message.size);
	SHA256_Final(out, &state);
	state = mac->outer;
	SHA256_Update(&state, out, PKI_HASH_BYTES);
	SHA256_Final(out, &state);
}

static struct pki_lanes_start lanes_after(const SHA256_CTX *block)
{
	struct pki_lanes_start start = {.hashed = SHA256_CBLOCK};
	for (size_t i = 0; i < 8; i++)
		start.state[i] = block->h[i];
	return start;
}

void pki_mac_many(const struct pki_mac *mac, struct pki_digest *out, const struct tb_bytes *messages,
                  size_t count)
{
	struct pki_lanes_start inner = lanes_after(&mac->inner);
	struct pki_lanes_start outer = lanes_after(&mac->outer);
	for (size_t done = 0, some; done < count; done += some) {
		struct pki_digest hashed[MACS_AT_ONCE];
		struct tb_bytes parts[MACS_AT_ONCE];
		some = count - done < MACS_AT_ONCE ? count - done : MACS_AT_ONCE;
		for (size_t i = 0; i < some; i++)
			parts[i] = tb_bytes_of(hashed[i].bytes, PKI_HASH_BYTES);
		if (pki_lanes_run(&inner, hashed, messages + done, some) &&
		    pki_lanes_run(&outer, out + done, parts, some))
			continue;
		for (size_t i = 0; i < some; i++)
			pki_mac_run(mac, out[done + i].bytes, messages[done + i]);
	}
}

void pki_mac_free(struct pki_mac *mac)
{
	if (!mac)
		return;
	OPENSSL_cleanse(mac, sizeof(*mac));
	free(mac);
}

void pki_hmac(uint8_t out[PKI_HASH_BYTES], struct tb_bytes key, struct tb_bytes message)
{
	struct pki_mac mac;
	mac_init(&mac, key);
	pki_mac_run(&mac, out, message);
	OPENSSL_cleanse(&mac, sizeof(mac));
}
