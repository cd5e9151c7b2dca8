/* What the simulator puts in the place of randomness and of signatures.
 *
 * Randomness: OpenSSL draws from a stream of the seed, so keys, serial numbers and even ECDSA signatures are
 * the same in every run. Signatures: with stubs, a keyed hash under the public key's digest stands behind
 * pki_sign() and pki_verify(), which the linker leads here (--wrap). It fails as the real one does (another
 * key, a changed byte of message or signature, a wrong length), costs a fiftieth, and could be forged by
 * whoever meant to: hostile peers of the simulator don't. Certificates are always real. One thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Before anything is drawn; again for another run. Starts with stubs if |stub|. */
void sim_crypto_start(uint64_t seed, bool stub);
void sim_crypto_stop(void);

struct sim_crypto_counts {
	uint64_t signed_count;
	uint64_t checked;
	uint64_t refused; /* signatures that did not hold */
};
const struct sim_crypto_counts *sim_crypto_counts(void);
