/* How long things took: a histogram of fixed size, exact to an eighth over the whole range. */
#pragma once

#include <stdint.h>

enum { SIM_HISTOGRAM_STEPS = 8, SIM_HISTOGRAM_BUCKETS = 48 * SIM_HISTOGRAM_STEPS };

/* {0} is empty. Values are of one unit, such as milliseconds. */
struct sim_histogram {
	uint64_t counts[SIM_HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t greatest;
};

void sim_histogram_add(struct sim_histogram *histogram, uint64_t value);
/* The least value that |share| (0 to 1) of all do not exceed, an eighth too great at most; 0 if empty. */
uint64_t sim_histogram_share(const struct sim_histogram *histogram, double share);
/* The least value of bucket |i|; that of the one after the last ends it. */
uint64_t sim_histogram_from(unsigned i);
