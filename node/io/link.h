/* The link: gRPC over mutual TLS, as a server for peers' calls and as a client for this node's own.
 *
 * It moves bytes and decides nothing: what a call means is told by the functions of node/core that any thread
 * may call, and what is to be done by the turn. docs/protocol.md, section 2.
 *
 *   peer's call -> check identity -> core_inbound_new() -> inbound() ... link_answer() -> sign -> peer
 *   link_send() -> sign -> peer -> core_outbound_answered() -> called()
 *   link_fetch() -> parts, one at a time -> material_sink -> fetched()
 *   peer's FetchMaterial -> core_material_for(), material_source -> parts, one at a time
 *
 * Threads. The link has its own: some that wait for the network and check what came (link threads), some that
 * sign (signers), some that read and write materials (bulk threads). Callbacks run on any of them, several at
 * once; they must not block and must not call link_close() or link_drain(). Every function below may be
 * called from any thread, unless it says otherwise.
 *
 * Ownership. What a callback is given is the callee's from then on; what link_answer(), link_send() and
 * link_fetch() are given is the link's, and comes back through called() and fetched() exactly once, also when
 * the link closes.
 *
 * Trust. Both sides show a certificate, and each side's own verifier checks it at the handshake against the
 * peer set of that moment (pki_chain_check_pem(), role NODE); who is called must be the region that was
 * meant. The server checks again at every call, so that a peer that was removed, or whose certificate has
 * expired, is refused (TB_EUNTRUSTED, TB_EEXPIRED) although its connection still stands. A refused handshake
 * is logged once in ten minutes for each region and reason ("link.refused"). TLS 1.2 is the least that is
 * spoken: gRPC 1.51 has no setter for it in C, so tests/io/test_link.c holds it to that. */
#pragma once

#include "node/core/core.h"
#include "node/core/material.h"

enum {
	LINK_CALLS_MAX = 1024,       /* peers' calls under way; one more is told TB_ETHROTTLED */
	LINK_PEER_STREAMS_MAX = 64,  /* on one connection; further ones wait at the peer */
	LINK_PEER_CALLS_MAX = 128,   /* calls of one region, over all its connections; TB_ETHROTTLED */
	LINK_PEER_CALLS_SURE = 2,    /* of them, those that LINK_CALLS_MAX does not refuse; no fetches */
	LINK_PEER_FETCHES_MAX = 8,   /* of them, those for materials: each holds two parts */
	LINK_MESSAGE_MS = 20 * 1000, /* a peer's call whose message has not come by then is ended */
	LINK_FETCH_MS = 600 * 1000,  /* a fetch ends after this; what is good stays for the next */
	LINK_TLS_PEM_BYTES_MAX = 32 * 1024, /* a peer's certificates as text */
};

struct link;

struct link_setup {
	const struct core_setup *core; /* borrowed until link_close() has returned */
	const char *listen;            /* "host:port"; port 0: any, see link_port() */
	struct tb_bytes tls_chain_pem; /* this node's TLS certificate, leaf first; copied */
	struct tb_bytes tls_key_pem;   /* its key, PKCS #8; copied */
	int64_t message_ms;            /* in place of LINK_MESSAGE_MS; 0: that */
	tb_time (*now)(void);
	/* A counted reference to the current set. */
	struct peer_set *(*peers)(void *ctx);
	/* A peer's call, checked and decoded. Answer it by link_answer(). */
	void (*inbound)(void *ctx, struct core_inbound *inbound);
	/* A peer's call was refused before that. */
	void (*refused)(void *ctx, const struct core_refusal *refusal);
	/* link_send() has ended: answer and messages are set, or error. */
	void (*called)(void *ctx, struct core_outbound *outbound);
	/* link_fetch() has ended: error says how. */
	void (*fetched)(void *ctx, struct core_fetch *fetch);
	/* More of |fetch| is durable, and that is worth noting. It is lent: the link leaves it alone, and the
	 * stream rests, until link_fetch_resume(). NULL: nobody wants to know. */
	void (*fetch_progress)(void *ctx, struct core_fetch *fetch);
	/* 32 bytes from the system's random source. */
	void (*seed)(uint8_t out[32]);
	void *ctx;
};

/* Starts to listen. On failure *out is NULL.
 *
 * TB_EINVALID    |listen| is not host:port
 * TB_EMALFORMED  the certificate or the key is not what it should be
 * TB_EBUSY       cannot listen there: the port is taken, or the address is not this machine's */
TB_MUST_CHECK enum tb_code link_open(struct link **out, const struct link_setup *setup, struct tb_error *err);

/* The port that is listened on. */
int link_port(const struct link *link);

/* Answers a peer's call and takes |inbound|: signs and encodes inbound->answer on a signer, or sends
 * inbound->error as a gRPC status. Its text goes along, but that of a local fault. If the peer no longer
 * waits, nothing is signed. */
void link_answer(struct link *link, struct core_inbound *inbound);

/* Calls a peer: signs and encodes on a signer, waits for the answer until |timeout_ms| from now, checks it,
 * calls called().
 *
 * TB_EUNREACHABLE  no connection (|text| has the reason if TLS was refused), it broke, or the peer failed
 * TB_ETIMEOUT      no answer in time
 * TB_ETOOBIG       the request is over TB_MESSAGE_BYTES_MAX; nothing was sent
 * others           the peer's refusal (docs/protocol.md, section 2), or core_outbound_answered()'s */
void link_send(struct link *link, struct core_outbound *outbound);

/* Fetches a material over a second connection to the peer, so that small calls don't wait behind it. Memory
 * for each stream is bounded: a part is written before the next is taken. */
void link_fetch(struct link *link, struct core_fetch *fetch);
/* Gives back what fetch_progress() lent. */
void link_fetch_resume(struct link *link, struct core_fetch *fetch);

/* Peers were added, removed or changed: drops the channels of those that are gone or listen elsewhere. Calls
 * under way end as they would have. */
void link_peers_changed(struct link *link);

/* How the channel for small calls to |region| is: "unused", "idle", "connecting", "ready", "failing", or
 * "refused" (its last handshake failed one of our checks). Static text. */
const char *link_peer_state(struct link *link, const char *region);

/* Stops listening and taking new calls; those under way go on. Returns at once. */
void link_drain_begin(struct link *link);
/* Calls and fetches under way, in both directions. */
size_t link_running(struct link *link);
/* link_drain_begin(), then waits until nothing is under way, at most |timeout_ms|; then cuts what is left.
 * Not from the thread that runs the turns, since calls under way wait for it; that one asks link_running().
 */
void link_drain(struct link *link, int64_t timeout_ms);

/* Cuts what is under way, waits until it has ended, frees. Calls back (called(), fetched()) until it returns;
 * calls that wait for link_answer() are answered UNAVAILABLE, and whoever holds the inbound frees it. What is
 * lent counts as given back, once fetch_progress() has returned: within it link_fetch_resume() may be called
 * as ever. link_answer(), link_send() and link_fetch() must not be called at the same time or afterwards.
 * NULL is nothing. */
void link_close(struct link *link);
