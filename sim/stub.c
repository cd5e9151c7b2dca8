/* Setting the source of randomness is deprecated in favour of providers; a provider for one generator is 300
 * lines. Only this file sees it. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "sim/stub.h"

#include <string.h>

#include <openssl/rand.h>

#include "base/limits.h"
#include "pki/cert.h"

/* The linker's names (ld, --wrap). */
enum tb_code __real_pki_sign(const struct pki_key *key, struct tb_bytes message, struct tb_buf *signature,
                             struct tb_error *err);
enum tb_code __wrap_pki_sign(const struct pki_key *key, struct tb_bytes message, struct tb_buf *signature,
                             struct tb_error *err);
enum tb_code __real_pki_verify(const struct pki_identity *identity, struct tb_bytes message,
                               struct tb_bytes signature, struct tb_error *err);
enum tb_code __wrap_pki_verify(const struct pki_identity *identity, struct tb_bytes message,
                               struct tb_bytes signature, struct tb_error *err);

/* As long as an ECDSA signature mostly is, so that messages have their real sizes. */
enum { STUB_TAG_BYTES = 6, STUB_BYTES = STUB_TAG_BYTES + 2 * PKI_HASH_BYTES };
static const char STUB_TAG[STUB_TAG_BYTES] = "stub01";

static struct pki_random *stream;
static bool stubs;
static struct sim_crypto_counts counts;

/* ---- randomness */

static int draw(unsigned char *out, int size)
{
	pki_random_bytes(stream, out, (size_t)size);
	return 1;
}

static int ready(void)
{
	return 1;
}

void sim_crypto_start(uint64_t seed, bool stub)
{
	static const RAND_METHOD method = {.bytes = draw, .pseudorand = draw, .status = ready};
	uint8_t bytes[32] = "tongban-sim";
	sim_crypto_stop();
	tb_put_u64(bytes + 24, seed);
	stream = pki_random_new(bytes);
	stubs = stub;
	counts = (struct sim_crypto_counts){0};
	RAND_set_rand_method(&method);
}

void sim_crypto_stop(void)
{
	if (!stream)
		return;
	RAND_set_rand_method(RAND_OpenSSL());
	pki_random_free(stream);
	stream = NULL;
	stubs = false;
}

const struct sim_crypto_counts *sim_crypto_counts(void)
{
	return &counts;
}

/* ---- signatures */

static void stub_fill(uint8_t out[STUB_BYTES], const uint8_t key_id[PKI_HASH_BYTES], struct tb_bytes message)
{
	uint8_t *mac = out + STUB_TAG_BYTES;
	memcpy(out, STUB_TAG, STUB_TAG_BYTES);
	pki_hmac(mac, tb_bytes_of(key_id, PKI_HASH_BYTES), message);
	for (size_t i = 0; i < PKI_HASH_BYTES; i++)
		mac[PKI_HASH_BYTES + i] = (uint8_t)~mac[i];
}

enum tb_code __wrap_pki_sign(const struct pki_key *key, struct tb_bytes message, struct tb_buf *signature,
                             struct tb_error *err)
{
	uint8_t id[PKI_HASH_BYTES];
	uint8_t bytes[STUB_BYTES];
	counts.signed_count++;
	if (!stubs)
		return __real_pki_sign(key, message, signature, err);
	pki_key_id(id, key);
	stub_fill(bytes, id, message);
	tb_buf_add(signature, bytes, sizeof(bytes));
	return TB_OK;
}

enum tb_code __wrap_pki_verify(const struct pki_identity *identity, struct tb_bytes message,
                               struct tb_bytes signature, struct tb_error *err)
{
	uint8_t want[STUB_BYTES];
	enum tb_code code = TB_OK;
	counts.checked++;
	if (!stubs) {
		code = __real_pki_verify(identity, message, signature, err);
	} else {
		stub_fill(want, identity->keyid, message);
		if (!tb_bytes_equal(tb_bytes_of(want, sizeof(want)), signature))
			code = tb_fail(err, TB_EUNTRUSTED, "signature: does not hold");
	}
	counts.refused += code != TB_OK;
	return code;
}
