/* What the files of the net share: net.c (agreements, links, cuts), net_call.c (calls), net_life.c (how long
 * a call lives), net_stream.c (materials). */
#pragma once

#include "sim/net.h"

struct sim_links {
	struct sim_link *at; /* by the other's index */
	size_t count;
	uint64_t sides; /* bit c: inside of cut c */
};

struct sim_net {
	struct sim_world *world;
	sim_time cuts_since[SIM_CUTS_MAX];
	struct sim_links *links; /* by node */
	size_t nodes_count;
	uint64_t cuts_used;
	uint64_t both_ways;
	uint64_t outward; /* nothing leaves the inside */
	struct sim_stream *streams;
	uint32_t *lost_receipts; /* by node: answers to its deliveries that were lost */
};

/* A call, from its sending until the last event that speaks of it. Counted: its sender's ring, each event in
 * the heap and each inbound that is worked on hold it. */
struct sim_call {
	struct sim_call *previous; /* in the sender's ring, while |outbound| is out */
	struct sim_call *next;
	unsigned refs;
	enum core_call kind;
	struct sim_node *from;
	struct sim_node *to;
	uint32_t number;                /* on its link */
	struct core_outbound *outbound; /* NULL: it is back, or its sender is gone */
	struct tb_buf bytes;            /* the request */
	sim_time deadline;
	unsigned arrivals;
	bool failing;       /* an event that fails it is in the heap */
	sim_injected *done; /* instead of |outbound| */
	const char *as;     /* on whose connection it arrives */
	void *ctx;
};

/* When |size| bytes that are sent now arrive; SIM_NEVER: the queue is full. */
sim_time sim_link_arrival(struct sim_world *world, struct sim_link *link, size_t size);

/* |to| has refused what came from |peer|, before any turn. */
void sim_net_refused(struct sim_node *to, const char *peer, const char *what, struct tb_bytes bytes,
                     const struct tb_error *err);

/* ---- net_life.c */

/* |outbound| NULL: an injected one. Its bytes and deadline are the caller's to fill; one reference. */
struct sim_call *sim_call_new(struct sim_node *from, struct sim_node *to, enum core_call kind,
                              struct core_outbound *outbound);
struct sim_call *sim_call_ref(struct sim_call *call);
void sim_call_unref(struct sim_call *call);
/* Takes |outbound| from the call, and the call from its sender's ring, whose reference is the caller's now.
 */
struct core_outbound *sim_call_take(struct sim_call *call);

/* ---- net_call.c, net_stream.c: |node| has gone down */

void sim_calls_down(struct sim_node *node);
void sim_streams_down(struct sim_node *node);
