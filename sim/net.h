/* The net: directed links between nodes that have an agreement, and the calls and streams on them. */
#pragma once

#include "sim/node.h"

enum { SIM_CUTS_MAX = 64 };

struct sim_link {
	uint32_t to;
	sim_time latency;       /* one way, without its tail */
	sim_time free_at;       /* what is being sent keeps it busy until then */
	sim_time clogged_until; /* nothing passes before */
	uint32_t calls;         /* so far */
	/* A scenario's own troubles. */
	sim_time since;  /* when they began */
	bool cut;        /* nothing passes */
	uint32_t lose;   /* of a million calls, or answers */
	sim_time slower; /* than its latency */
	struct sim_random random;
	PbDisclosure verify; /* what |to| may learn from us */
	bool cases;          /* |to| may send us cases */
};

/* Draws the agreements. */
struct sim_net *sim_net_new(struct sim_world *world);
void sim_net_free(struct sim_net *net);

/* The links from |node|, by index of the other side. */
struct sim_link *sim_links(struct sim_net *net, uint32_t node, size_t *count);
struct sim_link *sim_link_find(struct sim_net *net, uint32_t from, uint32_t to); /* NULL: no agreement */
/* The peer set of |node| as its links say. |verify| false: without the right to verify. */
struct peer_set *sim_net_peers(struct sim_world *world, uint32_t node);

/* Cuts: while one is up, no byte passes between its nodes and the others. */
int sim_net_cut_begin(struct sim_net *net, bool one_way); /* -1: none is free */
void sim_net_cut_add(struct sim_net *net, int cut, uint32_t node);
void sim_net_cut_end(struct sim_net *net, int cut);
void sim_net_heal(struct sim_net *net); /* all cuts and clogs; what was not well till now is noted */
bool sim_net_is_cut(struct sim_net *net, uint32_t from, uint32_t to);

/* Effects of a turn. All take their argument. */
void sim_net_send(struct sim_node *from, struct core_outbound *outbound);
void sim_net_answer(struct sim_node *from, struct core_inbound *inbound);
void sim_net_fetch(struct sim_node *node, struct core_fetch *fetch);

/* |node| has gone down: its calls and streams are gone, those that it was to answer fail. */
void sim_net_down(struct sim_node *node);
/* An inbound that |node| never answered. */
void sim_net_unanswered(struct sim_node *node, struct core_inbound *inbound);

/* What became of a call that was injected: |bytes| is the signed answer, or |err| says why there is none. */
typedef void sim_injected(struct sim_world *world, struct sim_node *to, struct tb_bytes bytes,
                          const struct tb_error *err, void *ctx);
/* Brings |bytes| (copied) to |to| as a call of |from|'s link, outside of its core. |as| is the region that
 * the connection is taken for: |from|'s, or that of a connection which was stolen; it is borrowed for good.
 * |done| is called once, also when the call is lost (TB_EUNREACHABLE), except at the end of the world. */
void sim_net_inject(struct sim_node *from, const char *as, struct sim_node *to, enum core_call call,
                    struct tb_bytes bytes, sim_injected *done, void *ctx);
