/* Shared by link*.c only. gRPC's types end here. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "node/io/link.h"
#include "node/io/workers.h"

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* What a completion queue gives back: a member of the call that it belongs to. */
struct link_tag {
	void (*done)(struct link_tag *tag, bool ok);
};

/* A list of the calls under way, for cutting them. Under link.lock. */
struct link_node {
	struct link_node *next;
	struct link_node *before;
};

void link_node_add(struct link_node *list, struct link_node *node);
void link_node_drop(struct link_node *node);

/* What verifiers share. gRPC may hold a verifier, and call it, for a while after the link is gone. */
struct link_guard {
	atomic_int refs;
	pthread_rwlock_t lock;          /* read while the link's callbacks are in use */
	const struct link_setup *setup; /* NULL: the link is gone */
};

struct link_guard *link_guard_new(const struct link_setup *setup);
void link_guard_close(struct link_guard *guard);
void link_guard_unref(struct link_guard *guard);

/* One verifier: the server's, or that of one channel. */
struct link_verifier {
	grpc_tls_certificate_verifier_external grpc;
	struct link_guard *guard;
	atomic_int refs;
	char region[PKI_REGION_ROOM]; /* that must be there; "" for the server: any peer */
	pthread_mutex_t lock;
	struct tb_error refused; /* why the last handshake failed; TB_OK if it did not. Under lock. */
};

struct link_verifier *link_verifier_new(struct link_guard *guard, const char *region);
void link_verifier_unref(struct link_verifier *verifier);
/* The last handshake's outcome. */
enum tb_code link_verifier_refused(struct link_verifier *verifier, struct tb_error *out);

/* A connection to a peer, as a client. Counted: the table holds one, each call one. */
struct link_channel {
	struct link_channel *next; /* in its bucket */
	atomic_int refs;
	char region[PKI_REGION_ROOM];
	bool bulk; /* for FetchMaterial; false: for Verify, Deliver, Describe */
	char endpoint[256];
	grpc_channel *grpc;
	struct link_verifier *verifier;
};

/* Calls under way of a region that has called. Never freed before the link: there are no more than peers. */
struct link_caller {
	struct link_caller *next;
	char region[PKI_REGION_ROOM];
	size_t running;
	size_t fetching; /* of them, those for materials */
};

enum { LINK_BUCKETS = 256 };

struct link {
	struct link_setup setup;
	struct link_guard *guard;
	grpc_tls_certificate_provider *identity;
	grpc_resource_quota *quota;
	grpc_completion_queue *queue; /* one for both directions: a thread less is woken for each event */
	grpc_server *server;
	int port;
	struct workers *signers;
	struct workers *bulk;
	size_t threads_count;
	pthread_t threads[8];

	struct link_tag server_down;

	pthread_mutex_t lock;
	pthread_cond_t changed; /* running fell to 0, or server_is_down */
	size_t running;
	size_t serving;           /* peers' calls among them */
	bool draining;            /* grpc_server_shutdown_and_notify() was called */
	bool server_is_down;      /* and it has answered */
	bool cut;                 /* no call of this node is begun any more */
	bool reclaims;            /* what fetch_progress() lent is taken back */
	bool closing;             /* no peer's call is given to the driver any more */
	struct link_node serves;  /* struct serve */
	struct link_node sends;   /* struct send */
	struct link_node fetches; /* struct fetch */
	struct link_caller *callers[LINK_BUCKETS];
	struct link_channel *channels[LINK_BUCKETS];
};

size_t link_bucket(const char *region);
/* Notes that a call has begun or ended. Under lock. */
void link_begun(struct link *link);
void link_ended(struct link *link);

/* ---- link_tls.c */

/* gRPC's messages, errors only, go to our log; repeated ones seldom. */
void link_log_route(void);

TB_MUST_CHECK enum tb_code link_identity_new(grpc_tls_certificate_provider **out,
                                             const struct link_setup *setup, struct tb_error *err);
grpc_server_credentials *link_server_credentials(struct link *link);
grpc_channel_credentials *link_channel_credentials(struct link *link, struct link_verifier *verifier);
/* Who is at the other end of |call|, as |peers| sees it now. */
TB_MUST_CHECK enum tb_code link_call_region(char region[PKI_REGION_ROOM], grpc_call *call,
                                            const struct peer_set *peers, tb_time now, struct tb_error *err);

/* ---- link_server.c */

TB_MUST_CHECK enum tb_code link_server_open(struct link *link, struct tb_error *err);
/* Ends the calls whose message has not come in time. */
void link_server_sweep(struct link *link);
/* Answers every call that waits for link_answer(): the link closes. */
void link_server_cut(struct link *link);

/* ---- link_client.c */

/* Cancels every call of this node, now and later; takes back fetches that are lent if |resume|. */
void link_client_cut(struct link *link, bool resume);
void link_client_free(struct link *link);

/* ---- link.c: bytes and codes */

/* Takes over |buf|'s memory. */
grpc_byte_buffer *link_buffer_of(struct tb_buf *buf);
/* The whole message. Unref the slice when done. False: it cannot be read. */
bool link_buffer_read(grpc_slice *out, grpc_byte_buffer *buffer);
static inline struct tb_bytes link_slice_bytes(const grpc_slice *slice)
{
	return tb_bytes_of(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

grpc_status_code link_status_of(enum tb_code code);
/* Fills |err| from the status of a call to |peer|; the details came from outside. */
enum tb_code link_status_fail(struct tb_error *err, const char *peer, grpc_status_code status,
                              grpc_slice details);
