/* One node of a simulated world: the core as it is in production, on a disk of its own, with a clock of its
 * own, and the driver around it (what node/io/node.c is in production).
 *
 * A turn runs at one moment; its effects are released when its commit would have returned. What a crash
 * interrupts in between was durable and never left. */
#pragma once

#include "node/core/kv.h"
#include "sim/disk.h"
#include "sim/tables.h"
#include "sim/world.h"

struct sim_call;
struct sim_stream;

#define SIM_STORE_BYTES ((uint64_t)1 << 30)

enum sim_node_state {
	SIM_NODE_DOWN,
	SIM_NODE_UP,
	SIM_NODE_PAUSED, /* takes what comes and does nothing */
};

enum sim_stop {
	SIM_STOP_TIDY,  /* everything written is on the disk */
	SIM_STOP_CRASH, /* the process died */
	SIM_STOP_POWER, /* what was not synced may be gone */
};

/* A call of the local API, from posting to reply. */
struct sim_request {
	struct sim_request *older;
	struct sim_request *newer;
	struct core_request *request;
	/* |reply| NULL: the node went down, and nobody knows what became of it; else it is freed afterwards.
	 */
	void (*done)(struct sim_world *world, struct sim_node *node, const struct core_request *reply,
	             void *ctx);
	void *ctx;
};

struct sim_node {
	struct sim_world *world;
	uint32_t index;
	char code[PKI_REGION_ROOM];
	char name[64];
	const struct sim_identity *identity;
	bool newer; /* runs the next release */
	bool hostile;
	const char *does;         /* hostile, in a scenario: what it always does; NULL: anything */
	bool rotten;              /* its disk lost what was written: it may refuse to open */
	const char *rotten_table; /* where a value of it is damaged; NULL: nowhere, or not known */
	bool dead;                /* stays down for ever: not of the core that is healed */
	bool absent;              /* there is no such node: a world made smaller */

	enum sim_node_state state;
	uint32_t life; /* counts the starts; events of an earlier one are void */
	struct sim_disk *disk;
	char store_dir[200];
	char blobs_dir[200];
	struct core_setup setup;
	struct peer_set *peers;
	struct core *core;
	struct pki_vault *vault;   /* for looking into the store */
	struct sim_random random;  /* what its driver draws */
	struct sim_random fates;   /* when something happens to it */
	struct sim_random malice;  /* of a hostile one: what its act draws, anew for each */
	struct sim_forged *forged; /* of a hostile one: certificates that its CA should not have made */
	unsigned starts_failed;    /* in a row */
	bool unsure;               /* the last commit failed */

	/* The turn. */
	struct core_event *waiting;
	size_t waiting_count;
	size_t waiting_room;
	bool turn_due;          /* an event for the next turn is in the heap */
	bool busy;              /* a turn's effects wait for its commit */
	bool dies_in_hand_over; /* soon after its next hand-over was sent */
	bool dies_after_commit; /* and before the effects of that turn are released */
	struct core_effects effects;
	tb_time wake;        /* by its clock; INT64_MAX: never */
	sim_time wake_armed; /* the event in the heap; SIM_NEVER: none */

	/* The clock: true time + offset + drift since drift_since. */
	tb_time offset;
	int64_t drift; /* millionths */
	sim_time drift_since;

	struct sim_request *requests; /* those under way, newest first */
	struct sim_call *calls;       /* of its own, under way */
	struct sim_stream *streams;   /* fetches of its own */

	/* An older backup was restored: what came after it is forgotten. */
	bool restored;
	sim_time backup_at; /* 0: none */
	uint32_t turns;
	uint32_t numbers[SIM_DECISION_KINDS]; /* of decisions that concern it alone */
};

struct sim_node *sim_nodes_new(struct sim_world *world);
/* After the net is there: opens them. */
void sim_nodes_start(struct sim_world *world);
void sim_nodes_stop(struct sim_world *world);
void sim_nodes_free(struct sim_world *world);
struct sim_node *sim_node_find(const struct sim_world *world, const char *code);

tb_time sim_node_now(const struct sim_node *node);
void sim_node_step_clock(struct sim_node *node, tb_time by);
void sim_node_set_drift(struct sim_node *node, int64_t millionths);
/* It is down; it starts as the next release, or as this one. */
void sim_node_upgrade(struct sim_node *node, bool newer);

void sim_node_post(struct sim_node *node, struct core_event event);
/* Posts a call of the local API as JSON. |done| is called once, except that a request that is malformed by
 * itself is a bug of the simulator. Not for a node that is down. */
void sim_node_ask(struct sim_node *node, const char *path, struct tb_bytes json,
                  void (*done)(struct sim_world *, struct sim_node *, const struct core_request *, void *),
                  void *ctx);
/* The same for a request that is made already; taken. */
void sim_node_submit(struct sim_node *node, struct core_request *request,
                     void (*done)(struct sim_world *, struct sim_node *, const struct core_request *, void *),
                     void *ctx);
void sim_node_set_peers(struct sim_node *node, struct peer_set *peers); /* takes |peers| */

void sim_node_stop(struct sim_node *node, enum sim_stop how);
/* Opens it again after |span|; once more and later if that fails. */
void sim_node_start_after(struct sim_node *node, sim_time span);
void sim_node_pause(struct sim_node *node, sim_time span);
void sim_node_resume(struct sim_node *node);

/* Looking into the store of a node that is up: a read transaction and an arena. */
struct sim_reader {
	struct kv kv;
	struct tb_arena arena;
};
void sim_read_begin(struct sim_reader *reader, const struct sim_node *node);
void sim_read_end(struct sim_reader *reader);
/* NULL: there is none, or it cannot be read. */
PbCaseRecord *sim_read_case(struct sim_reader *reader, const char *number);
/* A hash of everything that is committed. */
uint64_t sim_node_contents(const struct sim_node *node);
