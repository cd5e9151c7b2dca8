/* Every event of a run in a few bytes, so that a second run of the same seed stops at the first one that
 * comes out differently, and can say which. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SIM_TRACE_MOST = 4 << 20,
	SIM_TRACE_EVERY = 1000
}; /* of those behind the first so many, each thousandth */

struct sim_traced {
	uint64_t hash; /* of the run, after the event */
	int64_t at;    /* microseconds of the world */
	const char *name;
};

struct sim_trace {
	struct sim_traced *events; /* of the first run */
	size_t count;
	size_t room;
	bool compares;           /* this is the second run */
	uint64_t told;           /* events of the run that is told */
	size_t compared;         /* entries of the first */
	struct sim_traced first; /* what the first run had where it differs */
	struct sim_traced other; /* what the second has there */
	uint64_t differs;        /* number of that event, from 1; 0: none does */
};

/* False: it differs from what the first run had there. |name| is static. */
bool sim_trace_event(struct sim_trace *trace, uint64_t hash, int64_t at, const char *name);
/* From here the second run is told. */
void sim_trace_again(struct sim_trace *trace);
void sim_trace_clear(struct sim_trace *trace);
/* "event 17, 2026-03-02 10:11:12.345678: \"arrive\" came out differently": what differs() found. */
void sim_trace_words(char *out, size_t room, const struct sim_trace *trace);
