/* Nodes as child processes, and the command run on them. */
#pragma once

#include "tests/bench/bench.h"

/* Runs "tongban |args|" (ended by NULL) and waits; stdout goes to |out| if given, stderr to a file that is
 * shown if the command fails. Seconds that it took. */
double process_command(const struct bench *bench, const char *out, const char *const *args);

/* A new node's directory. */
void node_init(const struct bench *bench, struct bench_node *node, const char *region);
/* Starts the node and waits for its "node.ready". Milliseconds from before fork() until then. */
double node_start(const struct bench *bench, struct bench_node *node);
/* Asks it to stop and waits. */
void node_stop(struct bench_node *node);
/* "host:port" where it listens. */
void node_address(const struct bench_node *node, char out[64]);
/* kB of anonymous memory that is resident. */
double node_anonymous_kb(const struct bench_node *node);
/* Microseconds of CPU that it has used since its start. */
double node_cpu_us(const struct bench_node *node);

/* |to| learns of |from|: name, anchor, address, grants for everything at a rate that never throttles. Both
 * run, or |from| has no address. |to|, if it runs, reads its peers again. */
void node_introduce(const struct bench *bench, const struct bench_node *from, const struct bench_node *to);
