/* Clients: people at windows, officers in home regions, departments that ask. Threads, each with its own
 * cases; and the ledger of what they were told, which the checks read when the threads have ended. */
#pragma once

#include "sim/histogram.h"
#include "sim/lab/client.h"
#include "sim/lab/lab.h"
#include "sim/random.h"

enum {
	LAB_WORKERS_AT_NODE = 2,
	LAB_ACTS_MOST = 48,    /* of one case; then it is left alone */
	LAB_CASES_MOST = 2000, /* of one worker */
	LAB_BATCHES_MOST = 400,
	LAB_BATCH_LINES = 6,
	LAB_CHECKPOINTS_MOST = 4000,
	LAB_NUMBER_ROOM = 64,
	LAB_ACTOR_ROOM = 32,
};

enum lab_act_state {
	LAB_ACT_OPEN,  /* no answer: nobody knows */
	LAB_ACT_DONE,  /* acknowledged by the owner */
	LAB_ACT_ASKED, /* acknowledged as a proposal to the owner */
	LAB_ACT_REFUSED,
};

struct lab_act {
	unsigned node;
	enum lab_act_state state;
	struct lab_told told;
	const char *event;
	char actor[LAB_ACTOR_ROOM]; /* of this act alone */
};

struct lab_material {
	uint64_t serial; /* its bytes follow from it */
	uint64_t size;
	uint8_t root[32];
	uint8_t sha256[32];
	struct lab_told told; /* answered: 0 while it is not uploaded */
};

struct lab_case {
	unsigned window, home;
	char request[40];
	char number[LAB_NUMBER_ROOM]; /* "" until it is acknowledged */
	bool tried;                   /* the request went out at least once */
	bool forward;                 /* handed in, checked and sent in one step */
	bool given_up;                /* never handed in, or its window must hand nothing in any more */
	bool ended;                   /* at its end, or not looked after any more */
	lab_time begun;
	struct lab_told told; /* of the number */
	struct lab_material material;
	struct lab_act acts[LAB_ACTS_MOST];
	unsigned acts_count;
};

/* One import: LAB_BATCH_LINES certificates. */
struct lab_batch {
	uint64_t serial;
	struct lab_told told; /* answered: 0 while it is not acknowledged */
};

struct lab_checkpoint {
	unsigned node;
	uint64_t size;
	uint8_t root[32];
	struct lab_told told;
};

struct lab_worker {
	struct lab_work *work;
	unsigned index;
	unsigned node;
	pthread_t thread;
	struct sim_random random;
	struct lab_case *cases; /* LAB_CASES_MOST */
	unsigned cases_count;
	uint64_t serial;     /* of what it made last */
	uint64_t open_batch; /* serial of an import without an answer; 0: none */
};

struct lab_work {
	struct lab *lab;
	struct lab_worker *workers;
	unsigned workers_count;
	pthread_t auditor;
	bool started;
	/* Under lab.lock while the threads run. */
	struct lab_batch batches[LAB_NODES_MAX][LAB_BATCHES_MOST];
	unsigned batches_count[LAB_NODES_MAX];
	struct sim_histogram verify_ms, submit_ms;
	/* The auditor's. */
	struct lab_checkpoint checkpoints[LAB_CHECKPOINTS_MOST];
	unsigned checkpoints_count;
};

struct lab_work *lab_work_new(struct lab *lab);
void lab_work_free(struct lab_work *work);
/* Starts the threads. They work while there is trouble; after it they bring what they have begun to an
 * answer. */
void lab_work_start(struct lab_work *work);
/* Waits for their end. */
void lab_work_join(struct lab_work *work);

/* The item that every node offers. */
#define LAB_ITEM "123204000000000013320001000001A"
#define LAB_TYPE "11100000000013338W032"

/* The bytes of a material. */
void lab_material_bytes(const struct lab *lab, const struct lab_material *material, struct tb_buf *out);
/* The number of a certificate in an import. */
void lab_certificate_number(char out[LAB_NUMBER_ROOM], unsigned node, uint64_t serial, unsigned line);
/* The request that hands |kase| in. */
void lab_submit_json(const struct lab *lab, const struct lab_case *kase, struct tb_buf *out);
/* Replaces |out| with a request of one text. */
void lab_json_text(struct tb_buf *out, const char *name, const char *value);

/* work_case.c: one step of one case of |worker|. */
void lab_case_step(struct lab_worker *worker, struct lab_case *kase);
/* Hands in, or again. True once there is an answer that lasts. */
bool lab_case_submit(struct lab_worker *worker, struct lab_case *kase);
