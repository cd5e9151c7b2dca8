/* Randomness of a simulated world: streams, one for each node and purpose, all from one seed.
 *
 * A stream's draws depend on nothing but the seed and the stream's name, so a decision that is taken out of a
 * run leaves the others as they were. Only integers and exact floating point: the same on every machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* xoshiro256** (Blackman and Vigna). */
struct sim_random {
	uint64_t s[4];
};

/* The stream number |index| of |purpose|. */
void sim_random_start(struct sim_random *random, uint64_t seed, const char *purpose, uint64_t index);
uint64_t sim_random_u64(struct sim_random *random);
/* 0 to |count| - 1; |count| is at least 1. */
uint64_t sim_random_below(struct sim_random *random, uint64_t count);
/* |least| to |most|, both included. */
int64_t sim_random_range(struct sim_random *random, int64_t least, int64_t most);
/* True in |ppm| of a million draws. */
bool sim_random_chance(struct sim_random *random, uint32_t ppm);
/* Exponentially distributed with this mean, at most 40 times it, and at least 0. */
int64_t sim_random_exponential(struct sim_random *random, int64_t mean);
void sim_random_bytes(struct sim_random *random, void *out, size_t size);

/* Zipf's law over |count| ranks, exponent 1. */
struct sim_zipf {
	double *sums; /* owned */
	size_t count;
};
void sim_zipf_init(struct sim_zipf *zipf, size_t count);
void sim_zipf_clear(struct sim_zipf *zipf);
size_t sim_zipf_draw(const struct sim_zipf *zipf, struct sim_random *random);

/* A quick hash of 64 bits, for tables and for the hash of a run; no cryptography. */
uint64_t sim_mix(uint64_t hash, uint64_t value);
uint64_t sim_mix_bytes(uint64_t hash, const void *data, size_t size);
