#include "pki/vault.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "pki/pki_priv.h"

enum {
	NONCE_BYTES = 12,
	TAG_BYTES = 16,
	LABELS_MAX = 16,           /* index keys that a vault keeps ready; a node has fewer indexes */
	RANDOM_BUFFER = 1024,      /* bytes of the stream made at a time */
	SEALED_BYTES_MAX = 1 << 30 /* OpenSSL counts in int */
};

/* Fetching costs microseconds; the two ciphers stay for the life of the process. */
static pthread_once_t ciphers_once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *aes_gcm;
static EVP_CIPHER *aes_ctr;

static void ciphers_fetch(void)
{
	aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	aes_ctr = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
	assert(aes_gcm);
	assert(aes_ctr);
}

/* For calls that fail only when memory runs out or the call is wrong. */
static void must(int result)
{
	assert(result == 1);
}

static EVP_CIPHER_CTX *context_new(const uint8_t key[32], bool gcm, bool encrypt)
{
	static const uint8_t zero[16];
	pthread_once(&ciphers_once, ciphers_fetch);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	assert(ctx);
	must(EVP_CipherInit_ex2(ctx, gcm ? aes_gcm : aes_ctr, key, zero, encrypt, NULL));
	return ctx;
}

/* ---- vault */

/* The vault's key is used for nothing itself: the sealing key and one key for each index are derived from it
 * by HMAC with a label (NIST SP 800-108r1, 4.1, with one block of output and so no counter). */
struct pki_vault {
	EVP_CIPHER_CTX *seal; /* hold the key schedule; only the nonce changes */
	EVP_CIPHER_CTX *open;
	struct pki_mac *derive;
	struct vault_label {
		char *name;
		struct pki_mac *mac;
	} labels[LABELS_MAX]; /* filled from the front; the oldest is replaced */
	size_t labels_made;
};

static void derive(const struct pki_vault *vault, uint8_t out[PKI_HASH_BYTES], const char *use,
                   const char *label)
{
	struct tb_buf text = {0};
	tb_buf_printf(&text, "tongban vault v1 %s %s", use, label);
	pki_mac_run(vault->derive, out, tb_buf_bytes(&text));
	tb_buf_clear(&text);
}

struct pki_vault *pki_vault_new(const uint8_t key[PKI_VAULT_KEY_BYTES])
{
	struct pki_vault *vault = tb_alloc(sizeof(*vault));
	uint8_t seal_key[PKI_HASH_BYTES];
	vault->derive = pki_mac_new(tb_bytes_of(key, PKI_VAULT_KEY_BYTES));
	derive(vault, seal_key, "seal", "");
	vault->seal = context_new(seal_key, true, true);
	vault->open = context_new(seal_key, true, false);
	OPENSSL_cleanse(seal_key, sizeof(seal_key));
	return vault;
}

void pki_vault_free(struct pki_vault *vault)
{
	if (!vault)
		return;
	EVP_CIPHER_CTX_free(vault->seal);
	EVP_CIPHER_CTX_free(vault->open);
	pki_mac_free(vault->derive);
	for (size_t i = 0; i < LABELS_MAX; i++) {
		free(vault->labels[i].name);
		pki_mac_free(vault->labels[i].mac);
	}
	free(vault);
}

void pki_vault_seal(struct pki_vault *vault, struct tb_buf *out, struct tb_bytes plain, struct tb_bytes bound,
                    const uint8_t nonce[NONCE_BYTES])
{
	assert(plain.size <= SEALED_BYTES_MAX - PKI_VAULT_OVERHEAD);
	assert(bound.size <= SEALED_BYTES_MAX);
	int done = 0;
	int rest = 0;
	EVP_CIPHER_CTX *ctx = vault->seal;
	tb_buf_reserve(out, plain.size + PKI_VAULT_OVERHEAD);
	uint8_t *sealed = out->data + out->size;
	memcpy(sealed, nonce, NONCE_BYTES);
	must(EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL));
	/* With no data OpenSSL takes a call for the end of the message: empty parts are left out. */
	if (bound.size > 0)
		must(EVP_EncryptUpdate(ctx, NULL, &done, bound.data, (int)bound.size));
	done = 0;
	if (plain.size > 0)
		must(EVP_EncryptUpdate(ctx, sealed + NONCE_BYTES, &done, plain.data, (int)plain.size));
	must(EVP_EncryptFinal_ex(ctx, sealed + NONCE_BYTES + done, &rest));
	assert((size_t)done == plain.size && rest == 0);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + NONCE_BYTES + plain.size));
	out->size += plain.size + PKI_VAULT_OVERHEAD;
}

enum tb_code pki_vault_open(struct pki_vault *vault, struct tb_buf *out, struct tb_bytes sealed,
                            struct tb_bytes bound, struct tb_error *err)
{
	assert(bound.size <= SEALED_BYTES_MAX);
	if (sealed.size < PKI_VAULT_OVERHEAD || sealed.size > SEALED_BYTES_MAX)
		return tb_fail(err, TB_ECORRUPT, "sealed value: impossible length");
	size_t size = sealed.size - PKI_VAULT_OVERHEAD;
	uint8_t tag[TAG_BYTES];
	memcpy(tag, sealed.data + NONCE_BYTES + size, TAG_BYTES);
	int done = 0;
	int rest = 0;
	EVP_CIPHER_CTX *ctx = vault->open;
	tb_buf_reserve(out, size + 1);
	uint8_t *plain = out->data + out->size;
	must(EVP_DecryptInit_ex2(ctx, NULL, NULL, sealed.data, NULL));
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag));
	if (bound.size > 0)
		must(EVP_DecryptUpdate(ctx, NULL, &done, bound.data, (int)bound.size));
	done = 0;
	if (size > 0)
		must(EVP_DecryptUpdate(ctx, plain, &done, sealed.data + NONCE_BYTES, (int)size));
	if (EVP_DecryptFinal_ex(ctx, plain + done, &rest) != 1) {
		/* SP 800-38D, 7.2: nothing of the plain text is given out before the tag was checked. */
		OPENSSL_cleanse(plain, size);
		ERR_clear_error();
		return tb_fail(err, TB_ECORRUPT, "sealed value: changed, moved, or sealed with another key");
	}
	assert((size_t)done == size && rest == 0);
	out->size += size;
	return TB_OK;
}

static const struct pki_mac *label_mac(struct pki_vault *vault, const char *label)
{
	for (size_t i = 0; i < LABELS_MAX && vault->labels[i].name; i++) {
		if (strcmp(vault->labels[i].name, label) == 0)
			return vault->labels[i].mac;
	}
	struct vault_label *slot = &vault->labels[vault->labels_made++ % LABELS_MAX];
	uint8_t key[PKI_HASH_BYTES];
	free(slot->name);
	pki_mac_free(slot->mac);
	derive(vault, key, "index", label);
	slot->name = tb_strdup(label);
	slot->mac = pki_mac_new(tb_bytes_of(key, sizeof(key)));
	OPENSSL_cleanse(key, sizeof(key));
	return slot->mac;
}

void pki_vault_index(struct pki_vault *vault, uint8_t out[PKI_HASH_BYTES], const char *label,
                     struct tb_bytes value)
{
	pki_mac_run(label_mac(vault, label), out, value);
}

void pki_vault_index_many(struct pki_vault *vault, struct pki_digest *out, const char *label,
                          const struct tb_bytes *values, size_t count)
{
	pki_mac_many(label_mac(vault, label), out, values, count);
}

/* ---- random stream */

struct pki_random {
	EVP_CIPHER_CTX *stream;
	uint8_t bytes[RANDOM_BUFFER];
	size_t used; /* bytes of the buffer given out */
};

struct pki_random *pki_random_new(const uint8_t seed[32])
{
	struct pki_random *random = tb_alloc(sizeof(*random));
	random->stream = context_new(seed, false, true);
	random->used = sizeof(random->bytes);
	return random;
}

static void random_refill(struct pki_random *random)
{
	static const uint8_t zero[RANDOM_BUFFER];
	int done = 0;
	must(EVP_EncryptUpdate(random->stream, random->bytes, &done, zero, RANDOM_BUFFER));
	assert(done == RANDOM_BUFFER);
	random->used = 0;
}

void pki_random_bytes(struct pki_random *random, void *out, size_t size)
{
	uint8_t *to = out;
	while (size > 0) {
		if (random->used == sizeof(random->bytes))
			random_refill(random);
		size_t part = sizeof(random->bytes) - random->used;
		part = part < size ? part : size;
		memcpy(to, random->bytes + random->used, part);
		/* What was given out is not kept: a later look at this memory shows no earlier nonce or salt.
		 */
		memset(random->bytes + random->used, 0, part);
		random->used += part;
		to += part;
		size -= part;
	}
}

void pki_random_free(struct pki_random *random)
{
	if (!random)
		return;
	EVP_CIPHER_CTX_free(random->stream);
	OPENSSL_cleanse(random, sizeof(*random));
	free(random);
}
