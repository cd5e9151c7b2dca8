/* Inside the core only: the state between turns, and what every subject's file works with in a turn.
 *
 * The order in a handler is always: read and check everything, then write. A handler that has written cannot
 * fail. */
#pragma once

#include "node/core/kv.h"

/* How long a message is sent. */
#define DELIVERY_LIFE (7 * TB_DAY)

struct ask;

enum { REFUSED_KINDS = 8 };
#define REFUSED_SPAN TB_MINUTE

/* One kind of input that was refused: by what it was, and why. */
struct refused {
	const char *what;                        /* static text; NULL: unused */
	char token[TB_TOKEN_NAME_BYTES_MAX + 1]; /* whose it was; "": a peer's */
	enum tb_code code;
	tb_time until;                  /* up to here further ones are counted only */
	uint32_t more;                  /* counted, and not in the log yet */
	uint8_t digest[PKI_HASH_BYTES]; /* of the last */
};

/* What the core remembers of a peer between turns; nothing that a crash may not lose. */
/* Agreements that differ from the peer's, as both had them when ours were last shown to it. */
struct agreements_shown {
	struct pki_digest ours;
	struct pki_digest theirs;
	unsigned times; /* in a row */
	tb_time again_at;
};

struct peer_state {
	char region[PKI_REGION_ROOM];
	/* queries to it */
	struct asked *queue_first; /* waiting for a batch */
	struct asked *queue_last;
	size_t queue_count;
	unsigned verify_calls; /* in flight */
	tb_time verify_at;     /* when the last of them left */
	/* messages to it */
	bool deliver_busy;
	uint64_t outgoing; /* not yet receipted; kept in step with KV_OUTGOING */
	unsigned failures; /* calls that failed, in a row */
	tb_time retry_at;  /* no call before, after them */
	uint64_t newest;   /* message; known once |waiting_next| is set */
	uint64_t offered;  /* message up to which all were in calls that it answered; those that go still wait
	                    */
	uint64_t waiting_next;   /* where their round goes on; 1: it is to begin */
	tb_time waiting_at;      /* when; INT64_MAX: none waits */
	unsigned waiting_rounds; /* rounds that settled nothing, in a row */
	bool waiting_settled;    /* this round has settled some */
	bool waiting_flows;      /* and its last slice has */
	/* its description */
	bool describe_busy;
	struct pki_digest agreements_digest; /* of what it has with us, when it last said */
	tb_time agreements_at;               /* 0: never */
	struct agreements_there *there;      /* what it said in words; NULL: it has not */
	struct agreements_shown shown;       /* with our questions */
	struct agreements_shown shown_back;  /* with our answers */
	tb_time describe_at;
	unsigned describe_failures;
	tb_time described_at;      /* when it last answered */
	tb_time clock_offset;      /* its clock less ours, then */
	uint64_t list_told;        /* the version of its list that it says to have, unasked */
	uint64_t list_shown;       /* the version of ours that it was last told of */
	unsigned describe_differs; /* answers in a row after which agreements still differ */
	unsigned describe_lacks;   /* answers in a row that lacked what they said there is */
	/* its item list, of which a part is here */
	uint64_t list_version; /* 0: none is on its way */
	char list_after[TB_ID_BYTES_MAX + 1];
	uint32_t list_after_version;
	/* fetches from it */
	unsigned fetches;
	tb_time fetch_at; /* when what is wanted of it is to be looked at; INT64_MAX: when one ends */
	/* queries from it: token bucket, thousandths of a query */
	int64_t tokens;
	tb_time tokens_at;
	/* messages from it that were refused, this hour */
	uint64_t refused_bytes;
	tb_time refusing_since;
	/* what was refused of it; the last slot is for what has none */
	struct refused refused[REFUSED_KINDS];
	/* what it can do, as it last said: protocol version, and Capabilities */
	uint32_t protocol;
	struct tb_buf capabilities;
	/* codes in its queries that no map names; as in the store once |codes_loaded| */
	struct tb_buf codes;
	bool codes_loaded;
	tb_day codes_swept; /* the day on which room was made last; 0: not with these peers */
	/* for people */
	tb_time contact_at;
	char last_error[160];
};

/* A part of an import that came before the one that precedes it in the file. */
struct held_import {
	struct core_request *request;
	tb_time since;
};

enum { HELD_IMPORTS = 4 };

enum {
	AUDIT_ROW_LEVELS = 4,
	AUDIT_ROW = 1 << AUDIT_ROW_LEVELS, /* hashes of a row */
	AUDIT_ROWS = 64 / AUDIT_ROW_LEVELS,
	AUDIT_BUNDLE = 256, /* leaves of a stored value, at most */
};

/* The growing end of the audit log. */
struct audit_end {
	uint64_t size;            /* leaves */
	uint64_t hashed;          /* of them, those that are in |at|; the others are waiting */
	uint64_t stored;          /* as in the store */
	struct pki_digest at[64]; /* roots of the complete subtrees, one for each bit of |hashed| */
	struct pki_digest rows[AUDIT_ROWS][AUDIT_ROW]; /* those that are not full yet */
	uint32_t changed;                              /* bit k: row k is to be written */
	struct tb_buf leaves;                          /* of this turn, one after the other */
	uint32_t leaf_sizes[AUDIT_BUNDLE];
	unsigned waiting; /* leaves of this turn */
};

enum {
	CORE_CASE_STATES = PB_CASE_STATE__TERMINATED + 1,
	CORE_VERIFY_RESULTS = PB_VERIFY_RESULT__BAD_QUERY + 1,
};

struct agreements; /* node/core/agreement.h */

struct core {
	struct core_setup setup;
	struct peer_set *peers;
	struct peer_state *states; /* one for each peer of the set, same order */
	size_t states_count;
	struct pki_vault *vault;
	struct pki_random *random;
	struct kv_cache *cache;
	uint64_t list_seen; /* the newest version of the own list that a peer says it has, if that is newer */
	struct agreements *agreements;
	tb_time started;
	struct audit_end audit;
	uint64_t audit_noted; /* size of the newest checkpoint */
	tb_time note_at;
	uint64_t batches; /* the last StoredBatch */
	uint64_t batches_stored;
	uint64_t credentials; /* the last serial */
	uint64_t credentials_stored;
	struct active_fetch *fetching;
	uint64_t turns;
	uint64_t events;
	tb_time purge_at;
	/* for machines that watch; but for the states all since the start */
	uint64_t case_states[CORE_CASE_STATES]; /* cases here by state */
	uint64_t case_states_stored[CORE_CASE_STATES];
	uint64_t answered[CORE_VERIFY_RESULTS]; /* peers' queries, by result */
	uint64_t asked[CORE_VERIFY_RESULTS];    /* own ones */
	uint64_t asked_failed;
	uint64_t refused;                        /* of which refusal.c has heard */
	struct refused strangers[REFUSED_KINDS]; /* of those that are no peers any more */
	struct held_import held[HELD_IMPORTS];
	bool removed;       /* files were, since the start */
	bool doomed;        /* KV_DOOMED may name files to be removed */
	uint64_t doomed_at; /* |turns| of the turn that marked the last one */
};

struct turn {
	struct core *core;
	struct kv kv;
	tb_time now;
	struct core_effects *effects;
	struct tb_arena arena; /* until the event is done */
};

/* ---- effects */
void turn_reply(struct turn *turn, struct core_request *request, proto_message *reply);
void turn_refuse(struct turn *turn, struct core_request *request, const struct tb_error *err);
void core_outbound_to(struct core_outbound *outbound, const struct peer *peer);
struct core_effect *turn_effect(struct turn *turn, enum core_effect_kind kind);
void turn_log(struct turn *turn, int level, const char *event, const char *peer, const char *subject,
              const char *fmt, ...) TB_PRINTF(6, 7);

struct peer_state *core_peer_state(struct core *core, const char *region); /* NULL: not a peer */

/* ---- reading methods, on any thread */
struct query {
	const struct core_setup *setup;
	struct peer_set *peers;
	struct kv kv;
	tb_time now;
	struct core_request *request;
};

/* What a token that is for some items only may see and do by a method. */
enum token_scope {
	SCOPE_DENIED,      /* it may not call it */
	SCOPE_FREE,        /* nothing there is of one item */
	SCOPE_CASE,        /* the message's |number|: a case of one of its items */
	SCOPE_APPLICATION, /* the message's |application|: for one of its items */
	SCOPE_ROWS,        /* the handler leaves out what is not */
};

struct core_method {
	const proto_service *service; /* NULL: internal */
	const char *name;
	uint32_t tokens; /* 1u << PbTokenRole of all that may call it; 0: the socket's owner alone */
	enum token_scope scope;
	/* One of these two. apply() ends in turn_reply() or turn_refuse(), or keeps the request to do so
	 * later. */
	enum tb_code (*read)(struct query *query, struct tb_error *err);
	void (*apply)(struct turn *turn, struct core_request *request);
	/* May be NULL. Fills request->prepared, or fails. */
	enum tb_code (*prepare)(const struct core_setup *setup, struct core_request *request, tb_time now,
	                        struct tb_error *err);
};

/* ---- audit.c */
void audit_add(struct turn *turn, PbLeafKind kind, const char *subject, const char *peer,
               struct tb_bytes digest, uint32_t count);
/* Reads the log's end. TB_ECORRUPT: a part of it is missing. */
enum tb_code audit_open(struct core *core, struct kv *kv, struct tb_error *err);
/* The leaves so far are in the tree, for a checkpoint. */
void audit_settle(struct turn *turn);
/* The turn's leaves are written. */
void audit_finish(struct turn *turn);
enum tb_code audit_checkpoint(struct core *core, struct tb_buf *note, struct tb_error *err);
enum tb_code audit_read_checkpoint(struct query *query, struct tb_error *err);
enum tb_code audit_read_prove(struct query *query, struct tb_error *err);
enum tb_code audit_read_consistency(struct query *query, struct tb_error *err);
enum tb_code audit_read_verify(struct query *query, struct tb_error *err);
enum tb_code audit_read_list(struct query *query, struct tb_error *err);
/* The newest signed checkpoint, empty if none. */
struct tb_bytes audit_latest(struct kv *kv, struct tb_arena *arena);

/* Gives |take| the leaves from |first| on, at most |count_max|, until it returns false. *next is where to go
 * on, *size how many the log has. */
enum tb_code audit_walk(struct kv *kv, uint64_t first, uint64_t count_max,
                        bool (*take)(void *ctx, uint64_t index, const PbAuditLeaf *leaf), void *ctx,
                        uint64_t *next, uint64_t *size, struct tb_error *err);

/* ---- token.c: who may call what */
/* By the method's role and the actors' in the message; needs no store. Any thread. */
enum tb_code token_may_call(const struct core_request *request, struct tb_error *err);
/* Besides: the token is good, and the message is of its items. */
enum tb_code token_check(struct kv *kv, struct core_request *request, struct tb_error *err);
/* Notes in every actor of the message by which way it spoke. */
void token_mark_actors(struct core_request *request);
/* Is a case of this item for |principal|? NULL sees all. */
bool token_sees(const struct core_principal *principal, const char *item, const char *base_code);
/* The same for a case; a joint case is for whoever has one of its parts. */
bool token_sees_case(const struct core_principal *principal, const PbCaseRecord *record);
/* Whom the token |name| speaks for. TB_ENOTFOUND; TB_EUNTRUSTED: it was revoked. */
enum tb_code token_principal(struct kv *kv, const char *name, struct tb_arena *arena,
                             const struct core_principal **out, struct tb_error *err);
/* Was it handed in with |principal|'s token? Asked of those only that stand in public; everybody else: true.
 */
bool token_submitted(const struct core_principal *principal, const PbCaseRecord *record);
/* May |principal| have the material of |record|? TB_EDENIED. */
enum tb_code token_check_material(struct kv *kv, const struct core_principal *principal,
                                  const PbStoredMaterial *record, struct tb_error *err);
/* 查询码: with the case's number it opens a case at a kiosk. Always the same for a number; 50 bits that only
 * this node can compute. */
enum { TOKEN_QUERY_CODE_ROOM = 11 };
void token_query_code(struct pki_vault *vault, const char *number, char out[TOKEN_QUERY_CODE_ROOM]);
/* Gives |take| every token, revoked ones as well. */
enum tb_code token_walk(struct kv *kv, struct tb_arena *arena,
                        void (*take)(void *ctx, const PbStoredToken *token), void *ctx, struct tb_error *err);
void token_apply_add(struct turn *turn, struct core_request *request);
void token_apply_revoke(struct turn *turn, struct core_request *request);
enum tb_code token_read_list(struct query *query, struct tb_error *err);

/* ---- events.c: what happened, for departments' systems */
enum tb_code event_read_list(struct query *query, struct tb_error *err);

/* ---- webhook.c: departments' systems that are told instead */
void webhook_apply_add(struct turn *turn, struct core_request *request);
void webhook_apply_remove(struct turn *turn, struct core_request *request);
void webhook_apply_resume(struct turn *turn, struct core_request *request);
enum tb_code webhook_read_list(struct query *query, struct tb_error *err);
void webhook_count(struct kv *kv, PbStatusResponse *status);

/* ---- export.c: lines for departments' databases */
enum tb_code export_read_cases(struct query *query, struct tb_error *err);
enum tb_code export_read_credentials(struct query *query, struct tb_error *err);

/* ---- retention.c: archives, holds, pruning, erasing */
void retention_apply_hold(struct turn *turn, struct core_request *request);
void retention_apply_release(struct turn *turn, struct core_request *request);
enum tb_code retention_read_holds(struct query *query, struct tb_error *err);
enum tb_code retention_read_finished(struct query *query, struct tb_error *err);
enum tb_code retention_read_archive(struct query *query, struct tb_error *err);
void retention_apply_archived(struct turn *turn, struct core_request *request);
void retention_apply_prune(struct turn *turn, struct core_request *request);
void retention_apply_erase(struct turn *turn, struct core_request *request);
/* Removes files that no record names any more. */
tb_time retention_finish(struct turn *turn);
/* The files of the material |root| go when this turn is durable. */
void retention_doom(struct turn *turn, struct tb_bytes root);

/* ---- batches.c: batches kept as evidence */
uint64_t batch_keep(struct turn *turn, const struct pki_batch *batch, const char *peer, uint64_t pair);
/* Takes back the newest: nothing names it. */
void batch_forget(struct turn *turn, uint64_t number);
void batch_keep_seal(struct turn *turn, const struct pki_batch *batch, uint64_t number);
/* The batch |number| as it was; own batches come unsigned. */
enum tb_code batch_load(struct kv *kv, uint64_t number, struct pki_batch **out, uint64_t *pair,
                        struct tb_error *err);
/* Signs |message| alone, in a batch of |kind|. Any thread. */
enum tb_code evidence_sign_one(const struct core_setup *setup, PbBatchKind kind, const char *receiver,
                               struct tb_bytes message, tb_time now, struct tb_arena *arena, PbProof **out,
                               struct tb_error *err);
enum tb_code evidence_read_export(struct query *query, struct tb_error *err);

/* ---- credential.c */
/* What an index key begins with: a kind ('i' identifier, 'n' type and number, 'h' holder) and a keyed hash.
 */
struct find_name {
	uint8_t bytes[11];
};
struct find_name find_name_of(struct pki_vault *vault, char kind, const char *a, const char *b);
/* The same for |count| of a kind, each from what find_text() appends for it. */
void find_text(struct tb_buf *text, const char *a, const char *b);
void find_names_of(struct find_name *names, struct pki_vault *vault, char kind, const struct tb_bytes *texts,
                   size_t count);
struct found {
	PbCredentialRecord *record;
	PbCredential *credential;
	uint64_t serial;
};
enum tb_code credential_load(struct kv *kv, uint64_t serial, struct tb_arena *arena, struct found *out,
                             struct tb_error *err);
/* By identifier, type and number, or holder (type may be ""). At most |room|; newest first. */
enum tb_code credential_find(struct kv *kv, const char *identifier, const char *type, const char *number,
                             const PbHolder *holder, struct tb_arena *arena, struct found *out, size_t room,
                             size_t *count, struct tb_error *err);
/* The state as of the day of |now|. */
PbCredentialState credential_state(const struct found *found, tb_time now);
/* The sealed certificate with its proof, in |arena|. */
enum tb_code credential_sealed(struct kv *kv, const struct found *found, struct tb_arena *arena,
                               PbSealedCredential **out, struct tb_error *err);
/* ---- import.c */
/* One certificate, sealed before the turn: for a case's decision. */
struct sealed_one;
enum tb_code credential_prepare_one(const struct core_setup *setup, struct core_request *request,
                                    PbCredential *credential, tb_time now, struct sealed_one **out,
                                    struct tb_error *err);
/* Stores it. Checks were made by credential_can_store(). */
enum tb_code credential_can_store(struct kv *kv, const struct sealed_one *one, struct tb_arena *arena,
                                  struct tb_error *err);
PbSealedCredential *credential_store_one(struct turn *turn, const struct sealed_one *one);
const PbCredential *credential_of_one(const struct sealed_one *one);

enum tb_code credential_prepare_import(const struct core_setup *setup, struct core_request *request,
                                       tb_time now, struct tb_error *err);
void credential_apply_import(struct turn *turn, struct core_request *request);
/* Gives up what was held too long. */
tb_time credential_finish(struct turn *turn);
void credential_forget_held(struct core *core);
enum tb_code credential_read_import(struct query *query, struct tb_error *err);
enum tb_code credential_read_get(struct query *query, struct tb_error *err);
enum tb_code credential_read_find(struct query *query, struct tb_error *err);
/* The certificate |serial| is not as it was: exports give it again. */
void credential_changed(struct turn *turn, uint64_t serial);
void credential_apply_state(struct turn *turn, struct core_request *request);

/* ---- verify.c */
/* |reply| is NULL when it failed. */
typedef void verify_done(struct turn *turn, void *ctx, PbVerifyResponse *reply, const struct tb_error *err);
/* Asks; |done| is called in a later turn, once, if TB_OK was returned. |request| is kept until then. */
enum tb_code verify_ask(struct turn *turn, struct core_request *request, const PbVerifyRequest *verify,
                        verify_done *done, void *ctx, struct tb_error *err);
void verify_apply_ask(struct turn *turn, struct core_request *request);
void verify_inbound(struct turn *turn, struct core_inbound *inbound);
void verify_answered(struct turn *turn, struct core_outbound *outbound);
/* Lets calls leave; when it wants to be called again. */
tb_time verify_finish(struct turn *turn, struct peer_state *state, const struct peer *peer);
void verify_drop(struct turn *turn, struct peer_state *state); /* the peer is gone */

/* ---- capability.c: what a node can do */
/* What this node says to |peer|; in the turn's arena. */
PbCapabilities *capability_own(struct turn *turn, const struct peer *peer);
void capability_learn(struct turn *turn, struct peer_state *state, const PbDescription *description);
/* What the peer of |state| has said, in |arena|; NULL if it has not. */
PbCapabilities *capability_of(const struct peer_state *state, struct tb_arena *arena);

/* ---- codes.c: what the codes of a peer's systems mean here */
/* |peer|'s query in our codes, and ours in the peer's. The bytes that were signed are not touched; texts are
 * borrowed from |peer|. A code of the peer's that nothing explains is noted for the operator. */
void codes_read_query(struct turn *turn, struct peer_state *state, const struct peer *peer, PbQuery *query);
void codes_write_query(const struct peer *peer, PbQuery *query);
/* Puts our code, and the peer's, beside what |peer| answered. */
void codes_show_outcome(const struct peer *peer, PbVerifyOutcome *outcome, struct tb_arena *arena);
/* |materials| that name what they are for in our code name it in |home|'s, whose |item| asks for it. Before
 * anything is signed. */
void codes_of_home(const struct peer *home, const PbItem *item, PbMaterial *const *materials, size_t count);
enum tb_code codes_read_list(struct query *query, struct tb_error *err);

/* ---- delivery.c */
/* The same outside any case's sequence: posts of matters. */
void delivery_queue_post(struct turn *turn, const char *peer, PbCaseMessage *message);
/* Queues |message| (its id, seq, case_seq, previous and times are set here) for |peer|. */
void delivery_queue(struct turn *turn, const char *peer, PbCaseRecord *record, PbCaseMessage *message,
                    bool hand_over);
void delivery_answered(struct turn *turn, struct core_outbound *outbound);
/* Forms the next batch; returns when it wants to be called again. */
tb_time delivery_finish(struct turn *turn, struct peer_state *state, const struct peer *peer);
uint64_t delivery_outgoing(struct kv *kv, const char *peer);
/* When it is called again, for people; 0: nothing waits. */
tb_time delivery_retry_at(const struct peer_state *state);
/* ---- inbox.c */
void delivery_inbound(struct turn *turn, struct core_inbound *inbound);
/* ---- deadletter.c */
enum tb_code delivery_read_dead(struct query *query, struct tb_error *err);
void delivery_apply_requeue(struct turn *turn, struct core_request *request);
void case_proof_add(struct turn *turn, const char *number, const char *reference);

/* ---- matter.c: 会商、咨询、投诉、异议、督办. Talk between regions: it moves no case and stops no clock. */
void matter_apply_open(struct turn *turn, struct core_request *request);
void matter_apply_post(struct turn *turn, struct core_request *request);
enum tb_code matter_read_get(struct query *query, struct tb_error *err);
enum tb_code matter_read_list(struct query *query, struct tb_error *err);
/* A peer's post. |*defer|: the matter's opening, or an earlier post, is missing. */
enum tb_code matter_take(struct turn *turn, const char *peer, const PbMatterPost *post, bool *defer,
                         struct tb_error *err);
tb_time matter_finish(struct turn *turn); /* what was not answered in time */

/* ---- metrics.c: what was counted */
void metrics_apply(struct turn *turn, struct core_request *request);
/* |record| is about to be saved, or to be deleted. */
void metrics_case_saved(struct turn *turn, PbCaseRecord *record);
void metrics_case_gone(struct turn *turn, const PbCaseRecord *record);
/* Reads the counts; a store that has none is counted through. */
enum tb_code metrics_open(struct turn *turn, struct tb_error *err);
void metrics_finish(struct turn *turn);

/* ---- refusal.c: what was refused as a whole, in the audit log */
/* |peer|'s |what| (static text) was refused with |code|; |digest|: SHA-256, or empty. Faults that are not a
 * peer's are no news. */
void refusal_note(struct turn *turn, const char *peer, const char *what, enum tb_code code,
                  struct tb_bytes digest);
void refusal_apply(struct turn *turn, const struct core_refusal *refusal);
/* Tells what was counted; returns when it wants to be called again. */
tb_time refusal_finish(struct turn *turn);

/* ---- describe.c: own description, and what peers say */
void describe_inbound(struct turn *turn, struct core_inbound *inbound);
void describe_answered(struct turn *turn, struct core_outbound *outbound);
tb_time describe_finish(struct turn *turn, struct peer_state *state, const struct peer *peer);
/* Something was asked for that the list of |region| does not have: it may be old. */
void describe_again(struct turn *turn, const char *region);
/* The own list has changed: all peers are told, one after the other. */
void describe_tell(struct turn *turn);

/* ---- cataloguelist.c: item lists */
enum { CATALOGUE_ANY_DAY = INT32_MIN };
bool catalogue_in_force(const PbItem *item, tb_day day);
/* The version of the item |code| of |region|'s list that takes new cases on |day|; CATALOGUE_ANY_DAY: the
 * newest. TB_ENOTFOUND; TB_ESTATE: not on this day; TB_EUNREACHABLE: the list is not here yet. */
enum tb_code catalogue_item(struct kv *kv, const char *region, const char *code, tb_day day,
                            struct tb_arena *arena, PbItem **item, struct tb_error *err);
/* What |record| stands on, whatever the list says by now. */
enum tb_code catalogue_item_of(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena,
                               PbItem **item, struct tb_error *err);
/* What an |application| that was handed in |at| elsewhere says that it stands on; what is not known here is
 * taken for the list as it is. TB_ESTATE: it took no cases then, or was replaced long before. */
enum tb_code catalogue_item_claimed(struct kv *kv, const char *region, const PbApplication *application,
                                    tb_time at, struct tb_arena *arena, PbItem **item, struct tb_error *err);
/* The item of |region|'s list with this basic code (基本编码). TB_ENOTFOUND. */
enum tb_code catalogue_base_item(struct kv *kv, const char *region, const char *base_code, tb_day day,
                                 struct tb_arena *arena, PbItem **item, struct tb_error *err);
/* Gives |take| the items of |region|'s list in the order of their codes until it returns false; none if no
 * list is here. */
enum tb_code catalogue_walk(struct kv *kv, const char *region, struct tb_arena *arena,
                            bool (*take)(void *ctx, PbItem *item), void *ctx, struct tb_error *err);
enum tb_code catalogue_head(struct kv *kv, const char *region, struct tb_arena *arena, PbCatalogueHead **out,
                            struct tb_error *err);
/* A peer's list cannot be read: it is asked for again. */
void catalogue_damaged(struct turn *turn, const char *region);
enum tb_code catalogue_prepare_load(const struct core_setup *setup, struct core_request *request, tb_time now,
                                    struct tb_error *err);
void catalogue_apply_load(struct turn *turn, struct core_request *request);
enum tb_code catalogue_read_list(struct query *query, struct tb_error *err);
uint64_t catalogue_own_version(struct turn *turn); /* 0: none */
/* The part of the own list that an asker has not got; NULL if it has all. */
PbCatalogue *catalogue_page(struct turn *turn, const PbDescribeRequest *asked);
/* The digest of the own list, in the turn's arena; empty: none. */
struct tb_bytes catalogue_own_digest(struct turn *turn);
/* Takes a part of a peer's list, whose digest the peer says to be |told| (may be empty). True: there is more.
 */
bool catalogue_learn(struct turn *turn, struct peer_state *state, const struct core_outbound *outbound,
                     const PbCatalogue *page, struct tb_bytes told);
/* Both are digests, of different lists. */
bool catalogue_differ(struct tb_bytes a, struct tb_bytes b);
/* The list of |region| as it is here: its version, and its digest if one can be had. */
void catalogue_have(struct turn *turn, const char *region, uint64_t *version, struct tb_bytes *digest);

/* ---- casework.c: the engine; caseapi.c: what people and programs call; casewire.c: what peers send */
struct case_change {
	PbCaseEvent event;
	const PbActor *actor;
	PbCaseDetail *detail;           /* never NULL; may be filled */
	const char *node;               /* region where it happened */
	struct tb_bytes proposal;       /* id of the message that proposed it */
	const struct sealed_one *issue; /* GRANT: the certificate that it issues, or NULL */
};
/* Of an entry in KV_ENTRY. */
struct kv_key case_entry_key(const char *number, uint32_t seq);
enum tb_code case_load(struct kv *kv, const char *number, struct tb_arena *arena, PbCaseRecord **out,
                       struct tb_error *err);
void case_save(struct turn *turn, PbCaseRecord *record);
/* The owner orders an event: checks, appends the entry, moves the clocks, tells the other side. On failure
 * nothing has been written. */
enum tb_code case_order(struct turn *turn, PbCaseRecord *record, const struct case_change *change,
                        struct tb_error *err);
/* Appends an entry that the owner ordered (checked by the caller). */
void case_append(struct turn *turn, PbCaseRecord *record, const PbCaseEntry *entry, struct tb_bytes bytes,
                 const uint8_t digest[PKI_HASH_BYTES]);
/* Applies the fields of |entry|, whose encoding has the SHA-256 |digest|, to |record|. */
void case_fold(PbCaseRecord *record, const PbCaseEntry *entry, const uint8_t digest[PKI_HASH_BYTES],
               struct tb_arena *arena);
const char *case_other(const PbCaseRecord *record, const char *self);
/* The other side as this node's files know it; NULL: not a peer any more. */
const struct peer *case_other_peer(const struct turn *turn, const PbCaseRecord *record);
unsigned case_sides(const PbCaseRecord *record, const char *node); /* of enum case_side; 0: no party */
/* A CASE_ONCE of the table has happened. */
bool case_done_once(const PbCaseRecord *record, PbCaseEvent event);
PbActor *case_system_actor(struct tb_arena *arena);
/* ACCEPT and DEEM: what the item promises. */
enum tb_code case_accept_detail(struct turn *turn, const PbCaseRecord *record, PbCaseDetail *detail,
                                struct tb_error *err);
/* Its timer: for the clock that runs out next, or none. |record| is to be saved. */
void case_arm(struct turn *turn, PbCaseRecord *record, bool on);
/* When people are warned of |clock| (CLOCK_UNSPECIFIED: of a matter) that runs out at |due|. INT64_MAX:
 * never. */
tb_time turn_warn_at(const struct turn *turn, PbClock clock, tb_time due);
tb_time case_timers(struct turn *turn);
/* Signs for the package by itself when all is here. */
void case_maybe_sign(struct turn *turn, PbCaseRecord *record);
PbCaseView *case_view(const char *self, const struct peer_set *peers, const PbCaseRecord *record,
                      struct tb_arena *arena);

enum tb_code case_prepare_act(const struct core_setup *setup, struct core_request *request, tb_time now,
                              struct tb_error *err);
void case_apply_submit(struct turn *turn, struct core_request *request);
void case_apply_act(struct turn *turn, struct core_request *request);
enum tb_code case_read_get(struct query *query, struct tb_error *err);
enum tb_code case_read_list(struct query *query, struct tb_error *err);
/* Asks the owner of |record| for an event. |record| is saved. */
enum tb_code case_propose(struct turn *turn, PbCaseRecord *record, PbCaseEvent event, PbActor *actor,
                          PbCaseDetail *detail, struct tb_error *err);
/* What a new case stands on, into |record| (which may be NULL). TB_EDENIED: an agreement is needed. */
enum tb_code case_agreement(struct turn *turn, const char *window, const char *home, const PbItem *item,
                            const char *mode, PbCaseRecord *record, struct tb_error *err);
/* What the applicant has handed in so far: the application, and what was brought later. */
enum tb_code case_application(struct turn *turn, const PbCaseRecord *record, PbApplication **out,
                              struct tb_error *err);
/* Was it accepted because nobody had said in time what is missing? */
bool case_was_deemed(struct turn *turn, const PbCaseRecord *record);
/* The day's next case number; it is used up by the second only, so that what is refused leaves no gap. */
void case_next_number(struct turn *turn, char out[32]);
void case_use_number(struct turn *turn);

/* ---- halllist.c */
enum tb_code hall_load(struct kv *kv, const char *region, struct tb_arena *arena, PbHallList **out,
                       struct tb_error *err);
void hall_apply_load(struct turn *turn, struct core_request *request);
void department_apply_load(struct turn *turn, struct core_request *request);
/* Is it in the own region's register? TB_ENOTFOUND. */
enum tb_code department_check(struct turn *turn, const char *code_text, struct tb_error *err);
/* ---- departmentlist.c */
enum tb_code department_read_list(struct query *query, struct tb_error *err);
enum tb_code hall_read_list(struct query *query, struct tb_error *err);
/* The halls that |application| names are there, and do what is asked of them. */
enum tb_code hall_check_application(struct turn *turn, const PbApplication *application,
                                    struct tb_error *err);
uint64_t hall_version(struct turn *turn, const char *region); /* 0: none is here */
PbHallList *hall_shared(struct turn *turn);                   /* the own list; NULL: none */
void hall_learn(struct turn *turn, struct core_outbound *outbound, const PbHallList *list);

/* ---- identity.c */
/* Completes what this region says of who applies. |application| has passed identity_check_stated(). */
void identity_state(struct turn *turn, PbApplication *application, const PbActor *actor);
/* May |actor| say it? */
enum tb_code identity_check_stated(const PbApplication *application, const PbActor *actor,
                                   struct tb_error *err);
/* An agent has an authorisation that is good on |day|. */
enum tb_code identity_check_agent(const PbApplication *application, tb_day day, struct tb_error *err);
/* What |peer| says of who applied at |at|; |actor|, if known, handed it in. */
enum tb_code identity_check_peer(const PbApplication *application, const PbActor *actor, const char *peer,
                                 tb_time at, struct tb_error *err);

/* ---- facts.c: what is counted later. Folds |entry| into a copy of |record|'s facts. */
void facts_fold(PbCaseRecord *record, const PbCaseEntry *entry, struct tb_arena *arena);
/* ---- stats.c */
enum tb_code stats_read_cases(struct query *query, struct tb_error *err);
/* ---- credit.c: 信用记录 */
/* May |event| of a case that is ordered here hold the commitments that it does, or say that some were broken?
 * TB_EDENIED. */
enum tb_code credit_check_event(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                                const PbCaseDetail *detail, struct tb_error *err);
/* May |applicant| promise instead of showing a paper, by the rule of |item|, which is decided here? */
enum tb_code credit_check(struct turn *turn, const PbItem *item, const PbParty *applicant,
                          PbMaterial *const *materials, size_t count, struct tb_error *err);
/* The case was reopened: what |detail| names did not hold. */
void credit_reopened(struct turn *turn, const PbCaseRecord *record, const PbActor *actor,
                     const PbCaseDetail *detail);
void credit_sweep(struct turn *turn); /* deletes notes that have lapsed */
void credit_forget(struct turn *turn, const char *number, const PbParty *party);
enum tb_code credit_read_notes(struct query *query, struct tb_error *err);
void credit_apply_dispute(struct turn *turn, struct core_request *request);
void credit_apply_settle(struct turn *turn, struct core_request *request);
/* ---- readiness.c */
void readiness_apply_note(struct turn *turn, struct core_request *request);
enum tb_code readiness_read_notes(struct query *query, struct tb_error *err);
/* ---- commitment.c */
enum tb_code commitment_read_list(struct query *query, struct tb_error *err);

/* ---- casepapers.c: what need not be brought, and what may not be asked for */
void case_apply_prepare(struct turn *turn, struct core_request *request);
/* A case of |party| is here, from now on: its materials may serve again. */
void case_note_applicant(struct turn *turn, const PbCaseRecord *record, const PbParty *party);
/* Undoes that, if it was noted. */
void case_forget_applicant(struct turn *turn, const PbCaseRecord *record, const PbParty *party);
/* May |event| ask for what |detail| names? TB_EDENIED: a valid certificate shows one of them. */
enum tb_code case_check_demand(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                               const PbCaseDetail *detail, struct tb_error *err);
/* Before a grant, and before it is closed: the deciding region's list is met, so that the archive is whole.
 * What was deemed accepted is decided with what there is. */
enum tb_code case_check_archive(struct turn *turn, const PbCaseRecord *record, struct tb_error *err);

/* ---- bundle.c: 一件事 */
/* The parts of |application|, whose item is a bundle: from the bundle, in regions that the application's own
 * parts name or the bundle does, or else in |self|. Its name and version are the bundle's. */
enum tb_code bundle_apply(struct kv *kv, const char *self, tb_day day, PbApplication *application,
                          struct tb_arena *arena, struct tb_error *err);

/* ---- originals.c: papers that are kept or given back */
/* Codes of the materials whose originals are to be returned still. */
enum tb_code originals_left(struct kv *kv, const PbCaseRecord *record, struct tb_arena *arena, char ***codes,
                            size_t *count, struct tb_error *err);
/* May |event| say what |detail| says of originals, and end the case? TB_ESTATE: one is not returned, and no
 * reason is given. */
enum tb_code originals_check(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                             const PbCaseDetail *detail, struct tb_error *err);
/* POST: writes down what the parcel holds, where its waybill does not. */
void originals_fill_parcel(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event,
                           PbCaseDetail *detail);

/* ---- joint.c: 多地联办. The lead's case follows its parts, and the parts follow the lead. */
/* The application's parts, checked and completed from the participants' lists. */
enum tb_code joint_check(struct turn *turn, PbApplication *application, struct tb_error *err);
/* Everything that the parts' lists ask for is in |application|. */
enum tb_code joint_complete(struct turn *turn, const PbApplication *application, struct tb_error *err);
/* |event| was written to |record|'s log, which may be a lead's, a part's, or neither. */
void joint_moved(struct turn *turn, const PbCaseRecord *record, PbCaseEvent event);
enum tb_code joint_read_needs(struct query *query, struct tb_error *err);
/* What the parts' lists say of papers, as if it were one item's list: by the names that the lead's
 * application has for them. */
enum tb_code joint_papers(struct kv *kv, const PbCaseRecord *lead, struct tb_arena *arena, PbItem **out,
                          struct tb_error *err);

/* Applies a peer's message. TB_OK: apply and give the receipt; otherwise |err| is the reason of the refusal.
 * |*defer|: an earlier message of the case is missing, from number |*want| on. */
enum tb_code case_message(struct turn *turn, const char *peer, const PbCaseMessage *message,
                          const uint8_t digest[PKI_HASH_BYTES], bool *defer, uint64_t *want, uint32_t *head,
                          struct tb_error *err);
/* Notes that |message|, queued for |peer|, proposes an event: an entry that says it happened here must name
 * it. */
void case_proposed(struct turn *turn, const char *peer, const PbCaseMessage *message);
/* A message of ours was receipted (or refused). */
void case_receipted(struct turn *turn, const char *peer, const PbCaseMessage *message,
                    const PbReceipt *receipt);

/* ---- fetching.c */
/* Files that |materials| name were uploaded here, and are what is said of them. */
enum tb_code material_check_here(struct turn *turn, PbMaterial *const *materials, size_t count,
                                 struct tb_error *err);
/* What |peer| says of files is not known to be false: by the file itself, if it is here, or by what it said
 * of the same before. */
enum tb_code material_check_named(struct turn *turn, const char *peer, PbMaterial *const *materials,
                                  size_t count, struct tb_error *err);
/* |peer| has what |number| needs: it will be fetched. It has passed material_check_named(), and is not here.
 */
void material_want(struct turn *turn, const char *peer, const char *number, const PbMaterial *material);
/* The same for a file of the matter |number|. */
void material_want_file(struct turn *turn, const char *peer, const char *number, const PbMaterial *file);
/* Files of matters that are to come from |peer| have a measure. |*defer|: there will be room for |files| when
 * others have come. TB_ETOOBIG: there never will. */
enum tb_code material_check_room(struct turn *turn, const char *peer, PbMaterial *const *files, size_t count,
                                 bool *defer, struct tb_error *err);
bool material_here(struct kv *kv, struct tb_bytes root);
bool material_coming(struct kv *kv, struct tb_bytes root); /* wanted, and not here */
/* |number|, which was between us and |other|, needs it no longer. True: nobody does, and it is gone. */
bool material_release(struct turn *turn, const char *number, const char *other, struct tb_bytes root);
void material_allow(struct turn *turn, const char *peer, struct tb_bytes root);
/* What is here already is also of the case |number|. */
void material_belongs(struct turn *turn, const char *number, struct tb_bytes root);
void material_fetched(struct turn *turn, struct core_fetch *fetch);
bool material_fetching(const struct core *core, struct tb_bytes root); /* its files are being written */
tb_time material_finish(struct turn *turn);
void material_forget_all(struct core *core);
void material_apply_added(struct turn *turn, struct core_request *request);
enum tb_code material_read_get(struct query *query, struct tb_error *err);
enum tb_code material_read_list(struct query *query, struct tb_error *err);
extern const struct core_method material_added_method;
/* Materials of a case: every one that its log names. */
void case_material_arrived(struct turn *turn, const char *number);
