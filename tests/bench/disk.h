/* What the disk and LMDB give by themselves. */
#pragma once

#include "tests/bench/bench.h"

/* Synchronous commits of |records| records of 512 bytes under ascending keys, LMDB's default flags.
 * Records per second; |median_us|, if given: the median time of one commit. */
double disk_lmdb(const struct bench *bench, unsigned records, double *median_us);
/* Fresh files of |bytes|, written in order and synced, one after the other. MB (10^6) per second. */
double disk_files(const struct bench *bench, uint64_t bytes);
