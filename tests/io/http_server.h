/* node/io/http.c between a played core and a played driver: the test's thread runs the turns. */
#pragma once

#include "node/io/http.h"

#include <pthread.h>
#include <stdatomic.h>

#define STATUS_METHOD "/tongban.v1.NodeService/Status"
#define RELOAD_METHOD "/tongban.v1.NodeService/Reload"
#define REQUEUE_METHOD "/tongban.v1.NodeService/Requeue"

/* Both are refused before a turn; the second one only when http_close() waits for nothing else. */
enum { SEQ_REFUSED_EARLY = 13, SEQ_REFUSED_LATE = 17, MATERIAL_BYTES = 3 * TB_CHUNK_BYTES + 17 };

/* The core as it plays: what the node holds of it and has not freed, and what it refuses. A material whose
 * root begins with aa is whole, one with bb breaks after its first chunk, others are not there. */
struct played_core {
	atomic_int intakes;
	atomic_int sources;
	atomic_int requests;
	uint64_t refuse_upload_at; /* bytes */
	atomic_bool preparing;     /* the request of SEQ_REFUSED_LATE */
};

extern struct played_core played;

struct server {
	char dir[64];
	char path[96]; /* of the socket */
	struct core_setup core;
	struct http *http;
	pthread_mutex_t mutex;
	pthread_cond_t came;
	struct core_request *submitted[8];
	size_t submitted_count;
	struct tb_error reload_says;
};

int server_setup(void **state);
/* Whatever a test did: nothing is left behind. */
int server_teardown(void **state);
enum tb_code server_open(struct server *server, const char *path, struct tb_error *err);
/* The next request that waits for a turn; waits for it. */
struct core_request *server_next(struct server *server);
/* Ends the turn of a Requeue. */
void server_reply(struct server *server, struct core_request *request);
/* Until no request is being answered. */
void server_wait_idle(struct server *server);

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, server_setup, server_teardown)
