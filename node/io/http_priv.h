/* What the http*.c files share: a call, from the moment that its header was read until its reply was sent. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "node/io/guesses.h"
#include "node/io/http.h"
#include "node/io/workers.h"

enum {
	HTTP_IDLE_S = 300,           /* an idle connection is closed after this */
	HTTP_EVENT_READERS_MAX = 64, /* calls of GET /events at one time */
	HTTP_EVENT_READERS_OF_ONE_MAX = 16,
};

/* Reading (MHD's thread) -> away (a worker, then maybe a turn; suspended) -> back (MHD's thread again). */
enum call_state { CALL_READING, CALL_AWAY, CALL_BACK };

struct call;

/* What a kind of call does; each runs where it says. */
struct call_kind {
	/* MHD's thread: takes a piece of the body. */
	enum tb_code (*add)(struct call *call, struct tb_bytes bytes, struct tb_error *err);
	/* A worker: gives the struct call to http_call_back() or its request to the setup's submit(). */
	void (*work)(void *arg);
	/* MHD's thread, when the call is back without an error. NULL: the request's reply, as JSON. */
	enum MHD_Result (*reply)(struct call *call);
};

/* Where calls come in. */
struct http_door {
	struct http *http;
	struct MHD_Daemon *daemon;
	int fd;           /* the listening socket; MHD's until it is told to be quiet; -1: none */
	bool wants_token; /* nobody is the owner here */
};

/* A call of GET /events; all but the cursor under the http's mutex. */
struct http_reader {
	struct call *prev, *next; /* among all readers */
	bool listed;
	bool stream;       /* server-sent events; else one reply */
	bool waits;        /* its connection is suspended, and the readers' thread may have it */
	bool ends;         /* a stream: nothing more will come */
	bool more;         /* there is more already than was given */
	bool from_now;     /* no cursor yet */
	uint64_t after;    /* the cursor */
	uint64_t told;     /* a stream: the cursor that the client was told */
	uint64_t commits;  /* http->commits before it looked last */
	int64_t due_ms;    /* when it gets a sign of life (a stream), or its reply */
	struct tb_buf out; /* a stream: what is to be sent */
	size_t out_at;
};

struct call {
	struct http *http;
	struct http_door *door;
	struct MHD_Connection *connection;
	const struct call_kind *kind; /* NULL: it was answered at once */
	enum call_state state;
	struct call *prev, *next;               /* among those that are away */
	const struct core_principal *principal; /* in |arena|; NULL: the socket's owner */
	const struct core_method *method;
	const struct http_method *own; /* instead: one of the driver's */
	char address[48];              /* the caller's, "": of the socket, or unknown */
	bool guessing;                 /* it has taken a try of http->guesses */
	struct tb_arena arena;
	proto_message *own_reply; /* in |arena| */
	struct tb_buf body;
	size_t counted;    /* its bytes in http->body_bytes */
	uint64_t received; /* bytes of the body so far */
	struct material_intake *intake;
	uint8_t root[PKI_HASH_BYTES]; /* of a download */
	struct material_source *source;
	uint64_t source_size;
	struct tb_buf chunk;
	size_t chunk_at;
	struct http_reader reader;
	struct core_request *request; /* NULL while somebody else has it */
	struct tb_error error;
	struct tb_buf reply; /* borrowed by MHD until the call is freed */
};

enum { HTTP_SOCKET, HTTP_TCP, HTTP_DOORS };

struct http {
	struct http_setup setup;
	struct http_door doors[HTTP_DOORS];
	struct workers *workers;
	struct guesses *guesses;
	atomic_bool draining;
	atomic_size_t body_bytes; /* of calls that are not back */
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* |running|, |at_once| */
	size_t running;
	size_t at_once; /* calls that MHD's threads work on themselves */
	bool closing;
	struct call *away;
	/* readers of events */
	pthread_t readers_thread;
	pthread_cond_t readers_due; /* on CLOCK_MONOTONIC */
	struct call *readers;
	size_t readers_count;
	uint64_t commits;
};

/* ---- http.c */
enum MHD_Result http_on_access(void *door, struct MHD_Connection *connection, const char *url,
                               const char *verb, const char *version, const char *upload_data,
                               size_t *upload_data_size, void **con_cls);
void http_on_completed(void *door, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how);
/* Any thread; the call is MHD's afterwards. */
void http_call_back(struct call *call);
const char *http_header(struct call *call, const char *name);
/* |status| 0: the one that goes with the code. */
enum MHD_Result http_reply_error(struct call *call, unsigned status, enum tb_code code, const char *text);
/* With its reason, if it has one. */
enum MHD_Result http_reply_refusal(struct call *call, const struct tb_error *err);
/* What is in call->reply. */
enum MHD_Result http_reply_buf(struct call *call, unsigned status, const char *type);
enum MHD_Result http_queue(struct call *call, unsigned status, struct MHD_Response *response,
                           const char *type);

/* ---- http_events.c */
void http_readers_open(struct http *http);
/* Everybody gets what there is; nobody waits any more. The thread ends. */
void http_readers_close(struct http *http);
/* Something may have changed: commits, draining, closing. */
void http_readers_wake(struct http *http);
/* GET /events: names the call's kind, or answers at once. */
enum MHD_Result http_events_begin(struct call *call);
/* The call is about to be freed. */
void http_reader_clear(struct call *call);
