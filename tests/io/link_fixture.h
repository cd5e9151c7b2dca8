/* For the tests of the link: regions with real certificates, nodes whose core is replaced.
 *
 * The link moves bytes and decides nothing, so node/core is doubled here: a request is a text, its answer is
 * "<caller>:<text>". What a text may begin with: "malformed" (refused by core_inbound_new()), "denied" and
 * "broken" (answered with TB_EDENIED, TB_ESTORAGE), "big" (encodes to more than a message may have),
 * "strange" (its answer is refused by core_outbound_answered()).
 *
 * A material is named by its root: root[0] is the number of parts; root[1] the part that the sink refuses, or
 * 0; root[2] is 1 if the peer may not have it, 2 if its source fails after the first part, 3 if its source
 * waits while sources_wait() says so. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "node/io/link.h"

#define NOW (1767225600 * TB_SECOND)

enum { PART_BYTES = 1 << 20 };

struct region {
	const char *code;
	struct pki_key *ca_key;
	struct tb_buf ca;
	struct pki_key *key;
	struct tb_buf key_pem;
	struct tb_buf chain; /* TLS */
};

/* Three regions, and one that says it is the first but has another CA. */
extern struct region changzhou, hangzhou, chengdu, pretender;

void region_make(struct region *region);
void region_free(struct region *region);
int regions_setup(void **state);
int regions_teardown(void **state);

/* What every node takes for now. */
extern atomic_llong test_now;

/* How long nodes that start now wait for a call's message; 0: as usual. */
extern int64_t test_message_ms;

struct call {
	const char *text;
	struct tb_buf answer;
};

struct node {
	const struct region *region;
	struct core_setup core;
	struct link *link;
	char endpoint[64];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct peer_set *peers;
	bool hold;                      /* keep what comes in */
	struct core_inbound *held[256]; /* oldest first */
	size_t held_count;
	size_t inbound_count;        /* ever */
	struct core_refusal refused; /* the last */
	size_t refused_count;
	struct core_outbound *called[512];
	size_t called_count;
	struct core_fetch *fetched[16];
	size_t fetched_count;
	struct core_fetch *lent;
	size_t progress_count;
	bool keep_lent; /* fetch_progress() keeps it for the test */
	struct node
		*after; /* fetch_progress() gives it back once nothing is under way there; NULL: at once */
};

/* Listens on loopback. Takes over the reference to |peers|. */
void node_start(struct node *node, const struct region *region, struct peer_set *peers);
/* The same at a given address. False, and nothing is there, if it is taken. */
bool node_start_at(struct node *node, const struct region *region, struct peer_set *peers,
                   const char *listen);
void node_stop(struct node *node);
struct link_setup node_setup(struct node *node);

struct peer_set *peers_of(const struct region *first, const struct region *second);
void node_set_peers(struct node *node, struct peer_set *peers);

/* Sends |text| and does not wait. */
void node_send(struct node *node, const struct region *to, const char *endpoint, const char *text,
               int64_t timeout_ms);
/* Calls that came so far. */
size_t node_refused_count(struct node *node);
size_t node_inbound_count(struct node *node);
/* Waits for the next call that ends; the caller frees by outbound_free(). */
struct core_outbound *node_wait_called(struct node *node);
void outbound_free(struct core_outbound *outbound);
const char *outbound_answer(struct core_outbound *outbound);
/* Both. */
struct core_outbound *node_call(struct node *node, const struct region *to, const char *endpoint,
                                const char *text);
/* Calls and expects |code|; gives the text of the error (static). */
const char *node_call_fails(struct node *node, const struct region *to, const char *endpoint,
                            const char *text, enum tb_code code);

/* Waits until |count| are held, and takes the oldest. */
void node_wait_held(struct node *node, size_t count);
struct core_inbound *node_take_held(struct node *node);

void node_fetch(struct node *node, const struct region *from, const char *endpoint, uint8_t parts,
                uint8_t refuse, uint8_t how);
void sources_wait(bool wait);
struct core_fetch *node_wait_fetched(struct node *node);
struct core_fetch *node_wait_lent(struct node *node);
/* Waits until fetch_progress() has been called. */
void node_wait_progress(struct node *node);

/* A call by gRPC itself, with the certificate of |region|: |path|, one message of |size| bytes. Gives the
 * status; the answer's bytes in |answer|. */
int raw_call(const struct region *region, const char *endpoint, const char *path, const void *bytes,
             size_t size, struct tb_buf *answer);

/* Calls, up to LINK_PEER_STREAMS_MAX, that say what they are and send no message; on a connection of their
 * own. */
struct raw_hold;
struct raw_hold *raw_hold_new(const struct region *region, const char *endpoint, const char *path,
                              size_t count);
/* Waits until all have ended; gives the status that all of them have. */
int raw_hold_end(struct raw_hold *hold);
/* Cancels them first. */
void raw_hold_cancel(struct raw_hold *hold);
