/* A cheap client of a node's local API: HTTP/1.1 over DIR/api.sock, connections kept open, written by hand so
 * that it costs the machine little of what is being measured. */
#pragma once

#include "tests/bench/bench.h"
#include "proto/codec.h"

/* ---- one call at a time */

struct api;

struct api *api_open(const struct bench_node *node);
void api_close(struct api *api);

/* POST; the reply lives until the next call. The HTTP status. */
unsigned api_post(struct api *api, const char *path, struct tb_bytes body, struct tb_bytes *reply);
/* The same with a text, decoded; anything but 200 ends the benchmark. */
proto_message *api_call(struct api *api, const char *path, const char *body, const proto_type *type,
                        struct tb_arena *arena);
/* PUT /material with |size| bytes from |file|; the reply is a MaterialView. */
PbMaterialView *api_put(struct api *api, const char *file, uint64_t size, struct tb_arena *arena);

/* ---- many at once */

struct api_load {
	const struct bench_node *node;
	const char *path;
	unsigned clients; /* each has one connection and one call under way */
	/* Makes the next body; false: no more, and the load ends when the last reply is here. */
	bool (*next)(void *ctx, struct tb_buf *body);
	/* A reply; false if it is not as it should be, which ends the benchmark. */
	bool (*check)(void *ctx, unsigned status, struct tb_bytes body);
	void *ctx;
};

/* Seconds from the first call to the last reply. |*count|: replies. */
double api_load_run(const struct api_load *load, uint64_t *count);
