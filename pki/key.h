/* Keys and signatures.
 *
 * The suite is a property of the key: whoever signs or checks never chooses an algorithm. P-256 with SHA-256
 * and Ed25519 are here; SM2 with SM3 joins by a row in key.c's table (GB/T 32918; its default identity must
 * be set explicitly). Keys are safe to use from any thread at once. */
#pragma once

#include "base/bytes.h"
#include "base/error.h"

enum pki_suite { PKI_P256, PKI_ED25519 };

enum { PKI_HASH_BYTES = 32 };

struct pki_key; /* A private key. Never changes once made. */

/* "p256", "ed25519". */
const char *pki_suite_name(enum pki_suite suite);
TB_MUST_CHECK enum tb_code pki_suite_parse(enum pki_suite *out, const char *name, struct tb_error *err);

TB_MUST_CHECK enum tb_code pki_key_generate(struct pki_key **out, enum pki_suite suite, struct tb_error *err);
/* PKCS #8 PEM, unencrypted (the file's permissions protect it). */
TB_MUST_CHECK enum tb_code pki_key_from_pem(struct pki_key **out, struct tb_bytes pem, struct tb_error *err);
TB_MUST_CHECK enum tb_code pki_key_to_pem(const struct pki_key *key, struct tb_buf *pem,
                                          struct tb_error *err);
enum pki_suite pki_key_suite(const struct pki_key *key);
/* SHA-256 of the public key's SubjectPublicKeyInfo: what pki_cert_fingerprint() gives of its certificates. */
void pki_key_id(uint8_t out[PKI_HASH_BYTES], const struct pki_key *key);
void pki_key_free(struct pki_key *key);

/* Appends a signature over |message|: ECDSA as DER, Ed25519 as 64 bytes. */
TB_MUST_CHECK enum tb_code pki_sign(const struct pki_key *key, struct tb_bytes message,
                                    struct tb_buf *signature, struct tb_error *err);

void pki_sha256(uint8_t out[PKI_HASH_BYTES], struct tb_bytes bytes);
/* The same for |count| messages, several at a time. */
struct pki_digest;
void pki_sha256_each(struct pki_digest *out, const struct tb_bytes *messages, size_t count);

/* Incremental SHA-256. */
struct pki_hash;
struct pki_hash *pki_hash_new(void);
void pki_hash_add(struct pki_hash *hash, struct tb_bytes bytes);
void pki_hash_end(struct pki_hash *hash,
                  uint8_t out[PKI_HASH_BYTES]); /* ready for the next message afterwards */
void pki_hash_free(struct pki_hash *hash);

/* HMAC-SHA-256 (RFC 2104). */
void pki_hmac(uint8_t out[PKI_HASH_BYTES], struct tb_bytes key, struct tb_bytes message);

/* A deterministic random stream (AES-256-CTR of a seed): the same seed gives the same bytes. node/io seeds it
 * from getrandom(), sim from its own. Not thread-safe. */
struct pki_random;
struct pki_random *pki_random_new(const uint8_t seed[32]);
void pki_random_bytes(struct pki_random *random, void *out, size_t size);
void pki_random_free(struct pki_random *random);
