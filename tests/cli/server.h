/* A node's socket of a few lines that answers what each test wants. */
#pragma once

#include <pthread.h>

#include "base/bytes.h"

struct server {
	char dir[64];
	char socket[96];
	int listener;
	pthread_t thread;
	const char *const *replies; /* one for each request; ended by NULL */
	struct tb_buf seen;         /* all requests, one after the other; after server_stop() */
};

/* All requests come on one connection: the client keeps it. */
void server_start(struct server *server, const char *const *replies);
void server_stop(struct server *server);
void server_clear(struct server *server);
