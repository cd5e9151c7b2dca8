/* What gRPC C core gives by itself, over the same mutual TLS as nodes use, server and client in two processes
 * as nodes are. Everything happens in children: this process never starts gRPC. */
#pragma once

#include "tests/bench/bench.h"

/* Unary calls that answer with what they were sent, |in_flight| at a time. Calls per second. */
double rpc_echo(const struct bench *bench, unsigned in_flight, unsigned bytes);
/* One server stream of messages of |bytes|. MB (10^6) per second. */
double rpc_stream(const struct bench *bench, unsigned bytes);

/* Connections of the region |caller| to |node|, opened and left idle. */
struct rpc_idle {
	pid_t pid;
	int fd; /* a byte asks for more connections, one comes back when they stand */
};
void rpc_idle_open(struct rpc_idle *idle, const struct bench_node *caller, const struct bench_node *node);
/* Opens |count| more (at most 255). */
void rpc_idle_more(struct rpc_idle *idle, unsigned count);
void rpc_idle_close(struct rpc_idle *idle);
