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
 * Reading runs nothing: it checks names, types and order, and says file, line, field and reason. The manual:
 * docs/simulator.md, section 4. */
#pragma once

#include "base/bytes.h"
#include "base/time.h"

/* name, word in the file; what the fields are: scenario_verbs.c */
#define SIM_VERB_MAP(XX)                         \
	XX(SIM_STEP_SUBMIT, "submit")            \
	XX(SIM_STEP_JOINT, "joint")              \
	XX(SIM_STEP_ACT, "act")                  \
	XX(SIM_STEP_VERIFY, "verify")            \
	XX(SIM_STEP_PROPOSE, "propose")          \
	XX(SIM_STEP_SIGN, "sign")                \
	XX(SIM_STEP_END, "end")                  \
	XX(SIM_STEP_OPEN, "open")                \
	XX(SIM_STEP_POST, "post")                \
	XX(SIM_STEP_CRASH, "crash")              \
	XX(SIM_STEP_POWER_LOSS, "power-loss")    \
	XX(SIM_STEP_PAUSE, "pause")              \
	XX(SIM_STEP_START, "start")              \
	XX(SIM_STEP_BACKUP, "backup")            \
	XX(SIM_STEP_RESTORE, "restore")          \
	XX(SIM_STEP_UPGRADE, "upgrade")          \
	XX(SIM_STEP_CLOCK, "clock")              \
	XX(SIM_STEP_DISK, "disk")                \
	XX(SIM_STEP_ROT, "rot")                  \
	XX(SIM_STEP_CUT, "cut")                  \
	XX(SIM_STEP_SLOW, "slow")                \
	XX(SIM_STEP_LOSE, "lose")                \
	XX(SIM_STEP_SPLIT, "split")              \
	XX(SIM_STEP_HEAL, "heal")                \
	XX(SIM_STEP_HOSTILE, "hostile")          \
	XX(SIM_EXPECT_CASE, "case-is")           \
	XX(SIM_EXPECT_DISPUTED, "disputed")      \
	XX(SIM_EXPECT_LIMIT, "limit")            \
	XX(SIM_EXPECT_REFUSED, "refused")        \
	XX(SIM_EXPECT_AGREEMENT, "agreement-is") \
	XX(SIM_EXPECT_MATTER, "matter-is")       \
	XX(SIM_EXPECT_MARK, "mark")              \
	XX(SIM_EXPECT_QUIET, "quiet")

enum sim_verb {
#define XX(name, word) name,
	SIM_VERB_MAP(XX)
#undef XX
		SIM_VERBS
};

/* Which fields a verb fills its row says; the others are 0, NULL, or SIM_NOWHERE. */
struct sim_step {
	tb_time at;
	unsigned line; /* of the file */
	enum sim_verb verb;
	uint32_t node; /* index into the scenario's nodes */
	uint32_t peer;
	uint32_t case_label; /* index into the scenario's cases; of a joint one, its parts follow it */
	uint32_t agreement;  /* index into its agreements */
	uint32_t matter;     /* index into its matters */
	const char *word;
	const char *side; /* "window" or "home"; of a matter its outcome */
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

/* Names that a story gives to what happens in it, in the order in which it does. */
struct sim_labels {
	const char **names;
	size_t count;
	size_t room;
};

/* Everything lives in the arena. */
struct sim_scenario {
	struct tb_arena arena;
	const char *file; /* its name, for messages */
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
	bool grants_all;         /* no grants were told */
	struct sim_labels cases; /* the parts of joint case L are L.1, L.2 ... */
	struct sim_labels agreements;
	struct sim_labels matters;
	struct sim_step *steps; /* in the order of their times */
	size_t steps_count;
	struct sim_step *expects; /* the same */
	size_t expects_count;
};

/* Parts of a joint case, parties of an agreement. */
enum { SIM_SCENARIO_GROUP_MAX = 16 };
enum { SIM_SCENARIO_NODES_MAX = 3000, SIM_SCENARIO_STEPS_MAX = 10000, SIM_SCENARIO_GRANTS_MAX = 100000 };

/* Reads |yaml|; |name| is for messages. On success *out is new, to be freed; else NULL.
 * TB_EMALFORMED: no YAML. TB_EINVALID: not a scenario; |err| names file, line, verb, field and reason. */
TB_MUST_CHECK enum tb_code sim_scenario_read(struct sim_scenario **out, struct tb_bytes yaml,
                                             const char *name, struct tb_error *err);
void sim_scenario_free(struct sim_scenario *scenario);

const char *sim_verb_word(enum sim_verb verb);
/* What |verb| does, in one sentence, and its fields: "`case`, [`days` number to 365], ...". For the manual.
 */
const char *sim_verb_sentence(enum sim_verb verb);
void sim_verb_fields(struct tb_buf *out, enum sim_verb verb);
bool sim_verb_expects(enum sim_verb verb);
