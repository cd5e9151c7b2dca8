#include "sim/histogram.h"

#include <assert.h>

enum { STEP_BITS = 3 };
_Static_assert(1 << STEP_BITS == SIM_HISTOGRAM_STEPS, "steps of one doubling");

/* The first eight buckets hold 0 to 7; then every doubling has eight. */
static unsigned bucket_of(uint64_t value)
{
	if (value < SIM_HISTOGRAM_STEPS)
		return (unsigned)value;
	unsigned doubling = 63 - (unsigned)__builtin_clzll(value);
	unsigned step = (unsigned)(value >> (doubling - STEP_BITS)) & (SIM_HISTOGRAM_STEPS - 1);
	unsigned bucket = (doubling - STEP_BITS + 1) * SIM_HISTOGRAM_STEPS + step;
	return bucket < SIM_HISTOGRAM_BUCKETS ? bucket : SIM_HISTOGRAM_BUCKETS - 1;
}

uint64_t sim_histogram_from(unsigned i)
{
	assert(i <= SIM_HISTOGRAM_BUCKETS);
	if (i < SIM_HISTOGRAM_STEPS)
		return i;
	unsigned doubling = i / SIM_HISTOGRAM_STEPS - 1 + STEP_BITS;
	return (uint64_t)(SIM_HISTOGRAM_STEPS + i % SIM_HISTOGRAM_STEPS) << (doubling - STEP_BITS);
}

void sim_histogram_add(struct sim_histogram *histogram, uint64_t value)
{
	histogram->counts[bucket_of(value)]++;
	histogram->count++;
	if (value > histogram->greatest)
		histogram->greatest = value;
}

uint64_t sim_histogram_share(const struct sim_histogram *histogram, double share)
{
	uint64_t seen = 0;
	double wanted = share * (double)histogram->count;
	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->counts[i];
		if (histogram->counts[i] > 0 && (double)seen >= wanted) {
			uint64_t end = sim_histogram_from(i + 1) - 1;
			return end < histogram->greatest ? end : histogram->greatest;
		}
	}
	return 0;
}
