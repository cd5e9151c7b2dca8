#include "sim/random.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { MILLION = 1000000 };

uint64_t sim_mix(uint64_t hash, uint64_t value)
{
	/* Not symmetrical, so that two small numbers in either order differ. */
	uint64_t z = (hash + 0x632BE59BD9B4E019) * 0x9E3779B97F4A7C15 + value;
	z = (z ^ (z >> 32)) * 0xD6E8FEB86659FD93;
	return z ^ (z >> 29);
}

uint64_t sim_mix_bytes(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *at = data;
	uint64_t word;
	hash = sim_mix(hash, size);
	for (; size >= sizeof(word); at += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = sim_mix(hash, word);
	}
	word = 0;
	if (size > 0)
		memcpy(&word, at, size);
	return sim_mix(hash, word);
}

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
	return z ^ (z >> 31);
}

void sim_random_start(struct sim_random *random, uint64_t seed, const char *purpose, uint64_t index)
{
	uint64_t state = sim_mix(sim_mix_bytes(seed, purpose, strlen(purpose)), index);
	for (size_t i = 0; i < 4; i++)
		random->s[i] = splitmix(&state);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t sim_random_u64(struct sim_random *random)
{
	uint64_t *s = random->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t sim_random_below(struct sim_random *random, uint64_t count)
{
	assert(count > 0);
	/* Lemire's multiplication; a bias of 2^-32 at the counts of a simulation. */
	return (uint64_t)(((unsigned __int128)sim_random_u64(random) * count) >> 64);
}

int64_t sim_random_range(struct sim_random *random, int64_t least, int64_t most)
{
	assert(least <= most);
	return least + (int64_t)sim_random_below(random, (uint64_t)(most - least) + 1);
}

bool sim_random_chance(struct sim_random *random, uint32_t ppm)
{
	return ppm > 0 && sim_random_below(random, MILLION) < ppm;
}

int64_t sim_random_exponential(struct sim_random *random, int64_t mean)
{
	/* -ln(u) of a u in (0, 1] as ln 2 times (leading zeros + 1 - log2 of what follows them); the
	 * logarithm of the mantissa is drawn as a straight line, 0.09 wrong at most. No libm: its last bit
	 * differs between machines. */
	uint64_t u = sim_random_u64(random) | 1;
	int zeros = __builtin_clzll(u);
	double mantissa = (double)((u << zeros) >> 11) / 9007199254740992.0; /* [0.5, 1) */
	double value = 0.6931471805599453 * ((double)zeros + 2.0 - 2.0 * mantissa);
	if (value > 40.0)
		value = 40.0;
	return mean <= 0 ? 0 : (int64_t)((double)mean * value);
}

void sim_random_bytes(struct sim_random *random, void *out, size_t size)
{
	uint8_t *at = out;
	while (size > 0) {
		uint64_t word = sim_random_u64(random);
		size_t part = size < sizeof(word) ? size : sizeof(word);
		memcpy(at, &word, part);
		at += part;
		size -= part;
	}
}

void sim_zipf_init(struct sim_zipf *zipf, size_t count)
{
	double sum = 0;
	assert(count > 0);
	zipf->sums = tb_alloc(count * sizeof(*zipf->sums));
	zipf->count = count;
	for (size_t i = 0; i < count; i++) {
		sum += 1.0 / (double)(i + 1);
		zipf->sums[i] = sum;
	}
}

void sim_zipf_clear(struct sim_zipf *zipf)
{
	free(zipf->sums);
	*zipf = (struct sim_zipf){0};
}

size_t sim_zipf_draw(const struct sim_zipf *zipf, struct sim_random *random)
{
	double at = (double)(sim_random_u64(random) >> 11) / 9007199254740992.0 * zipf->sums[zipf->count - 1];
	size_t low = 0, high = zipf->count - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (zipf->sums[middle] > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}
