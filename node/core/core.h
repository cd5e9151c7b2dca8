/* The deciding half of a node.
 *
 * A driver (node/io, or sim) runs turns: it opens one write transaction, gives waiting events to
 * core_apply(), calls core_finish(), commits, and only then releases the effects. Core reads no clock and no
 * random source, opens no socket, starts no thread: times come with each call, randomness is a seed at the
 * start.
 *
 * Work that costs CPU is done before and after the turn by functions that any thread may call; they are
 * marked so. They get what they need as arguments and touch no core state.
 *
 *   local program -> request (core_request) --prepare--> CORE_REQUEST --turn--> CORE_REPLY
 *   peer's call   -> inbound (check, decode) ----------> CORE_INBOUND --turn--> CORE_ANSWER --sign--> peer
 *   turn -> CORE_CALL --sign--> peer's answer --check--> CORE_CALL_DONE
 *   turn -> CORE_FETCH --stream, check, write----------> CORE_FETCHED
 */
#pragma once

#include "node/core/peer.h"
#include "pki/vault.h"
#include "storage/blob.h"
#include "storage/store.h"

struct core;
struct calendar; /* node/core/calendar.h */
struct regions;  /* node/core/region.h */

/* Names of the store's tables, for store_open(). */
extern const char *const core_tables[];

/* Opens a batch-signing identity: a key and its chain. Borrowed for the core's life; any thread. */
struct core_signer {
	const struct pki_key *key;
	const struct tb_bytes *chain; /* DER, leaf first */
	size_t chain_count;
};

enum {
	CORE_CLOCKS = PB_CLOCK__T10_OBJECT + 1, /* room for an array indexed by PbClock */
	CORE_NO_WARNING = -1,
};

/* What never changes while a node runs; shared by the core and by the functions of any thread. */
struct core_setup {
	const char *region;
	const char *name;
	const char *version;
	const char *listen;
	const struct regions *regions;
	const struct calendar *calendar;
	struct core_signer message; /* message key */
	struct core_signer seal;    /* seal key, issuer code = region */
	struct pki_trust *anchors;  /* the own region's: to check what this node signed itself */
	uint8_t vault_key[PKI_VAULT_KEY_BYTES];
	/* How long before they run out limits are warned of, by PbClock; [0] is for matters. 0: a day;
	 * CORE_NO_WARNING: not at all. */
	tb_time warn_before[CORE_CLOCKS];
	struct store *store;
	struct blob_dir *blobs;           /* stored chunk size TB_CHUNK_BYTES + PKI_VAULT_OVERHEAD */
	bool departments_connect;         /* an API port is open for departments' systems */
	const char *const *webhook_hosts; /* "host" or "host:port" that may be told what happened, ended by
	                                     NULL; NULL: none */
	unsigned case_years;              /* finished cases are kept so long after their end; 0: for ever */
	unsigned material_years;          /* so are their materials */
	tb_time webhook_patience;         /* a webhook that fails for so long is given up; 0: three days */
	tb_time describe_every;           /* how often a peer is asked for its description; 0: a minute */
};

/* Repairs what a crash left and reads what the turns need. |setup| and |peers| are borrowed (peers is
 * counted). */
TB_MUST_CHECK enum tb_code core_open(struct core **out, const struct core_setup *setup,
                                     struct peer_set *peers, const uint8_t seed[32], tb_time now,
                                     struct tb_error *err);
void core_close(struct core *core);

/* ---- the local API */

struct core_method;

/* Who calls by an API token. In an arena, with everything that it points to. */
struct core_principal {
	const char *name;
	uint32_t roles;           /* 1u << PbTokenRole */
	const char *const *items; /* item or basic codes that it is for */
	size_t items_count;       /* 0: all */
	PbChannel channel;        /* of what comes by it and names none */
};

/* The principal of an Authorization header's text, "Bearer tb_...", in |arena|. Any thread.
 *
 * TB_EUNTRUSTED  no such token, or it was revoked */
TB_MUST_CHECK enum tb_code core_principal_find(const struct core_setup *setup, const char *authorization,
                                               struct tb_arena *arena, const struct core_principal **out,
                                               struct tb_error *err);
/* Is the token of |name| still good? TB_EUNTRUSTED. Any thread. */
TB_MUST_CHECK enum tb_code core_principal_check(const struct core_setup *setup, const char *name,
                                                struct tb_error *err);
/* May it bring materials? Those that only read may not. */
bool core_principal_acts(const struct core_principal *principal);
/* May it have the material of |record|? TB_EDENIED: it is of cases that it is not for. Any thread. */
TB_MUST_CHECK enum tb_code core_principal_material(const struct core_setup *setup,
                                                   const struct core_principal *principal,
                                                   const PbStoredMaterial *record, struct tb_error *err);

/* One call of the local API. Made by core_request_new(), owned by whoever holds it; freed by
 * core_request_free(). */
struct core_request {
	struct tb_arena arena;
	const struct core_method *method;
	const struct core_principal *as; /* NULL: the socket's owner, who may do everything */
	proto_message *message;          /* decoded request, in the arena */
	proto_message *reply;            /* in the arena; NULL until replied, or when error.code is set */
	struct tb_error error;
	void *prepared;           /* what core_prepare() made, in the arena */
	struct pki_batch **seals; /* batches that core_prepare() sealed; the list is in the arena */
	size_t seals_count;
	bool wrong_code; /* it was refused since the code that it gave opens no such case */
	void *io;        /* the driver's */
};

/* The method of "/tongban.v1.CaseService/Submit"; NULL if there is none. */
const struct core_method *core_method_find(const char *path);
const proto_type *core_method_input(const struct core_method *method);
/* 1u << PbTokenRole of all tokens that may call it; 0: the socket's owner alone. */
uint32_t core_method_tokens(const struct core_method *method);
/* True: core_query() answers it on any thread; false: it goes through a turn. */
bool core_method_reads(const struct core_method *method);

/* Decodes the JSON |body|. On failure *out is NULL. Any thread. */
TB_MUST_CHECK enum tb_code core_request_new(struct core_request **out, const struct core_method *method,
                                            struct tb_bytes json, struct tb_error *err);
/* The call is |principal|'s, which is copied; NULL: the socket's owner's. Before core_prepare() or
 * core_query().
 */
void core_request_as(struct core_request *request, const struct core_principal *principal);
void core_request_free(struct core_request *request);
/* The number of the case that the call would open with a code, as only tokens in public places need to; NULL:
 * none. After core_request_as(). */
const char *core_request_opens(const struct core_request *request);
/* Parses, checks and seals what can be done before the turn. Failure is in request->error. Any thread. */
void core_prepare(const struct core_setup *setup, struct core_request *request, tb_time now);
/* Answers a reading method from its own read transaction. Any thread; |peers| is the current set. */
void core_query(const struct core_setup *setup, struct peer_set *peers, struct core_request *request,
                tb_time now);

/* ---- the link */

enum core_call { CORE_VERIFY, CORE_DELIVER, CORE_DESCRIBE };

/* A peer's call. Owned by whoever holds it. */
struct core_inbound {
	enum core_call call;
	char peer[PKI_REGION_ROOM];
	struct pki_batch *batch;    /* checked */
	proto_message **messages;   /* decoded items; NULL where an item is malformed */
	struct pki_digest *digests; /* CORE_DELIVER: SHA-256 of each message; in the batch's arena */
	struct pki_batch *answer;   /* after CORE_ANSWER: to be signed; NULL if error is set */
	struct tb_error error;
	void *io;
};

/* Checks and decodes |bytes| that came from |peer| (as the TLS layer knows it). NULL and |err| if it is
 * refused as a whole. Any thread. */
struct core_inbound *core_inbound_new(const struct core_setup *setup, const struct peer_set *peers,
                                      enum core_call call, const char *peer, struct tb_bytes bytes,
                                      tb_time now, struct tb_error *err);
void core_inbound_free(struct core_inbound *inbound);
/* Signs and encodes the answer. Any thread. */
TB_MUST_CHECK enum tb_code core_inbound_answer(const struct core_setup *setup, struct core_inbound *inbound,
                                               struct tb_buf *bytes, struct tb_error *err);

/* Something of a peer's, or a code that was tried with a token, that was refused before any turn. */
struct core_refusal {
	char peer[PKI_REGION_ROOM];              /* as the TLS layer knows it */
	char token[TB_TOKEN_NAME_BYTES_MAX + 1]; /* instead of a peer */
	const char *what; /* static text: "verify", "deliver", "describe", "material", "openWith" */
	enum tb_code code;
	uint8_t digest[PKI_HASH_BYTES]; /* SHA-256 of what came */
};
/* To be posted as CORE_REFUSED when core_inbound_new(), or a call for a material, has refused |bytes| of
 * |peer| with |err|: it is in the audit log then. Any thread. */
struct core_refusal core_refusal_of(const char *peer, const char *what, struct tb_bytes bytes,
                                    const struct tb_error *err);
/* The same for a code that was tried with |token| at the case |number|: it was wrong, or there were too many.
 */
struct core_refusal core_refusal_of_code(const char *token, const char *number, enum tb_code code);
/* The word for |call|. Static text. */
const char *core_call_word(enum core_call call);

/* A call to a peer. Owned by whoever holds it; it comes back to the core as CORE_CALL_DONE in every case. */
struct core_outbound {
	enum core_call call;
	char peer[PKI_REGION_ROOM];
	char endpoint[256];
	int64_t timeout_ms;
	struct pki_batch *batch;  /* signed by core_outbound_encode() */
	struct pki_batch *answer; /* checked; NULL if error is set */
	proto_message **messages; /* decoded items of the answer, in its arena; NULL where malformed */
	struct tb_error
		error;       /* TB_EUNREACHABLE, TB_ETIMEOUT: the fate is unknown; others: the peer refused */
	bool answer_refused; /* an answer came, and |error| says what was wrong with it */
	uint8_t refused_digest[PKI_HASH_BYTES]; /* SHA-256 of it */
	void *core;                             /* the core's own */
};

/* Signs and encodes the request. Any thread. */
TB_MUST_CHECK enum tb_code core_outbound_encode(const struct core_setup *setup,
                                                struct core_outbound *outbound, struct tb_buf *bytes,
                                                struct tb_error *err);
/* Checks the peer's answer |bytes|: fills answer and messages, or error. Any thread. */
void core_outbound_free(struct core_outbound *outbound);
void core_outbound_answered(const struct core_setup *setup, const struct peer_set *peers,
                            struct core_outbound *outbound, struct tb_bytes bytes, tb_time now);

/* A material to be fetched from a peer. Comes back as CORE_FETCHED in every case. */
struct core_fetch {
	char peer[PKI_REGION_ROOM];
	char endpoint[256];
	uint8_t root[PKI_HASH_BYTES];
	uint64_t size; /* bytes, as the package says */
	uint8_t sha256[PKI_HASH_BYTES];
	uint32_t first_chunk;   /* chunks before it are here and durable */
	struct tb_bytes leaves; /* known from an earlier attempt; may be empty; owned by this */
	struct tb_error error;  /* TB_OK: complete, checked and on the disk */
	uint32_t chunks;        /* durable when it came back */
};
void core_fetch_free(struct core_fetch *fetch);
/* A copy for noting progress while the driver goes on with |fetch|. */
struct core_fetch *core_fetch_copy(const struct core_fetch *fetch);

/* ---- turns */

enum core_event_kind {
	CORE_REQUEST,   /* request; taken */
	CORE_INBOUND,   /* inbound; taken */
	CORE_CALL_DONE, /* outbound; taken */
	CORE_FETCHED, /* fetch; taken; also in between, with error.code TB_EBUSY, to note progress: not taken
	                 then */
	CORE_REFUSED, /* refusal: for the audit log */
	CORE_PEERS,   /* peers: the new set (counted by the core) */
	CORE_WAKE,    /* the time that core_finish() asked for has come, or may have */
};

struct core_event {
	enum core_event_kind kind;
	union {
		struct core_request *request;
		struct core_inbound *inbound;
		struct core_outbound *outbound;
		struct core_fetch *fetch;
		struct core_refusal refusal;
		struct peer_set *peers;
	};
};

enum core_effect_kind {
	CORE_REPLY,  /* request: reply or error is set; the driver takes it */
	CORE_ANSWER, /* inbound: answer or error is set; the driver takes it */
	CORE_SEND,   /* outbound: the driver takes it and brings it back */
	CORE_FETCH,  /* fetch: the driver takes it and brings it back */
	CORE_LOG,    /* level, text: structured, nothing personal */
};

struct core_effect {
	struct core_effect *next;
	enum core_effect_kind kind;
	union {
		struct core_request *request;
		struct core_inbound *inbound;
		struct core_outbound *outbound;
		struct core_fetch *fetch;
		struct {
			int level;           /* enum tb_log_level */
			const char *event;   /* static text */
			const char *peer;    /* region or "" */
			const char *subject; /* case number or the like, or "" */
			const char *text;
		} log;
	};
};

/* The effects of one turn, in order; their list nodes live in |arena|. {0} is empty. */
struct core_effects {
	struct core_effect *first;
	struct core_effect *last;
	struct tb_arena arena;
};
void core_effects_clear(struct core_effects *effects);

/* Applies one event in the turn's transaction. Bad input is answered by an effect and changes nothing. */
void core_apply(struct core *core, struct store_txn *txn, tb_time now, const struct core_event *event,
                struct core_effects *effects);
/* Ends the turn before the commit: forms batches for peers that are free. Returns when the next CORE_WAKE is
 * due (INT64_MAX: never). */
tb_time core_finish(struct core *core, struct store_txn *txn, tb_time now, struct core_effects *effects);

/* ---- materials: for the driver's streams; any thread */

/* May |peer| fetch the material |root|? On success gives its record (decoded into |arena|). */
TB_MUST_CHECK enum tb_code core_material_for(const struct core_setup *setup, const char *peer,
                                             const uint8_t root[PKI_HASH_BYTES], struct tb_arena *arena,
                                             PbStoredMaterial **out, struct tb_error *err);
