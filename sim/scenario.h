/* A tester's own story, as a YAML file tells it: nodes, grants, timed steps, expectations.
 *
 *   title: Two cities, one case
 *   teaches: How a case goes from the window to its home region and comes back.
 *   starts: 2026-09-21 09:00            # Beijing time
 *   lasts: 3d
 *   nodes: [620100, 320400]             # or {region: 620100, hostile: forged-receipt}
 *   grants:                             # left out: everybody may do everything with everybody
 *     - {at: 320400, to: 620100, verify: document, cases: true}
 *   steps:
 *     - at: 09:30                       # of the first day; "+1 09:30" the day after; "+20m" after the last
 *       submit: {case: A, window: 620100, home: 320400, material: 3MiB}
 *     - at: +1s
 *       power-loss: {node: 320400, for: 10m}
 *   expect:                             # at the end, or at a time of its own
 *     - case-is: {case: A, node: 620100, state: signed_for}
 *
 * Reading knows nothing of the world: it checks names, types and order, and says file, line and reason. */
#pragma once

#include "base/bytes.h"
#include "base/time.h"

/* name, word in the file */
#define SIM_VERB_MAP(XX)                                                                                     \
	/* case, window: node, home: peer, material: number, bytes; by-hand: flag, stays at the window until \
	 * SEND; originals: originals */                                                                     \
	XX(SIM_STEP_SUBMIT, "submit")                                                                        \
	XX(SIM_STEP_ACT, "act") /* case, event: word, side: side, reason: text, days or grade: number */     \
	XX(SIM_STEP_VERIFY, "verify")         /* from: node, to: peer, times: number */                      \
	XX(SIM_STEP_CRASH, "crash")           /* node, for: span; 0: until start */                          \
	XX(SIM_STEP_POWER_LOSS, "power-loss") /* the same */                                                 \
	XX(SIM_STEP_PAUSE, "pause")           /* the same */                                                 \
	XX(SIM_STEP_START, "start")           /* node */                                                     \
	XX(SIM_STEP_BACKUP, "backup")         /* node */                                                     \
	XX(SIM_STEP_RESTORE, "restore")       /* node */                                                     \
	XX(SIM_STEP_UPGRADE, "upgrade")       /* node */                                                     \
	XX(SIM_STEP_CLOCK, "clock")           /* node, step: span, drift-ppm: number */                      \
	XX(SIM_STEP_DISK, "disk")             /* node, is: word, for: span */                                \
	XX(SIM_STEP_ROT, "rot")               /* node, file: text */                                         \
	XX(SIM_STEP_CUT, "cut")               /* from: node, to: peer, one-way: flag, for: span */           \
	XX(SIM_STEP_SLOW, "slow")             /* from: node, to: peer, one-way, by: delay, for: span */      \
	XX(SIM_STEP_LOSE, "lose")       /* from: node, to: peer, one-way, percent: number, for: span */      \
	XX(SIM_STEP_SPLIT, "split")     /* nodes: group, from all others; for: span */                       \
	XX(SIM_STEP_HEAL, "heal")       /* all links and disks are well, all nodes run */                    \
	XX(SIM_STEP_HOSTILE, "hostile") /* node, peer, does: word */                                         \
	XX(SIM_EXPECT_CASE, "case-is")  /* case, node, state: word */                                        \
	XX(SIM_EXPECT_MARK, "mark")     /* name: word, times: number */                                      \
	XX(SIM_EXPECT_QUIET, "quiet")   /* no outbox holds anything */

enum sim_verb {
#define XX(name, word) name,
	SIM_VERB_MAP(XX)
#undef XX
		SIM_VERBS
};

/* Which fields a verb fills is said above; the others are 0, NULL, or SIM_NOWHERE. */
struct sim_step {
	tb_time at;
	unsigned line; /* of the file */
	enum sim_verb verb;
	uint32_t node; /* index into the scenario's nodes */
	uint32_t peer;
	uint32_t case_label; /* index into the scenario's cases */
	const char *word;
	const char *side; /* "window" or "home" */
	const char *text;
	int64_t number;
	tb_time span;
	tb_time delay;
	bool flag;
	bool originals;
	const uint32_t *group; /* node indices */
	size_t group_count;
};
#define SIM_NOWHERE UINT32_MAX

struct sim_scenario_node {
	const char *region;  /* six digits */
	const char *hostile; /* what it does to others; NULL: honest */
};

struct sim_scenario_grant {
	uint32_t at;        /* whose grant */
	uint32_t to;        /* who may */
	const char *verify; /* "none", "status", "match", "document" */
	bool cases;
};

/* Everything lives in the arena. */
struct sim_scenario {
	struct tb_arena arena;
	const char *title;
	const char *teaches; /* "" if it was left out */
	const char *preset;  /* faults besides those told; "calm" if it was left out */
	uint64_t seed;       /* 1 if it was left out */
	tb_time starts;
	tb_time lasts;
	struct sim_scenario_node *nodes;
	size_t nodes_count;
	struct sim_scenario_grant *grants;
	size_t grants_count;
	bool grants_all;    /* no grants were told */
	const char **cases; /* labels, in the order of their submit steps */
	size_t cases_count;
	struct sim_step *steps; /* in the order of their times */
	size_t steps_count;
	struct sim_step *expects; /* the same */
	size_t expects_count;
};

enum { SIM_SCENARIO_NODES_MAX = 3000, SIM_SCENARIO_STEPS_MAX = 10000, SIM_SCENARIO_GRANTS_MAX = 100000 };

/* Reads |yaml|; |name| is for messages. On success *out is new, to be freed; else NULL.
 * TB_EMALFORMED: no YAML. TB_EINVALID: not a scenario; |err| names file, line and reason. */
TB_MUST_CHECK enum tb_code sim_scenario_read(struct sim_scenario **out, struct tb_bytes yaml,
                                             const char *name, struct tb_error *err);
void sim_scenario_free(struct sim_scenario *scenario);

const char *sim_verb_word(enum sim_verb verb);
