/* SHA-256 (FIPS 180-4) of many short messages at once.
 *
 * One message's blocks depend on each other, different messages' do not: lane i of every vector belongs to
 * the message that is in lane i just now, and eight compressions cost little more than one. OpenSSL has this
 * for its own use only. A processor with instructions for SHA-256 is quicker with them, one after the other.
 */
#include <pthread.h>
#include <string.h>

#include "pki/pki_priv.h"

#if defined(__x86_64__)
#include <cpuid.h>

enum {
	LANES = 8,
	LANES_WORTH = 3, /* messages from which on it is quicker */
	BLOCK_BYTES = 64,
	LENGTH_BYTES = 8,
};

typedef uint32_t vec __attribute__((vector_size(4 * LANES)));

/* Section 4.2.2. */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

/* Section 6.2.2, of LANES messages. |block| has the next 64 bytes of each. Inlined, so that it is compiled
 * for the processors that its callers name. */
static inline __attribute__((always_inline)) void compress(vec state[8], const uint8_t *const block[LANES])
{
	vec w[16];
	vec a = state[0], b = state[1], c = state[2], d = state[3];
	vec e = state[4], f = state[5], g = state[6], h = state[7];
	for (size_t i = 0; i < 16; i++) {
		for (size_t lane = 0; lane < LANES; lane++) {
			uint32_t word;
			memcpy(&word, block[lane] + 4 * i, sizeof(word));
			w[i][lane] = __builtin_bswap32(word);
		}
	}
#pragma GCC unroll 16
	for (size_t t = 0; t < 64; t++) {
		vec *now = &w[t % 16];
		if (t >= 16) {
			vec w2 = w[(t - 2) % 16], w15 = w[(t - 15) % 16];
			*now += (ROTATE(w2, 17) ^ ROTATE(w2, 19) ^ w2 >> 10) + w[(t - 7) % 16] +
			        (ROTATE(w15, 7) ^ ROTATE(w15, 18) ^ w15 >> 3);
		}
		vec t1 = h + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + (g ^ (e & (f ^ g))) +
		         round_constants[t] + *now;
		vec t2 = (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + ((a & b) | (c & (a | b)));
		h = g;
		g = f;
		f = e;
		e = d + t1;
		d = c;
		c = b;
		b = a;
		a = t1 + t2;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

__attribute__((target("avx2"))) static void compress_avx2(vec state[8], const uint8_t *const block[LANES])
{
	compress(state, block);
}

/* These have a rotation, and any function of three operands, in one instruction. */
__attribute__((target("avx2,avx512f,avx512vl,avx512bw"))) static void
compress_avx512(vec state[8], const uint8_t *const block[LANES])
{
	compress(state, block);
}

static pthread_once_t chosen_once = PTHREAD_ONCE_INIT;
static void (*chosen)(vec state[8], const uint8_t *const block[LANES]); /* NULL: one message at a time */

static void choose(void)
{
	unsigned a = 0, b = 0, c = 0, d = 0;
	bool own = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
	__builtin_cpu_init();
	if (own)
		return;
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512bw"))
		chosen = compress_avx512;
	else if (__builtin_cpu_supports("avx2"))
		chosen = compress_avx2;
}

/* What is in a lane: the start's prefix, a message, and section 5.1.1's padding. */
struct lane {
	const struct pki_lanes_start *start;
	struct tb_bytes message;
	struct pki_digest *out; /* NULL: idle */
	size_t blocks;
	size_t next;
	uint8_t edge[BLOCK_BYTES]; /* a block that is not all of the message */
};

static const uint8_t *lane_block(struct lane *lane)
{
	const struct pki_lanes_start *start = lane->start;
	size_t from = lane->next * BLOCK_BYTES;
	size_t size = start->prefix_size + lane->message.size;
	if (from >= start->prefix_size && from + BLOCK_BYTES <= size)
		return lane->message.data + from - start->prefix_size;
	memset(lane->edge, 0, sizeof(lane->edge));
	size_t at = 0;
	if (from < start->prefix_size)
		lane->edge[at++] = start->prefix;
	if (from + at < size) {
		size_t left = size - from - at;
		size_t room = BLOCK_BYTES - at;
		size_t part = left < room ? left : room;
		memcpy(lane->edge + at, lane->message.data + from + at - start->prefix_size, part);
	}
	if (size >= from && size < from + BLOCK_BYTES)
		lane->edge[size - from] = 0x80;
	if (lane->next + 1 == lane->blocks)
		tb_put_u64(lane->edge + BLOCK_BYTES - LENGTH_BYTES, (start->hashed + size) * 8);
	return lane->edge;
}

static void lane_begin(struct lane *lane, size_t at, vec state[8], struct tb_bytes message,
                       struct pki_digest *out)
{
	size_t size = lane->start->prefix_size + message.size;
	lane->message = message;
	lane->out = out;
	lane->blocks = (size + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
	lane->next = 0;
	for (size_t i = 0; i < 8; i++)
		state[i][at] = lane->start->state[i];
}

static void many(const struct pki_lanes_start *start, const struct tb_bytes *messages, size_t count,
                 struct pki_digest *out)
{
	struct lane lanes[LANES] = {0};
	const uint8_t *block[LANES];
	vec state[8] = {0};
	size_t taken = 0;
	size_t busy = 0;
	for (size_t i = 0; i < LANES; i++)
		lanes[i].start = start;
	for (; busy < LANES && taken < count; busy++, taken++)
		lane_begin(&lanes[busy], busy, state, messages[taken], &out[taken]);
	while (busy > 0) {
		for (size_t i = 0; i < LANES; i++)
			block[i] = lanes[i].out ? lane_block(&lanes[i]) : lanes[i].edge;
		chosen(state, block);
		for (size_t i = 0; i < LANES; i++) {
			struct lane *lane = &lanes[i];
			if (!lane->out || ++lane->next < lane->blocks)
				continue;
			for (size_t j = 0; j < 8; j++)
				tb_put_u32(lane->out->bytes + 4 * j, state[j][i]);
			lane->out = NULL;
			busy--;
			if (taken < count) {
				lane_begin(lane, i, state, messages[taken], &out[taken]);
				taken++;
				busy++;
			}
		}
	}
}

bool pki_lanes_run(const struct pki_lanes_start *start, struct pki_digest *out,
                   const struct tb_bytes *messages, size_t count)
{
	pthread_once(&chosen_once, choose);
	if (!chosen || count < LANES_WORTH)
		return false;
	many(start, messages, count, out);
	return true;
}
#else
bool pki_lanes_run(const struct pki_lanes_start *start, struct pki_digest *out,
                   const struct tb_bytes *messages, size_t count)
{
	(void)start;
	(void)out;
	(void)messages;
	(void)count;
	return false;
}
#endif

static void sha256_many(struct pki_digest *out, struct tb_bytes prefix, const struct tb_bytes *messages,
                        size_t count)
{
	/* FIPS 180-4, section 5.3.3. */
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	struct pki_lanes_start start = {.prefix = prefix.size ? prefix.data[0] : 0,
	                                .prefix_size = prefix.size};
	memcpy(start.state, initial, sizeof(start.state));
	if (pki_lanes_run(&start, out, messages, count))
		return;
	struct pki_hash *hash = pki_hash_new();
	for (size_t i = 0; i < count; i++) {
		pki_hash_add(hash, prefix);
		pki_hash_add(hash, messages[i]);
		pki_hash_end(hash, out[i].bytes);
	}
	pki_hash_free(hash);
}

void pki_sha256_many(struct pki_digest *out, uint8_t prefix, const struct tb_bytes *messages, size_t count)
{
	sha256_many(out, tb_bytes_of(&prefix, sizeof(prefix)), messages, count);
}

void pki_sha256_each(struct pki_digest *out, const struct tb_bytes *messages, size_t count)
{
	sha256_many(out, tb_bytes_of(NULL, 0), messages, count);
}
