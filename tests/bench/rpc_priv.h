/* Shared by rpc*.c: credentials as node/io/link_tls.c makes them, with a verifier that takes any certificate.
 */
#pragma once

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "tests/bench/rpc.h"

/* Of the node directory's TLS certificate. Never freed: the child exits. */
grpc_tls_credentials_options *rpc_credentials(const struct bench_node *node);
grpc_channel *rpc_channel(const struct bench_node *node, const char *address);
/* A child that dies with its parent; 0 in the child. */
pid_t rpc_fork(void);
