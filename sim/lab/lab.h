/* The lab: a federation of real nodes on this machine, and what is done to it.
 *
 * Three kinds of threads:
 *
 *   main     libuv's loop: proxies, processes, faults
 *   script   what happens one after the other: prepare, trouble, heal, wait, check (script.c)
 *   clients  blocking calls on the nodes' local APIs (work.c)
 *
 * What they share is below, under |lock|; the fields of a node above its mark are set before any thread
 * starts. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"
#include "base/time.h"
#include "sim/lab/options.h"
#include "sim/lab/rules.h"
#include "sim/story.h"

enum { LAB_PATH_ROOM = 400 };

/* Milliseconds on a clock that only goes on. */
typedef int64_t lab_time;
lab_time lab_now(void);
tb_time lab_wall(void);
void lab_sleep(unsigned ms);

enum lab_phase {
	LAB_PHASE_PREPARE, /* nodes start, learn each other's lists */
	LAB_PHASE_TROUBLE,
	LAB_PHASE_HEAL, /* faults have ended; everything must come to rest */
	LAB_PHASE_STOP, /* nodes are told to stop */
};

/* When a client asked, and when it was answered; 0: it was not. */
struct lab_told {
	lab_time sent;
	lab_time answered;
};

struct lab_node {
	unsigned index;
	char code[8];
	const char *name;
	char dir[LAB_PATH_ROOM];
	char socket[LAB_PATH_ROOM]; /* of its local API */
	char log[LAB_PATH_ROOM];    /* its stderr, of all its starts */
	bool small_disk;            /* a file system of its own, in memory, whose size can be changed */

	/* ---- under lab.lock */
	bool up;              /* it listens */
	int port;             /* on which it listens; 0: unknown */
	bool asked_to_stop;   /* the lab told it to */
	lab_time full_until;  /* its disk was full until then; INT64_MAX: it is */
	bool restored;        /* an older store is in place, or is about to be */
	lab_time backup_at;   /* what was acknowledged before is in that store */
	lab_time restored_at; /* what was asked after was asked of that store; INT64_MAX: not started yet */
	unsigned starts;
};

struct lab_counts {
	uint64_t faults[LAB_FAULTS];
	uint64_t cases, closed, acts, acts_refused, proposals, verifications, unknown_asked, certificates,
		materials, repeated, checkpoints, silences, refusals, connections, changed_bytes,
		swallowed_bytes, crashes, excused;
};

struct lab {
	struct lab_options options;
	struct lab_node nodes[LAB_NODES_MAX];
	lab_time began;
	tb_time began_wall;

	pthread_mutex_t lock;
	/* ---- under |lock| */
	enum lab_phase phase;
	bool interrupted; /* by a signal: everything ends at once */
	bool dead;        /* the run has no result: |why| */
	char why[256];
	char crash[256]; /* the first, in words */
	char lag[256];   /* what did not come to rest, in words */
	struct sim_story *story;
	struct lab_rule_count rules[LAB_RULES];
	struct lab_counts counts;
};

enum lab_phase lab_phase(struct lab *lab);
void lab_set_phase(struct lab *lab, enum lab_phase phase);
/* True if the run is to end at once. */
bool lab_over(struct lab *lab);
/* There is no result: the lab itself failed. The first reason is kept. */
void lab_no_result(struct lab *lab, const char *fmt, ...) TB_PRINTF(2, 3);

/* |peer| may be SIM_NOBODY, |number| NULL. Any thread. */
void lab_tell(struct lab *lab, enum sim_story_kind kind, uint32_t node, uint32_t peer, const char *number,
              const char *fmt, ...) TB_PRINTF(6, 7);

/* A rule was looked at and held. Any thread. */
void lab_held(struct lab *lab, enum lab_rule rule);
/* It broke. */
void lab_broke(struct lab *lab, enum lab_rule rule, uint32_t node, const char *number, const char *fmt, ...)
	TB_PRINTF(5, 6);

/* counts.|field| += |n| */
#define LAB_COUNT(lab, field, n)                      \
	do {                                          \
		pthread_mutex_lock(&(lab)->lock);     \
		(lab)->counts.field += (uint64_t)(n); \
		pthread_mutex_unlock(&(lab)->lock);   \
	} while (0)

/* True if an old backup may have undone what was told then. Always false with --no-excuse. */
bool lab_excused(struct lab *lab, const struct lab_node *node, const struct lab_told *told);
bool lab_restored(struct lab *lab, const struct lab_node *node);
/* True if its disk is full or was until a moment ago. */
bool lab_was_full(struct lab *lab, const struct lab_node *node);
