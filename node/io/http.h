/* The local API: HTTP on a Unix socket, and on a TCP port if one is named, for the programs of this region.
 *
 * - POST /tongban.v1.Service/Method: JSON in and out; Connect's unary protocol (connectrpc.com/docs/protocol)
 * - PUT /material: raw bytes in, MaterialView out
 * - GET /material/ROOT: raw bytes out; ROOT is 64 hex digits
 * - GET /events?after=CURSOR: server-sent events; with &wait=SECONDS one reply
 * - GET /metrics: what was counted, in Prometheus' text format 0.0.4
 * - GET /: what this is
 *
 * Whoever may open the socket (0600) and shows no token may do everything. On the port a token is always
 * needed. Requests are decoded and prepared, and queries are answered, on workers; only what changes
 * something waits for a turn, its connection suspended meanwhile.
 *
 * A call that a worker or a turn works on stays until it is back, also when its client has gone. */
#pragma once

#include "node/core/core.h"

struct http;

/* A method that the driver answers itself, since it touches what the core may not. */
struct http_method {
	const char *path; /* "/tongban.v1.Service/Method"; NULL ends a list */
	const proto_type *input;
	/* On a worker: *reply in |arena|, or an error. */
	enum tb_code (*call)(void *ctx, const proto_message *message, proto_message **reply,
	                     struct tb_arena *arena, struct tb_error *err);
};

struct http_setup {
	const char *socket_path;   /* borrowed */
	const char *tcp_listen;    /* host:port, port 0: any; NULL: none; borrowed */
	const char *tls_chain_pem; /* of the port, leaf first; NULL: no TLS; these two are looked at by
	                              http_open() only */
	const char *tls_key_pem;
	const struct core_setup *core;     /* borrowed until http_close() has returned */
	const struct http_method *methods; /* looked at before the core's; borrowed */
	tb_time (*now)(void);
	/* A counted reference to the current set. */
	struct peer_set *(*peers)(void *ctx);
	/* A prepared request for a turn; taken. Comes back by http_reply(). */
	void (*submit)(void *ctx, struct core_request *request);
	/* A code was tried in vain, or was not looked at since too many were: for the audit log. */
	void (*refused)(void *ctx, const struct core_refusal *refusal);
	/* 32 bytes from the system's random source. */
	void (*seed)(uint8_t out[32]);
	void *ctx;
};

/* Replaces a stale socket at the path: the caller holds the directory's lock. Callbacks run on several
 * threads. TB_EINVALID: the path is too long for a socket; TB_EIO. */
TB_MUST_CHECK enum tb_code http_open(struct http **out, const struct http_setup *setup, struct tb_error *err);

/* Takes |request|, whose reply or error is set. Not during or after http_close(). */
void http_reply(struct http *http, struct core_request *request);

/* The port that it listens on; 0: none. */
unsigned http_tcp_port(struct http *http);

/* A turn was committed: readers of events are told what is new. Any thread, not after http_close(). */
void http_committed(struct http *http);

/* Stops listening; requests that come on open connections are told "unavailable". Returns at once. */
void http_drain_begin(struct http *http);
/* Requests that have begun and whose reply is not sent yet. Any thread. */
size_t http_running(struct http *http);

/* Tells what is still under way that its fate is unknown, and frees. Requests that were submitted and not
 * replied to are the caller's to free, afterwards. submit() may still be called until it returns. NULL is
 * nothing. */
void http_close(struct http *http);
