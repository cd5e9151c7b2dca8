/* Sealing at rest: AES-256-GCM (NIST SP 800-38D), and keyed hashes for indexes.
 *
 * A sealed value is nonce (12) || ciphertext || tag (16). The associated data binds it to its table and key,
 * so that a value moved to another key is refused. Nonces are random; the bound of 2^32 values per key (SP
 * 800-38D, 8.3) is counted by whoever rotates keys. Contexts are kept per vault handle: one handle per
 * thread. */
#pragma once

#include "pki/merkle.h"

enum { PKI_VAULT_KEY_BYTES = 32, PKI_VAULT_OVERHEAD = 28 };

struct pki_vault;

struct pki_vault *pki_vault_new(const uint8_t key[PKI_VAULT_KEY_BYTES]);
void pki_vault_free(struct pki_vault *vault);

/* Appends the sealed |plain| to |out|. */
void pki_vault_seal(struct pki_vault *vault, struct tb_buf *out, struct tb_bytes plain, struct tb_bytes bound,
                    const uint8_t nonce[12]);
/* Appends the plain text of |sealed| to |out|: TB_ECORRUPT if it was changed or moved. */
TB_MUST_CHECK enum tb_code pki_vault_open(struct pki_vault *vault, struct tb_buf *out, struct tb_bytes sealed,
                                          struct tb_bytes bound, struct tb_error *err);
/* Keyed hash for an index (HMAC-SHA-256 under a key derived for |label|). */
void pki_vault_index(struct pki_vault *vault, uint8_t out[PKI_HASH_BYTES], const char *label,
                     struct tb_bytes value);
/* The same for |count| values. */
void pki_vault_index_many(struct pki_vault *vault, struct pki_digest *out, const char *label,
                          const struct tb_bytes *values, size_t count);
