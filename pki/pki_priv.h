/* What the files of pki share. For pki only, since OpenSSL's types show here. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/cert.h"
#include "pki/merkle.h"

/* ---- key.c */

/* Fills |err| with |what| and OpenSSL's newest reason, empties its queue, returns TB_ECRYPTO. */
enum tb_code pki_openssl_fail(struct tb_error *err, const char *what);

/* What a key's suite fixes. */
struct pki_suite_row {
	enum pki_suite suite;
	const char *name;   /* in configuration and on the command line */
	const char *type;   /* OpenSSL's key type */
	const char *group;  /* named curve; NULL: the type has one only */
	const char *digest; /* NULL: the scheme hashes by itself */
	int signature_nid;  /* signatureAlgorithm of certificates that such a key signs */
};

/* The row of |pkey|; NULL if no suite has such keys. */
const struct pki_suite_row *pki_suite_of(const EVP_PKEY *pkey);

/* Borrowed from |key|. */
EVP_PKEY *pki_key_pkey(const struct pki_key *key);
const struct pki_suite_row *pki_key_row(const struct pki_key *key);
/* Appends the public key as SubjectPublicKeyInfo, DER. Of Ed25519 the last 32 bytes are the raw key (RFC
 * 8410, section 4). */
void pki_key_spki(const struct pki_key *key, struct tb_buf *out);

/* A public key: never changes once made, so any number of threads may check with it at once. */
struct pki_public;
/* Takes a reference of |pkey|, whose row is |row|. NULL if OpenSSL fails. */
struct pki_public *pki_public_new(EVP_PKEY *pkey, const struct pki_suite_row *row);
void pki_public_free(struct pki_public *key);
enum pki_suite pki_public_suite(const struct pki_public *key);
void pki_public_spki(const struct pki_public *key, struct tb_buf *out);
/* A checking context of one signature, to be freed; NULL if OpenSSL fails. */
EVP_MD_CTX *pki_public_context(const struct pki_public *key);

/* HMAC-SHA-256 under one key: the two states after the key blocks are kept, so a short message costs two
 * blocks instead of four. Any thread. */
struct pki_mac;
struct pki_mac *pki_mac_new(struct tb_bytes key);
void pki_mac_run(const struct pki_mac *mac, uint8_t out[PKI_HASH_BYTES], struct tb_bytes message);
/* The same for |count| messages. */
void pki_mac_many(const struct pki_mac *mac, struct pki_digest *out, const struct tb_bytes *messages,
                  size_t count);
void pki_mac_free(struct pki_mac *mac);

/* ---- lanes.c */

/* out[i] = SHA-256(prefix || messages[i]). |out| and the messages must not overlap. Any thread. */
void pki_sha256_many(struct pki_digest *out, uint8_t prefix, const struct tb_bytes *messages, size_t count);

/* Where the hashing of each message begins. */
struct pki_lanes_start {
	uint32_t state[8];
	uint64_t hashed; /* bytes that |state| stands for: whole blocks */
	uint8_t prefix;  /* of the message, if |prefix_size| is 1; else 0 */
	size_t prefix_size;
};
/* The same from any start. False, and nothing is done, where one message after the other is quicker. */
TB_MUST_CHECK bool pki_lanes_run(const struct pki_lanes_start *start, struct pki_digest *out,
                                 const struct tb_bytes *messages, size_t count);

/* ---- cert.c */

/* Region codes are six digits (GB/T 2260). */
bool pki_region_valid(const char *region, size_t size);
/* An issuer's code is one path segment of a SPIFFE-ID: [A-Za-z0-9._-], neither "." nor "..". */
bool pki_issuer_valid(const char *issuer, size_t size);

/* The certificates of |pem|, at most |max|; |certs| has room for them. TB_EMALFORMED: none, too many, too
 * large, another kind of PEM block, or broken PEM. */
TB_MUST_CHECK enum tb_code pki_pem_certs(struct tb_bytes *certs, size_t *count, size_t max,
                                         struct tb_bytes pem, struct tb_arena *arena, struct tb_error *err);
/* Parses certificate |index| of a chain: TB_EMALFORMED if it is not exactly one DER certificate. */
TB_MUST_CHECK enum tb_code pki_x509_parse(X509 **out, struct tb_bytes der, size_t index,
                                          struct tb_error *err);
/* SHA-256 of the SubjectPublicKeyInfo. */
void pki_x509_keyid(uint8_t out[PKI_HASH_BYTES], const X509 *cert);

/* ---- chain.c */

/* Other bounds than the usual ones, before the first check: for tests, which cannot fill the usual ones in
 * time. |chains_max| is a power of two, 16 at least. */
void pki_trust_bound(struct pki_trust *trust, uint32_t chains_max, size_t identities_max);
